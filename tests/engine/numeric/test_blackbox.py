"""Functions known by their values only: right derivatives agree, wrong ones disagree, noise is told, budgets hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
import torch
from gradproof_server.engine.numeric import check_function
from gradproof_server.engine.numeric.types import (
    Cause,
    DerivativeKind,
    FunctionClaim,
    FunctionEvent,
    Mode,
    PointBatch,
    TensorWitness,
    WitnessedValue,
    WitnessEstimate,
    WitnessOptions,
    WitnessReport,
)
from gradproof_server.engine.types import StoppedError, Verdict

Tensor = torch.Tensor
Function = Callable[[Mapping[str, Tensor]], Tensor]
OPTIONS = WitnessOptions(max_evaluations=1_000_000)
MATRIX = torch.tensor([[0.3, -1.2, 0.5], [0.8, 0.1, -0.4], [-0.6, 0.9, 1.1]], dtype=torch.float64)
X = torch.tensor([0.4, -0.7, 1.3], dtype=torch.float64)


def layer_norm(points: Mapping[str, Tensor]) -> Tensor:
    """A weighted sum of a layer norm's outputs, in the dtype of the points: [P]."""
    x, gamma = points["x"], points["gamma"]
    centred = x - x.mean(-1, keepdim=True)
    normal = centred / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + 1e-5)
    weights = torch.linspace(-1, 1.5, x.shape[-1], dtype=x.dtype)
    return (normal * gamma * weights).sum(-1)


def layer_norm_claim(dtype: torch.dtype) -> FunctionClaim:
    """The right gradient of `layer_norm` at a point of that dtype."""
    generator = torch.Generator().manual_seed(3)
    point = {name: torch.randn(8, generator=generator).to(dtype) for name in ("x", "gamma")}
    leaves = {name: t.double().clone().requires_grad_() for name, t in point.items()}
    layer_norm({name: t[None] for name, t in leaves.items()}).sum().backward()  # type: ignore[no-untyped-call]
    stated = {name: leaf.grad.to(dtype) for name, leaf in leaves.items() if leaf.grad is not None}
    output = layer_norm({name: t[None] for name, t in point.items()})[0]
    return FunctionClaim(point, output, DerivativeKind.GRADIENT, stated, {})


def tanh_of_product(points: Mapping[str, Tensor]) -> Tensor:
    """tanh(A x): [P, 3]."""
    return torch.tanh(points["x"] @ MATRIX.T)


JACOBIAN = torch.func.jacrev(lambda x: torch.tanh(MATRIX @ x))(X)


def vector_claim(kind: DerivativeKind, stated: Tensor, along: Tensor | None = None, name: str = "x") -> FunctionClaim:
    """A claim about `tanh_of_product` at X."""
    other = {"" if kind is DerivativeKind.VJP else "x": along} if along is not None else {}
    return FunctionClaim({"x": X}, tanh_of_product({"x": X[None]})[0], kind, {name: stated}, other)


def scalar_claim(function: Function, x: Tensor, stated: Tensor) -> FunctionClaim:
    """A claim of a gradient of a scalar function of one tensor."""
    return FunctionClaim({"x": x}, function({"x": x[None]})[0], DerivativeKind.GRADIENT, {"x": stated}, {})


def events_of(function: Function, claim: FunctionClaim, options: WitnessOptions = OPTIONS) -> list[FunctionEvent]:
    """All events of a check that is answered by the function."""
    checking = check_function(claim, options)
    events: list[FunctionEvent] = []
    values: Tensor | None = None
    while True:
        try:
            event = checking.send(values)
        except StopIteration:
            return events
        events.append(event)
        values = function(event.tensors) if isinstance(event, PointBatch) else None


def report_of(function: Function, claim: FunctionClaim, options: WitnessOptions = OPTIONS) -> WitnessReport:
    """The report of a check."""
    last = events_of(function, claim, options)[-1]
    assert isinstance(last, WitnessReport)
    return last


def tensor_of(report: WitnessReport, name: str = "x") -> TensorWitness:
    """What a report says of one tensor."""
    return next(tensor for tensor in report.tensors if tensor.id.name == name)


def worst_of(report: WitnessReport, name: str = "x") -> WitnessedValue:
    """The worst element of a tensor."""
    worst = tensor_of(report, name).judgements[0].worst
    assert worst is not None
    return worst


