"""Holds claimed tensors against the reference, element by element."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from .run import never
from .tensors import shape_text
from .tolerance import (
    SAFETY,
    Calibration,
    Tolerance,
    calibration_of,
    change_tolerance,
    is_truncated,
    tolerance_of,
    with_rounding,
)
from .training import Training
from .types import (
    Claim,
    ClaimedTensor,
    Comparison,
    ComputedIn,
    InvalidProblemError,
    Outcome,
    PrintedDecimals,
    Quantity,
    Rounding,
    ShouldStop,
    TensorId,
    ToleranceSource,
    UpdateComparison,
    Verdict,
    Violation,
    WorstElement,
    gravest,
)

FINE = 1e-5
"""Share of a tensor's largest number by which a printed number may be beyond its tolerance for float64's rounding."""
PROPORTIONAL_OPTIMIZERS = ("", "SGD", "ASGD")
"""Those whose step is proportional to the gradient, or none; the others divide by its size."""


def compare(
    training: Training,
    outcome: Outcome,
    claim: Claim,
    should_stop: ShouldStop = never,
    calibration: Calibration | None = None,
) -> tuple[Comparison, ...]:
    """One comparison per claimed tensor, in the claim's order; the outcome holds all of their references.

    A calibration that is given, of `calibration_of`, can be handed on to the diagnosis.

    Raises:
        InvalidProblemError: a claimed tensor has another shape than its reference, which was not known before running.
        StoppedError: `should_stop` returned True while a dtype was being calibrated.
    """
    _check_shapes(outcome, claim)
    references = {tensor.id: outcome.tensors[tensor.id] for tensor in claim}
    calibration = calibration or calibration_of(training, outcome, claim, should_stop)
    return tuple(compare_tensor(tensor, references, training, calibration) for tensor in claim)


def overall(comparisons: Iterable[Comparison]) -> Verdict:
    """DISAGREES if any comparison does; else INCONCLUSIVE if any is; else AGREES."""
    return gravest((comparison.verdict for comparison in comparisons), Verdict.AGREES)


def _check_shapes(outcome: Outcome, claim: Claim) -> None:
    wrong = [
        Violation(
            f"claim.tensors[{i}].value.shape",
            "UNKNOWN_TENSOR" if tensor.id not in outcome.tensors else "SHAPE_MISMATCH",
            _misfit(tensor, outcome.tensors),
        )
        for i, tensor in enumerate(claim)
        if tensor.id not in outcome.tensors or outcome.tensors[tensor.id].shape != tensor.value.shape
    ]
    if wrong:
        raise InvalidProblemError(wrong)


def _misfit(tensor: ClaimedTensor, tensors: Mapping[TensorId, torch.Tensor]) -> str:
    if tensor.id not in tensors:
        return f"the run has no {tensor.id.quantity.name} {tensor.id.name!r} in step {tensor.id.step}"
    shapes = shape_text(tensor.value.shape), shape_text(tensors[tensor.id].shape)
    return f"shape {shapes[0]}, but {tensor.id.quantity.name} {tensor.id.name!r} has shape {shapes[1]}"


def compare_tensor(
    tensor: ClaimedTensor, references: Mapping[TensorId, torch.Tensor], training: Training, calibration: Calibration
) -> Comparison:
    """The comparison of one claimed tensor; digits of unknown rounding may turn out to be truncated."""
    reference = references[tensor.id].double()
    claimed = tensor.value.double()
    tolerance = tolerance_of(tensor.precision, tensor.id, reference, calibration)
    bad = outside(claimed, reference, tolerance.values)
    if bad.any() and looks_truncated(tensor, claimed, reference):
        tolerance = tolerance_of(tensor.precision, tensor.id, reference, calibration, truncated=True)
        bad = outside(claimed, reference, tolerance.values)
    elif bad.any() and is_off_by_rounding(tensor, claimed, reference, tolerance, training):
        tolerance = with_rounding(tolerance, tensor.id, reference, calibration)
        bad = outside(claimed, reference, tolerance.values)
    elif is_truncated(tensor.precision):
        bad |= (claimed.abs() > reference.abs() + tolerance.values * 0.5) & ~claimed.isnan()
    update = _compare_update(tensor, claimed, reference, tolerance, training)
    verdict = _verdict(bad, tensor, reference, tolerance, update)
    return Comparison(
        id=tensor.id,
        verdict=verdict,
        elements=claimed.numel(),
        disagreeing=int(bad.sum()),
        worst=worst_element(claimed, reference, tolerance.values, tensor.value.dtype),
        tolerance_source=tolerance.source,
        tolerance=tolerance.text,
        update=update,
        note=_note(tensor, claimed, reference, tolerance, training, verdict),
    )


def is_off_by_rounding(
    tensor: ClaimedTensor, claimed: torch.Tensor, reference: torch.Tensor, tolerance: Tolerance, training: Training
) -> bool:
    """Whether float64's own rounding may be why printed digits are beyond their tolerance: they are so by little, or an
    adaptive optimizer divided a gradient by its own size, which makes a whole step of a gradient that is rounding."""
    if not isinstance(tensor.precision, PrintedDecimals) or is_truncated(tensor.precision):
        return False
    optimizer = training.optimizer.type_name if training.optimizer else ""
    if tensor.id.quantity in (Quantity.UPDATED, Quantity.STATE) and optimizer not in PROPORTIONAL_OPTIMIZERS:
        return True
    excess = (claimed - reference).abs() - tolerance.values
    return bool(excess.max() <= FINE * reference.abs().max())


def outside(claimed: torch.Tensor, reference: torch.Tensor, tolerance: torch.Tensor) -> torch.Tensor:
    """Where a claimed number is not within its tolerance; equal infinities and two NaNs are equal."""
    same = (claimed == reference) | (claimed.isnan() & reference.isnan())
    close = (claimed - reference).abs() <= tolerance
    return ~(same | (close & claimed.isfinite() & reference.isfinite()))


def looks_truncated(tensor: ClaimedTensor, claimed: torch.Tensor, reference: torch.Tensor) -> bool:
    """Whether every element is its reference with further digits cut off, for digits of unknown rounding."""
    precision = tensor.precision
    if not isinstance(precision, PrintedDecimals) or precision.rounding is not Rounding.UNKNOWN:
        return False
    unit = 10.0**-precision.digits
    missing = (reference.abs() - claimed.abs()) / unit
    same_side = (claimed * reference >= 0).all()
    return bool(same_side and (missing > -1e-6).all() and (missing < 1 + 1e-6).all())


def _compare_update(
    tensor: ClaimedTensor, claimed: torch.Tensor, reference: torch.Tensor, tolerance: Tolerance, training: Training
) -> UpdateComparison | None:
    if tensor.id.quantity is not Quantity.UPDATED:
        return None
    old = training.parameters_before[tensor.id.name].double()
    change = reference - old
    allowed = change_tolerance(tensor.precision, tolerance, claimed, change, tensor.value.dtype)
    bad = outside(claimed - old, change, allowed.values)
    worst = worst_element(claimed - old, change, allowed.values, tensor.value.dtype)
    return UpdateComparison(int(bad.sum()), worst, allowed.text)


def worst_element(
    claimed: torch.Tensor, reference: torch.Tensor, tolerance: torch.Tensor, dtype: torch.dtype
) -> WorstElement | None:
    """The element with the largest distance in units of its tolerance; None where there are no elements."""
    if claimed.numel() == 0:
        return None
    bad = outside(claimed, reference, tolerance)
    distance = (claimed - reference).abs()
    equal = (claimed == reference) | (claimed.isnan() & reference.isnan())
    distance = torch.where(equal, torch.zeros_like(distance), distance.nan_to_num(float("inf")))
    score = torch.where(distance == 0, distance, distance / tolerance.clamp_min(1e-300))
    score = torch.where(bad, score + 1e30, score).nan_to_num(1e300)
    position = int(score.argmax())
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(position), claimed.shape))
    c, r = float(claimed.flatten()[position]), float(reference.flatten()[position])
    return _element(index, c, r, float(distance.flatten()[position]), float(tolerance.flatten()[position]), dtype)


def _element(
    index: tuple[int, ...], claimed: float, reference: float, distance: float, tolerance: float, dtype: torch.dtype
) -> WorstElement:
    relative = 0.0 if distance == 0 else (distance / abs(reference) if reference else float("inf"))
    return WorstElement(index, claimed, reference, distance, relative, distance / spacing(reference, dtype), tolerance)


def spacing(value: float, dtype: torch.dtype) -> float:
    """Distance from |value| to the next larger number of the dtype; that of float64 for types that are not floating."""
    kind = dtype if dtype.is_floating_point else torch.float64
    info = torch.finfo(kind)
    magnitude = min(max(abs(value), info.smallest_normal), info.max) if value == value else 1.0
    exponent = torch.frexp(torch.tensor(magnitude, dtype=torch.float64)).exponent - 1
    return float(torch.ldexp(torch.tensor(info.eps, dtype=torch.float64), exponent))


def _verdict(
    bad: torch.Tensor,
    tensor: ClaimedTensor,
    reference: torch.Tensor,
    tolerance: Tolerance,
    update: UpdateComparison | None,
) -> Verdict:
    if bad.any() or (update is not None and update.disagreeing):
        return Verdict.DISAGREES
    if _is_swamped(tensor, reference) and not _is_zero(tensor, reference, tolerance):
        return Verdict.INCONCLUSIVE
    return Verdict.AGREES


def _is_swamped(tensor: ClaimedTensor, reference: torch.Tensor) -> bool:
    """Whether the claim is off by more than the tensor itself, and only the dtype's rounding excuses it."""
    if not isinstance(tensor.precision, ComputedIn) or reference.numel() == 0 or not reference.isfinite().all():
        return False
    return bool((tensor.value.double() - reference).abs().max() > reference.abs().max())


