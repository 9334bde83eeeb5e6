"""The front's side of one worker: starts it, gives it a task, waits, and ends it where it does not stop by itself."""

from __future__ import annotations

import contextlib
import enum
import itertools
import multiprocessing
import signal
import sys
import time
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Any

from gradproof_server.engine.types import StoppedError
from gradproof_server.serving.compute import Job
from gradproof_server.serving.errors import WorkerCrashedError, WorkerDiedError
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.methods import StreamMessage, Task, TaskHandler, TaskResult
from gradproof_server.serving.workers.budget import Budget, Lease
from gradproof_server.serving.workers.child import OUT_OF_MEMORY_STATUS, Preparation, main
from gradproof_server.serving.workers.link import Link
from gradproof_server.serving.workers.memory import out_of_memory_kills
from gradproof_server.serving.workers.protocol import Ask, Device, Done, Grant, PartDone, Ping, Ready, Run, Say, Stop
from gradproof_server.serving.workers.standard_error import StandardError

_JOIN_SECONDS = 5.0
_START_SECONDS = 300.0
"""After which a worker that is not ready is taken for one that hangs; the first use of a CUDA device can take long."""
_FORKER_DIED = 255
"""What multiprocessing gives as the exit status where the process died that forks workers, and they with it."""


# A worker that says nothing for so long is asked whether it is there, and has so long to say so. It listens beside what
# it computes, so that only one that is stopped, or holds the interpreter's lock for all that time, does not answer.
_QUIET_SECONDS = 5.0
_HUNG_SECONDS = 15.0
# What it says comes at once, unless it is stopped in the middle of it.
_MESSAGE_SECONDS = 15


class Loss(enum.Enum):
    """Why a worker ended."""

    STOPPED = "stopped"
    """Its computation did not end when it was told to."""
    HUNG = "hung"
    """It did not say that it is there."""
    DIED = "died"
    """Killed from outside."""
    MEMORY = "memory"
    """Killed because memory ran out."""
    CRASHED = "crashed"
    """A fault of its own."""


_ERRORS = {
    Loss.STOPPED: StoppedError("stopped"),
    Loss.HUNG: WorkerDiedError("the process that computed hung"),
    Loss.DIED: WorkerDiedError("the process that computed was killed"),
    Loss.MEMORY: MemoryError("the process that computed was killed because memory ran out"),
    Loss.CRASHED: WorkerCrashedError("the process that computed crashed"),
}


