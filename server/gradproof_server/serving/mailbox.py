"""The parts of an answer between the engine's thread, which never waits, and a caller who may read slowly."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gradproof_server.serving.methods import StreamMessage, TaskResult


class Mailbox:
    """Parts in their order, then the answer. All methods belong to one event loop, with one reader.

    Of parts that pass only the last one waits: a slow reader is not told what is out of date. The others wait as long
    as it takes; the engine bounds their bytes, which `keep` is told.
    """

    def __init__(self, keep: Callable[[int], None]) -> None:
        self._keep = keep
        self._parts: deque[StreamMessage] = deque()
        self.answer: TaskResult | None = None
        """The answer, once it is there; parts may be waiting still."""
        self._news = asyncio.Event()

    def put(self, part: StreamMessage) -> None:
        """Takes a part. After the answer it does nothing."""
        if self.answer is not None:
            return
        if part.passing:
            self._parts = deque(waiting for waiting in self._parts if not waiting.passing)
        else:
            self._keep(len(part.response))
        self._parts.append(part)
        self._news.set()

    def close(self, answer: TaskResult) -> None:
        """Takes the answer, which comes after all parts."""
        self.answer = self.answer or answer
        self._news.set()

    async def next(self) -> StreamMessage | TaskResult:
        """The next part; the answer when there is none any more."""
        while not self._parts and self.answer is None:
            self._news.clear()
            await self._news.wait()
        if self._parts:
            return self._parts.popleft()
        assert self.answer is not None
        return self.answer
