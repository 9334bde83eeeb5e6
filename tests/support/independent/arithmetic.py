"""NumPy arrays of float64, float32 and bfloat16; the last as float32 arrays that every operation rounds."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import torch

Array: TypeAlias = Any
"""An array of NumPy; its arithmetic is typed as Any."""


class Bfloat16(np.ndarray[Any, Any]):
    """float32 numbers of which each is one of bfloat16: what an operation gives is rounded to nearest, ties to even.

    A sum or a product of matrices is one operation, as hardware has it: float32 inside, rounded at its end.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        """The operation in float32, then rounded."""
        result = rounded(getattr(ufunc, method)(*map(_plain, inputs), **options))
        if out is None:
            return result
        _plain(out[0])[...] = result
        return out[0]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Functions that only move numbers keep the type."""
        return rounded(super().__array_function__(function, types, args, kwargs))


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Bfloat16) else value


def rounded(value: Any) -> Any:
    """The nearest numbers of bfloat16 to those of a float array; other values as they are."""
    if not isinstance(value, np.ndarray | np.floating) or value.dtype.kind != "f":
        return value
    bits = np.array(value, dtype=np.float32).view(np.uint32)
    even = (bits >> np.uint32(16)) & np.uint32(1)
    bits = (bits + np.uint32(0x7FFF) + even) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).view(Bfloat16)


def array_of(tensor: torch.Tensor, dtype: torch.dtype) -> Array:
    """The tensor's numbers, floating ones in that dtype."""
    if not tensor.is_floating_point():
        return tensor.numpy().copy()
    numbers = tensor.double().numpy()
    if dtype is torch.bfloat16:
        return rounded(numbers)
    return numbers.astype({torch.float32: np.float32, torch.float64: np.float64}[dtype])


def tensor_of(array: Array) -> torch.Tensor:
    """The array's numbers, floating ones in float64."""
    plain = np.array(_plain(array))
    return torch.from_numpy(plain.astype(np.float64) if plain.dtype.kind == "f" else plain)


def like(values: Any, example: Array) -> Array:
    """The values in the number type of another array, rounded to it."""
    array = np.asarray(values, dtype=example.dtype)
    return rounded(array) if isinstance(example, Bfloat16) else array


def zeros(shape: tuple[int, ...], example: Array) -> Array:
    """Zeros in the number type of another array."""
    return like(np.zeros(shape), example)


def product(a: Array, b: Array) -> Array:
    """The matrix product (..., n, k) @ (..., k, m), its terms added one after the other in the order of k."""
    left, right = _plain(a), _plain(b)
    total = left[..., :, 0, None] * right[..., 0, None, :]
    for k in range(1, left.shape[-1]):
        total += left[..., :, k, None] * right[..., k, None, :]
    return like(total, a)


def erf(x: Array) -> Array:
    """The error function of every number."""
    values = [math.erf(value) for value in _plain(x).ravel().tolist()]
    return like(np.array(values).reshape(x.shape), x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log_softmax(x: Array, axis: int) -> Array:
    """x - log sum exp(x) along an axis."""
    moved = x - x.max(axis, keepdims=True)
    return moved - np.log(np.exp(moved).sum(axis, keepdims=True))


def softmax(x: Array, axis: int) -> Array:
    """exp(x) / sum exp(x) along an axis."""
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)
