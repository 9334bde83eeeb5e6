"""Optimizers: one step of a parameter from its gradient, the arguments of its group, and what is kept between steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .arithmetic import Array

Arguments = Mapping[str, Any]
Memory = dict[str, Any]
Step = Callable[[Arguments, Array, Array, Memory], Array]
"""(arguments with the learning rate of now, w, g, memory) -> new w; the memory is empty before the first step."""


def _kept(memory: Memory, name: str, w: Array, start: float = 0.0) -> Array:
    found: Array = memory.get(name, np.full_like(w, start))
    return found


def _next_step(memory: Memory) -> int:
    memory["step"] = memory.get("step", 0) + 1
    return int(memory["step"])


def _decayed(a: Arguments, w: Array, g: Array) -> Array:
    return g + a["weight_decay"] * w if a["weight_decay"] else g


def _moments(a: Arguments, w: Array, g: Array, memory: Memory) -> tuple[Array, Array]:
    """m and v of Adam."""
    b1, b2 = a["betas"]
    memory["m"] = b1 * _kept(memory, "m", w) + (1 - b1) * g
    memory["v"] = b2 * _kept(memory, "v", w) + (1 - b2) * (g * g)
    return memory["m"], memory["v"]


def _sgd(a: Arguments, w: Array, g: Array, memory: Memory) -> Array:
    g = _decayed(a, w, g)
    if a["momentum"]:
        first = "buf" not in memory
        memory["buf"] = g if first else a["momentum"] * memory["buf"] + (1 - a["dampening"]) * g
        g = g + a["momentum"] * memory["buf"] if a["nesterov"] else memory["buf"]
    return w - a["lr"] * g


def _adam(a: Arguments, w: Array, g: Array, memory: Memory) -> Array:
    """Adam with L2 in the gradient, or decoupled where `decoupled_weight_decay` says so."""
    t, (b1, b2) = _next_step(memory), a["betas"]
    if a["decoupled_weight_decay"]:
        w = w * (1 - a["lr"] * a["weight_decay"])
    else:
        g = _decayed(a, w, g)
    m, v = _moments(a, w, g, memory)
    if a["amsgrad"]:
        memory["vmax"] = v = np.maximum(_kept(memory, "vmax", w), v)
    return w - a["lr"] * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + a["eps"])


def _adamw(a: Arguments, w: Array, g: Array, memory: Memory) -> Array:
    return _adam({**a, "decoupled_weight_decay": True}, w, g, memory)


def _rmsprop(a: Arguments, w: Array, g: Array, memory: Memory) -> Array:
    g, alpha = _decayed(a, w, g), a["alpha"]
    memory["square"] = alpha * _kept(memory, "square", w) + (1 - alpha) * (g * g)
    spread = memory["square"]
    if a["centered"]:
        memory["mean"] = alpha * _kept(memory, "mean", w) + (1 - alpha) * g
        spread = spread - memory["mean"] ** 2
    step = g / (np.sqrt(spread) + a["eps"])
    if a["momentum"]:
        memory["buf"] = step = a["momentum"] * _kept(memory, "buf", w) + step
    return w - a["lr"] * step


def _adagrad(a: Arguments, w: Array, g: Array, memory: Memory) -> Array:
    t, g = _next_step(memory), _decayed(a, w, g)
    memory["sum"] = _kept(memory, "sum", w, a["initial_accumulator_value"]) + g * g
    rate = a["lr"] / (1 + (t - 1) * a["lr_decay"])
    return w - rate * g / (np.sqrt(memory["sum"]) + a["eps"])


def _adadelta(a: Arguments, w: Array, g: Array, memory: Memory) -> Array:
    g, rho = _decayed(a, w, g), a["rho"]
    memory["square"] = rho * _kept(memory, "square", w) + (1 - rho) * (g * g)
    before = _kept(memory, "steps", w)
    step = np.sqrt(before + a["eps"]) / np.sqrt(memory["square"] + a["eps"]) * g
    memory["steps"] = rho * before + (1 - rho) * (step * step)
    return w - a["lr"] * step


def _adamax(a: Arguments, w: Array, g: Array, memory: Memory) -> Array:
    t, g, (b1, b2) = _next_step(memory), _decayed(a, w, g), a["betas"]
    memory["m"] = b1 * _kept(memory, "m", w) + (1 - b1) * g
    memory["u"] = np.maximum(b2 * _kept(memory, "u", w), np.abs(g) + a["eps"])
    return w - a["lr"] / (1 - b1**t) * memory["m"] / memory["u"]


def _nadam(a: Arguments, w: Array, g: Array, memory: Memory) -> Array:
    t, (b1, b2) = _next_step(memory), a["betas"]
    g = _decayed(a, w, g)
    now, after = (b1 * (1 - 0.5 * 0.96 ** (k * a["momentum_decay"])) for k in (t, t + 1))
    memory["mus"] = memory.get("mus", 1.0) * now
    m, v = _moments(a, w, g, memory)
    ahead = after / (1 - memory["mus"] * after) * m + (1 - now) / (1 - memory["mus"]) * g
    return w - a["lr"] * ahead / (np.sqrt(v / (1 - b2**t)) + a["eps"])


def _radam(a: Arguments, w: Array, g: Array, memory: Memory) -> Array:
    t, (b1, b2) = _next_step(memory), a["betas"]
    m, v = _moments(a, w, _decayed(a, w, g), memory)
    m, most = m / (1 - b1**t), 2 / (1 - b2) - 1
    length = most - 2 * t * b2**t / (1 - b2**t)
    if length <= 5:
        return w - a["lr"] * m
    share = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
    return w - a["lr"] * m * (math.sqrt(share * (1 - b2**t)) / (np.sqrt(v) + a["eps"]))


OPTIMIZERS: Mapping[str, Step] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adamw,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
    "Adadelta": _adadelta,
    "Adamax": _adamax,
    "NAdam": _nadam,
    "RAdam": _radam,
}


def clipped(gradients: dict[str, Array], max_norm: float | None, clip_value: float | None) -> dict[str, Array]:
    """Scaled to a norm of at most `max_norm` together, then each number cut at ±`clip_value`."""
    if max_norm is not None and gradients:
        norm = np.sqrt(sum((g * g).sum() for g in gradients.values()))
        gradients = {name: g * np.minimum(max_norm / (norm + 1e-6), 1) for name, g in gradients.items()}
    if clip_value is not None:
        gradients = {name: np.clip(g, -clip_value, clip_value) for name, g in gradients.items()}
    return gradients
