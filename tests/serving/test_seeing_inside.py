"""Traces, the debug page, the bounded labels of metrics, and a log that cannot be written."""

from __future__ import annotations

import asyncio
import io
import itertools
import random
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from gradproof._channel import ChannelSettings
from gradproof.cli.monitor.summary import summarize
from gradproof.cli.monitor.target import Target
from gradproof.v1 import gradient_service_pb2
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.serving.answers import UNEXPLAINED
from gradproof_server.serving.logs import GuardedStream, make_logger
from gradproof_server.serving.tracing import Tracing
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.certificates import Authority
from tests.serving.processes import SOON

TRACE = "0af7651916cd43dd8448eb211c80319c"


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


async def page(running: Any, path: str, **headers: str) -> str:
    """A page of the port of the metrics."""
    request = urllib.request.Request(f"http://127.0.0.1:{running.app.metrics_port}{path}", headers=headers)

    def fetch() -> str:
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            text: str = answer.read().decode()
            return text

    return await asyncio.to_thread(fetch)


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
    text = await page(running, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert f'trace_id="{TRACE}"' in text


async def test_the_caller_decides_whether_a_trace_is_kept(
    serve: Any, compute_request: Any, spans: InMemorySpanExporter
) -> None:
    """A caller whose trace is not sampled leaves none, and no id in the log."""
    running = await serve()
    await running.stub.ComputeGradients(compute_request, metadata=parent_of(sampled=False))
    assert not spans.get_finished_spans()
    assert "trace_id" not in running.calls("ComputeGradients")[0]


async def test_the_sdk_passes_on_the_trace_of_its_program(
    serve: Any, compute_request: Any, spans: InMemorySpanExporter
) -> None:
    """A call within a span of the program is in its trace; outside of one there is no trace to pass on."""
    running, provider = await serve(), TracerProvider(shutdown_on_exit=False)
    with provider.get_tracer("program").start_as_current_span("step") as step:
        metadata, _ = ChannelSettings("server:50051").call_metadata()
    await running.stub.ComputeGradients(compute_request, metadata=metadata)
    assert named(spans)["ComputeGradients"].parent.span_id == step.get_span_context().span_id
    assert "traceparent" not in dict(ChannelSettings("server:50051").call_metadata()[0])


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


async def test_top_reads_a_real_server(serve: Any, check_request: Any) -> None:
    """What `gradproof top` reads of a server is what it did."""
    running = await serve(metrics_port=0)
    target = Target(f"127.0.0.1:{running.app.metrics_port}")
    await target.read()
    await running.stub.CheckGradients(check_request)
    seen = summarize([await target.read()])
    (method,) = seen.methods
    assert (method.name, method.calls, method.in_flight, method.errors) == ("CheckGradients", 1, 0, {})
    assert method.seconds.p50 is not None
    assert {verdict: tally.total for verdict, tally in seen.verdicts.items() if tally.total} == {"disagrees": 1}
    assert seen.findings["none"].total == 0


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


async def test_no_label_comes_from_a_request(serve: Any, check_request: Any) -> None:
    """Whatever is called, named and claimed, the series stay those of the start and those of the table of mistakes."""
    running, draw = await serve(metrics_port=0), random.Random(5)
    before = _labels(await page(running, "/metrics"))
    for n in range(12):
        word = "".join(draw.choices("abcxyz0123", k=12))
        check_request.problem.network.nodes[0].name = word
        check_request.problem.parameters[f"{word}.weight"].CopyFrom(check_request.problem.parameters["0.weight"])
        call = running.raw(word if n % 3 == 0 else "CheckGradients")
        metadata = (("x-request-id", word), ("user-agent", word), (word, word), *parent_of(sampled=True))
        request = check_request.SerializeToString() if n % 2 else word.encode()
        with pytest.raises(grpc.RpcError):
            await call(request, metadata=metadata)
    new = _labels(await page(running, "/metrics")) - before
    allowed = {v.code for v in TABLE} | {UNEXPLAINED}
    assert all(name.startswith("gradproof_findings") and dict(labels)["code"] in allowed for name, labels in new)


def _labels(text: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    families = text_string_to_metric_families(text)
    return {(sample.name, tuple(sorted(sample.labels.items()))) for family in families for sample in family.samples}


async def test_findings_and_bytes_are_counted(serve: Any, check_request: Any) -> None:
    """The founding case counts its mistake, by a code of the table."""
    running = await serve(metrics_port=0)
    response = await running.stub.CheckGradients(check_request)
    for code in response.diagnosis.findings[0].codes:
        assert running.metric("gradproof_findings_total", code=code) == 1
    method = {"grpc_type": "unary", "grpc_service": "gradproof.v1.GradientService", "grpc_method": "CheckGradients"}
    assert running.metric("gradproof_request_bytes_sum", **method) == check_request.ByteSize()
    assert running.metric("gradproof_response_bytes_sum", **method) == response.ByteSize()


async def test_readings_of_all_files_are_counted(serve: Any, held: Any, tmp_path: Path) -> None:
    """Each kind of file has its series from the start; a bad change of any of them is counted as refused."""
    certificate, key = Authority().server().write(tmp_path, "server")
    callers = tmp_path / "callers.toml"
    callers.write_text('[[caller]]\nname = "a"\nsubjects = ["a"]\n')
    running = await serve(held, tls_certificate=certificate, tls_key=key, callers_file=callers)

    def counted() -> list[float | None]:
        results = itertools.product(("settings", "callers", "certificates"), ("applied", "refused"))
        return [running.metric("gradproof_reloads_total", file=file, result=result) for file, result in results]

    assert counted() == [0] * 6
    callers.write_text("[[caller")
    running.app.reload()
    assert counted() == [0, 0, 0, 1, 0, 0]
    callers.write_text('[[caller]]\nname = "b"\nsubjects = ["b"]\n')
    running.app.reload()
    assert counted() == [0, 0, 1, 1, 0, 0]


async def test_the_debug_page_is_there_only_with_debug(serve: Any, problem: Any) -> None:
    """It shows the last failures by their request ids; without --debug it is not found."""
    hidden = await serve(metrics_port=0)
    with pytest.raises(urllib.error.HTTPError) as error:
        await page(hidden, "/debug")
    error.value.close()
    assert error.value.code == 404
    running = await serve(metrics_port=0, debug=True)
    with pytest.raises(grpc.RpcError):
        await running.raw()(b"\xff", metadata=(("x-request-id", "the-bad-one"),))
    text = await page(running, "/debug")
    assert "the-bad-one  ComputeGradients  MALFORMED_REQUEST" in text
    assert '"max_nodes"' in text


async def test_channelz_shows_the_server(serve: Any, compute_request: Any) -> None:
    """gRPC's own count of calls that succeeded is on the page."""
    running = await serve(metrics_port=0, debug=True)
    await running.stub.ComputeGradients(compute_request)
    assert '"callsSucceeded"' in await page(running, "/debug/channelz")


def test_a_log_that_cannot_be_written_fails_nothing() -> None:
    """Lines for a full disk are counted and lost; so are those for a stream that is closed."""
    with open("/dev/full", "wb", buffering=0) as full:
        stream = GuardedStream(io.TextIOWrapper(full, write_through=True))
        make_logger("info", "json", stream).info("call", number=1)
        assert stream.dropped == 1
    make_logger("info", "json", stream).info("call", number=2)
    assert stream.dropped == 2
