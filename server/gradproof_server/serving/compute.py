"""The engine's thread: tasks go in, wait their turn, and come out as answers.

The engine changes global state of PyTorch while it runs (seed, deterministic algorithms), so one thread does all of it.
Tasks and answers are bytes and frozen data, so that a pool of processes can stand behind the same interface.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Protocol, TypeAlias

from gradproof_server.engine.types import ShouldStop, StoppedError
from gradproof_server.serving.answers import Answer, Part, SendPart, Task, no_parts
from gradproof_server.serving.errors import BusyError, DeadlineExceededError, ShuttingDownError, kind_of
from gradproof_server.serving.failures import error_to_failure

Answerer: TypeAlias = Callable[[Task, ShouldStop, SendPart], Answer]


class Ticket:
    """A task that waits, runs or is over.

    Args:
        task: what to do.
        done: gets the answer, once, on any thread; when the task is stopped, at once.
        part: gets the parts of an answer that is a stream, on any thread, all of them before the answer.
        over: called when the task neither waits nor runs any more, which can be later than its answer.
    """

    def __init__(
        self, task: Task, done: Callable[[Answer], None], part: SendPart, over: Callable[[Ticket], None]
    ) -> None:
        self.submitted = time.monotonic()
        self.started: float | None = None
        self._task: Task | None = task
        self._done: Callable[[Answer], None] | None = done
        self._part = part
        self._over = over
        self._deadline = task.deadline
        self._why: Exception | None = None
        self._lock = threading.Lock()

    def stop(self, why: Exception) -> None:
        """Ends the task: one that waits never runs, one that runs ends where the engine asks `should_stop`."""
        self._why = self._why or why
        waited = self._take() is not None
        self._deliver(Answer(failure=error_to_failure(self._why)))
        if waited:
            self._over(self)

    def should_stop(self) -> bool:
        """Whether nobody waits for the answer any more."""
        if self._why is None and self._deadline is not None and time.monotonic() >= self._deadline:
            self._why = DeadlineExceededError("the deadline passed; the computation was stopped")
        return self._why is not None

    def send(self, part: Part) -> None:
        """Passes a part of the answer on; never waits for whoever reads it. After the answer it does nothing."""
        with self._lock:
            if self._done is not None:
                self._part(part)

    @property
    def queue_seconds(self) -> float:
        """How long the task waited, or has waited so far."""
        return (self.started or time.monotonic()) - self.submitted

    def run(self, answerer: Answerer) -> None:
        """Runs the task on the calling thread, unless it was stopped before."""
        task = self._take()
        if task is None:
            return
        self.started = time.monotonic()
        if not self.should_stop():
            answer = self._answer(answerer, task)
        else:
            answer = Answer(failure=error_to_failure(StoppedError("stopped before it began")))
        if self._why is not None and answer.failure is not None and answer.failure.kind is kind_of(StoppedError()):
            answer = replace(answer, failure=error_to_failure(self._why))
        self._deliver(answer)
        self._over(self)

    def _take(self) -> Task | None:
        with self._lock:
            task, self._task = self._task, None
            return task

    def _deliver(self, answer: Answer) -> None:
        with self._lock:
            done, self._done = self._done, None  # a cycle of references would keep the answer until a collection
        if done is not None:
            done(answer)

    def _answer(self, answerer: Answerer, task: Task) -> Answer:
        try:
            return answerer(task, self.should_stop, self.send)
        except BaseException as error:  # the thread must live on, whatever it was
            return Answer(failure=error_to_failure(error))


class Compute(Protocol):
    """Something that answers tasks elsewhere than on the event loop."""

    def start(self) -> Future[None]:
        """Makes it ready; the future says when it is, or why it cannot be."""

    def submit(self, task: Task, done: Callable[[Answer], None], part: SendPart = no_parts) -> Ticket:
        """Takes a task; `done` gets its answer, `part` what comes before it, on any thread and without waiting.

        Raises BusyError, ShuttingDownError.
        """

    def interrupt(self) -> None:
        """Stops all that waits and runs, and takes nothing any more. The callers are told SHUTTING_DOWN."""

    def close(self, seconds: float) -> bool:
        """Interrupts and frees everything; False if a computation still runs after so many seconds."""

    @property
    def waiting(self) -> int:
        """Tasks that wait or run."""


class EngineThread:
    """A `Compute` of one thread in this process.

    Args:
        answerer: does one task on the thread.
        prepare: called once on the thread, before the first task.
        max_tasks: most tasks that wait or run.
        max_bytes: most bytes of their requests together.
    """

    def __init__(self, answerer: Answerer, prepare: Callable[[], None], max_tasks: int, max_bytes: int) -> None:
        self._answerer, self._prepare = answerer, prepare
        self._max_tasks, self._max_bytes = max_tasks, max_bytes
        self._queue: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._live: dict[Ticket, int] = {}  # tickets that wait or run, with the bytes of their requests
        self._bytes = 0
        self._closing = False
        self._ready: Future[None] = Future()
        # A daemon, because a computation that does not stop must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="gradproof-engine", daemon=True)

    def start(self) -> Future[None]:
        """Starts the thread; the future is done when it is prepared, and raises what the preparation raised."""
        self._ready.set_running_or_notify_cancel()
        self._thread.start()
        return self._ready

    def submit(self, task: Task, done: Callable[[Answer], None], part: SendPart = no_parts) -> Ticket:
        """Takes a task; `done` gets its answer, `part` what comes before it, on any thread and without waiting."""
        ticket = Ticket(task, done, part, self._release)
        self._admit(ticket, len(task.request))
        self._queue.put(ticket)
        return ticket

    def interrupt(self) -> None:
        """Stops all that waits and runs, and takes nothing any more."""
        with self._lock:
            self._closing = True
            live = list(self._live)
        for ticket in live:
            ticket.stop(ShuttingDownError("the server is ending"))

    def close(self, seconds: float) -> bool:
        """Interrupts and ends the thread; False if it still runs after so many seconds."""
        self.interrupt()
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Tasks that wait or run."""
        return len(self._live)

    def _admit(self, ticket: Ticket, size: int) -> None:
        with self._lock:
            if self._closing:
                raise ShuttingDownError("the server is ending")
            if len(self._live) >= self._max_tasks:
                raise BusyError(f"{len(self._live)} calls wait or run, which is as many as this server takes at once")
            if self._live and self._bytes + size > self._max_bytes:
                raise BusyError(
                    f"requests of {self._bytes} bytes wait or run, of {self._max_bytes} that this server takes"
                )
            self._live[ticket] = size
            self._bytes += size

    def _release(self, ticket: Ticket) -> None:
        with self._lock:
            self._bytes -= self._live.pop(ticket)

    def _work(self) -> None:
        try:
            self._prepare()
        except BaseException as error:
            self._ready.set_exception(error)
            return
        self._ready.set_result(None)
        while (ticket := self._queue.get()) is not None:
            ticket.run(self._answerer)
            del ticket  # an idle thread holds no request and no response
