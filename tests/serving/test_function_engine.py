"""CheckFunction over gRPC, by the real engine: right and wrong derivatives of functions that the test evaluates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from gradproof.v1 import comparison_pb2, gradient_service_pb2, tensor_pb2, witness_pb2
from grpc import aio

Request = gradient_service_pb2.CheckFunctionRequest


def tensor(values: Any, dtype: str = "float64") -> tensor_pb2.Tensor:
    """A tensor of a NumPy dtype."""
    array = np.asarray(values, dtype=dtype)
    number = tensor_pb2.Dtype.Value(f"DTYPE_{dtype.upper()}")
    return tensor_pb2.Tensor(dtype=number, shape=array.shape, data=array.tobytes())


def array(message: tensor_pb2.Tensor) -> Any:
    """The NumPy array of a tensor."""
    name = tensor_pb2.Dtype.Name(message.dtype).removeprefix("DTYPE_").lower()
    return np.frombuffer(message.data, name).reshape(tuple(message.shape))


Values = Mapping[str, Any]


async def checked(running: Any, claim: witness_pb2.FunctionClaim, f: Callable[[Values], Any], **options: Any) -> Any:
    """The report on a claim about `f`, which takes a batch of points."""
    call = running.stub.CheckFunction(timeout=60)
    await call.write(Request(start={"claim": claim, "options": witness_pb2.WitnessOptions(**options)}))
    while (response := await call.read()).WhichOneof("message") != "report":
        if response.HasField("points"):
            values = f({name: array(value) for name, value in response.points.tensors.items()})
            name = tensor_pb2.Dtype.Name(claim.output.dtype).removeprefix("DTYPE_").lower()
            await call.write(Request(values={"batch": response.points.batch, "values": tensor(values, name)}))
    assert await call.read() is aio.EOF
    return response.report


X = np.linspace(-1.0, 2.0, 6).reshape(2, 3)
DTYPES = ("float64", "float32")


def sines(x: Any) -> Any:
    """A scalar function of each of many points [P, 2, 3]."""
    return np.sin(x).sum((1, 2))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wrong", [False, True])
async def test_the_real_engine_tells_right_gradients_from_wrong_ones(serve: Any, dtype: str, wrong: bool) -> None:
    """The cosine is the gradient of a sum of sines; with one element off by a hundredth it is not."""
    x = X.astype(dtype)
    stated = np.cos(x)
    stated[1, 2] += 0.01 * wrong
    claim = witness_pb2.FunctionClaim(point={"x": tensor(x, dtype)}, output=tensor(np.sin(x).sum(), dtype))
    claim.gradient.tensors["x"].CopyFrom(tensor(stated, dtype))
    report = await checked(await serve(), claim, lambda at: sines(at["x"]))
    assert comparison_pb2.Verdict.Name(report.verdict) == ("VERDICT_DISAGREES" if wrong else "VERDICT_AGREES")
    if wrong:
        assert list(report.tensors[0].judgements[0].worst.index) == [1, 2]


@pytest.mark.parametrize("kind", ["jacobian", "vjp", "jvp"])
@pytest.mark.parametrize("factor", [1.0, 2.0])
async def test_the_real_engine_takes_every_kind_of_derivative(serve: Any, kind: str, factor: float) -> None:
    """Of the elementwise exponential of x, doubled or not."""
    point, along = np.array([0.5, -1.0, 2.0]), np.array([1.0, -2.0, 0.5])
    slope = factor * np.exp(point)
    claim = witness_pb2.FunctionClaim(point={"x": tensor(point)}, output=tensor(np.exp(point)))
    if kind == "jacobian":
        claim.jacobian.tensors["x"].CopyFrom(tensor(np.diag(slope)))
    elif kind == "vjp":
        claim.vjp.cotangent.CopyFrom(tensor(along))
        claim.vjp.result.tensors["x"].CopyFrom(tensor(along * slope))
    else:
        claim.jvp.tangent.tensors["x"].CopyFrom(tensor(along))
        claim.jvp.result.CopyFrom(tensor(along * slope))
    report = await checked(await serve(), claim, lambda at: np.exp(at["x"]))
    assert comparison_pb2.Verdict.Name(report.verdict) == ("VERDICT_AGREES" if factor == 1 else "VERDICT_DISAGREES")


def square() -> witness_pb2.FunctionClaim:
    """The claim that x² has the gradient 2x at x = 3."""
    claim = witness_pb2.FunctionClaim(point={"x": tensor(3.0)}, output=tensor(9.0))
    claim.gradient.tensors["x"].CopyFrom(tensor(6.0))
    return claim


async def test_a_function_without_values_ends_in_a_report(serve: Any) -> None:
    """NaN everywhere is an answer: nothing is confirmed."""
    claim = square()
    report = await checked(await serve(), claim, lambda at: np.full(len(at["x"]), np.nan))
    assert report.verdict != comparison_pb2.VERDICT_AGREES


async def test_the_real_engine_keeps_to_the_evaluations_that_are_allowed(serve: Any) -> None:
    """A report of what there is, that says so."""
    claim = square()
    report = await checked(await serve(), claim, lambda at: at["x"] ** 2, max_evaluations=10)
    assert not report.complete
    assert [id.name for id in report.not_reached] == ["x"]