def cause_of(report: WitnessReport) -> Cause:
    """Why the tensor x is judged as it is."""
    return tensor_of(report).judgements[0].cause


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_a_right_layer_norm_agrees_in_the_callers_dtype(dtype: torch.dtype) -> None:
    """And every point that was asked for has the caller's dtype and shape."""
    events = events_of(layer_norm, layer_norm_claim(dtype))
    assert isinstance(events[0], WitnessEstimate)
    batches = [event for event in events if isinstance(event, PointBatch)]
    assert {t.dtype for batch in batches for t in batch.tensors.values()} == {dtype}
    assert all(t.shape == (batch.points, 8) for batch in batches for t in batch.tensors.values())
    report = events[-1]
    assert isinstance(report, WitnessReport)
    assert report.verdict is Verdict.AGREES
    assert report.complete


def test_a_bfloat16_function_is_never_called_wrong_when_it_is_right() -> None:
    """Its bars may be too wide to call it right."""
    assert report_of(layer_norm, layer_norm_claim(torch.bfloat16)).verdict is not Verdict.DISAGREES


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_factor_is_found_and_named(dtype: torch.dtype) -> None:
    """Twice the gradient of x."""
    claim = layer_norm_claim(dtype)
    report = report_of(layer_norm, replace(claim, stated={**claim.stated, "x": claim.stated["x"] * 2}))
    assert report.verdict is Verdict.DISAGREES
    assert tensor_of(report, "gamma").judgements[0].verdict is Verdict.AGREES
    assert "2 times" in tensor_of(report).note
    assert cause_of(report) is Cause.WRONG_DERIVATIVE


@pytest.mark.parametrize(("dtype", "relative"), [(torch.float64, 1e-8), (torch.float32, 0.02)])
def test_one_wrong_element_is_named(dtype: torch.dtype, relative: float) -> None:
    """By its index, with both values; the measured one is right within its bar."""
    claim = layer_norm_claim(dtype)
    wrong = claim.stated["x"].clone()
    wrong[5] *= 1 + relative
    worst = worst_of(report_of(layer_norm, replace(claim, stated={**claim.stated, "x": wrong})))
    assert worst.index == (5,)
    assert worst.stated == float(wrong[5])
    assert abs(worst.numeric - float(claim.stated["x"][5])) <= worst.bar


def test_a_missing_term_is_told_as_a_shift() -> None:
    """Every element off by the same number."""
    claim = layer_norm_claim(torch.float64)
    report = report_of(layer_norm, replace(claim, stated={**claim.stated, "x": claim.stated["x"] - 0.05}))
    assert "off by the same -0.05" in tensor_of(report).note


def test_a_tensor_that_is_not_claimed_is_not_checked() -> None:
    """Only gamma is claimed."""
    claim = layer_norm_claim(torch.float64)
    report = report_of(layer_norm, replace(claim, stated={"gamma": claim.stated["gamma"]}))
    assert [tensor.id.name for tensor in report.tensors] == ["gamma"]


def test_jacobians_agree_and_transposed_ones_do_not() -> None:
    """The worst entry is named by input and output."""
    assert report_of(tanh_of_product, vector_claim(DerivativeKind.JACOBIAN, JACOBIAN)).verdict is Verdict.AGREES
    report = report_of(tanh_of_product, vector_claim(DerivativeKind.JACOBIAN, JACOBIAN.T.contiguous()))
    assert report.verdict is Verdict.DISAGREES
    assert "transpose" in tensor_of(report).note
    worst = worst_of(report)
    assert worst.stated == float(JACOBIAN[worst.index[0], worst.output_index[0]])


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, Verdict.AGREES), (-1.0, Verdict.DISAGREES)])
def test_products_with_vectors(factor: float, verdict: Verdict) -> None:
    """VJP and JVP, right and with the wrong sign."""
    vector = torch.tensor([0.2, -1.0, 0.7], dtype=torch.float64)
    back = vector_claim(DerivativeKind.VJP, factor * (vector @ JACOBIAN), vector)
    ahead = vector_claim(DerivativeKind.JVP, factor * (JACOBIAN @ vector), vector, name="")
    assert report_of(tanh_of_product, back).verdict is verdict
    assert report_of(tanh_of_product, ahead).verdict is verdict


def test_kinks_are_conventions_inside_and_wrong_outside() -> None:
    """|x| at 0: every slope from -1 to 1 is a subgradient."""

    def function(points: Mapping[str, Tensor]) -> Tensor:
        return points["x"].abs().sum(-1)

    x = torch.tensor([0.0, 1.0, -2.0], dtype=torch.float64)
    for slope, cause, verdict in (
        (-0.4, Cause.KINK_CONVENTION, Verdict.AGREES),
        (1.5, Cause.KINK_OUTSIDE, Verdict.DISAGREES),
    ):
        report = report_of(function, scalar_claim(function, x, torch.tensor([slope, 1.0, -1.0], dtype=torch.float64)))
        assert (report.verdict, cause_of(report)) == (verdict, cause)
        assert worst_of(report).index == (0,)
        assert (worst_of(report).left, worst_of(report).right) == pytest.approx((-1, 1), abs=1e-6)


