"""Reading requests: how many are on their way at one time, of all callers and of each, and how long one may take.

A request is in memory before it can be asked whether there is room for its problem. What is bounded here is how much of
that there can be, by callers who send slowly or much.
"""

from __future__ import annotations

import asyncio

from grpc import aio

from gradproof_server.serving import calls
from gradproof_server.serving.admission import Quotas, Tally
from gradproof_server.serving.errors import BusyError, CallerTimeoutError, QuotaExceededError
from gradproof_server.settings import Settings


class RequestReader:
    """Reads the requests of calls. It belongs to one event loop.

    Args:
        quotas: as many requests may be on their way as calls may wait or run.
        settings: each request may take `request_seconds`.
    """

    def __init__(self, quotas: Quotas, settings: Settings) -> None:
        self._quotas = quotas
        self._reading = Tally()
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Follows other settings from now on."""
        self._seconds = settings.request_seconds

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
        seconds = self._seconds
        self._reading.add(caller, 1)
        try:
            async with asyncio.timeout(seconds):
                return await calls.read(context)
        except TimeoutError:
            raise CallerTimeoutError(seconds, "--request-seconds") from None
        finally:
            self._reading.add(caller, -1)

    def _check(self, caller: str) -> None:
        if (reading := self._reading.total()) >= self._quotas.total.max_tasks:
            raise BusyError(f"{reading} requests are on their way, which is as many as this server reads")
        if self._reading[caller] >= self._quotas.of(caller).max_tasks:
            raise QuotaExceededError(
                f"{self._reading[caller]} requests of this caller are on their way, as many as may"
            )
