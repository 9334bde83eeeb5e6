"""Variants of classification with one class per sample: softmax, log-softmax, cross-entropy, label smoothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch.nn import functional as F

from ..case import Case
from ..loss_rules import (
    Form,
    Formula,
    Given,
    altered,
    call,
    class_dimension,
    forms,
    propose_formula,
    propose_gradient,
    rearranged,
    source_node,
    source_type,
)
from ..rules import ordinary, rewire
from ..variant import Alter, Proposal, Stage, Variant


def probabilities(given: Given) -> torch.Tensor:
    """softmax of the prediction along the classes."""
    return given.prediction.softmax(class_dimension(given.prediction))


def log_probabilities(given: Given) -> torch.Tensor:
    """log-softmax of the prediction along the classes."""
    return given.prediction.log_softmax(class_dimension(given.prediction))


def with_prediction(change: Callable[[Given], torch.Tensor]) -> Callable[[Given], tuple[torch.Tensor, ...]]:
    """Other arguments of the loss: another prediction, the rest as it was."""
    return lambda given: (change(given), *given.arguments[1:])


def propose_prediction(
    case: Case, change: Callable[[Given], torch.Tensor], rank: int = 0, texts: dict[str, str] | None = None
) -> Iterator[Proposal]:
    """The loss of another prediction: in value and gradient, or in the gradient alone where the claim could tell."""
    told = {"only": "", **(texts or {})}
    yield Proposal(rearranged(with_prediction(change)), texts=told, rank=rank)
    if len(forms(case)) > 1:
        told = {**told, "only": Form.GRADIENT.value}
        formula: Formula = lambda g: call(g.module, change(g), *g.arguments[1:])  # noqa: E731
        yield Proposal(altered(formula, Form.GRADIENT), texts=told, rank=rank + 2)


def one_hot(given: Given) -> torch.Tensor:
    """The target as a distribution over the classes, shaped as the prediction; ignored targets are zero rows."""
    if given.target.is_floating_point():
        return given.target
    prediction, dimension = given.prediction, class_dimension(given.prediction)
    kept = given.target != getattr(given.module, "ignore_index", -100)
    rows = F.one_hot(torch.where(kept, given.target, 0), prediction.shape[dimension]).to(prediction)
    return (rows * kept.unsqueeze(-1)).movedim(-1, dimension)


def over_samples(values: torch.Tensor, given: Given) -> torch.Tensor:
    """Values of the elements, classes summed, then averaged over samples or summed, as declared."""
    total = values.sum()
    positions = values.numel() / values.shape[class_dimension(values)]
    return total if given.module.reduction == "sum" else total / positions


def has_classes(case: Case) -> bool:
    """Whether the loss is a cross-entropy over two or more classes."""
    y = case.output
    return case.loss_type == "CrossEntropyLoss" and y is not None and y.shape[class_dimension(y)] > 1


def _propose_twice(case: Case) -> Iterator[Proposal]:
    if has_classes(case):
        yield from propose_prediction(case, probabilities)


def _propose_once(case: Case) -> Iterator[Proposal]:
    if has_classes(case) and source_type(case) == "Softmax":
        yield from propose_prediction(case, lambda g: g.prediction.log())


def _propose_nll_of_logits(case: Case) -> Iterator[Proposal]:
    if has_classes(case):
        yield from propose_formula(case, _nll_of_logits)


def _nll_of_logits(given: Given) -> torch.Tensor:
    module = given.module
    if given.target.is_floating_point():
        return over_samples(-given.target * given.prediction, given)
    return F.nll_loss(given.prediction, given.target, module.weight, None, module.ignore_index, None, module.reduction)


def _propose_plus_one(case: Case) -> Iterator[Proposal]:
    if has_classes(case):
        yield propose_gradient(lambda g: over_samples(probabilities(g).detach() * g.prediction, g))


def _propose_probabilities(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "NLLLoss" and source_type(case) == "LogSoftmax":
        yield from propose_prediction(case, lambda g: g.prediction.exp())


def _propose_log(case: Case) -> Iterator[Proposal]:
    y = case.output
    if case.loss_type == "NLLLoss" and y is not None and bool((y > 0).all()):
        yield from propose_prediction(case, lambda g: g.prediction.log())


def _propose_log_softmax(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "NLLLoss" and source_type(case) not in ("LogSoftmax", "Softmax"):
        yield from propose_prediction(case, log_probabilities)


def _propose_squared(case: Case) -> Iterator[Proposal]:
    if not has_classes(case):
        return
    sources = {"softmax(z)": probabilities, "the raw outputs z": lambda g: g.prediction}
    for position, (words, make) in enumerate(sources.items()):
        for rank, (form, factor) in enumerate(_SQUARES.items()):
            texts = {"of": words, "form": form}
            yield from propose_formula(case, _squared(make, factor), texts, 5 * position + 2 * rank)


Count = Callable[[torch.Tensor, Given], float]
_SQUARES: dict[str, Count] = {
    "averaged over all outputs": lambda e, g: 1 / e.numel(),
    "halved, summed over classes and averaged over samples": lambda e, g: e.shape[class_dimension(e)] / e.numel() / 2,
    "summed over classes and averaged over samples": lambda e, g: e.shape[class_dimension(e)] / e.numel(),
    "halved and summed": lambda e, g: 0.5,
    "summed": lambda e, g: 1.0,
}


def _squared(make: Callable[[Given], torch.Tensor], factor: Count) -> Formula:
    def formula(given: Given) -> torch.Tensor:
        e = make(given) - one_hot(given)
        return e.square().sum() * factor(e, given)

    return formula


def _propose_per_class(case: Case) -> Iterator[Proposal]:
    if not has_classes(case):
        return
    kinds: dict[str, Callable[[Given], torch.Tensor]] = {
        "σ(z), a sigmoid for each class": lambda g: _bce(g.prediction, g),
        "softmax(z)": lambda g: F.binary_cross_entropy(probabilities(g), one_hot(g), reduction="none"),
    }
    for position, (words, elements) in enumerate(kinds.items()):
        texts = {"of": words, "form": "averaged over all classes and samples"}
        mean: Formula = lambda g, elements=elements: _mean(elements(g), g)  # type: ignore[misc]  # noqa: E731
        yield from propose_formula(case, mean, texts, 4 * position)
        texts = {"of": words, "form": "summed over the classes"}
        total: Formula = lambda g, elements=elements: over_samples(elements(g), g)  # type: ignore[misc]  # noqa: E731
        yield from propose_formula(case, total, texts, 4 * position + 2)


def _bce(logits: torch.Tensor, given: Given) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(logits, one_hot(given), reduction="none")


def _mean(elements: torch.Tensor, given: Given) -> torch.Tensor:
    return elements.sum() if given.module.reduction == "sum" else elements.mean()


def _propose_smoothing(others: Callable[[int], float]) -> Callable[[Case], Iterator[Proposal]]:
    def propose(case: Case) -> Iterator[Proposal]:
        if not has_classes(case) or case.target is None or case.target.is_floating_point():
            return
        classes = case.output.shape[class_dimension(case.output)] if case.output is not None else 0
        s = float(case.loss_module.label_smoothing)
        if s > 0 and others(classes) > 0:
            texts = {"s": f"{s:g}", "k": f"{classes}"}
            yield from propose_formula(case, lambda g: _smoothed(g, s, others(classes)), texts)

    return propose


def _smoothed(given: Given, s: float, others: float) -> torch.Tensor:
    """Cross-entropy against 1 - s for the true class and s / others for each of the others."""
    hot = one_hot(given)
    dimension = class_dimension(given.prediction)
    kept = hot.sum(dimension, keepdim=True)
    target = kept * ((1 - s) * hot + s / others * (1 - hot))
    values = -target * log_probabilities(given)
    if given.module.weight is not None:
        values = values * given.module.weight.to(values).reshape(-1, *[1] * (values.dim() - dimension - 1))
    return values.sum() if given.module.reduction == "sum" else values.sum() / kept.sum()


def _propose_delta(case: Case) -> Iterator[Proposal]:
    """δ = (p − t)·c at the pre-activation of a softmax or sigmoid under a squared error."""
    name, kind = source_node(case), source_type(case)
    if case.loss_type != "MSELoss" or kind not in ("Softmax", "Sigmoid") or case.output is None:
        return
    n, total = case.batch, case.output.numel()
    factors = {"1/N": 1 / n, "1": 1.0, "1/(N·K)": 1 / total, "2/N": 2 / n}
    seen = {2 / total if case.loss_module.reduction == "mean" else 2.0}
    for rank, (words, factor) in enumerate(factors.items()):
        if factor in seen:
            continue
        seen.add(factor)
        yield Proposal(_delta(name, factor), (name,), {"factor": words, "kind": kind}, rank)


def _delta(name: str, factor: float) -> Alter:
    def through(node: object, tensors: object, inputs: tuple[torch.Tensor, ...], named: object) -> torch.Tensor:
        value = ordinary(node, tensors, inputs, named)  # type: ignore[arg-type]
        return rewire(value, (inputs[0],), lambda u: (u,))

    residuals = altered(lambda g: factor * (g.residual.detach() * g.prediction).sum(), Form.GRADIENT)
    return lambda plan: residuals(plan.with_node(name, through))


SOFTMAX_PROBE = "Claim the loss value too: with softmax applied twice it can never come near 0."

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="loss.softmax_applied_twice",
        stage=Stage.LOSS,
        title="You applied softmax before the cross-entropy, which has a softmax in it already{only}.",
        explanation="CrossEntropyLoss takes the raw outputs z (logits) and computes −ln softmax(z)ₜ. Your numbers "
        "are those of −ln softmax(softmax(z))ₜ; that loss never falls below ln(e + K − 1) − 1 for K classes.",
        advice="Give the raw outputs to CrossEntropyLoss, or put a Softmax layer into the declared network if you "
        "mean it.",
        propose=_propose_twice,
        rank=3,
        probe=SOFTMAX_PROBE,
        source="Lightning-Universe/lightning-bolts#654",
    ),
    Variant(
        code="loss.softmax_applied_once",
        stage=Stage.LOSS,
        title="Your cross-entropy takes the softmax's probabilities; PyTorch's applies another softmax to them{only}.",
        explanation="The declared network ends in Softmax, and CrossEntropyLoss applies log-softmax again. You "
        "computed −ln pₜ with ∂L/∂z = p − y, which needs one softmax.",
        advice="Leave the Softmax layer out of the declared network, or end it in LogSoftmax and declare NLLLoss.",
        propose=_propose_once,
        rank=2,
        probe=SOFTMAX_PROBE,
    ),
    Variant(
        code="loss.nll_without_log_softmax",
        stage=Stage.LOSS,
        title="The log-softmax is missing: you took −zₜ, the raw output of the true class{only}.",
        explanation="CrossEntropyLoss is −ln softmax(z)ₜ with ∂L/∂z = (p − y)/N. Without log-softmax the gradient is "
        "−y/N: only the true class gets one, and the term p, which comes from the sum in the softmax, is missing.",
        advice="Apply log-softmax first; its backward pass is u − p·Σu.",
        propose=_propose_nll_of_logits,
        rank=14,
        look_alikes=("backward.log_softmax_sum_term_missing",),
        source="mlpack/mlpack#3468",
    ),
    Variant(
        code="loss.cross_entropy_target_not_subtracted",
        stage=Stage.LOSS,
        title="The target is missing in your gradient of the cross-entropy: you sent p back, not p − y.",
        explanation="∂L/∂z = (p − y)/N with the one-hot target y: 1 has to be subtracted at the true class of each "
        "sample.",
        advice="Subtract 1 from the probability of the true class.",
        propose=_propose_plus_one,
        rank=18,
    ),
    Variant(
        code="loss.probabilities_in_nll",
        stage=Stage.LOSS,
        title="You gave probabilities to the negative log-likelihood instead of their logarithms{only}.",
        explanation="NLLLoss is −x for the true class: it takes log-probabilities and computes no logarithm. Your "
        "numbers are those of −p, with the derivative −1/N instead of −1/(N·p).",
        advice="Take the logarithm (LogSoftmax) first.",
        propose=_propose_probabilities,
        rank=6,
    ),
    Variant(
        code="loss.log_missing_before_nll",
        stage=Stage.LOSS,
        title="You took the logarithm of the outputs; NLLLoss does not{only}.",
        explanation="NLLLoss expects log-probabilities and returns −x for the true class. The declared network gives "
        "probabilities, and you computed −ln p as its name says.",
        advice="End the declared network in LogSoftmax instead of Softmax.",
        propose=_propose_log,
        rank=2,
    ),
    Variant(
        code="loss.log_softmax_missing_before_nll",
        stage=Stage.LOSS,
        title="You applied log-softmax to the outputs; NLLLoss does not{only}.",
        explanation="NLLLoss expects log-probabilities and returns −x for the true class. You computed −ln "
        "softmax(z), which is CrossEntropyLoss.",
        advice="Declare CrossEntropyLoss, or end the network in LogSoftmax.",
        propose=_propose_log_softmax,
        rank=2,
    ),
    Variant(
        code="loss.mse_instead_of_cross_entropy",
        stage=Stage.LOSS,
        title="Your numbers are those of a squared error of {of} against one-hot targets, {form}{only}.",
        explanation="CrossEntropyLoss is −ln softmax(z)ₜ with ∂L/∂z = (p − y)/N. You used Σ(ŷ − y)² of {of}, {form}.",
        advice="Derive the cross-entropy, ∂L/∂z = (p − y)/N, or declare MSELoss with one-hot targets.",
        propose=_propose_squared,
        rank=12,
    ),
    Variant(
        code="loss.bce_instead_of_cross_entropy",
        stage=Stage.LOSS,
        title="Your numbers are those of a binary cross-entropy for each class, of {of}, {form}{only}.",
        explanation="CrossEntropyLoss takes −ln pₜ of the true class alone. You also took −ln(1 − p) for every other "
        "class.",
        advice="Drop the terms (1 − y)·ln(1 − p), or declare BCEWithLogitsLoss with one-hot targets.",
        propose=_propose_per_class,
        rank=13,
    ),
    Variant(
        code="loss.label_smoothing_over_other_classes",
        stage=Stage.LOSS,
        title="Your label smoothing spreads s = {s} over the other classes only, s/(K − 1) each{only}.",
        explanation="You gave 1 − s to the true class and s/(K − 1) to each other one. PyTorch spreads s over all K "
        "= {k} classes: (1 − s)·y + s/K, so that the true class gets 1 − s + s/K.",
        advice="Use s/K for all classes, or declare label_smoothing = s·K/(K − 1).",
        propose=_propose_smoothing(lambda k: k - 1),
        rank=3,
        convention=True,
        source="pytorch/pytorch#63122",
    ),
    Variant(
        code="loss.label_smoothing_without_two_classes",
        stage=Stage.LOSS,
        title="Your label smoothing gives s/(K − 2) to each other class{only}.",
        explanation="Translation code leaves the true class and the padding class out: s/(K − 2) with s = {s}, K = "
        "{k}. PyTorch spreads s over all classes: (1 − s)·y + s/K.",
        advice="Use s/K for all classes, or state the smoothed targets as probabilities.",
        propose=_propose_smoothing(lambda k: k - 2),
        rank=12,
        convention=True,
        source="OpenNMT/OpenNMT-py#570",
    ),
    Variant(
        code="loss.cross_entropy_for_squared_error",
        stage=Stage.LOSS,
        title="Your output delta is p − t times {factor}: that belongs to cross-entropy, declared is a squared error.",
        explanation="δ = p − t at the pre-activation is right for a {kind} with cross-entropy, whose derivative "
        "cancels that of {kind}. With a squared error, δ = 2(p − t)/(N·K) has to pass through the derivative of "
        "{kind} at {sites}.",
        advice="Multiply by the derivative of {kind}, or declare the cross-entropy.",
        propose=_propose_delta,
        rank=7,
        look_alikes=(
            "backward.softmax_jacobian_missing",
            "backward.output_activation_derivative_missing",
            "loss.cross_entropy_instead_of_mse",
            "loss.bce_instead_of_mse",
        ),
    ),
)
