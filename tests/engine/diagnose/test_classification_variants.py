"""Variants of classification losses give the numbers of the formulas, written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from gradproof_server.engine.diagnose.variants import binary, classification
from gradproof_server.engine.types import Quantity, TensorId

from tests.engine.loss_problems import Setting, close, differs, find, gradients, one_batch, rand, tell, texts_of

VARIANTS = (*classification.VARIANTS, *binary.VARIANTS)
N, K = 4, 3
CLASSES = torch.tensor([2, 0, 1, 2])
ROWS = torch.arange(N)
HOT = torch.zeros(N, K, dtype=torch.float64)
HOT[ROWS, CLASSES] = 1
B = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
P = rand(N, K, seed=4, low=0.05, high=0.95)
WEIGHT = torch.tensor([0.5, 2.0, 1.25], dtype=torch.float64)
POS = torch.tensor([3.0, 0.5], dtype=torch.float64)
SOFTMAX = ("Softmax", {"dim": 1})
LOG_SOFTMAX = ("LogSoftmax", {"dim": 1})
SIGMOID = ("Sigmoid", {})


def ce(**changes: Any) -> Setting:
    """Cross-entropy of classes."""
    return one_batch("CrossEntropyLoss", CLASSES, K, **changes)


def nll(last: tuple[str, Mapping[str, Any]] | None) -> Setting:
    """Negative log-likelihood behind a layer."""
    return one_batch("NLLLoss", CLASSES, K, last=last)


def logits(**changes: Any) -> Setting:
    """Binary cross-entropy of logits."""
    return one_batch("BCEWithLogitsLoss", B, **changes)


def softmax(z: torch.Tensor) -> torch.Tensor:
    """exp(z) over its row's sum."""
    return z.exp() / z.exp().sum(1, keepdim=True)


def sigmoid(z: torch.Tensor) -> torch.Tensor:
    """1 / (1 + exp(-z))."""
    return 1 / (1 + torch.exp(-z))


def true_class(p: torch.Tensor) -> torch.Tensor:
    """-mean ln p of the true classes."""
    return -p[ROWS, CLASSES].log().mean()


