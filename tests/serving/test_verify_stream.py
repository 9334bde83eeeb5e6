"""VerifyGradients over gRPC: order, slow readers, callers who leave, deadlines, shutdown, and the real engine."""

from __future__ import annotations

import asyncio
import gc
import struct
import threading
import weakref
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import torch
from google.rpc import error_details_pb2
from gradproof.v1 import comparison_pb2, gradient_service_pb2, tensor_pb2
from gradproof_server.engine.types import Limits, StoppedError, Verdict
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.methods import (
    DirectContext,
    Facts,
    Methods,
    Phase,
    StreamMessage,
    Task,
    TaskContext,
    TaskResult,
)
from grpc import aio

PATH = "/gradproof.v1.GradientService/VerifyGradients"
LABELS = {"grpc_type": "server_stream", "grpc_service": "gradproof.v1.GradientService"}
SOON = 20.0
Request = gradient_service_pb2.VerifyGradientsRequest
Response = gradient_service_pb2.VerifyGradientsResponse


class Scripted:
    """An answerer that sends parts, and ends when it is released or stopped; other methods are answered at once."""

    def __init__(self, *parts: StreamMessage) -> None:
        self.parts = parts
        self.sent, self.release, self.stopped = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, task: Task, front: TaskContext) -> TaskResult:
        """Does the task."""
        if task.method != "VerifyGradients":
            return TaskResult(task.request)
        for part in self.parts:
            front.send(part)
        self.sent.set()
        while not self.release.wait(0.002):
            if front.should_stop():
                self.stopped.set()
                return TaskResult(failure=error_to_failure(StoppedError("stopped")))
        return TaskResult(facts=Facts({"verify": Phase(0.0, 1.0, 1.0)}, verdict=Verdict.AGREES))

    async def has(self, event: threading.Event) -> bool:
        """Whether the event comes."""
        return await asyncio.to_thread(event.wait, SOON)


@pytest.fixture
def scripted() -> Scripted:
    """Sends two parts."""
    return Scripted(StreamMessage(b"one"), StreamMessage(b"two"))


def raw(running: Any, **options: Any) -> aio.UnaryStreamCall[bytes, bytes]:
    """A call that takes and gives bytes."""
    call: aio.UnaryStreamCall[bytes, bytes] = running.channel.unary_stream(PATH)(b"request", **options)
    return call


async def failure_of(call: Any) -> aio.AioRpcError:
    """The error in which the rest of a stream must end."""

    async def drain() -> None:
        while await call.read() is not aio.EOF:
            pass

    with pytest.raises(aio.AioRpcError) as caught:
        await drain()
    return caught.value


def reason_of(error: aio.AioRpcError, details_of: Any) -> str:
    """The reason of an error."""
    info = error_details_pb2.ErrorInfo()
    details_of(error).details[0].Unpack(info)
    return info.reason


async def wait_until(true: Callable[[], object]) -> None:
    """Lets the event loop run until it is true."""
    while not true():
        await asyncio.sleep(0)


async def test_parts_come_while_the_engine_runs_and_the_end_is_ok(serve: Any, scripted: Scripted) -> None:
    """Two messages before the engine is done; then the stream ends with the request id in its trailing metadata."""
    running = await serve(scripted)
    call = raw(running, metadata=[("x-request-id", "my-id")])
    assert [await call.read(), await call.read()] == [b"one", b"two"]
    assert not scripted.release.is_set()
    scripted.release.set()
    assert await call.read() is aio.EOF
    assert await call.code() is grpc.StatusCode.OK
    assert dict(await call.trailing_metadata())["x-request-id"] == "my-id"


