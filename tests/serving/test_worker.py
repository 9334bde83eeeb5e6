"""The thread that runs jobs for coroutines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from gradproof_server.serving.worker import Worker

SOON = 20.0


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker that runs."""
    worker = Worker("test")
    worker.start()
    yield worker
    assert worker.close(SOON)


async def test_results_and_errors_come_back(worker: Worker) -> None:
    """What the job returns or raises is what run() returns or raises, and the thread lives on."""

    def fail() -> None:
        raise SystemExit("no")

    with pytest.raises(SystemExit, match="no"):
        await worker.run(fail)
    assert await worker.run(lambda: threading.current_thread().name) == "test"


async def test_jobs_run_one_after_the_other_in_their_order(worker: Worker) -> None:
    """A job that is submitted later runs later, also where nobody waits for it."""
    order: list[int] = []
    release = threading.Event()
    first = asyncio.ensure_future(worker.run(lambda: release.wait(SOON)))
    await asyncio.sleep(0)
    worker.submit(lambda: order.append(1))
    second = asyncio.ensure_future(worker.run(lambda: order.append(2)))
    await asyncio.sleep(0)
    assert order == []
    release.set()
    await asyncio.gather(first, second)
    assert order == [1, 2]


async def test_a_job_whose_caller_is_cancelled_runs_all_the_same(worker: Worker) -> None:
    """Cancelling the coroutine neither ends the thread nor skips what comes next."""
    release, ran = threading.Event(), threading.Event()
    waiting = asyncio.ensure_future(worker.run(lambda: release.wait(SOON)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    worker.submit(ran.set)
    release.set()
    assert await asyncio.to_thread(ran.wait, SOON)


def test_closing_reports_a_job_that_does_not_end() -> None:
    """close() gives up after its time and says so; it succeeds once the job has ended."""
    worker, release = Worker("test"), threading.Event()
    worker.start()
    worker.submit(lambda: release.wait(SOON) and None)
    assert not worker.close(0.01)
    release.set()
    assert worker.close(SOON)


def test_a_worker_that_never_started_can_be_closed() -> None:
    """close() after no start() is no error."""
    assert Worker("test").close(SOON)
