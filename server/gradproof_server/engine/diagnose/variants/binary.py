"""Variants of binary classification: sigmoid, binary cross-entropy, pos_weight."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.nn import functional as F

from ..case import Case
from ..loss_rules import (
    Formula,
    Given,
    call,
    passing,
    propose_formula,
    propose_gradient,
    reduced,
    source_type,
    upstream,
    with_attributes,
)
from ..variant import Proposal, Stage, Variant
from .classification import propose_prediction

LOSSES = ("BCELoss", "BCEWithLogitsLoss")


def probability(given: Given) -> torch.Tensor:
    """The probability that the loss takes for each element."""
    return given.prediction.sigmoid() if with_logits(given) else given.prediction


def with_logits(given: Given) -> bool:
    """Whether the loss takes logits."""
    return type(given.module).__name__ == "BCEWithLogitsLoss"


def _propose_twice(case: Case) -> Iterator[Proposal]:
    if case.loss_type in LOSSES:
        yield from propose_prediction(case, lambda g: g.prediction.sigmoid())


def _propose_once(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "BCEWithLogitsLoss" and source_type(case) == "Sigmoid":
        yield from propose_prediction(case, lambda g: g.prediction.logit())


def _propose_extra(case: Case) -> Iterator[Proposal]:
    if case.loss_type in LOSSES:
        yield propose_gradient(lambda g: passing(upstream(g) * _slope(g), g.prediction))


def _slope(given: Given) -> torch.Tensor:
    p = probability(given).detach()
    return p * (1 - p)


def _elements(positive: float, negative: float) -> Formula:
    """-y ln p and -(1 - y) ln(1 - p), each with a factor."""

    def formula(given: Given) -> torch.Tensor:
        p = probability(given)
        values = -positive * given.target * p.log() - negative * (1 - given.target) * (1 - p).log()
        if given.module.weight is not None:
            values = values * given.module.weight.to(values)
        return reduced(values, given.module)

    return formula


def _propose_positive(case: Case) -> Iterator[Proposal]:
    if case.loss_type in LOSSES and getattr(case.loss_module, "pos_weight", None) is None:
        yield from propose_formula(case, _elements(1, 0), {"used": "−t·ln p", "missing": "−(1 − t)·ln(1 − p)"})
        yield from propose_formula(case, _elements(0, 1), {"used": "−(1 − t)·ln(1 − p)", "missing": "−t·ln p"}, 15)


def _propose_difference(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "BCELoss":
        yield propose_gradient(lambda g: reduced((g.residual.detach()) * g.prediction, g.module))


def _squares(half: bool) -> Formula:
    def formula(given: Given) -> torch.Tensor:
        return reduced((probability(given) - given.target).square(), given.module) / (2 if half else 1)

    return formula


def _propose_squared(case: Case) -> Iterator[Proposal]:
    if case.loss_type not in LOSSES:
        return
    of = "σ(z)" if case.loss_type == "BCEWithLogitsLoss" else "the outputs"
    yield from propose_formula(case, _squares(False), {"what": f"a squared error of {of}, (p−t)²"})
    yield from propose_formula(case, _squares(True), {"what": f"half a squared error of {of}, ½(p−t)²"}, 2)
    if case.loss_type == "BCEWithLogitsLoss":
        raw: Formula = lambda g: reduced(g.residual.square(), g.module)  # noqa: E731
        yield from propose_formula(case, raw, {"what": "a squared error of the raw outputs, (z−t)²"}, 6)


def _propose_absolute(case: Case) -> Iterator[Proposal]:
    if case.loss_type in LOSSES:
        yield from propose_formula(case, lambda g: reduced((probability(g) - g.target).abs(), g.module))


def _has_pos_weight(case: Case) -> bool:
    return case.loss_type == "BCEWithLogitsLoss" and case.loss_module.pos_weight is not None


def _weighted(given: Given, positive: bool, negative: bool) -> torch.Tensor:
    w, z, t = given.module.pos_weight.to(given.prediction), given.prediction, given.target
    values = -(w if positive else 1) * t * F.logsigmoid(z) - (w if negative else 1) * (1 - t) * F.logsigmoid(-z)
    if given.module.weight is not None:
        values = values * given.module.weight.to(values)
    return reduced(values, given.module)


def _propose_on_negatives(case: Case) -> Iterator[Proposal]:
    if _has_pos_weight(case):
        yield from propose_formula(case, lambda g: _weighted(g, False, True))


def _propose_on_both(case: Case) -> Iterator[Proposal]:
    if _has_pos_weight(case):
        yield from propose_formula(case, lambda g: _weighted(g, True, True))


def _propose_normalised(case: Case) -> Iterator[Proposal]:
    """The weighted sum divided by the sum of the weights."""
    if case.loss_type in LOSSES and case.loss_module.reduction == "mean" and case.loss_module.weight is not None:
        yield from propose_formula(case, _normalised)


def _normalised(given: Given) -> torch.Tensor:
    total = call(with_attributes(given.module, reduction="sum"), *given.arguments)
    weights: torch.Tensor = given.module.weight.to(total).expand_as(given.prediction)
    return total / weights.sum()


def _propose_labels(case: Case) -> Iterator[Proposal]:
    """Targets taken for ±1: ln(1 + exp(−(2t−1)z)) is the same loss; −t·z with t in {0, 1} is not."""
    if case.loss_type == "BCEWithLogitsLoss":
        yield from propose_formula(case, lambda g: reduced(F.softplus(-g.target * g.prediction), g.module))


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="loss.sigmoid_applied_twice",
        stage=Stage.LOSS,
        title="You applied sigmoid to the outputs once more before the binary cross-entropy{only}.",
        explanation="Your numbers are those of probabilities σ(σ(z)), which lie between 0.5 and 0.731 only. "
        "BCEWithLogitsLoss applies sigmoid itself and takes raw outputs; BCELoss takes the probabilities σ(z).",
        advice="Apply sigmoid once: raw outputs with BCEWithLogitsLoss, or σ(z) with BCELoss.",
        propose=_propose_twice,
        rank=4,
    ),
    Variant(
        code="loss.sigmoid_applied_once",
        stage=Stage.LOSS,
        title="You applied sigmoid once; the declared network and BCEWithLogitsLoss apply it twice{only}.",
        explanation="The declared network ends in Sigmoid, and BCEWithLogitsLoss applies another one. You computed "
        "the binary cross-entropy of σ(z), with ∂L/∂z = (σ(z) − t)/(N·K).",
        advice="Leave the Sigmoid layer out of the declared network, or declare BCELoss.",
        propose=_propose_once,
        rank=2,
    ),
    Variant(
        code="loss.bce_with_logits_sigmoid_derivative",
        stage=Stage.LOSS,
        title="The derivative of sigmoid is in your gradient although the binary cross-entropy cancels it.",
        explanation="For sigmoid with binary cross-entropy ∂L/∂z = (σ(z) − t)/(N·K). You multiplied by p(1 − p) "
        "again, as is right for a squared error; that factor is at most ¼.",
        advice="Use δ = σ(z) − t at the pre-activation and nothing more.",
        propose=_propose_extra,
        rank=4,
        look_alikes=("backward.activation_derivative_without_activation", "loss.bce_derivative_is_difference"),
        source="hunkim/DeepLearningZeroToAll#113",
    ),
    Variant(
        code="loss.bce_derivative_is_difference",
        stage=Stage.LOSS,
        title="You took p − t for the derivative of the binary cross-entropy with respect to p.",
        explanation="∂L/∂p = (p − t)/(p(1 − p)), divided by the number of outputs. p − t is its derivative with "
        "respect to the pre-activation z, sigmoid's derivative included.",
        advice="Divide by p(1 − p), or leave the sigmoid's derivative out afterwards.",
        propose=_propose_difference,
        rank=5,
        look_alikes=("loss.bce_with_logits_sigmoid_derivative",),
    ),
    Variant(
        code="loss.bce_one_term_only",
        stage=Stage.LOSS,
        title="Your binary cross-entropy has only the term {used}{only}.",
        explanation="Binary cross-entropy is −t·ln p − (1 − t)·ln(1 − p). In your numbers {missing} is missing: "
        "samples of the other class get no gradient.",
        advice="Add the term {missing}.",
        propose=_propose_positive,
        rank=10,
        look_alikes=("loss.bce_labels_taken_as_signs",),
        probe="Claim the loss value too.",
    ),
    Variant(
        code="loss.mse_instead_of_bce",
        stage=Stage.LOSS,
        title="Your numbers are those of {what}, not of a binary cross-entropy{only}.",
        explanation="You used {what}. Binary cross-entropy is −t·ln p − (1 − t)·ln(1 − p), with ∂L/∂z = (p − "
        "t)/(N·K) at the pre-activation of the sigmoid.",
        advice="Derive the binary cross-entropy, or declare MSELoss.",
        propose=_propose_squared,
        rank=9,
    ),
    Variant(
        code="loss.l1_instead_of_bce",
        stage=Stage.LOSS,
        title="Your numbers are those of an absolute error, |p−t|, not of a binary cross-entropy{only}.",
        explanation="Binary cross-entropy is −t·ln p − (1 − t)·ln(1 − p); you used |p − t|.",
        advice="Derive the binary cross-entropy, or declare L1Loss.",
        propose=_propose_absolute,
        rank=30,
    ),
    Variant(
        code="loss.pos_weight_on_negatives",
        stage=Stage.LOSS,
        title="You multiplied the negative class by pos_weight{only}.",
        explanation="pos_weight w multiplies the positive term: −w·t·ln p − (1 − t)·ln(1 − p). You put it on the "
        "other one.",
        advice="Multiply the term with t by pos_weight.",
        propose=_propose_on_negatives,
        rank=4,
    ),
    Variant(
        code="loss.pos_weight_on_both",
        stage=Stage.LOSS,
        title="You multiplied both classes by pos_weight{only}.",
        explanation="pos_weight w multiplies the positive term alone: −w·t·ln p − (1 − t)·ln(1 − p). You multiplied "
        "both.",
        advice="Multiply only the term with t; a factor for both is the argument weight.",
        propose=_propose_on_both,
        rank=5,
    ),
    Variant(
        code="loss.bce_divided_by_weights",
        stage=Stage.LOSS,
        title="Your weighted binary cross-entropy is divided by the sum of the weights{only}.",
        explanation="BCELoss and BCEWithLogitsLoss multiply by the weights and divide by the number of elements. "
        "Only the cross-entropy over classes divides by the sum of the weights.",
        advice="Divide by the number of elements.",
        propose=_propose_normalised,
        rank=8,
        convention=True,
    ),
    Variant(
        code="loss.bce_labels_taken_as_signs",
        stage=Stage.LOSS,
        title="You used the logistic loss ln(1 + exp(−t·z)), which is for targets ±1, with the declared targets{only}.",
        explanation="BCEWithLogitsLoss takes targets between 0 and 1. In ln(1 + exp(−t·z)) a target 0 gives ln 2 and "
        "no gradient.",
        advice="Use 2t − 1 for t in that formula, or declare SoftMarginLoss with targets ±1.",
        propose=_propose_labels,
        rank=25,
        look_alikes=("loss.bce_one_term_only",),
        probe="Claim the loss value too.",
    ),
)