async def test_a_stream_is_one_log_line_and_counted(serve: Any, scripted: Scripted) -> None:
    """The line and the metrics have the verdict, and the messages with their bytes."""
    scripted.release.set()
    running = await serve(scripted)
    assert [part async for part in raw(running)] == [b"one", b"two"]
    await wait_until(running.calls)
    (line,) = running.calls("VerifyGradients")
    assert (line["code"], line["verdict"], line["requests"], line["responses"]) == ("OK", "AGREES", 1, 2)
    assert (line["request_bytes"], line["response_bytes"]) == (7, 6)
    labels = LABELS | {"grpc_method": "VerifyGradients"}
    assert running.metric("grpc_server_started_total", **labels) == 1
    assert running.metric("grpc_server_handled_total", **labels, grpc_code="OK") == 1
    assert running.metric("grpc_server_msg_sent_total", **labels) == 2
    assert running.metric("gradproof_checks_total", verdict="agrees") == 1
    assert running.metric("gradproof_engine_seconds_sum", stage="verify") == 1.0


async def test_a_cancelled_stream_stops_the_engine(serve: Any, scripted: Scripted) -> None:
    """Cancelled half-way the computation ends, the log says Canceled, and the next call runs."""
    running = await serve(scripted)
    call = raw(running)
    assert await call.read() == b"one"
    call.cancel()
    assert await scripted.has(scripted.stopped)
    await wait_until(running.calls)
    assert running.calls()[0]["code"] == "Canceled"
    assert await running.raw()(b"next") == b"next"
    await wait_until(lambda: running.app._computing.calls.pending == 0)


async def test_a_deadline_stops_the_engine(serve: Any, scripted: Scripted) -> None:
    """The caller keeps what was sent and gets DEADLINE_EXCEEDED; the computation ends."""
    running = await serve(scripted)
    call = raw(running, timeout=1.0)
    assert [await call.read(), await call.read()] == [b"one", b"two"]
    assert (await failure_of(call)).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await scripted.has(scripted.stopped)
    await wait_until(running.calls)
    assert running.calls()[0]["code"] == "DeadlineExceeded"


async def test_a_disconnected_caller_stops_the_engine(serve: Any, scripted: Scripted) -> None:
    """When the connection is gone the computation ends."""
    running = await serve(scripted)
    async with aio.insecure_channel(f"127.0.0.1:{running.app.port}") as channel:
        call = channel.unary_stream(PATH)(b"request")
        assert await call.read() == b"one"
    assert await scripted.has(scripted.stopped)


async def test_the_engine_does_not_wait_for_a_slow_reader(serve: Any) -> None:
    """It is done before anybody reads; the reader then gets every tensor in order, and hardly any progress."""
    tensors = [StreamMessage(b"%d" % i + bytes(1 << 16)) for i in range(200)]
    scripted = Scripted(*(part for tensor in tensors for part in (*[StreamMessage(b"p", passing=True)] * 10, tensor)))
    scripted.release.set()
    running = await serve(scripted)
    call = raw(running)
    assert await scripted.has(scripted.sent)
    await wait_until(lambda: running.app._computing.calls.pending == 0)
    assert await running.raw()(b"next") == b"next"
    found = [part async for part in call]
    assert [part for part in found if part != b"p"] == [part.response for part in tensors]
    assert found.count(b"p") < 2000


async def test_a_stream_that_runs_at_shutdown_is_told_so(serve: Any, scripted: Scripted, details_of: Any) -> None:
    """UNAVAILABLE with SHUTTING_DOWN, after the parts that were sent."""
    running = await serve(scripted)
    call = raw(running)
    assert await call.read() == b"one"
    assert await scripted.has(scripted.sent)
    await running.app.drain(0)
    error = await failure_of(call)
    assert (error.code(), reason_of(error, details_of)) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert await scripted.has(scripted.stopped)


async def test_a_stream_that_nobody_reads_ends_at_the_server_s_own_deadline(serve: Any) -> None:
    """Without a deadline of its own: the server waits no longer, and what was not read counts no more."""
    large = Scripted(*(StreamMessage(bytes(4 << 20)) for _ in range(8)))
    running = await serve(large, max_call_seconds=0.2)
    call = raw(running)
    await wait_until(lambda: running.calls("VerifyGradients"))
    assert running.calls("VerifyGradients")[0]["code"] == "DeadlineExceeded"
    call.cancel()


