"""The pool: answers, stops and replaces, with real processes and answerers with faults."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from gradproof_server.engine.types import Cost, StoppedError
from gradproof_server.serving.admission import Bounds, FairQueue, Quotas
from gradproof_server.serving.compute import Job
from gradproof_server.serving.errors import ShuttingDownError
from gradproof_server.serving.methods import StreamMessage, Task, TaskResult
from gradproof_server.serving.workers.budget import Budget
from gradproof_server.serving.workers.child import Preparation
from gradproof_server.serving.workers.link import INLINE_BYTES
from gradproof_server.serving.workers.pool import Plan, WorkerPool
from gradproof_server.serving.workers.process import WorkerProcess, WorkerStartError
from gradproof_server.serving.workers.protocol import Ping

from tests.serving.workers import faulty

pytestmark = pytest.mark.e2e

SOON = 60.0
PLENTY = Bounds(1000, 1 << 40)


class Seen:
    """What a pool told its watcher."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.stops: list[float] = []
        self.errors: list[str] = []
        self.texts: list[tuple[int, str]] = []
        self.news = threading.Condition()

    def worker_ended(self, reason: str) -> None:
        """A worker ended."""
        self._note(self.ends, reason)

    def worker_wrote(self, pid: int, text: str) -> None:
        """A worker wrote to standard error."""
        self._note(self.texts, (pid, text))

    def computation_stopped(self, seconds: float) -> None:
        """A computation stopped."""
        self._note(self.stops, seconds)

    def worker_not_started(self, error: str) -> None:
        """A worker was not started."""
        self._note(self.errors, error)

    def _note(self, notes: list[Any], value: object) -> None:
        with self.news:
            notes.append(value)
            self.news.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        """Waits until it was told enough."""
        with self.news:
            assert self.news.wait_for(condition, SOON), (self.ends, self.stops, self.errors)


class Pool:
    """A pool with its watcher."""

    def __init__(self, workers: int, memory: int, prepare: Callable[[], None], stop_seconds: float = 0.05) -> None:
        self.seen = Seen()
        plan = Plan(workers, (), Preparation(1, None, prepare), stop_seconds)
        queue: FairQueue[Job] = FairQueue(Quotas(PLENTY, PLENTY))
        self.pool = WorkerPool(faulty.answer, plan, queue, Budget(Cost(memory, 1)), self.seen)

    def ask(self, request: str | bytes, seconds: float | None = None) -> Asked:
        """Submits a task."""
        return Asked(self.pool, request.encode() if isinstance(request, str) else request, seconds)


class Asked:
    """A task that was submitted, with its answer when it is there."""

    def __init__(self, pool: WorkerPool, request: bytes, seconds: float | None) -> None:
        deadline = None if seconds is None else time.monotonic() + seconds
        self.parts: list[StreamMessage] = []
        self._part_came = threading.Condition()
        self._answer: Future[TaskResult] = Future()
        task = Task("ComputeGradients", request, deadline)
        self.ticket = pool.submit(task, self._answer.set_result, self._take)

    def _take(self, part: StreamMessage) -> None:
        with self._part_came:
            self.parts.append(part)
            self._part_came.notify_all()

    def wait_for_parts(self, count: int) -> None:
        """Waits until so many parts have come."""
        with self._part_came:
            assert self._part_came.wait_for(lambda: len(self.parts) >= count, SOON)

    def result(self) -> bytes:
        """The response."""
        answer = self._answer.result(SOON)
        assert answer.failure is None, answer.failure
        return answer.response

    def reason(self) -> str:
        """The reason of the failure."""
        answer = self._answer.result(SOON)
        assert answer.failure is not None
        return answer.failure.kind.reason


