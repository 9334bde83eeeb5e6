"""Traces: the spans of calls under those of their callers, what a collector gets, and what tracing must not cost."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Iterator
from typing import Any

import gradproof as gp
import grpc
import pytest
from gradproof.v1 import gradient_service_pb2
from gradproof_server.serving.server import StartError
from gradproof_server.serving.tracing import NO_TRACING, Tracing, open_tracing
from grpc import aio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from tests.support.logged import SOON

TRACE = "0af7651916cd43dd8448eb211c80319c"
LONGEST = {"ComputeGradients": "run", "CheckFunction": "verify"}
"""A stage of each method."""


def call(client: Any, method: str) -> Any:
    """A call of a client, or the coroutine that makes it."""
    if method == "CheckFunction":
        return client.check_function(lambda x: (x * x).sum(), [1.0, 2.0], gradient=[2.0, 4.0])
    layer = gp.Linear(1, 1, bias=False, weight=[[1.0]])
    return client.compute(gp.Problem([layer], input=[1.0], target=[0.0], loss=gp.L1Loss()))


async def blocking(target: str, method: str) -> None:
    """A call by the blocking client."""
    with gp.Client(target) as client:
        await asyncio.to_thread(call, client, method)


async def awaited(target: str, method: str) -> None:
    """A call by the client for asyncio."""
    async with gp.AsyncClient(target) as client:
        await call(client, method)


CLIENTS = {"blocking": blocking, "asyncio": awaited}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What servers that start from now on send as traces."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("gradproof_server.app.open_tracing", lambda _: Tracing(provider.get_tracer("test")))
    yield exporter
    provider.shutdown()


def named(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """Spans by their names."""
    return {span.name.rpartition("/")[2]: span for span in exporter.get_finished_spans()}


def parent_of(sampled: bool) -> tuple[tuple[str, str], ...]:
    """Metadata of a caller that has a trace."""
    return (("traceparent", f"00-{TRACE}-b7ad6b7169203331-{'01' if sampled else '00'}"),)


async def test_a_call_has_a_span_with_its_parts(serve: Any, check_request: Any, spans: InMemorySpanExporter) -> None:
    """The span is the caller's trace's; queue and stages lie in it, in order, and the log line and an exemplar name
    the trace."""
    running = await serve(metrics_port=0)
    await running.stub.CheckGradients(check_request, metadata=parent_of(sampled=True))
    found = named(spans)
    call = found["CheckGradients"]
    assert f"{call.context.trace_id:032x}" == TRACE
    assert call.attributes["rpc.grpc.status_code"] == 0
    assert call.attributes["gradproof.verdict"] == "DISAGREES"
    parts = [found[name] for name in ("queue", "read", "run", "compare", "diagnose", "encode")]
    assert all(part.parent.span_id == call.context.span_id for part in parts)
    for before, after in itertools.pairwise(parts):
        assert before.end_time <= after.start_time + 1000
    assert running.calls("CheckGradients")[0]["trace_id"] == TRACE
    text = await running.page("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert f'trace_id="{TRACE}"' in text


async def test_the_caller_decides_whether_a_trace_is_kept(
    serve: Any, compute_request: Any, spans: InMemorySpanExporter
) -> None:
    """A caller whose trace is not sampled leaves none, and no id in the log."""
    running = await serve()
    await running.stub.ComputeGradients(compute_request, metadata=parent_of(sampled=False))
    assert not spans.get_finished_spans()
    assert "trace_id" not in running.calls("ComputeGradients")[0]


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
@pytest.mark.parametrize("method", ["ComputeGradients", "CheckFunction"])
async def test_the_call_of_the_sdk_is_the_parent(
    serve: Any, spans: InMemorySpanExporter, kind: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the program's span to the engine's stages it is one trace."""
    running, program = await serve(), TracerProvider(shutdown_on_exit=False)
    program.add_span_processor(SimpleSpanProcessor(calls := InMemorySpanExporter()))
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: program)
    with program.get_tracer("program").start_as_current_span("step") as step:
        await CLIENTS[kind](f"127.0.0.1:{running.app.port}", method)
    call, served, run = named(calls)[method], named(spans)[method], named(spans)[LONGEST[method]]
    assert call.parent.span_id == step.get_span_context().span_id
    assert served.parent.span_id == call.context.span_id
    assert run.parent.span_id == served.context.span_id
    assert {span.context.trace_id for span in (call, served, run)} == {step.get_span_context().trace_id}
    assert call.start_time <= served.start_time <= run.start_time <= run.end_time <= served.end_time <= call.end_time


