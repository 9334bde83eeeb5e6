"""Tolerances: how far a right number may be from the reference, element by element, given the claim's precision.

printed      |c - r| <= (1/2 + 1e-6) * 10^-digits, or one unit where the digits were cut off
explicit     |c - r| <= absolute + relative * |r|
calibrated   |c - r| <= 8 E + 8 eps |r| + 8 tiny, where E is the largest |x - r| over the same problem run in the
             claim's dtype and run in float64 with inputs, targets and parameters disturbed by that dtype's rounding
             (relative eps / 2, random signs), element by element; eps is the dtype's spacing at 1, tiny its smallest
             number.
Nothing here grows with the number of elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from .run import never, run
from .tensors import dtype_name
from .training import StepData, Training
from .types import (
    ComputedIn,
    InvalidProblemError,
    Precision,
    PrintedDecimals,
    Rounding,
    ShouldStop,
    TensorId,
    Tolerances,
    ToleranceSource,
)
from .wanted import Wanted

SAFETY = 8.0
SLACK = 1e-6
"""Share of a unit that a printed number may be beyond its half, for the rounding of the caller's own computation."""
DISTURBED_RUNS = 8
DISTURBED_RUNS_WHEN_LARGE = 2
LARGE_FLOPS = 10**8


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
    return Tolerance(torch.full_like(reference, value), source, text)


def explicit_tolerance(precision: Tolerances, reference: torch.Tensor) -> Tolerance:
    """absolute + relative * |reference|."""
    values = precision.absolute + precision.relative * reference.abs()
    text = f"{precision.absolute:g} + {precision.relative:g} * |reference|, as given"
    return Tolerance(values.nan_to_num(0.0), ToleranceSource.EXPLICIT, text)


def calibrated_tolerance(dtype: torch.dtype, reference: torch.Tensor, error: torch.Tensor) -> Tolerance:
    """From the measured error of the same problem in that dtype; the floor is 8 units in the last place."""
    info = torch.finfo(dtype)
    values = SAFETY * (error + info.eps * reference.abs() + info.smallest_normal * info.eps)
    largest = float(error.max()) if error.numel() else 0.0
    text = f"8 * ({largest:.2g} measured in {dtype_name(dtype)}, largest element) + 8 * {info.eps:.2g} * |reference|"
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
        """Largest |x - reference| of the tensor's elements over the runs; its shape, float64."""
        if dtype not in self._errors:
            self._errors[dtype] = self._measure(dtype)
        return self._errors[dtype][id]

    def _measure(self, dtype: torch.dtype) -> dict[TensorId, torch.Tensor]:
        ids = frozenset(self._reference)
        errors = {id: torch.zeros(t.shape, dtype=torch.float64) for id, t in self._reference.items()}
        for training in self._runs(dtype):
            try:
                outcome = run(training, Wanted(ids=ids), self._should_stop)
            except InvalidProblemError:
                continue  # PyTorch lacks this operation in that dtype; the disturbed runs remain
            for id, tensor in outcome.tensors.items():
                if id in errors:
                    gap = (tensor.double() - self._reference[id].double()).abs().nan_to_num(0.0, posinf=0.0)
                    errors[id] = torch.maximum(errors[id], gap)
        return errors

    def _runs(self, dtype: torch.dtype) -> list[Training]:
        large = self._training.flops * len(self._training.steps) > LARGE_FLOPS
        count = DISTURBED_RUNS_WHEN_LARGE if large else DISTURBED_RUNS
        disturbed = [disturb(self._training, dtype, seed) for seed in range(count)]
        if self._training.program.draws_random_numbers and self._training.train:
            return disturbed  # masks drawn in another dtype would be other masks
        return [replace(self._training, dtype=dtype), *disturbed]


def disturb(training: Training, dtype: torch.dtype, seed: int) -> Training:
    """The training in float64 with every floating number of its data changed by a relative eps / 2 of `dtype`."""
    generator = torch.Generator().manual_seed(seed)
    size = torch.finfo(dtype).eps / 2

    def shaken(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: _shake(tensor, size, generator) for name, tensor in tensors.items()}

    steps = tuple(StepData(shaken(s.inputs), shaken(s.targets), s.lr) for s in training.steps)
    parameters = shaken(training.parameters_before)
    buffers = shaken(training.buffers_before)
    return replace(training, steps=steps, parameters_before=parameters, buffers_before=buffers, dtype=torch.float64)


def _shake(tensor: torch.Tensor, size: float, generator: torch.Generator) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    signs = torch.randint(0, 2, tensor.shape, generator=generator, dtype=torch.int8).double() * 2 - 1
    return tensor.double() * (1 + size * signs)


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


def change_tolerance(
    precision: Precision, tolerance: Tolerance, claimed: torch.Tensor, change: torch.Tensor, dtype: torch.dtype
) -> Tolerance:
    """The tolerance of new minus old.

    An explicit relative tolerance holds for the change and not for the parameter, plus the rounding of the claimed
    number itself; the other tolerances are absolute and stay.
    """
    if not isinstance(precision, Tolerances):
        return tolerance
    spacing = torch.finfo(dtype).eps * claimed.abs()
    values = precision.absolute + precision.relative * change.abs() + spacing
    text = f"{precision.absolute:g} + {precision.relative:g} * |change| + the rounding of {dtype_name(dtype)}"
    return Tolerance(values.nan_to_num(0.0), ToleranceSource.EXPLICIT, text)
