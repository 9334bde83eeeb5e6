"""Tolerances: how far a right number may be from the reference, element by element, given the claim's precision.

printed      |c - r| <= (1/2 + 1e-6) * 10^-digits + 8 eps |r|, or one unit where the digits were cut off; eps is that
             of float64, which has no more decimals for large numbers. Where that is exceeded by
             less than 1e-5 of the tensor's largest number, or after a step of an adaptive optimizer, the calibrated
             tolerance of float64 is added
explicit     |c - r| <= absolute + relative * |r|
calibrated   |c - r| <= 8 E + 2 F + 8 eps |r| + 8 tiny + S max |r|. S max |r| is what the order of a sum can leave where
             its terms cancel: S is float32's eps, in which sums are kept at least, and 8 eps for float64. E is |x - r|
             of the same problem run in the claim's dtype; F the largest |x - r| of runs in float64 with the data and
             the result of every operation moved by 4 times eps / 2, up or down by chance, and rounded to that dtype.
             eps is the dtype's spacing at 1, tiny its smallest number. F is what a coarser rounding does and not a
             multiple of what the rounding does, so that jumps near by are met: a kink, or the sign of a gradient near
             zero that an adaptive optimizer follows.
             Where E + F / 4 exceeds a whole tensor (of an updated parameter, its change), eight times its largest
             holds for all elements.
Nothing here grows with the number of elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch

from .rounding import rounding
from .run import never, run
from .tensors import dtype_name
from .training import Training
from .types import (
    Claim,
    ComputedIn,
    InvalidProblemError,
    Outcome,
    Precision,
    PrintedDecimals,
    Quantity,
    Rounding,
    ShouldStop,
    TensorId,
    Tolerances,
    ToleranceSource,
)
from .wanted import Wanted

SAFETY = 8.0
COARSENESS = 4.0
"""How much of the safety is taken by coarser rounding, so that jumps near a number are met; the rest is a factor."""
SLACK = 1e-6
"""Share of a unit that a printed number may be beyond its half, for the rounding of the caller's own computation."""
ROUNDED_RUNS = 16
ROUNDED_RUNS_WHEN_LARGE = 4
LARGE_FLOPS = 10**8
Run: TypeAlias = tuple[Training, AbstractContextManager[object]]
"""A training, and what is entered while it runs."""


@dataclass(frozen=True)
class Tolerance:
    """Tolerances of a tensor's elements (its shape, float64), where they came from, and the formula in words."""

    values: torch.Tensor
    source: ToleranceSource
    text: str


def printed_tolerance(precision: PrintedDecimals, reference: torch.Tensor, truncated: bool) -> Tolerance:
    """Half a unit of the last printed digit, or one unit where it was truncated."""
    unit = 10.0**-precision.digits
    value = unit * ((1.0 if truncated else 0.5) + SLACK)
    source = ToleranceSource.TRUNCATED if truncated else ToleranceSource.PRINTED
    half = "one unit" if truncated else "half a unit"
    how = "truncated" if truncated else "printed"
    text = f"{unit if truncated else unit / 2:.2g}: {half} of the last of {precision.digits} {how} decimals"
    own = SAFETY * torch.finfo(torch.float64).eps * reference.abs().nan_to_num(0.0, posinf=0.0)
    return Tolerance(value + own, source, text)


def explicit_tolerance(precision: Tolerances, reference: torch.Tensor) -> Tolerance:
    """absolute + relative * |reference|."""
    values = precision.absolute + precision.relative * reference.abs()
    text = f"{precision.absolute:g} + {precision.relative:g} * |reference|, as given"
    return Tolerance(values.nan_to_num(0.0), ToleranceSource.EXPLICIT, text)


def calibrated_tolerance(dtype: torch.dtype, reference: torch.Tensor, error: torch.Tensor) -> Tolerance:
    """From the measured error of the same problem in that dtype; the floor is 8 units in the last place."""
    info = torch.finfo(dtype)
    size = reference.abs().nan_to_num(0.0, posinf=0.0)
    summed = SAFETY * info.eps if dtype is torch.float64 else min(info.eps, torch.finfo(torch.float32).eps)
    order = summed * (float(size.max()) if size.numel() else 0.0)
    values = SAFETY * (error + info.eps * reference.abs() + info.smallest_normal * info.eps) + order
    largest = float(error.max()) if error.numel() else 0.0
    text = (
        f"8 * ({largest:.2g} measured in {dtype_name(dtype)}, largest element) + 8 * {info.eps:.2g} * |reference| + "
        f"{order:.2g}"
    )
    return Tolerance(values.nan_to_num(0.0, posinf=0.0), ToleranceSource.CALIBRATED, text)


def is_truncated(precision: Precision) -> bool:
    """Whether the claim says that digits were cut off."""
    return isinstance(precision, PrintedDecimals) and precision.rounding is Rounding.TRUNCATED