Make = Callable[..., Pool]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes pools that have started, and ends them."""
    made: list[Pool] = []

    def start(workers: int = 1, *, memory: int = 100, stop_seconds: float = SOON) -> Pool:
        made.append(Pool(workers, memory, faulty.prepare, stop_seconds))
        made[-1].pool.start().result(SOON)
        return made[-1]

    yield start
    for pool in made:
        assert pool.pool.close(SOON)


def begun(path: Path) -> int:
    """Waits until a task has written its process id."""
    until = time.monotonic() + SOON
    while not path.exists() or not path.read_text():
        assert time.monotonic() < until, "the task did not begin"
        threading.Event().wait(0.002)
    return int(path.read_text())


def gone(pid: int) -> bool:
    """Waits until there is no such process; one that is dead with all of its threads is gone, asked for or not."""
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            return True
        if state == "Z" and threads == [str(pid)]:
            return True
        threading.Event().wait(0.002)
    return False


def test_tasks_are_answered_by_other_processes(make: Make) -> None:
    """Small and large payloads come back as they were sent, from processes that are not this one."""
    pool = make(2)
    payloads = [b"", b"x", os.urandom(INLINE_BYTES + 1), os.urandom(5 * INLINE_BYTES)]
    assert [asked.result() for asked in [pool.ask(payload) for payload in payloads]] == payloads
    assert len(pool.ask(f"large:{3 * INLINE_BYTES}").result()) == 3 * INLINE_BYTES
    assert int(pool.ask("pid").result()) != os.getpid()


def test_several_workers_work_at_one_time(make: Make, tmp_path: Path) -> None:
    """Two tasks that do not end run in two processes."""
    pool = make(2)
    asked = [pool.ask(f"work:{tmp_path / name}") for name in "ab"]
    assert begun(tmp_path / "a") != begun(tmp_path / "b")
    assert [state.state for state in pool.pool.states()] == ["busy", "busy"]
    for one in asked:
        one.ticket.stop(StoppedError())


def test_parts_of_a_stream_come_in_order_before_the_answer(make: Make) -> None:
    """Each part arrives once, as it was sent."""
    asked = make().ask("parts:50")
    assert asked.result() == b""
    assert [part.response for part in asked.parts] == [b"%d" % i * 1000 for i in range(50)]
    assert [part.passing for part in asked.parts] == [bool(i % 2) for i in range(50)]


def test_a_task_can_talk_with_its_caller(make: Make) -> None:
    """Each question is answered before the next one; what is large comes as it was said."""
    pool = make()
    answers = [b"one", os.urandom(2 * INLINE_BYTES), b""]
    asked = pool.ask("talk:3")
    for number, answer in enumerate(answers):
        asked.wait_for_parts(number + 1)
        asked.ticket.say(answer)
    assert asked.result() == b" ".join(answers)
    assert all(part.asks for part in asked.parts)


def test_a_process_that_hangs_does_not_hold_up_who_talks_to_it(make: Make, tmp_path: Path) -> None:
    """What is said to a stopped process, at the size that is sent inline, returns at once."""
    pool = make(stop_seconds=0.05)
    asked = pool.ask("talk:2")
    asked.wait_for_parts(1)
    os.kill(int(pool.pool.states()[0].pid or 0), signal.SIGSTOP)
    for _ in range(3):
        asked.ticket.say(bytes(INLINE_BYTES))
    asked.ticket.stop(StoppedError())
    assert pool.ask("next").result() == b"next"


def test_a_task_that_waits_for_its_caller_can_be_stopped(make: Make) -> None:
    """Its process goes on to the next task, which hears nothing of what comes late."""
    pool = make()
    pid = pool.ask("pid").result()
    asked = pool.ask("talk:1")
    asked.wait_for_parts(1)
    asked.ticket.stop(StoppedError())
    assert asked.reason() == "CANCELLED"
    asked.ticket.say(b"late")
    other = pool.ask("talk:1")
    other.wait_for_parts(1)
    asked.ticket.say(b"later")
    other.ticket.say(b"mine")
    assert other.result() == b"mine"
    assert pool.ask("pid").result() == pid


def test_a_computation_that_listens_is_stopped_and_its_process_goes_on(make: Make, tmp_path: Path) -> None:
    """The caller is answered at once; the same process does the next task."""
    pool = make()
    asked = pool.ask(f"work:{tmp_path / 'pid'}")
    pid = begun(tmp_path / "pid")
    asked.ticket.stop(StoppedError())
    assert asked.reason() == "CANCELLED"
    assert int(pool.ask("pid").result()) == pid
    pool.seen.wait(lambda: len(pool.seen.stops) == 1)
    assert pool.seen.ends == []


@pytest.mark.parametrize("deed", ["hang", "hang_in_c", "parts"])
def test_a_computation_that_does_not_listen_loses_its_process(make: Make, deed: str) -> None:
    """Not even one that holds the interpreter's lock, or that sends parts without end, keeps its place."""
    pool = make(stop_seconds=0.05)
    before = int(pool.ask("pid").result())
    asked = pool.ask(deed, seconds=0.1)
    assert asked.reason() == "DEADLINE_EXCEEDED"
    assert int(pool.ask("pid").result()) != before
    assert gone(before)
    assert pool.seen.ends == ["stopped"]