def _is_zero(tensor: ClaimedTensor, reference: torch.Tensor, tolerance: Tolerance) -> bool:
    """Whether the reference is zero but for float64's rounding, and the claim but for that of its coarser dtype."""
    assert isinstance(tensor.precision, ComputedIn)
    share = torch.finfo(torch.float64).eps / torch.finfo(tensor.precision.dtype).eps
    largest, off = tolerance.values.max(), (tensor.value.double() - reference).abs().max()
    return bool(reference.abs().max() <= share * largest and off <= largest / SAFETY)


def _note(
    tensor: ClaimedTensor,
    claimed: torch.Tensor,
    reference: torch.Tensor,
    tolerance: Tolerance,
    training: Training,
    verdict: Verdict,
) -> str:
    if verdict is Verdict.INCONCLUSIVE:
        return "the rounding of the claim's dtype is larger than this tensor"
    if verdict is Verdict.AGREES and _is_swamped(tensor, reference):
        return "zero, but for the rounding of the claim's dtype"
    if tolerance.source is ToleranceSource.TRUNCATED and not is_truncated(tensor.precision):
        return "agrees only if its digits were cut off instead of rounded"
    if tensor.id.quantity is Quantity.UPDATED and claimed.numel():
        old = training.parameters_before[tensor.id.name].double()
        change = (reference - old).abs()
        if change.any() and bool((change <= tolerance.values).all()):
            return "the step is smaller than the tolerance: these digits cannot tell it from no step"
    if claimed.numel() and not claimed.any() and verdict is Verdict.DISAGREES:
        return "every claimed number is zero"
    return ""
