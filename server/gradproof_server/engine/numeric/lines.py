"""Measures derivatives along lines: which points to evaluate, first a few, then more where they do not settle it.

Lines are what a witness looks along: x + t·d, d being an element's axis or a random direction. All are first measured
on three steps; those that stay unclear on a long ladder. Nothing here knows what the function is: points go out
as `Ask`, values come back.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

import numpy as np
import torch

from .slopes import Ladder, Slopes, looks_bent, noise_of, slopes_of
from .types import Array

T = TypeVar("T")
E = TypeVar("E")
S = TypeVar("S")
SUBNORMAL = {
    float(info.eps): float(info.smallest_normal * info.eps)
    for info in map(torch.finfo, (torch.float64, torch.float32, torch.float16, torch.bfloat16))
}
"""Spacing of the smallest numbers of a dtype, by its spacing at 1: what is less is 0."""
RATIO = 4.0
SCREEN_RUNGS = 3
ABOVE = 16.0
"""How far above the screening step the long ladder begins."""
ABOVE_GUESSED = 4096.0
"""The same where nothing is known of the variable's scale: a tensor of zeros."""
LOWEST = 64.0
"""Units in the last place of the scale below which no step goes."""
MOST_RUNGS = 24
NOISE_POINTS = 18
"""Of each line, half of them on either side of the point."""
NOISE_SAFETY = 4.0
COARSE = 1e-4
"""Spacing at 1 above which a dtype is coarse: its values stand on steps, and near ones tell too little of rounding."""
COARSE_SAFETY = 8.0
NOISE_STEP = 2.0**10 * 1.618033988749895
"""Spacing of the points that noise is measured on, in units in the last place of the scale: no power of 2, so that
points are rounded as those of the ladder are."""
LARGEST_NOISE_STEP = 1e-3
"""The same beside the scale itself, for small dtypes; one unit in the last place at least."""
MOST_RELATIVE_NOISE = 0.03
"""Noise beside the function's change from which steps do not grow any more: a tenth of the scale."""
MOST_REFINED = 512
"""Unclear lines that are measured again; of more, the first ones speak for the others."""


@dataclass(frozen=True)
class Ask:
    """Points to evaluate: positions of lines [P], and the t of each [P]."""

    lines: Array
    offsets: Array


@dataclass(frozen=True)
class Answer:
    """Values [P, M] of a function with M outputs, float64, and the t [P] at which they were really taken."""

    values: Array
    offsets: Array


Measuring: TypeAlias = Generator[Ask, Answer, "Measured"]
Unclear: TypeAlias = Callable[[Slopes], Array]


@dataclass(frozen=True)
class Setting:
    """What is known before measuring. center: f at the point [M]. noise: how far a value of f may be off [M]. eps: of
    the dtype in which f is computed. scale: of each line, the length on which its variable lives [L]. guessed: whether
    that scale is a guess [L]. blur: how far t may be off by points being rounded [L, M]."""

    center: Array
    noise: Array
    eps: float
    scale: Array
    guessed: Array
    blur: Array

    def first(self, lines: int) -> Setting:
        """That of the first lines alone."""
        return replace(self, scale=self.scale[:lines], guessed=self.guessed[:lines], blur=self.blur[:lines])

    def first_steps(self, size: Array) -> Array:
        """The smallest screening step h of each line, where the two parts of the bar balance: the error of the coarser
        extrapolation, (16 h · 4 h)² of the scale, and ε / h, ε being the noise beside `size` [L], the change of f over
        one scale."""
        with np.errstate(all="ignore"):
            relative = np.nan_to_num(self.noise.max(initial=0.0) / size, nan=self.eps, posinf=self.eps)
        found: Array = self.scale * np.clip(relative, self.eps, max(self.eps, MOST_RELATIVE_NOISE)) ** 0.2 / 4096**0.2
        return found


@dataclass(frozen=True)
class Measured:
    """Slopes of L lines by M outputs, as flat arrays of L·M; and the screening ladder, from which the remainders of the
    first-order expansion follow."""

    slopes: Slopes
    screen: Ladder


