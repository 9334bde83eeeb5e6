"""From start to end: serve until a signal, then say so, wait, finish what runs, cancel what does not end. At SIGHUP
files are read again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Protocol

from gradproof_server.serving.logs import Logger

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Served(Protocol):
    """What is started, drained and stopped."""

    async def start(self) -> None:
        """Takes calls when it returns."""

    def reload(self) -> None:
        """Reads again what can change while it serves."""

    async def say_not_serving(self) -> None:
        """Answers health checks with NOT_SERVING from now on."""

    async def drain(self, seconds: float) -> None:
        """Refuses new calls and returns when no call runs any more, or after so many seconds."""

    async def stop(self) -> bool:
        """Cancels what runs and frees everything; False where a computation does not end."""


async def serve_until_signal(served: Served, propagation_seconds: float, drain_seconds: float, logger: Logger) -> bool:
    """Serves until SIGTERM or SIGINT and then shuts down; a second signal ends the waiting.

    Returns False where a computation still runs. Raises what `start` raises.
    """
    with _signals() as (first, second), _hangups(served.reload):
        await served.start()
        # What exists now lives as long as the process: the collector need not look at it in every full pass.
        gc.collect()
        gc.freeze()
        try:
            await first.wait()
            logger.info("draining", propagation_seconds=propagation_seconds, drain_seconds=drain_seconds)
            await _unless(second, _shut_down(served, propagation_seconds, drain_seconds))
        finally:
            clean = await served.stop()
        logger.info("stopped", clean=clean)
        return clean


async def _shut_down(served: Served, propagation_seconds: float, drain_seconds: float) -> None:
    await served.say_not_serving()
    # Load balancers and Kubernetes learn of it only now; calls that they send in this time are still served.
    await asyncio.sleep(propagation_seconds)
    await served.drain(drain_seconds)


async def _unless(event: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Does the work, and gives it up when the event comes first."""
    tasks = {asyncio.create_task(work), asyncio.ensure_future(event.wait())}
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


@contextlib.contextmanager
def _signals() -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """Two events: the first signal has come, the second has."""
    loop = asyncio.get_running_loop()
    first, second = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (second if first.is_set() else first).set()

    with contextlib.ExitStack() as stack:
        for number in _SIGNALS:
            stack.enter_context(_handled(loop, number, on_signal))
        yield first, second


def _hangups(reload: Callable[[], None]) -> contextlib.AbstractContextManager[None]:
    """Reloads at SIGHUP, where there is such a signal."""
    number = getattr(signal, "SIGHUP", None)
    return contextlib.nullcontext() if number is None else _handled(asyncio.get_running_loop(), number, reload)


@contextlib.contextmanager
def _handled(loop: asyncio.AbstractEventLoop, number: signal.Signals, handler: Callable[[], None]) -> Iterator[None]:
    """Calls the handler in the loop for a signal."""
    try:
        # Not signal.signal: a signal that another thread receives would not wake the loop.
        loop.add_signal_handler(number, handler)
    except NotImplementedError:  # Windows, whose loop wakes by itself
        before = signal.signal(number, lambda *_: loop.call_soon_threadsafe(handler))
        restore: Callable[[], object] = functools.partial(signal.signal, number, before)
    else:
        restore = functools.partial(loop.remove_signal_handler, number)
    try:
        yield
    finally:
        restore()