@pytest.mark.parametrize("deed", ["hang_in_c", "work", "half"])
def test_a_process_that_says_nothing_any_more_is_replaced(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    """Without any deadline: one that holds the interpreter's lock, and one that the kernel has stopped, also in the
    middle of what it says."""
    monkeypatch.setattr("gradproof_server.serving.workers.process._QUIET_SECONDS", 0.05)
    monkeypatch.setattr("gradproof_server.serving.workers.process._HUNG_SECONDS", 0.5)
    monkeypatch.setattr("gradproof_server.serving.workers.process._MESSAGE_SECONDS", 1)
    pool = make()
    asked = pool.ask(f"{deed}:{tmp_path / 'pid'}")
    os.kill(begun(tmp_path / "pid"), signal.SIGSTOP)
    assert asked.reason() == "WORKER_DIED"
    assert pool.ask("next").result() == b"next"
    assert pool.seen.ends == ["hung"]


def test_a_process_that_computes_and_listens_is_left_alone(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is asked whether it is there; and a task that waits for its caller is asked in vain."""
    monkeypatch.setattr("gradproof_server.serving.workers.process._QUIET_SECONDS", 0.001)
    pool = make()
    asked, talking = pool.ask(f"work:{tmp_path / 'pid'}", seconds=0.3), pool.ask("talk:1")
    assert asked.reason() == "DEADLINE_EXCEEDED"
    talking.wait_for_parts(1)
    talking.ticket.say(b"said")
    assert talking.result() == b"said"
    assert pool.seen.ends == []


def test_what_a_process_says_late_is_no_sign_of_its_death() -> None:
    """It was asked whether it is there, and said so when its task was over already."""
    process = WorkerProcess(Preparation(1, None, faulty.prepare), SOON, Budget(Cost(1, 1)))
    try:
        process.wait_until_ready()
        process._link.send(Ping())
        assert process._link.connection.poll(SOON)
        assert process.alive
        os.kill(process.pid, signal.SIGKILL)
        assert gone(process.pid)
        assert not process.alive
    finally:
        process.close()


def test_a_stopped_process_is_ended_too(make: Make, tmp_path: Path) -> None:
    """A process that the kernel has stopped answers nothing, and is replaced."""
    pool = make(stop_seconds=0.05)
    asked = pool.ask(f"work:{tmp_path / 'pid'}")
    pid = begun(tmp_path / "pid")
    os.kill(pid, signal.SIGSTOP)
    asked.ticket.stop(StoppedError())
    assert int(pool.ask("pid").result()) != pid
    assert gone(pid)


@pytest.mark.parametrize(
    ("request_text", "reason", "end"),
    [
        ("signal:SIGKILL", "WORKER_DIED", "died"),
        ("signal:SIGTERM", "WORKER_DIED", "died"),
        ("signal:SIGSEGV", "WORKER_CRASHED", "crashed"),
        ("signal:SIGABRT", "WORKER_CRASHED", "crashed"),
        ("exit:1", "WORKER_CRASHED", "crashed"),
        ("exit:0", "WORKER_CRASHED", "crashed"),
        ("exit:77", "OUT_OF_MEMORY", "memory"),
    ],
)
def test_a_process_that_ends_fails_its_own_task_only(
    make: Make, tmp_path: Path, request_text: str, reason: str, end: str
) -> None:
    """Its caller is told what happened; the neighbour's task runs on, and the place gets a new process."""
    pool = make(2)
    neighbour = pool.ask(f"work:{tmp_path / 'pid'}")
    begun(tmp_path / "pid")
    assert pool.ask(request_text).reason() == reason
    assert pool.ask("next").result() == b"next"
    assert pool.seen.ends == [end]
    assert neighbour.ticket.stopped is None
    neighbour.ticket.stop(StoppedError())
    assert neighbour.reason() == "CANCELLED"


def test_a_process_killed_by_the_kernel_for_its_memory_is_told_so(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the container's count of such kills has grown, SIGKILL means that memory ran out."""
    kills = iter([0, 0, 1])
    monkeypatch.setattr("gradproof_server.serving.workers.process.out_of_memory_kills", lambda: next(kills, 1))
    pool = make()
    assert pool.ask("signal:SIGKILL").reason() == "OUT_OF_MEMORY"
    pool.seen.wait(lambda: pool.seen.ends == ["memory"])


@pytest.mark.parametrize(
    ("name", "reason"), [("SystemExit", "INTERNAL"), ("KeyError", "INTERNAL"), ("MemoryError", "OUT_OF_MEMORY")]
)
def test_an_exception_is_an_answer_and_the_process_goes_on(make: Make, name: str, reason: str) -> None:
    """Whatever it was."""
    pool = make()
    pid = pool.ask("pid").result()
    assert pool.ask(f"raise:{name}").reason() == reason
    assert pool.ask("pid").result() == pid


def test_a_process_that_dies_with_nothing_to_do_fails_nothing(make: Make) -> None:
    """The next task is done by another one."""
    pool = make()
    pid = int(pool.ask("pid").result())
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert int(pool.ask("pid").result()) != pid
    assert pool.seen.ends == ["died"]


def test_processes_that_die_again_and_again_are_replaced(make: Make) -> None:
    """Twenty in a row; descriptors of this process do not pile up."""
    pool = make()
    pool.ask("signal:SIGKILL").reason()
    pool.ask("pid").result()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        assert pool.ask("signal:SIGKILL").reason() == "WORKER_DIED"
    pool.ask("pid").result()
    assert pool.pool.states()[0].restarts == 21
    assert len(os.listdir("/proc/self/fd")) <= before + 8  # a spare may be on its way


def test_what_does_not_fit_the_budget_waits_for_room(make: Make, tmp_path: Path) -> None:
    """Of two problems that take more than half each, the second begins when the first has ended."""
    pool = make(2, memory=100)
    first = pool.ask(f"reserve:60,{tmp_path / 'first'}")
    begun(tmp_path / "first")
    second = pool.ask(f"reserve:60,{tmp_path / 'second'}")
    small = pool.ask("small")
    assert second.ticket.started is None or not (tmp_path / "second").exists()
    first.ticket.stop(StoppedError())
    begun(tmp_path / "second")
    second.ticket.stop(StoppedError())
    assert small.result() == b"small"


def test_a_problem_that_waits_for_room_can_be_stopped(make: Make, tmp_path: Path) -> None:
    """Its process goes on to the next task, and what it asked for is forgotten."""
    pool = make(2, memory=100)
    first = pool.ask(f"reserve:100,{tmp_path / 'first'}")
    begun(tmp_path / "first")
    assert pool.ask("reserve:100", seconds=0.1).reason() == "DEADLINE_EXCEEDED"
    assert pool.ask("next").result() == b"next"
    first.ticket.stop(StoppedError())
    third = pool.ask(f"reserve:100,{tmp_path / 'third'}")
    begun(tmp_path / "third")
    third.ticket.stop(StoppedError())
    assert pool.seen.ends == []


def test_the_room_of_a_process_that_died_is_free_again(make: Make, tmp_path: Path) -> None:
    """A lost worker gives its lease back."""
    pool = make(1, memory=100)
    first = pool.ask(f"reserve:100,{tmp_path / 'first'}")
    os.kill(begun(tmp_path / "first"), signal.SIGKILL)
    assert first.reason() == "WORKER_DIED"
    second = pool.ask(f"reserve:100,{tmp_path / 'second'}")
    begun(tmp_path / "second")
    second.ticket.stop(StoppedError())


def test_interrupting_tells_all_and_closing_ends_all_processes(tmp_path: Path) -> None:
    """What runs, even if it hangs, and what waits is told SHUTTING_DOWN; no process is left."""
    pool = Pool(2, 100, faulty.prepare)
    pool.pool.start().result(SOON)
    asked = [pool.ask(f"hang_in_c:{tmp_path / name}") for name in "abcd"]
    pids = [begun(tmp_path / name) for name in "ab"]
    pool.pool.interrupt()
    assert [one.reason() for one in asked] == ["SHUTTING_DOWN"] * 4
    with pytest.raises(ShuttingDownError):
        pool.ask("more")
    assert pool.pool.close(SOON)
    assert all(gone(pid) for pid in pids)


@pytest.mark.parametrize(("prepare", "text"), [(faulty.fail, "no device"), (faulty.die, "status 3")])
def test_a_worker_that_cannot_be_prepared_fails_the_start(prepare: Callable[[], None], text: str) -> None:
    """The future of start() says why, and the pool can be closed."""
    pool = Pool(2, 100, prepare)
    with pytest.raises(WorkerStartError, match=text):
        pool.pool.start().result(SOON)
    assert pool.pool.close(SOON)


def test_a_pool_that_never_started_can_be_closed() -> None:
    """close() after no start() is no error."""
    assert Pool(1, 1, faulty.prepare).pool.close(SOON)
