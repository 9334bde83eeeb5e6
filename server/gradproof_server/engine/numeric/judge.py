"""Verdicts: a stated derivative beside a measured one, given how well each is known.

    gap <= bar + tolerance             and the bar narrow enough     AGREES
    gap >  DOUBT * bar + tolerance                                   DISAGREES
    otherwise                                                        INCONCLUSIVE

At a kink every value between the slopes on the two sides is a subgradient: it agrees, and the convention is told. A bar
is narrow enough where it is a small share of the derivative itself, or a hundred times smaller a share of the tensor's
largest derivative. Nothing grows with the number of elements, and a small derivative is never excused by a large one: a
gap far beyond its own bar disagrees, however small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..compare import spacing
from ..types import Verdict
from .slopes import Slopes
from .types import Array, Cause, Judgement, Subject, WitnessedValue

RESOLUTION = 1e-3
"""Widest bar, beside the derivative itself, with which anything is called right, in float64."""
OF_THE_LARGEST = 1e-2
"""The same beside the largest derivative of the tensor, as a share of the above."""

DOUBT = 3.0
"""Bars from which a gap is a wrong derivative. A bar is an estimate and rounding has tails: of millions of right
derivatives a few lie just outside of theirs."""


NEGLIGIBLE = 1e-3
"""Share of the largest change of the function by one tensor, over its scale, that another must make to count beside
it."""


@dataclass(frozen=True)
class Stated:
    """Derivatives that a subject states along L lines, and how far each may be off by its own precision [L]."""

    subject: Subject
    values: Array
    tolerance: Array
    dtype: torch.dtype = torch.float64


@dataclass(frozen=True)
class Place:
    """What a line is: its element, or the number of its direction from 1; for a Jacobian the output too."""

    index: tuple[int, ...] = ()
    direction: int = 0
    output_index: tuple[int, ...] = ()

    def __str__(self) -> str:
        where = f"direction {self.direction}" if self.direction else f"element [{', '.join(map(str, self.index))}]"
        return f"{where} of output [{', '.join(map(str, self.output_index))}]" if self.output_index else where


@dataclass(frozen=True)
class Measure:
    """Slopes of L lines and what else bears on a verdict. resolution, share: see RESOLUTION and OF_THE_LARGEST;
    wider for a smaller dtype.
    largest: [L], the largest derivative beside which a bar may be called narrow. allowed: [2, L], the least and largest
    derivative that conventions at kinks of single nodes allow; NaN where unknown. noisy: whether f repeats itself."""

    slopes: Slopes
    largest: Array
    resolution: float = RESOLUTION
    share: float = OF_THE_LARGEST
    allowed: Array | None = None
    noisy: bool = False

    def narrow(self, stated: Stated) -> Array:
        """Where the bar is narrow enough to call something right [L]."""
        size = np.maximum(np.abs(self.slopes.value), np.abs(stated.values))
        own = self.slopes.bar <= self.resolution * size
        beside = self.slopes.bar <= self.resolution * self.share * self.largest
        found: Array = (
            own | beside | (self.slopes.bar <= stated.tolerance) | (self.slopes.constant & (stated.values == 0))
        )
        return found


def causes_of(stated: Stated, measure: Measure) -> tuple[Array, Array]:
    """Verdict and cause of each line, as numbers [L]."""
    slopes, gap = measure.slopes, gaps(stated, measure)
    verdicts = np.full(len(gap), int(Verdict.INCONCLUSIVE))
    causes = np.full(len(gap), int(Cause.UNSPECIFIED))
    narrow = measure.narrow(stated)
    right = gap <= slopes.bar + stated.tolerance
    known = np.isfinite(slopes.value) & np.isfinite(slopes.bar)

    def decide(where: Array, verdict: Verdict, cause: Cause) -> None:
        verdicts[where], causes[where] = int(verdict), int(cause)

    decide(known & right & narrow, Verdict.AGREES, Cause.UNSPECIFIED)
    far = gap > DOUBT * slopes.bar + stated.tolerance
    wide = known & ~far & ~(right & narrow)
    decide(wide, Verdict.INCONCLUSIVE, Cause.ROUNDING)
    decide(wide & (slopes.rounding < 0.5 * slopes.bar), Verdict.INCONCLUSIVE, Cause.TRUNCATION)
    decide(wide & (slopes.rounding >= 0.5 * slopes.bar) & measure.noisy, Verdict.INCONCLUSIVE, Cause.NOISE)
    small = np.abs(slopes.value) <= slopes.bar
    decide(
        wide & small & (slopes.rounding >= 0.5 * slopes.bar) & (not measure.noisy),
        Verdict.INCONCLUSIVE,
        Cause.TOO_SMALL,
    )
    decide(known & far, Verdict.DISAGREES, Cause.WRONG_DERIVATIVE)
    decide(slopes.constant & (stated.values == 0), Verdict.AGREES, Cause.DEAD)
    _decide_kinks(stated, measure, decide)
    decide(slopes.jumps, Verdict.INCONCLUSIVE, Cause.JUMP)
    decide(~known & ~slopes.kinked & ~slopes.jumps, Verdict.INCONCLUSIVE, Cause.NOT_FINITE)
    decide(~np.isfinite(stated.values) & known, Verdict.DISAGREES, Cause.WRONG_DERIVATIVE)
    return verdicts, causes


def _decide_kinks(stated: Stated, measure: Measure, decide: Callable[[Array, Verdict, Cause], None]) -> None:
    slopes, slack = measure.slopes, measure.slopes.side_bar + stated.tolerance
    low, high = np.minimum(slopes.left, slopes.right) - slack, np.maximum(slopes.left, slopes.right) + slack
    between = (stated.values >= low) & (stated.values <= high)
    decide(slopes.kinked & between, Verdict.AGREES, Cause.KINK_CONVENTION)
    decide(slopes.kinked & ~between, Verdict.DISAGREES, Cause.KINK_OUTSIDE)
    if measure.allowed is not None:
        slack = slopes.bar + stated.tolerance
        with np.errstate(invalid="ignore"):
            allowed = (stated.values >= measure.allowed[0] - slack) & (stated.values <= measure.allowed[1] + slack)
        outside = slopes.kinked & ~between | ~slopes.kinked & (gaps(stated, measure) > slack)
        decide(allowed & outside, Verdict.INCONCLUSIVE, Cause.KINKS_CANCEL)


def gaps(stated: Stated, measure: Measure) -> Array:
    """|stated - numeric| [L]; at a kink the distance to the nearer of the two sides, 0 between them."""
    slopes = measure.slopes
    with np.errstate(invalid="ignore"):
        gap = np.abs(stated.values - slopes.value)
        low, high = np.minimum(slopes.left, slopes.right), np.maximum(slopes.left, slopes.right)
        outside = np.maximum(np.maximum(low - stated.values, stated.values - high), 0.0)
    gap = np.where(slopes.kinked, outside, gap)
    return np.where(np.isnan(gap), np.inf, gap)


def judge(stated: Stated, measure: Measure, places: Callable[[int], Place]) -> Judgement:
    """What is said of one subject, with the worst line. places: what line i is."""
    verdicts, causes = causes_of(stated, measure)
    if not len(verdicts):
        return Judgement(stated.subject, Verdict.AGREES, 0, 0, None, Cause.UNSPECIFIED, "")
    gap, slopes = gaps(stated, measure), measure.slopes
    with np.errstate(all="ignore"):
        score = np.nan_to_num(gap / (slopes.bar + stated.tolerance + 1e-300), nan=0.0, posinf=1e299)
    wrong, open_ = verdicts == int(Verdict.DISAGREES), verdicts == int(Verdict.INCONCLUSIVE)
    verdict = Verdict.DISAGREES if wrong.any() else Verdict.INCONCLUSIVE if open_.any() else Verdict.AGREES
    of_interest = {Verdict.DISAGREES: wrong, Verdict.INCONCLUSIVE: open_, Verdict.AGREES: _told(causes)}[verdict]
    worst = int(np.where(of_interest, score, -1.0).argmax())
    value = witnessed(stated, measure, worst, places(worst))
    cause = Cause(int(causes[worst]))
    count = int((causes == int(cause)).sum())
    text = explanation(cause, value, places(worst), count, len(verdicts)) if cause else ""
    return Judgement(stated.subject, verdict, int(wrong.sum()), int(open_.sum()), value, cause, text)


def _told(causes: Array) -> Array:
    """The lines that are told of where all agree: conventions at kinks, else dead ones, else all."""
    for cause in (Cause.KINK_CONVENTION, Cause.DEAD):
        if (causes == int(cause)).any():
            found: Array = causes == int(cause)
            return found
    return np.ones(len(causes), dtype=bool)


def witnessed(stated: Stated, measure: Measure, line: int, place: Place) -> WitnessedValue:
    """One line's numbers."""
    slopes, value = measure.slopes, float(stated.values[line])
    numeric, gap = float(slopes.value[line]), float(gaps(stated, measure)[line])
    kinked = bool(slopes.kinked[line])
    return WitnessedValue(
        index=place.index,
        direction=place.direction,
        stated=value,
        numeric=numeric,
        bar=float(slopes.bar[line]),
        tolerance=float(stated.tolerance[line]),
        gap=gap,
        ulps=gap / spacing(numeric, stated.dtype),
        smallest_step=float(slopes.smallest[line]),
        largest_step=float(slopes.largest[line]),
        left=float(slopes.left[line]) if kinked else numeric,
        right=float(slopes.right[line]) if kinked else numeric,
        output_index=place.output_index,
    )