def test_a_function_that_does_not_repeat_itself_is_told_with_its_noise() -> None:
    """Noise of 0.001: a right gradient cannot be confirmed, a grossly wrong one is still wrong."""
    generator = torch.Generator().manual_seed(5)

    def function(points: Mapping[str, Tensor]) -> Tensor:
        x = points["x"]
        return x.square().sum(-1) + 1e-3 * torch.randn(len(x), generator=generator, dtype=torch.float64)

    right = report_of(function, scalar_claim(function, X, 2 * X))
    assert (right.verdict, cause_of(right)) == (Verdict.INCONCLUSIVE, Cause.NOISE)
    assert right.repeat_noise == pytest.approx(1e-3, rel=0.7)
    assert report_of(function, scalar_claim(function, X, 4 * X)).verdict is Verdict.DISAGREES


def test_a_function_without_values_is_inconclusive() -> None:
    """NaN everywhere is an answer, and no derivative follows from it."""

    def function(points: Mapping[str, Tensor]) -> Tensor:
        return torch.full((len(points["x"]),), float("nan"), dtype=torch.float64)

    report = report_of(function, scalar_claim(function, X, X))
    assert (report.verdict, cause_of(report)) == (Verdict.INCONCLUSIVE, Cause.NOT_FINITE)


def test_a_stated_nan_is_wrong() -> None:
    """The function has a derivative there."""

    def function(points: Mapping[str, Tensor]) -> Tensor:
        return points["x"].square().sum(-1)

    stated = (2 * X).clone()
    stated[1] = float("nan")
    report = report_of(function, scalar_claim(function, X, stated))
    assert report.verdict is Verdict.DISAGREES
    assert worst_of(report).index == (1,)


def test_many_numbers_are_looked_at_along_directions() -> None:
    """One flipped sign among 30,000 shows in every direction, and the report says from what error on."""

    def function(points: Mapping[str, Tensor]) -> Tensor:
        return torch.sin(points["x"]).sum(-1)

    x = torch.randn(30_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    right = report_of(function, scalar_claim(function, x, torch.cos(x)))
    assert right.verdict is Verdict.AGREES
    assert tensor_of(right).mode is Mode.DIRECTIONS
    assert tensor_of(right).detectable < 1e-6
    flipped = torch.cos(x)
    flipped[777] *= -1
    assert report_of(function, scalar_claim(function, x, flipped)).verdict is Verdict.DISAGREES


def test_no_more_evaluations_than_allowed() -> None:
    """What was not reached is told, and nothing is called right that was not looked at."""
    claim = layer_norm_claim(torch.float64)
    report = report_of(layer_norm, claim, replace(OPTIONS, max_evaluations=100))
    assert report.evaluations <= 100
    assert not report.complete
    assert report.not_reached
    assert report.verdict is Verdict.INCONCLUSIVE


def test_batches_are_as_small_as_asked() -> None:
    """The caller's own bound on points."""
    claim = replace(layer_norm_claim(torch.float64), max_batch=7)
    sizes = [event.points for event in events_of(layer_norm, claim) if isinstance(event, PointBatch)]
    assert max(sizes) == 7


def test_the_estimate_alone_asks_for_no_value() -> None:
    """One event, and it counts what a whole check takes at least."""
    claim = layer_norm_claim(torch.float64)
    (estimate,) = events_of(layer_norm, claim, replace(OPTIONS, estimate_only=True))
    assert isinstance(estimate, WitnessEstimate)
    report = report_of(layer_norm, claim)
    assert estimate.evaluations <= report.evaluations


def test_a_stated_output_that_is_not_the_functions_is_told() -> None:
    """The derivative may still be right."""
    claim = layer_norm_claim(torch.float64)
    report = report_of(layer_norm, replace(claim, output=claim.output + 0.25))
    assert report.verdict is Verdict.AGREES
    assert "off by 0.25" in report.summary


def test_a_stopped_check_ends() -> None:
    """Before its next batch."""
    checking = check_function(layer_norm_claim(torch.float64), OPTIONS, lambda: True)
    next(checking)
    with pytest.raises(StoppedError):
        next(checking)
