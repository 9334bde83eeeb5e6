"""Comparison: right claims agree, claims that are wrong by just over the tolerance do not."""

from __future__ import annotations

import math

import pytest
import torch
from gradproof.v1 import claim_pb2, problem_pb2, tensor_pb2
from gradproof_server.engine import compare, overall
from gradproof_server.engine.types import Comparison, Quantity, TensorId, ToleranceSource, Verdict

from tests.support.briefly import claim_for, claim_of, double, outcome_of, problem_of

WEIGHT = [[0.4, -0.6, 0.25], [0.1, 0.3, -0.2]]


def problem(lr: float = 0.1, scale: float = 1.0) -> problem_pb2.Problem:
    """A linear layer, three inputs, two outputs, three samples."""
    data = torch.linspace(-1, 1, 9, dtype=torch.float64).reshape(3, 3) * scale
    return problem_of(
        [("Linear", 3, 2, {"bias": False})], {"0.weight": WEIGHT}, {"input": data}, [[0.5, 0.1]] * 3, lr=lr
    )


def check(claim: claim_pb2.Claim, stated: problem_pb2.Problem | None = None) -> Comparison:
    """The comparison of a claim of one tensor."""
    (comparison,) = compare(*claim_for(stated or problem(), claim))
    return comparison


def reference(quantity: Quantity, name: str, stated: problem_pb2.Problem | None = None) -> torch.Tensor:
    """What PyTorch gives."""
    _, outcome = outcome_of(stated or problem())
    return outcome.tensors[TensorId(0, quantity, name)]


@pytest.mark.parametrize("digits", [2, 4, 7])
def test_rounded_digits_agree_and_one_unit_off_does_not(digits: int) -> None:
    """Half a unit of the last printed digit is allowed; a whole unit is not, and the worst element is named."""
    right = torch.round(reference(Quantity.GRADIENT, "0.weight"), decimals=digits)
    assert check(claim_of(Quantity.GRADIENT, "0.weight", right, digits=digits)).verdict is Verdict.AGREES
    wrong = right.clone()
    wrong[1, 2] += 1.02 * 10.0**-digits
    comparison = check(claim_of(Quantity.GRADIENT, "0.weight", wrong, digits=digits, rounding=1))
    assert comparison.verdict is Verdict.DISAGREES
    assert comparison.disagreeing == 1
    assert comparison.worst is not None
    assert comparison.worst.index == (1, 2)
    assert comparison.tolerance_source is ToleranceSource.PRINTED


def test_truncated_digits_are_accepted_and_said_so() -> None:
    """Cut-off digits agree without a stated rounding, with a note; stated as rounded they do not."""
    exact = reference(Quantity.GRADIENT, "0.weight")
    cut = torch.trunc(exact * 1e3) / 1e3
    assert bool(((exact - cut).abs() > 0.5e-3).any())
    comparison = check(claim_of(Quantity.GRADIENT, "0.weight", cut, digits=3))
    assert comparison.verdict is Verdict.AGREES
    assert comparison.tolerance_source is ToleranceSource.TRUNCATED
    assert "cut off" in comparison.note
    assert check(claim_of(Quantity.GRADIENT, "0.weight", cut, digits=3, rounding=1)).verdict is Verdict.DISAGREES
    assert check(claim_of(Quantity.GRADIENT, "0.weight", cut, digits=3, rounding=2)).verdict is Verdict.AGREES


def test_digits_that_float64_loses_by_cancellation_are_not_asked_for() -> None:
    """Residuals of 0.3 beside numbers of 1e8 leave the gradient nine digits: the tenth may differ, the sixth not."""
    cancelling = problem_of(
        [("Linear", 1, 1, {"bias": False})],
        {"0.weight": [[1.0]]},
        {"input": [[1e8], [1e8]]},
        [[1e8 - 0.3], [1e8 + 0.1]],
    )
    exact = reference(Quantity.GRADIENT, "0.weight", cancelling)
    comparison = check(claim_of(Quantity.GRADIENT, "0.weight", exact + 0.5, digits=2), cancelling)
    assert comparison.verdict is Verdict.AGREES
    assert "float64" in comparison.tolerance
    assert check(claim_of(Quantity.GRADIENT, "0.weight", exact + 50, digits=2), cancelling).verdict is Verdict.DISAGREES


