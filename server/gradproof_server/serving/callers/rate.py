"""Rates: how often somebody may do something, as a bucket of tokens that fills at that rate."""

from __future__ import annotations

import time
from collections.abc import Callable


class Rate:
    """At most so many a minute in the long run, and as many at once after a minute of silence.

    Args:
        per_minute: above 0.
        clock: seconds that never go back.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute, self._clock = per_minute, clock
        self._most = max(1.0, per_minute)
        self._tokens, self._filled = self._most, clock()

    def take(self) -> float:
        """Takes one: 0; or, where there is none, takes nothing: the seconds until there is."""
        now = self._clock()
        per_second = self.per_minute / 60
        self._tokens = min(self._most, self._tokens + (now - self._filled) * per_second)
        self._filled = now
        if self._tokens < 1:
            return (1 - self._tokens) / per_second
        self._tokens -= 1
        return 0.0
