"""The engine's thread: order, admission, stopping and ending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gradproof_server.engine.types import ShouldStop, StoppedError
from gradproof_server.serving.answers import Answer, Task
from gradproof_server.serving.compute import EngineThread, Ticket
from gradproof_server.serving.errors import BusyError, ShuttingDownError

SOON = 20.0  # seconds that no test should need

Make = Callable[..., EngineThread]


@pytest.fixture
def make(held: Any) -> Iterator[Make]:
    """Makes started threads and ends them; they answer by `held` unless another answerer is given."""
    made: list[EngineThread] = []

    def start(answerer: Any = None, *, max_tasks: int = 10, max_bytes: int = 1000) -> EngineThread:
        made.append(EngineThread(answerer or held, lambda: None, max_tasks, max_bytes))
        made[-1].start().result(SOON)
        return made[-1]

    yield start
    for thread in made:
        assert thread.close(SOON)


def task(name: bytes, seconds: float | None = None) -> Task:
    """A task that can be told apart, with so many seconds to its deadline."""
    return Task("ComputeGradients", name, None if seconds is None else time.monotonic() + seconds)


def reason_of(ticket: Ticket) -> str | None:
    """The reason of a ticket's failure, when it is there."""
    failure = ticket.answer.result(SOON).failure
    return None if failure is None else failure.kind.reason


def test_tasks_are_answered_in_order(make: Make, held: Any) -> None:
    """First come, first served, one at a time."""
    thread = make()
    tickets = [thread.submit(task(b"%d" % i)) for i in range(5)]
    held.release.set()
    assert [ticket.answer.result(SOON).response for ticket in tickets] == [b"0", b"1", b"2", b"3", b"4"]
    assert held.requests == [b"0", b"1", b"2", b"3", b"4"]


def test_a_waiting_task_that_is_stopped_never_runs(make: Make, held: Any) -> None:
    """The request is answered CANCELLED at once, and the engine never sees it."""
    thread = make()
    thread.submit(task(b"first"))
    assert held.entered.acquire(timeout=SOON)
    waiting = thread.submit(task(b"second"))
    waiting.stop(StoppedError())
    assert reason_of(waiting) == "CANCELLED"
    assert thread.waiting == 1
    last = thread.submit(task(b"third"))
    held.release.set()
    last.answer.result(SOON)
    assert held.requests == [b"first", b"third"]


def test_a_running_task_that_is_stopped_ends(make: Make, held: Any) -> None:
    """should_stop becomes true for it, and the next task runs."""
    thread = make()
    running = thread.submit(task(b"first"))
    assert held.entered.acquire(timeout=SOON)
    running.stop(StoppedError())
    assert reason_of(running) == "CANCELLED"
    thread.submit(task(b"second"))
    assert held.entered.acquire(timeout=SOON)


def test_the_deadline_stops_a_task_without_anybody_s_help(make: Make, held: Any) -> None:
    """The thread looks at the clock itself."""
    ticket = make().submit(task(b"first", 0.01))
    assert reason_of(ticket) == "DEADLINE_EXCEEDED"
    assert held.stopped.acquire(timeout=SOON)


def test_a_task_whose_deadline_passed_while_it_waited_never_runs(make: Make, held: Any) -> None:
    """It is answered DEADLINE_EXCEEDED when its turn comes."""
    thread = make()
    thread.submit(task(b"first"))
    late = thread.submit(task(b"second", 0.0))
    held.release.set()
    assert reason_of(late) == "DEADLINE_EXCEEDED"
    assert held.requests == [b"first"]


def test_an_answer_that_came_in_spite_of_the_stop_is_kept(make: Make) -> None:
    """A task that ended well is not turned into a failure."""

    def stubborn(task: Task, should_stop: ShouldStop) -> Answer:
        while not should_stop():
            pass
        return Answer(b"done")

    assert make(stubborn).submit(task(b"", 0.01)).answer.result(SOON).response == b"done"


def test_more_tasks_than_allowed_are_refused_until_one_ends(make: Make, held: Any) -> None:
    """The third of two is refused; when one is done there is room again."""
    thread = make(max_tasks=2)
    tickets = [thread.submit(task(b"x")) for _ in range(2)]
    with pytest.raises(BusyError, match="2 calls"):
        thread.submit(task(b"x"))
    held.release.set()
    for ticket in tickets:
        ticket.answer.result(SOON)
    thread.submit(task(b"x")).answer.result(SOON)
    assert thread.waiting == 0


def test_more_bytes_than_allowed_are_refused(make: Make) -> None:
    """Requests are admitted by their bytes too; one alone is always taken."""
    thread = make(max_bytes=100)
    thread.submit(task(b"x" * 101))
    with pytest.raises(BusyError, match="101 bytes"):
        thread.submit(task(b"x"))


def test_an_exception_is_an_answer_and_the_thread_lives_on(make: Make) -> None:
    """Not even SystemExit ends the thread."""

    def failing(task: Task, should_stop: ShouldStop) -> Answer:
        raise SystemExit("secret")

    thread = make(failing)
    assert [reason_of(thread.submit(task(b""))) for _ in range(2)] == ["INTERNAL", "INTERNAL"]


def test_interrupting_answers_all_and_takes_nothing_more(make: Make, held: Any) -> None:
    """What waits and what runs is told SHUTTING_DOWN; further tasks are refused."""
    thread = make()
    tickets = [thread.submit(task(b"x")) for _ in range(3)]
    assert held.entered.acquire(timeout=SOON)
    thread.interrupt()
    assert [reason_of(ticket) for ticket in tickets] == ["SHUTTING_DOWN"] * 3
    assert len(held.requests) == 1
    with pytest.raises(ShuttingDownError):
        thread.submit(task(b"x"))


def test_closing_reports_a_computation_that_does_not_end(make: Make) -> None:
    """close() gives up after its time and says so; it succeeds once the computation has ended."""
    entered, release = threading.Event(), threading.Event()

    def deaf(task: Task, should_stop: ShouldStop) -> Answer:
        entered.set()
        release.wait(SOON)
        return Answer()

    thread = make(deaf)
    thread.submit(task(b""))
    assert entered.wait(SOON)
    assert not thread.close(0.01)
    release.set()
    assert thread.close(SOON)


def test_a_failed_preparation_fails_the_start() -> None:
    """The future of start() raises what the preparation raised, and the thread is gone."""

    def fail() -> None:
        raise OSError("no device")

    thread = EngineThread(lambda task, should_stop: Answer(), fail, 1, 1)
    with pytest.raises(OSError, match="no device"):
        thread.start().result(SOON)
    assert thread.close(SOON)


def test_a_thread_that_never_started_can_be_closed() -> None:
    """close() after no start() is no error."""
    assert EngineThread(lambda task, should_stop: Answer(), lambda: None, 1, 1).close(SOON)


def test_the_time_in_the_queue_ends_when_the_task_begins(make: Make, held: Any) -> None:
    """queue_seconds grows while a task waits and stands still afterwards."""
    thread = make()
    first, second = (thread.submit(task(b"x")) for _ in range(2))
    assert held.entered.acquire(timeout=SOON)
    waited = first.queue_seconds
    before = second.queue_seconds
    while time.monotonic() - second.submitted < 0.02:
        pass
    assert second.queue_seconds > before
    assert first.queue_seconds == waited
    held.release.set()
