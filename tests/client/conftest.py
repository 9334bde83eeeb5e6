"""A server that answers what a test tells it to, on a free port, and both clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
import pytest
from gradproof.tensors import as_tensor
from gradproof.v1 import comparison_pb2, diagnosis_pb2, gradient_service_pb2, tensor_pb2

from tests.client.clients import Run, run_awaited, run_blocking

SERVICE = "gradproof.v1.GradientService"
STREAMS = ("VerifyGradients", "CheckFunction")
REQUESTS: dict[str, Any] = {
    "VerifyGradients": gradient_service_pb2.VerifyGradientsRequest,
    "CheckFunction": gradient_service_pb2.CheckFunctionRequest,
    "ComputeGradients": gradient_service_pb2.ComputeGradientsRequest,
    "CheckGradients": gradient_service_pb2.CheckGradientsRequest,
    "ListCatalog": gradient_service_pb2.ListCatalogRequest,
}


@dataclass
class FakeServer:
    """What the server was asked, and what it answers: `answers` maps a method to a function of request and context."""

    answers: dict[str, Callable[[Any, grpc.ServicerContext], Any]] = field(default_factory=dict)
    requests: list[Any] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    target: str = ""

    def handle(self, method: str, data: bytes, context: grpc.ServicerContext) -> bytes:
        """Records a call and answers it."""
        request = REQUESTS[method].FromString(data) if method in REQUESTS else data
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        answer = self.answers[method](request, context)
        return answer if isinstance(answer, bytes) else bytes(answer.SerializeToString())

    def handle_stream(self, method: str, data: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        """Records the requests of a stream as they come, and answers with whatever the answer's function yields."""

        def received() -> Iterator[Any]:
            for item in data:
                self.requests.append(REQUESTS[method].FromString(item))
                yield self.requests[-1]

        self.metadata.append(dict(context.invocation_metadata()))
        for answer in self.answers[method](received(), context):
            yield bytes(answer.SerializeToString())

    def handlers(self, service: str, methods: list[str]) -> grpc.GenericRpcHandler:
        """Handlers of one service."""

        def unary(method: str) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda data, context: self.handle(method, data, context))

        def stream(method: str) -> Any:
            return grpc.stream_stream_rpc_method_handler(
                lambda data, context: self.handle_stream(method, data, context)
            )

        handlers = {method: stream(method) if method in STREAMS else unary(method) for method in methods}
        return grpc.method_handlers_generic_handler(service, handlers)


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A running server without answers yet."""
    fake = FakeServer()
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers(
            (fake.handlers(SERVICE, list(REQUESTS)), fake.handlers("grpc.health.v1.Health", ["Check"]))
        )
        fake.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield fake
        server.stop(None).wait()


@pytest.fixture(params=[run_blocking, run_awaited], ids=["Client", "AsyncClient"])
def run(request: pytest.FixtureRequest) -> Run:
    """Both clients, one after the other: every test holds for both."""
    chosen: Run = request.param
    return chosen


def named(quantity: tensor_pb2.Quantity, name: str, value: Any, step: int = 0) -> tensor_pb2.NamedTensor:
    """A tensor of a reference."""
    identity = tensor_pb2.TensorId(quantity=quantity, name=name, step=step)
    return tensor_pb2.NamedTensor(id=identity, value=as_tensor(value))


@pytest.fixture
def reference() -> gradient_service_pb2.Reference:
    """The reference of the founding case, with a second step's loss and weights."""
    message = gradient_service_pb2.Reference(learning_rates=[0.05, 0.05], parameters=6, flops=12, seconds=0.001)
    message.environment.torch_version, message.environment.dtype, message.environment.device = (
        "2.13.0",
        "float64",
        "cpu",
    )
    message.tensors.extend(
        [
            named(tensor_pb2.QUANTITY_LOSS, "", 0.809),
            named(tensor_pb2.QUANTITY_OUTPUT, "1", [0.191]),
            named(tensor_pb2.QUANTITY_GRADIENT, "0.weight", [[-0.28, -0.42], [-0.3, -0.45]]),
            named(tensor_pb2.QUANTITY_GRADIENT, "1.weight", [[-0.85, -0.48]]),
            named(tensor_pb2.QUANTITY_UPDATED, "1.weight", [[0.1825, 0.174]]),
            named(tensor_pb2.QUANTITY_LOSS, "", 0.4, step=1),
            named(tensor_pb2.QUANTITY_UPDATED, "1.weight", np.array([[0.25, 0.5]], np.float32), step=1),
        ]
    )
    return message


@pytest.fixture
def checked(reference: gradient_service_pb2.Reference) -> gradient_service_pb2.CheckGradientsResponse:
    """The answer for the author's claim of the founding case."""
    response = gradient_service_pb2.CheckGradientsResponse(
        verdict=comparison_pb2.VERDICT_DISAGREES, reference=reference
    )
    worst = comparison_pb2.WorstElement(
        index=[0, 0], claimed=0.174, reference=0.1825, absolute=0.0085, relative=0.0466, ulps=3.06e14, tolerance=0.0005
    )
    response.comparisons.add(
        id=tensor_pb2.TensorId(quantity=tensor_pb2.QUANTITY_UPDATED, name="1.weight"),
        verdict=comparison_pb2.VERDICT_DISAGREES,
        elements=2,
        disagreeing=2,
        worst=worst,
        tolerance_source=comparison_pb2.TOLERANCE_SOURCE_PRINTED,
        tolerance="0.0005, half a unit of the third decimal",
        update=comparison_pb2.UpdateComparison(disagreeing=1, worst=worst, tolerance="0.0005"),
        note="printed with three decimals",
    )
    response.comparisons.add(
        id=tensor_pb2.TensorId(quantity=tensor_pb2.QUANTITY_LOSS),
        verdict=comparison_pb2.VERDICT_AGREES,
        elements=1,
        worst=comparison_pb2.WorstElement(claimed=0.809, reference=0.809, tolerance=0.0005),
        tolerance_source=comparison_pb2.TOLERANCE_SOURCE_PRINTED,
    )
    finding = diagnosis_pb2.Finding(
        codes=["loss.half_squared_error"],
        title="Your numbers are those of a half squared error.",
        explanation="You declared L1Loss, whose derivative is the sign, -1, and not the residual, -0.809.",
        advice="Declare MSELoss and halve it, or use the sign.",
        sites=["loss"],
        reproduction=diagnosis_pb2.Reproduction(reproduced=2, claimed=3, largest_distance=2e-4),
        probe="a second sample with residual 0.5",
    )
    response.diagnosis.findings.append(finding)
    response.diagnosis.localization.summary = "The loss agrees, the updated weight does not."
    response.diagnosis.localization.enters_at = "the derivative of the loss"
    response.diagnosis.localization.observations.append("a constant ratio of 0.809")
    response.diagnosis.caution = "Few numbers are claimed."
    response.diagnosis.budget_exhausted, response.diagnosis.variants_tried, response.diagnosis.seconds = True, 12, 0.5
    return response