async def test_a_full_server_refuses_a_stream(serve: Any, scripted: Scripted, details_of: Any) -> None:
    """RESOURCE_EXHAUSTED with the reason SERVER_BUSY, as for other calls, and nothing is sent."""
    running = await serve(scripted)
    calls = [raw(running) for _ in range(100)]
    await wait_until(lambda: running.app._computing.calls.pending == 100)
    error = await failure_of(raw(running))
    assert (error.code(), reason_of(error, details_of)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_BUSY")
    for call in calls:
        call.cancel()


async def test_parts_are_freed_without_the_collector(serve: Any) -> None:
    """A cycle of references would keep each stream until the next full collection, which is rare."""
    parts: list[weakref.ref[StreamMessage]] = []

    def remember(task: Task, front: TaskContext) -> TaskResult:
        for name in (b"one", b"two"):
            part = StreamMessage(name)
            parts.append(weakref.ref(part))
            front.send(part)
        return TaskResult()

    running = await serve(remember)
    gc.collect()
    gc.disable()
    try:
        assert [part async for part in raw(running)] == [b"one", b"two"]
        await wait_until(running.calls)
        for _ in range(10):
            await asyncio.sleep(0)
        assert [part() for part in parts] == [None, None]
    finally:
        gc.enable()


@pytest.fixture
def verify_request(problem: Any) -> Request:
    """The founding case with the right gradient of its last layer claimed."""
    request = Request(problem=problem)
    request.claim.tensors.add(id=gradient("1.weight"), value=_doubles(-0.85, -0.48))
    return request


def _doubles(*values: float) -> tensor_pb2.Tensor:
    return tensor_pb2.Tensor(
        dtype=tensor_pb2.DTYPE_FLOAT64, shape=[1, len(values)], data=struct.pack(f"<{len(values)}d", *values)
    )


def gradient(name: str) -> tensor_pb2.TensorId:
    """The name of a parameter's gradient."""
    return tensor_pb2.TensorId(quantity=tensor_pb2.QUANTITY_GRADIENT, name=name)


async def events_of(running: Any, request: Request) -> list[Response]:
    """The whole answer."""
    return [event async for event in running.stub.VerifyGradients(request, timeout=60)]


async def test_a_right_claim_agrees(serve: Any, verify_request: Request) -> None:
    """First the estimate, last the report, which repeats the tensors that came before it."""
    running = await serve()
    events = await events_of(running, verify_request)
    kinds = [event.WhichOneof("event") for event in events]
    assert (kinds[0], kinds[-1], kinds.count("estimate"), kinds.count("report")) == ("estimate", "report", 1, 1)
    report = events[-1].report
    assert (report.verdict, report.claim_verdict) == (comparison_pb2.VERDICT_AGREES,) * 2
    assert [event.tensor for event in events if event.HasField("tensor")] == list(report.tensors)
    assert {tensor.id.name for tensor in report.tensors} == {"0.weight", "1.weight", "input"}
    assert report.complete
    assert report.reproducer.environment.dtype == "float64"
    assert running.metric("gradproof_engine_seconds_count", stage="verify") == 1


async def test_a_wrong_claim_disagrees_and_the_reference_does_not(serve: Any, verify_request: Request) -> None:
    """The report says which side is wrong, and where."""
    verify_request.claim.tensors[0].value.CopyFrom(_doubles(-0.85, -0.47))
    report = (await events_of(await serve(), verify_request))[-1].report
    assert (report.verdict, report.claim_verdict) == (comparison_pb2.VERDICT_DISAGREES,) * 2
    assert report.reference_verdict == comparison_pb2.VERDICT_AGREES
    worst = [j.worst for t in report.tensors for j in t.judgements if j.verdict == comparison_pb2.VERDICT_DISAGREES]
    assert [list(value.index) for value in worst] == [[0, 1]]
    assert worst[0].gap == pytest.approx(0.01)


async def test_an_estimate_alone_is_one_message(serve: Any, verify_request: Request) -> None:
    """Nothing is computed, and no check is counted."""
    verify_request.options.estimate_only = True
    running = await serve()
    (event,) = await events_of(running, verify_request)
    assert event.estimate.evaluations > 0
    assert "verdict" not in running.calls()[0]


async def test_all_that_is_wrong_with_a_request_comes_at_once(
    serve: Any, verify_request: Request, details_of: Any
) -> None:
    """Problem and options are told together, before any message is sent."""
    del verify_request.problem.parameters["1.weight"]
    verify_request.options.directions = 0
    verify_request.options.step = 1
    verify_request.options.max_seconds = 1e9
    running = await serve()
    error = await failure_of(running.stub.VerifyGradients(verify_request))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = error_details_pb2.BadRequest()
    assert any(detail.Unpack(found) for detail in details_of(error).details)
    assert [violation.field for violation in found.field_violations] == [
        'problem.parameters["1.weight"]',
        "options.directions",
        "options.max_seconds",
        "options.step",
    ]


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        (lambda r: r.options.only.add(id={"quantity": 3, "name": "2.weight"}), "options.only[0].id"),
        (
            lambda r: r.options.only.add(id={"quantity": 3, "name": "1.weight"}, elements=[2]),
            "options.only[0].elements",
        ),
        (lambda r: r.claim.tensors[0].id.MergeFrom(tensor_pb2.TensorId(quantity=1)), "claim.tensors[0].id.name"),
        (lambda r: r.claim.ClearField("tensors"), "claim.tensors"),
    ],
)
async def test_what_only_the_engine_can_know_is_named_too(
    serve: Any, verify_request: Request, spoil: Callable[[Request], None], path: str, details_of: Any
) -> None:
    """Selections and claims of what the problem does not have."""
    spoil(verify_request)
    running = await serve()
    error = await failure_of(running.stub.VerifyGradients(verify_request))
    found = error_details_pb2.BadRequest()
    assert any(detail.Unpack(found) for detail in details_of(error).details)
    assert [violation.field for violation in found.field_violations] == [path]


