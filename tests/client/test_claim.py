"""Claims: names, steps and precision."""

from __future__ import annotations

from typing import Any

import gradproof as gp
import numpy as np
import pytest
from gradproof.claim import claim_to_proto
from gradproof.errors import InvalidProblemError
from gradproof.v1 import claim_pb2, problem_pb2, tensor_pb2

THREE_STEPS = gp.Problem([gp.Linear(1, 1), gp.ReLU(name="out")], inputs={"x": [1.0]}, steps=3).to_proto()
EMPTY = problem_pb2.Problem()


def only(claim: gp.Claim, problem: problem_pb2.Problem = EMPTY) -> claim_pb2.ClaimedTensor:
    """The only tensor of a claim."""
    (tensor,) = claim.to_proto(problem).tensors
    return tensor


def violations(claim: Any, problem: problem_pb2.Problem = EMPTY) -> list[tuple[str, str]]:
    """Fields and reasons of what is wrong with a claim."""
    with pytest.raises(InvalidProblemError) as caught:
        claim_to_proto(claim, problem)
    return [(v.field, v.reason) for v in caught.value.violations]


@pytest.mark.parametrize(
    ("given", "quantity", "name", "step"),
    [
        ({"loss": 0.5}, tensor_pb2.QUANTITY_LOSS, "", 0),
        ({"outputs": [0.5]}, tensor_pb2.QUANTITY_OUTPUT, "out", 0),
        ({"outputs": {"y": [0.5]}}, tensor_pb2.QUANTITY_OUTPUT, "y", 0),
        ({"gradients": {"0.weight": [0.5]}}, tensor_pb2.QUANTITY_GRADIENT, "0.weight", 0),
        ({"input_gradients": [0.5]}, tensor_pb2.QUANTITY_INPUT_GRADIENT, "x", 0),
        ({"node_values": {"0": [0.5]}}, tensor_pb2.QUANTITY_NODE_VALUE, "0", 0),
        ({"node_gradients": {"0": [0.5]}}, tensor_pb2.QUANTITY_NODE_GRADIENT, "0", 0),
        ({"updated": {"0.weight": [0.5]}}, tensor_pb2.QUANTITY_UPDATED, "0.weight", 2),
        ({"state": {"0.weight.step": 1.0}}, tensor_pb2.QUANTITY_STATE, "0.weight.step", 2),
        ({"buffers": {"b": [0.5]}}, tensor_pb2.QUANTITY_BUFFER, "b", 2),
    ],
)
def test_each_field_means_its_quantity_at_its_step(given: Any, quantity: int, name: str, step: int) -> None:
    """The last step for what is there after training, the first for everything else; a stated step wins."""
    assert only(gp.Claim(**given), THREE_STEPS).id == tensor_pb2.TensorId(quantity=quantity, name=name, step=step)  # type: ignore[arg-type]
    assert only(gp.Claim.at(1, **given), THREE_STEPS).id.step == 1


@pytest.mark.parametrize(
    ("value", "stated", "precision", "dtype"),
    [
        ([[0.174, 0.169]], {}, ("decimals", 3), "FLOAT64"),
        (0.5, {}, ("decimals", 1), "FLOAT64"),
        ([1 / 3], {}, ("dtype", tensor_pb2.DTYPE_FLOAT64), "FLOAT64"),
        ([1, 2], {}, ("dtype", tensor_pb2.DTYPE_FLOAT64), "FLOAT64"),
        (np.array([0.174], np.float32), {}, ("dtype", tensor_pb2.DTYPE_FLOAT32), "FLOAT32"),
        (np.array([3]), {}, ("dtype", tensor_pb2.DTYPE_FLOAT64), "FLOAT64"),
        ([0.174], {"decimals": 2}, ("decimals", 2), "FLOAT64"),
        (np.array([0.174], np.float32), {"decimals": 2}, ("decimals", 2), "FLOAT32"),
        ([0.174], {"dtype": "float32"}, ("dtype", tensor_pb2.DTYPE_FLOAT32), "FLOAT32"),
        ([0.174], {"dtype": "bfloat16"}, ("dtype", tensor_pb2.DTYPE_BFLOAT16), "BFLOAT16"),
        (np.array([0.174]), {"dtype": "float32"}, ("dtype", tensor_pb2.DTYPE_FLOAT32), "FLOAT64"),
        ([0.174], {"atol": 1e-3}, ("absolute", 1e-3), "FLOAT64"),
        ([0.174], {"rtol": 0.0}, ("relative", 0.0), "FLOAT64"),
    ],
)
def test_precision_is_stated_or_follows_from_the_numbers(
    value: Any, stated: dict[str, Any], precision: tuple[str, Any], dtype: str
) -> None:
    """Printed decimals for short lists, the dtype for arrays and long ones, what is stated for all."""
    tensor = only(gp.Claim(loss=value, **stated))
    kind, expected = precision
    actual = {
        "decimals": tensor.precision.decimals.digits,
        "dtype": tensor.precision.dtype,
        "absolute": tensor.precision.tolerances.absolute,
        "relative": tensor.precision.tolerances.relative,
    }[kind]
    assert actual == expected
    assert tensor.value.dtype == tensor_pb2.Dtype.Value(f"DTYPE_{dtype}")


