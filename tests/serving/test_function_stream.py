"""CheckFunction over gRPC: the protocol, callers who break it, are late or leave, shutdown, and the real engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from google.rpc import error_details_pb2
from gradproof.v1 import comparison_pb2, gradient_service_pb2, tensor_pb2, witness_pb2
from gradproof_server.engine.numeric.types import (
    FunctionClaim,
    PointBatch,
    WitnessEstimate,
    WitnessOptions,
    WitnessProgress,
    WitnessReport,
)
from gradproof_server.engine.types import ShouldStop, StoppedError, Verdict
from gradproof_server.serving.function_check import Events
from grpc import aio

SOON = 20.0
PATH = "/gradproof.v1.GradientService/CheckFunction"
LABELS = {
    "grpc_type": "bidi_stream",
    "grpc_service": "gradproof.v1.GradientService",
    "grpc_method": "CheckFunction",
}
Request = gradient_service_pb2.CheckFunctionRequest
REPORT = WitnessReport(
    Verdict.AGREES, Verdict.AGREES, Verdict.AGREES, (), (), True, 2, 0.1, 0.5, 0.0, 0.0, "fine", 0, "cpu", "signs"
)


def tensor(values: Any, dtype: str = "float64") -> tensor_pb2.Tensor:
    """A tensor of a NumPy dtype."""
    array = np.asarray(values, dtype=dtype)
    number = tensor_pb2.Dtype.Value(f"DTYPE_{dtype.upper()}")
    return tensor_pb2.Tensor(dtype=number, shape=array.shape, data=array.tobytes())


def array(message: tensor_pb2.Tensor) -> Any:
    """The NumPy array of a tensor."""
    name = tensor_pb2.Dtype.Name(message.dtype).removeprefix("DTYPE_").lower()
    return np.frombuffer(message.data, name).reshape(tuple(message.shape))


def start(**options: Any) -> Request:
    """The claim that x² has the gradient 2x at x = 3."""
    claim = witness_pb2.FunctionClaim(point={"x": tensor(3.0)}, output=tensor(9.0))
    claim.gradient.tensors["x"].CopyFrom(tensor(6.0))
    return Request(start={"claim": claim, "options": witness_pb2.WitnessOptions(**options)})


def answer(batch: int, values: Any) -> Request:
    """Values at a batch of points."""
    return Request(values={"batch": batch, "values": tensor(values)})


class Scripted:
    """A checker that asks for two batches of two points; `hold` lets it compute until it is stopped instead."""

    def __init__(self) -> None:
        self.hold = False
        self.holding, self.stopped, self.closed = threading.Event(), threading.Event(), threading.Event()
        self.claims: list[FunctionClaim] = []
        self.options: list[WitnessOptions] = []
        self.values: list[list[float]] = []
        self.size = 1

    def __call__(self, claim: FunctionClaim, options: WitnessOptions, should_stop: ShouldStop) -> Events:
        """Checks."""
        self.claims.append(claim)
        self.options.append(options)
        try:
            yield WitnessEstimate((), 4, 0.0, 0.0)
            for number in (1, 2):
                if self.hold:
                    self._compute_until(should_stop)
                values = yield PointBatch(number, 2, {"x": torch.arange(2.0 * self.size, dtype=torch.float64)})
                assert values is not None
                self.values.append(values.tolist())
                yield WitnessProgress(2 * number, 4, 0.1)
            yield REPORT
        finally:
            self.closed.set()

    def _compute_until(self, should_stop: ShouldStop) -> None:
        self.holding.set()
        while not should_stop():
            pass
        self.stopped.set()
        raise StoppedError("stopped")


@pytest.fixture
def scripted() -> Scripted:
    """A checker that asks for two batches of two points."""
    return Scripted()


async def comes(event: threading.Event) -> bool:
    """Whether the event comes."""
    return await asyncio.to_thread(event.wait, SOON)


async def wait_until(true: Callable[[], object]) -> None:
    """Lets the event loop run until it is true."""
    while not true():
        await asyncio.sleep(0)


async def released(running: Any, scripted: Scripted) -> None:
    """The computation was closed and nothing of it is kept."""
    assert await comes(scripted.closed)
    await wait_until(lambda: running.metric("gradproof_open_functions") == 0)


async def asked(running: Any, **options: Any) -> Any:
    """A stream whose first batch of points has come."""
    call = running.stub.CheckFunction(**options)
    await call.write(start())
    assert (await call.read()).HasField("estimate")
    assert (await call.read()).points.batch == 1
    return call


async def failure_of(call: Any) -> aio.AioRpcError:
    """The error in which the rest of a stream must end."""

    async def drain() -> None:
        while await call.read() is not aio.EOF:
            pass

    with pytest.raises(aio.AioRpcError) as caught:
        await drain()
    return caught.value


@pytest.fixture
def reason_of(details_of: Any) -> Callable[[aio.AioRpcError], str]:
    """Reads the reason of an error."""

    def read(error: aio.AioRpcError) -> str:
        info = error_details_pb2.ErrorInfo()
        details_of(error).details[0].Unpack(info)
        return info.reason

    return read


async def test_the_protocol(serve: Any, scripted: Scripted) -> None:
    """Estimate, points and progress, the report; every answer reaches the checker, NaN too; then the stream ends."""
    running = await serve(checker=scripted)
    call = await asked(running, metadata=[("x-request-id", "my-id")])
    await call.write(answer(1, [1.0, float("nan")]))
    assert (await call.read()).progress.evaluations == 2
    points = (await call.read()).points
    assert (points.batch, points.points, array(points.tensors["x"]).tolist()) == (2, 2, [0.0, 1.0])
    await call.write(answer(2, [float("inf"), -1.0]))
    assert (await call.read()).progress.evaluations == 4
    assert (await call.read()).report.summary == "fine"
    assert await call.read() is aio.EOF
    assert await call.code() is grpc.StatusCode.OK
    assert dict(await call.trailing_metadata())["x-request-id"] == "my-id"
    assert str(scripted.values) == "[[1.0, nan], [inf, -1.0]]"
    assert scripted.options == [WitnessOptions(max_evaluations=1_000_000)]
    await released(running, scripted)


async def test_a_stream_is_one_log_line_and_counted(serve: Any, scripted: Scripted) -> None:
    """The line and the metrics have the verdict and the messages of both sides."""
    running = await serve(checker=scripted)
    call = await asked(running)
    assert running.metric("gradproof_open_functions") == 1
    await call.write(answer(1, [0, 0]))
    await call.read()
    await call.write(answer(2, [0, 0]))
    while await call.read() is not aio.EOF:
        pass
    await wait_until(lambda: running.calls("CheckFunction"))
    (line,) = running.calls("CheckFunction")
    assert (line["code"], line["verdict"], line["requests"], line["responses"]) == ("OK", "AGREES", 3, 6)
    assert line["request_bytes"] == start().ByteSize() + 2 * answer(1, [0, 0]).ByteSize()
    assert running.metric("grpc_server_handled_total", **LABELS, grpc_code="OK") == 1
    assert running.metric("grpc_server_msg_received_total", **LABELS) == 3
    assert running.metric("gradproof_checks_total", verdict="agrees") == 1
    assert running.metric("gradproof_engine_seconds_count", stage="verify") == 1
    await released(running, scripted)


@pytest.mark.parametrize(
    ("first", "paths"),
    [
        (Request(), ["start"]),
        (answer(1, [0, 0]), ["start"]),
        (Request(start={}), ["start.claim.point", "start.claim.output", "start.claim"]),
        (start(step=1, directions=0), ["start.options.directions", "start.options.step"]),
    ],
)
async def test_a_wrong_start_is_refused(
    serve: Any, scripted: Scripted, first: Request, paths: list[str], details_of: Any
) -> None:
    """INVALID_ARGUMENT with all paths; no check begins."""
    running = await serve(checker=scripted)
    call = running.stub.CheckFunction()
    await call.write(first)
    error = await failure_of(call)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = error_details_pb2.BadRequest()
    assert any(detail.Unpack(found) for detail in details_of(error).details)
    assert [violation.field for violation in found.field_violations] == paths
    assert scripted.claims == []
    await wait_until(lambda: running.metric("gradproof_open_functions") == 0)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (answer(2, [0, 0]), "values.batch"),
        (answer(1, [0, 0, 0]), "values.values.shape"),
        (Request(values={"batch": 1, "values": tensor([0, 0], "float32")}), "values.values.dtype"),
        (Request(values={"batch": 1}), "values.values.dtype"),
        (Request(), "values"),
        (start(), "values"),
    ],
)
async def test_a_wrong_answer_ends_the_stream(
    serve: Any, scripted: Scripted, wrong: Request, path: str, reason_of: Any
) -> None:
    """INVALID_ARGUMENT names what does not fit, and the computation is closed."""
    running = await serve(checker=scripted)
    call = await asked(running)
    await call.write(wrong)
    error = await failure_of(call)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PROBLEM")
    assert error.details().startswith(f"{path}: ")
    await released(running, scripted)


async def test_bytes_that_are_no_message_are_malformed(serve: Any, scripted: Scripted, reason_of: Any) -> None:
    """As for other methods."""
    call = (await serve(checker=scripted)).channel.stream_stream(PATH)()
    await call.write(b"\x0a\x7f")
    assert reason_of(await failure_of(call)) == "MALFORMED_REQUEST"


@pytest.mark.parametrize("begun", [False, True])
async def test_a_caller_that_ends_its_side_too_early_aborts(
    serve: Any, scripted: Scripted, begun: bool, reason_of: Any
) -> None:
    """ABORTED, before the claim and while an answer is awaited."""
    running = await serve(checker=scripted)
    call = await asked(running) if begun else running.stub.CheckFunction()
    await call.done_writing()
    error = await failure_of(call)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.ABORTED, "STREAM_ENDED")
    if begun:
        await released(running, scripted)


async def test_a_caller_may_end_its_side_after_the_last_answer(serve: Any, scripted: Scripted) -> None:
    """The report still comes."""
    call = await asked(await serve(checker=scripted))
    await call.write(answer(1, [0, 0]))
    await call.write(answer(2, [0, 0]))
    await call.done_writing()
    while not (response := await call.read()).HasField("report"):
        pass
    assert response.report.verdict == comparison_pb2.VERDICT_AGREES


@pytest.mark.parametrize("begun", [False, True])
async def test_a_silent_caller_is_not_waited_for(serve: Any, scripted: Scripted, begun: bool, reason_of: Any) -> None:
    """DEADLINE_EXCEEDED with a reason of its own, before the claim and before an answer."""
    running = await serve(checker=scripted, answer_seconds=0.5)
    call = await asked(running) if begun else running.stub.CheckFunction()
    error = await failure_of(call)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.DEADLINE_EXCEEDED, "CALLER_TIMEOUT")
    assert "0.5 seconds" in error.details()
    if begun:
        await released(running, scripted)


async def test_a_caller_that_does_not_read_is_not_waited_for(serve: Any, scripted: Scripted) -> None:
    """Points that fill the connection's window and are not taken end the stream, and nothing of it is kept."""
    scripted.size = 1 << 20
    running = await serve(checker=scripted, answer_seconds=0.5)
    call = running.stub.CheckFunction()
    await call.write(start())
    await released(running, scripted)
    await wait_until(lambda: running.calls("CheckFunction"))
    assert running.calls("CheckFunction")[0]["reason"] == "CALLER_TIMEOUT"
    call.cancel()


