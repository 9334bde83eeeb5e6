"""One thread that runs jobs in their order, for coroutines that wait for what comes of them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
_Done: TypeAlias = Callable[[Any, BaseException | None], None]


class Worker:
    """A thread from `start` to `close`. A daemon, so that a job that does not end cannot keep the process from ending.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], _Done] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    async def run(self, job: Callable[[], T]) -> T:
        """What the job returns or raises. A job whose caller is cancelled runs all the same."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((job, functools.partial(_bring, loop, future)))
        return await future

    def submit(self, job: Callable[[], None]) -> None:
        """Runs a job that must not fail, after all that were given before."""
        self._jobs.put((job, _forget))

    def close(self, seconds: float) -> bool:
        """Ends the thread after the jobs that it has; False if it still runs after so many seconds."""
        self._jobs.put(None)
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, done = entry
            try:
                done(job(), None)
            except BaseException as error:  # the thread must live on, whatever it was
                done(None, error)
            del entry, job, done  # an idle thread holds nothing


def _forget(_result: None, _error: BaseException | None) -> None:
    """For jobs that nobody waits for."""


def _bring(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: Any, error: BaseException | None
) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_set, future, result, error)


def _set(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
