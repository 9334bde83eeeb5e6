"""The engine's thread: order, admission, stopping and ending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from gradproof_server.engine.types import StoppedError
from gradproof_server.serving.admission import Bounds, FairQueue, Quotas
from gradproof_server.serving.compute import Job, ThreadExecutor
from gradproof_server.serving.errors import BusyError, ShuttingDownError
from gradproof_server.serving.methods import Task, TaskContext, TaskResult

SOON = 20.0  # seconds that no test should need

Make = Callable[..., ThreadExecutor]


def queue(max_tasks: int = 1, max_bytes: int = 1) -> FairQueue[Job]:
    """A queue with the same bounds for all callers and for each."""
    bounds = Bounds(max_tasks, max_bytes)
    return FairQueue(Quotas(bounds, bounds))


@pytest.fixture
def make(held: Any) -> Iterator[Make]:
    """Makes started threads and ends them; they answer by `held` unless another answerer is given."""
    made: list[ThreadExecutor] = []

    def start(answerer: Any = None, *, max_tasks: int = 10, max_bytes: int = 1000) -> ThreadExecutor:
        made.append(ThreadExecutor(answerer or held, lambda: None, queue(max_tasks, max_bytes)))
        made[-1].start().result(SOON)
        return made[-1]

    yield start
    for thread in made:
        assert thread.close(SOON)


def task(name: bytes, seconds: float | None = None) -> Task:
    """A task that can be told apart, with so many seconds to its deadline."""
    return Task("ComputeGradients", name, None if seconds is None else time.monotonic() + seconds)


class Asked:
    """A task that was submitted, with its answer when it is there."""

    def __init__(self, thread: ThreadExecutor, task: Task) -> None:
        self.answer: Future[TaskResult] = Future()
        self.ticket = thread.submit(task, self.answer.set_result)

    def result(self) -> TaskResult:
        """The answer."""
        return self.answer.result(SOON)

    def reason(self) -> str | None:
        """The reason of the failure, if it is one."""
        failure = self.result().failure
        return None if failure is None else failure.kind.reason


def test_tasks_are_answered_in_order(make: Make, held: Any) -> None:
    """First come, first served, one at a time."""
    thread = make()
    tickets = [Asked(thread, task(b"%d" % i)) for i in range(5)]
    held.release.set()
    assert [ticket.result().response for ticket in tickets] == [b"0", b"1", b"2", b"3", b"4"]
    assert held.requests == [b"0", b"1", b"2", b"3", b"4"]


def test_a_waiting_task_that_is_stopped_never_runs(make: Make, held: Any) -> None:
    """The request is answered CANCELLED at once, and the engine never sees it."""
    thread = make()
    Asked(thread, task(b"first"))
    assert held.entered.acquire(timeout=SOON)
    waiting = Asked(thread, task(b"second"))
    waiting.ticket.stop(StoppedError())
    assert waiting.reason() == "CANCELLED"
    assert thread.pending == 1
    last = Asked(thread, task(b"third"))
    held.release.set()
    last.result()
    assert held.requests == [b"first", b"third"]


def test_a_running_task_that_is_stopped_ends(make: Make, held: Any) -> None:
    """should_stop becomes true for it, and the next task runs."""
    thread = make()
    running = Asked(thread, task(b"first"))
    assert held.entered.acquire(timeout=SOON)
    running.ticket.stop(StoppedError())
    assert running.reason() == "CANCELLED"
    Asked(thread, task(b"second"))
    assert held.entered.acquire(timeout=SOON)


def test_the_deadline_stops_a_task_without_anybody_s_help(make: Make, held: Any) -> None:
    """The thread looks at the clock itself."""
    ticket = Asked(make(), task(b"first", 0.01))
    assert ticket.reason() == "DEADLINE_EXCEEDED"
    assert held.stopped.acquire(timeout=SOON)


def test_a_task_whose_deadline_passed_while_it_waited_never_runs(make: Make, held: Any) -> None:
    """It is answered DEADLINE_EXCEEDED when its turn comes."""
    thread = make()
    Asked(thread, task(b"first"))
    late = Asked(thread, task(b"second", 0.0))
    held.release.set()
    assert late.reason() == "DEADLINE_EXCEEDED"
    assert held.requests == [b"first"]


def test_an_answer_that_came_in_spite_of_the_stop_is_kept(make: Make) -> None:
    """A task that ended well is not turned into a failure."""

    def stubborn(task: Task, front: TaskContext) -> TaskResult:
        while not front.should_stop():
            pass
        return TaskResult(b"done")

    assert Asked(make(stubborn), task(b"", 0.01)).result().response == b"done"


def test_more_tasks_than_allowed_are_refused_until_one_ends(make: Make, held: Any) -> None:
    """The third of two is refused; when one is done there is room again."""
    thread = make(max_tasks=2)
    tickets = [Asked(thread, task(b"x")) for _ in range(2)]
    with pytest.raises(BusyError, match="2 calls"):
        Asked(thread, task(b"x"))
    held.release.set()
    for ticket in tickets:
        ticket.result()
    Asked(thread, task(b"x")).result()
    assert thread.pending == 0


def test_more_bytes_than_allowed_are_refused(make: Make) -> None:
    """Requests are admitted by their bytes too; one alone is always taken."""
    thread = make(max_bytes=100)
    Asked(thread, task(b"x" * 101))
    with pytest.raises(BusyError, match="101 bytes"):
        Asked(thread, task(b"x"))


def test_an_exception_is_an_answer_and_the_thread_lives_on(make: Make) -> None:
    """Not even SystemExit ends the thread."""

    def failing(task: Task, front: TaskContext) -> TaskResult:
        raise SystemExit("secret")

    thread = make(failing)
    assert [Asked(thread, task(b"")).reason() for _ in range(2)] == ["INTERNAL", "INTERNAL"]


def test_interrupting_answers_all_and_takes_nothing_more(make: Make, held: Any) -> None:
    """What waits and what runs is told SHUTTING_DOWN; further tasks are refused."""
    thread = make()
    tickets = [Asked(thread, task(b"x")) for _ in range(3)]
    assert held.entered.acquire(timeout=SOON)
    thread.interrupt()
    assert [ticket.reason() for ticket in tickets] == ["SHUTTING_DOWN"] * 3
    assert len(held.requests) == 1
    with pytest.raises(ShuttingDownError):
        Asked(thread, task(b"x"))


def test_closing_reports_a_computation_that_does_not_end(make: Make) -> None:
    """close() gives up after its time and says so; it succeeds once the computation has ended."""
    entered, release = threading.Event(), threading.Event()

    def deaf(task: Task, front: TaskContext) -> TaskResult:
        entered.set()
        release.wait(SOON)
        return TaskResult()

    thread = make(deaf)
    Asked(thread, task(b""))
    assert entered.wait(SOON)
    assert not thread.close(0.01)
    release.set()
    assert thread.close(SOON)


def test_a_failed_preparation_fails_the_start() -> None:
    """The future of start() raises what the preparation raised, and the thread is gone."""

    def fail() -> None:
        raise OSError("no device")

    thread = ThreadExecutor(lambda task, front: TaskResult(), fail, queue())
    with pytest.raises(OSError, match="no device"):
        thread.start().result(SOON)
    assert thread.close(SOON)


def test_a_thread_that_never_started_can_be_closed() -> None:
    """close() after no start() is no error."""
    assert ThreadExecutor(lambda task, front: TaskResult(), lambda: None, queue()).close(SOON)


def test_the_time_in_the_queue_ends_when_the_task_begins(make: Make, held: Any) -> None:
    """queue_seconds grows while a task waits and stands still afterwards."""
    thread = make()
    first, second = (Asked(thread, task(b"x")) for _ in range(2))
    assert held.entered.acquire(timeout=SOON)
    waited = first.ticket.queue_seconds
    before = second.ticket.queue_seconds
    while time.monotonic() - second.ticket.submitted < 0.02:
        pass
    assert second.ticket.queue_seconds > before
    assert first.ticket.queue_seconds == waited
    held.release.set()
