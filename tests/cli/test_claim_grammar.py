"""What a problem file may claim, for which step, and how precisely."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from gradproof.problem_file import QUANTITIES, loads
from gradproof.tensors import DTYPE_NAMES
from gradproof.v1 import claim_pb2, tensor_pb2

STEP = """
network: [{Linear: [2, 1, {weight: [[1, 2]], bias: [0]}]}]
input: [[1, 2]]
target: [[1]]
loss: MSELoss
optimizer: {SGD: {lr: 0.1}}
"""


def claim(text: str, more: str = "") -> list[claim_pb2.ClaimedTensor]:
    """The claimed tensors of a file with this claim."""
    read = loads(STEP + more + f"\nclaim: {text}\n").claim
    assert read is not None
    return list(read.tensors)


def test_a_claim_may_name_everything() -> None:
    """Each key of a claim is a quantity; names that are not needed may be left out."""
    read = claim(
        "{loss: 0.5, outputs: [[1.0]], gradients: {0.weight: [[1.0, 2]]}, input_gradients: [[1.0, 2]],"
        " node_values: {0: [[1.0]]}, node_gradients: {0: [[1.0]]}, updated: {0.bias: [1.0]},"
        " state: {0.bias.momentum_buffer: [1.0]}, buffers: {bn.running_mean: [1.0]}}",
        "n_steps: 3",
    )
    assert [tensor.id.quantity for tensor in read] == list(QUANTITIES.values())
    assert [tensor.id.name for tensor in read][:6] == ["", "0", "0.weight", "input", "0", "0"]
    assert [tensor.id.step for tensor in read] == [0, 0, 0, 0, 0, 0, 2, 2, 2]


def test_claims_may_name_their_step() -> None:
    """`step` holds for the whole claim, `steps` lists claims step by step."""
    assert [t.id.step for t in claim("{updated: {0.bias: [1.0]}, loss: 0.1, step: 1}", "n_steps: 3")] == [1, 1]
    listed = claim(
        "{loss: 0.1, steps: [{updated: {0.bias: [1.0]}}, {step: 2, loss: 0.3}, {loss: 0.2, step: 1}]}", "n_steps: 3"
    )
    assert [(t.id.quantity, t.id.step) for t in listed] == [
        (tensor_pb2.QUANTITY_LOSS, 0),
        (tensor_pb2.QUANTITY_UPDATED, 0),
        (tensor_pb2.QUANTITY_LOSS, 2),
        (tensor_pb2.QUANTITY_LOSS, 1),
    ]


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("{loss: 0.170}", "decimals { digits: 3 }"),
        ("{loss: 1.25e-4}", "decimals { digits: 6 }"),
        ("{updated: {0.weight: [[1, 0.50]]}}", "decimals { digits: 2 }"),
        ("{loss: 3}", "dtype: DTYPE_FLOAT64"),
        ("{loss: 3, decimals: 0}", "decimals { }"),
        ("{loss: 0.1, decimals: 4, rounding: truncated}", "decimals { digits: 4 rounding: ROUNDING_TRUNCATED }"),
        ("{loss: 0.1, dtype: float32}", "dtype: DTYPE_FLOAT32"),
        ("{loss: 0.1, atol: 1e-6}", "tolerances { absolute: 1e-06 }"),
        ("{loss: 0.1, atol: 0, rtol: 1e-3}", "tolerances { absolute: 0.0 relative: 0.001 }"),
        ("{loss: {values: 0.1, decimals: 3}, decimals: 1}", "decimals { digits: 3 }"),
        ("{loss: {dtype: float16, values: 0.1}}", "dtype: DTYPE_FLOAT16"),
        ("{loss: 0.12345678901234567}", "dtype: DTYPE_FLOAT64"),
        ("{loss: 0.12345678901234}", "decimals { digits: 14 }"),
        ("{loss: .nan}", "dtype: DTYPE_FLOAT64"),
        ("{decimals: 1, steps: [{loss: 0.125}]}", "decimals { digits: 1 }"),
        ("{decimals: 1, steps: [{loss: 0.125, rtol: 1}]}", "tolerances { relative: 1.0 }"),
    ],
)
def test_the_precision_is_stated_or_written(text: str, precision: str) -> None:
    """What a claim states wins; else the digits count; integers and full float64 numbers are taken as computed."""
    (tensor,) = claim(text)
    assert tensor.precision == text_format.Parse(precision, claim_pb2.Precision())


def test_a_dtype_of_the_claim_is_that_of_its_tensors() -> None:
    """Numbers computed in float32 are sent in float32, so that their ulps count."""
    (tensor,) = claim("{loss: 0.1, dtype: float32}")
    assert DTYPE_NAMES[tensor.value.dtype] == "float32"
