"""What fuzzing and reading the code around its findings have found, each by a small message: all are refused now."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from gradproof import problem_file
from gradproof.black_box import BlackBox
from gradproof.errors import InvalidProblemError, ServerError
from gradproof.tensors import TensorError, tensor_to_numpy
from gradproof.v1 import comparison_pb2, gradient_service_pb2, problem_pb2, tensor_pb2, witness_pb2
from gradproof_server.engine import read_problem
from gradproof_server.engine.types import Verdict
from gradproof_server.serving.callers.callers_file import read_callers
from gradproof_server.serving.methods import UNARY, DirectContext, StreamMessage, Task
from gradproof_server.settings import Settings, SettingsError

from fuzz import requests
from fuzz.dialogues import FunctionRequests
from fuzz.targets import TARGETS

HUGE = 2**40


def zeros(*shape: int) -> str:
    """A tensor in the text form of protobuf."""
    sizes = " ".join(f"shape: {size}" for size in shape)
    data = "\\0" * 8 * math.prod(shape)
    return f'dtype: DTYPE_FLOAT64 {sizes} data: "{data}"'


def given(key: str, *shape: int, name: str = "") -> str:
    """An entry of a map of tensors."""
    return f'{key} {{ key: "{name or key[:-1]}" value {{ {zeros(*shape)} }} }} '


def expand(*shape: int) -> str:
    """A node that repeats its input, and one that computes with all of it."""
    sizes = " ".join(f"shape: {size}" for size in shape)
    return f"nodes {{ function {{ expand {{ {sizes} }} }} }} nodes {{ layer {{ relu {{}} }} }} "


def parsed(text: str) -> problem_pb2.Problem:
    """A problem from its text form."""
    return text_format.Parse(text, problem_pb2.Problem())


REFUSED = {
    "2**31 running means, 16 GiB, were allocated before anything was looked at": (
        "network { nodes { layer { batch_norm2d { num_features: 2147483648 affine: false } } } }" + given("inputs", 2),
        "LIMIT_EXCEEDED max_parameters",
    ),
    "the shapes of cumulative averages were unknown, and with them the memory of all nodes": (
        "network { nodes { layer { batch_norm1d { num_features: 2 momentum_none: true affine: false } } } "
        + f"{expand(HUGE, 2, 2)} }} {given('inputs', 2, 2)}",
        "LIMIT_EXCEEDED max_elements",
    ),
    "an error with the word meta in it stood for unknown shapes": (
        f'network {{ {expand(HUGE, 2)} nodes {{ name: "meta" layer {{ flatten {{ start_dim: 5 }} }} }} }}'
        + given("inputs", 2),
        "INVALID_PROBLEM CANNOT_RUN",
    ),
    "constants were there for real while shapes were inferred, and so was what was made of them": (
        f"network {{ nodes {{ function {{ constant {{ value {{ {zeros(1)} }} }} }} }} {expand(HUGE, 1)} }}",
        "LIMIT_EXCEEDED max_elements",
    ),
    "a loss that repeats input and target took the memory of both together": (
        f"network {{ nodes {{ layer {{ identity {{}} }} }} }} loss {{ mse_loss {{}} }} {given('inputs', 100, 1)}"
        + given("targets", 1, 100),
        "LIMIT_EXCEEDED max_elements",
    ),
    "only the first step was asked for one number": (
        "network { nodes { layer { identity {} } } } "
        + f"steps {{ {given('inputs')} }} steps {{ {given('inputs', 2)} }}",
        "INVALID_PROBLEM NO_SCALAR",
    ),
    "strides overflow beside a zero": (
        f'network {{ nodes {{ layer {{ identity {{}} }} }} }} inputs {{ key: "input" value {{ dtype: DTYPE_FLOAT64 '
        f"shape: 0 shape: {HUGE} shape: {HUGE} }} }}",
        "LIMIT_EXCEEDED max_elements",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_problem_is_refused(what: str) -> None:
    """Each of these was a fault of the server, or took memory without bound, from about a hundred bytes."""
    problem, reason = REFUSED[what]
    request = gradient_service_pb2.ComputeGradientsRequest(problem=parsed(problem))
    failure = requests.ENGINE(Task("ComputeGradients", request.SerializeToString())).failure
    assert failure is not None
    found = [failure.kind.reason, *(v.reason for v in failure.violations), failure.metadata.get("limit", "")]
    assert " ".join(filter(None, found)) == reason, failure


def test_a_large_step_after_a_small_one_is_not_cheap() -> None:
    """A training run costs the same in whatever order its steps are; the first one stood for all."""
    network = "network { nodes { layer { identity {} } } nodes { function { reduce { reducer: REDUCER_SUM } } } } "
    small, large = f"steps {{ {given('inputs', 1)} }} ", f"steps {{ {given('inputs', 900)} }} "
    first, second = (
        read_problem(parsed(network + steps), requests.LIMITS).cost for steps in (small + large, large + small)
    )
    assert first == second
    assert first.memory_bytes > 8 * 900


@pytest.mark.parametrize(("dtype", "data"), [(5, bytes(8)), (7, b"\1")])
def test_an_updated_weight_is_claimed_in_integers_with_a_tolerance(dtype: int, data: bytes) -> None:
    """Their rounding was asked for, and INTERNAL was the answer."""
    problem = parsed(
        "network { nodes { layer { linear { in_features: 1 out_features: 1 bias: false } } } } loss { mse_loss {} } "
        + "optimizer { sgd { lr: 0.5 } } "
        + given("inputs", 1, 1)
        + given("targets", 1, 1)
        + given("parameters", 1, 1, name="0.weight")
    )
    request = gradient_service_pb2.CheckGradientsRequest(problem=problem)
    claimed = request.claim.tensors.add(value=tensor_pb2.Tensor(dtype=dtype, shape=[1, 1], data=data))
    claimed.id.quantity, claimed.id.name = tensor_pb2.QUANTITY_UPDATED, "0.weight"
    claimed.precision.tolerances.absolute = 0.1
    answer = requests.ENGINE(Task("CheckGradients", request.SerializeToString()))
    assert answer.failure is None, answer.failure
    assert answer.facts.verdict is (Verdict.DISAGREES if any(data) else Verdict.AGREES)


def test_a_loss_that_is_a_boolean_has_a_tolerance() -> None:
    """PyTorch has no absolute value of booleans, and INTERNAL was the answer."""
    problem = parsed(
        "network { nodes { layer { zero_pad1d { padding: 3 } } } "
        "nodes { function { reduce { reducer: REDUCER_AMIN } } } } "
        'inputs { key: "input" value { dtype: DTYPE_BOOL shape: 1 shape: 2 data: "\\0\\1" } }'
    )
    request = gradient_service_pb2.CheckGradientsRequest(problem=problem)
    claimed = request.claim.tensors.add(value=tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_BOOL, data=b"\0"))
    claimed.id.quantity = tensor_pb2.QUANTITY_LOSS
    requests.check(request.SerializeToString())


@pytest.mark.parametrize("dtype", ["FLOAT64", "FLOAT32", "FLOAT16", "BFLOAT16"])
def test_a_network_without_anything_to_differentiate_has_nothing_to_verify(dtype: str) -> None:
    """Whole numbers in, no parameters: of smaller dtypes than float64 INTERNAL was the answer."""
    zeros = "\\0" * 16
    problem = parsed(
        f"dtype: DTYPE_{dtype} network {{ nodes {{ function {{ reduce {{ reducer: REDUCER_MEDIAN }} }} }} }} "
        f'inputs {{ key: "a" value {{ dtype: DTYPE_INT64 shape: 2 data: "{zeros}" }} }}'
    )
    request = gradient_service_pb2.VerifyGradientsRequest(problem=problem)
    parts: list[StreamMessage] = []
    answer = requests.ENGINE(Task("VerifyGradients", request.SerializeToString()), DirectContext(send=parts.append))
    assert answer.failure is None, answer.failure
    report = gradient_service_pb2.VerifyGradientsResponse.FromString(parts[-1].response).report
    assert report.verdict == comparison_pb2.VERDICT_INCONCLUSIVE
    assert report.summary == "There is nothing to differentiate."


def test_a_wrong_loss_of_nothing_is_checked() -> None:
    """A network without parameters whose tensors have no elements: the search for an explanation divided by their
    number, and INTERNAL was the answer."""
    problem = parsed(
        "network { nodes { layer { hardsigmoid {} } } } loss { l1_loss { reduction: REDUCTION_SUM } } "
        + given("inputs", 1, 0)
        + given("targets", 1, 0)
    )
    request = gradient_service_pb2.CheckGradientsRequest(problem=problem)
    claimed = request.claim.tensors.add(value=tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT16, data=b"\0008"))
    claimed.id.quantity = tensor_pb2.QUANTITY_LOSS
    answer = requests.ENGINE(Task("CheckGradients", request.SerializeToString()))
    assert answer.failure is None, answer.failure
    assert answer.facts.verdict is Verdict.DISAGREES


def test_a_point_without_elements_and_with_huge_sizes_is_refused() -> None:
    """Strides of a function's point overflowed."""
    dialogue = FunctionRequests(messages=[gradient_service_pb2.CheckFunctionRequest()])
    dialogue.messages[0].start.claim.point["x"].CopyFrom(tensor_pb2.Tensor(dtype=1, shape=[0, HUGE, HUGE]))
    requests.function(dialogue.SerializeToString())


