"""The client for asyncio: a thin shell of I/O around the calls; gradproof.client is the same with blocking calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, TypeVar, cast

import grpc.aio

from gradproof import _calls
from gradproof._calls import UNSET, Call, DiagnosisLike, Include, ProblemLike, Timeout
from gradproof._channel import MAX_MESSAGE_BYTES, TIMEOUT_SECONDS, TLS, ChannelSettings, Metadata, Retry, Token
from gradproof._embedded import EmbeddedServer, start_embedded
from gradproof._status import FailedCall, failure_to_error
from gradproof.claim import ClaimLike
from gradproof.errors import ClosedClientError, DeadlineError, UnavailableError, UnimplementedError
from gradproof.results import Catalog, Reference, Report

T = TypeVar("T")


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
        self._closed = False

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
        """Holds a claim against the reference. A wrong gradient is an answer; see `Client.check`."""
        return await self._call(_calls.check_call(problem, claim, include, diagnosis), timeout)

    async def catalog(self, *, timeout: Timeout = UNSET) -> Catalog:
        """What the server can build, its limits, versions and devices."""
        return await self._call(_calls.catalog_call(), timeout)

    async def health(self, *, timeout: Timeout = UNSET) -> bool:
        """Whether the server is there and says that it serves (grpc.health.v1)."""
        try:
            return await self._call(_calls.health_call(), timeout)
        except (UnavailableError, DeadlineError, UnimplementedError):
            return False

    async def close(self) -> None:
        """Closes the connection, and stops an embedded server. A second time does nothing."""
        channel, server, self._closed = self._channel, self._server, True
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
        metadata, request_id = self._settings.call_metadata()
        method: Any = self._connected().unary_unary(call.path)
        limit = _calls.seconds(timeout, self._settings.timeout)
        try:
            answer: bytes = await method(call.request, timeout=limit, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise failure_to_error(cast(FailedCall, error), request_id) from error
        return call.read(answer)

    def _connected(self) -> grpc.aio.Channel:
        if self._closed:
            raise ClosedClientError("this client is closed")
        if self._channel is None:
            self._channel = self._settings.open(grpc.aio)
        return self._channel
