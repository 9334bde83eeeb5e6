"""CheckFunction: streams that wait for callers who evaluate functions, and one thread that computes for all of them."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import TypeAlias

from grpc import aio

from gradproof_server.serving import calls
from gradproof_server.serving.answers import Facts
from gradproof_server.serving.errors import BusyError, CallerTimeoutError, ShuttingDownError
from gradproof_server.serving.function_check import Checker, FunctionCheck, Reply
from gradproof_server.serving.function_claims import FunctionLimits
from gradproof_server.serving.worker import Worker
from gradproof_server.settings import Settings

_MESSAGE_BYTES = 65_536
"""Room for what is in a message besides its tensors: names, numbers, lengths."""
Context: TypeAlias = "aio.ServicerContext[bytes, bytes]"


class FunctionService:
    """Serves streams of CheckFunction. While a stream waits for its caller it holds no thread, only its data.

    Everything but `open` belongs to one event loop, and `close` comes after it.

    Args:
        settings: how many streams, how large, and how long to wait for a caller.
        checker: the engine's `check_function`.
    """

    def __init__(self, settings: Settings, checker: Checker) -> None:
        self._checker = checker
        self.configure(settings)
        self._worker = Worker("gradproof-functions")
        self._open: set[FunctionCheck] = set()  # until the thread has released them
        self._timeouts: set[asyncio.Timeout] = set()
        self._closing = False

    @property
    def open(self) -> int:
        """How many functions are being checked."""
        return len(self._open)

    def configure(self, settings: Settings) -> None:
        """Serves by these settings from now on; streams that are open keep the limits that they began with."""
        self._settings = settings
        self._limits = FunctionLimits(
            settings.limits,
            settings.max_function_elements,
            max_points_bytes=max(0, settings.max_response_bytes - _MESSAGE_BYTES),
            max_values_bytes=max(0, settings.max_request_bytes - _MESSAGE_BYTES),
        )

    def start(self) -> None:
        """Takes streams from now on."""
        self._worker.start()

    def interrupt(self) -> None:
        """Ends all streams, which are told SHUTTING_DOWN, and takes none any more."""
        self._closing = True
        for check in tuple(self._open):
            check.stop()
        for timeout in self._timeouts:
            timeout.reschedule(0)

    def close(self, seconds: float) -> bool:
        """Ends the thread; False if a computation still runs after so many seconds."""
        return self._worker.close(seconds)

    async def serve(self, context: Context) -> Facts:
        """One stream, from the claim to the report; what is worth counting of it.

        Raises:
            BusyError: as many streams are open as this server takes.
            CallerTimeoutError: the caller did not read or answer in time.
            StreamEndedError: the caller ended its side before the report.
            ShuttingDownError: the server is ending.
            InvalidProblemError, LimitExceededError, DecodeError: a message of the caller does not fit.
        """
        remaining = context.time_remaining()
        deadline = None if remaining is None else time.monotonic() + remaining
        check = FunctionCheck(self._checker, self._limits, self._settings.max_witness_seconds, deadline)
        self._admit(check)
        timeout = asyncio.timeout(None)
        self._timeouts.add(timeout)
        try:
            async with timeout:
                await self._talk(check, timeout, context)
        except TimeoutError:
            if not timeout.expired():
                raise
            if self._closing:
                raise ShuttingDownError("the server is ending") from None
            raise CallerTimeoutError(self._settings.answer_seconds) from None
        finally:
            self._timeouts.remove(timeout)
            check.stop()
            self._worker.submit(functools.partial(self._release, check))
        return check.notes.facts()

    def _admit(self, check: FunctionCheck) -> None:
        if self._closing:
            raise ShuttingDownError("the server is ending")
        if self.open >= self._settings.max_functions:
            raise BusyError(f"{self.open} functions are being checked, which is as many as this server takes at once")
        self._open.add(check)

    def _release(self, check: FunctionCheck) -> None:
        check.close()
        self._open.remove(check)

    async def _talk(self, check: FunctionCheck, timeout: asyncio.Timeout, context: Context) -> None:
        self._wait_for_caller(timeout)
        job: Callable[[], Reply | None] = functools.partial(check.start, await calls.read(context))
        while (reply := await self._computed(job, timeout)) is not None:
            self._wait_for_caller(timeout)
            calls.sent(len(reply.response))
            await context.write(reply.response)
            job = functools.partial(check.answer, await calls.read(context)) if reply.asks else check.advance

    async def _computed(self, job: Callable[[], Reply | None], timeout: asyncio.Timeout) -> Reply | None:
        self._reschedule(timeout, None)
        return await self._worker.run(job)

    def _wait_for_caller(self, timeout: asyncio.Timeout) -> None:
        self._reschedule(timeout, asyncio.get_running_loop().time() + self._settings.answer_seconds)

    def _reschedule(self, timeout: asyncio.Timeout, when: float | None) -> None:
        if self._closing:  # a new time would overrule that of `interrupt`
            raise ShuttingDownError("the server is ending")
        timeout.reschedule(when)
