"""The client for asyncio: a thin shell of I/O around the calls; gradproof.client is the same with blocking calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, TypeAlias, TypeVar, Unpack, cast

import grpc.aio

from gradproof import _calls, _function_calls, _witness_calls
from gradproof._aio_status import FirstStatus
from gradproof._calls import UNSET, Call, DiagnosisLike, Include, ProblemLike, Timeout
from gradproof._channel import (
    MAX_MESSAGE_BYTES,
    TIMEOUT_SECONDS,
    TLS,
    CallMetadata,
    ChannelSettings,
    Metadata,
    Token,
)
from gradproof._embedded import EmbeddedServer, start_embedded
from gradproof._function_calls import FunctionCall, FunctionOptions
from gradproof._retry import Allowance, Attempts, Retry
from gradproof._status import FailedCall, failure_to_error
from gradproof._tracing import call_span
from gradproof._witness_calls import CUT_OFF, OnProgress, StreamCall, VerifyOptions
from gradproof.black_box import Arguments, Function
from gradproof.claim import ClaimLike
from gradproof.errors import (
    CallError,
    CancelledError,
    ClosedClientError,
    DeadlineError,
    UnavailableError,
    UnimplementedError,
)
from gradproof.results import Catalog, Reference, Report
from gradproof.v1.witness_pb2 import PointBatch
from gradproof.witness import Estimate, Progress, Verification, WitnessEvent

T = TypeVar("T")
AsyncStream: TypeAlias = AsyncGenerator[T, None]
Requests: TypeAlias = asyncio.Queue[bytes | None]
"""What is sent on a stream; None ends it."""


class AsyncClient:
    """A connection to a gradproof server for asyncio, made at the first call, in that call's event loop.

    Arguments, methods and errors are those of `gradproof.Client`; what takes time is awaited. Close it, or use it in
    `async with`. A coroutine that is cancelled cancels its call on the server.
    """

    def __init__(
        self,
        target: str,
        *,
        timeout: float | None = TIMEOUT_SECONDS,
        tls: bool | TLS | None = None,
        token: Token | None = None,
        metadata: Metadata = (),
        retry: Retry | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self._settings = ChannelSettings(
            target, timeout, tls, token, metadata, retry or Retry(), max_message_bytes, options
        )
        self._channel: grpc.aio.Channel | None = None
        self._server: EmbeddedServer | None = None
        self._closed = asyncio.Event()
        self._allowance = Allowance()

    @classmethod
    async def embedded(cls, *, timeout: float | None = TIMEOUT_SECONDS) -> AsyncClient:
        """A client of a private server in this process; closing the client stops it.

        Raises:
            ServerExtraMissingError: the server is not installed.
        """
        server = await asyncio.to_thread(start_embedded)
        client = cls(server.target, timeout=timeout)
        client._server = server
        return client

    async def compute(
        self,
        problem: ProblemLike,
        *,
        include: Include | None = None,
        steps: Iterable[int] | None = None,
        timeout: Timeout = UNSET,
    ) -> Reference:
        """The reference for a problem; see `Client.compute`."""
        return await self._call(_calls.compute_call(problem, include, steps), timeout)

    async def check(
        self,
        problem: ProblemLike,
        claim: ClaimLike,
        *,
        include: Include | None = None,
        diagnosis: DiagnosisLike | None = None,
        timeout: Timeout = UNSET,
    ) -> Report:
        """Checks a claim against the reference. A wrong gradient is a result, not an error; see `Client.check`."""
        return await self._call(_calls.check_call(problem, claim, include, diagnosis), timeout)

    async def verify(
        self,
        problem: ProblemLike,
        claim: ClaimLike | None = None,
        *,
        on_progress: OnProgress | None = None,
        timeout: Timeout = UNSET,
        **options: Unpack[VerifyOptions],
    ) -> Verification:
        """Checks gradients against numerical differentiation; see `Client.verify`.

        A coroutine that is cancelled returns nothing, as always; `verify_events` yields what arrives before.
        """
        call = _witness_calls.verify_call(problem, claim, options, estimate_only=False)
        try:
            await self._follow(call, timeout, on_progress)
        except CUT_OFF as error:
            return call.cut_off(error)
        return call.result()

    async def verify_events(
        self,
        problem: ProblemLike,
        claim: ClaimLike | None = None,
        *,
        timeout: Timeout = UNSET,
        **options: Unpack[VerifyOptions],
    ) -> AsyncIterator[WitnessEvent]:
        """`verify`, event by event; see `Client.verify_events`. Close it with `contextlib.aclosing`."""
        call = _witness_calls.verify_call(problem, claim, options, estimate_only=False)
        async with aclosing(self._events(call, timeout)) as events:
            async for event in events:
                yield event

    async def estimate(
        self,
        problem: ProblemLike,
        claim: ClaimLike | None = None,
        *,
        timeout: Timeout = UNSET,
        **options: Unpack[VerifyOptions],
    ) -> Estimate:
        """What `verify` would cost with the same arguments."""
        call = _witness_calls.verify_call(problem, claim, options, estimate_only=True)
        await self._follow(call, timeout)
        return call.estimated()

    async def check_function(self, f: Function, x: Arguments, **options: Unpack[FunctionOptions]) -> Verification:
        """Checks a derivative of any Python function against numerical differentiation; see `Client.check_function`.

        The function is an ordinary one; it is called in a thread, one call at a time.
        """
        call = await asyncio.to_thread(_function_calls.function_call, f, x, options)
        await self._follow(call, options.get("timeout", UNSET), options.get("on_progress"))
        return call.result()

    async def catalog(self, *, timeout: Timeout = UNSET) -> Catalog:
        """What the server can build, its limits, versions and devices."""
        return await self._call(_calls.catalog_call(), timeout)

    async def health(self, *, timeout: Timeout = UNSET) -> bool:
        """Whether the server is reachable and reports that it serves (grpc.health.v1)."""
        try:
            return await self._call(_calls.health_call(), timeout)
        except (UnavailableError, DeadlineError, UnimplementedError):
            return False

    async def close(self) -> None:
        """Closes the connection, and stops an embedded server. Closing again does nothing."""
        channel, server = self._channel, self._server
        self._closed.set()
        self._channel = self._server = None
        if channel is not None:
            await channel.close()
        if server is not None:
            await asyncio.to_thread(server.stop)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(self, call: Call[T], timeout: Timeout) -> T:
        with self._attempts(call.path, _calls.seconds(timeout, self._settings.timeout)) as attempts:
            metadata, request_id = self._settings.call_metadata(attempts.span)
            request = self._settings.sendable(call.path, call.request)
            while True:
                method: Any = self._connected().unary_unary(call.path)
                try:
                    with self._closed_reported(request_id):
                        answer: bytes = await method(request, timeout=attempts.seconds, metadata=metadata)
                except grpc.aio.AioRpcError as failed:
                    error = failure_to_error(cast(FailedCall, failed), request_id)
                    if not (call.repeated and await self._waited(attempts, error)):
                        raise error from failed
                else:
                    attempts.succeeded()
                    return call.read(answer)

    async def _follow(self, call: StreamCall, timeout: Timeout, on_progress: OnProgress | None = None) -> None:
        """Reads all events of a call."""
        async with aclosing(self._events(call, timeout)) as events:
            async for event in events:
                if on_progress is not None and isinstance(event, Progress):
                    on_progress(event)

    async def _events(self, call: StreamCall, timeout: Timeout) -> AsyncStream[WitnessEvent]:
        """The events of a call, in as many attempts as it takes; only progress is repeated."""
        with self._attempts(call.path, call.limit(timeout, self._settings.timeout)) as attempts:
            metadata = self._settings.call_metadata(attempts.span)
            while True:
                try:
                    async with aclosing(self._conversation(call, metadata, attempts.seconds)) as events:
                        async for event in events:
                            if call.is_news(event):
                                yield event
                except CallError as error:
                    if not await self._waited(attempts, error):
                        raise
                    call.restart()
                else:
                    attempts.succeeded()
                    return

    async def _conversation(
        self, call: StreamCall, metadata: CallMetadata, seconds: float | None
    ) -> AsyncStream[WitnessEvent]:
        """The events of one attempt; requests for values at points are answered."""
        requests: Requests = asyncio.Queue()
        try:
            requests.put_nowait(self._settings.sendable(call.path, call.request))
            async with aclosing(self._answers(call, metadata, seconds, requests)) as answers:
                async for answer in answers:
                    event = call.read(answer)
                    if isinstance(event, PointBatch):
                        values = await asyncio.to_thread(cast(FunctionCall, call).answer, event)
                        requests.put_nowait(self._settings.sendable(call.path, values))
                    else:
                        yield event
        finally:
            requests.put_nowait(None)

    async def _answers(
        self, call: StreamCall, metadata: CallMetadata, seconds: float | None, requests: Requests
    ) -> AsyncStream[bytes]:
        """The responses of one attempt, which for a function has several requests. Leaving them early cancels it."""
        pairs, request_id = metadata
        channel: Any = self._connected()
        if isinstance(call, FunctionCall):
            stream = channel.stream_stream(call.path)(_until_none(requests), timeout=seconds, metadata=pairs)
        else:
            stream = channel.unary_stream(call.path)(requests.get_nowait(), timeout=seconds, metadata=pairs)
        first = FirstStatus(stream)
        try:
            with self._closed_reported(request_id):
                async for answer in stream:
                    yield answer
        except grpc.aio.AioRpcError as error:
            raise failure_to_error(first.status or cast(FailedCall, error), request_id) from error
        finally:
            stream.cancel()

    def _attempts(self, path: str, seconds: float | None) -> Attempts:
        return Attempts(self._settings.retry, self._allowance, seconds, call_span(path))

    async def _waited(self, attempts: Attempts, error: CallError) -> bool:
        """Waits for the next attempt; False if the error is final, or the client was closed."""
        if self._closed.is_set() or (pause := attempts.pause(error)) is None:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._closed.wait()
        return not self._closed.is_set()

    @contextlib.contextmanager
    def _closed_reported(self, request_id: str) -> Iterator[None]:
        """Raises the SDK's CancelledError if grpc.aio raises asyncio's because the client was closed; a task that is
        itself cancelled still ends with asyncio's."""
        try:
            yield
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if self._closed.is_set() and not (task and task.cancelling()):
                raise CancelledError(
                    "the client was closed", code=grpc.StatusCode.CANCELLED, request_id=request_id
                ) from error
            raise

    def _connected(self) -> grpc.aio.Channel:
        if self._closed.is_set():
            raise ClosedClientError("this client is closed")
        if self._channel is None:
            self._channel = self._settings.open(grpc.aio)
        return self._channel


async def _until_none(requests: Requests) -> AsyncIterator[bytes]:
    while (request := await requests.get()) is not None:
        yield request
