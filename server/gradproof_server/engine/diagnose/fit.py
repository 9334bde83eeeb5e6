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
    """Of the claimed tensors, which ones the altered step reproduces, and of their numbers how many.

    scaled: numbers that it reproduces up to one common factor of all gradients and steps, `factor`.
    """

    tensors: frozenset[TensorId]
    reproduced: int
    claimed: int
    largest_distance: float
    scaled: int = 0
    factor: float = 1.0

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
    distance = 0.0
    for tensor in case.claim:
        bad, gap = misses(case, tensor, told[tensor.id])
        claimed += tensor.value.numel()
        reproduced += tensor.value.numel() - bad
        distance = max(distance, gap)
        if not bad:
            fitting.add(tensor.id)
    return Fit(frozenset(fitting), reproduced, claimed, distance)


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
