"""Computing elsewhere than on the event loop: tasks go in, wait their turn, and come out as answers.

The engine changes global state of PyTorch while it runs (seed, deterministic algorithms), so one thread of a process
does all of it. Tasks and answers are bytes and frozen data: a pool of processes (`workers`) answers them for a server,
a thread for a server that is embedded in a program of others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Protocol

from gradproof_server.engine.types import Cost, StoppedError
from gradproof_server.serving.admission import FairQueue
from gradproof_server.serving.errors import DeadlineExceededError, ShuttingDownError, kind_of
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.methods import SendMessage, StreamMessage, Task, TaskHandler, TaskResult, no_messages

_STOPPED = kind_of(StoppedError())


def _nobody() -> None:
    """For tickets whose end nobody needs to be told."""


class Job:
    """A task that waits, runs or is over; for a task that is done in this process, its `TaskContext`.

    Args:
        task: what to do.
        done: gets the answer, once, on any thread; when the task is stopped, at once.
        part: gets the parts of an answer that is a stream, on any thread, all of them before the answer.
        over: called when the task neither waits nor runs any more, which can be later than its answer.
    """

    def __init__(
        self, task: Task, done: Callable[[TaskResult], None], part: SendMessage, over: Callable[[Job], None]
    ) -> None:
        self.method, self.deadline = task.method, task.deadline
        self.submitted = time.monotonic()
        self.started: float | None = None
        self.stopped: float | None = None
        self._task: Task | None = task
        self._done: Callable[[TaskResult], None] | None = done
        self._part = part
        self._over = over
        self._said: SimpleQueue[bytes | None] = SimpleQueue()  # None: it is over
        self._on_stop: Callable[[], None] = _nobody
        self._on_say: Callable[[bytes], None] = self._said.put
        self._why: Exception | None = None
        self._lock = threading.Lock()

    def stop(self, why: Exception) -> None:
        """Ends the task: one that waits never runs, one that runs ends soon. Its answer is the failure, at once."""
        with self._lock:
            first = self._why is None
            self._why = self._why or why
            waited, self._task = self._task is not None, None
        if first:
            self.stopped = time.monotonic()
        self._deliver(TaskResult(failure=error_to_failure(self._why)))
        if waited:
            self._over(self)
        else:
            self._said.put(None)
            self._on_stop()

    def should_stop(self) -> bool:
        """Whether nobody waits for the answer any more."""
        if self._why is None and self.deadline is not None and time.monotonic() >= self.deadline:
            self._why = DeadlineExceededError("the deadline passed; the computation was stopped")
            self.stopped = self.deadline
        return self._why is not None

    def send(self, part: StreamMessage) -> None:
        """Passes a part of the answer on; never waits for whoever reads it. After the answer it does nothing."""
        with self._lock:
            if self._done is not None:
                self._part(part)

    def reserve(self, _cost: Cost) -> None:
        """In this process one task is done at a time: there is always room."""

    def say(self, answer: bytes) -> None:
        """Passes on what the caller answers to the last part, which asked for it."""
        self._on_say(answer)

    def hear(self) -> bytes:
        """What was said last; waits for it. Raises StoppedError."""
        patience = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
        try:
            said = self._said.get(timeout=patience)
        except Empty:
            said = None
        if self.should_stop() or said is None:
            raise StoppedError("the caller does not wait any more")
        return said

    @property
    def queue_seconds(self) -> float:
        """How long the task waited, or has waited so far."""
        return (self.started or time.monotonic()) - self.submitted

    def begin(
        self, on_stop: Callable[[], None] = _nobody, on_say: Callable[[bytes], None] | None = None
    ) -> Task | None:
        """The task, which runs from now on and must come to its `end`; None where it was stopped before, or its
        deadline is over.

        `on_stop` is called when the task is stopped while it runs, `on_say` with what is said to it, on any thread.
        """
        with self._lock:
            task, self._task = self._task, None
            if task is None:
                return None
            self._on_stop = on_stop
            self._on_say = on_say or self._on_say
        self.started = time.monotonic()
        if not self.should_stop():
            return task
        self.end(TaskResult(failure=error_to_failure(StoppedError("stopped before it began"))))
        return None

    def end(self, answer: TaskResult) -> None:
        """The running task is over, with this answer."""
        if self._why is not None and answer.failure is not None and answer.failure.kind == _STOPPED:
            answer = replace(answer, failure=error_to_failure(self._why))
        self._on_stop, self._on_say = _nobody, self._said.put  # the process may do another task now
        self._deliver(answer)
        self._over(self)

    def _deliver(self, answer: TaskResult) -> None:
        with self._lock:
            done, self._done = self._done, None  # a cycle of references would keep the answer until a collection
        if done is not None:
            done(answer)


class Executor(Protocol):
    """Something that answers tasks elsewhere than on the event loop."""

    def start(self) -> Future[None]:
        """Makes it ready; the future says when it is, or why it cannot be."""

    def submit(self, task: Task, done: Callable[[TaskResult], None], part: SendMessage = no_messages) -> Job:
        """Takes a task; `done` gets its answer, `part` what comes before it, on any thread and without waiting.

        Raises BusyError, QuotaExceededError, ShuttingDownError.
        """

    def interrupt(self) -> None:
        """Stops all that waits and runs, and takes nothing any more. The callers are told SHUTTING_DOWN."""

    def close(self, seconds: float) -> bool:
        """Interrupts and frees everything; False if a computation still runs after so many seconds."""

    @property
    def pending(self) -> int:
        """Tasks that wait or run."""

    @property
    def waiting(self) -> int:
        """Tasks that wait."""

    def waiting_by_caller(self) -> dict[str, int]:
        """How many tasks of each caller wait."""


class Queued:
    """The half of a `Executor` that is its queue.

    Args:
        queue: where tasks wait.
    """

    def __init__(self, queue: FairQueue[Job]) -> None:
        self._queue = queue

    def submit(self, task: Task, done: Callable[[TaskResult], None], part: SendMessage = no_messages) -> Job:
        """Takes a task; `done` gets its answer, `part` what comes before it, on any thread and without waiting."""
        ticket = Job(task, done, part, self._over)
        self._queue.put(ticket, task.caller, len(task.request))
        return ticket

    def interrupt(self) -> None:
        """Stops all that waits and runs, and takes nothing any more."""
        self._queue.close()
        for ticket in self._queue.live():
            ticket.stop(ShuttingDownError("the server is ending"))

    @property
    def pending(self) -> int:
        """Tasks that wait or run."""
        return self._queue.size

    @property
    def waiting(self) -> int:
        """Tasks that wait."""
        return self._queue.waiting

    def waiting_by_caller(self) -> dict[str, int]:
        """How many tasks of each caller wait."""
        return self._queue.waiting_by_caller()

    def _over(self, ticket: Job) -> None:
        """A task neither waits nor runs any more."""
        self._queue.release(ticket)


def join(threads: Iterable[threading.Thread], seconds: float) -> bool:
    """Waits for those of the threads that were started; False if one still runs after so many seconds."""
    until = time.monotonic() + seconds
    started = [thread for thread in threads if thread.ident is not None]
    for thread in started:
        thread.join(max(0.0, until - time.monotonic()))
    return not any(thread.is_alive() for thread in started)


class ThreadExecutor(Queued):
    """A `Executor` of threads in this process.

    Args:
        answerer: does one task, on the thread that calls it.
        prepare: called once, before the first task.
        queue: where tasks wait.
        count: how many threads.
    """

    def __init__(
        self, answerer: TaskHandler, prepare: Callable[[], None], queue: FairQueue[Job], count: int = 1
    ) -> None:
        super().__init__(queue)
        self._answerer, self._prepare = answerer, prepare
        self._ready: Future[None] = Future()
        # Daemons, because a computation that does not stop must not keep the process from ending.
        first = threading.Thread(target=self._work_first, name="gradproof-engine", daemon=True)
        more = (threading.Thread(target=self._work, name="gradproof-engine", daemon=True) for _ in range(count - 1))
        self._threads = [first, *more]

    def start(self) -> Future[None]:
        """Starts the threads; the future is done when the first is prepared, or raises what the preparation raised."""
        self._ready.set_running_or_notify_cancel()
        self._threads[0].start()
        return self._ready

    def close(self, seconds: float) -> bool:
        """Interrupts and ends the threads; False if one still runs after so many seconds."""
        self.interrupt()
        return join(self._threads, seconds)

    def _work_first(self) -> None:
        try:
            self._prepare()
        except BaseException as error:
            self._ready.set_exception(error)
            return
        for thread in self._threads[1:]:
            thread.start()
        self._ready.set_result(None)
        self._work()

    def _work(self) -> None:
        while (ticket := self._queue.get()) is not None:
            if (task := ticket.begin()) is not None:
                ticket.end(self._answer(task, ticket))
            del ticket, task  # an idle thread holds no request and no response

    def _answer(self, task: Task, ticket: Job) -> TaskResult:
        try:
            return self._answerer(task, ticket)
        except BaseException as error:  # the thread must live on, whatever it was
            return TaskResult(failure=error_to_failure(error))
