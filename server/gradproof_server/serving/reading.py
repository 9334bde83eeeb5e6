"""Reading requests: how many are on their way at one time, of all callers and of each, and how long one may take.

A request is in memory before it can be asked whether there is room for its problem. What is bounded here is how much of
that there can be, by callers who send slowly or much.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from grpc import aio

from gradproof_server.serving import calls
from gradproof_server.serving.admission import Bounds
from gradproof_server.serving.errors import BusyError, CallerTimeoutError, QuotaExceededError
from gradproof_server.settings import Settings


class RequestReader:
    """Reads the requests of calls. It belongs to one event loop.

    Args:
        settings: as many requests may be on their way as calls may wait or run, each for `request_seconds`.
        bounds_of: the bounds of a caller, where the second argument are those of callers of whom nothing is said.
    """

    def __init__(self, settings: Settings, bounds_of: Callable[[str, Bounds], Bounds]) -> None:
        self._settings, self._bounds_of = settings, bounds_of
        self._reading: Counter[str] = Counter()
        self._all = 0

    def configure(self, settings: Settings) -> None:
        """Follows other settings from now on."""
        self._settings = settings

    async def read(self, context: aio.ServicerContext[bytes, bytes]) -> bytes:
        """The request of the current call.

        Raises:
            BusyError: as many requests are on their way as may.
            QuotaExceededError: as many of this caller are on their way as may.
            CallerTimeoutError: it did not come in time.
            StreamEndedError: it did not come.
        """
        caller = calls.caller()
        self._check(caller)
        self._count(caller, 1)
        try:
            async with asyncio.timeout(self._settings.request_seconds):
                return await calls.read(context)
        except TimeoutError:
            raise CallerTimeoutError(self._settings.request_seconds, "--request-seconds") from None
        finally:
            self._count(caller, -1)

    def _count(self, caller: str, more: int) -> None:
        self._all += more
        self._reading[caller] += more
        if not self._reading[caller]:
            del self._reading[caller]  # nothing is kept of callers that are gone

    def _check(self, caller: str) -> None:
        settings = self._settings
        if self._all >= settings.max_concurrent_calls:
            raise BusyError(f"{self._all} requests are on their way, which is as many as this server reads")
        default = Bounds(settings.max_calls_per_caller, settings.max_bytes_per_caller)
        if self._reading[caller] >= self._bounds_of(caller, default).max_tasks:
            raise QuotaExceededError(
                f"{self._reading[caller]} requests of this caller are on their way, as many as may"
            )