def test_explicit_tolerances_bound_exactly() -> None:
    """absolute + relative * |reference| is allowed, one part in a thousand more is not."""
    exact = reference(Quantity.GRADIENT, "0.weight")
    allowed = 1e-4 + 1e-3 * exact.abs()
    inside = claim_of(Quantity.GRADIENT, "0.weight", exact + 0.999 * allowed, absolute=1e-4, relative=1e-3)
    outside = claim_of(Quantity.GRADIENT, "0.weight", exact + 1.001 * allowed, absolute=1e-4, relative=1e-3)
    assert check(inside).verdict is Verdict.AGREES
    assert check(outside).verdict is Verdict.DISAGREES
    assert check(outside).disagreeing == 6


def test_float32_numbers_agree_and_a_wrong_one_does_not() -> None:
    """Numbers computed in float32 agree by their dtype; a relative error of 1e-4 in one of them does not."""
    exact = reference(Quantity.GRADIENT, "0.weight")
    assert check(claim_of(Quantity.GRADIENT, "0.weight", exact.float())).verdict is Verdict.AGREES
    wrong = exact.float()
    wrong[0, 1] *= 1.0001
    comparison = check(claim_of(Quantity.GRADIENT, "0.weight", wrong))
    assert comparison.verdict is Verdict.DISAGREES
    assert comparison.tolerance_source is ToleranceSource.CALIBRATED
    assert comparison.disagreeing == 1


def test_bfloat16_numbers_agree_and_double_ones_do_not() -> None:
    """The tolerance of a dtype is wide enough for it and narrow enough for a factor of two."""
    exact = reference(Quantity.GRADIENT, "0.weight")
    number = tensor_pb2.DTYPE_BFLOAT16
    assert check(claim_of(Quantity.GRADIENT, "0.weight", exact.bfloat16(), dtype=number)).verdict is Verdict.AGREES
    assert check(claim_of(Quantity.GRADIENT, "0.weight", 2 * exact, dtype=number)).verdict is Verdict.DISAGREES


def test_a_sign_flip_of_a_tiny_gradient_is_seen() -> None:
    """Gradients of 1e-9 are held to their own size: flipped they DISAGREE, in float32 too."""
    small = problem(scale=1e-9)
    exact = reference(Quantity.GRADIENT, "0.weight", small)
    assert float(exact.abs().max()) < 1e-8
    assert check(claim_of(Quantity.GRADIENT, "0.weight", exact.float()), small).verdict is Verdict.AGREES
    assert check(claim_of(Quantity.GRADIENT, "0.weight", -exact.float()), small).verdict is Verdict.DISAGREES


@pytest.mark.parametrize(("dtype", "noise"), [(torch.float32, 1e-6), (torch.float64, 1e-15)])
def test_a_zero_of_rounding_noise_agrees_and_a_number_does_not(dtype: torch.dtype, noise: float) -> None:
    """The bias before a batch normalisation has no gradient: what is left of it depends on the order of summation."""
    layers = [("Linear", 3, 2, {}), ("BatchNorm1d", 2, {})]
    parameters = {"0.weight": WEIGHT, "0.bias": [0.1, 0.2], "1.weight": [1.1, 0.7], "1.bias": [0.3, 0.1]}
    data, target = torch.linspace(-1, 1, 15, dtype=torch.float64).reshape(5, 3) ** 3, torch.eye(5, 2)
    stated = problem_of(layers, parameters, {"input": data}, target.double())
    left = check(claim_of(Quantity.GRADIENT, "0.bias", double([noise, -noise]).to(dtype)), stated)
    assert left.verdict is Verdict.AGREES
    wrong = check(claim_of(Quantity.GRADIENT, "0.bias", double([1e3 * noise, 0.0]).to(dtype)), stated)
    assert wrong.verdict is Verdict.DISAGREES


