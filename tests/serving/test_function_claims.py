"""Claims of CheckFunction: what is read, and what is refused with the path of every field that is wrong."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from gradproof.v1 import tensor_pb2, witness_pb2
from gradproof_server.engine.numeric.types import DerivativeKind, Mode, PointBatch, WitnessOptions
from gradproof_server.engine.types import InvalidProblemError, LimitExceededError, Limits
from gradproof_server.serving.function_claims import (
    FunctionLimits,
    check_directions,
    read_function_claim,
    read_values,
)

LIMITS = FunctionLimits(Limits(), max_elements=1000, max_points_bytes=10_000, max_values_bytes=10_000)
Claim = witness_pb2.FunctionClaim
NAN = math.nan


def doubles(shape: Sequence[int], *values: float) -> tensor_pb2.Tensor:
    """A FLOAT64 tensor; zeros where no values are given."""
    values = values or (0.0,) * math.prod(shape)
    return tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT64, shape=shape, data=struct.pack(f"<{len(values)}d", *values))


def claim(**derivative: Any) -> Claim:
    """A function of x (2, 3) and y () with the output (4,) and this derivative."""
    return Claim(point={"x": doubles([2, 3]), "y": doubles([], 1.5)}, output=doubles([4]), **derivative)


def tensors(**given: tensor_pb2.Tensor) -> witness_pb2.DerivativeTensors:
    """Tensors by name."""
    return witness_pb2.DerivativeTensors(tensors=given)


@pytest.fixture
def gradient() -> Claim:
    """A valid claim of the gradient of a scalar function."""
    message = claim(gradient=tensors(x=doubles([2, 3]), y=doubles([])))
    message.output.CopyFrom(doubles([], 0.25))
    return message


def violations(message: Claim, limits: FunctionLimits = LIMITS) -> list[tuple[str, str]]:
    """Paths and reasons of a claim that must be refused."""
    with pytest.raises(InvalidProblemError) as caught:
        read_function_claim(message, limits, "claim")
    return [(v.path, v.reason) for v in caught.value.violations]


def test_a_gradient_is_read(gradient: Claim) -> None:
    """Point, output and stated tensors with their shapes and values; what is unset is None."""
    gradient.gradient.tensors["y"].CopyFrom(doubles([], NAN))
    found = read_function_claim(gradient, LIMITS, "claim")
    assert found.kind is DerivativeKind.GRADIENT
    assert {name: tuple(t.shape) for name, t in found.point.items()} == {"x": (2, 3), "y": ()}
    assert (float(found.point["y"]), float(found.output)) == (1.5, 0.25)
    assert math.isnan(float(found.stated["y"]))
    assert (dict(found.along), found.relative_tolerance, found.max_batch) == ({}, None, None)


def test_a_jacobian_has_the_output_s_dimensions_first() -> None:
    """output.shape + point.shape; a tensor of the point that is missing is not checked."""
    found = read_function_claim(claim(jacobian=tensors(x=doubles([4, 2, 3]))), LIMITS, "claim")
    assert {name: tuple(t.shape) for name, t in found.stated.items()} == {"x": (4, 2, 3)}
    assert violations(claim(jacobian=tensors(x=doubles([2, 3, 4])))) == [
        ('claim.jacobian.tensors["x"].shape', "WRONG_SHAPE")
    ]


def test_products_are_read_with_what_they_are_products_of() -> None:
    """The side without names is named "": the cotangent of a VJP, the result of a JVP."""
    result = tensors(x=doubles([2, 3]))
    vjp = read_function_claim(
        claim(vjp=witness_pb2.VectorJacobian(cotangent=doubles([4]), result=result)), LIMITS, "claim"
    )
    assert (vjp.kind, [*vjp.along], [*vjp.stated]) == (DerivativeKind.VJP, [""], ["x"])
    jvp = read_function_claim(
        claim(jvp=witness_pb2.JacobianVector(tangent=result, result=doubles([4]))), LIMITS, "claim"
    )
    assert (jvp.kind, [*jvp.along], [*jvp.stated]) == (DerivativeKind.JVP, ["x"], [""])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_floating_dtype_is_kept(gradient: Claim, dtype: torch.dtype) -> None:
    """The point arrives in the dtype in which the function is evaluated."""
    number = tensor_pb2.Dtype.Value(f"DTYPE_{str(dtype).removeprefix('torch.').upper()}")
    gradient.point["y"].CopyFrom(tensor_pb2.Tensor(dtype=number, data=bytes(dtype.itemsize)))
    assert read_function_claim(gradient, LIMITS, "claim").point["y"].dtype == dtype


def test_an_empty_claim_lacks_point_output_and_derivative() -> None:
    """All three are told at once."""
    assert violations(Claim()) == [("claim.point", "REQUIRED"), ("claim.output", "REQUIRED"), ("claim", "REQUIRED")]


def _whole_numbers(message: Claim) -> None:
    message.point["y"].dtype = tensor_pb2.DTYPE_INT64


def _nan_in_point(message: Claim) -> None:
    message.point["y"].CopyFrom(doubles([], NAN))


def _short_data(message: Claim) -> None:
    message.point["x"].data = b""


def _vector(message: Claim) -> None:
    message.output.CopyFrom(doubles([2]))


def _nothing(message: Claim) -> None:
    message.output.CopyFrom(doubles([0]))


def _no_elements(message: Claim) -> None:
    message.point["x"].CopyFrom(doubles([2, 0]))
    del message.gradient.tensors["x"]


def _stranger(message: Claim) -> None:
    message.gradient.tensors["X"].CopyFrom(doubles([]))


def _no_tensors(message: Claim) -> None:
    message.gradient.tensors.clear()


def _tolerance(message: Claim) -> None:
    message.relative_tolerance = NAN


def _batch_of_none(message: Claim) -> None:
    message.max_batch = 0


def _batch_too_large(message: Claim) -> None:
    message.max_batch = 10_000 // 56 + 1  # seven doubles a point


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_whole_numbers, ('claim.point["y"].dtype', "NOT_FLOATING")),
        (_nan_in_point, ('claim.point["y"].data', "NOT_FINITE")),
        (_short_data, ('claim.point["x"].data', "BYTE_LENGTH")),
        (_vector, ("claim.output.shape", "NOT_SCALAR")),
        (_nothing, ("claim.output.shape", "EMPTY")),
        (_no_elements, ('claim.point["x"].shape', "EMPTY")),
        (_stranger, ('claim.gradient.tensors["X"]', "UNKNOWN_TENSOR")),
        (_no_tensors, ("claim.gradient.tensors", "REQUIRED")),
        (_tolerance, ("claim.relative_tolerance", "OUT_OF_RANGE")),
        (_batch_of_none, ("claim.max_batch", "OUT_OF_RANGE")),
        (_batch_too_large, ("claim.max_batch", "OUT_OF_RANGE")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_is_named(gradient: Claim, spoil: Any, expected: tuple[str, str]) -> None:
    """Each of these is exactly one violation."""
    spoil(gradient)
    assert violations(gradient) == [expected]


def test_the_largest_batch_that_fits_is_taken(gradient: Claim) -> None:
    """One point less than what is refused."""
    gradient.max_batch = 10_000 // 56
    assert read_function_claim(gradient, LIMITS, "claim").max_batch == 178


def test_a_cotangent_and_a_tangent_must_be_finite_and_fit() -> None:
    """What the caller multiplied with is no claim: it must have shape and numbers."""
    vjp = witness_pb2.VectorJacobian(cotangent=doubles([4], NAN, 0, 0, 0), result=tensors(x=doubles([2])))
    assert violations(claim(vjp=vjp)) == [
        ("claim.vjp.cotangent.data", "NOT_FINITE"),
        ('claim.vjp.result.tensors["x"].shape', "WRONG_SHAPE"),
    ]
    jvp = witness_pb2.JacobianVector(tangent=tensors(y=doubles([], math.inf)), result=doubles([3]))
    assert violations(claim(jvp=jvp)) == [
        ('claim.jvp.tangent.tensors["y"].data', "NOT_FINITE"),
        ("claim.jvp.result.shape", "WRONG_SHAPE"),
    ]


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (FunctionLimits(Limits(), 14, 10_000, 10_000), "max_function_elements"),  # the gradient has 15 numbers
        (FunctionLimits(Limits(), 1000, 55, 10_000), "max_response_bytes"),
        (FunctionLimits(Limits(), 1000, 10_000, 7), "max_request_bytes"),
        (FunctionLimits(Limits(max_elements=5), 1000, 10_000, 10_000), "max_elements"),
    ],
)
def test_limits_are_obeyed(gradient: Claim, limits: FunctionLimits, limit: str) -> None:
    """A claim that is one above a limit names it."""
    with pytest.raises(LimitExceededError) as caught:
        read_function_claim(gradient, limits, "claim")
    assert caught.value.limit == limit


def test_random_directions_count_too(gradient: Claim) -> None:
    """143 directions of seven numbers are more than a thousand; without directions their number does not matter."""
    found = read_function_claim(gradient, LIMITS, "claim")
    check_directions(found, WitnessOptions(directions=142), LIMITS, "options")
    check_directions(found, WitnessOptions(directions=143, mode=Mode.ELEMENTS), LIMITS, "options")
    with pytest.raises(LimitExceededError, match=r"options\.directions: max_function_elements is 1000.*1001"):
        check_directions(found, WitnessOptions(directions=143), LIMITS, "options")


ASKED = PointBatch(3, 2, {})
OUTPUT = torch.zeros(4, dtype=torch.float64)


def test_values_that_are_not_finite_are_data() -> None:
    """NaN says that the function has no value there."""
    message = witness_pb2.BatchValues(batch=3, values=doubles([2, 4], *[NAN] * 8))
    assert bool(read_values(message, ASKED, OUTPUT, "values").isnan().all())


@pytest.mark.parametrize(
    ("batch", "values", "expected"),
    [
        (4, doubles([2, 4]), [("values.batch", "OUT_OF_RANGE")]),
        (3, doubles([4]), [("values.values.shape", "WRONG_SHAPE")]),
        (3, doubles([3, 4]), [("values.values.shape", "WRONG_SHAPE")]),
        (3, tensor_pb2.Tensor(), [("values.values.dtype", "UNKNOWN_DTYPE")]),
        (
            2,
            tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT32, shape=[8], data=bytes(32)),
            [
                ("values.batch", "OUT_OF_RANGE"),
                ("values.values.dtype", "WRONG_DTYPE"),
                ("values.values.shape", "WRONG_SHAPE"),
            ],
        ),
    ],
)
def test_values_must_be_those_that_were_asked_for(batch: int, values: Any, expected: Any) -> None:
    """Another batch, dtype or shape is named, all at once."""
    with pytest.raises(InvalidProblemError) as caught:
        read_values(witness_pb2.BatchValues(batch=batch, values=values), ASKED, OUTPUT, "values")
    assert [(v.path, v.reason) for v in caught.value.violations] == expected
