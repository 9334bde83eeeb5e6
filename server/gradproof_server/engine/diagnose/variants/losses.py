"""Variants of regression losses: half and whole squares, absolute values, and their smooth relatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch.nn import functional as F

from ..case import Case
from ..loss_rules import (
    REGRESSION,
    Formula,
    Given,
    propose_formula,
    reduced,
    samples,
)
from ..variant import Proposal, Stage, Variant

Elements = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
ADVICE = "If you mean this loss, declare it; if you mean the declared one, derive it again: {derivative}."
DERIVATIVE = {
    "MSELoss": "∂/∂ŷ (ŷ−t)² = 2(ŷ−t)",
    "L1Loss": "∂/∂ŷ |ŷ−t| = sign(ŷ−t)",
    "SmoothL1Loss": "(ŷ−t)/β where |ŷ−t| < β, and sign(ŷ−t) elsewhere",
    "HuberLoss": "ŷ−t where |ŷ−t| ≤ δ, and δ·sign(ŷ−t) elsewhere",
}
SHORT = {"MSELoss": "mse", "L1Loss": "l1", "SmoothL1Loss": "smooth_l1", "HuberLoss": "huber"}


def elementwise(elements: Elements) -> Formula:
    """A loss with a value per element, reduced as declared."""
    return lambda given: reduced(elements(*together(given)), given.module)


def together(given: Given) -> tuple[torch.Tensor, torch.Tensor]:
    """Prediction and target in one shape."""
    shape = torch.broadcast_shapes(given.prediction.shape, given.target.shape)  # type: ignore[no-untyped-call]
    return given.prediction.expand(shape), given.target.expand(shape)


def half_square(y: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """½e²."""
    return (y - t).square() / 2


def square(y: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """e²."""
    return (y - t).square()


def log_cosh(y: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """ln cosh e, without overflow."""
    e = y - t
    return e + F.softplus(-2 * e) - math.log(2)


def smooth(beta: float) -> Elements:
    """Smooth L1 with this β."""
    return lambda y, t: F.smooth_l1_loss(y, t, reduction="none", beta=beta)


def huber(delta: float) -> Elements:
    """Huber with this δ."""
    return lambda y, t: F.huber_loss(y, t, reduction="none", delta=delta)


def absolute(y: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """|e|."""
    return (y - t).abs()


def root(given: Given) -> torch.Tensor:
    """The root of the mean square, or of the sum of squares, as declared."""
    return reduced(square(*together(given)), given.module).sqrt()


def sample_norms(given: Given) -> torch.Tensor:
    """The Euclidean norm of each sample's residual, averaged or summed."""
    e = given.residual
    return reduced(e.reshape(samples(e), -1).norm(dim=1), given.module)


def _used(
    used: str, declared: str, formula: str, make: Callable[[Case], Iterator[tuple[Formula, str]]], rank: int
) -> Variant:
    """The row of one loss used where another is declared."""
    name = SHORT[declared]
    return Variant(
        code=f"loss.{used}_instead_of_{name}",
        stage=Stage.LOSS,
        title="Your numbers are those of " + formula + f", not of {declared}{{only}}.",
        explanation=f"You used {formula}{{form}}; {declared} has the derivative {DERIVATIVE[declared]} for each "
        f"output.",
        advice=ADVICE.format(derivative=DERIVATIVE[declared]),
        propose=lambda case: _propose_used(case, declared, make),
        rank=rank,
        source="losses taken for each other",
        look_alikes=_look_alikes(used, name),
        probe="Use residuals of different size and sign, some above and some below 1, and claim the loss value too.",
    )


def _look_alikes(used: str, name: str) -> tuple[str, ...]:
    """Rows that give the same numbers where all residuals are small, or all large."""
    half = "loss.half_squared_error" if name == "mse" else f"loss.half_squared_error_instead_of_{name}"
    kinds = ("huber", "smooth_l1", "l1") if name == "huber" else ("huber", "l1")
    smooth_kinds = tuple(f"loss.{kind}_instead_of_{name}" for kind in kinds if kind != name)
    if used == "half_squared_error":
        return tuple(code for code in smooth_kinds if "huber" in code or name == "huber")
    return (half, *(code for code in smooth_kinds if used not in code)) if used in ("huber", "smooth_l1") else ()


