"""Activations and their derivatives, element by element; softmax by its Jacobian."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from .arithmetic import Array, erf, log_softmax, sigmoid, softmax, softplus

Settings: TypeAlias = Any
"""The attributes of a module: what its constructor was given."""
Rule = tuple[Callable[[Settings, Array], Array], Callable[[Settings, Array, Array], Array]]
"""y of (settings, x), and dy/dx of (settings, x, y)."""
SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
ROOT = math.sqrt(2 / math.pi)


def _elu(x: Array, alpha: float, scale: float = 1.0) -> Array:
    return np.where(x > 0, scale * x, scale * alpha * np.expm1(np.minimum(x, 0)))


def _elu_derivative(x: Array, alpha: float, scale: float = 1.0) -> Array:
    return np.where(x > 0, scale, scale * alpha * np.exp(np.minimum(x, 0)))


def _gelu(s: Settings, x: Array) -> Array:
    if s.approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(ROOT * (x + 0.044715 * x * x * x)))
    return x * (0.5 * (1 + erf(x / math.sqrt(2))))


def _gelu_derivative(s: Settings, x: Array, y: Array) -> Array:
    if s.approximate == "tanh":
        t = np.tanh(ROOT * (x + 0.044715 * x * x * x))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (ROOT * (1 + 0.134145 * x * x))
    return 0.5 * (1 + erf(x / math.sqrt(2))) + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _mish_derivative(s: Settings, x: Array, y: Array) -> Array:
    t = np.tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)


def _silu_derivative(s: Settings, x: Array, y: Array) -> Array:
    p = sigmoid(x)
    return p + y * (1 - p)


def _softplus(s: Settings, x: Array) -> Array:
    return np.where(s.beta * x > s.threshold, x, softplus(s.beta * x) / s.beta)


def _softplus_derivative(s: Settings, x: Array, y: Array) -> Array:
    return np.where(s.beta * x > s.threshold, 1.0, sigmoid(s.beta * x))


def _hardswish_derivative(s: Settings, x: Array, y: Array) -> Array:
    return np.where(x <= -3, 0.0, np.where(x < 3, x / 3 + 0.5, 1.0))


ACTIVATIONS: Mapping[str, Rule] = {
    "Identity": (lambda s, x: x, lambda s, x, y: np.ones_like(x)),
    "ReLU": (lambda s, x: np.maximum(x, 0), lambda s, x, y: x > 0),
    "ReLU6": (lambda s, x: np.clip(x, 0, 6), lambda s, x, y: (x > 0) & (x < 6)),
    "Hardtanh": (
        lambda s, x: np.clip(x, s.min_val, s.max_val),
        lambda s, x, y: (x > s.min_val) & (x < s.max_val),
    ),
    "LeakyReLU": (
        lambda s, x: np.where(x > 0, x, s.negative_slope * x),
        lambda s, x, y: np.where(x > 0, 1.0, s.negative_slope),
    ),
    "ELU": (lambda s, x: _elu(x, s.alpha), lambda s, x, y: _elu_derivative(x, s.alpha)),
    "SELU": (
        lambda s, x: _elu(x, SELU_ALPHA, SELU_SCALE),
        lambda s, x, y: _elu_derivative(x, SELU_ALPHA, SELU_SCALE),
    ),
    "CELU": (
        lambda s, x: np.maximum(x, 0) + s.alpha * np.expm1(np.minimum(x, 0) / s.alpha),
        lambda s, x, y: np.where(x > 0, 1.0, np.exp(np.minimum(x, 0) / s.alpha)),
    ),
    "GELU": (_gelu, _gelu_derivative),
    "SiLU": (lambda s, x: x * sigmoid(x), _silu_derivative),
    "Mish": (lambda s, x: x * np.tanh(softplus(x)), _mish_derivative),
    "Softplus": (_softplus, _softplus_derivative),
    "Sigmoid": (lambda s, x: sigmoid(x), lambda s, x, y: y * (1 - y)),
    "Tanh": (lambda s, x: np.tanh(x), lambda s, x, y: 1 - y * y),
    "Softsign": (lambda s, x: x / (1 + np.abs(x)), lambda s, x, y: (1 / (1 + np.abs(x))) ** 2),
    "Tanhshrink": (lambda s, x: x - np.tanh(x), lambda s, x, y: np.tanh(x) ** 2),
    "Softshrink": (
        lambda s, x: np.sign(x) * np.maximum(np.abs(x) - s.lambd, 0),
        lambda s, x, y: np.abs(x) > s.lambd,
    ),
    "Hardshrink": (lambda s, x: np.where(np.abs(x) > s.lambd, x, 0.0), lambda s, x, y: np.abs(x) > s.lambd),
    "LogSigmoid": (lambda s, x: -softplus(-x), lambda s, x, y: sigmoid(-x)),
    "Hardsigmoid": (
        lambda s, x: np.clip(x + 3, 0, 6) / 6,
        lambda s, x, y: np.where((x > -3) & (x < 3), 1 / 6, 0.0),
    ),
    "Hardswish": (lambda s, x: x * np.clip(x + 3, 0, 6) / 6, _hardswish_derivative),
}


def softmax_backward(y: Array, dy: Array, axis: int) -> Array:
    """dx of y = softmax(x)."""
    return y * (dy - (dy * y).sum(axis, keepdims=True))


def softmax_rule(s: Settings, x: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Softmax along `dim`, and its backward rule."""
    y = softmax(x, s.dim)
    return y, lambda dy: softmax_backward(y, dy, s.dim)


def log_softmax_rule(s: Settings, x: Array) -> tuple[Array, Callable[[Array], Array]]:
    """LogSoftmax along `dim`, and its backward rule."""
    y = log_softmax(x, s.dim)
    return y, lambda dy: dy - np.exp(y) * dy.sum(s.dim, keepdims=True)
