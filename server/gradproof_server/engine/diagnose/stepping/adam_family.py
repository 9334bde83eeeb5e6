"""Adamax, NAdam and RAdam, each as one rule with switches."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import torch

from .slots import Slot, SlotRule


class MaximumEpsilon(enum.Enum):
    """Where Adamax has its ε."""

    ON_GRADIENT = "max(β₂·u, |g| + ε)"
    ON_NORM = "max(β₂·u, |g|) + ε"
    NONE = "max(β₂·u, |g|)"


@dataclass(frozen=True)
class AdamaxSwitches:
    """PyTorch's rule, and what may be otherwise.

        m = β₁·m + (1−β₁)·g
        u = max(β₂·u, |g| + ε)
        p ← p − η/(1−β₁ᵗ) · m/u

    (Kingma & Ba 2015, algorithm 2.)
    """

    epsilon: MaximumEpsilon = MaximumEpsilon.ON_GRADIENT
    corrected: bool = True
    second_corrected: bool = False


def adamax(s: AdamaxSwitches = AdamaxSwitches()) -> SlotRule:
    """The rule with these switches."""

    def rule(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> torch.Tensor:
        (beta1, beta2), eps = slot.betas, slot.number("eps")
        g = coupled(p, gradient, slot)
        t = slot.tick()
        m = slot.keep("exp_avg", beta1 * slot.get("exp_avg", g) + (1 - beta1) * g)
        floor = g.abs() + eps if s.epsilon is MaximumEpsilon.ON_GRADIENT else g.abs()
        u = slot.keep("exp_inf", torch.maximum(beta2 * slot.get("exp_inf", g), floor))
        if s.epsilon is MaximumEpsilon.ON_NORM:
            u = u + eps
        if s.second_corrected:
            u = u / (1 - beta2**t)
        return p - slot.lr / (1 - beta1**t if s.corrected else 1.0) * m / u

    return rule


def coupled(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> torch.Tensor:
    """±∂L/∂p + λ·p."""
    g = -gradient if slot.flag("maximize") else gradient
    return g + slot.number("weight_decay") * p if slot.number("weight_decay") else g


def decayed(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> tuple[torch.Tensor, torch.Tensor]:
    """The parameter and the gradient after weight decay, coupled or not as declared."""
    if slot.flag("decoupled_weight_decay"):
        return p * (1 - slot.lr * slot.number("weight_decay")), -gradient if slot.flag("maximize") else gradient
    return p, coupled(p, gradient, slot)


class NadamForm(enum.Enum):
    """How NAdam mixes the gradient into the momentum."""

    SCHEDULED = "μₜ = β₁·(1 − ½·0.96^(t·ψ))"
    CONSTANT = "μₜ = β₁"
    SIMPLE = "β₁·m̂ + (1−β₁)/(1−β₁ᵗ)·g"


@dataclass(frozen=True)
class NadamSwitches:
    """PyTorch's rule, and what may be otherwise.

        μₜ = β₁·(1 − ½·0.96^(t·ψ))
        m = β₁·m + (1−β₁)·g,  v̂ = (β₂·v + (1−β₂)·g²)/(1−β₂ᵗ)
        p ← p − η·[(1−μₜ)/(1−∏μ)·g + μₜ₊₁/(1−μₜ₊₁·∏μ)·m]/(√v̂ + ε)

    (Dozat 2016.)
    """

    form: NadamForm = NadamForm.SCHEDULED


def nadam(s: NadamSwitches = NadamSwitches()) -> SlotRule:
    """The rule with these switches."""

    def rule(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> torch.Tensor:
        (beta1, beta2), eps = slot.betas, slot.number("eps")
        start, g = decayed(p, gradient, slot)
        t = slot.tick()
        m = slot.keep("exp_avg", beta1 * slot.get("exp_avg", g) + (1 - beta1) * g)
        v = slot.keep("exp_avg_sq", beta2 * slot.get("exp_avg_sq", g) + (1 - beta2) * g * g)
        of_gradient, of_moment = _nadam_weights(s.form, t, beta1, slot)
        return start - slot.lr * (of_gradient * g + of_moment * m) / ((v / (1 - beta2**t)).sqrt() + eps)

    return rule


def _nadam_weights(form: NadamForm, t: int, beta: float, slot: Slot) -> tuple[float, float]:
    if form is NadamForm.SIMPLE:
        return (1 - beta) / (1 - beta**t), beta / (1 - beta**t)
    if form is NadamForm.CONSTANT:
        return (1 - beta) / (1 - beta**t), beta / (1 - beta ** (t + 1))
    psi = slot.number("momentum_decay")
    now, after = (beta * (1 - 0.5 * 0.96 ** (k * psi)) for k in (t, t + 1))
    # PyTorch keeps the product in float32, whatever the dtype of the parameters.
    product = float(slot.keep("mu_product", slot.get("mu_product", torch.ones((), dtype=torch.float32), 1.0) * now))
    return (1 - now) / (1 - product), after / (1 - product * after)


class Below(enum.Enum):
    """What RAdam does while the variance cannot be rectified."""

    MOMENTUM = "p − η·m̂"
    NOTHING = "no step"
    ADAM = "Adam's step"


@dataclass(frozen=True)
class RadamSwitches:
    """PyTorch's rule, and what may be otherwise.

        ρ∞ = 2/(1−β₂) − 1,  ρₜ = ρ∞ − 2t·β₂ᵗ/(1−β₂ᵗ)
        p ← p − η·m̂·r·√(1−β₂ᵗ)/(√v + ε),  r = √[(ρₜ−4)(ρₜ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρₜ)]     where ρₜ > 5
        p ← p − η·m̂                                                                  otherwise

    (Liu et al. 2020, who write ρₜ > 4.)
    """

    threshold: float = 5.0
    rectified: bool = True
    below: Below = Below.MOMENTUM


def radam(s: RadamSwitches = RadamSwitches()) -> SlotRule:
    """The rule with these switches."""

    def rule(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> torch.Tensor:
        (beta1, beta2), eps = slot.betas, slot.number("eps")
        start, g = decayed(p, gradient, slot)
        t = slot.tick()
        m = slot.keep("exp_avg", beta1 * slot.get("exp_avg", g) + (1 - beta1) * g) / (1 - beta1**t)
        v = slot.keep("exp_avg_sq", beta2 * slot.get("exp_avg_sq", g) + (1 - beta2) * g * g)
        adaptive = math.sqrt(1 - beta2**t) / (v.sqrt() + eps)
        most = 2 / (1 - beta2) - 1
        now = most - 2 * t * beta2**t / (1 - beta2**t)
        if now > s.threshold:
            r = math.sqrt((now - 4) * (now - 2) * most / ((most - 4) * (most - 2) * now)) if s.rectified else 1.0
            return start - slot.lr * r * m * adaptive
        if s.below is Below.NOTHING:
            return start
        return start - slot.lr * (m * adaptive if s.below is Below.ADAM else m)

    return rule
