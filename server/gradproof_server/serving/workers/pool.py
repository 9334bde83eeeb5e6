"""A pool of worker processes behind `Compute`: a task that must stop is stopped, a worker that is lost is replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from gradproof_server.serving.admission import FairQueue
from gradproof_server.serving.compute import Job, Queued, join
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.methods import TaskHandler, TaskResult
from gradproof_server.serving.workers.budget import Budget
from gradproof_server.serving.workers.child import Preparation
from gradproof_server.serving.workers.process import Loss, WorkerLostError, WorkerProcess, WorkerStartError
from gradproof_server.serving.workers.protocol import Device

_START_AGAIN_SECONDS = 1.0


class Watcher(Protocol):
    """Is told what happens to workers, on any thread."""

    def worker_ended(self, reason: str) -> None:
        """A worker ended and is replaced; the reason is a value of Loss."""

    def worker_wrote(self, pid: int, text: str) -> None:
        """A worker wrote this to standard error."""

    def computation_stopped(self, seconds: float) -> None:
        """A computation that was told to stop, or whose deadline passed, ran on for so long."""

    def worker_not_started(self, error: str) -> None:
        """A worker could not be started; it is tried again."""


@dataclass(frozen=True)
class WorkerState:
    """One place for a worker. state: "none" (it has no process), "idle", "busy" or "stopping"; restarts: how often its
    process was replaced; method and seconds are those of the task that it does."""

    number: int
    pid: int | None
    state: str
    restarts: int
    method: str
    seconds: float


@dataclass(frozen=True)
class Plan:
    """How many workers, and how each of them is made.

    devices: the CUDA devices, over which the workers are spread; empty: the workers use none. stop_seconds: what a
    stopped computation has to end by itself. on_demand: a worker has a process only while it has a task, for tasks that
    wait for their callers most of the time.
    """

    workers: int
    devices: tuple[Device, ...]
    preparation: Preparation
    stop_seconds: float
    on_demand: bool = False


class WorkerPool(Queued):
    """A `Compute` of several processes, with a further one that is warm and takes the place of one that is lost.

    Args:
        answerer: does one task, in a worker. It is sent with each task, so another one can be set at any time.
        plan: how many workers.
        queue: where tasks wait.
        budget: what all running problems may take together.
        watcher: is told what happens to workers.
    """

    def __init__(
        self, answerer: TaskHandler, plan: Plan, queue: FairQueue[Job], budget: Budget, watcher: Watcher
    ) -> None:
        super().__init__(queue)
        self.answerer = answerer
        self._plan, self._budget, self._watcher = plan, budget, watcher
        self._spares = _Spares(self._make, watcher)
        self._ready: Future[None] = Future()
        self._lock = threading.Lock()
        self._unready = plan.workers
        self._places = [_Place(number, self._serve) for number in range(plan.workers)]

    def start(self) -> Future[None]:
        """Starts the workers; the future is done when all are ready, or raises the WorkerStartError of one."""
        self._ready.set_running_or_notify_cancel()
        for place in self._places:
            place.thread.start()
        if self._plan.on_demand:
            self._ready.set_result(None)
            self._spares.start()
        return self._ready

    def close(self, seconds: float) -> bool:
        """Interrupts and ends all processes; False if one still runs after so many seconds."""
        self.interrupt()
        self._spares.close()
        return join([self._spares.thread, *(place.thread for place in self._places)], seconds)

    def states(self) -> list[WorkerState]:
        """All workers, by their numbers."""
        return [place.state() for place in self._places]

    def _over(self, ticket: Job) -> None:
        super()._over(ticket)
        if ticket.stopped is not None and ticket.started is not None:
            self._watcher.computation_stopped(time.monotonic() - ticket.stopped)

    def _make(self) -> WorkerProcess:
        """A process that is ready. Raises WorkerStartError, OSError."""
        process = WorkerProcess(self._plan.preparation, self._plan.stop_seconds, self._budget)
        try:
            process.wait_until_ready()
        except BaseException:
            process.close()
            raise
        return process

    def _serve(self, place: _Place) -> None:
        """The life of a place: one task after the other, in a process that is replaced where it is lost."""
        process = None
        if not self._plan.on_demand:
            try:
                process = place.take(self._make())
            except Exception as error:
                self._one_failed(error)
                return
            self._one_is_ready()
        while (ticket := self._queue.get()) is not None:
            process = self._living(place, process)
            if process is None:  # the pool is closed, and the ticket was told so
                return
            process = self._run(place, process, ticket)
            del ticket  # an idle place holds no request and no response
            if self._plan.on_demand:
                self._put_back(place, process)
                process = None
            elif process is None:
                process = self._spare(place)
        if process is not None:
            process.close()

    def _run(self, place: _Place, process: WorkerProcess, ticket: Job) -> WorkerProcess | None:
        """Does a task; the process, None where it was lost."""
        task = ticket.begin(process.wake, process.say)
        if task is None:
            return process
        device = self._plan.devices[place.number % len(self._plan.devices)] if self._plan.devices else None
        place.ticket, loss = ticket, None
        try:
            answer = process.run(ticket, task, self.answerer, device)
        except WorkerLostError as lost:
            answer, loss = lost.answer, lost.loss
        except Exception as error:  # the place must live on, and what is left on the line nobody knows
            answer, loss = TaskResult(failure=error_to_failure(error)), Loss.CRASHED
        place.ticket = None
        ticket.end(answer)
        self._pass_on(process)
        if loss is None:
            return process
        self._lose(place, process, loss)
        return None

    def _living(self, place: _Place, process: WorkerProcess | None) -> WorkerProcess | None:
        """The process, or another one where there is none or it was killed while it had nothing to do; None where the
        pool is closed."""
        if process is not None and not process.alive:
            self._lose(place, process, Loss.DIED)
            process = None
        return process or self._spare(place)

    def _pass_on(self, process: WorkerProcess) -> None:
        if text := process.written():
            self._watcher.worker_wrote(process.pid, text)

    def _lose(self, place: _Place, process: WorkerProcess, loss: Loss) -> None:
        self._pass_on(process)
        self._watcher.worker_ended(loss.value)
        place.restarts += 1
        process.close()

    def _spare(self, place: _Place) -> WorkerProcess | None:
        spare = self._spares.take()
        return None if spare is None else place.take(spare)

    def _put_back(self, place: _Place, process: WorkerProcess | None) -> None:
        place.rest()
        if process is not None:
            self._spares.give(process)

    def _one_is_ready(self) -> None:
        with self._lock:
            self._unready -= 1
            if self._unready or self._ready.done():
                return
            self._ready.set_result(None)
        self._spares.start()

    def _one_failed(self, error: Exception) -> None:
        with self._lock:
            if not self._ready.done():
                self._ready.set_exception(error)


class _Place:
    """Where a worker works: a thread of the front that waits for its process."""

    def __init__(self, number: int, serve: Callable[[_Place], None]) -> None:
        self.number, self.restarts = number, 0
        self.ticket: Job | None = None
        self._pid: int | None = None
        # A daemon: an interpreter that ends must not wait for a computation.
        self.thread = threading.Thread(target=serve, args=(self,), name=f"gradproof-worker-{number}", daemon=True)

    def take(self, process: WorkerProcess) -> WorkerProcess:
        """Has this process from now on."""
        self._pid = process.pid
        return process

    def rest(self) -> None:
        """Has no process from now on."""
        self._pid = None

    def state(self) -> WorkerState:
        """What it does."""
        ticket = self.ticket
        if ticket is None or ticket.started is None:
            state = "none" if self._pid is None else "idle"
            return WorkerState(self.number, self._pid, state, self.restarts, "", 0.0)
        state = "busy" if ticket.stopped is None else "stopping"
        seconds = time.monotonic() - ticket.started
        return WorkerState(self.number, self._pid, state, self.restarts, ticket.method, seconds)


class _Spares:
    """Keeps one process that is ready, in a thread of its own."""

    def __init__(self, make: Callable[[], WorkerProcess], watcher: Watcher) -> None:
        self._make, self._watcher = make, watcher
        self._changed = threading.Condition()
        self._spare: WorkerProcess | None = None
        self._closed = False
        self.thread = threading.Thread(target=self._keep, name="gradproof-spare-worker", daemon=True)

    def start(self) -> None:
        """Begins."""
        self.thread.start()

    def take(self) -> WorkerProcess | None:
        """The spare, when there is one; None once closed."""
        with self._changed:
            while not self._closed:
                spare, self._spare = self._spare, None
                self._changed.notify_all()
                if spare is not None and spare.alive:
                    return spare
                if spare is not None:
                    spare.close()
                self._changed.wait()
            return None

    def give(self, process: WorkerProcess) -> None:
        """Takes a process that somebody has done with; it is the spare, or ended where there is one."""
        with self._changed:
            if self._spare is None and not self._closed:
                self._spare = process
                self._changed.notify_all()
                return
        process.close()

    def close(self) -> None:
        """Gives nothing any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _keep(self) -> None:
        while not self._closed:
            process = self._started()
            if process is not None:
                self.give(process)
            with self._changed:
                if process is None:
                    self._changed.wait(_START_AGAIN_SECONDS)
                while self._spare is not None and not self._closed:
                    self._changed.wait()
        if self._spare is not None:
            self._spare.close()

    def _started(self) -> WorkerProcess | None:
        try:
            return self._make()
        except (WorkerStartError, OSError) as error:
            self._watcher.worker_not_started(str(error))
            return None
