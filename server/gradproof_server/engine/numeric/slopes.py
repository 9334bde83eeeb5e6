"""Derivatives of many functions of one variable at once, from their values on a ladder of steps, with error bars.

With f(t) known at 0 and at ±h_k, h_k = h_0 / r^k:

    D_k          = (f(h_k) - f(-h_k)) / (2 h_k)                       central difference, error c_2 h² + c_4 h⁴ + ...
    T_k,m        = T_k,m-1 + (T_k,m-1 - T_k-1,m-1) / (r^(2m) - 1)     Richardson's extrapolation, T_k,0 = D_k
    truncation   = max(|T_k,m - T_k,m-1|, |T_k,m - T_k-1,m-1|)        the errors of what T_k,m improves on
                   and what of |T_k,m - T_k+1,m|, |T_k,m - T_k+2,m|
                   the rounding of those finer ones does not explain
    rounding     = noise / h_k, carried through the extrapolation
    bar          = truncation + rounding, least over all k and m

The slopes on the right and on the left come from (f(±h_k) - f(0)) / ±h_k in the same way, in powers of h instead of h².
No stated derivative enters anywhere. (L. F. Richardson 1911; C. J. F. Ridders 1982, for choosing by self-consistency.)
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .types import Array

DEPTH = 3
"""Most extrapolations on top of each other: more would rest on ever larger steps."""
KINK_SIGNIFICANCE = 4.0
"""Bars by which the slopes on the two sides must differ to be told apart."""
SMOOTH_SHARE = 0.3
"""Share of the second difference that may be left after its leading term is taken away, for a smooth function."""
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Ladder:
    """Values of L functions on K falling steps. Arrays of float64.

    steps: [L, K], > 0, each `ratio` times smaller than the one before. up, down: [L, K], f(h) and f(-h), not finite
    where f has no value. center: [L], f(0). noise: [L], how far one value may be off. blur: [L], how far t may be off
    by points being rounded.
    """

    steps: Array
    up: Array
    down: Array
    center: Array
    noise: Array
    blur: Array
    ratio: float

    def of(self, lines: Array) -> Ladder:
        """That of some lines (positions)."""
        steps, up, down, center, noise, blur = (
            array[lines] for array in (self.steps, self.up, self.down, self.center, self.noise, self.blur)
        )
        return Ladder(steps, up, down, center, noise, blur, self.ratio)

    @property
    def central(self) -> Array:
        """Central differences [L, K]."""
        found: Array = (self.up - self.down) / (2 * self.steps)
        return found

    @property
    def rounding(self) -> Array:
        """How far rounding may have moved each central difference [L, K]."""
        largest = np.maximum(np.abs(self.up), np.abs(self.down))
        noise = np.maximum(self.noise[:, None], EPS * np.where(np.isfinite(largest), largest, 0.0))
        moved = np.fmax(np.abs(self.up - self.center[:, None]), np.abs(self.down - self.center[:, None]))
        misplaced = self.blur[:, None] / self.steps * np.where(np.isfinite(moved), moved, 0.0)
        return (noise + misplaced) / self.steps + EPS * np.abs(self.central)


@dataclass(frozen=True)
class Slopes:
    """What is known of L derivatives. Arrays [L]: value and bar; the slopes on either side with their bars; the
    smallest and largest step that the value rests on; and what kind of point it is."""

    value: Array
    bar: Array
    rounding: Array
    left: Array
    right: Array
    side_bar: Array
    smallest: Array
    largest: Array
    kinked: Array
    jumps: Array
    constant: Array

    def of(self, lines: slice) -> Slopes:
        """Those of some lines."""
        return Slopes(*(getattr(self, field.name)[lines] for field in fields(self)))

    def replaced(self, where: Array, other: Slopes) -> Slopes:
        """With the lines `where` (positions) taken from `other`, which has as many."""
        changed = {}
        for field in fields(self):
            array = getattr(self, field.name).copy()
            array[where] = getattr(other, field.name)
            changed[field.name] = array
        return Slopes(**changed)


@dataclass(frozen=True)
class _Best:
    value: Array
    bar: Array
    rounding: Array
    smallest: Array
    largest: Array


def slopes_of(ladder: Ladder) -> Slopes:
    """Derivatives, bars and kinds of the functions; where nothing finite is known the bar is infinite."""
    with np.errstate(all="ignore"):
        best = _extrapolate(ladder.central, ladder.rounding, ladder.steps, ladder.ratio, 2)
        left, right, side_bar = best.value.copy(), best.value.copy(), 2 * best.bar
        bent = np.flatnonzero(_bends(ladder))
        left[bent], right[bent], side_bar[bent] = _sides(ladder.of(bent))
        apart = np.abs(right - left)
        return Slopes(
            value=best.value,
            bar=best.bar,
            rounding=best.rounding,
            left=left,
            right=right,
            side_bar=side_bar,
            smallest=best.smallest,
            largest=best.largest,
            kinked=(apart > KINK_SIGNIFICANCE * side_bar) & np.isfinite(side_bar),
            jumps=_jumps(ladder),
            constant=(ladder.up == ladder.center[:, None]).all(1) & (ladder.down == ladder.center[:, None]).all(1),
        )


def _sides(ladder: Ladder) -> tuple[Array, Array, Array]:
    """Slopes on the left and on the right, and their bars together, [L] each."""
    rounding, center = 2 * ladder.rounding, ladder.center[:, None]
    right = _extrapolate((ladder.up - center) / ladder.steps, rounding, ladder.steps, ladder.ratio, 1)
    left = _extrapolate((center - ladder.down) / ladder.steps, rounding, ladder.steps, ladder.ratio, 1)
    return left.value, right.value, right.bar + left.bar


def _extrapolate(first: Array, rounding: Array, steps: Array, ratio: float, power: int) -> _Best:
    """The best entry of the extrapolation table of each line; `first` [L, K] has an error in powers of h^power."""
    lines, rungs = first.shape
    best = _Best(*(np.full(lines, fill) for fill in (np.nan, np.inf, np.inf, np.nan, np.nan)))
    before, noise = first, rounding
    for m in range(1, min(DEPTH, rungs - 1) + 1):
        weight = ratio ** (power * m) - 1
        fine, coarse = before[:, 1:], before[:, :-1]
        table = fine + (fine - coarse) / weight
        noise = noise[:, 1:] + (noise[:, 1:] + noise[:, :-1]) / weight
        truncation = np.maximum(np.abs(table - fine), np.abs(table - coarse))
        bar = np.maximum(truncation, _contradiction(table, noise)) + noise
        bar = np.where(np.isfinite(bar), bar, np.inf)
        k = bar.argmin(1)
        rows = np.arange(lines)
        better = bar[rows, k] < best.bar
        found = _Best(table[rows, k], bar[rows, k], noise[rows, k], steps[rows, k + m], steps[rows, k])
        best = _Best(*(np.where(better, getattr(found, f.name), getattr(best, f.name)) for f in fields(_Best)))
        before = table
    return best


def _contradiction(table: Array, noise: Array) -> Array:
    """How far the next two finer entries are from each entry, beyond their own rounding; the finest has none."""
    most = np.zeros_like(table)
    for finer in (1, 2):
        gap = np.abs(table[:, :-finer] - table[:, finer:]) - noise[:, finer:]
        most[:, :-finer] = np.fmax(most[:, :-finer], gap)
    return most


def _bends(ladder: Ladder) -> Array:
    """Whether the second difference over h goes to a constant, as at a kink, and not to 0 like h, as without one."""
    apart = (ladder.up + ladder.down - 2 * ladder.center[:, None]) / ladder.steps
    kink = (ladder.ratio * apart[:, 1:] - apart[:, :-1]) / (ladder.ratio - 1)
    floor = 4 * ladder.rounding[:, 1:] * (ladder.ratio + 1) / (ladder.ratio - 1)
    bent = (np.abs(kink) > SMOOTH_SHARE * np.abs(apart[:, 1:])) & (np.abs(kink) > floor)
    seen = np.isfinite(kink) & (np.abs(apart[:, 1:]) > floor)
    found: Array = (bent & seen).any(1) & (bent | ~seen).all(1)
    return found


def looks_bent(ladder: Ladder) -> Array:
    """Whether any two neighbouring steps show a kink nearby, [L]."""
    with np.errstate(all="ignore"):
        apart = (ladder.up + ladder.down - 2 * ladder.center[:, None]) / ladder.steps
        kink = (ladder.ratio * apart[:, 1:] - apart[:, :-1]) / (ladder.ratio - 1)
        floor = 4 * ladder.rounding[:, 1:] * (ladder.ratio + 1) / (ladder.ratio - 1)
        found: Array = ((np.abs(kink) > SMOOTH_SHARE * np.abs(apart[:, 1:])) & (np.abs(kink) > floor)).any(1)
        return found


def _jumps(ladder: Ladder) -> Array:
    """Whether f(±h) - f(0) stays as large while the step becomes `ratio`³ times smaller, on either side."""
    if ladder.steps.shape[1] < 4:
        return np.zeros(len(ladder.steps), dtype=bool)
    jumps = np.zeros(len(ladder.steps), dtype=bool)
    for side in (ladder.up, ladder.down):
        moved = np.abs(side - ladder.center[:, None])
        late, early = moved[:, -1], moved[:, -4]
        jumps |= (late > 0.7 * early) & (late > 8 * ladder.noise + 8 * EPS * np.abs(ladder.center)) & np.isfinite(early)
    return jumps


def noise_of(values: Array) -> float:
    """Standard deviation of the rounding in values on a short equidistant line, by a table of differences.

    Differences of order k of smooth values vanish, those of noise have variance σ² (2k)! / (k!)². The largest of
    the orders 2 to 5 is taken. (R. W. Hamming 1971; J. Moré and S. Wild 2011.) values: [n], n >= 7.
    """
    found, factor, table = [], 1.0, np.asarray(values, dtype=np.float64)
    for order in range(1, 6):
        table = np.diff(table)
        factor *= order / (2.0 * (2 * order - 1))
        if order >= 2:
            found.append(float(np.sqrt(factor * np.mean(table**2))))
    return max(found)