class WorkerLostError(Exception):
    """The worker ended; `answer` is what the caller of its task is told."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss.value)
        self.loss = loss
        self.answer = TaskResult(failure=error_to_failure(_ERRORS[loss]))


class WorkerStartError(Exception):
    """A worker cannot be prepared, as the message says."""


def start_method() -> str:
    """How processes are started. "forkserver" is one clean process that has imported PyTorch once and forks workers
    when they are needed, in hundredths of a second; a "spawn"ed process imports it anew, in seconds."""
    return "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


class WorkerProcess:
    """One process, from its making on. `run` and `close` belong to one thread; `wake` may be called on any.

    Raises OSError where it cannot be started.
    """

    _numbers = itertools.count()

    def __init__(self, preparation: Preparation, stop_seconds: float, budget: Budget) -> None:
        context: Any = multiprocessing.get_context(start_method())
        if start_method() == "forkserver":
            context.set_forkserver_preload(["gradproof_server.serving.workers.preload"])
        self._stop_seconds, self._budget = stop_seconds, budget
        self._number = -1
        self._kills_before = out_of_memory_kills()
        ours, theirs = context.Pipe()
        self._woken, self._waker = context.Pipe(duplex=False)
        self._link, self._errors = Link(ours, _MESSAGE_SECONDS), StandardError(context)
        given = theirs, self._errors.writer, preparation
        self._process = context.Process(target=main, args=given, name="gradproof-worker", daemon=True)
        self._process.start()
        theirs.close()
        self._errors.writer.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return int(self._process.pid)

    @property
    def alive(self) -> bool:
        """Whether it has not ended; to be asked while it has no task. The line is closed where it has, which the kernel
        does before it tells anybody of the death."""
        try:
            while self._link.connection.poll():
                self._link.receive()  # that it is there, said when its task was over
        except (EOFError, OSError):
            return False
        return True

    def written(self) -> str:
        """What it has written to standard error since this was asked last."""
        return self._errors.read()

    def wait_until_ready(self) -> None:
        """Returns when it is prepared. Raises WorkerStartError."""
        try:
            if not self._link.connection.poll(_START_SECONDS):
                raise WorkerStartError(f"a worker was not ready after {_START_SECONDS} s")
            message, _ = self._link.receive()
        except (EOFError, OSError):
            text = f"a worker ended while it started, with status {self._status()} {self.written()}"
            raise WorkerStartError(text.rstrip()) from None
        assert isinstance(message, Ready)
        if message.failure:
            raise WorkerStartError(message.failure)

    def wake(self) -> None:
        """Lets `run` look whether its task was stopped."""
        with contextlib.suppress(OSError):  # it has ended meanwhile
            self._waker.send_bytes(b"!")

    def say(self, answer: bytes) -> None:
        """Passes on what the caller of the running task answers."""
        with contextlib.suppress(OSError):  # it has ended meanwhile, which `run` sees
            self._link.send(Say(self._number), answer)

    def run(self, ticket: Job, task: Task, answerer: TaskHandler, device: Device | None) -> TaskResult:
        """What the worker answers. Raises WorkerLostError where it ended instead."""
        self._number = next(self._numbers)
        run = _Running(self._link, ticket, self._number, self._budget, self.wake)
        try:
            self._link.send(Run(run.number, answerer, replace(task, request=b""), device), task.request)
            while run.answer is None:
                self._advance(run)
            return run.answer
        except TimeoutError:
            raise self._ended(Loss.HUNG) from None
        except (EOFError, OSError):
            raise WorkerLostError(self._loss()) from None
        finally:
            run.end()

    def _advance(self, run: _Running) -> None:
        """Waits for the next thing that happens, and deals with it."""
        ready = wait([self._link.connection, self._woken], run.patience())
        if self._woken in ready:
            self._woken.recv_bytes()
        if self._link.connection in ready:
            run.take(*self._link.receive())
        if (loss := run.loss()) is not None:
            raise self._ended(loss)
        run.look(self._stop_seconds)

    def _ended(self, loss: Loss) -> WorkerLostError:
        self._process.kill()
        return WorkerLostError(loss)

    def _loss(self) -> Loss:
        """Why it ended."""
        status = self._status()
        if status == OUT_OF_MEMORY_STATUS or out_of_memory_kills() > self._kills_before:
            return Loss.MEMORY
        outside = (-signal.SIGKILL, -signal.SIGTERM) if sys.platform != "win32" else (-signal.SIGTERM,)
        return Loss.DIED if status in (*outside, _FORKER_DIED) else Loss.CRASHED

    def _status(self) -> int | None:
        self._process.join(_JOIN_SECONDS)
        return self._process.exitcode  # type: ignore[no-any-return]

    def close(self) -> None:
        """Ends it, whatever it does."""
        self._process.kill()
        self._process.join(_JOIN_SECONDS)
        for connection in (self._link, self._woken, self._waker, self._errors):
            connection.close()


class _Running:
    """One task in the worker."""

    def __init__(self, link: Link, ticket: Job, number: int, budget: Budget, wake: Any) -> None:
        self._link, self._ticket, self.number = link, ticket, number
        self._budget, self._wake = budget, wake
        self._lease: Lease | None = None
        self._waits = False
        self._heard, self._pinged = time.monotonic(), False
        self._kill_at: float | None = None
        self.answer: TaskResult | None = None

    def patience(self) -> float:
        """Seconds until something must be done, where nothing comes before."""
        when = self._kill_at if self._kill_at is not None else self._ticket.deadline
        silence = self._heard + _QUIET_SECONDS + (_HUNG_SECONDS if self._pinged else 0)
        return max(0.0, (silence if when is None else min(silence, when)) - time.monotonic())

    def loss(self) -> Loss | None:
        """Why the worker must be ended; None where it need not be."""
        if self.answer is not None:
            return None
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            return Loss.STOPPED
        if self._pinged and time.monotonic() >= self._heard + _QUIET_SECONDS + _HUNG_SECONDS:
            return Loss.HUNG
        return None

    def take(self, message: object, payload: bytes) -> None:
        """What the worker says."""
        self._heard, self._pinged = time.monotonic(), False
        match message:
            case PartDone(passing, asks):
                self._ticket.send(StreamMessage(payload, passing, asks))
            case Ask(cost):
                self._waits = True
                self._lease = self._budget.ask(cost, self._wake)
            case Done(answer):
                self.answer = replace(answer, response=payload)

    def look(self, stop_seconds: float) -> None:
        """Passes on what came from elsewhere, room in the budget or the task's end, and asks who was silent."""
        if self._waits and self._lease is not None and self._lease.granted:
            self._waits = False
            self._link.send(Grant(self.number))
        if self.answer is None and self._kill_at is None and self._ticket.should_stop():
            self._kill_at = time.monotonic() + stop_seconds
            self._link.send(Stop(self.number))
        if not self._pinged and time.monotonic() >= self._heard + _QUIET_SECONDS:
            self._pinged = True
            self._link.send(Ping())

    def end(self) -> None:
        """Gives back what it took."""
        if self._lease is not None:
            self._budget.release(self._lease)
