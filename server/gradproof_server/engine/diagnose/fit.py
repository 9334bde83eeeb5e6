"""How well altered numbers reproduce the claimed ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ..compare import looks_truncated, outside
from ..tolerance import calibrated_tolerance, tolerance_of
from ..types import ClaimedTensor, ComputedIn, Reproduction, TensorId
from .case import Case


@dataclass(frozen=True)
class Fit:
    """How many of the claimed numbers an altered step reproduces.

    digits: decimal digits by which the claim tells the altered numbers from the reference, where all are reproduced.
    cut_off: whether some are reproduced only if digits were cut off, which the claim does not say.
    """

    reproduced: int
    claimed: int
    largest_distance: float
    digits: float = 0.0
    cut_off: bool = False

    @property
    def complete(self) -> bool:
        """Whether every claimed number is reproduced."""
        return self.reproduced == self.claimed

    def as_reproduction(self) -> Reproduction:
        """For the answer."""
        return Reproduction(self.reproduced, self.claimed, self.largest_distance)


def fit(case: Case, told: Mapping[TensorId, torch.Tensor]) -> Fit:
    """Holds what an altered step tells against the claim."""
    reproduced = claimed = 0
    largest, cut_off = 0.0, False
    for tensor in case.claim:
        bad, gap, cut = misses(case, tensor, told[tensor.id])
        claimed += tensor.value.numel()
        reproduced += tensor.value.numel() - bad
        largest, cut_off = max(largest, gap), cut_off or cut
    digits = evidence(case, told) if reproduced == claimed else 0.0
    return Fit(reproduced, claimed, largest, digits, cut_off)


def evidence(case: Case, told: Mapping[TensorId, torch.Tensor]) -> float:
    """Decimal digits by which the claim tells `told` from the reference: the sum of log10(1 + |gap| / tolerance).

    A number that both reproduce counts for nothing.
    """
    digits = 0.0
    for tensor in case.claim:
        altered, reference = told[tensor.id].double(), case.reference[tensor.id].double()
        if altered.shape != reference.shape:
            continue
        allowed = tolerance(case, tensor, altered).clamp_min(1e-300)
        ratio = ((altered - reference).abs() / allowed).nan_to_num(0.0, posinf=1e12)
        digits += float(torch.log10(1 + ratio.clamp_max(1e12)).sum())
    return digits


def misses(case: Case, tensor: ClaimedTensor, altered: torch.Tensor) -> tuple[int, float, bool]:
    """How many claimed numbers are not reproduced, the largest distance, and whether digits must have been cut off."""
    claimed = tensor.value.double()
    if altered.shape != claimed.shape:
        return claimed.numel(), float("inf"), False
    bad = outside(claimed, altered, tolerance(case, tensor, altered))
    gap = (claimed - altered).abs().nan_to_num(0.0)
    largest = float(gap.max()) if gap.numel() else 0.0
    if bad.any() and looks_truncated(tensor, claimed, altered):
        return 0, largest, True
    return int(bad.sum()), largest, False


def tolerance(case: Case, tensor: ClaimedTensor, altered: torch.Tensor) -> torch.Tensor:
    """How far a claimed number may be from the altered one, element by element.

    The error that a dtype brings was measured on the reference; it grows with the numbers where these do.
    """
    if not isinstance(tensor.precision, ComputedIn):
        return tolerance_of(tensor.precision, tensor.id, altered, case.calibration).values
    error = case.calibration.error(tensor.id, tensor.precision.dtype)
    reference = case.reference[tensor.id].double().abs()
    size, now = _largest(reference), _largest(altered)
    growth = max(1.0, now / size) if size > 0 else 1.0
    if growth > 1.0 or size == 0:
        error = torch.maximum(error * growth, torch.full_like(error, now * torch.finfo(tensor.precision.dtype).eps))
    return calibrated_tolerance(tensor.precision.dtype, altered, error).values


def _largest(tensor: torch.Tensor) -> float:
    finite = tensor.abs().nan_to_num(0.0, posinf=0.0)
    return float(finite.max()) if finite.numel() else 0.0
