"""Functions of one variable, measured and judged by the witness's ladders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gradproof_server.engine.numeric.judge import Measure, Stated, causes_of
from gradproof_server.engine.numeric.lines import Answer, Ask, Measured, Setting, drive, listen, measure
from gradproof_server.engine.numeric.slopes import EPS, Slopes
from gradproof_server.engine.numeric.types import Array, Cause, Subject
from gradproof_server.engine.types import Verdict

Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Said:
    """What was measured of one function at a point, and what is said of a stated derivative."""

    measured: Measured
    verdict: Verdict
    cause: Cause

    @property
    def value(self) -> float:
        """The numerical derivative."""
        return float(self.measured.slopes.value[0])

    @property
    def bar(self) -> float:
        """Its bar."""
        return float(self.measured.slopes.bar[0])


def said_of(
    function: Function, point: float, stated: float, scale: float | None = None, eps: float = EPS, **known: Any
) -> Said:
    """Measures f at a point and judges a stated derivative. eps: of the dtype that f computes in. known: of the
    Measure, as noisy=True."""

    def evaluate(ask: Ask) -> Answer:
        with np.errstate(all="ignore"):
            values = np.asarray(function(point + ask.offsets), dtype=np.float64)
        return Answer(values[:, None], ask.offsets)

    line, scales = np.zeros(1, dtype=np.int64), np.array([scale or abs(point) or 1.0])
    center = evaluate(Ask(line, np.zeros(1))).values[0]
    noise = drive(listen(line, scales, eps), evaluate)
    setting = Setting(center, noise, eps, scales, np.zeros(1, dtype=bool), np.zeros((1, 1)))
    claim = Stated(Subject.CLAIM, np.array([stated]), 8 * eps * np.abs([stated]))

    def judged(slopes: Slopes) -> tuple[Array, Array]:
        return causes_of(claim, Measure(slopes, np.abs(np.nan_to_num(slopes.value)), **known))

    measured = drive(
        measure(setting, np.abs([stated]) * scales, lambda slopes: judged(slopes)[0] != int(Verdict.AGREES)), evaluate
    )
    verdicts, causes = judged(measured.slopes)
    return Said(measured, Verdict(int(verdicts[0])), Cause(int(causes[0])))
