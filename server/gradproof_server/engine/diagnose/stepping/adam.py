"""Adam and AdamW, as one rule with switches."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import torch

from .slots import Slot, SlotRule


class Correction(enum.Enum):
    """What a moment is divided by, to undo its start at zero."""

    POWER = "1 − βᵗ"
    NONE = "1"
    BASE = "1 − β"
    OTHER = "1 − βᵗ with the other moment's β"
    ROOT = "√(1 − βᵗ) where 1 − βᵗ belongs, and the other way round"


class Clock(enum.Enum):
    """What t is."""

    FROM_ONE = "1, 2, 3, ..."
    FROM_TWO = "2, 3, 4, ..."
    FROM_ZERO = "0, 1, 2, ..."
    STANDING = "1, 1, 1, ..."
    PER_TENSOR = "one more with every parameter"


class Epsilon(enum.Enum):
    """Where ε stands."""

    OUTSIDE = "√v̂ + ε"
    INSIDE = "√(v̂ + ε)"
    INSIDE_SQUARED = "√(v̂ + ε²)"
    HAT = "√v + ε, with η·√(1−β₂ᵗ)/(1−β₁ᵗ)"
    IN_MOMENT = "v + ε kept as the moment"


class First(enum.Enum):
    """The numerator."""

    AVERAGE = "m = β₁·m + (1−β₁)·g"
    GRADIENT = "g, without an average"
    SUM = "m = β₁·m + g"
    DECAYING = "m = β₁ᵗ·m + (1−β₁ᵗ)·g"
    NESTEROV = "β₁·m + (1−β₁)·g after m was updated"


class Second(enum.Enum):
    """The denominator."""

    SQUARES = "v = β₂·v + (1−β₂)·g²"
    NO_ROOT = "v̂ instead of √v̂"
    ONE = "1"
    GRADIENTS = "v = β₂·v + (1−β₂)·g"
    MOMENTS = "v = β₂·v + (1−β₂)·m²"
    SUM = "v = β₂·v + g²"
    CENTERED = "v = β₂·v + (1−β₂)·(g−m)²"


class Maximum(enum.Enum):
    """What AMSGrad takes the maximum of."""

    DECLARED = "v, where amsgrad is declared"
    CORRECTED = "v̂, after the bias correction"


class Decay(enum.Enum):
    """What weight decay does."""

    DECLARED = "Adam: g + λ·p; AdamW: p·(1 − η·λ) before the step"
    WITHOUT_LR = "p·(1 − λ) before the step"
    AFTER = "p·(1 − η·λ) after the step"


@dataclass(frozen=True)
class AdamSwitches:
    """PyTorch's rule, and what may be otherwise.

        g = ±∂L/∂p + λ·p                        Adam;  AdamW: p ← p − η·λ·p
        m = β₁·m + (1−β₁)·g                     m̂ = m / (1−β₁ᵗ)
        v = β₂·v + (1−β₂)·g²                    v̂ = v / (1−β₂ᵗ), of the largest v so far with AMSGrad
        p ← p − η · m̂ / (√v̂ + ε)

    (Kingma & Ba 2015; Loshchilov & Hutter 2019; Reddi et al. 2018.)
    """

    first_correction: Correction = Correction.POWER
    second_correction: Correction = Correction.POWER
    clock: Clock = Clock.FROM_ONE
    epsilon: Epsilon = Epsilon.OUTSIDE
    first: First = First.AVERAGE
    second: Second = Second.SQUARES
    maximum: Maximum = Maximum.DECLARED
    decay: Decay = Decay.DECLARED


def adam(s: AdamSwitches = AdamSwitches()) -> SlotRule:
    """The rule with these switches, for Adam and AdamW as declared (`decoupled_weight_decay`)."""

    def rule(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> torch.Tensor:
        g = -gradient if slot.flag("maximize") else gradient
        start, g = _decay_before(s, p, g, slot)
        t = clock(s.clock, slot)
        m, numerator = _first(s, g, t, slot)
        v = _second(s, g, m, slot)
        new = start - slot.lr * _step(s, numerator, v, t, slot)
        decay = slot.lr * slot.number("weight_decay")
        return new - decay * new if s.decay is Decay.AFTER else new

    return rule


def clock(kind: Clock, slot: Slot) -> int:
    """t; the state "step" counts on as PyTorch's does."""
    t = slot.tick()
    if kind is Clock.PER_TENSOR:
        return (t - 1) * slot.count + slot.index + 1
    return {Clock.FROM_ONE: t, Clock.FROM_TWO: t + 1, Clock.FROM_ZERO: t - 1, Clock.STANDING: 1}[kind]


