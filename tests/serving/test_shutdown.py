"""From start to end in a real process: SIGTERM drains, leftovers are told so, a port in use is an error."""

from __future__ import annotations

import queue
import signal
import socket
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from gradproof.v1 import gradient_service_pb2, gradient_service_pb2_grpc, tensor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.logged import SOON, Process


def running_call(process: Process, channel: grpc.Channel, request: Any) -> Any:
    """A call that the server has begun."""
    future = gradient_service_pb2_grpc.GradientServiceStub(channel).ComputeGradients.future(request, timeout=SOON)
    process.wait_for("call begins")
    return future


def test_sigterm_lets_a_running_call_end(start: Any, long_request: Any) -> None:
    """NOT_SERVING first, then the call's answer, then exit status 0."""
    process, channel = start("--propagation-seconds", "0.5")
    future = running_call(process, channel, long_request(20))
    health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
    assert next(health).status == health_pb2.HealthCheckResponse.SERVING
    process.signal()
    assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
    health.cancel()
    assert future.result().reference.parameters == 1000 * 1000
    assert process.end() == 0
    events = [line["event"] for line in process.lines if line.get("method", "Gradients").endswith("Gradients")]
    assert events == ["serving", "call begins", "draining", "call", "stopped"]
    assert process.lines[-1]["clean"] is True


def test_calls_that_do_not_end_in_time_are_told_so(start: Any, long_request: Any) -> None:
    """A run of a minute gets UNAVAILABLE with the reason SHUTTING_DOWN after the drain time; exit status 0."""
    process, channel = start("--propagation-seconds", "0", "--drain-seconds", "0.1")
    future = running_call(process, channel, long_request(1000))
    process.signal()
    error = future.exception()
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert b"SHUTTING_DOWN" in dict(error.trailing_metadata())["grpc-status-details-bin"]
    assert process.end() == 0


def test_a_stream_that_waits_for_its_caller_is_told_so(start: Any) -> None:
    """A function that is being checked gets SHUTTING_DOWN after the drain time too; exit status 0."""
    process, channel = start("--propagation-seconds", "0", "--drain-seconds", "0.1")
    one = tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT64, data=bytes(8))
    request = gradient_service_pb2.CheckFunctionRequest(start={"claim": {"point": {"x": one}, "output": one}})
    request.start.claim.gradient.tensors["x"].CopyFrom(one)
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    requests.put(request)
    call = gradient_service_pb2_grpc.GradientServiceStub(channel).CheckFunction(iter(requests.get, None))
    assert next(call).HasField("estimate")
    assert next(call).HasField("points")
    process.signal()
    with pytest.raises(grpc.RpcError) as caught:
        next(call)
    requests.put(None)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert b"SHUTTING_DOWN" in dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    assert process.end() == 0


def test_a_second_signal_ends_the_waiting(start: Any, long_request: Any) -> None:
    """Whoever presses Ctrl+C twice does not wait for the drain time."""
    process, channel = start("--propagation-seconds", "1000", "--drain-seconds", "1000")
    future = running_call(process, channel, long_request(1000))
    process.signal(signal.SIGINT)
    process.wait_for("draining")
    process.signal(signal.SIGINT)
    assert future.exception().code() is grpc.StatusCode.UNAVAILABLE
    assert process.end() == 0


def test_an_idle_server_ends_at_once(start: Any) -> None:
    """Nothing runs, so the drain time is not waited for."""
    process, _ = start("--propagation-seconds", "0", "--drain-seconds", "1000")
    process.signal()
    assert process.end() == 0


@pytest.mark.parametrize("flag", ["--port", "--metrics-port", "--health-port"])
def test_a_port_in_use_is_a_plain_error(launch: Callable[..., Process], flag: str) -> None:
    """One line that names the address, exit status 1, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = launch(flag, str(taken.getsockname()[1]))
        assert process.end() == 1
    assert process.lines[-1]["event"] == "cannot start"
    assert "on 127.0.0.1:" in process.lines[-1]["error"]
