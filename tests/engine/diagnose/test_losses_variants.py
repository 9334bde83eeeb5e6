"""Variants of regression losses give the numbers of the formulas, written by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from gradproof_server.engine.diagnose.variants import losses, residuals, thresholds
from gradproof_server.engine.types import Quantity, TensorId

from tests.engine.loss_problems import Setting, close, differs, find, gradients, one_batch, rand, tell, texts_of

VARIANTS = (*losses.VARIANTS, *thresholds.VARIANTS, *residuals.VARIANTS)
N, K = 4, 3
T = rand(N, K, seed=3, low=-2.5, high=2.5)
P = rand(N, K, seed=4, low=0.05, high=0.95)
DISTRIBUTION = P / P.sum(1, keepdim=True)
Formula = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def huber(e: torch.Tensor, d: float) -> torch.Tensor:
    """½e² inside, d(|e| - d/2) outside."""
    return torch.where(e.abs() <= d, e**2 / 2, d * (e.abs() - d / 2))


BY_HAND: list[tuple[str, str, dict[str, float | str], Formula]] = [
    ("loss.half_squared_error", "MSELoss", {}, lambda y, t: ((y - t) ** 2).sum() / (2 * N * K)),
    ("loss.half_squared_error", "MSELoss", {"reduction": "sum"}, lambda y, t: ((y - t) ** 2).sum() / 2),
    ("loss.half_sum_squared_error", "MSELoss", {}, lambda y, t: ((y - t) ** 2).sum() / 2),
    ("loss.half_squared_error_batch_mean", "MSELoss", {}, lambda y, t: ((y - t) ** 2).sum() / (2 * N)),
    ("loss.half_squared_error_instead_of_l1", "L1Loss", {}, lambda y, t: ((y - t) ** 2).sum() / (2 * N * K)),
    ("loss.half_squared_error_instead_of_l1", "L1Loss", {}, lambda y, t: ((y - t) ** 2).sum() / 2),
    ("loss.half_squared_error_instead_of_huber", "HuberLoss", {}, lambda y, t: ((y - t) ** 2).mean() / 2),
    ("loss.mse_instead_of_l1", "L1Loss", {"reduction": "sum"}, lambda y, t: ((y - t) ** 2).sum()),
    ("loss.mse_instead_of_huber", "HuberLoss", {"delta": 0.7}, lambda y, t: ((y - t) ** 2).mean()),
    ("loss.l1_instead_of_mse", "MSELoss", {}, lambda y, t: (y - t).abs().mean()),
    ("loss.l1_instead_of_smooth_l1", "SmoothL1Loss", {}, lambda y, t: (y - t).abs().mean()),
    ("loss.huber_instead_of_smooth_l1", "SmoothL1Loss", {"beta": 0.5}, lambda y, t: huber(y - t, 0.5).mean()),
    ("loss.smooth_l1_instead_of_huber", "HuberLoss", {"delta": 0.5}, lambda y, t: huber(y - t, 0.5).mean() / 0.5),
    ("loss.huber_instead_of_mse", "MSELoss", {}, lambda y, t: huber(y - t, 1.0).mean()),
    ("loss.rmse_instead_of_mse", "MSELoss", {}, lambda y, t: ((y - t) ** 2).mean() ** 0.5),
    ("loss.norm_instead_of_mse", "MSELoss", {}, lambda y, t: ((y - t) ** 2).sum(1).sqrt().mean()),
    ("loss.log_cosh_instead_of_mse", "MSELoss", {}, lambda y, t: torch.log(torch.cosh(y - t)).mean()),
    ("loss.quadratic_part_without_half", "HuberLoss", {"delta": 0.7},
     lambda y, t: torch.where((y - t).abs() <= 0.7, (y - t) ** 2, 0.7 * ((y - t).abs() - 0.35)).mean()),
    ("loss.smooth_l1_beta_not_divided", "SmoothL1Loss", {"beta": 0.5},
     lambda y, t: torch.where((y - t).abs() < 0.5, (y - t) ** 2 / 2, (y - t).abs() - 0.25).mean()),
    ("loss.other_threshold", "SmoothL1Loss", {}, lambda y, t: (huber(y - t, 0.5) * 2).mean()),
    ("loss.derivative_missing", "MSELoss", {}, lambda y, t: y.sum()),
    ("loss.derivative_missing", "MSELoss", {}, lambda y, t: y.sum() / (N * K)),
    ("loss.residual_without_sign", "MSELoss", {}, lambda y, t: (2 * (y - t).abs().detach() * y).mean()),
    ("loss.value_used_as_derivative", "MSELoss", {}, lambda y, t: (((y - t) ** 2).detach() * y).mean()),
    ("loss.value_used_as_derivative", "MSELoss", {}, lambda y, t: ((y - t) ** 2).mean().detach() * y.sum()),
    ("loss.relative_error", "MSELoss", {}, lambda y, t: (((y - t) / t).detach() * y).mean()),
]  # fmt: skip


@pytest.mark.parametrize(("code", "loss", "arguments", "formula"), BY_HAND)
def test_gradients_by_hand(code: str, loss: str, arguments: dict[str, float | str], formula: Formula) -> None:
    """One proposal of the variant gives the gradients of the formula, and these are not PyTorch's."""
    setting = one_batch(loss, T, K, arguments=arguments)
    case = setting.case()
    expected = setting.gradients_by_hand(lambda y: formula(y, T))
    told = [tell(case, proposal) for proposal in find(VARIANTS, code).propose(case)]
    fitting = [t for t in told if close(gradients(t), expected)]
    assert len(fitting) == 1
    assert differs(case, fitting[0])