def correction(kind: Correction, beta: float, other: float, t: int) -> float:
    """What a moment is divided by."""
    if kind is Correction.NONE:
        return 1.0
    if kind is Correction.BASE:
        return 1 - beta
    return 1 - (other if kind is Correction.OTHER else beta) ** t


def _decay_before(s: AdamSwitches, p: torch.Tensor, g: torch.Tensor, slot: Slot) -> tuple[torch.Tensor, torch.Tensor]:
    decay = slot.number("weight_decay")
    if s.decay is Decay.WITHOUT_LR:
        return p - decay * p, g
    if s.decay is Decay.AFTER:
        return p, g
    if slot.flag("decoupled_weight_decay"):
        return p - slot.lr * decay * p, g
    return p, g + decay * p


def _first(s: AdamSwitches, g: torch.Tensor, t: int, slot: Slot) -> tuple[torch.Tensor, torch.Tensor]:
    beta = slot.betas[0]
    if s.first is First.DECAYING:
        beta = beta**t
    weight = 1.0 if s.first is First.SUM else 1 - beta
    m = slot.keep("exp_avg", beta * slot.get("exp_avg", g) + weight * g)
    if s.first is First.GRADIENT:
        return m, g
    return m, beta * m + (1 - beta) * g if s.first is First.NESTEROV else m


def _second(s: AdamSwitches, g: torch.Tensor, m: torch.Tensor, slot: Slot) -> torch.Tensor:
    beta = slot.betas[1]
    fresh = {Second.GRADIENTS: g, Second.MOMENTS: m * m, Second.CENTERED: (g - m) ** 2}.get(s.second, g * g)
    weight = 1.0 if s.second is Second.SUM else 1 - beta
    v = beta * slot.get("exp_avg_sq", g) + weight * fresh
    if s.epsilon is Epsilon.IN_MOMENT:
        v = v + slot.number("eps")
    return slot.keep("exp_avg_sq", v)


def _step(s: AdamSwitches, m: torch.Tensor, v: torch.Tensor, t: int, slot: Slot) -> torch.Tensor:
    beta1, beta2 = slot.betas
    c1 = correction(s.first_correction, beta1, beta2, t)
    c2 = correction(s.second_correction, beta2, beta1, t)
    if s.first_correction is Correction.ROOT:
        c1 = math.sqrt(c1)
    if s.second_correction is Correction.ROOT:
        c2 = c2**2
    if s.first in (First.GRADIENT,):
        c1 = 1.0
    return m / c1 / _denominator(s, v, c2, slot)


def _denominator(s: AdamSwitches, v: torch.Tensor, c2: float, slot: Slot) -> torch.Tensor:
    eps = slot.number("eps")
    corrected = _largest(s, v, c2, slot)
    if s.second is Second.ONE:
        return torch.ones_like(v)
    if s.second is Second.NO_ROOT:
        return corrected + eps
    if s.epsilon is Epsilon.INSIDE:
        return (corrected + eps).sqrt()
    if s.epsilon is Epsilon.INSIDE_SQUARED:
        return (corrected + eps * eps).sqrt()
    if s.epsilon is Epsilon.HAT:
        return corrected.sqrt() + eps / math.sqrt(c2)
    return corrected.sqrt() + (0.0 if s.epsilon is Epsilon.IN_MOMENT else eps)


def _largest(s: AdamSwitches, v: torch.Tensor, c2: float, slot: Slot) -> torch.Tensor:
    if not slot.flag("amsgrad"):
        return v / c2
    seen = v / c2 if s.maximum is Maximum.CORRECTED else v
    largest = slot.keep("max_exp_avg_sq", torch.maximum(slot.get("max_exp_avg_sq", v), seen))
    return largest if s.maximum is Maximum.CORRECTED else largest / c2
