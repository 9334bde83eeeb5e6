"""Answers that are not read: how many bytes of them there may be, of all callers and of each.

An answer is in memory until its caller has taken it, and no computation holds its place any more. What is bounded here
is how much of that there can be, by callers who read slowly or not at all.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable

from gradproof_server.serving.admission import Bounds
from gradproof_server.serving.errors import BusyError, QuotaExceededError
from gradproof_server.settings import Settings


class Unread:
    """The answer of one call.

    Args:
        count: is told by how many bytes more, or less, there are.
    """

    def __init__(self, count: Callable[[int], None]) -> None:
        self._count = count
        self._bytes = 0
        self._over = False

    def add(self, size: int) -> None:
        """So many bytes more are there for the caller. They count until the call is over."""
        if not self._over:
            self._bytes += size
            self._count(size)

    def end(self, _context: object = None) -> None:
        """The call is over: all is read, or thrown away. Can be called again."""
        if not self._over:
            self._over = True
            self._count(-self._bytes)


class UnreadAnswers:
    """The answers of all calls. It belongs to one event loop.

    Args:
        settings: as many bytes may be unread as requests may have that wait or run.
        bounds_of: the bounds of a caller, where the second argument are those of callers of whom nothing is said.
    """

    def __init__(self, settings: Settings, bounds_of: Callable[[str, Bounds], Bounds]) -> None:
        self._settings, self._bounds_of = settings, bounds_of
        self._bytes: Counter[str] = Counter()

    def configure(self, settings: Settings) -> None:
        """Follows other settings from now on."""
        self._settings = settings

    def begin(self, caller: str) -> Unread:
        """The answer of a further call.

        Raises:
            BusyError: as much is unread as may be.
            QuotaExceededError: this caller has not read as much as it may have.
        """
        settings = self._settings
        if (unread := self._bytes.total()) >= settings.max_waiting_bytes:
            raise BusyError(f"{unread} bytes of answers are not read, which is as many as this server keeps")
        default = Bounds(settings.max_calls_per_caller, settings.max_bytes_per_caller)
        if self._bytes[caller] >= self._bounds_of(caller, default).max_bytes:
            raise QuotaExceededError(f"{self._bytes[caller]} bytes of answers to this caller are not read")
        return Unread(functools.partial(self._add, caller))

    def _add(self, caller: str, more: int) -> None:
        self._bytes[caller] += more
        if not self._bytes[caller]:
            del self._bytes[caller]  # nothing is kept of callers that are gone
