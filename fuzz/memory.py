"""Growth of memory, watched from message to message."""

from __future__ import annotations

import os
from pathlib import Path

WARM_UP = 20_000
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
        self.first = 0
        self._since = 0

    def message_done(self) -> None:
        """Counts a message. Raises GrowthError where more memory was taken since the window began than it may."""
        self.messages += 1
        if self.messages % _EVERY or self.messages < WARM_UP:
            return
        now = resident_bytes()
        if not self.first or self.messages - self._since >= WINDOW:
            self.first, self._since = now, self.messages
        if now - self.first > MOST_GROWTH_BYTES:
            count = self.messages - self._since
            raise GrowthError(f"{(now - self.first) >> 20} MiB more resident memory after {count} messages")


def resident_bytes() -> int:
    """Memory of this process that is resident."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
