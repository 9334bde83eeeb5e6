"""Conventions at kinks and ties: what is taken there, and that nothing else moves."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gradproof import catalog
from gradproof.v1 import functions_pb2, problem_pb2
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.variants import subgradients, ties
from gradproof_server.engine.training import read_problem
from gradproof_server.engine.types import Limits, Quantity, TensorId
from torch.nn import functional as F

from tests.engine.plain import tensor_message
from tests.engine.recurrent_problems import all_proposals, case_of, differs, told

TABLE = subgradients.VARIANTS + ties.VARIANTS
Tensor = torch.Tensor


def tensor(*values: Any) -> Tensor:
    """float64."""
    return torch.tensor(values, dtype=torch.float64)


def problem_of(inputs: dict[str, Tensor], target: Tensor, fill: Any) -> Case:
    """One node, filled by `fill(node)`, under MSELoss(sum); its inputs are those of the problem."""
    problem = problem_pb2.Problem()
    node = problem.network.nodes.add(name="k", inputs=list(inputs))
    fill(node, problem)
    for key, value in inputs.items():
        problem.inputs[key].CopyFrom(tensor_message(value))
    problem.targets["target"].CopyFrom(tensor_message(target))
    problem.loss.CopyFrom(catalog.construct("Loss", "MSELoss", (), {"reduction": "sum"}))
    return case_of(read_problem(problem, Limits()))


def layer(name: str, *args: Any, **kwargs: Any) -> Any:
    """Fills a node with a layer."""

    def fill(node: Any, problem: Any) -> None:
        node.layer.CopyFrom(catalog.construct("Layer", name, args, kwargs))
        for key, value in getattr(torch.nn, name)(*args, **kwargs).named_parameters():
            problem.parameters[f"k.{key}"].CopyFrom(tensor_message(value.double()))

    return fill


def function(**field: Any) -> Any:
    """Fills a node with a function."""
    return lambda node, problem: node.function.CopyFrom(functions_pb2.Function(**field))


def slope(case: Case, code: str, name: str = "x") -> Tensor:
    """The derivative of the node that the row takes: gradient of the input by that of the output."""
    numbers = told(TABLE, code, case)
    upstream = 2 * (case.value("k") - case.training.steps[0].targets["target"].double())
    return numbers[TensorId(0, Quantity.INPUT_GRADIENT, name)] / upstream


ABS = functions_pb2.Elementwise(function=functions_pb2.ELEMENTWISE_FUNCTION_ABS)
SQRT = functions_pb2.Elementwise(function=functions_pb2.ELEMENTWISE_FUNCTION_SQRT)
RELU = functions_pb2.Elementwise(function=functions_pb2.ELEMENTWISE_FUNCTION_RELU)
CLAMP = functions_pb2.Clamp(min=-1, max=2)
SCALE = 1.0507009873554805
ALPHA = 1.6732632423543772

KINKS: list[tuple[str, Any, tuple[float, ...], tuple[float, ...]]] = [
    ("relu_at_zero_half", layer("ReLU"), (-1, 0, 2), (0, 0.5, 1)),
    ("relu_at_zero_one", layer("ReLU"), (-1, 0, 2), (0, 1, 1)),
    ("relu_at_zero_half", function(elementwise=RELU), (-1, 0, 2), (0, 0.5, 1)),
    ("leaky_relu_at_zero_one", layer("LeakyReLU", 0.1), (-1, 0, 2), (0.1, 1, 1)),
    ("leaky_relu_at_zero_half", layer("LeakyReLU", 0.1), (-1, 0, 2), (0.1, 0.55, 1)),
    ("leaky_relu_at_zero_zero", layer("LeakyReLU", 0.1), (-1, 0, 2), (0.1, 0, 1)),
    ("prelu_at_zero_one", layer("PReLU"), (-1, 0, 2), (0.25, 1, 1)),
    ("prelu_at_zero_half", layer("PReLU"), (-1, 0, 2), (0.25, 0.625, 1)),
    ("prelu_at_zero_zero", layer("PReLU"), (-1, 0, 2), (0.25, 0, 1)),
    ("relu6_at_bound_one", layer("ReLU6"), (0, 6, 2), (1, 1, 1)),
    ("relu6_at_bound_half", layer("ReLU6"), (0, 6, 2), (0.5, 0.5, 1)),
    ("hardtanh_at_bound_one", layer("Hardtanh", -2, 3), (-2, 3, 0), (1, 1, 1)),
    ("hardtanh_at_bound_half", layer("Hardtanh", -2, 3), (-2, 3, 0), (0.5, 0.5, 1)),
    ("hardsigmoid_at_bound_inside", layer("Hardsigmoid"), (-3, 3, 9), (1 / 6, 1 / 6, 0)),
    ("hardsigmoid_at_bound_half", layer("Hardsigmoid"), (-3, 3, 9), (1 / 12, 1 / 12, 0)),
    ("hardswish_at_bound_inside", layer("Hardswish"), (-3, 3, 9), (-0.5, 1.5, 1)),
    ("hardswish_at_bound_half", layer("Hardswish"), (-3, 3, 9), (-0.25, 1.25, 1)),
    ("elu_at_zero_right", layer("ELU", 0.5), (0, 1, 2), (1, 1, 1)),
    ("elu_at_zero_half", layer("ELU", 0.5), (0, 1, 2), (0.75, 1, 1)),
    ("selu_at_zero_right", layer("SELU"), (0, 1, 2), (SCALE, SCALE, SCALE)),
    ("selu_at_zero_half", layer("SELU"), (0, 1, 2), (SCALE * (1 + ALPHA) / 2, SCALE, SCALE)),
    ("softshrink_at_threshold_one", layer("Softshrink", 0.5), (-0.5, 0.5, 0), (1, 1, 0)),
    ("softshrink_at_threshold_half", layer("Softshrink", 0.5), (-0.5, 0.5, 0), (0.5, 0.5, 0)),
    ("hardshrink_at_threshold_one", layer("Hardshrink", 0.5), (-0.5, 0.5, 0), (1, 1, 0)),
    ("hardshrink_at_threshold_half", layer("Hardshrink", 0.5), (-0.5, 0.5, 0), (0.5, 0.5, 0)),
    ("threshold_at_threshold_one", layer("Threshold", 0.5, 3), (0.5, 0, 2), (1, 0, 1)),
    ("threshold_at_threshold_half", layer("Threshold", 0.5, 3), (0.5, 0, 2), (0.5, 0, 1)),
    ("abs_at_zero_one", function(elementwise=ABS), (-1, 0, 2), (-1, 1, 1)),
    ("abs_at_zero_minus_one", function(elementwise=ABS), (-1, 0, 2), (-1, -1, 1)),
    ("sqrt_at_zero_zero", function(elementwise=SQRT), (0, 1, 4), (0, 0.5, 0.25)),
    ("clamp_at_bound_zero", function(clamp=CLAMP), (-1, 2, 0), (0, 0, 1)),
    ("clamp_at_bound_half", function(clamp=CLAMP), (-1, 2, 0), (0.5, 0.5, 1)),
]


@pytest.mark.parametrize(("code", "fill", "x", "expected"), KINKS, ids=[k[0] for k in KINKS])
def test_slope_at_the_kink(code: str, fill: Any, x: tuple[float, ...], expected: tuple[float, ...]) -> None:
    """The stated number on the kink, PyTorch's derivative elsewhere; its hard sigmoid has 1/6 in float32."""
    near = 1e-7 if "hardsigmoid" in code else 1e-12
    case = problem_of({"x": tensor(list(x))}, tensor([7.0, -8.0, 9.5]), fill)
    torch.testing.assert_close(slope(case, f"subgradient.{code}"), tensor(list(expected)), rtol=near, atol=1e-12)


