"""Calls of the SDK in the trace of the program that makes them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import aclosing, closing
from typing import Any

import gradproof as gp
import grpc
import pytest
from gradproof.v1 import gradient_service_pb2, witness_pb2
from gradproof.v1.comparison_pb2 import VERDICT_AGREES
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.client.clients import PROBLEM, Run, fail
from tests.client.conftest import REQUESTS
from tests.client.test_imports import loaded
from tests.client.test_retry import CODE, METHODS


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[TracerProvider]:
    """The provider of the program that uses the SDK."""
    provider = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: provider)
    yield provider
    provider.shutdown()


@pytest.fixture
def exporter(provider: TracerProvider) -> InMemorySpanExporter:
    """What the program sends."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    """The span of the only call."""
    (span,) = exporter.get_finished_spans()
    return span


def carried(span: ReadableSpan) -> str:
    """The traceparent of calls below a span."""
    context = span.context
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def report(_requests: Iterator[Any], _context: grpc.ServicerContext) -> Iterator[Any]:
    """A stream of VerifyGradients that is complete."""
    yield gradient_service_pb2.VerifyGradientsResponse(
        report=witness_pb2.WitnessReport(complete=True, verdict=VERDICT_AGREES)
    )


@pytest.mark.parametrize("method", ["catalog", "verify"])
def test_a_call_is_a_span(run: Run, fake: Any, exporter: InMemorySpanExporter, method: str) -> None:
    """It is of the kind CLIENT, says what was called and how it went, and is what the server is told of."""
    fake.answers["ListCatalog"] = lambda *_: gradient_service_pb2.ListCatalogResponse()
    fake.answers["VerifyGradients"] = report
    run(fake.target, method, *([PROBLEM] if method == "verify" else []))
    span, name = only(exporter), {"catalog": "ListCatalog", "verify": "VerifyGradients"}[method]
    assert (span.name, span.kind) == (f"gradproof.v1.GradientService/{name}", SpanKind.CLIENT)
    assert span.attributes == {
        "rpc.system": "grpc",
        "rpc.service": "gradproof.v1.GradientService",
        "rpc.method": name,
        "rpc.grpc.status_code": 0,
    }
    assert span.status.status_code is StatusCode.UNSET
    assert fake.metadata[0]["traceparent"] == carried(span)


@pytest.mark.parametrize("method", METHODS)
def test_attempts_are_events_of_one_span(run: Run, fake: Any, exporter: InMemorySpanExporter, method: str) -> None:
    """Two of the three attempts are followed by another; the span ends as the last one did."""
    fake.answers.update(dict.fromkeys(REQUESTS, fail(CODE.UNAVAILABLE, "not now")))
    with pytest.raises(gp.UnavailableError):
        METHODS[method](run, fake.target)
    span = only(exporter)
    assert [event.name for event in span.events] == ["attempt failed"] * 2
    assert all(event.attributes["rpc.grpc.status_code"] == 14 for event in span.events)
    assert all(0 <= event.attributes["gradproof.pause_seconds"] <= 0.001 for event in span.events)
    assert (span.attributes["rpc.grpc.status_code"], span.attributes["error.type"]) == (14, "UnavailableError")
    assert span.status.status_code is StatusCode.ERROR
    assert {metadata["traceparent"] for metadata in fake.metadata} == {carried(span)}


def test_what_a_caller_raises_is_no_status_of_the_call(run: Run, fake: Any, exporter: InMemorySpanExporter) -> None:
    """A function that fails ends the span as an error of its own type."""

    def ask(requests: Iterator[Any], _context: grpc.ServicerContext) -> Iterator[Any]:
        start = next(requests).start
        points = witness_pb2.PointBatch(points=1)
        tensor = points.tensors["x"]
        tensor.CopyFrom(start.claim.point["x"])
        tensor.shape[:] = [1, *tensor.shape]
        yield gradient_service_pb2.CheckFunctionResponse(points=points)
        next(requests, None)

    fake.answers["CheckFunction"] = ask
    calls = itertools.count()

    def function(x: Any) -> Any:
        return x.sum() if next(calls) == 0 else {}["absent"]

    with pytest.raises(KeyError):
        run(fake.target, "check_function", function, [1.0], gradient=[1.0])
    span = only(exporter)
    assert span.attributes["error.type"] == "KeyError"
    assert "rpc.grpc.status_code" not in span.attributes


def events(_requests: Iterator[Any], _context: grpc.ServicerContext) -> Iterator[Any]:
    """A stream of VerifyGradients with two events before its report."""
    yield gradient_service_pb2.VerifyGradientsResponse(estimate=witness_pb2.WitnessEstimate(evaluations=7))
    yield gradient_service_pb2.VerifyGradientsResponse(progress=witness_pb2.WitnessProgress(evaluations=1))
    yield from report(_requests, _context)


def test_a_stream_that_is_left_is_cancelled_and_no_error(fake: Any, exporter: InMemorySpanExporter) -> None:
    """While it is read its span is not the current one: what the reader does is not a part of the call."""
    fake.answers["VerifyGradients"] = events
    with gp.Client(fake.target) as client, closing(client.verify_events(PROBLEM)) as stream:
        next(stream)
        assert not trace.get_current_span().get_span_context().is_valid
    check_cancelled(only(exporter))


async def test_an_asynchronous_stream_that_is_left_is_the_same(fake: Any, exporter: InMemorySpanExporter) -> None:
    """By the client for asyncio."""
    fake.answers["VerifyGradients"] = events
    async with gp.AsyncClient(fake.target) as client, aclosing(client.verify_events(PROBLEM)) as stream:
        await anext(stream)
        assert not trace.get_current_span().get_span_context().is_valid
    check_cancelled(only(exporter))


async def test_a_coroutine_that_is_cancelled_ends_its_span(fake: Any, exporter: InMemorySpanExporter) -> None:
    """Though the call never began."""
    async with gp.AsyncClient(fake.target) as client:
        call = asyncio.create_task(client.catalog())
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    check_cancelled(only(exporter))


def check_cancelled(span: ReadableSpan) -> None:
    """A call that its own caller ended."""
    assert span.attributes["rpc.grpc.status_code"] == CODE.CANCELLED.value[0]
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.e2e
def test_without_opentelemetry_nothing_of_it_is_imported() -> None:
    """A call does not import the API where its program has not."""
    program = (
        "import gradproof as gp\n"
        "with gp.Client('127.0.0.1:1', retry=gp.Retry(attempts=1)) as client:\n"
        "    assert not client.health(timeout=0.05)"
    )
    assert loaded(program, ("opentelemetry", "opentelemetry.trace")) == set()
