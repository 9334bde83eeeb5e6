"""CheckFunction: streams that wait for callers who evaluate functions."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Iterator
from typing import TypeAlias

from grpc import aio

from gradproof_server.serving import calls
from gradproof_server.serving.compute import Executor, Job
from gradproof_server.serving.errors import BusyError, CallerTimeoutError, ShuttingDownError
from gradproof_server.serving.mailbox import Mailbox
from gradproof_server.serving.methods import StreamMessage, Task, TaskResult
from gradproof_server.serving.submission import call_in, submitted
from gradproof_server.settings import Settings

METHOD = "CheckFunction"
Context: TypeAlias = "aio.ServicerContext[bytes, bytes]"


class FunctionService:
    """Serves streams of CheckFunction. Everything but `open` belongs to one event loop.

    Args:
        compute: checks functions, as many at a time as there may be streams.
        settings: how many streams, and how long to wait for a caller.
    """

    def __init__(self, compute: Executor, settings: Settings) -> None:
        self._compute, self._settings = compute, settings
        self._open: set[_Stream] = set()
        self._closing = False

    @property
    def open(self) -> int:
        """How many functions are being checked."""
        return max(len(self._open), self._compute.pending)

    def configure(self, settings: Settings) -> None:
        """Serves by these settings from now on."""
        self._settings = settings

    def interrupt(self) -> None:
        """Ends all streams, which are told SHUTTING_DOWN, and takes none any more."""
        self._closing = True
        for stream in self._open:
            stream.end()

    async def serve(self, context: Context) -> TaskResult:
        """One stream, from the claim to the report: how it ended, which is a failure where the check failed or a
        message of the caller does not fit.

        Raises:
            BusyError, QuotaExceededError: as many streams are open as this server takes, of all or of this caller.
            CallerTimeoutError: the caller did not read or answer in time.
            StreamEndedError: the caller ended its side before the report.
            ShuttingDownError: the server is ending.
        """
        if self._closing:
            raise ShuttingDownError("the server is ending")
        if self.open >= self._settings.max_functions:
            raise BusyError(f"{self.open} functions are being checked, which is as many as this server takes at once")
        stream = _Stream(self._compute, context, self._settings.answer_seconds)
        self._open.add(stream)
        try:
            return await stream.serve()
        except TimeoutError:
            if self._closing:
                raise ShuttingDownError("the server is ending") from None
            raise CallerTimeoutError(self._settings.answer_seconds) from None
        finally:
            self._open.remove(stream)


class _Stream:
    """One stream, between its caller, who may take `answer_seconds` to read or to answer, and its computation."""

    def __init__(self, compute: Executor, context: Context, answer_seconds: float) -> None:
        self._compute, self._context, self._answer_seconds = compute, context, answer_seconds
        self._loop = asyncio.get_running_loop()
        self._mailbox = Mailbox(calls.keeper())
        self._timeout = asyncio.timeout(None)
        self._waits_for_answer = False

    def end(self) -> None:
        """Ends the waiting for the caller."""
        self._timeout.reschedule(0)

    async def serve(self) -> TaskResult:
        """The stream; how it ended. Raises TimeoutError where its waiting was ended."""
        try:
            async with self._timeout:
                return await self._talk()
        except TimeoutError:
            if self._mailbox.answer is not None:
                return self._mailbox.answer
            raise

    async def _talk(self) -> TaskResult:
        with self._patience():
            request = await calls.read(self._context)
        remaining = self._context.time_remaining()
        deadline = None if remaining is None else time.monotonic() + remaining
        task = Task(METHOD, request, deadline, calls.caller())
        done, part = (functools.partial(call_in, self._loop, take) for take in (self._over, self._mailbox.put))
        with submitted(self._compute, task, done, part) as ticket:
            while isinstance(news := await self._mailbox.next(), StreamMessage):
                await self._pass_on(news, ticket)
        return news

    async def _pass_on(self, part: StreamMessage, ticket: Job) -> None:
        calls.sent(len(part.response))
        with self._patience():
            await self._context.write(part.response)
        if part.asks:
            with self._patience():
                self._waits_for_answer = True
                answer = await calls.read(self._context)
                self._waits_for_answer = False
            ticket.say(answer)

    def _over(self, answer: TaskResult) -> None:
        """The computation has ended. While it waited for the caller, that is news that does not wait for the caller."""
        self._mailbox.close(answer)
        if self._waits_for_answer:
            self.end()

    @contextlib.contextmanager
    def _patience(self) -> Iterator[None]:
        """What is done here is waiting for the caller, which has its time."""
        self._timeout.reschedule(self._loop.time() + self._answer_seconds)
        yield
        self._timeout.reschedule(None)