@pytest.mark.parametrize("shape", [[0, HUGE, HUGE], [1] * 65])
def test_a_shape_that_numpy_has_not_is_an_error_of_the_tensor(shape: list[int]) -> None:
    """NumPy's own ValueError came out of an answer."""
    with pytest.raises(TensorError, match="shape"):
        tensor_to_numpy(tensor_pb2.Tensor(dtype=1, shape=shape, data=bytes(0 if 0 in shape else 8)))


@pytest.mark.parametrize(
    "points",
    [
        witness_pb2.PointBatch(),
        witness_pb2.PointBatch(points=1),
        witness_pb2.PointBatch(points=2, tensors={"x": tensor_pb2.Tensor(dtype=1, shape=[1, 2], data=bytes(16))}),
        witness_pb2.PointBatch(points=1, tensors={"x": tensor_pb2.Tensor(dtype=1, shape=[1, 2], data=bytes(8))}),
    ],
)
def test_points_of_another_form_are_an_error_of_the_server(points: witness_pb2.PointBatch) -> None:
    """A server that asks for no points, or for others than those of the function, is told as that."""
    with pytest.raises(ServerError, match="asked for"):
        BlackBox(np.sum, np.ones(2), False).values(points)


def test_a_tensor_of_a_report_without_judgements_can_be_shown() -> None:
    """The headline counts what disagrees, and of no judgements that is nothing."""
    report = witness_pb2.WitnessReport(verdict=1)
    tensor = report.tensors.add(mode=2)
    tensor.id.quantity = 3
    answers = TARGETS["verify-response"].kind()
    answers.messages.add().report.CopyFrom(report)
    for verdict in (1, 2, 3):
        answers.messages[0].report.verdict = verdict
        TARGETS["verify-response"].run(answers.SerializeToString())


