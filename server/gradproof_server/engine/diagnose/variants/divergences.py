"""Variants of losses of distributions: Kullback–Leibler divergence, Gaussian and Poisson likelihoods."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch.nn import functional as F

from ..case import Case
from ..loss_rules import Formula, Given, call, propose_formula, rearranged, reduced, source_type, with_attributes
from ..variant import Proposal, Stage, Variant
from .classification import propose_prediction

Propose = Callable[[Case], Iterator[Proposal]]


def _with(loss: str, formula: Formula, applies: Callable[[Case], bool] = lambda case: True) -> Propose:
    """One formula for one class of loss."""

    def propose(case: Case) -> Iterator[Proposal]:
        if case.loss_type == loss and applies(case):
            yield from propose_formula(case, formula)

    return propose


def _target(given: Given) -> torch.Tensor:
    return given.target.exp() if given.module.log_target else given.target


def _log_target(given: Given) -> torch.Tensor:
    return given.target if given.module.log_target else given.target.log()


def _reversed_kl(given: Given) -> torch.Tensor:
    x = given.prediction
    return reduced(x.exp() * (x - _log_target(given)), given.module)


def _positive_target(case: Case) -> bool:
    return case.target is not None and (case.loss_module.log_target or bool((case.target > 0).all()))


def _propose_kl_probabilities(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "KLDivLoss" and source_type(case) != "Softmax":
        yield from propose_prediction(case, lambda g: g.prediction.exp())


def _propose_kl_log(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "KLDivLoss" and case.output is not None and bool((case.output > 0).all()):
        yield from propose_prediction(case, lambda g: g.prediction.log())


def _propose_kl_log_softmax(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "KLDivLoss" and source_type(case) not in ("LogSoftmax", "Softmax"):
        yield from propose_prediction(case, lambda g: g.prediction.log_softmax(-1))


def _propose_log_target(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "KLDivLoss":
        other = with_attributes(case.loss_module, log_target=not case.loss_module.log_target)
        words = ("probabilities", "log-probabilities")
        used, declared = words if case.loss_module.log_target else words[::-1]
        texts = {"used": used, "declared": declared, "flag": str(not case.loss_module.log_target)}
        yield from propose_formula(case, lambda g: call(other, *g.arguments), texts)


def _cross_entropy(given: Given) -> torch.Tensor:
    return reduced(-_target(given) * given.prediction, given.module)


VARIANCES: dict[str, tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "var": ("the standard deviation", lambda var: var.square()),
    "log": ("the logarithm of the variance", lambda var: var.exp()),
    "root": ("a variance whose root you put in the variance's place", lambda var: var.sqrt()),
}


def _propose_variance(*kinds: str) -> Propose:
    def propose(case: Case) -> Iterator[Proposal]:
        if case.loss_type != "GaussianNLLLoss" or len(case.loss_arguments) < 3:
            return
        for position, (words, change) in enumerate(VARIANCES[kind] for kind in kinds):
            alter = rearranged(lambda g, change=change: (*g.arguments[:2], change(g.arguments[2])))  # type: ignore[misc]
            yield Proposal(alter, texts={"what": words}, rank=5 * position)

    return propose


def _gaussian(given: Given, log_factor: float, square_factor: float) -> torch.Tensor:
    y, t, var = given.arguments[:3]
    var = var.clamp_min(given.module.eps)
    var = var.unsqueeze(-1) if var.dim() == y.dim() - 1 else var
    return reduced(log_factor * var.log() + square_factor * (y - t).square() / var, given.module)


def _propose_constant_variance(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "GaussianNLLLoss":
        yield from propose_formula(case, lambda g: reduced(g.residual.square(), g.module) / 2)


def _propose_poisson(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "PoissonNLLLoss":
        other = with_attributes(case.loss_module, log_input=not case.loss_module.log_input)
        words = ("the rate", "the logarithm of the rate")
        used, declared = words if case.loss_module.log_input else words[::-1]
        texts = {"used": used, "declared": declared, "flag": str(not case.loss_module.log_input)}
        yield from propose_formula(case, lambda g: call(other, *g.arguments), texts)


def _poisson_rate_only(given: Given) -> torch.Tensor:
    x = given.prediction
    return reduced(-given.target * (x if given.module.log_input else (x + given.module.eps).log()), given.module)


def _poisson_squared(given: Given) -> torch.Tensor:
    rate = given.prediction.exp() if given.module.log_input else given.prediction
    return reduced(F.mse_loss(rate, given.target, reduction="none"), given.module)


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="loss.kl_reversed",
        stage=Stage.LOSS,
        title="Your divergence goes the other way: KL(prediction ‖ target){only}.",
        explanation="KLDivLoss is KL(target ‖ prediction) = Σ t·(ln t − ln p), with the prediction given as ln p. "
        "Yours is Σ p·(ln p − ln t).",
        advice="Exchange the roles of the two distributions, or state the loss that you mean.",
        propose=_with("KLDivLoss", _reversed_kl, _positive_target),
        rank=4,
    ),
    Variant(
        code="loss.kl_input_not_log",
        stage=Stage.LOSS,
        title="You gave probabilities to the divergence; its input has to be their logarithm{only}.",
        explanation="KLDivLoss computes t·(ln t − x) and takes x as ln p already. Your numbers put p in the place of "
        "ln p, with the derivative −t·p with respect to ln p.",
        advice="Take the logarithm of the probabilities.",
        propose=_propose_kl_probabilities,
        rank=6,
    ),
    Variant(
        code="loss.kl_log_of_input",
        stage=Stage.LOSS,
        title="You took the logarithm of the outputs; KLDivLoss does not{only}.",
        explanation="KLDivLoss expects log-probabilities, and the declared network gives probabilities. You computed "
        "t·(ln t − ln p) with their logarithm.",
        advice="End the declared network in LogSoftmax instead of Softmax.",
        propose=_propose_kl_log,
        rank=2,
    ),
    Variant(
        code="loss.kl_log_softmax_of_input",
        stage=Stage.LOSS,
        title="You applied log-softmax to the outputs; KLDivLoss does not{only}.",
        explanation="KLDivLoss expects log-probabilities; the declared network gives raw outputs. You computed the "
        "divergence of softmax(z).",
        advice="End the declared network in LogSoftmax.",
        propose=_propose_kl_log_softmax,
        rank=3,
    ),
    Variant(
        code="loss.kl_log_target_mismatch",
        stage=Stage.LOSS,
        title="You took the targets for {used}; declared are {declared}{only}.",
        explanation="With log_target=False KLDivLoss computes t·(ln t − x), with log_target=True exp(t)·(t − x). You "
        "used the other one.",
        advice="Declare log_target={flag}, or convert the targets.",
        propose=_propose_log_target,
        rank=6,
    ),
    Variant(
        code="loss.kl_without_entropy",
        stage=Stage.LOSS,
        title="Your divergence lacks the targets' own term, Σ t·ln t{only}.",
        explanation="KLDivLoss is Σ t·(ln t − ln p); you computed −Σ t·ln p, the cross-entropy. The gradients are "
        "the same.",
        advice="Add Σ t·ln t to the loss value.",
        propose=_with("KLDivLoss", _cross_entropy),
        rank=8,
    ),
    Variant(
        code="loss.gaussian_variance_as_deviation",
        stage=Stage.LOSS,
        title="You took the third argument of the Gaussian loss for {what}.",
        explanation="GaussianNLLLoss is ½(ln var + (ŷ − t)²/var), with the variance itself as third argument. You "
        "took it for {what}.",
        advice="Give the variance, or convert it in your computation.",
        propose=_propose_variance("var", "root"),
        rank=4,
    ),
    Variant(
        code="loss.gaussian_variance_as_log",
        stage=Stage.LOSS,
        title="You took the third argument of the Gaussian loss for {what}.",
        explanation="Many networks predict ln σ². GaussianNLLLoss takes the variance itself: ½(ln var + (ŷ − t)²/var).",
        advice="Put exp() behind that output of the declared network.",
        propose=_propose_variance("log"),
        rank=5,
        convention=True,
    ),
    Variant(
        code="loss.gaussian_without_half",
        stage=Stage.LOSS,
        title="The ½ is missing in your Gaussian loss{only}.",
        explanation="GaussianNLLLoss is ½(ln var + (ŷ − t)²/var); you left ½ out, so that all gradients are twice "
        "PyTorch's.",
        advice="Multiply by ½.",
        propose=_with("GaussianNLLLoss", lambda g: _gaussian(g, 1.0, 1.0)),
        rank=3,
        look_alikes=("loss.gaussian_square_without_half", "gradient.backward_twice", "gradient.scaled_by_constant"),
        probe="Let the network predict the variance too, and claim the loss value.",
    ),
    Variant(
        code="loss.gaussian_square_without_half",
        stage=Stage.LOSS,
        title="The ½ stands before one term of your Gaussian loss only{only}.",
        explanation="GaussianNLLLoss is ½·ln var + ½·(ŷ − t)²/var; you used ½·ln var + (ŷ − t)²/var.",
        advice="Multiply both terms by ½.",
        propose=_with("GaussianNLLLoss", lambda g: _gaussian(g, 0.5, 1.0)),
        rank=14,
        look_alikes=("loss.gaussian_without_half",),
        probe="Let the network predict the variance too, and claim the loss value.",
    ),
    Variant(
        code="loss.gaussian_log_without_half",
        stage=Stage.LOSS,
        title="Your Gaussian loss has ln var where ½·ln var belongs{only}.",
        explanation="GaussianNLLLoss is ½·ln var + ½·(ŷ − t)²/var, which has ln σ = ½·ln var; you used ln var + ½·(ŷ "
        "− t)²/var.",
        advice="Multiply the logarithm by ½.",
        propose=_with("GaussianNLLLoss", lambda g: _gaussian(g, 1.0, 0.5)),
        rank=12,
    ),
    Variant(
        code="loss.gaussian_log_term_missing",
        stage=Stage.LOSS,
        title="The logarithm of the variance is missing in your Gaussian loss{only}.",
        explanation="GaussianNLLLoss is ½(ln var + (ŷ − t)²/var); without the first term the variance grows without "
        "bound.",
        advice="Add ½·ln var.",
        propose=_with("GaussianNLLLoss", lambda g: _gaussian(g, 0.0, 0.5)),
        rank=12,
    ),
    Variant(
        code="loss.half_squared_error_instead_of_gaussian",
        stage=Stage.LOSS,
        title="Your numbers are those of half a squared error; the variance is not used{only}.",
        explanation="GaussianNLLLoss divides the squared residual by the variance; you used ½(ŷ − t)².",
        advice="Divide by the variance and add ½·ln var, or declare the squared error.",
        propose=_propose_constant_variance,
        rank=12,
    ),
    Variant(
        code="loss.poisson_log_input_mismatch",
        stage=Stage.LOSS,
        title="You took the outputs for {used}; declared is {declared}{only}.",
        explanation="With log_input=True PoissonNLLLoss is exp(x) − t·x, with log_input=False it is x − t·ln(x + "
        "eps). You used the other one.",
        advice="Declare log_input={flag}, or convert the outputs.",
        propose=_propose_poisson,
        rank=4,
    ),
    Variant(
        code="loss.poisson_rate_term_missing",
        stage=Stage.LOSS,
        title="The rate itself is missing in your Poisson loss{only}.",
        explanation="PoissonNLLLoss is rate − t·ln(rate); you used −t·ln(rate) alone.",
        advice="Add the rate.",
        propose=_with("PoissonNLLLoss", _poisson_rate_only),
        rank=14,
    ),
    Variant(
        code="loss.mse_instead_of_poisson",
        stage=Stage.LOSS,
        title="Your numbers are those of a squared error of the rate, not of a Poisson likelihood{only}.",
        explanation="PoissonNLLLoss is rate − t·ln(rate); you used (rate − t)².",
        advice="Derive the Poisson loss, or declare MSELoss.",
        propose=_with("PoissonNLLLoss", _poisson_squared),
        rank=18,
    ),
)