async def test_pieces_of_a_stage_are_one_span(serve: Any, problem: Any, spans: InMemorySpanExporter) -> None:
    """The messages of a stream are made while it is verified: both spans overlap, and say how long they were busy."""
    running = await serve()
    async for _ in running.stub.VerifyGradients(gradient_service_pb2.VerifyGradientsRequest(problem=problem)):
        pass
    async with asyncio.timeout(SOON):
        while not running.calls("VerifyGradients"):
            await asyncio.sleep(0)
    verify, encode = named(spans)["verify"], named(spans)["encode"]
    assert verify.start_time < encode.start_time < verify.end_time
    for span in (verify, encode):
        assert 0 < span.attributes["gradproof.busy_seconds"] < (span.end_time - span.start_time) / 1e9


async def test_an_unread_stream_has_a_span_that_ends(serve: Any, problem: Any, spans: InMemorySpanExporter) -> None:
    """A caller that goes away without reading its stream leaves no span open."""
    running = await serve()
    call = running.stub.VerifyGradients(gradient_service_pb2.VerifyGradientsRequest(problem=problem))
    async with asyncio.timeout(SOON):
        while not any(line["event"] == "call begins" for line in running.lines):
            await asyncio.sleep(0)
        call.cancel()
        while not running.calls("VerifyGradients"):
            await asyncio.sleep(0)
    assert "VerifyGradients" in named(spans)


async def test_spans_end_with_cancelled_calls(serve: Any, held: Any, spans: InMemorySpanExporter) -> None:
    """A call that its caller cancels while it runs has a span that ends, with the code."""
    running = await serve(held)
    call = running.raw()(b"x")
    await asyncio.to_thread(held.entered.acquire, timeout=SOON)
    call.cancel()
    await asyncio.to_thread(held.stopped.acquire, timeout=SOON)
    async with asyncio.timeout(SOON):
        while not running.calls():
            await asyncio.sleep(0)
    span = named(spans)["ComputeGradients"]
    assert span.attributes["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]
    assert span.end_time is not None


class Collector(trace_service_pb2_grpc.TraceServiceServicer):  # type: ignore[misc]  # has no types
    """A collector of OpenTelemetry that keeps what comes."""

    def __init__(self) -> None:
        self.spans: asyncio.Queue[Any] = asyncio.Queue()

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 (the contract's name and arguments)
        """Takes spans."""
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put_nowait((resource.resource, span))
        return trace_service_pb2.ExportTraceServiceResponse()


async def test_spans_come_to_a_collector(serve: Any, compute_request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By OTLP, from the server's own exporter: the call and its parts, with the name and version of the service."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    collector, server = Collector(), aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    running = await serve(trace_endpoint=f"http://127.0.0.1:{port}")
    await running.stub.ComputeGradients(compute_request, metadata=parent_of(sampled=True))
    names = {}
    async with asyncio.timeout(SOON):
        while "gradproof.v1.GradientService/ComputeGradients" not in names:
            resource, span = await collector.spans.get()
            names[span.name] = span
    await asyncio.to_thread(running.app._tracing.close)
    await server.stop(None)
    assert names.keys() == {"gradproof.v1.GradientService/ComputeGradients", "queue", "read", "run", "encode"}
    assert {span.trace_id.hex() for span in names.values()} == {TRACE}
    said = {attribute.key: attribute.value.string_value for attribute in resource.attributes}
    assert (said["service.name"], said["service.version"]) == ("gradproof", gp.__version__)


async def test_an_endpoint_that_is_not_there_costs_calls_nothing(
    serve: Any, held: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They are answered, and the log does not fill: the exporter complains of each thing once."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    held.release.set()
    running = await serve(held, trace_endpoint="http://127.0.0.1:1")
    for _ in range(200):
        assert await running.raw()(b"x") == b"x"
    await running.app.stop()
    assert len(running.calls()) == 200
    complaints = [record.msg for record in caplog.records]
    assert complaints
    assert len(complaints) == len(set(complaints))


def test_without_the_extra_an_endpoint_is_a_start_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with pytest.raises(StartError, match=r'--trace-endpoint needs more packages: pip install "gradproof\[otel\]"'):
        open_tracing("http://127.0.0.1:4317")
    assert open_tracing(None) is NO_TRACING
