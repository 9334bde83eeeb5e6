"""The trace of the program that uses the SDK: each call is a span of it, and goes on in the server. Only where that
program uses OpenTelemetry."""

from __future__ import annotations

import sys
from typing import Any

from gradproof._version import __version__
from gradproof.errors import CallError

_CANCELLED = 1


class CallSpan:
    """The span of one call with all its attempts; nothing, where `span` is None.

    It is the parent of the server's span, and never the current one: a stream is left and entered again, and what its
    reader does meanwhile is not a part of the call.
    """

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def metadata(self) -> list[tuple[str, str | bytes]]:
        """W3C trace context of the call, for its metadata."""
        if self._span is None:
            return []
        from opentelemetry.trace import set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, set_span_in_context(self._span))
        return [*carrier.items()]

    def repeated(self, error: CallError, pause: float) -> None:
        """An attempt failed, and there is another one after so many seconds."""
        if self._span is not None:
            attributes = {**_attributes(error), "gradproof.pause_seconds": pause}
            self._span.add_event("attempt failed", attributes)

    def end(self, error: BaseException | None) -> None:
        """The call is over. What is no Exception is its own caller's will, as leaving a stream, and not an error."""
        if self._span is None:
            return
        if isinstance(error, Exception):
            from opentelemetry.trace import StatusCode

            self._span.set_attributes(_attributes(error))
            self._span.set_status(StatusCode.ERROR)
        else:
            self._span.set_attribute("rpc.grpc.status_code", 0 if error is None else _CANCELLED)
        self._span.end()


UNTRACED = CallSpan()


def call_span(path: str) -> CallSpan:
    """Starts the span of a call of "/package.Service/Method", below the current one.

    Nobody can have a span who has not imported the API, so it is not imported here, which would cost the others time.
    """
    if "opentelemetry.trace" not in sys.modules:
        return UNTRACED
    from opentelemetry import trace

    service, _, method = path.removeprefix("/").rpartition("/")
    attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
    tracer = trace.get_tracer("gradproof", __version__)
    return CallSpan(tracer.start_span(f"{service}/{method}", kind=trace.SpanKind.CLIENT, attributes=attributes))


def _attributes(error: Exception) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {"error.type": type(error).__name__}
    if isinstance(error, CallError) and error.code is not None:
        attributes["rpc.grpc.status_code"] = error.code.value[0]
    if isinstance(error, CallError) and error.reason:
        attributes["gradproof.reason"] = error.reason
    return attributes