def _propose_used(
    case: Case, declared: str, make: Callable[[Case], Iterator[tuple[Formula, str]]]
) -> Iterator[Proposal]:
    if case.loss_type != declared or case.target is None:
        return
    for position, (formula, form) in enumerate(make(case)):
        yield from propose_formula(case, formula, {"form": form}, 4 * position)


def _one(elements: Elements) -> Callable[[Case], Iterator[tuple[Formula, str]]]:
    def make(case: Case) -> Iterator[tuple[Formula, str]]:
        yield elementwise(elements), ""

    return make


def _whole(formula: Formula) -> Callable[[Case], Iterator[tuple[Formula, str]]]:
    def make(case: Case) -> Iterator[tuple[Formula, str]]:
        yield formula, ""

    return make


def _half_forms(case: Case) -> Iterator[tuple[Formula, str]]:
    yield elementwise(half_square), ""
    if case.batch * case.width > 1 and case.loss_module.reduction == "mean":
        yield lambda given: half_square(*together(given)).sum(), ", summed over all outputs"
    elif case.batch * case.width > 1:
        yield lambda given: half_square(*together(given)).mean(), ", averaged over all outputs"
    if case.batch > 1 and case.width > 1:
        yield _batch_mean(half_square), ", summed over the outputs and averaged over the batch"


def _batch_mean(elements: Elements) -> Formula:
    return lambda given: elements(*together(given)).sum() / samples(given.prediction)


def threshold(case: Case) -> float:
    """β of SmoothL1Loss, δ of HuberLoss; 1 without one."""
    return float(getattr(case.loss_module, "beta", getattr(case.loss_module, "delta", 1.0)))


def _siblings(kind: Callable[[float], Elements]) -> Callable[[Case], Iterator[tuple[Formula, str]]]:
    def make(case: Case) -> Iterator[tuple[Formula, str]]:
        for value in dict.fromkeys((threshold(case), 1.0)):
            yield elementwise(kind(value)), f" with threshold {value:g}"

    return make


def _probabilities(case: Case) -> bool:
    y, t = case.output, case.target
    return (
        y is not None and t is not None and bool((y > 0).all() and (y < 1).all() and (t >= 0).all() and (t <= 1).all())
    )


def _bce_forms(case: Case) -> Iterator[tuple[Formula, str]]:
    if case.target is not None and bool((case.target >= 0).all() and (case.target <= 1).all()):
        if _probabilities(case):
            yield elementwise(lambda y, t: F.binary_cross_entropy(y, t, reduction="none")), ""
        else:
            yield elementwise(lambda y, t: F.binary_cross_entropy_with_logits(y, t, reduction="none")), " of σ(ŷ)"


def _is_distribution(t: torch.Tensor | None) -> bool:
    return (
        t is not None
        and t.dim() > 0
        and t.shape[-1] > 1
        and bool((t >= 0).all() and ((t.sum(-1) - 1).abs() < 1e-6).all())
    )


def _cross_entropy_forms(case: Case) -> Iterator[tuple[Formula, str]]:
    if not _is_distribution(case.target):
        return
    if _probabilities(case):
        yield lambda g: _rows(-(g.target * g.prediction.log()).sum(-1), g), ""
    else:
        yield lambda g: _rows(-(g.target * g.prediction.log_softmax(-1)).sum(-1), g), " of softmax(ŷ)"


def _rows(values: torch.Tensor, given: Given) -> torch.Tensor:
    return values.sum() if given.module.reduction == "sum" else values.mean()


HALF = "half a squared error, ½(ŷ−t)²"
SQUARE = "a squared error, (ŷ−t)²"
ABSOLUTE = "an absolute error, |ŷ−t|"
HUBER = "Huber's loss (½e² for small e, linear beyond)"
SMOOTH = "the smooth L1 loss (e²/2β below β, |e| − β/2 beyond)"
RMSE = "a root of the mean squared error, √MSE"
NORM = "a Euclidean norm of the residual, ‖ŷ−t‖, not squared"
COSH = "log-cosh, Σ ln cosh(ŷ−t)"
BCE = "a binary cross-entropy, −t·ln p − (1−t)·ln(1−p)"
CE = "a cross-entropy, −Σ t·ln p"

