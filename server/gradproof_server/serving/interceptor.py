"""What happens around every call: request id, metrics, one log line, and exceptions as gRPC errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message
from grpc import aio

from gradproof_server.serving import calls
from gradproof_server.serving.calls import Call
from gradproof_server.serving.failures import Failure, error_to_failure, failure_to_status, failure_to_trailers
from gradproof_server.serving.gate import Gate
from gradproof_server.serving.logs import Logger
from gradproof_server.serving.metrics import CODE_NAMES, Metrics

_Handler: TypeAlias = Any  # grpc.RpcMethodHandler, whose behaviours have the types of the synchronous API
_Context: TypeAlias = "aio.ServicerContext[Any, Any]"
_Behavior: TypeAlias = Callable[[Any, _Context], Awaitable[Any]]


# The caller's clock rings first, by the time that its request took to get here, and it then cancels the call.
_DEADLINE_SECONDS = 0.05


class CallFailedError(Exception):
    """Ends a call with a failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class CallInterceptor(aio.ServerInterceptor):
    """Serves the methods that `metrics` knows; others (streams of health and reflection) pass untouched.

    Behaviours are coroutines: those of unary methods return the response, those of streams write their responses and
    count messages by `calls.received` and `calls.sent`. One interceptor for everything, because the first one costs a
    quarter of the throughput and each further one is a layer more to read. Calls of methods outside `main_service`
    (probes) are logged at debug level. Calls begin and end only while the gate is open.
    """

    def __init__(self, metrics: Metrics, logger: Logger, main_service: str, gate: Gate) -> None:
        self._metrics, self._logger, self._gate = metrics, logger, gate
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
            if handler is None or not self._metrics.knows(method):
                return handler
            self._handlers[method] = self._wrapped(method, handler)
        return self._handlers[method]

    def _wrapped(self, method: str, handler: _Handler) -> _Handler:
        codecs = handler.request_deserializer, handler.response_serializer
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(self._around(method, handler.unary_unary), *codecs)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(self._around(method, handler.unary_stream), *codecs)
        return grpc.stream_stream_rpc_method_handler(self._around(method, handler.stream_stream), *codecs)

    def _around(self, method: str, behavior: _Behavior) -> _Behavior:
        async def serve(request: Any, context: _Context) -> Any:
            call = self._begin(method, request, context)
            try:
                await self._gate.passed()
                response = await behavior(request, context)
            except asyncio.CancelledError:
                self._end(call, _code_of_cancellation(context))
                raise
            except aio.AbortError:
                self._end(call, _code_of(context))
                raise
            except Exception as error:
                self._fail(call, error, context)
                response = None
            else:
                if response is not None:
                    call.sent(_size(response))
                self._end(call, grpc.StatusCode.OK)
            await self._gate.passed()
            return response

        return serve

    def _begin(self, method: str, request: Any, context: _Context) -> Call:
        self._metrics.call_started(method)
        request_id = calls.request_id_of(context.invocation_metadata() or ())
        call = Call(method, request_id, context.peer())
        if isinstance(request, bytes | Message):  # not a stream of them
            call.received(_size(request))
        calls.begin(call)
        context.set_trailing_metadata(((calls.REQUEST_ID, request_id),))
        self._logger.debug("call begins", method=method, request_id=request_id)
        return call

    def _fail(self, call: Call, error: Exception, context: _Context) -> None:
        """Gives the call its error. (`abort` would raise, and leave a cycle that keeps request and answer alive.)"""
        failure = error.failure if isinstance(error, CallFailedError) else error_to_failure(error)
        call.notes["reason"] = failure.kind.reason
        call.notes["error"] = failure.message
        if failure.log_text:
            call.notes["traceback"] = failure.log_text
        self._end(call, failure.kind.code)
        status = failure_to_status(failure, call.request_id)
        context.set_trailing_metadata(((calls.REQUEST_ID, call.request_id), *failure_to_trailers(failure, status)))
        context.set_code(failure.kind.code)
        context.set_details(status.message)

    def _end(self, call: Call, code: grpc.StatusCode) -> None:
        self._metrics.call_ended(call, code)
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
            requests=call.requests,
            request_bytes=call.request_bytes,
            responses=call.responses,
            response_bytes=call.response_bytes,
            **call.notes,
        )


def _size(message: Any) -> int:
    return len(message) if isinstance(message, bytes) else message.ByteSize()


def _code_of(context: _Context) -> grpc.StatusCode:
    code = context.code()
    return code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN


def _code_of_cancellation(context: _Context) -> grpc.StatusCode:
    remaining = context.time_remaining()
    expired = remaining is not None and remaining <= _DEADLINE_SECONDS
    return grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED
