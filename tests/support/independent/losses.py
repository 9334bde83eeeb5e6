"""Losses: the value, and by hand its gradient with respect to the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .activations import Settings
from .arithmetic import Array, like, log_softmax, sigmoid, softmax, softplus, zeros

Loss = Callable[[Settings, Array, Array], tuple[Array, Array]]
"""(arguments, output, target) -> the loss and its gradient with respect to the output."""
Terms = Callable[[Settings, Array, Array], tuple[Array, Array]]
"""(arguments, output, target) -> a term for every element, and the derivative of each."""
SMALLEST_LOG = -100.0


def elementwise(terms: Terms) -> Loss:
    """The sum of the terms, or their mean over all elements; of "batchmean" over the batch."""

    def loss(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
        values, slopes = terms(s, y, t)
        count = {"sum": 1, "mean": values.size, "batchmean": y.shape[0]}[s.reduction]
        return values.sum() / count, slopes / count

    return loss


def _mse(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    return (y - t) ** 2, 2 * (y - t)


def _l1(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    return np.abs(y - t), np.sign(y - t)


def _huber(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    d, delta = y - t, s.delta
    values = np.where(np.abs(d) < delta, 0.5 * d * d, delta * (np.abs(d) - 0.5 * delta))
    return values, np.clip(d, -delta, delta)


def _smooth_l1(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    d, beta = y - t, s.beta
    inside = np.abs(d) < beta
    return np.where(inside, 0.5 * d * d / beta, np.abs(d) - 0.5 * beta), np.where(inside, d / beta, np.sign(d))


def _bce(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    """Logarithms are cut at -100, as PyTorch does."""
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(y), SMALLEST_LOG), np.maximum(np.log1p(-y), SMALLEST_LOG)
    slopes = (y - t) / np.maximum((1 - y) * y, 1e-12)
    return -(t * logs[0] + (1 - t) * logs[1]), slopes


def _bce_with_logits(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    heavy = 1.0 if s.pos_weight is None else like(s.pos_weight, y)
    values = heavy * t * softplus(-y) + (1 - t) * softplus(y)
    return values, (1 - t) * sigmoid(y) - heavy * t * sigmoid(-y)


def _kl(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    if s.log_target:
        return np.exp(t) * (t - y), -np.exp(t)
    safe = np.where(t > 0, t, 1.0)
    return np.where(t > 0, t * (np.log(safe) - y), 0.0), -t


def _poisson(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    return np.exp(y) - t * y, np.exp(y) - t


def _soft_margin(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    return softplus(-t * y), -t * sigmoid(-t * y)


def _hinge_embedding(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    far = s.margin - y
    return np.where(t == 1, y, np.maximum(far, 0)), np.where(t == 1, 1.0, np.where(far > 0, -1.0, 0.0)) * np.ones_like(
        y
    )


def _multi_label_soft_margin(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    """The mean over the classes of each sample, then the reduction."""
    values, slopes = t * softplus(-y) + (1 - t) * softplus(y), sigmoid(y) - t
    count = y.shape[1] * (1 if s.reduction == "sum" else y.shape[0])
    return values.sum() / count, slopes / count


def _multi_margin(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    rows = np.arange(y.shape[0])
    far = s.margin - y[rows, t][:, None] + y
    far[rows, t] = 0
    far = np.maximum(far, 0)
    slopes = np.where(far > 0, 1.0 if s.p == 1 else 2 * far, 0.0) * np.ones_like(y)
    slopes[rows, t] = -slopes.sum(1)
    count = y.shape[1] * (1 if s.reduction == "sum" else y.shape[0])
    return far.sum() / count if s.p == 1 else (far * far).sum() / count, slopes / count


def _nll(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    shares, total = _wanted(s, y, t)
    return -(shares * y).sum() / total, -shares / total


def _cross_entropy(s: Settings, y: Array, t: Array) -> tuple[Array, Array]:
    shares, total = _wanted(s, y, t)
    return -(shares * log_softmax(y, 1)).sum() / total, (softmax(y, 1) * shares.sum(1, keepdims=True) - shares) / total


def _wanted(s: Settings, y: Array, t: Array) -> tuple[Array, Array | int]:
    """The weighted, smoothed share of every class in every sample (N, C), and what the sum is divided by."""
    smoothing = getattr(s, "label_smoothing", 0.0)
    weight = np.ones_like(y[0]) if s.weight is None else like(s.weight, y)
    if t.dtype.kind == "f":
        shares, counted = t, y.shape[0]
    else:
        kept = t != s.ignore_index
        shares = zeros(y.shape, y)
        shares[np.arange(len(t))[kept], t[kept]] = 1
        counted = weight[t[kept]].sum()
        weight = weight * kept[:, None]
    shares = ((1 - smoothing) * shares + smoothing / y.shape[1]) * weight
    return shares, 1 if s.reduction == "sum" else counted


LOSSES: Mapping[str, Loss] = {
    "MSELoss": elementwise(_mse),
    "L1Loss": elementwise(_l1),
    "HuberLoss": elementwise(_huber),
    "SmoothL1Loss": elementwise(_smooth_l1),
    "BCELoss": elementwise(_bce),
    "BCEWithLogitsLoss": elementwise(_bce_with_logits),
    "KLDivLoss": elementwise(_kl),
    "PoissonNLLLoss": elementwise(_poisson),
    "SoftMarginLoss": elementwise(_soft_margin),
    "HingeEmbeddingLoss": elementwise(_hinge_embedding),
    "MultiLabelSoftMarginLoss": _multi_label_soft_margin,
    "MultiMarginLoss": _multi_margin,
    "NLLLoss": _nll,
    "CrossEntropyLoss": _cross_entropy,
}