def test_a_small_step_cannot_hide_a_wrong_one() -> None:
    """A ten times too long step of 1e-6 passes a relative tolerance on weights, and fails on the change."""
    slow = problem(lr=1e-6)
    old, new = double(WEIGHT), reference(Quantity.UPDATED, "0.weight", slow)
    right = claim_of(Quantity.UPDATED, "0.weight", new, relative=1e-4)
    wrong = claim_of(Quantity.UPDATED, "0.weight", old + 10 * (new - old), relative=1e-4)
    assert check(right, slow).verdict is Verdict.AGREES
    comparison = check(wrong, slow)
    assert comparison.disagreeing == 0
    assert comparison.update is not None
    assert comparison.update.disagreeing == 6
    assert comparison.verdict is Verdict.DISAGREES


def test_nan_and_infinity_are_values() -> None:
    """NaN equals NaN and infinity the same infinity; a finite number equals neither."""
    problem_with_nan = problem_of(
        [("Linear", 1, 2, {"bias": False})], {"0.weight": [[math.inf], [1.0]]}, {"input": [[1.0]]}, [[0.0, 0.0]]
    )
    exact = reference(Quantity.OUTPUT, "0", problem_with_nan)
    assert exact.tolist() == [[math.inf, 1.0]]
    for claimed, verdict in (
        ([[math.inf, 1.0]], Verdict.AGREES),
        ([[-math.inf, 1.0]], Verdict.DISAGREES),
        ([[1e300, 1.0]], Verdict.DISAGREES),
        ([[math.nan, 1.0]], Verdict.DISAGREES),
    ):
        assert check(claim_of(Quantity.OUTPUT, "0", double(claimed), digits=2), problem_with_nan).verdict is verdict


def test_zero_against_a_number_has_an_infinite_relative_distance() -> None:
    """Relative distances say so where only the reference is zero."""
    zero = problem_of([("Linear", 1, 1, {"bias": False})], {"0.weight": [[0.0]]}, {"input": [[1.0]]}, [[0.0]])
    comparison = check(claim_of(Quantity.GRADIENT, "0.weight", [[0.5]], digits=1), zero)
    assert comparison.worst is not None
    assert comparison.worst.relative == math.inf


@pytest.mark.parametrize("copies", [1, 10, 300])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tiling_never_turns_disagrees_into_agrees(copies: int, dtype: torch.dtype) -> None:
    """One wrong element is found among copies of the same tensor, however many there are."""
    weight = double(WEIGHT).repeat(copies, 1)
    data = torch.linspace(-1, 1, 9, dtype=torch.float64).reshape(3, 3)
    target = double([[0.5, 0.1]] * 3).repeat(1, copies) * 1.0
    tiled = problem_of(
        [("Linear", 3, 2 * copies, {"bias": False})], {"0.weight": weight}, {"input": data}, target, lr=None
    )
    claimed = reference(Quantity.GRADIENT, "0.weight", tiled).to(dtype)
    assert check(claim_of(Quantity.GRADIENT, "0.weight", claimed), tiled).verdict is Verdict.AGREES
    claimed[1, 1] *= 1.001
    comparison = check(claim_of(Quantity.GRADIENT, "0.weight", claimed), tiled)
    assert comparison.verdict is Verdict.DISAGREES
    assert comparison.disagreeing == 1


def test_the_check_is_as_bad_as_its_worst_tensor() -> None:
    """One disagreeing tensor makes the check DISAGREE."""
    good = check(claim_of(Quantity.OUTPUT, "0", reference(Quantity.OUTPUT, "0")))
    bad = check(claim_of(Quantity.OUTPUT, "0", reference(Quantity.OUTPUT, "0") + 1))
    assert overall([good]) is Verdict.AGREES
    assert overall([good, bad]) is Verdict.DISAGREES
