"""Traces: a span for every call, with its wait and the engine's stages below it, under the caller's own trace."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import grpc
from gradproof._version import __version__
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gradproof_server.serving.calls import Call
from gradproof_server.serving.server import StartError

_HEADERS = ("traceparent", "tracestate")
_EXPORT_SECONDS = 2
_EXPORTER = "opentelemetry.exporter.otlp.proto.grpc.exporter"
_COMPLAINT_SECONDS = 60.0
_PROPAGATOR = TraceContextTextMapPropagator()
# What the semantic conventions of RPC count as a fault of the server.
_FAULTS = (
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
)


def _nothing() -> None:
    """For tracing that keeps nothing."""


@dataclass(frozen=True)
class Tracing:
    """Makes the spans of calls. Attributes say how a call went, never what it said.

    tracer: where spans go. close: sends what has not been sent; blocks for a few seconds at most.
    """

    tracer: trace.Tracer
    close: Callable[[], None] = _nothing

    def begin(self, call: Call, metadata: Iterable[tuple[str, str | bytes]]) -> trace.Span:
        """The span of a call, below the one that its metadata names (W3C traceparent)."""
        carrier = {key: value for key, value in metadata if key in _HEADERS and isinstance(value, str)}
        service, _, method = call.method.removeprefix("/").rpartition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        span = self.tracer.start_span(
            f"{service}/{method}", _PROPAGATOR.extract(carrier), trace.SpanKind.SERVER, attributes
        )
        context = span.get_span_context()
        if context.is_valid and context.trace_flags.sampled and span.is_recording():
            call.trace_id = trace.format_trace_id(context.trace_id)
        return span

    def end(self, span: trace.Span, call: Call, code: grpc.StatusCode) -> None:
        """Ends the span of a call that ended with this code, with what it waited for and what was done for it."""
        if not span.is_recording():
            return
        context, zero = trace.set_span_in_context(span), time.time_ns() - time.monotonic_ns()
        for name, begin, end, seconds in call.times:
            attributes = {"gradproof.busy_seconds": seconds}
            part = self.tracer.start_span(name, context, attributes=attributes, start_time=zero + round(begin * 1e9))
            part.end(zero + round(end * 1e9))
        span.set_attributes(_attributes(call, code))
        if code in _FAULTS:
            span.set_status(trace.StatusCode.ERROR)
        span.end()


class _Seldom(logging.Filter):
    """Lets one of a library's messages of the same kind pass a minute: a collector that is away for long is no news."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        now = time.monotonic()
        if now - self._passed.get(record.msg, -_COMPLAINT_SECONDS) < _COMPLAINT_SECONDS:
            return False
        self._passed[record.msg] = now
        return True


NO_TRACING = Tracing(trace.NoOpTracer())


def open_tracing(endpoint: str | None) -> Tracing:
    """Tracing that sends spans to an OTLP endpoint (gRPC), as "http://host:4317"; none without one.

    A caller's decision whether a trace is kept holds; calls without one are kept. Spans are dropped where the endpoint
    cannot be reached. Raises StartError where the packages are not installed.
    """
    if endpoint is None:
        return NO_TRACING
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
    except ImportError as error:
        raise StartError(f'--trace-endpoint needs more packages: pip install "gradproof[otel]" ({error})') from error
    complaints = logging.getLogger(_EXPORTER)
    complaints.filters = [_Seldom()]
    resource = Resource.create({"service.name": "gradproof", "service.version": __version__})
    provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_SECONDS)))
    return Tracing(provider.get_tracer("gradproof", __version__), provider.shutdown)


def _attributes(call: Call, code: grpc.StatusCode) -> Mapping[str, str | int]:
    named = {f"gradproof.{name}": str(call.notes[name]) for name in ("verdict", "reason") if name in call.notes}
    return {
        "rpc.grpc.status_code": code.value[0],
        "gradproof.request_id": call.request_id,
        "gradproof.request_bytes": call.request_bytes,
        "gradproof.response_bytes": call.response_bytes,
        **named,
    }
