"""The client: a thin shell of blocking I/O around the pure core in `_calls`; gradproof.aio is its twin for asyncio."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeAlias, TypeVar, Unpack, cast

import grpc

from gradproof import _calls, _function_calls, _witness_calls
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
from gradproof.errors import CallError, ClosedClientError, DeadlineError, UnavailableError, UnimplementedError
from gradproof.results import Catalog, Reference, Report
from gradproof.v1.witness_pb2 import PointBatch
from gradproof.witness import Estimate, Progress, Verification, WitnessEvent

T = TypeVar("T")
Stream: TypeAlias = Generator[T, None, None]
Requests: TypeAlias = SimpleQueue[bytes | None]
"""What is sent on a stream; None ends it."""


class Client:
    """A connection to a gradproof server, opened by the first call. Threads may share it; close it, or use `with`.

    Args:
        target: "host:port", "dns:///name:port" or "unix:/path".
        timeout: seconds that a call may take unless it states its own; None: no limit.
        tls: True, or a TLS with certificates; None or False: unencrypted.
        token: a bearer token, or a function that returns one for each call. Without TLS it goes to local targets only.
        metadata: pairs sent with each call.
        retry: how calls are retried that no server answered, or that a server asked to be retried later.
        max_message_bytes: largest request and response; a larger request is refused before it is sent.
        options: further arguments of the gRPC channel; they override those of the SDK.

    Calls that fail raise a CallError (see gradproof.errors).
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
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._allowance = Allowance()

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
        are the indices of the steps to return, from 0; None: all. `timeout` is in seconds; None: no limit.
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
        """Checks a claim against the reference. A wrong gradient is a result, not an error: see `Report.verdict`.

        `claim` is one claim, or several for several steps. `include` names what to return of the reference besides the
        claimed tensors, as for `compute`. `diagnosis=False` asks for no explanation of a disagreement; a dict limits
        the search for one, by max_seconds, max_combination and max_findings. `timeout` is in seconds; None: no limit.
        """
        return self._call(_calls.check_call(problem, claim, include, diagnosis), timeout)

    def verify(
        self,
        problem: ProblemLike,
        claim: ClaimLike | None = None,
        *,
        on_progress: OnProgress | None = None,
        timeout: Timeout = UNSET,
        **options: Unpack[VerifyOptions],
    ) -> Verification:
        """Checks the reference's gradients, and those of a claim if there is one, against numerical differentiation.

        `on_progress` is called with each Progress; `options` are those of `VerifyOptions`. `timeout` is in seconds;
        by default it is the client's, added to the `max_seconds` after which the server itself ends the check; None: no
        limit. If the timeout passes, the client is closed, or Ctrl-C is pressed, the result covers what has arrived:
        `Verification.partial` is then true, and `cut_off` says why.
        """
        call = _witness_calls.verify_call(problem, claim, options, estimate_only=False)
        try:
            self._follow(call, timeout, on_progress)
        except CUT_OFF as error:
            return call.cut_off(error)
        return call.result()

    def verify_events(
        self,
        problem: ProblemLike,
        claim: ClaimLike | None = None,
        *,
        timeout: Timeout = UNSET,
        **options: Unpack[VerifyOptions],
    ) -> Iterator[WitnessEvent]:
        """`verify`, event by event: an Estimate, then Progress and TensorWitness, finally the Verification.

        Leaving the loop cancels the call on the server.
        """
        call = _witness_calls.verify_call(problem, claim, options, estimate_only=False)
        yield from self._events(call, timeout)

    def estimate(
        self,
        problem: ProblemLike,
        claim: ClaimLike | None = None,
        *,
        timeout: Timeout = UNSET,
        **options: Unpack[VerifyOptions],
    ) -> Estimate:
        """What `verify` would cost with the same arguments."""
        call = _witness_calls.verify_call(problem, claim, options, estimate_only=True)
        self._follow(call, timeout)
        return call.estimated()

    def check_function(self, f: Function, x: Arguments, **options: Unpack[FunctionOptions]) -> Verification:
        """Checks a derivative of any Python function against numerical differentiation; the function is called here.

        Args:
            f: takes and returns arrays of the kind of `x` (NumPy, torch, JAX, ...; lists become NumPy arrays).
            x: the point. One array: f(x); a tuple or a list of arrays: f(*x); a mapping of names to arrays: f(mapping).
            options: `gradient`, `jacobian`, `vjp` or `jvp`: the claimed derivative; and more. See `FunctionOptions`.

        Raises what `f` raises, with a note that states the point; StopIteration as a RuntimeError. NaN and infinity are
        results like any others.
        """
        call = _function_calls.function_call(f, x, options)
        self._follow(call, options.get("timeout", UNSET), options.get("on_progress"))
        return call.result()

    def catalog(self, *, timeout: Timeout = UNSET) -> Catalog:
        """What the server can build, its limits, versions and devices."""
        return self._call(_calls.catalog_call(), timeout)

    def health(self, *, timeout: Timeout = UNSET) -> bool:
        """Whether the server is reachable and reports that it serves (grpc.health.v1)."""
        try:
            return self._call(_calls.health_call(), timeout)
        except (UnavailableError, DeadlineError, UnimplementedError):
            return False

    def close(self) -> None:
        """Closes the connection, and stops an embedded server. Closing again does nothing."""
        with self._lock:
            channel, server = self._channel, self._server
            self._closed.set()
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
        with self._attempts(call.path, _calls.seconds(timeout, self._settings.timeout)) as attempts:
            metadata, request_id = self._settings.call_metadata(attempts.span)
            request = self._settings.sendable(call.path, call.request)
            while True:
                method: Any = self._connected().unary_unary(call.path)
                try:
                    answer: bytes = method(request, timeout=attempts.seconds, metadata=metadata)
                except grpc.RpcError as failed:
                    error = failure_to_error(cast(FailedCall, failed), request_id)
                    if not (call.repeated and self._waited(attempts, error)):
                        raise error from failed
                else:
                    attempts.succeeded()
                    return call.read(answer)

    def _follow(self, call: StreamCall, timeout: Timeout, on_progress: OnProgress | None = None) -> None:
        """Reads all events of a call."""
        with closing(self._events(call, timeout)) as events:
            for event in events:
                if on_progress is not None and isinstance(event, Progress):
                    on_progress(event)

    def _events(self, call: StreamCall, timeout: Timeout) -> Stream[WitnessEvent]:
        """The events of a call, in as many attempts as it takes; only progress is repeated."""
        with self._attempts(call.path, call.limit(timeout, self._settings.timeout)) as attempts:
            metadata = self._settings.call_metadata(attempts.span)
            while True:
                try:
                    with closing(self._conversation(call, metadata, attempts.seconds)) as events:
                        for event in events:
                            if call.is_news(event):
                                yield event
                except CallError as error:
                    if not self._waited(attempts, error):
                        raise
                    call.restart()
                else:
                    attempts.succeeded()
                    return

    def _conversation(self, call: StreamCall, metadata: CallMetadata, seconds: float | None) -> Stream[WitnessEvent]:
        """The events of one attempt; requests for values at points are answered."""
        requests: Requests = SimpleQueue()
        try:
            requests.put(self._settings.sendable(call.path, call.request))
            with closing(self._answers(call, metadata, seconds, requests)) as answers:
                for answer in answers:
                    event = call.read(answer)
                    if isinstance(event, PointBatch):
                        requests.put(self._settings.sendable(call.path, cast(FunctionCall, call).answer(event)))
                    else:
                        yield event
        finally:
            requests.put(None)

    def _answers(
        self, call: StreamCall, metadata: CallMetadata, seconds: float | None, requests: Requests
    ) -> Stream[bytes]:
        """The responses of one attempt, which for a function has several requests. Leaving them early cancels it."""
        pairs, request_id = metadata
        channel: Any = self._connected()
        if isinstance(call, FunctionCall):
            stream = channel.stream_stream(call.path)(iter(requests.get, None), timeout=seconds, metadata=pairs)
        else:
            stream = channel.unary_stream(call.path)(requests.get(), timeout=seconds, metadata=pairs)
        try:
            yield from stream
        except grpc.RpcError as error:
            raise failure_to_error(cast(FailedCall, error), request_id) from error
        finally:
            stream.cancel()

    def _attempts(self, path: str, seconds: float | None) -> Attempts:
        return Attempts(self._settings.retry, self._allowance, seconds, call_span(path))

    def _waited(self, attempts: Attempts, error: CallError) -> bool:
        """Waits for the next attempt; False if the error is final, or the client was closed."""
        if self._closed.is_set() or (pause := attempts.pause(error)) is None:
            return False
        return not self._closed.wait(pause)

    def _connected(self) -> grpc.Channel:
        with self._lock:
            if self._closed.is_set():
                raise ClosedClientError("this client is closed")
            if self._channel is None:
                self._channel = self._settings.open(grpc)
            return self._channel
