"""Variants of losses with a margin or a sign: ranking, hinge, triplet, cosine; and of the CTC loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch.nn import functional as F

from ..case import Case
from ..loss_rules import (
    Formula,
    Given,
    call,
    class_dimension,
    propose_formula,
    propose_gradient,
    rearranged,
    reduced,
    with_attributes,
)
from ..variant import Proposal, Stage, Variant

Distance = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
SIGNED = {"MarginRankingLoss": 2, "CosineEmbeddingLoss": 2, "HingeEmbeddingLoss": 1, "SoftMarginLoss": 1}
"""Losses with targets +1 and -1, and where among the arguments these are."""
WITH_MARGIN = ("MarginRankingLoss", "CosineEmbeddingLoss", "HingeEmbeddingLoss", "TripletMarginLoss",
               "TripletMarginWithDistanceLoss", "MultiMarginLoss")  # fmt: skip


def _replaced(given: Given, position: int, tensor: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return tuple(tensor if i == position else argument for i, argument in enumerate(given.arguments))


def _propose_sign(case: Case) -> Iterator[Proposal]:
    position = SIGNED.get(case.loss_type)
    if position is not None and len(case.loss_arguments) > position:
        yield Proposal(rearranged(lambda g: _replaced(g, position, -g.arguments[position])))


def _propose_zero_one(case: Case) -> Iterator[Proposal]:
    position = SIGNED.get(case.loss_type)
    if position is not None and len(case.loss_arguments) > position:
        targets = case.loss_arguments[position]
        if bool((targets == -1).any()):
            yield Proposal(rearranged(lambda g: _replaced(g, position, (g.arguments[position] + 1) / 2)))


def _propose_margin_sign(case: Case) -> Iterator[Proposal]:
    if case.loss_type in WITH_MARGIN and case.loss_module.margin != 0:
        margin = -float(case.loss_module.margin)
        yield from propose_formula(case, _with_margin(case, margin), {"margin": f"{margin:g}"})


def _with_margin(case: Case, margin: float) -> Formula:
    """The loss with another margin; PyTorch refuses triplets with one of 0 or less, so these are computed here."""
    if case.loss_type.startswith("Triplet"):
        return lambda g: _triplet(g, margin, _distance_of(g))
    other = with_attributes(case.loss_module, margin=margin)
    return lambda g: call(other, *g.arguments)


def _propose_other_margin(case: Case) -> Iterator[Proposal]:
    if case.loss_type not in WITH_MARGIN:
        return
    for position, margin in enumerate((0.0, 1.0, 0.5, 0.2, 0.1)):
        if margin != case.loss_module.margin:
            texts = {"used": f"{margin:g}", "declared": f"{case.loss_module.margin:g}"}
            yield from propose_formula(case, _with_margin(case, margin), texts, 2 * position)


def _propose_swapped(case: Case) -> Iterator[Proposal]:
    if case.loss_type.startswith("TripletMargin") and len(case.loss_arguments) == 3:
        yield Proposal(rearranged(lambda g: (g.arguments[0], g.arguments[2], g.arguments[1])))


def _propose_triplet_squared(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "TripletMarginLoss":
        yield from propose_formula(case, lambda g: _triplet(g, g.module.margin, _squared_distance))


def _squared_distance(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x - y).square().sum(-1)


def _distance_of(given: Given) -> Distance:
    """The distance that a triplet loss takes."""
    module = given.module
    stated = getattr(module, "distance_function", None)
    return stated or (lambda x, y: F.pairwise_distance(x, y, module.p, module.eps))


def _triplet(given: Given, margin: float, distance: Distance, clamped: bool = True) -> torch.Tensor:
    a, p, n = given.arguments
    negative = distance(a, n)
    if given.module.swap:
        negative = torch.minimum(negative, distance(p, n))
    terms = distance(a, p) - negative + margin
    return reduced(terms.clamp_min(0) if clamped else terms, given.module)


def _propose_unclamped(case: Case) -> Iterator[Proposal]:
    if case.loss_type.startswith("TripletMargin"):
        yield from propose_formula(case, lambda g: _triplet(g, g.module.margin, _distance_of(g), clamped=False))
    if case.loss_type == "MarginRankingLoss":
        yield from propose_formula(case, _ranking_unclamped)


def _ranking_unclamped(given: Given) -> torch.Tensor:
    x, y, t = given.arguments
    return reduced(-t * (x - y) + given.module.margin, given.module)


def _hinge(given: Given) -> torch.Tensor:
    """The hinge terms of a hinge embedding or ranking loss, element by element."""
    module = given.module
    if type(module).__name__ == "MarginRankingLoss":
        x, y, t = given.arguments
        return (-t * (x - y) + float(module.margin)).clamp_min(0)
    x, t = given.arguments
    return torch.where(t == 1, x, (float(module.margin) - x).clamp_min(0))


def _propose_hinge_squared(case: Case) -> Iterator[Proposal]:
    if case.loss_type in ("HingeEmbeddingLoss", "MarginRankingLoss"):
        yield from propose_formula(case, lambda g: reduced(_hinge(g).square(), g.module))
    if case.loss_type == "MultiMarginLoss":
        other = with_attributes(case.loss_module, p=3 - case.loss_module.p)
        yield from propose_formula(case, lambda g: call(other, *g.arguments))


def _propose_classic_hinge(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "HingeEmbeddingLoss":
        yield from propose_formula(case, _classic_hinge)


def _classic_hinge(given: Given) -> torch.Tensor:
    margin = float(given.module.margin)
    return reduced((margin - given.target * given.prediction).clamp_min(0), given.module)


def _propose_not_divided(case: Case) -> Iterator[Proposal]:
    if case.loss_type in ("MultiMarginLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss"):
        y = case.output
        if y is not None and y.shape[class_dimension(y)] > 1:
            texts = {"k": f"{y.shape[class_dimension(y)]}"}
            yield from propose_formula(
                case, lambda g: g.before() * g.prediction.shape[class_dimension(g.prediction)], texts
            )


def _propose_margin_class(case: Case) -> Iterator[Proposal]:
    """The sum of the multi-class hinge with the true class in it."""
    if case.loss_type == "MultiMarginLoss" and case.loss_module.weight is None:
        yield from propose_formula(case, _all_classes)


def _all_classes(given: Given) -> torch.Tensor:
    x = given.prediction.reshape(-1, given.prediction.shape[-1])
    true = x.gather(1, given.target.reshape(-1, 1))
    terms = (given.module.margin - true + x).clamp_min(0) ** given.module.p
    return reduced(terms.sum(1) / x.shape[1], given.module)


def _propose_hinge_for_soft(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "SoftMarginLoss":
        yield from propose_formula(case, lambda g: reduced((1 - g.target * g.prediction).clamp_min(0), g.module))


def _propose_dot(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "CosineEmbeddingLoss":
        yield from propose_formula(case, _dot_product)


def _dot_product(given: Given) -> torch.Tensor:
    x, y, t = given.arguments
    dot = (x * y).sum(-1)
    return reduced(torch.where(t == 1, 1 - dot, (dot - given.module.margin).clamp_min(0)), given.module)


def _propose_ctc_true(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "CTCLoss" and len(case.loss_arguments) == 4:
        yield propose_gradient(_ctc_true)


def _ctc_true(given: Given) -> torch.Tensor:
    """The CTC loss whose derivative with respect to the log-probabilities is the true one."""
    logs, _, lengths, targets = given.arguments
    batch = logs.unsqueeze(1) if logs.dim() == 2 else logs
    times = torch.arange(batch.shape[0], device=logs.device).reshape(-1, 1, 1)
    inside = times < lengths.reshape(1, -1, 1)
    factor = torch.ones_like(batch[0, :, 0])
    if given.module.reduction == "mean":
        factor = factor / targets.reshape(-1).clamp_min(1) / batch.shape[1]
    folded = (batch.exp().detach() * batch * inside * factor.reshape(1, -1, 1)).sum()
    return given.before() - folded


def _row(
    code: str, title: str, explanation: str, advice: str, propose: Callable[[Case], Iterator[Proposal]], rank: int,
    convention: bool = False, look_alikes: tuple[str, ...] = (), source: str = "",
) -> Variant:  # fmt: skip
    return Variant(
        code=f"loss.{code}",
        stage=Stage.LOSS,
        title=title,
        explanation=explanation,
        advice=advice,
        propose=propose,
        rank=rank,
        convention=convention,
        look_alikes=look_alikes,
        source=source,
        probe="Use pairs on both sides of the margin, and claim the loss value too.",
    )


VARIANTS: tuple[Variant, ...] = (
    _row("target_sign", "The targets +1 and −1 are exchanged in your loss.",
         "Your numbers are those of the targets with the other sign: what the declared loss pulls together, yours "
         "pushes apart.",
         "Exchange the sign of the target, or of the difference that it multiplies.", _propose_sign, 5,
         look_alikes=("gradient.sign_flipped",)),
    _row("targets_zero_one", "You used targets 0 and 1 where the loss has −1 and +1.",
         "The declared loss is made for targets ±1; with 0 in the place of −1 the other branch, or a zero, comes out.",
         "Use 2t − 1.", _propose_zero_one, 12),
    _row("margin_sign", "The margin has the wrong sign in your loss{only}.",
         "You used a margin of {margin}. The hinge is max(0, margin − distance) for what should be apart, and "
         "max(0, d⁺ − d⁻ + margin) for triplets.",
         "Change the sign of the margin.", _propose_margin_sign, 8),
    _row("other_margin", "You used a margin of {used}, declared is {declared}{only}.",
         "The margin decides which pairs have a loss, and so a gradient, at all. Yours is {used}.",
         "Use the declared margin of {declared}, or declare yours.", _propose_other_margin, 14,
         look_alikes=("loss.margin_ignored",)),
    _row("triplet_swapped", "Positive and negative example are exchanged in your triplet loss.",
         "The loss is max(0, d(a, p) − d(a, n) + margin); yours has the two distances exchanged.",
         "Exchange them.", _propose_swapped, 8),
    _row("triplet_squared_distance", "Your triplet loss has squared distances{only}.",
         "TripletMarginLoss takes the distances ‖a − p‖ and ‖a − n‖ themselves; the FaceNet paper squares them.",
         "Take the root, or declare a loss with squared distances.", _propose_triplet_squared, 4, True,
         source="Schroff et al. 2015"),
    _row("hinge_not_clamped", "Your loss is not cut off at 0{only}.",
         "max(0, …) is missing: pairs that are far enough apart still have a gradient in your numbers.",
         "Set the loss, and the gradient, of those pairs to 0.", _propose_unclamped, 8),
    _row("hinge_squared", "Your hinge has the other power: squared for plain, or plain for squared{only}.",
         "The declared hinge is max(0, …) to the power that it states, 1 unless p=2 is given. Yours has the other one.",
         "Use the declared power, or declare yours.", _propose_hinge_squared, 6),
    _row("classification_hinge_instead_of_embedding", "You used the hinge max(0, margin − t·x) of classifiers{only}.",
         "HingeEmbeddingLoss takes a distance x: x itself for t = 1, and max(0, margin − x) for t = −1.",
         "Declare the loss that you mean; HingeEmbeddingLoss is for pairs.", _propose_classic_hinge, 5),
    _row("margin_not_divided_by_classes", "Your margin loss is not divided by the number of classes{only}.",
         "PyTorch divides the sum over the classes by their number, {k}. You summed.",
         "Divide by {k}.", _propose_not_divided, 4, True),
    _row("true_class_in_margin", "The true class is in the sum of your multi-class hinge{only}.",
         "The sum runs over the classes other than the true one. With it, the margin is added once more to every loss.",
         "Leave the true class out.", _propose_margin_class, 10),
    _row("hinge_instead_of_soft_margin", "You used the hinge max(0, 1 − t·x) for the soft margin{only}.",
         "SoftMarginLoss is ln(1 + exp(−t·x)).",
         "Use the logistic form, or declare the hinge.", _propose_hinge_for_soft, 10),
    _row("dot_product_instead_of_cosine", "You used the dot product of the two vectors, not the cosine{only}.",
         "CosineEmbeddingLoss divides x·y by ‖x‖·‖y‖, and its gradient has the terms that come from these norms.",
         "Divide by the norms.", _propose_dot, 8),
    _row("ctc_true_derivative", "Your gradient is the plain derivative of the CTC loss with respect to its input.",
         "PyTorch returns the gradient as if log-softmax stood before the loss and folds its p into it: p − "
         "posterior. The "
         "plain derivative is −posterior. Behind a LogSoftmax both give the same gradients further up.",
         "Compare the gradient before the LogSoftmax layer.", _propose_ctc_true, 2, True,
         source="pytorch/pytorch#52241"),
)  # fmt: skip
