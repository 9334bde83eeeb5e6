"""A gate that calls pass when they begin and when they end; the server closes it for a moment when it goes away.

gRPC cancels calls that arrive after the server has begun to stop and before the client has read so: their callers see
CANCELLED, which looks like their own doing. While the gate is closed no call begins and none ends, and so no caller
that waits for an answer sends a next call; once nothing is on its way any more, the server says that it goes away and
opens the gate. What had come until then is served, and what comes later goes elsewhere.
"""

from __future__ import annotations

import asyncio


class Gate:
    """Is open until it is closed. It belongs to one event loop."""

    def __init__(self) -> None:
        self._open: asyncio.Event | None = None
        self.held = 0
        """How many calls have had to wait, at their begin or their end."""

    def close(self) -> None:
        """Holds calls from now on."""
        self._open = self._open or asyncio.Event()

    def open(self) -> None:
        """Lets all pass that are held, and all others."""
        if self._open is not None:
            self._open.set()
            self._open = None

    async def passed(self) -> None:
        """Returns when the gate is open; at once where it is."""
        while self._open is not None:
            self.held += 1
            await self._open.wait()