@pytest.mark.parametrize("hold", [False, True])
async def test_a_cancelled_stream_is_released(serve: Any, scripted: Scripted, hold: bool) -> None:
    """Cancelled while it waits for the caller, and while it computes: the computation ends, the next stream runs."""
    scripted.hold = hold
    running = await serve(checker=scripted)
    call = running.stub.CheckFunction()
    await call.write(start())
    assert (await call.read()).HasField("estimate")
    assert await comes(scripted.holding) if hold else (await call.read()).HasField("points")
    call.cancel()
    await released(running, scripted)
    assert scripted.stopped.is_set() == hold
    assert running.calls("CheckFunction")[0]["code"] == "Canceled"
    scripted.hold = False
    await asked(running)


async def test_a_deadline_ends_a_stream(serve: Any, scripted: Scripted) -> None:
    """The computation is told to leave time for the report, and is closed when the deadline has passed."""
    running = await serve(checker=scripted)
    call = await asked(running, timeout=1.0)
    assert (await failure_of(call)).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await released(running, scripted)
    assert scripted.options[0].max_seconds < 0.9


async def test_a_disconnected_caller_is_released(serve: Any, scripted: Scripted) -> None:
    """When the connection is gone the computation is closed."""
    running = await serve(checker=scripted)
    async with aio.insecure_channel(f"127.0.0.1:{running.app.port}") as channel:
        call = channel.stream_stream(PATH)()
        await call.write(start().SerializeToString())
        await call.read()
    await released(running, scripted)


