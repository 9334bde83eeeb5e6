"""Layers of feed-forward networks: values, and by hand the gradients of inputs and parameters."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .activations import ACTIVATIONS, Settings, log_softmax_rule, softmax_rule
from .arithmetic import Array, product, zeros

Named = dict[str, Array]
Backward = Callable[[Array], tuple[Array, Named]]
"""From the gradient of the output to that of the input, and those of the parameters by their names in the layer."""
Layer = Callable[[Settings, Named, Array], tuple[Array, Backward]]
"""(arguments, parameters and buffers, x) -> y and the backward rule; new values of buffers are put in their places."""


def activation(name: str) -> Layer:
    """The layer of an activation without parameters."""
    value, derivative = ACTIVATIONS[name]

    def layer(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
        y = value(s, x)
        return y, lambda dy: (dy * derivative(s, x, y), {})

    return layer


def _softmax(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    y, back = softmax_rule(s, x)
    return y, lambda dy: (back(dy), {})


def _log_softmax(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    y, back = log_softmax_rule(s, x)
    return y, lambda dy: (back(dy), {})


def _prelu(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    """PReLU with one slope."""
    weight = own["weight"]

    def back(dy: Array) -> tuple[Array, Named]:
        dw = (dy * np.where(x > 0, 0.0, x)).sum().reshape(1)
        return dy * np.where(x > 0, 1.0, weight), {"weight": dw}

    return np.where(x > 0, x, weight * x), back


def _linear(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    """y = x Wᵀ + b over the last axis."""
    y = product(x, own["weight"].T)
    if "bias" in own:
        y = y + own["bias"]

    def back(dy: Array) -> tuple[Array, Named]:
        flat, rows = dy.reshape(-1, dy.shape[-1]), x.reshape(-1, x.shape[-1])
        gradients = {"weight": product(flat.T, rows)}
        if "bias" in own:
            gradients["bias"] = flat.sum(0)
        return product(dy, own["weight"]), gradients

    return y, back


def _flatten(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    return x.reshape(x.shape[0], -1), lambda dy: (dy.reshape(x.shape), {})


def _embedding(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    """Rows of the table; the row `padding_idx` gets no gradient."""

    def back(dy: Array) -> tuple[Array, Named]:
        rows = {index: dy[x == index].sum(0) for index in np.unique(x).tolist() if index != s.padding_idx}
        table = zeros(own["weight"].shape, own["weight"])
        for index, row in rows.items():
            table[index] = row
        return dy, {"weight": table}

    return own["weight"][x], back


def normalized(x: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, Callable[[Array], Array], Array, Array]:
    """(x - mean) / sqrt(var + eps) over some axes, its backward rule, mean and variance (biased)."""
    mean = x.mean(axes, keepdims=True)
    moved = x - mean
    variance = (moved * moved).mean(axes, keepdims=True)
    scale = 1 / np.sqrt(variance + eps)
    y = moved * scale

    def back(dy: Array) -> Array:
        return scale * (dy - dy.mean(axes, keepdims=True) - y * (dy * y).mean(axes, keepdims=True))

    return y, back, mean, variance


def _scaled(own: Named, y: Array, back: Callable[[Array], Array], axis: int | None) -> tuple[Array, Backward]:
    """weight · y + bias, along one axis, or along all that the weight has."""
    if "weight" not in own:
        return y, lambda dy: (back(dy), {})
    shape = own["weight"].shape
    wide = shape if axis is None else tuple(-1 if i == axis else 1 for i in range(y.ndim))
    others = tuple(range(y.ndim - len(shape))) if axis is None else tuple(i for i in range(y.ndim) if i != axis)
    weight = own["weight"].reshape(wide)

    def whole(dy: Array) -> tuple[Array, Named]:
        gradients = {"weight": (dy * y).sum(others)}
        if "bias" in own:
            gradients["bias"] = dy.sum(others)
        return back(dy * weight), gradients

    return (y * weight + own["bias"].reshape(wide) if "bias" in own else y * weight), whole


def _layer_norm(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    axes = tuple(range(x.ndim - len(s.normalized_shape), x.ndim))
    y, back, _, _ = normalized(x, axes, s.eps)
    return _scaled(own, y, back, None)


def _batch_norm(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    """Batch normalisation in train mode, with its running statistics."""
    axes = (0, *range(2, x.ndim))
    y, back, mean, variance = normalized(x, axes, s.eps)
    if "running_mean" in own:
        count = x.size // x.shape[1]
        unbiased = variance.reshape(-1) * (count / (count - 1))
        for name, now in (("running_mean", mean.reshape(-1)), ("running_var", unbiased)):
            own[name] = (1 - s.momentum) * own[name] + s.momentum * now
        own["num_batches_tracked"] = own["num_batches_tracked"] + 1
    return _scaled(own, y, back, 1)


def _windows(s: Settings, size: tuple[int, ...], kernel: tuple[int, ...]) -> Iterator[tuple[int, tuple[slice, ...]]]:
    """Each place of a kernel, and where it falls in the padded input at every position of the output."""
    steps = _each(s.stride, len(size))
    outputs = [(n - k) // step + 1 for n, k, step in zip(size, kernel, steps, strict=True)]
    for i, place in enumerate(itertools.product(*map(range, kernel))):
        ends = [p + step * (n - 1) + 1 for p, step, n in zip(place, steps, outputs, strict=True)]
        yield i, tuple(slice(p, end, step) for p, end, step in zip(place, ends, steps, strict=True))


def at(where: tuple[slice, ...]) -> Any:
    """The index of that place in every channel of every sample."""
    return (..., *where)


def _each(value: int | tuple[int, ...], dims: int) -> tuple[int, ...]:
    return (value,) * dims if isinstance(value, int) else tuple(value)


def _padded(x: Array, s: Settings, filler: float = 0.0) -> tuple[Array, Any]:
    """x with `padding` around it, and where x stands in that."""
    pads = _each(s.padding, x.ndim - 2)
    wide = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pads)], constant_values=filler)
    return wide, (..., *(slice(p, p + n) for p, n in zip(pads, x.shape[2:], strict=True)))


def _convolution(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    """A convolution, place after place of the kernel in one sum; groups side by side. x is (N, C, ...)."""
    weight, groups = own["weight"], s.groups
    wide, inside = _padded(x, s)
    kernel = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)
    places = list(_windows(s, wide.shape[2:], weight.shape[2:]))

    def columns(where: tuple[slice, ...]) -> Array:
        part = wide[at(where)]
        return part.reshape(part.shape[0], groups, -1, *part.shape[2:]).reshape(
            part.shape[0], groups, -1, part[0, 0].size
        )

    flat_kernel = np.concatenate([kernel[..., i] for i, _ in places], axis=-1)
    y = product(flat_kernel, np.concatenate([columns(where) for _, where in places], axis=-2))
    shape = (x.shape[0], weight.shape[0], *wide[at(places[0][1])].shape[2:])
    y = y.reshape(shape)
    if "bias" in own:
        y = y + own["bias"].reshape(-1, *(1,) * (x.ndim - 2))

    def back(dy: Array) -> tuple[Array, Named]:
        flat = dy.reshape(dy.shape[0], groups, kernel.shape[1], -1)
        dw, dwide = zeros(kernel.shape, weight), zeros(wide.shape, x)
        for i, where in places:
            dw[..., i] = product(flat, columns(where).swapaxes(-1, -2)).sum(0)
            dwide[at(where)] += product(kernel[..., i].swapaxes(-1, -2), flat).reshape(dwide[at(where)].shape)
        gradients = {"weight": dw.reshape(weight.shape)}
        if "bias" in own:
            gradients["bias"] = dy.sum((0, *range(2, dy.ndim)))
        return dwide[inside], gradients

    return y, back


def _max_pool(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    """The first of the largest numbers of each window gets the gradient."""
    wide, inside = _padded(x, s, -np.inf)
    places = list(_windows(s, wide.shape[2:], _each(s.kernel_size, x.ndim - 2)))
    stack = np.stack([wide[at(where)] for _, where in places])
    first = stack.argmax(0)

    def back(dy: Array) -> tuple[Array, Named]:
        dwide = zeros(wide.shape, x)
        for i, where in places:
            dwide[at(where)] += np.where(first == i, dy, 0.0)
        return dwide[inside], {}

    return stack.max(0), back


def _average_pool(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    """The mean of each window, padding counted."""
    wide, inside = _padded(x, s)
    places = list(_windows(s, wide.shape[2:], _each(s.kernel_size, x.ndim - 2)))

    def back(dy: Array) -> tuple[Array, Named]:
        dwide = zeros(wide.shape, x)
        for _, where in places:
            dwide[at(where)] += dy / len(places)
        return dwide[inside], {}

    return np.stack([wide[at(where)] for _, where in places]).sum(0) / len(places), back


LAYERS: Mapping[str, Layer] = {
    **{name: activation(name) for name in ACTIVATIONS},
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "PReLU": _prelu,
    "Linear": _linear,
    "Flatten": _flatten,
    "Embedding": _embedding,
    "LayerNorm": _layer_norm,
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
    "Conv1d": _convolution,
    "Conv2d": _convolution,
    "MaxPool1d": _max_pool,
    "MaxPool2d": _max_pool,
    "AvgPool1d": _average_pool,
    "AvgPool2d": _average_pool,
}
