"""Answers that are not read: how many bytes of them there may be, of all callers and of each.

An answer is in memory until its caller has taken it, and no computation holds its place any more. What is bounded here
is how much of that there can be, by callers who read slowly or not at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from gradproof_server.serving.admission import Quotas, Tally
from gradproof_server.serving.errors import BusyError, QuotaExceededError


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
        quotas: as many bytes may be unread as requests may have that wait or run.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._bytes = Tally()

    def begin(self, caller: str) -> Unread:
        """The answer of a further call.

        Raises:
            BusyError: as much is unread as may be.
            QuotaExceededError: this caller has not read as much as it may have.
        """
        if (unread := self._bytes.total()) >= self._quotas.total.max_bytes:
            raise BusyError(f"{unread} bytes of answers are not read, which is as many as this server keeps")
        if self._bytes[caller] >= self._quotas.of(caller).max_bytes:
            raise QuotaExceededError(f"{self._bytes[caller]} bytes of answers to this caller are not read")
        return Unread(functools.partial(self._bytes.add, caller))
