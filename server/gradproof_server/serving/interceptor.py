"""What happens around every call: request id, metrics, one log line, and exceptions as gRPC errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message
from grpc import aio
from opentelemetry.trace import Span

from gradproof_server.serving import calls
from gradproof_server.serving.callers.access import Access, Shown
from gradproof_server.serving.calls import Call
from gradproof_server.serving.debug import Failures
from gradproof_server.serving.failures import (
    CallFailedError,
    Failure,
    error_to_failure,
    failure_to_status,
    failure_to_trailers,
)
from gradproof_server.serving.gate import Gate
from gradproof_server.serving.logs import Logger
from gradproof_server.serving.metrics import CODE_NAMES, Metrics
from gradproof_server.serving.reading import RequestReader
from gradproof_server.serving.tracing import Tracing
from gradproof_server.serving.unread import UnreadAnswers

_Handler: TypeAlias = Any  # grpc.RpcMethodHandler, whose behaviours have the types of the synchronous API
_Context: TypeAlias = "aio.ServicerContext[Any, Any]"
_Behavior: TypeAlias = Callable[[Any, _Context], Awaitable[Any]]

_HEALTH_PREFIX = "/grpc.health.v1.Health/"
_AUTHORIZATION = "authorization"
# The caller's clock rings first, by the time that its request took to get here, and it then cancels the call.
_DEADLINE_SECONDS = 0.05


class CallInterceptor(aio.ServerInterceptor):
    """Serves the methods that `metrics` knows, those of `main_service` and health, whose other methods pass untouched.

    Methods of `main_service` are for callers whom `access` admits, which is asked before a message is read; reflection
    is for those whom it knows; health is for everybody.

    Behaviours are coroutines: those of unary methods return the response, those of streams write their responses and
    count messages by `calls.received` and `calls.sent`. One interceptor for everything, because the first one costs a
    quarter of the throughput and each further one is a layer more to read. Calls of health (probes) are logged at debug
    level. Calls begin and end only while the gate is open.
    """

    def __init__(
        self,
        metrics: Metrics,
        tracing: Tracing,
        failures: Failures,
        logger: Logger,
        main_service: str,
        gate: Gate,
        access: Access,
        reader: RequestReader,
        unread: UnreadAnswers,
    ) -> None:
        self._metrics, self._tracing, self._failures, self._logger = metrics, tracing, failures, logger
        self._gate, self._access, self._reader, self._unread = gate, access, reader, unread
        self._main_prefix = f"/{main_service}/"
        self._handlers: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """The handler of a method with everything around it."""
        method = handler_call_details.method
        if method not in self._handlers:
            handler = await continuation(handler_call_details)
            if handler is None or (method.startswith(_HEALTH_PREFIX) and not self._metrics.knows(method)):
                return handler
            self._handlers[method] = self._wrapped(method, handler)
        return self._handlers[method]

    def _wrapped(self, method: str, handler: _Handler) -> _Handler:
        codecs = handler.request_deserializer, handler.response_serializer
        if method.startswith(_HEALTH_PREFIX):
            return grpc.unary_unary_rpc_method_handler(self._around(method, handler.unary_unary), *codecs)
        if not method.startswith(self._main_prefix):
            return grpc.stream_stream_rpc_method_handler(self._identified(handler.stream_stream), *codecs)
        # As streams of requests, because gRPC reads a single request before it hands the call over.
        if handler.unary_unary is not None:
            behavior = self._admitted(method, self._reading(handler.unary_unary))
            return grpc.stream_unary_rpc_method_handler(self._around(method, behavior), *codecs)
        behavior = handler.stream_stream or self._reading(handler.unary_stream)
        return grpc.stream_stream_rpc_method_handler(self._around(method, self._admitted(method, behavior)), *codecs)

    def _admitted(self, method: str, behavior: _Behavior) -> _Behavior:
        """The behaviour of a method of the main service, for callers who may call it."""
        name = method.removeprefix(self._main_prefix)

        async def serve(requests: Any, context: _Context) -> Any:
            caller = self._access.admit(_shown(context), name)
            unread = self._unread.begin(caller)
            context.add_done_callback(unread.end)  # type: ignore[arg-type]  # the stub wants a class of its own
            calls.admitted(caller, unread.add)
            response = await behavior(requests, context)
            if response is not None:
                calls.kept(len(response))
            return response

        return serve

    def _reading(self, behavior: _Behavior) -> _Behavior:
        """A behaviour of a stream of requests, of one of a single request."""

        async def serve(_requests: Any, context: _Context) -> Any:
            return await behavior(await self._reader.read(context), context)

        return serve

    def _identified(self, behavior: Callable[[Any, _Context], AsyncIterator[Any]]) -> Any:
        """A behaviour of the synchronous kind of streams, for callers who are known."""

        async def serve(requests: Any, context: _Context) -> AsyncIterator[Any]:
            try:
                self._access.identify(_shown(context))
            except Exception as error:
                failure = error_to_failure(error)
                self._metrics.refused(failure.kind.reason)
                await _abort(failure, calls.request_id_of(context.invocation_metadata() or ()), context)
                return
            async for response in behavior(requests, context):
                yield response

        return serve

    def _around(self, method: str, behavior: _Behavior) -> _Behavior:
        async def serve(request: Any, context: _Context) -> Any:
            (call, span), failure = self._begin(method, request, context), None
            try:
                await self._gate.passed()
                response = await behavior(request, context)
            except asyncio.CancelledError:
                self._end(call, span, _code_of_cancellation(context))
                raise
            except aio.AbortError:
                self._end(call, span, _code_of(context))
                raise
            except Exception as error:
                failure, response = self._failed(call, span, error), None
            else:
                if response is not None:
                    call.sent(_size(response))
                self._end(call, span, grpc.StatusCode.OK)
            await self._gate.passed()
            if failure is not None:
                await _abort(failure, call.request_id, context)
            return response

        return serve

    def _begin(self, method: str, request: Any, context: _Context) -> tuple[Call, Span]:
        self._metrics.call_started(method)
        metadata = context.invocation_metadata() or ()
        request_id = calls.request_id_of(metadata)
        call = Call(method, request_id, context.peer())
        if isinstance(request, Message):  # not a stream of them
            call.received(request.ByteSize())
        calls.begin(call)
        context.set_trailing_metadata(((calls.REQUEST_ID, request_id),))
        self._logger.debug("call begins", method=method, request_id=request_id)
        return call, self._tracing.begin(call, metadata)

    def _failed(self, call: Call, span: Span, error: Exception) -> Failure:
        """The failure that the error is; the call ends with it."""
        failure = error.failure if isinstance(error, CallFailedError) else error_to_failure(error)
        call.notes.update(_notes_of(failure))
        self._metrics.refused(failure.kind.reason)
        self._end(call, span, failure.kind.code)
        return failure

    def _end(self, call: Call, span: Span, code: grpc.StatusCode) -> None:
        self._metrics.call_ended(call, code)
        self._tracing.end(span, call, code)
        if code is not grpc.StatusCode.OK:
            self._failures.add(call, code)
        trace = {"trace_id": call.trace_id} if call.trace_id else {}
        write = self._logger.info if call.method.startswith(self._main_prefix) else self._logger.debug
        if code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN):
            write = self._logger.error
        write(
            "call",
            method=call.method,
            code=CODE_NAMES[code],
            seconds=round(call.seconds, 6),
            request_id=call.request_id,
            peer=call.peer,
            caller=call.caller,
            requests=call.requests,
            request_bytes=call.request_bytes,
            responses=call.responses,
            response_bytes=call.response_bytes,
            **trace,
            **call.notes,
        )


def _notes_of(failure: Failure) -> dict[str, object]:
    """What the log says of a failure: nothing that the request said, as its names and numbers."""
    if failure.violations:
        notes: dict[str, object] = {"violations": sorted({violation.reason for violation in failure.violations})}
    else:
        notes = dict(failure.metadata) or {"error": failure.message}
    traceback = {"traceback": failure.log_text} if failure.log_text else {}
    return {"reason": failure.kind.reason, **notes, **traceback}


def _size(message: Any) -> int:
    return len(message) if isinstance(message, bytes) else message.ByteSize()


def _shown(context: _Context) -> Shown:
    authorizations = (str(value) for key, value in context.invocation_metadata() or () if key == _AUTHORIZATION)
    subjects = (name.decode(errors="replace") for name in context.peer_identities() or ())
    return Shown(context.peer(), tuple(authorizations), tuple(subjects))


async def _abort(failure: Failure, request_id: str, context: _Context) -> None:
    """Gives the call its error, and no message: what gRPC's own retries repeat must have none, not even an empty one,
    which a behaviour sends that only sets the code."""
    status = failure_to_status(failure, request_id)
    trailers = ((calls.REQUEST_ID, request_id), *failure_to_trailers(failure, status))
    try:
        await context.abort(failure.kind.code, status.message, trailers)
    except aio.AbortError as error:
        error.__traceback__ = None  # gRPC keeps the error, and its frames would keep the request and the answer


def _code_of(context: _Context) -> grpc.StatusCode:
    code = context.code()
    return code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN


def _code_of_cancellation(context: _Context) -> grpc.StatusCode:
    remaining = context.time_remaining()
    expired = remaining is not None and remaining <= _DEADLINE_SECONDS
    return grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED
