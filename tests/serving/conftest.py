"""The founding case, problems that run for long, and servers to send them to."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
import struct
import threading
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from gradproof.v1 import gradient_service_pb2, gradient_service_pb2_grpc, problem_pb2, tensor_pb2
from gradproof_server.app import Application, build
from gradproof_server.backend import in_threads
from gradproof_server.engine import numeric
from gradproof_server.engine.types import StoppedError
from gradproof_server.serving.admission import Bounds, FairQueue, Quotas
from gradproof_server.serving.compute import ThreadExecutor
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.function_check import Checker
from gradproof_server.serving.logs import Level, make_logger
from gradproof_server.serving.methods import Task, TaskContext, TaskHandler, TaskResult
from gradproof_server.settings import Settings
from grpc import aio

from tests.support.logged import SOON, Process

SETTINGS = Settings(
    host="127.0.0.1", port=0, metrics_port=None, health_port=None, threads=1, propagation_seconds=0, log_level="debug"
)


def doubles(shape: Sequence[int], *values: float) -> tensor_pb2.Tensor:
    """A FLOAT64 tensor."""
    return tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT64, shape=shape, data=struct.pack(f"<{len(values)}d", *values))


@pytest.fixture
def problem() -> problem_pb2.Problem:
    """The founding case: two bias-free linear layers, L1Loss, SGD."""
    problem = problem_pb2.Problem()
    for inputs, outputs in ((2, 2), (2, 1)):
        layer = problem.network.nodes.add().layer.linear
        layer.in_features, layer.out_features, layer.bias = inputs, outputs, False
    problem.parameters["0.weight"].CopyFrom(doubles([2, 2], 0.11, 0.21, 0.12, 0.08))
    problem.parameters["1.weight"].CopyFrom(doubles([1, 2], 0.14, 0.15))
    problem.inputs["input"].CopyFrom(doubles([2], 2, 3))
    problem.targets["target"].CopyFrom(doubles([1], 1))
    problem.loss.l1_loss.SetInParent()
    problem.optimizer.sgd.lr = 0.05
    return problem


@pytest.fixture
def compute_request(problem: problem_pb2.Problem) -> gradient_service_pb2.ComputeGradientsRequest:
    """The reference of the founding case."""
    return gradient_service_pb2.ComputeGradientsRequest(problem=problem)


@pytest.fixture
def check_request(problem: problem_pb2.Problem) -> gradient_service_pb2.CheckGradientsRequest:
    """The founding case with its author's claim, which is wrong."""
    request = gradient_service_pb2.CheckGradientsRequest(problem=problem)
    claimed = request.claim.tensors.add(value=doubles([1, 2], 0.174, 0.169))
    claimed.id.quantity, claimed.id.name = tensor_pb2.QUANTITY_UPDATED, "1.weight"
    claimed.precision.decimals.digits = 3
    return request


@pytest.fixture
def long_request() -> Callable[[int], gradient_service_pb2.ComputeGradientsRequest]:
    """Makes a problem of so many steps, each of about a tenth of a second."""

    def make(steps: int) -> gradient_service_pb2.ComputeGradientsRequest:
        request = gradient_service_pb2.ComputeGradientsRequest(include=[tensor_pb2.QUANTITY_LOSS], steps=[steps - 1])
        size = 1000
        layer = request.problem.network.nodes.add().layer.linear
        layer.in_features, layer.out_features, layer.bias = size, size, False
        square = tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT32, shape=[size, size], data=bytes(4 * size * size))
        request.problem.parameters["0.weight"].CopyFrom(square)
        request.problem.inputs["input"].CopyFrom(square)
        request.problem.targets["target"].CopyFrom(square)
        request.problem.loss.mse_loss.SetInParent()
        request.problem.optimizer.sgd.lr = 0.1
        for _ in range(steps):
            request.problem.steps.add()
        return request

    return make


class HeldAnswerer:
    """An answerer that holds each task until it is released or stopped; answers are the request."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.stopped = threading.Semaphore(0)
        self.release = threading.Event()
        self.requests: list[bytes] = []

    def __call__(self, task: Task, front: TaskContext) -> TaskResult:
        """Holds the task."""
        self.requests.append(task.request)
        self.entered.release()
        while not self.release.wait(0.002):
            if front.should_stop():
                self.stopped.release()
                return TaskResult(failure=error_to_failure(StoppedError("stopped")))
        return TaskResult(task.request)


@pytest.fixture
def held() -> HeldAnswerer:
    """An answerer that holds each task until it is released or stopped."""
    return HeldAnswerer()


@dataclasses.dataclass
class Running:
    """A server that runs in the test's event loop, a client of it, and its log."""

    app: Application
    channel: aio.Channel
    stub: gradient_service_pb2_grpc.GradientServiceStub
    log: io.StringIO

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def calls(self, method: str = "") -> list[dict[str, Any]]:
        """The log lines of ended calls."""
        return [line for line in self.lines if line["event"] == "call" and line["method"].endswith(method)]

    def raw(self, method: str = "ComputeGradients") -> aio.UnaryUnaryMultiCallable[bytes, bytes]:
        """A method that takes and gives bytes."""
        return self.channel.unary_unary(f"/gradproof.v1.GradientService/{method}")

    async def page(self, path: str, **headers: str) -> str:
        """A page of the port of the metrics."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.app.metrics_port}{path}", headers=headers)

        def fetch() -> str:
            with urllib.request.urlopen(request, timeout=SOON) as answer:
                text: str = answer.read().decode()
                return text

        return await asyncio.to_thread(fetch)

    def metric(self, name: str, **labels: str) -> float | None:
        """A sample of the metrics; None where there is none."""
        return self.app._metrics.registry.get_sample_value(name, labels)


def thread_of(answerer: TaskHandler, **limits: int) -> ThreadExecutor:
    """An engine thread that answers by `answerer`."""
    bounds = Bounds(limits.get("max_tasks", 100), limits.get("max_bytes", 1 << 20))
    return ThreadExecutor(answerer, lambda: None, FairQueue(Quotas(bounds, bounds)))


Serve = Callable[..., Awaitable[Running]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers, `serve(answerer=None, checker=None, **settings)`; with the real engine where none is given."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            answerer: TaskHandler | None = None, checker: Checker | None = None, **settings: Any
        ) -> Running:
            chosen = SETTINGS.replaced(**settings)
            log = io.StringIO()
            thread = None if answerer is None else thread_of(answerer)
            computing = in_threads(chosen, thread, checker or numeric.check_function)
            app = build(chosen, make_logger(Level(chosen.log_level), "json", log), computing=computing)
            await app.start()
            stack.push_async_callback(app.stop)
            channel = aio.insecure_channel(f"127.0.0.1:{app.port}", options=[("grpc.max_receive_message_length", -1)])
            await stack.enter_async_context(channel)
            return Running(app, channel, gradient_service_pb2_grpc.GradientServiceStub(channel), log)

        yield start


@pytest.fixture
def details_of() -> Callable[[aio.AioRpcError], status_pb2.Status]:
    """Reads the google.rpc.Status of an error."""

    def read(error: aio.AioRpcError) -> status_pb2.Status:
        return status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])

    return read


@pytest.fixture
def launch(processes: None) -> Iterator[Callable[..., Process]]:
    """Starts processes, and ends those that still run."""
    launched: list[Process] = []

    def launch(*flags: str, **options: Any) -> Process:
        launched.append(Process(*flags, **options))
        return launched[-1]

    yield launch
    for process in launched:
        process.process.kill()
        process.process.wait(SOON)
        assert process.process.stderr is not None
        process.process.stderr.close()


@pytest.fixture
def start(launch: Callable[..., Process]) -> Iterator[Callable[..., tuple[Process, grpc.Channel]]]:
    """Starts processes that serve, with a channel to each."""
    channels: list[grpc.Channel] = []

    def start(*flags: str, **options: Any) -> tuple[Process, grpc.Channel]:
        process = launch(*flags, **options)
        channels.append(grpc.insecure_channel(f"127.0.0.1:{process.wait_for('serving')['port']}"))
        return process, channels[-1]

    yield start
    for channel in channels:
        channel.close()