def measure(setting: Setting, size: Array, unclear: Unclear) -> Measuring:
    """Screens all lines and refines the unclear ones. size: see `Setting.first_steps`."""
    lines, outputs = len(setting.scale), len(setting.center)
    everything = np.arange(lines)
    first = setting.first_steps(size)
    screen = yield from climb(setting, everything, first * RATIO ** (SCREEN_RUNGS - 1), SCREEN_RUNGS)
    slopes = slopes_of(screen)
    again = unclear(slopes) | looks_bent(screen)
    picked = np.unique(np.flatnonzero(again) // outputs)[:MOST_REFINED]
    if len(picked):
        ladder = yield from refine(setting, picked, first[picked])
        where = (picked[:, None] * outputs + np.arange(outputs)).reshape(-1)
        slopes = slopes.replaced(where, slopes_of(ladder))
    return Measured(slopes, screen)


def refine(setting: Setting, lines: Array, first: Array) -> Generator[Ask, Answer, Ladder]:
    """The long ladder of some lines: from far above the screening step to where rounding rules."""
    above = ABOVE_GUESSED if setting.guessed[lines].any() else ABOVE
    lowest = LOWEST * setting.eps * setting.scale[lines]
    reach = float(np.nan_to_num(np.max(first * above / lowest), nan=np.inf))  # NaN where the scale overflowed
    rungs = int(np.clip(np.log(reach) / np.log(RATIO), 6, MOST_RUNGS))
    return (yield from climb(setting, lines, first * above, rungs))


def climb(setting: Setting, lines: Array, top: Array, rungs: int) -> Generator[Ask, Answer, Ladder]:
    """Values of some lines on a ladder from `top` [L] downwards; a ladder of L·M lines with one output each."""
    steps = top[:, None] / RATIO ** np.arange(rungs)
    offsets = np.stack([steps, -steps])  # [2, L, K]
    who = np.broadcast_to(lines[None, :, None], offsets.shape)
    answer = yield Ask(who.reshape(-1), offsets.reshape(-1))
    outputs = answer.values.shape[1]
    real = np.abs(answer.offsets.reshape(2, len(lines), 1, rungs)).mean(0)
    up, down = answer.values.reshape(2, len(lines), rungs, outputs).transpose(0, 1, 3, 2)
    size = len(lines) * outputs
    return Ladder(
        steps=np.broadcast_to(real, (len(lines), outputs, rungs)).reshape(size, rungs),
        up=up.reshape(size, rungs),
        down=down.reshape(size, rungs),
        center=np.tile(setting.center, len(lines)),
        noise=np.tile(setting.noise, len(lines)),
        blur=setting.blur[lines].reshape(size),
        ratio=RATIO,
    )


def listen(lines: Array, scale: Array, eps: float) -> Generator[Ask, Answer, Array]:
    """Rounding noise [M]: how far one value may be off, measured on short stretches of some lines, on either side by
    itself, because the point may be a kink and the function still on one side of it."""
    step = max(eps, min(NOISE_STEP * eps, LARGEST_NOISE_STEP))
    along = step * np.arange(1, NOISE_POINTS // 2 + 1)
    offsets = scale[lines][:, None] * np.concatenate([along, -along])
    answer = yield Ask(np.repeat(lines, NOISE_POINTS), offsets.reshape(-1))
    stretches = answer.values.reshape(2 * len(lines), NOISE_POINTS // 2, -1)
    finite = [s for s in stretches if np.isfinite(s).all()]
    outputs = answer.values.shape[1]
    heard = [[noise_of(stretch[:, m]) for m in range(outputs)] for stretch in finite]
    measured = np.max(heard, axis=0) if heard else np.zeros(outputs)
    size = np.abs(np.where(np.isfinite(stretches), stretches, 0.0)).max((0, 1), initial=0.0)
    rounding = np.maximum(0.25 * eps * size, SUBNORMAL.get(eps, 0.0))
    found: Array = (COARSE_SAFETY if eps > COARSE else NOISE_SAFETY) * np.maximum(measured, rounding)
    return found


def taylor_order(screen: Ladder, stated: Array) -> float | None:
    """Order in h of the remainder |f(h) - f(0) - h·stated|: 2 for a right gradient, 1 for a wrong one.

    The median over lines and sides whose remainders stand clear of rounding; None where none does. stated: [L].
    """
    orders = []
    with np.errstate(all="ignore"):
        for side, sign in ((screen.up, 1.0), (screen.down, -1.0)):
            rest = np.abs(side - screen.center[:, None] - sign * screen.steps * stated[:, None])
            floor = 8 * screen.rounding * screen.steps
            clear = (rest[:, :2] > floor[:, :2]).all(1) & np.isfinite(rest).all(1)
            orders.extend(np.log(rest[clear, 0] / rest[clear, 1]) / np.log(screen.ratio))
    return float(np.median(orders)) if orders else None


def relay(measuring: Generator[Ask, Answer, T], answer: Callable[[Ask], Generator[E, S, Answer]]) -> Generator[E, S, T]:
    """Runs a generator of asks with a generator that answers each; what the measurement returns."""
    try:
        ask = next(measuring)
        while True:
            ask = measuring.send((yield from answer(ask)))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def drive(measuring: Generator[Ask, Answer, T], evaluate: Callable[[Ask], Answer]) -> T:
    """Runs a generator of asks with a function that answers them; what it returns."""
    try:
        ask = next(measuring)
        while True:
            ask = measuring.send(evaluate(ask))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