def bce(p: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """-t ln p - (1 - t) ln(1 - p)."""
    return -t * p.log() - (1 - t) * (1 - p).log()


def smoothed(z: torch.Tensor, others: int, s: float = 0.3) -> torch.Tensor:
    """1 - s for the true class, s / others for the rest."""
    t = (1 - s) * HOT + s / others * (1 - HOT)
    return -(t * softmax(z).log()).sum() / N


def sent(delta: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    """A number of z whose gradient is delta(z)."""
    return lambda z: (delta(z).detach() * z).sum()


SMOOTH = ce(arguments={"label_smoothing": 0.3})
SMOOTH_WEIGHTED = ce(arguments={"label_smoothing": 0.3, "ignore_index": 0})
PROBABILITIES = one_batch("MSELoss", P, K, last=SIGMOID)
BY_HAND: list[tuple[str, Setting, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("softmax_applied_twice", ce(), lambda z: true_class(softmax(softmax(z)))),
    ("softmax_applied_once", ce(last=SOFTMAX), sent(lambda z: (softmax(z) - HOT) / N)),
    ("nll_without_log_softmax", ce(), lambda z: -z[ROWS, CLASSES].mean()),
    ("cross_entropy_target_not_subtracted", ce(), sent(lambda z: softmax(z) / N)),
    ("probabilities_in_nll", nll(LOG_SOFTMAX), lambda z: -softmax(z)[ROWS, CLASSES].mean()),
    ("log_missing_before_nll", nll(SOFTMAX), lambda z: true_class(softmax(z))),
    ("log_softmax_missing_before_nll", nll(None), lambda z: true_class(softmax(z))),
    ("mse_instead_of_cross_entropy", ce(), lambda z: ((softmax(z) - HOT) ** 2).mean()),
    ("mse_instead_of_cross_entropy", ce(), lambda z: ((z - HOT) ** 2).sum() / 2 / N),
    ("bce_instead_of_cross_entropy", ce(), lambda z: bce(sigmoid(z), HOT).mean()),
    ("bce_instead_of_cross_entropy", ce(), lambda z: bce(softmax(z), HOT).sum() / N),
    ("label_smoothing_over_other_classes", SMOOTH, lambda z: smoothed(z, K - 1)),
    ("label_smoothing_without_two_classes", SMOOTH, lambda z: smoothed(z, K - 2)),
    ("cross_entropy_for_squared_error", PROBABILITIES, sent(lambda z: (sigmoid(z) - P) / N)),
    ("cross_entropy_for_squared_error", PROBABILITIES, sent(lambda z: sigmoid(z) - P)),
    ("cross_entropy_for_squared_error", one_batch("MSELoss", HOT, K, last=SOFTMAX),
     sent(lambda z: (softmax(z) - HOT) / N)),
    ("sigmoid_applied_twice", logits(), lambda z: bce(sigmoid(sigmoid(z)), B).mean()),
    ("sigmoid_applied_twice", one_batch("BCELoss", B, last=SIGMOID), lambda z: bce(sigmoid(sigmoid(z)), B).mean()),
    ("sigmoid_applied_once", logits(last=SIGMOID), lambda z: bce(sigmoid(z), B).mean()),
    ("bce_with_logits_sigmoid_derivative", logits(),
     sent(lambda z: (sigmoid(z) - B) * sigmoid(z) * (1 - sigmoid(z)) / B.numel())),
    ("bce_with_logits_sigmoid_derivative", one_batch("BCELoss", B, last=SIGMOID),
     sent(lambda z: (sigmoid(z) - B) * sigmoid(z) * (1 - sigmoid(z)) / B.numel())),
    ("bce_one_term_only", logits(), lambda z: -(B * sigmoid(z).log()).mean()),
    ("mse_instead_of_bce", logits(), lambda z: ((sigmoid(z) - B) ** 2).mean()),
    ("mse_instead_of_bce", one_batch("BCELoss", B, last=SIGMOID), lambda z: ((sigmoid(z) - B) ** 2).mean() / 2),
    ("l1_instead_of_bce", logits(), lambda z: (sigmoid(z) - B).abs().mean()),
    ("pos_weight_on_negatives", logits(arguments={"pos_weight": POS}),
     lambda z: (-B * sigmoid(z).log() - POS * (1 - B) * (1 - sigmoid(z)).log()).mean()),
    ("pos_weight_on_both", logits(arguments={"pos_weight": POS}), lambda z: (POS * bce(sigmoid(z), B)).mean()),
    ("bce_divided_by_weights", logits(arguments={"weight": POS}),
     lambda z: (POS * bce(sigmoid(z), B)).sum() / (POS.sum() * N)),
    ("bce_labels_taken_as_signs", logits(), lambda z: torch.log(1 + torch.exp(-B * z)).mean()),
]  # fmt: skip


@pytest.mark.parametrize(("code", "setting", "formula"), BY_HAND)
def test_gradients_by_hand(code: str, setting: Setting, formula: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Exactly one proposal of the variant gives the gradients of the formula, and these are not PyTorch's."""
    case = setting.case()
    expected = setting.gradients_by_hand(formula)
    told = [tell(case, proposal) for proposal in find(VARIANTS, f"loss.{code}").propose(case)]
    fitting = [t for t in told if close(gradients(t), expected)]
    assert len(fitting) == 1
    assert differs(case, fitting[0])


def test_bce_difference_times_sigmoid() -> None:
    """p - t taken for ∂L/∂p passes through the sigmoid as (p - t)·p(1 - p)."""
    setting = one_batch("BCELoss", B, last=SIGMOID)
    case = setting.case()
    (proposal,) = find(VARIANTS, "loss.bce_derivative_is_difference").propose(case)
    expected = setting.gradients_by_hand(sent(lambda z: (sigmoid(z) - B) * sigmoid(z) * (1 - sigmoid(z)) / B.numel()))
    assert close(gradients(tell(case, proposal)), expected)


def test_smoothing_leaves_ignored_samples_out() -> None:
    """Smoothed targets of ignored samples count neither in the sum nor in the divisor."""
    case = SMOOTH_WEIGHTED.case()
    kept = CLASSES != 0
    t = (0.7 * HOT + 0.15 * (1 - HOT))[kept]
    expected = SMOOTH_WEIGHTED.gradients_by_hand(lambda z: -(t * softmax(z[kept]).log()).sum() / 3)
    (proposal,) = find(VARIANTS, "loss.label_smoothing_over_other_classes").propose(case)
    assert close(gradients(tell(case, proposal)), expected)


def test_loss_value_of_double_softmax() -> None:
    """The loss is altered with its gradient; a second proposal alters the gradient alone."""
    setting = ce()
    case = setting.case(Quantity.GRADIENT, Quantity.LOSS)
    both, gradient = find(VARIANTS, "loss.softmax_applied_twice").propose(case)
    loss = TensorId(0, Quantity.LOSS)
    value = true_class(softmax(softmax(setting.outputs(setting.parameters))))
    torch.testing.assert_close(tell(case, both)[loss], value)
    torch.testing.assert_close(tell(case, gradient)[loss], case.reference[loss])
    assert close(gradients(tell(case, both)), gradients(tell(case, gradient)))


POOL = [setting for _, setting, _ in BY_HAND]
GRADIENT_ONLY = {"loss.cross_entropy_target_not_subtracted", "loss.cross_entropy_for_squared_error",
                 "loss.bce_with_logits_sigmoid_derivative", "loss.bce_derivative_is_difference"}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.code)
def test_every_row_acts(variant: classification.Variant) -> None:
    """Each row is proposed, runs, changes the numbers, and reads well; gradient rows leave the loss alone."""
    acted, loss = 0, TensorId(0, Quantity.LOSS)
    for setting in POOL:
        case = setting.case(Quantity.GRADIENT, Quantity.LOSS)
        for proposal in variant.propose(case):
            told = tell(case, proposal)
            acted += differs(case, told)
            if variant.code in GRADIENT_ONLY:
                torch.testing.assert_close(told[loss], case.reference[loss])
            assert not any(brace in text for text in texts_of(variant, proposal) for brace in "{}")
    assert acted


def test_nothing_under_a_squared_error() -> None:
    """Nothing of classification is proposed for a linear network under a squared error."""
    case = one_batch("MSELoss", rand(N, 2)).case(Quantity.GRADIENT, Quantity.LOSS)
    assert not [variant.code for variant in VARIANTS if list(variant.propose(case))]