def explanation(cause: Cause, value: WitnessedValue, place: Place, count: int, lines: int) -> str:
    """A cause in words, with the numbers."""
    steps = f"over steps from {value.largest_step:.2g} down to {value.smallest_step:.2g}"
    texts = {
        Cause.WRONG_DERIVATIVE: f"{place}: {steps} the slope holds at {value.numeric:.10g} ± {value.bar:.2g}; "
        + (
            f"the stated {value.stated:.10g} is {value.gap:.3g} away. The derivative is wrong, not the step."
            if math.isfinite(value.stated)
            else f"{value.stated} is stated."
        ),
        Cause.TRUNCATION: f"{place}: the slope still moves by {value.bar:.2g} where rounding takes over; nothing finer "
        "can be said of it.",
        Cause.ROUNDING: f"{place}: rounding of the function's values leaves {value.bar:.2g} of doubt about a slope of "
        f"{value.numeric:.3g}.",
        Cause.NOISE: f"{place}: the function gives other values when asked again; that leaves {value.bar:.2g} of doubt "
        f"about a slope of {value.numeric:.3g}.",
        Cause.KINK_CONVENTION: f"{count} of {lines} sit on a kink: {place} has slopes {value.left:.6g} on the "
        f"left and {value.right:.6g} on the right. The stated {value.stated:.6g} lies between: right by convention.",
        Cause.KINK_OUTSIDE: f"{place} sits on a kink: the slopes are {value.left:.10g} on the left and "
        f"{value.right:.10g} on the right, and the stated {value.stated:.10g} lies outside of them.",
        Cause.JUMP: f"{place}: the function jumps there; it has no derivative.",
        Cause.NOT_FINITE: f"{place}: the function has no finite values close to the point on both sides.",
        Cause.DEAD: f"{count} of {lines} do not change the function at all (a severed graph, dead units, or "
        "a constant); their derivative is exactly 0.",
        Cause.TOO_SMALL: f"{place}: the slope is 0 within {value.bar:.2g}, as the stated {value.stated:.2g} is: at an "
        "optimum, or as good as dead. Displace the point to see more.",
        Cause.KINKS_CANCEL: f"{place}: several values sit on kinks that cancel in the sum. The function has the "
        f"slope {value.numeric:.10g} there; {value.stated:.10g} follows from the derivatives taken at each kink.",
    }
    text = texts[cause]
    return text[0].upper() + text[1:]