def test_every_row_of_the_kinks_is_tested() -> None:
    """No row is left out above."""
    missing = {v.code for v in subgradients.VARIANTS} - {f"subgradient.{kink[0]}" for kink in KINKS}
    assert missing == set()


def test_nothing_is_proposed_off_the_kinks() -> None:
    """Values near a kink are not on it, and an ELU with α = 1 or a slope of 1 has none."""
    fills: list[Any] = [fill for _, fill, _, _ in KINKS]
    for fill in fills:
        case = problem_of({"x": tensor([0.25, 1.5, 2.75])}, tensor([7.0, -8.0, 9.5]), fill)
        assert list(all_proposals(TABLE, case)) == []
    for fill in (layer("ELU"), layer("LeakyReLU", 1.0), layer("Tanh")):
        case = problem_of({"x": tensor([0.0, 0.0, 1.0])}, tensor([7.0, -8.0, 9.5]), fill)
        assert [v.code for v, _ in all_proposals(TABLE, case) if "zero_zero" not in v.code] == []


def reduce(reducer: int, *dims: int) -> Any:
    """Fills a node with a reduction."""
    return function(reduce=functions_pb2.Reduce(reducer=reducer, dims=dims))


ROWS = tensor([3.0, 1.0, 3.0, 3.0], [0.0, 5.0, 2.0, 1.0])
SHARES: list[tuple[str, list[float]]] = [
    ("to_first", [1, 0, 0, 0]),
    ("to_last", [0, 0, 0, 1]),
    ("to_all", [1, 0, 1, 1]),
    ("shared", [1 / 3, 0, 1 / 3, 1 / 3]),
]