def slow(request: Request) -> Request:
    """The same request with work for minutes: a wide layer, element by element."""
    size = 300
    problem = request.problem
    problem.network.nodes[0].layer.linear.out_features = problem.network.nodes[1].layer.linear.in_features = size
    for name, shape in (("0.weight", [size, 2]), ("1.weight", [1, size])):
        values = b"\x00\x00\x80?" * (shape[0] * shape[1])
        tensor = tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT32, shape=shape, data=values)
        problem.parameters[name].CopyFrom(tensor)
    for _ in range(199):
        middle = problem.network.nodes.add().layer
        middle.tanh.SetInParent()
    request.ClearField("claim")
    return request


async def test_the_report_comes_before_the_deadline(serve: Any, verify_request: Request) -> None:
    """A caller with two seconds gets a report of what was done in them, and not DEADLINE_EXCEEDED."""
    request = slow(verify_request)
    request.options.mode = 2
    running = await serve()
    events = [event async for event in running.stub.VerifyGradients(request, timeout=2.5)]
    assert events[-1].HasField("report")


async def test_a_cancelled_real_computation_ends(serve: Any, verify_request: Request, compute_request: Any) -> None:
    """The next call does not wait for what nobody wants any more."""
    request = slow(verify_request)
    running = await serve()
    call = running.stub.VerifyGradients(request)
    assert (await call.read()).HasField("estimate")
    call.cancel()
    await running.stub.ComputeGradients(compute_request, timeout=SOON)
    await wait_until(lambda: running.app._computing.calls.pending == 0)


def test_an_answer_that_could_not_be_sent_is_refused_early(verify_request: Request) -> None:
    """The tensors together may have as many bytes as a message; above that it ends without a report, and PyTorch's
    switches are as before."""
    sent: list[StreamMessage] = []
    task = Task("VerifyGradients", verify_request.SerializeToString())
    assert Methods(Limits(), 1 << 20)(task, DirectContext(send=sent.append)).failure is None
    responses = [Response.FromString(part.response) for part in sent]
    room = sum(len(p.response) for p, r in zip(sent, responses, strict=True) if r.HasField("tensor")) - 1
    sent.clear()
    failure = Methods(Limits(), room)(task, DirectContext(send=sent.append)).failure
    assert failure is not None
    assert failure.kind.reason == "RESPONSE_TOO_LARGE"
    assert all(Response.FromString(part.response).WhichOneof("event") != "report" for part in sent)
    assert not torch.are_deterministic_algorithms_enabled()