class Calibration:
    """Errors that the claims' dtypes bring with them, measured when first asked for.

    Rather than a bound by analysis: what the dtype does to this very problem.
    """

    def __init__(
        self, training: Training, reference: Mapping[TensorId, torch.Tensor], should_stop: ShouldStop = never
    ) -> None:
        self._training, self._reference, self._should_stop = training, reference, should_stop
        self._errors: dict[torch.dtype, dict[TensorId, torch.Tensor]] = {}

    def error(self, id: TensorId, dtype: torch.dtype) -> torch.Tensor:
        """E + F / 4 of the tensor's elements; its shape, float64."""
        if dtype not in self._errors:
            self._errors[dtype] = self._measure(dtype)
        return self._errors[dtype][id]

    def _measure(self, dtype: torch.dtype) -> dict[TensorId, torch.Tensor]:
        own, rounded = self._farthest(self._own_run(dtype)), self._farthest(self._rounded_runs(dtype))
        return {
            id: even_where_swamped(own[id] + rounded[id] / COARSENESS, self._moved(id, reference))
            for id, reference in self._reference.items()
        }

    def _moved(self, id: TensorId, reference: torch.Tensor) -> torch.Tensor:
        """The reference; of an updated parameter its change."""
        return reference - self._training.parameters_before[id.name] if id.quantity is Quantity.UPDATED else reference

    def _farthest(self, runs: Iterable[Run]) -> dict[TensorId, torch.Tensor]:
        """The largest distances of some runs, element by element."""
        wanted = Wanted(ids=frozenset(self._reference))
        gaps = {id: torch.zeros(t.shape, dtype=torch.float64) for id, t in self._reference.items()}
        for training, context in runs:
            try:
                with context:
                    outcome = run(training, wanted, self._should_stop)
            except InvalidProblemError:
                continue  # PyTorch lacks this operation in that dtype; the rounded runs remain
            for id, reference in self._reference.items():
                gap = (outcome.tensors[id].double() - reference.double()).abs().nan_to_num(0.0, posinf=0.0)
                gaps[id] = torch.maximum(gaps[id], gap)
        return gaps

    def _own_run(self, dtype: torch.dtype) -> Iterator[Run]:
        """In the dtype itself, but where masks are drawn: they would be other ones."""
        if not (self._training.program.draws_random_numbers and self._training.train):
            yield replace(self._training, dtype=dtype), nullcontext()

    def _rounded_runs(self, dtype: torch.dtype) -> Iterator[Run]:
        """In float64, rounded by chance, more coarsely than by the dtype."""
        training = replace(self._training, dtype=torch.float64)
        large = training.flops * len(training.steps) > LARGE_FLOPS
        for seed in range(ROUNDED_RUNS_WHEN_LARGE if large else ROUNDED_RUNS):
            yield training, rounding(dtype, seed, COARSENESS)


def calibration_of(training: Training, outcome: Outcome, claim: Claim, should_stop: ShouldStop = never) -> Calibration:
    """The calibration for the claimed tensors of which the outcome holds the references."""
    reference = {tensor.id: outcome.tensors[tensor.id] for tensor in claim if tensor.id in outcome.tensors}
    return Calibration(training, reference, should_stop)


def even_where_swamped(error: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """The errors; eight times the largest everywhere where it exceeds all of the tensor.

    Such a tensor has no digit in that dtype: which elements the rounding hits, and how far, is chance.
    """
    if error.numel() and float(error.max()) > float(moved.double().abs().max()):
        return torch.full_like(error, SAFETY * float(error.max()))
    return error


def tolerance_of(
    precision: Precision, id: TensorId, reference: torch.Tensor, calibration: Calibration, truncated: bool = False
) -> Tolerance:
    """The tolerance of a tensor claimed with that precision; `reference` in float64."""
    if isinstance(precision, PrintedDecimals):
        return printed_tolerance(precision, reference, truncated or is_truncated(precision))
    if isinstance(precision, Tolerances):
        return explicit_tolerance(precision, reference)
    assert isinstance(precision, ComputedIn)
    return calibrated_tolerance(precision.dtype, reference, calibration.error(id, precision.dtype))


def with_rounding(tolerance: Tolerance, id: TensorId, reference: torch.Tensor, calibration: Calibration) -> Tolerance:
    """A tolerance of printed digits, widened by the measured rounding of float64, in which they were computed."""
    rounding = calibrated_tolerance(torch.float64, reference, calibration.error(id, torch.float64))
    largest = float(rounding.values.max())
    text = f"{tolerance.text}, and up to {largest:.2g} for the rounding of float64"
    return Tolerance(tolerance.values + rounding.values, tolerance.source, text)


def change_tolerance(
    precision: Precision, tolerance: Tolerance, claimed: torch.Tensor, change: torch.Tensor, dtype: torch.dtype
) -> Tolerance:
    """The tolerance of new minus old.

    An explicit relative tolerance holds for the change and not for the parameter, plus the rounding of the claimed
    number itself, of which integers and booleans have none; the other tolerances are absolute and stay.
    """
    if not isinstance(precision, Tolerances):
        return tolerance
    spacing = (torch.finfo(dtype).eps if dtype.is_floating_point else 0.0) * claimed.abs()
    values = precision.absolute + precision.relative * change.abs() + spacing
    text = f"{precision.absolute:g} + {precision.relative:g} * |change| + the rounding of {dtype_name(dtype)}"
    return Tolerance(values.nan_to_num(0.0), ToleranceSource.EXPLICIT, text)