async def test_no_more_streams_than_allowed(serve: Any, scripted: Scripted, reason_of: Any) -> None:
    """The second of one is refused; when the first has ended there is room again."""
    running = await serve(checker=scripted, max_functions=1)
    first = await asked(running)
    error = await failure_of(running.stub.CheckFunction())
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_BUSY")
    first.cancel()
    await released(running, scripted)
    await asked(running)


@pytest.mark.parametrize("hold", [False, True])
async def test_streams_at_shutdown_are_told_so(serve: Any, scripted: Scripted, hold: bool, reason_of: Any) -> None:
    """UNAVAILABLE with SHUTTING_DOWN, whether the caller or the computation is waited for; no thread is left."""
    scripted.hold = hold
    running = await serve(checker=scripted)
    call = running.stub.CheckFunction()
    await call.write(start())
    assert (await call.read()).HasField("estimate")
    assert await comes(scripted.holding) if hold else (await call.read()).HasField("points")
    await running.app.drain(0)
    error = await failure_of(call)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    await released(running, scripted)
    assert await running.app.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "gradproof-engine"]


async def test_a_fault_of_the_checker_is_internal_and_the_thread_lives_on(serve: Any, reason_of: Any) -> None:
    """The caller sees nothing of the exception; the next stream is answered."""
    faults: Iterator[Exception | None] = iter([ZeroDivisionError("secret"), None])

    def checker(claim: FunctionClaim, options: WitnessOptions, should_stop: ShouldStop) -> Events:
        if fault := next(faults):
            raise fault
        yield WitnessEstimate((), 0, 0.0, 0.0)

    running = await serve(checker=checker)
    call = running.stub.CheckFunction()
    await call.write(start())
    error = await failure_of(call)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "secret" not in str(error.details())
    call = running.stub.CheckFunction()
    await call.write(start())
    assert (await call.read()).HasField("estimate")
