"""Growth of memory, watched from message to message."""

from __future__ import annotations

import os
from pathlib import Path

WARM_UP = 5_000
"""Messages after which caches are full."""
MOST_GROWTH_BYTES = 64 << 20
WINDOW = 100_000
"""Messages in which memory may grow by MOST_GROWTH_BYTES."""
_EVERY = 1_000
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class GrowthError(Exception):
    """Memory grows, and grows."""


class MemoryWatch:
    """Compares the resident set with that at the start of the window."""

    def __init__(self) -> None:
        self.messages = 0
        self.resident: list[int] = []
        """At the end of the warm-up, and last."""
        self._first = self._since = 0

    def message_done(self) -> None:
        """Counts a message. Raises GrowthError where more memory was taken since the window began than it may."""
        self.messages += 1
        if self.messages % _EVERY or self.messages < WARM_UP:
            return
        now = resident_bytes()
        self.resident = [*self.resident[:1], now]
        if not self._first or self.messages - self._since >= WINDOW:
            self._first, self._since = now, self.messages
        if now - self._first > MOST_GROWTH_BYTES:
            count = self.messages - self._since
            raise GrowthError(f"{(now - self._first) >> 20} MiB more resident memory after {count} messages")

    def __str__(self) -> str:
        return "memory: " + " to ".join(f"{size >> 20} MiB" for size in self.resident)


def resident_bytes() -> int:
    """Memory of this process that is resident."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