@pytest.mark.parametrize(("how", "share"), SHARES)
def test_reduction_ties(how: str, share: list[float]) -> None:
    """The stated shares of the upstream gradient in the tied row, all of it to the single maximum in the other."""
    for reducer, sign in ((functions_pb2.REDUCER_AMAX, 1), (functions_pb2.REDUCER_AMIN, -1),
                          (functions_pb2.REDUCER_MAX, 1), (functions_pb2.REDUCER_MIN, -1)):  # fmt: skip
        shared = reducer in (functions_pb2.REDUCER_AMAX, functions_pb2.REDUCER_AMIN)
        if how == ("shared" if shared else "to_first"):
            continue
        case = problem_of({"x": sign * ROWS}, tensor(1.0, -1.0), reduce(reducer, 1))
        numbers = told(TABLE, f"subgradient.{'amax' if shared else 'max'}_tie_{how}", case)
        upstream = 2 * (sign * tensor(3.0, 5.0) - tensor(1.0, -1.0))
        expected = upstream[:, None] * tensor(share, [0, 1, 0, 0])
        torch.testing.assert_close(numbers[TensorId(0, Quantity.INPUT_GRADIENT, "x")], expected)


def test_ties_over_several_dimensions() -> None:
    """The first in row-major order of all reduced dimensions."""
    x = tensor([1.0, 4.0], [4.0, 4.0])
    case = problem_of({"x": x}, tensor(1.0)[0], reduce(functions_pb2.REDUCER_AMAX))
    numbers = told(TABLE, "subgradient.amax_tie_to_first", case)
    torch.testing.assert_close(numbers[TensorId(0, Quantity.INPUT_GRADIENT, "x")], tensor([0.0, 6.0], [0.0, 0.0]))


@pytest.mark.parametrize(("how", "share"), SHARES[1:])
def test_pooling_ties(how: str, share: list[float]) -> None:
    """A window of four with three equal maxima, beside one without a tie; padding takes nothing."""
    x = torch.cat([ROWS[0].reshape(2, 2), ROWS[1].reshape(2, 2)], 1).reshape(1, 1, 2, 4)
    case = problem_of({"x": x}, tensor([[[0.5, 0.25]]]), layer("MaxPool2d", 2))
    numbers = told(TABLE, f"subgradient.max_pool_tie_{how}", case)
    first = 5.0 * tensor(share).reshape(2, 2)
    expected = torch.cat([first, 9.5 * tensor([0, 1], [0, 0])], 1).reshape(1, 1, 2, 4)
    torch.testing.assert_close(numbers[TensorId(0, Quantity.INPUT_GRADIENT, "x")], expected)


def test_windows_are_those_of_pytorch() -> None:
    """Overlapping, padded windows: beside the tie the gradient is PyTorch's, at the tie the last gets it."""
    x = torch.arange(12, dtype=torch.float64).reshape(1, 1, 12).sin()
    x[0, 0, 5] = x[0, 0, 4] = 3.0
    case = problem_of({"x": x}, torch.zeros(1, 1, 6, dtype=torch.float64), layer("MaxPool1d", 3, 2, 1))
    id = TensorId(0, Quantity.INPUT_GRADIENT, "x")
    numbers = told(TABLE, "subgradient.max_pool_tie_to_last", case)[id].flatten()
    untied = [i for i in range(12) if i not in (4, 5)]
    torch.testing.assert_close(numbers[untied], case.reference[id].flatten()[untied])
    assert numbers[[4, 5]].tolist() == [0.0, 12.0]
    assert case.reference[id].flatten()[[4, 5]].tolist() == [6.0, 6.0]


@pytest.mark.parametrize(("how", "shares"), [("first", (1, 0)), ("second", (0, 1)), ("both", (1, 1)), ("none", (0, 0))])
def test_pair_ties(how: str, shares: tuple[float, float]) -> None:
    """Of maximum and minimum, with one input broadcast."""
    a, b = tensor([1.0, 2.0, 3.0], [2.0, 5.0, 1.0]), tensor(2.0, 2.0, 2.0)
    for kind, larger in ((functions_pb2.Maximum(), a > b), (functions_pb2.Minimum(), a < b)):
        field = {"maximum" if "Maximum" in type(kind).__name__ else "minimum": kind}
        case = problem_of({"a": a, "b": b}, torch.zeros(2, 3, dtype=torch.float64), function(**field))
        numbers = told(TABLE, f"subgradient.maximum_tie_to_{how}", case)
        u = 2 * case.value("k")
        tie = (a == b).double()
        to_a, to_b = u * (larger + tie * shares[0]), u * (~(larger | (a == b)) + tie * shares[1])
        torch.testing.assert_close(numbers[TensorId(0, Quantity.INPUT_GRADIENT, "a")], to_a)
        torch.testing.assert_close(numbers[TensorId(0, Quantity.INPUT_GRADIENT, "b")], to_b.sum(0))