SWAPS = (
    *(_used("half_squared_error", name, HALF, _half_forms, 1) for name in ("L1Loss", "SmoothL1Loss", "HuberLoss")),
    *(_used("mse", name, SQUARE, _one(square), 6) for name in REGRESSION if name != "MSELoss"),
    *(_used("l1", name, ABSOLUTE, _one(absolute), 8) for name in REGRESSION if name != "L1Loss"),
    *(_used("huber", name, HUBER, _siblings(huber), 7) for name in REGRESSION if name != "HuberLoss"),
    _used("smooth_l1", "HuberLoss", SMOOTH, _siblings(smooth), 7),
    *(_used("rmse", name, RMSE, _whole(root), 8 + 10 * (name != "MSELoss")) for name in REGRESSION),
    *(_used("norm", name, NORM, _whole(sample_norms), 22) for name in REGRESSION),
    *(_used("log_cosh", name, COSH, _one(log_cosh), 30) for name in REGRESSION),
    *(_used("bce", name, BCE, _bce_forms, 12) for name in REGRESSION),
    *(_used("cross_entropy", name, CE, _cross_entropy_forms, 12) for name in REGRESSION),
)


def _propose_half(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "MSELoss":
        yield from propose_formula(case, elementwise(half_square))


def _propose_half_sum(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "MSELoss" and case.loss_module.reduction == "mean" and case.batch * case.width > 2:
        yield from propose_formula(case, lambda g: half_square(*together(g)).sum())


def _propose_half_batch(case: Case) -> Iterator[Proposal]:
    if case.loss_type != "MSELoss" or case.batch == 1:
        return
    if case.width > 1 or case.loss_module.reduction == "sum":
        yield from propose_formula(case, _batch_mean(half_square))


LOSS_PROBE = "Claim the loss value beside the gradients, and use N·K > 2 outputs."

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="loss.half_squared_error",
        stage=Stage.LOSS,
        title="Your numbers are those of half a squared error, ½(ŷ−t)²{only}.",
        explanation="You took ½(ŷ−t)² or forgot the 2 in the derivative of (ŷ−t)²; its derivative is ŷ−t. MSELoss "
        "has no "
        "½: its derivative is 2(ŷ−t), divided by the number of outputs where it averages.",
        advice="Either put the factor 2 into your derivation, or declare half the loss (a HuberLoss with a very "
        "large δ is "
        "½(ŷ−t)²).",
        propose=_propose_half,
        rank=0,
        look_alikes=(
            "loss.huber_instead_of_mse",
            "reduction.mean_instead_of_sum",
            "reduction.mean_divided_twice",
            "gradient.scaled_by_constant",
        ),
        probe=LOSS_PROBE,
        source="textbooks write E = ½Σ(t−o)²",
    ),
    Variant(
        code="loss.half_sum_squared_error",
        stage=Stage.LOSS,
        title="Your numbers are those of half the sum of squares, ½Σ(ŷ−t)²{only}.",
        explanation="You took ½Σ(ŷ−t)² over all samples and outputs, with the derivative ŷ−t. MSELoss averages: its "
        "derivative is 2(ŷ−t)/(N·K).",
        advice="Either divide by the number of outputs and multiply by 2, or declare MSELoss(reduction='sum') and "
        "halve it.",
        propose=_propose_half_sum,
        rank=2,
        look_alikes=("reduction.sum_instead_of_mean", "reduction.batch_mean_only", "reduction.output_mean_only"),
        probe=LOSS_PROBE,
        source="textbooks write E = ½Σ(t−o)²",
    ),
    Variant(
        code="loss.half_squared_error_batch_mean",
        stage=Stage.LOSS,
        title="Your numbers are those of (1/2N)·ΣΣ(ŷ−t)²: half the squared error, averaged over the batch only{only}.",
        explanation="You divided by 2N, the derivative is (ŷ−t)/N. MSELoss has no ½: its derivative is 2(ŷ−t), divided "
        "by N·K, all outputs of all samples, where it averages, and by nothing where it sums.",
        advice="Multiply your derivative by 2/K where MSELoss averages and by 2N where it sums, or declare the loss as "
        "you use it.",
        propose=_propose_half_batch,
        rank=3,
        convention=True,
        look_alikes=("loss.half_squared_error", "reduction.batch_mean_only"),
        probe=LOSS_PROBE,
        source="courses write J = 1/(2m)·Σ‖h(x)−y‖²",
    ),
    *SWAPS,
)
