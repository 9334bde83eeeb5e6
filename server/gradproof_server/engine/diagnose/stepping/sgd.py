"""Stochastic gradient descent with momentum, as one rule with switches."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import torch

from .slots import Slot, SlotRule


class Velocity(enum.Enum):
    """How the momentum buffer is built."""

    TORCH = "b = μ·b + (1−τ)·g, first b = g"
    DAMPED_AT_ONCE = "b = μ·b + (1−τ)·g from b = 0"
    LR_INSIDE = "v = μ·v + η·(1−τ)·g, first v = η·g"
    AVERAGE = "b = μ·b + (1−μ)·g from b = 0"
    AVERAGE_FROM_FIRST = "b = μ·b + (1−μ)·g, first b = g"
    SUBTRACTED = "b = g − μ·b"
    RESET = "b = g in every step"


class Direction(enum.Enum):
    """What is subtracted."""

    DECLARED = "b, or g + μ·b with Nesterov"
    NESTEROV_TWICE = "g + μ·(g + μ·b)"
    GRADIENT_AND_BUFFER = "g + b"
    BUFFER_TIMES_MOMENTUM = "μ·b"
    LOOK_AHEAD = "b at the point μ·v ahead, told without the look-ahead"


@dataclass(frozen=True)
class SgdSwitches:
    """PyTorch's rule, and what may be otherwise.

        g = ±∂L/∂p + λ·p
        b = μ·b + (1−τ)·g          first b = g
        d = b, or g + μ·b          Nesterov
        p ← p − η·d

    (Sutskever et al. 2013, with the learning rate outside the velocity.)
    """

    velocity: Velocity = Velocity.TORCH
    direction: Direction = Direction.DECLARED


def sgd(switches: SgdSwitches = SgdSwitches()) -> SlotRule:
    """The rule with these switches. With LOOK_AHEAD the weights that people tell are the state "<parameter>.told"."""

    def rule(p: torch.Tensor, gradient: torch.Tensor, slot: Slot) -> torch.Tensor:
        g = (-gradient if slot.flag("maximize") else gradient) + slot.number("weight_decay") * p
        if not slot.number("momentum"):
            return p - slot.lr * g
        first = not slot.has("momentum_buffer")
        last = slot.get("momentum_buffer", p)
        b = slot.keep("momentum_buffer", _velocity(switches.velocity, g, last, first, slot))
        return _moved(switches, p, g, b, slot)

    return rule


def _velocity(kind: Velocity, g: torch.Tensor, b: torch.Tensor, first: bool, slot: Slot) -> torch.Tensor:
    mu, tau, lr = slot.number("momentum"), slot.number("dampening"), slot.lr
    if kind is Velocity.RESET or (first and kind in (Velocity.TORCH, Velocity.AVERAGE_FROM_FIRST)):
        return g.clone()
    if kind is Velocity.LR_INSIDE:
        return lr * g if first else mu * b + lr * (1 - tau) * g
    if kind in (Velocity.AVERAGE, Velocity.AVERAGE_FROM_FIRST):
        return mu * b + (1 - mu) * g
    if kind is Velocity.SUBTRACTED:
        return g - mu * b
    return mu * b + (1 - tau) * g


def _moved(s: SgdSwitches, p: torch.Tensor, g: torch.Tensor, b: torch.Tensor, slot: Slot) -> torch.Tensor:
    mu = slot.number("momentum")
    inside = s.velocity is Velocity.LR_INSIDE
    eta, scaled = (1.0, slot.lr * g) if inside else (slot.lr, g)
    if s.direction is Direction.LOOK_AHEAD:
        return _look_ahead(p, eta * b, mu, slot)
    if s.direction is Direction.NESTEROV_TWICE:
        return p - eta * (scaled + mu * (scaled + mu * b))
    if s.direction is Direction.GRADIENT_AND_BUFFER:
        return p - eta * (scaled + b)
    if s.direction is Direction.BUFFER_TIMES_MOMENTUM:
        return p - eta * mu * b
    return p - eta * (scaled + mu * b if slot.flag("nesterov") else b)


def _look_ahead(p: torch.Tensor, v: torch.Tensor, mu: float, slot: Slot) -> torch.Tensor:
    """θ ← θ − v; the next gradient is taken at θ − μ·v. `p` is the point ahead, the state "told" is θ."""
    told = slot.keep("told", slot.state.get(f"{slot.name}.told", p) - v)
    return told - mu * v
