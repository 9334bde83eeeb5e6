"""How well altered numbers reproduce the claimed ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ..compare import looks_truncated, outside
from ..tolerance import calibrated_tolerance, tolerance_of
from ..types import ClaimedTensor, ComputedIn, Quantity, Reproduction, TensorId
from .case import Case

SCALED = frozenset({Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.NODE_GRADIENT, Quantity.UPDATED})
"""Quantities that a factor of the loss scales, under plain gradient descent."""


@dataclass(frozen=True)
class Fit:
    """How many of the claimed numbers an altered step reproduces.

    tensors: the claimed tensors that it reproduces whole. scaled: numbers that it reproduces if all gradients and steps
    are multiplied by one factor. distance: root mean square of the gap that remains after that factor, each tensor's
    relative to its own size. digits: decimal digits by which the claim tells the altered numbers from the reference.
    """

    tensors: frozenset[TensorId]
    reproduced: int
    claimed: int
    largest_distance: float
    scaled: int = 0
    distance: float = float("inf")
    digits: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every claimed number is reproduced."""
        return self.reproduced == self.claimed

    def as_reproduction(self) -> Reproduction:
        """For the answer."""
        return Reproduction(self.reproduced, self.claimed, self.largest_distance)


def fit(case: Case, told: Mapping[TensorId, torch.Tensor]) -> Fit:
    """Holds what an altered step tells against the claim."""
    fitting: set[TensorId] = set()
    reproduced = claimed = 0
    largest = 0.0
    for tensor in case.claim:
        bad, gap = misses(case, tensor, told[tensor.id])
        claimed += tensor.value.numel()
        reproduced += tensor.value.numel() - bad
        largest = max(largest, gap)
        if not bad:
            fitting.add(tensor.id)
    if reproduced == claimed:
        return Fit(frozenset(fitting), reproduced, claimed, largest, claimed, 0.0, evidence(case, told))
    scaled, distance = scaled_fit(case, told)
    return Fit(frozenset(fitting), reproduced, claimed, largest, scaled, distance)


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


def scaled_fit(case: Case, told: Mapping[TensorId, torch.Tensor]) -> tuple[int, float]:
    """Numbers reproduced with one common factor of gradients and steps, and the remaining relative distance."""
    alike = (t for t in case.claim if t.id.quantity in SCALED and told[t.id].shape == t.value.shape)
    pairs = [(t, case.moved(t.id, t.value), case.moved(t.id, told[t.id])) for t in alike]
    dot = sum(float((c * a).sum()) for _, c, a in pairs)
    norm = sum(float((a * a).sum()) for _, _, a in pairs)
    if not pairs or norm == 0 or not math.isfinite(dot) or dot == 0:
        return 0, float("inf")
    factor, count, gaps = dot / norm, 0, []
    for tensor, claimed, altered in pairs:
        allowed = tolerance(case, tensor, altered) * max(1.0, abs(factor))
        count += int((~outside(claimed, factor * altered, allowed)).sum())
        size = float(claimed.norm()) or 1.0
        gaps.append(float((claimed - factor * altered).norm()) / size)
    return count, math.sqrt(sum(gap * gap for gap in gaps) / len(gaps))


def misses(case: Case, tensor: ClaimedTensor, altered: torch.Tensor) -> tuple[int, float]:
    """How many claimed numbers the altered ones do not reproduce, and the largest distance."""
    claimed = tensor.value.double()
    if altered.shape != claimed.shape:
        return claimed.numel(), float("inf")
    bad = outside(claimed, altered, tolerance(case, tensor, altered))
    gap = (claimed - altered).abs().nan_to_num(0.0)
    largest = float(gap.max()) if gap.numel() else 0.0
    if bad.any() and looks_truncated(tensor, claimed, altered):
        return 0, largest
    return int(bad.sum()), largest


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