def test_probability_losses_instead_of_squares() -> None:
    """Binary cross-entropy and cross-entropy take the place of the squared error of probabilities."""
    sigmoid = one_batch("MSELoss", P, K, last=("Sigmoid", {}))
    by_hand = sigmoid.gradients_by_hand(lambda z: -(P * z.sigmoid().log() + (1 - P) * (1 - z.sigmoid()).log()).mean())
    assert any(close(by_hand, gradients(tell(sigmoid.case(), p)))
               for p in find(VARIANTS, "loss.bce_instead_of_mse").propose(sigmoid.case()))  # fmt: skip
    softmax = one_batch("MSELoss", DISTRIBUTION, K, last=("Softmax", {"dim": 1}))
    by_hand = softmax.gradients_by_hand(lambda z: -(DISTRIBUTION * z.softmax(1).log()).sum(1).mean())
    assert any(close(by_hand, gradients(tell(softmax.case(), p)))
               for p in find(VARIANTS, "loss.cross_entropy_instead_of_mse").propose(softmax.case()))  # fmt: skip


def test_broadcast_compares_all_pairs() -> None:
    """The loss of (N, 1) against (N,) is that of all N·N pairs, also where the network's loss is L1."""
    t = rand(4, 1, seed=8)
    for loss, power in (("MSELoss", 2), ("L1Loss", 1)):
        setting = one_batch(loss, t, width=1)
        case = setting.case(Quantity.GRADIENT, Quantity.LOSS)
        (proposal,) = find(VARIANTS, "loss.target_broadcast").propose(case)
        told = tell(case, proposal)
        by_hand = setting.gradients_by_hand(lambda y, power=power: ((y - t.T).abs() ** power).mean())
        assert close(gradients(told), by_hand)
        value = ((setting.outputs(setting.parameters) - t.T).abs() ** power).mean()
        assert torch.allclose(told[TensorId(0, Quantity.LOSS)], value)


def test_forms_part_value_and_gradient() -> None:
    """Where the loss is claimed too, half a squared error is proposed for both, the gradient and the value."""
    setting = one_batch("MSELoss", T, K)
    case = setting.case(Quantity.GRADIENT, Quantity.LOSS)
    loss, weight = TensorId(0, Quantity.LOSS), TensorId(0, Quantity.GRADIENT, "0.weight")
    ratios = []
    for proposal in find(VARIANTS, "loss.half_squared_error").propose(case):
        told = tell(case, proposal)
        ratios.append(tuple(round(float((told[id] / case.reference[id]).mean()), 9) for id in (loss, weight)))
    assert ratios == [(0.5, 0.5), (1.0, 0.5), (0.5, 1.0)]


POOL: list[Setting] = [
    *(one_batch(loss, target, K, arguments=arguments, last=last)
      for loss, arguments in (("MSELoss", {}), ("L1Loss", {}), ("SmoothL1Loss", {"beta": 0.5}), ("SmoothL1Loss", {}),
                              ("HuberLoss", {"delta": 0.5}), ("HuberLoss", {}))
      for target, last in ((T, None), (P, ("Sigmoid", {})), (DISTRIBUTION, ("Softmax", {"dim": 1})))),
    one_batch("MSELoss", rand(4, 1, seed=8), width=1),
]  # fmt: skip
ONE = one_batch("MSELoss", torch.tensor([[5.0]], dtype=torch.float64), width=1)
GRADIENT_ONLY = {"loss.derivative_missing", "loss.value_used_as_derivative", "loss.residual_without_sign",
                 "loss.relative_error"}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.code)
def test_every_row_acts(variant: losses.Variant) -> None:
    """Each row is proposed somewhere, runs, changes the numbers, and reads well; gradient rows leave the loss alone."""
    acted = 0
    for setting in POOL:
        case = setting.case(Quantity.GRADIENT, Quantity.LOSS)
        for proposal in variant.propose(case):
            told = tell(case, proposal)
            acted += differs(case, told)
            if variant.code in GRADIENT_ONLY:
                torch.testing.assert_close(told[TensorId(0, Quantity.LOSS)], case.reference[TensorId(0, Quantity.LOSS)])
            assert not any(brace in text for text in texts_of(variant, proposal) for brace in "{}")
    assert acted


def test_nothing_where_it_cannot_act() -> None:
    """One sample with one output has no batch to average over and no pairs, and other losses are not squared ones."""
    case = ONE.case()
    for code in ("loss.half_sum_squared_error", "loss.half_squared_error_batch_mean", "loss.target_broadcast",
                 "loss.bce_instead_of_mse", "loss.cross_entropy_instead_of_mse", "loss.mse_instead_of_l1",
                 "loss.other_threshold", "loss.quadratic_part_without_half"):  # fmt: skip
        assert not list(find(VARIANTS, code).propose(case)), code
