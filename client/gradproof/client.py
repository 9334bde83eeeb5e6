"""The client: a thin shell of blocking I/O around the calls; gradproof.aio is the same for asyncio."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, TypeVar, cast

import grpc

from gradproof import _calls
from gradproof._calls import UNSET, Call, DiagnosisLike, Include, ProblemLike, Timeout
from gradproof._channel import MAX_MESSAGE_BYTES, TIMEOUT_SECONDS, TLS, ChannelSettings, Metadata, Retry, Token
from gradproof._embedded import EmbeddedServer, start_embedded
from gradproof._status import FailedCall, failure_to_error
from gradproof.claim import ClaimLike
from gradproof.errors import ClosedClientError, DeadlineError, UnavailableError, UnimplementedError
from gradproof.results import Catalog, Reference, Report

T = TypeVar("T")


class Client:
    """A connection to a gradproof server, made at the first call. Threads may share it; close it, or use it in `with`.

    Args:
        target: "host:port", "dns:///name:port" or "unix:/path".
        timeout: seconds that a call may take where it says nothing else; None: no limit.
        tls: True, or a TLS with certificates; None or False: unencrypted.
        token: sent as a bearer token, or a function that gives one for each call. Without TLS to local targets only.
        metadata: pairs that are sent with each call.
        retry: how calls are repeated that no server answered.
        max_message_bytes: largest request and response.
        options: further arguments of the gRPC channel; they win over those of the SDK.

    All calls raise a CallError (see gradproof.errors) where they fail.
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
        self._channel: grpc.Channel | None = None
        self._server: EmbeddedServer | None = None
        self._closed = False
        self._lock = threading.Lock()

    @classmethod
    def embedded(cls, *, timeout: float | None = TIMEOUT_SECONDS) -> Client:
        """A client of a private server in this process; closing the client stops it.

        Raises:
            ServerExtraMissingError: the server is not installed.
        """
        server = start_embedded()
        client = cls(server.target, timeout=timeout)
        client._server = server
        return client

    def compute(
        self,
        problem: ProblemLike,
        *,
        include: Include | None = None,
        steps: Iterable[int] | None = None,
        timeout: Timeout = UNSET,
    ) -> Reference:
        """The reference for a problem.

        `include` names what to return: "loss", "outputs", "gradients", "input_gradients", "node_values",
        "node_gradients", "updated", "state", "buffers" or "all"; None: loss, outputs, gradients and updated. `steps`
        are indices of the steps to return, from 0; None: all. `timeout` is in seconds; None: no limit.
        """
        return self._call(_calls.compute_call(problem, include, steps), timeout)

    def check(
        self,
        problem: ProblemLike,
        claim: ClaimLike,
        *,
        include: Include | None = None,
        diagnosis: DiagnosisLike | None = None,
        timeout: Timeout = UNSET,
    ) -> Report:
        """Holds a claim against the reference. A wrong gradient is an answer: see `Report.verdict`.

        `claim` is one, or several for several steps. `include` names what of the reference to return besides the
        claimed tensors, as for `compute`. `diagnosis=False` asks for no explanation of a disagreement; a dict limits
        it, by max_seconds, max_combination and max_findings. `timeout` is in seconds; None: no limit.
        """
        return self._call(_calls.check_call(problem, claim, include, diagnosis), timeout)

    def catalog(self, *, timeout: Timeout = UNSET) -> Catalog:
        """What the server can build, its limits, versions and devices."""
        return self._call(_calls.catalog_call(), timeout)

    def health(self, *, timeout: Timeout = UNSET) -> bool:
        """Whether the server is there and says that it serves (grpc.health.v1)."""
        try:
            return self._call(_calls.health_call(), timeout)
        except (UnavailableError, DeadlineError, UnimplementedError):
            return False

    def close(self) -> None:
        """Closes the connection, and stops an embedded server. A second time does nothing."""
        with self._lock:
            channel, server, self._closed = self._channel, self._server, True
            self._channel = self._server = None
        if channel is not None:
            channel.close()
        if server is not None:
            server.stop()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, call: Call[T], timeout: Timeout) -> T:
        metadata, request_id = self._settings.call_metadata()
        method: Any = self._connected().unary_unary(call.path)
        limit = _calls.seconds(timeout, self._settings.timeout)
        try:
            answer: bytes = method(call.request, timeout=limit, metadata=metadata)
        except grpc.RpcError as error:
            raise failure_to_error(cast(FailedCall, error), request_id) from error
        return call.read(answer)

    def _connected(self) -> grpc.Channel:
        with self._lock:
            if self._closed:
                raise ClosedClientError("this client is closed")
            if self._channel is None:
                self._channel = self._settings.open(grpc)
            return self._channel