@pytest.mark.parametrize("digits", [10, 11])
def test_more_than_ten_decimals_were_computed(digits: int) -> None:
    """Ten decimals are taken as printed, eleven as float64."""
    tensor = only(gp.Claim(loss=float(f"0.{'1' * digits}")))
    assert tensor.precision.WhichOneof("kind") == ("decimals" if digits == 10 else "dtype")


def test_a_tolerance_that_is_not_given_stays_unset() -> None:
    """rtol alone leaves the absolute part to the server."""
    tolerances = only(gp.Claim(loss=1.0, rtol=1e-3)).precision.tolerances
    assert not tolerances.HasField("absolute")


def test_rounding_is_passed_on() -> None:
    """Truncated digits are said to be so."""
    decimals = only(gp.Claim(loss=0.17, decimals=2, rounding="truncated")).precision.decimals
    assert decimals.rounding == claim_pb2.ROUNDING_TRUNCATED


def test_several_claims_are_one_message() -> None:
    """In the order in which they are given, each with its own precision."""
    claims = [gp.Claim(loss=0.5), gp.Claim.at(1, loss=0.25, dtype="float32")]
    message = claim_to_proto(claims, THREE_STEPS)
    assert [tensor.id.step for tensor in message.tensors] == [0, 1]
    assert [tensor.precision.WhichOneof("kind") for tensor in message.tensors] == ["decimals", "dtype"]
    assert claim_to_proto(message, THREE_STEPS) is message


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (gp.Claim(), [("claim", "REQUIRED")]),
        ([], [("claim", "REQUIRED")]),
        ([3], [("claim", "WRONG_TYPE")]),
        (gp.Claim.at(0, gradients=[1.0]), [("claim.gradients", "WRONG_TYPE")]),
        ([gp.Claim(loss=1.0), gp.Claim(loss=2.0)], [("claim", "GIVEN_TWICE")]),
        (gp.Claim(loss=1.0, decimals=2, dtype="float32"), [("claim", "ALTERNATIVES")]),
        (gp.Claim(loss=1.0, dtype="float32", atol=0.1), [("claim", "ALTERNATIVES")]),
        (gp.Claim(loss=1.0, decimals=21), [("claim.decimals", "OUT_OF_RANGE")]),
        (gp.Claim(loss=1.0, rounding="nearest"), [("claim.rounding", "REQUIRED")]),
        (gp.Claim(loss=1.0, step=-1), [("claim.step", "OUT_OF_RANGE")]),
        (gp.Claim(loss="x"), [("claim.loss", "NOT_A_TENSOR")]),
        (gp.Claim(gradients={"w": [[1.0], [2.0, 3.0]]}, loss=1.0), [('claim.gradients["w"][1]', "RAGGED")]),
    ],
)
def test_wrong_claims_are_refused(claim: Any, expected: list[tuple[str, str]]) -> None:
    """With the field and a stable reason."""
    assert violations(claim) == expected


def test_a_bare_array_needs_a_single_output() -> None:
    """With two outputs, or none, the claim must say which one it means."""
    two = gp.Problem([gp.ReLU(), gp.ReLU()], outputs=["0", "1"]).to_proto()
    assert violations(gp.Claim(outputs=[1.0], loss=1.0), two) == [("claim.outputs", "AMBIGUOUS")]
    assert violations(gp.Claim(input_gradients=[1.0], loss=1.0), two) == [("claim.input_gradients", "AMBIGUOUS")]
