"""What workers write to standard error comes to the front, whatever becomes of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving.workers import faulty
from tests.serving.workers.test_pool import Pool
from tests.support.logged import SOON

pytestmark = pytest.mark.e2e


@pytest.fixture
def pool() -> Iterator[Pool]:
    """One worker."""
    made = Pool(1, 100, faulty.prepare)
    made.pool.start().result(SOON)
    yield made
    assert made.pool.close(SOON)


def test_what_a_worker_writes_is_told_with_its_id(pool: Pool) -> None:
    """After the task, once."""
    pid = int(pool.ask("write:1").result())
    assert int(pool.ask("pid").result()) == pid
    assert int(pool.ask("pid").result()) == pid
    assert pool.seen.texts == [(pid, "a word of warning")]


@pytest.mark.parametrize(("number", "text"), [("SIGSEGV", "Segmentation fault"), ("SIGABRT", "Aborted")])
def test_the_trace_of_a_crash_is_told(pool: Pool, number: str, text: str) -> None:
    """With the lines of Python that ran."""
    assert pool.ask(f"signal:{number}").reason() == "WORKER_CRASHED"
    pool.seen.wait(lambda: bool(pool.seen.ends))
    ((_, told),) = pool.seen.texts
    assert f"Fatal Python error: {text}" in told
    assert "faulty.py" in told


def test_a_worker_that_writes_without_end_waits_for_nobody(pool: Pool) -> None:
    """What the pipe cannot take is lost, and the next task is done as ever."""
    pool.ask("write:100000").result()
    pool.ask("pid").result()
    ((_, told),) = pool.seen.texts
    assert 10_000 < len(told) <= 64 * 1024
    assert pool.ask("write:1").result()
    pool.ask("pid").result()
    assert pool.seen.texts[1][1] == "a word of warning"
