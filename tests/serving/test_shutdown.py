"""From start to end in a real process: SIGTERM drains, leftovers are told so, a port in use is an error."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from gradproof.v1 import gradient_service_pb2, gradient_service_pb2_grpc, tensor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

pytestmark = pytest.mark.e2e

SOON = 60.0


class Process:
    """`python -m gradproof_server` with its log."""

    def __init__(self, *flags: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GRADPROOF_")}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        fixed = ["--port", "0", "--metrics-port", "0", "--health-port", "0", "--threads", "1", "--log-level", "debug"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gradproof_server", *fixed, *flags],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, event: str) -> dict[str, Any]:
        """Reads the log up to the line of an event."""
        assert self.process.stderr is not None
        for text in self.process.stderr:
            if text.startswith("{"):  # gRPC's core writes lines of its own
                self.lines.append(json.loads(text))
                if self.lines[-1]["event"] == event:
                    return self.lines[-1]
        raise AssertionError(f"no {event!r} in {self.lines}")

    def end(self) -> int:
        """Reads the rest of the log; the exit status."""
        assert self.process.stderr is not None
        self.lines.extend(json.loads(text) for text in self.process.stderr if text.startswith("{"))
        return self.process.wait(SOON)

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Sends a signal."""
        self.process.send_signal(number)


@pytest.fixture
def launch() -> Iterator[Callable[..., Process]]:
    """Starts processes, and ends those that still run."""
    processes: list[Process] = []

    def launch(*flags: str) -> Process:
        processes.append(Process(*flags))
        return processes[-1]

    yield launch
    for process in processes:
        process.process.kill()
        process.process.wait(SOON)
        assert process.process.stderr is not None
        process.process.stderr.close()


@pytest.fixture
def start(launch: Callable[..., Process]) -> Iterator[Callable[..., tuple[Process, grpc.Channel]]]:
    """Starts processes that serve, with a channel to each."""
    channels: list[grpc.Channel] = []

    def start(*flags: str) -> tuple[Process, grpc.Channel]:
        process = launch(*flags)
        channels.append(grpc.insecure_channel(f"127.0.0.1:{process.wait_for('serving')['port']}"))
        return process, channels[-1]

    yield start
    for channel in channels:
        channel.close()


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


@pytest.mark.parametrize("flag", ["--port", "--metrics-port"])
def test_a_port_in_use_is_a_plain_error(launch: Callable[..., Process], flag: str) -> None:
    """One line that names the address, exit status 1, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = launch(flag, str(taken.getsockname()[1]))
        assert process.end() == 1
    assert process.lines[-1]["event"] == "cannot start"
    assert "on 127.0.0.1:" in process.lines[-1]["error"]