def loss_case(loss: str, inputs: dict[str, Tensor], target: Tensor | None, **kwargs: Any) -> Case:
    """A loss over inputs that the network passes on."""
    problem = problem_pb2.Problem()
    for name in inputs:
        problem.network.nodes.add(name=f"n{name}", inputs=[name]).layer.identity.SetInParent()
        problem.network.outputs.append(f"n{name}")
    for key, value in inputs.items():
        problem.inputs[key].CopyFrom(tensor_message(value))
    problem.loss.CopyFrom(catalog.construct("Loss", loss, (), kwargs))
    if target is not None:
        problem.targets["target"].CopyFrom(tensor_message(target))
    return case_of(read_problem(problem, Limits()))


@pytest.mark.parametrize(("code", "value"), [("one", 1.0), ("minus_one", -1.0)])
def test_l1_at_zero(code: str, value: float) -> None:
    """±1/n where the residual is zero; the loss value stays."""
    case = loss_case("L1Loss", {"x": tensor(1.0, 2.0)}, tensor(1.0, 5.0))
    numbers = told(TABLE, f"subgradient.l1_at_zero_{code}", case)
    torch.testing.assert_close(numbers[TensorId(0, Quantity.INPUT_GRADIENT, "x")], tensor(value / 2, -0.5))
    torch.testing.assert_close(numbers[TensorId(0, Quantity.LOSS)], torch.tensor(1.5, dtype=torch.float64))


LOSSES: list[tuple[str, dict[str, Tensor], Tensor | None, dict[str, Any]]] = [
    ("MarginRankingLoss", {"a": tensor(1.0, 0.0, 3.0), "b": tensor(0.0, 1.0, 0.0)}, tensor(1.0, 1.0, 1.0),
     {"margin": 1.0}),
    ("HingeEmbeddingLoss", {"a": tensor(1.0, 0.5, 3.0)}, tensor(-1.0, -1.0, 1.0), {}),
    ("MultiMarginLoss", {"a": tensor([1.0, 0.0, 0.5], [0.0, 4.0, 3.0])}, torch.tensor([0, 1]), {}),
    ("TripletMarginLoss", {"a": tensor([0.0, 0.0], [0.0, 1.0]), "p": tensor([3.0, 4.0], [2.0, 2.0]),
                           "n": tensor([0.0, 6.0], [1.0, 1.0])}, None, {"eps": 0.0}),
    ("CosineEmbeddingLoss", {"a": tensor([1.0, 0.0], [1.0, 2.0]), "b": tensor([0.0, 1.0], [2.0, 2.0])},
     tensor(-1.0, -1.0), {}),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "inputs", "target", "kwargs"), LOSSES, ids=[row[0] for row in LOSSES])
def test_margins(loss: str, inputs: dict[str, Tensor], target: Tensor | None, kwargs: dict[str, Any]) -> None:
    """Inactive and active are PyTorch's gradients with the margin moved a little to either side; ½ is their mean."""
    case = loss_case(loss, inputs, target, **kwargs)
    sides = [moved(loss, inputs, target, kwargs, by) for by in (-1e-9, 1e-9)]
    expected = {"inactive": sides[0], "active": sides[1], "half": {k: (sides[0][k] + sides[1][k]) / 2 for k in inputs}}
    changed = 0
    for how, gradients in expected.items():
        numbers = told(TABLE, f"subgradient.margin_{how}", case)
        for name, gradient in gradients.items():
            found = numbers[TensorId(0, Quantity.INPUT_GRADIENT, name)]
            torch.testing.assert_close(found, gradient, rtol=1e-6, atol=1e-7)
        changed += differs(case, {**case.reference, **numbers})
    assert changed >= 2


def moved(
    loss: str, inputs: dict[str, Tensor], target: Tensor | None, kwargs: dict[str, Any], by: float
) -> dict[str, Tensor]:
    """PyTorch's gradients with a larger or smaller margin; cosine loses where the others gain."""
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    usual = {"CosineEmbeddingLoss": 0.0}.get(loss, 1.0)
    margin = usual + (-by if loss == "CosineEmbeddingLoss" else by)
    module = getattr(torch.nn, loss)(**{**kwargs, "margin": margin})
    module(*leaves.values(), *([] if target is None else [target])).backward()
    return {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}


def test_hinged_is_relu_off_the_kink() -> None:
    """And has the stated slope on it."""
    s = tensor(-1.0, 0.0, 2.0).requires_grad_()
    value = ties.hinged(s, 0.25)
    torch.testing.assert_close(value, F.relu(s))
    (gradient,) = torch.autograd.grad(value.sum(), s)
    torch.testing.assert_close(gradient, tensor(0.0, 0.25, 1.0))
