"""The trace of the program that uses the SDK goes on in the server, where that program uses OpenTelemetry."""

from __future__ import annotations

import sys


def trace_metadata() -> list[tuple[str, str | bytes]]:
    """W3C trace context of the current span as metadata of a call; nothing where there is none.

    Nobody can have a span who has not imported the API, so it is not imported here, which would cost the others time.
    """
    if "opentelemetry.trace" not in sys.modules:
        return []
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return [*carrier.items()]
