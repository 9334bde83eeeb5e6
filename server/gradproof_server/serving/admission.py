"""Admission: who may wait for the engine, how many and how large, and whose turn it is."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gradproof_server.serving.errors import BusyError, QuotaExceededError, ShuttingDownError

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True)
class Bounds:
    """Most tasks, and most bytes of their requests, that wait or run at one time."""

    max_tasks: int
    max_bytes: int


class Quotas:
    """How much of all callers together, and of each, there may be at one time; it can be set at any time.

    Args:
        total: of all callers together.
        each: of a caller of whom nothing else is said.
        own: of one caller, by its name and `each`.
    """

    def __init__(
        self, total: Bounds, each: Bounds, own: Callable[[str, Bounds], Bounds] = lambda _caller, each: each
    ) -> None:
        self._own = own
        self.set(total, each)

    def set(self, total: Bounds, each: Bounds) -> None:
        """Has other bounds from now on."""
        self.total, self._each = total, each

    def of(self, caller: str) -> Bounds:
        """Those of one caller."""
        return self._own(caller, self._each)


class Tally(Counter[str]):
    """An amount of each caller; nothing is kept of those who have none any more."""

    def add(self, caller: str, more: int) -> None:
        """Changes the amount of a caller."""
        self[caller] += more
        if not self[caller]:
            del self[caller]


@dataclass(frozen=True)
class _Admitted:
    caller: str
    size: int


class FairQueue(Generic[T]):
    """Tasks that wait and run, bounded for all and for each caller. Callers take turns: one with a thousand tasks waits
    for its second until everybody else has had a first. All methods may be called on any thread.

    Args:
        quotas: of all callers together, and of each.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[T]] = {}  # callers in the order of their turns; none is empty
        self._admitted: dict[T, _Admitted] = {}  # what waits or runs
        self._tasks, self._bytes = Tally(), Tally()
        self._closed = False

    def put(self, task: T, caller: str, size: int) -> None:
        """Takes a task with a request of `size` bytes.

        Raises:
            BusyError: as much waits and runs as may.
            QuotaExceededError: as much of this caller waits and runs as may.
            ShuttingDownError: the queue is closed.
        """
        with self._changed:
            if self._closed:
                raise ShuttingDownError("the server is ending")
            _check(self._quotas.total, len(self._admitted), self._bytes.total(), size, "", BusyError)
            bounds = self._quotas.of(caller)
            _check(bounds, self._tasks[caller], self._bytes[caller], size, " of this caller", QuotaExceededError)
            self._admitted[task] = _Admitted(caller, size)
            self._tasks.add(caller, 1)
            self._bytes.add(caller, size)
            self._waiting.setdefault(caller, deque()).append(task)
            self._changed.notify()

    def get(self) -> T | None:
        """The task whose turn it is, which runs until it is released; waits for one. None once the queue is closed and
        empty."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                self._changed.wait()
            caller, tasks = next(iter(self._waiting.items()))
            del self._waiting[caller]
            task = tasks.popleft()
            if tasks:
                self._waiting[caller] = tasks
            return task

    def release(self, task: T) -> None:
        """A task that neither waits nor runs any more."""
        with self._changed:
            admitted = self._admitted.pop(task)
            self._forget(task, admitted.caller)
            self._tasks.add(admitted.caller, -1)
            self._bytes.add(admitted.caller, -admitted.size)

    def _forget(self, task: T, caller: str) -> None:
        tasks = self._waiting.get(caller, deque())
        if task in tasks:
            tasks.remove(task)
            if not tasks:
                del self._waiting[caller]

    def close(self) -> None:
        """Takes nothing any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def live(self) -> list[T]:
        """The tasks that wait or run."""
        with self._changed:
            return list(self._admitted)

    @property
    def size(self) -> int:
        """How many tasks wait or run."""
        return len(self._admitted)

    def waiting_by_caller(self) -> dict[str, int]:
        """How many tasks of each caller wait."""
        with self._changed:
            return {caller: len(tasks) for caller, tasks in self._waiting.items()}

    @property
    def waiting(self) -> int:
        """How many tasks wait."""
        return sum(self.waiting_by_caller().values())


def _check(bounds: Bounds, tasks: int, held: int, size: int, whose: str, error: type[Exception]) -> None:
    if tasks >= bounds.max_tasks:
        raise error(f"{tasks} calls{whose} wait or run, which is as many as this server takes at once")
    if tasks and held + size > bounds.max_bytes:
        raise error(f"requests{whose} of {held} bytes wait or run, of {bounds.max_bytes} that this server takes")
