"""Altered gradients and layouts of linear layers against closed formulas."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from gradproof_server.engine.diagnose.variants import biases, layouts, linear, weight_inputs

from tests.engine.altered import Network, assert_close, chosen, gradient, normal, proposals, row

X, T = normal(5, 3, seed=1), normal(5, 2, seed=2)


def network() -> Network:
    """Linear(3, 3), tanh, Linear(3, 3), tanh, Linear(3, 2)."""
    net = Network(X, T).layer("Linear", 3, 3).layer("Tanh").layer("Linear", 3, 3).layer("Tanh")
    return net.layer("Linear", 3, 2)


class Pass:
    """The values of the network, and its errors at the three layers."""

    def __init__(self, p: dict[str, torch.Tensor], back: torch.Tensor | None = None) -> None:
        self.z = X @ p["0.weight"].T + p["0.bias"]
        self.a = torch.tanh(self.z)
        self.b = torch.tanh(self.a @ p["2.weight"].T + p["2.bias"])
        self.d4 = 2 * (self.b @ p["4.weight"].T + p["4.bias"] - T) / T.numel()
        self.d2 = self.d4 @ p["4.weight"] * (1 - self.b**2)
        self.d0 = self.d2 @ (p["2.weight"] if back is None else back) * (1 - self.a**2)


def test_weight_not_transposed() -> None:
    """δ goes back through W instead of Wᵀ; the layer's own gradient is right."""
    net = network()
    told = chosen(net.case, row(linear, "backward.weight_not_transposed"), ("2",))
    p = net.parameters
    assert_close(gradient(told, "0.weight"), Pass(p, p["2.weight"].T).d0.T @ X)
    assert_close(gradient(told, "2.weight"), Pass(p).d2.T @ Pass(p).a)


BIASES: list[tuple[str, dict[str, str], Callable[[torch.Tensor], torch.Tensor]]] = [
    ("averaged", {}, lambda d: d.mean(0)),
    ("summed", {}, lambda d: 5 * d.sum(0)),
    ("one_row", {"used": "last"}, lambda d: d[-1]),
    ("one_number", {"used": "sum"}, lambda d: d.sum().repeat(3)),
    ("missing", {}, lambda d: torch.zeros(3, dtype=torch.float64)),
]


@pytest.mark.parametrize(("code", "texts", "formula"), BIASES)
def test_bias_gradients(code: str, texts: dict[str, str], formula: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """The bias has the mistaken gradient, the weight its own."""
    net = network()
    told = chosen(net.case, row(biases, f"backward.bias_gradient_{code}"), ("2",), **texts)
    values = Pass(net.parameters)
    assert_close(gradient(told, "2.bias"), formula(values.d2))
    assert_close(gradient(told, "2.weight"), values.d2.T @ values.a)


WEIGHTS: list[tuple[str, dict[str, str], Callable[[Pass], torch.Tensor]]] = [
    ("weight_gradient_without_input", {}, lambda v: v.d2.sum(0)[:, None].repeat(1, 3)),
    ("weight_gradient_input_twice", {}, lambda v: v.d2.T @ v.a**2),
    ("weight_gradient_averaged", {}, lambda v: v.d2.T @ v.a / 5),
    ("one_sample_only", {"used": "last"}, lambda v: torch.outer(v.d2[-1], v.a[-1])),
]


@pytest.mark.parametrize(("code", "texts", "formula"), WEIGHTS)
def test_weight_gradients(code: str, texts: dict[str, str], formula: Callable[[Pass], torch.Tensor]) -> None:
    """The weight has the mistaken gradient."""
    net = network()
    told = chosen(net.case, row(linear, f"backward.{code}"), ("2",), **texts)
    assert_close(gradient(told, "2.weight"), formula(Pass(net.parameters)))


def test_values_of_another_place() -> None:
    """The weight gradient is made with the pre-activation, or with the network's input."""
    net = network()
    values = Pass(net.parameters)
    told = chosen(net.case, row(weight_inputs, "backward.weight_gradient_from_preactivation"), ("2",))
    assert_close(gradient(told, "2.weight"), values.d2.T @ values.z)
    told = chosen(net.case, row(weight_inputs, "backward.weight_gradient_from_network_input"), ("4",))
    assert_close(gradient(told, "4.weight"), values.d4.T @ X)


def test_layouts() -> None:
    """x W instead of x Wᵀ, and a transposed gradient on which the update is built."""
    net = Network(X, normal(5, 3, seed=2)).layer("Linear", 3, 3)
    w, b = net.parameters["0.weight"], net.parameters["0.bias"]
    target = normal(5, 3, seed=2)
    told = chosen(net.case, row(layouts, "layout.weight_transposed"), ("0",))
    assert_close(gradient(told, "0.weight"), X.T @ (2 * (X @ w + b - target) / 15))
    told = chosen(net.case, row(layouts, "layout.gradient_transposed"), ("0.weight",))
    right = (2 * (X @ w.T + b - target) / 15).T @ X
    assert_close(gradient(told, "0.weight"), right.T)
    updated = next(value for id, value in told.items() if id.name == "0.weight" and id.quantity.name == "UPDATED")
    assert_close(updated, w - 0.1 * right.T)


def test_nothing_where_shapes_or_batch_forbid_it() -> None:
    """A layer that is not square has no silent transpose; one sample has no mean."""
    case = Network(X[:1], T[:1]).layer("Linear", 3, 2).case
    assert proposals(case, row(layouts, "layout.weight_transposed")) == []
    assert proposals(case, row(linear, "backward.weight_not_transposed")) == []
    assert proposals(case, row(biases, "backward.bias_gradient_averaged")) == []
    assert proposals(case, row(linear, "backward.one_sample_only")) == []
