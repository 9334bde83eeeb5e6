"""Published error bars side by side: numdifftools, SciPy and the witness, where the true derivative is known."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .bars import Function, read
from .functions import Array


@dataclass(frozen=True)
class Case:
    """A function of one variable, a point, and the derivative there; NaN at a kink. Values in `dtype`."""

    name: str
    function: Function
    point: float
    derivative: float
    dtype: Any = np.float64


@dataclass(frozen=True)
class Claimed:
    """What a tool says of a case: its derivative, the error that it claims, and a word."""

    value: float
    error: float
    said: str


def _noisy_sine() -> Function:
    rng = np.random.default_rng(0)
    return lambda x: np.sin(x) + 1e-6 * rng.standard_normal(np.shape(x))


def _ramp(x: Array) -> Array:
    return np.asarray(np.maximum(x, 0))


CASES: Sequence[Case] = (
    Case("exp at 1", np.exp, 1.0, math.e),
    Case("sin + 1e8 at 0.7", lambda x: np.sin(x) + 1e8, 0.7, math.cos(0.7)),
    Case("sin + noise 1e-6 at 0.7", _noisy_sine(), 0.7, math.cos(0.7)),
    Case("exp in float32 at 1", np.exp, 1.0, math.e, np.float32),
    Case("sin(1e6 x) at 3e-7", lambda x: np.sin(1e6 * x), 3e-7, 1e6 * math.cos(0.3)),
    Case("ReLU at 0", _ramp, 0.0, math.nan),
    Case("ReLU at 1e-3", _ramp, 1e-3, 1.0),
)


def by_witness(case: Case) -> Claimed:
    """The measured derivative, the bar, and the verdict on the true derivative (on 0.5 at a kink)."""
    stated = 0.5 if math.isnan(case.derivative) else case.derivative
    reading = read(case.function, case.point, abs(case.point) or 1.0, stated, case.dtype)
    slopes = reading.slopes
    value, bar = float(slopes.value[0]), float(slopes.bar[0])
    said = f"{reading.verdict.name.lower()} {reading.cause.name.lower() if reading.cause else ''}".strip()
    if slopes.kinked[0]:
        return Claimed(math.nan, math.nan, f"{said}: slopes {slopes.left[0]:.3g} and {slopes.right[0]:.3g}")
    return Claimed(value, bar, said)


def by_numdifftools(case: Case) -> Claimed:
    """`Derivative(full_output=True)` with its defaults (0.11)."""
    import numdifftools

    found = numdifftools.Derivative(_in_dtype(case), full_output=True)(case.point)
    return Claimed(float(found.estimate), float(np.max(found.error_estimate)), "")


def by_scipy(case: Case) -> Claimed:
    """`scipy.differentiate.derivative` with its defaults."""
    from scipy.differentiate import derivative

    found = derivative(_in_dtype(case), np.float64(case.point))
    return Claimed(float(found.df), float(found.error), "success" if found.success else "no success")


def _in_dtype(case: Case) -> Callable[[Any], Any]:
    return lambda x: np.asarray(case.function(np.asarray(x, dtype=case.dtype)), dtype=np.float64)


TOOLS: dict[str, Callable[[Case], Claimed]] = {
    "witness": by_witness,
    "numdifftools": by_numdifftools,
    "SciPy": by_scipy,
}


def side_by_side() -> list[tuple[Case, dict[str, Claimed]]]:
    """Every case by every tool that is installed."""
    rows = []
    for case in CASES:
        said = {}
        for name, tool in TOOLS.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    said[name] = tool(case)
                except ImportError:
                    continue
        rows.append((case, said))
    return rows