@pytest.mark.parametrize("number", ["1__0", "1_", "1__0.5", "2_.5"])
def test_underscores_of_numbers_say_nothing(number: str) -> None:
    """YAML lets them stand anywhere after the first digit; Python's int does not."""
    content = problem_file.reader.parse_document(number).value
    assert content == eval(number.replace("_", ""))
    assert content.text == number


@pytest.mark.parametrize("name", ["", "a.json"])
def test_a_number_of_thousands_of_digits_is_refused(name: str) -> None:
    """Python does not read such an integer, and no float64 is as large; 250 digits are read."""
    with pytest.raises(InvalidProblemError, match="251 digits"):
        problem_file.loads('{"seed": ' + "9" * 251 + "}", name)
    assert float(problem_file.reader.parse_document("9" * 250).value) == 1e250


def test_deep_nesting_of_settings_and_callers_is_an_error_of_the_file(tmp_path: Path) -> None:
    """TOML's reader ended in RecursionError."""
    file = tmp_path / "deep.toml"
    file.write_text("a = " + "[" * 5000, encoding="ascii")
    with pytest.raises(SettingsError, match="recursion"):
        Settings.from_environment({"settings_file": str(file)}, {})
    with pytest.raises(SettingsError, match="recursion"):
        read_callers(file, UNARY)
