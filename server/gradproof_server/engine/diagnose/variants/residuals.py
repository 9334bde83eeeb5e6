"""Variants of the derivative of the loss with respect to the outputs, where back-propagation starts."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ..case import Case
from ..loss_rules import (
    ELEMENTWISE,
    REGRESSION,
    Given,
    given_of,
    passing,
    propose_gradient,
    rearranged,
    reduced,
    upstream,
)
from ..variant import Proposal, Stage, Variant
from .losses import absolute, huber, smooth, square, together


def _propose_broadcast(case: Case) -> Iterator[Proposal]:
    y, t = case.output, case.target
    if y is None or t is None or case.loss_type not in ELEMENTWISE or len(case.loss_arguments) > 2:
        return
    if y.numel() == t.numel() == max(y.shape, default=1) > 1:

        def pairs(given: Given) -> tuple[torch.Tensor, ...]:
            n = given.prediction.numel()
            return given.prediction.reshape(n, 1).expand(n, n), given.target.reshape(1, n).expand(n, n)

        yield Proposal(rearranged(pairs))


def _propose_derivative_missing(case: Case) -> Iterator[Proposal]:
    if case.output is None:
        return
    words = ("the sum of the outputs", "the mean of the outputs")
    yield propose_gradient(lambda g: g.prediction.sum(), {"what": words[0], "each": "1"})
    if case.output.numel() > 1:
        yield propose_gradient(lambda g: g.prediction.mean(), {"what": words[1], "each": "1/(number of outputs)"}, 2)


def _propose_value_as_derivative(case: Case) -> Iterator[Proposal]:
    if case.loss_type in REGRESSION:
        yield propose_gradient(_element_as_derivative, {"what": "each element's own loss"})
    if case.output is not None and case.output.numel() > 1:
        yield propose_gradient(lambda g: passing(g.before() * torch.ones_like(g.prediction), g.prediction),
                               {"what": "the loss value, for every output"}, 5)  # fmt: skip


def _element_as_derivative(given: Given) -> torch.Tensor:
    y, t = together(given)
    rule = {"MSELoss": square, "L1Loss": absolute, "SmoothL1Loss": smooth(getattr(given.module, "beta", 1.0)),
            "HuberLoss": huber(getattr(given.module, "delta", 1.0))}  # fmt: skip
    return reduced(rule[type(given.module).__name__](y, t).detach() * y, given.module)


def _propose_unsigned(case: Case) -> Iterator[Proposal]:
    if case.loss_type in REGRESSION and bool((upstream(given_of(case)) < 0).any()):
        yield propose_gradient(lambda g: passing(upstream(g).abs(), g.prediction))


def _propose_normalised(case: Case) -> Iterator[Proposal]:
    t = case.target
    if case.loss_type in REGRESSION and t is not None and bool((t != 0).all()):
        yield propose_gradient(lambda g: reduced(g.residual.detach() / g.target * g.prediction, g.module))


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="loss.target_broadcast",
        stage=Stage.REDUCTION,
        title="Predictions of shape (N, 1) met targets of shape (N,): every prediction was compared with every target.",
        explanation="Subtracting a tensor of shape (N,) from one of shape (N, 1) broadcasts to N×N pairs: the loss "
        "compares each "
        "ŷᵢ with all tⱼ, and its gradient pulls every prediction to the mean of the targets, 2(ŷᵢ − t̄)/N for a mean "
        "square.",
        advice="Give predictions and targets the same shape, for example target.reshape(-1, 1) or output.squeeze(1).",
        propose=_propose_broadcast,
        rank=6,
        source="pytorch/pytorch#4938, #16045",
    ),
    Variant(
        code="loss.derivative_missing",
        stage=Stage.LOSS,
        title="You differentiated {what}, not the loss.",
        explanation="The derivative of the loss with respect to the outputs is missing: back-propagation started "
        "with {each} for "
        "every output. It has to start with ∂L/∂ŷ.",
        advice="Start from ∂L/∂ŷ of the declared loss, as in loss.backward(); output.backward(ones) leaves the loss "
        "out.",
        propose=_propose_derivative_missing,
        rank=18,
        probe="Use residuals of different size and sign.",
    ),
    Variant(
        code="loss.value_used_as_derivative",
        stage=Stage.LOSS,
        title="You sent the value of the loss back instead of its derivative: {what}.",
        explanation="Back-propagation has to start with ∂L/∂ŷ for each output. You started with {what}.",
        advice="Differentiate the loss with respect to each output and start with that.",
        propose=_propose_value_as_derivative,
        rank=35,
        look_alikes=("gradient.multiplied_by_loss",),
    ),
    Variant(
        code="loss.residual_without_sign",
        stage=Stage.LOSS,
        title="The sign of the residual is lost in your derivative of the loss.",
        explanation="You used the absolute value of ∂L/∂ŷ. It is negative where the prediction is below the target.",
        advice="Keep the sign of ŷ−t: the derivative of (ŷ−t)² is 2(ŷ−t), that of |ŷ−t| is sign(ŷ−t).",
        propose=_propose_unsigned,
        rank=25,
        look_alikes=("gradient.sign_flipped",),
        probe="Use residuals of both signs.",
    ),
    Variant(
        code="loss.relative_error",
        stage=Stage.LOSS,
        title="Your derivative of the loss is the relative error, (ŷ−t)/t.",
        explanation="You divided the residual by the target. The declared loss takes the residual ŷ−t itself.",
        advice="Use ŷ−t, or declare the loss of relative errors.",
        propose=_propose_normalised,
        rank=55,
    ),
)
