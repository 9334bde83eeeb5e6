"""Recurrent layers over time and self-attention, batch first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from .activations import Settings, softmax_backward
from .arithmetic import Array, product, sigmoid, softmax, zeros
from .layers import Backward, Layer, Named

Cell = Callable[[Array, Array, Array, Array], tuple[Array, Array, Callable[[Array, Array], tuple[Array, ...]]]]
"""(a, b, h, c), a = W_ih x + b_ih and b = W_hh h + b_hh -> h', c', and the rule (dh', dc') -> da, db, dh, dc.

The dh of the rule is what does not pass through b.
"""


def _rnn_cell(nonlinearity: str) -> Cell:
    def cell(a: Array, b: Array, h: Array, c: Array) -> tuple[Array, Array, Callable[..., tuple[Array, ...]]]:
        z = a + b
        new = np.tanh(z) if nonlinearity == "tanh" else np.maximum(z, 0)

        def back(dh: Array, dc: Array) -> tuple[Array, ...]:
            dz = dh * (1 - new * new if nonlinearity == "tanh" else z > 0)
            return dz, dz, np.zeros_like(h), dc

        return new, c, back

    return cell


def _lstm_cell(a: Array, b: Array, h: Array, c: Array) -> tuple[Array, Array, Callable[..., tuple[Array, ...]]]:
    zi, zf, zg, zo = np.split(a + b, 4, axis=-1)
    i, f, g, o = sigmoid(zi), sigmoid(zf), np.tanh(zg), sigmoid(zo)
    cell = f * c + i * g
    t = np.tanh(cell)

    def back(dh: Array, dc: Array) -> tuple[Array, ...]:
        whole = dc + dh * o * (1 - t * t)
        gates = (whole * g * i * (1 - i), whole * c * f * (1 - f), whole * i * (1 - g * g), dh * t * o * (1 - o))
        dz = np.concatenate(gates, axis=-1)
        return dz, dz, np.zeros_like(h), whole * f

    return o * t, cell, back


def _gru_cell(a: Array, b: Array, h: Array, c: Array) -> tuple[Array, Array, Callable[..., tuple[Array, ...]]]:
    (ar, az, an), (br, bz, bn) = np.split(a, 3, axis=-1), np.split(b, 3, axis=-1)
    r, z = sigmoid(ar + br), sigmoid(az + bz)
    n = np.tanh(an + r * bn)

    def back(dh: Array, dc: Array) -> tuple[Array, ...]:
        dn = dh * (1 - z) * (1 - n * n)
        dz, dr = dh * (h - n) * z * (1 - z), dn * bn * r * (1 - r)
        return np.concatenate((dr, dz, dn), -1), np.concatenate((dr, dz, dn * r), -1), dh * z, dc

    return (1 - z) * n + z * h, c, back


def _recurrent(choose: Callable[[Settings], Cell]) -> Layer:
    """A recurrent layer of one direction over x (N, T, F); y is (N, T, H), from a state of zeros."""

    def layer(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
        cell, time = choose(s), x.shape[1]
        h = c = zeros((x.shape[0], s.hidden_size), x)
        states, rules = [h], []
        for t in range(time):
            a = product(x[:, t], own["weight_ih_l0"].T) + own.get("bias_ih_l0", 0)
            b = product(h, own["weight_hh_l0"].T) + own.get("bias_hh_l0", 0)
            h, c, rule = cell(a, b, h, c)
            states.append(h)
            rules.append(rule)

        def back(dy: Array) -> tuple[Array, Named]:
            gradients = {name: np.zeros_like(own[name]) for name in own}
            dx, dh, dc = np.zeros_like(x), np.zeros_like(h), np.zeros_like(h)
            for t in reversed(range(time)):
                da, db, direct, dc = rules[t](dh + dy[:, t], dc)
                dh = direct + product(db, own["weight_hh_l0"])
                dx[:, t] = product(da, own["weight_ih_l0"])
                gradients["weight_ih_l0"] += product(da.T, x[:, t])
                gradients["weight_hh_l0"] += product(db.T, states[t])
                if "bias_ih_l0" in own:
                    gradients["bias_ih_l0"] += da.sum(0)
                    gradients["bias_hh_l0"] += db.sum(0)
            return dx, gradients

        return np.stack(states[1:], axis=1), back

    return layer


def _attention(s: Settings, own: Named, x: Array) -> tuple[Array, Backward]:
    """Self-attention of x (N, T, E): queries, keys and values of the same input, softmax(q kᵀ / √d) v."""
    batch, time, wide = x.shape
    heads, size = s.num_heads, wide // s.num_heads

    def split(values: Array) -> Array:
        return values.reshape(batch, time, heads, size).swapaxes(1, 2)

    def joined(values: Array) -> Array:
        return values.swapaxes(1, 2).reshape(batch, time, wide)

    projected = product(x, own["in_proj_weight"].T) + own["in_proj_bias"]
    q, k, v = (split(part) for part in np.split(projected, 3, axis=-1))
    weights = softmax(product(q, k.swapaxes(-1, -2)) / math.sqrt(size), -1)
    mixed = joined(product(weights, v))

    def back(dy: Array) -> tuple[Array, Named]:
        rows = dy.reshape(-1, wide)
        dmixed = split(product(dy, own["out_proj.weight"]))
        dscores = softmax_backward(weights, product(dmixed, v.swapaxes(-1, -2)), -1) / math.sqrt(size)
        parts = product(dscores, k), product(dscores.swapaxes(-1, -2), q), product(weights.swapaxes(-1, -2), dmixed)
        dprojected = np.concatenate([joined(part) for part in parts], axis=-1)
        flat = dprojected.reshape(-1, 3 * wide)
        return product(dprojected, own["in_proj_weight"]), {
            "in_proj_weight": product(flat.T, x.reshape(-1, wide)),
            "in_proj_bias": flat.sum(0),
            "out_proj.weight": product(rows.T, mixed.reshape(-1, wide)),
            "out_proj.bias": rows.sum(0),
        }

    return product(mixed, own["out_proj.weight"].T) + own["out_proj.bias"], back


SEQUENCES: Mapping[str, Layer] = {
    "RNN": _recurrent(lambda s: _rnn_cell(s.nonlinearity)),
    "LSTM": _recurrent(lambda s: _lstm_cell),
    "GRU": _recurrent(lambda s: _gru_cell),
    "MultiheadAttention": _attention,
}
