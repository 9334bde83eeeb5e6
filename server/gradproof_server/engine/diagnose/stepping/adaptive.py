"""RMSprop, Adagrad and Adadelta, each as one rule with switches."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import torch

from .adam_family import coupled
from .slots import Slot, SlotRule


class Root(enum.Enum):
    """How a mean square becomes a denominator."""

    EPS_OUTSIDE = "√s + ε"
    EPS_INSIDE = "√(s + ε)"
    NONE = "s + ε"


def root(kind: Root, s: torch.Tensor, eps: float) -> torch.Tensor:
    """The denominator."""
    if kind is Root.EPS_INSIDE:
        return (s + eps).sqrt()
    return s + eps if kind is Root.NONE else s.sqrt() + eps


class MeanSquare(enum.Enum):
    """How the mean square is built."""

    AVERAGE = "s = α·s + (1−α)·g²"
    SWAPPED = "s = (1−α)·s + α·g²"
    SUM = "s = s + g²"
    DECAYING_SUM = "s = α·s + g²"
    FROM_FIRST = "s = g² in the first step, then the average"
    FROM_ONE = "s = 1 before the first step"
    CORRECTED = "s/(1−αᵗ)"


@dataclass(frozen=True)
class RmspropSwitches:
    """PyTorch's rule, and what may be otherwise.

        s = α·s + (1−α)·g²                centered: ḡ = α·ḡ + (1−α)·g, s − ḡ² below
        b = μ·b + g/(√s + ε)
        p ← p − η·b

    (Hinton 2012; Graves 2013.)
    """

    root: Root = Root.EPS_OUTSIDE
    square: MeanSquare = MeanSquare.AVERAGE
    lr_inside_buffer: bool = False


def rmsprop(s: RmspropSwitches = RmspropSwitches()) -> SlotRule:
    """The rule with these switches."""

    def rule(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> torch.Tensor:
        g = coupled(p, gradient, slot)
        square = _mean_square(s.square, g, slot)
        if slot.flag("centered"):
            mean = slot.keep(
                "grad_avg", slot.number("alpha") * slot.get("grad_avg", g) + (1 - slot.number("alpha")) * g
            )
            square = square - mean * mean
        scaled = g / root(s.root, square, slot.number("eps"))
        if not slot.number("momentum"):
            return p - slot.lr * scaled
        inner = slot.lr if s.lr_inside_buffer else 1.0
        b = slot.keep("momentum_buffer", slot.number("momentum") * slot.get("momentum_buffer", g) + inner * scaled)
        return p - (1.0 if s.lr_inside_buffer else slot.lr) * b

    return rule


def _mean_square(kind: MeanSquare, g: torch.Tensor, slot: Slot) -> torch.Tensor:
    alpha, t = slot.number("alpha"), slot.tick()
    last = slot.get("square_avg", g, 1.0 if kind is MeanSquare.FROM_ONE else 0.0)
    if kind is MeanSquare.FROM_FIRST and t == 1:
        old, new = 0.0, 1.0
    elif kind is MeanSquare.SWAPPED:
        old, new = 1 - alpha, alpha
    else:
        old = 1.0 if kind is MeanSquare.SUM else alpha
        new = 1.0 if kind in (MeanSquare.SUM, MeanSquare.DECAYING_SUM) else 1 - alpha
    square = slot.keep("square_avg", old * last + new * g * g)
    return square / (1 - alpha**t) if kind is MeanSquare.CORRECTED else square


class Decrease(enum.Enum):
    """How Adagrad's learning rate falls with d = lr_decay."""

    FROM_SECOND = "η/(1 + (t−1)·d)"
    FROM_FIRST = "η/(1 + t·d)"
    GEOMETRIC = "η·(1 − d)^(t−1)"


@dataclass(frozen=True)
class AdagradSwitches:
    """PyTorch's rule, and what may be otherwise.

        s = s + g²                        s = initial_accumulator_value at first
        p ← p − η/(1 + (t−1)·d) · g/(√s + ε)

    (Duchi et al. 2011.)
    """

    root: Root = Root.EPS_OUTSIDE
    decrease: Decrease = Decrease.FROM_SECOND
    summed: bool = True
    late: bool = False


def adagrad(s: AdagradSwitches = AdagradSwitches()) -> SlotRule:
    """The rule with these switches. summed: False takes the last g² only; late: the step uses s before it grows."""

    def rule(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> torch.Tensor:
        g = coupled(p, gradient, slot)
        t, d = slot.tick(), slot.number("lr_decay")
        last = slot.get("sum", g, slot.number("initial_accumulator_value"))
        total = slot.keep("sum", last + g * g if s.summed else g * g)
        rates = {
            Decrease.FROM_SECOND: slot.lr / (1 + (t - 1) * d),
            Decrease.FROM_FIRST: slot.lr / (1 + t * d),
            Decrease.GEOMETRIC: slot.lr * (1 - d) ** (t - 1),
        }
        return p - rates[s.decrease] * g / root(s.root, last if s.late else total, slot.number("eps"))

    return rule


@dataclass(frozen=True)
class AdadeltaSwitches:
    """PyTorch's rule, and what may be otherwise.

        s = ρ·s + (1−ρ)·g²
        Δ = √(a + ε)/√(s + ε) · g
        a = ρ·a + (1−ρ)·Δ²
        p ← p − η·Δ

    (Zeiler 2012.)
    """

    eps_outside: bool = False
    accumulates_gradients: bool = False
    accumulates_scaled: bool = False
    numerator: bool = True


def adadelta(s: AdadeltaSwitches = AdadeltaSwitches()) -> SlotRule:
    """The rule with these switches. numerator: False divides by √(s + ε) only, as RMSprop does."""

    def of(square: torch.Tensor, eps: float) -> torch.Tensor:
        return square.sqrt() + eps if s.eps_outside else (square + eps).sqrt()

    def rule(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> torch.Tensor:
        rho, eps = slot.number("rho"), slot.number("eps")
        g = coupled(p, gradient, slot)
        slot.tick()
        square = slot.keep("square_avg", rho * slot.get("square_avg", g) + (1 - rho) * g * g)
        moved = slot.get("acc_delta", g)
        delta = (of(moved, eps) if s.numerator else 1.0) / of(square, eps) * g
        added = g if s.accumulates_gradients else slot.lr * delta if s.accumulates_scaled else delta
        slot.keep("acc_delta", rho * moved + (1 - rho) * added * added)
        return p - slot.lr * delta

    return rule
