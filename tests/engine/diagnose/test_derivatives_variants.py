"""Altered derivatives of activations against closed formulas."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from gradproof_server.engine.diagnose.variants import derivatives, jacobians, rectifiers

from tests.engine.altered import Network, assert_close, chosen, gradient, normal, proposals, row

X, T = normal(5, 3, seed=1), normal(5, 2, seed=2)
Slope = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def network(activation: str) -> Network:
    """Linear(3, 4), the activation, Linear(4, 2), mean squared error."""
    return Network(X, T).layer("Linear", 3, 4).layer(activation).layer("Linear", 4, 2)


def first_weight_gradient(net: Network, function: Callable[[torch.Tensor], torch.Tensor], slope: Slope) -> torch.Tensor:
    """δᵀx with δ = 2(y - t)/(NK) W₂ ⊙ slope(z, a)."""
    p = net.parameters
    z = X @ p["0.weight"].T + p["0.bias"]
    a = function(z)
    u = 2 * (a @ p["2.weight"].T + p["2.bias"] - T) / T.numel()
    return ((u @ p["2.weight"]) * slope(z, a)).T @ X


def sigma(z: torch.Tensor) -> torch.Tensor:
    """1 / (1 + exp(-z))."""
    return 1 / (1 + torch.exp(-z))


FORMULAS: list[tuple[str, str, dict[str, str], Callable[[torch.Tensor], torch.Tensor], Slope]] = [
    ("activation_derivative_missing", "Sigmoid", {}, sigma, lambda z, a: torch.ones_like(z)),
    ("activation_derivative_at_preactivation", "Sigmoid", {}, sigma, lambda z, a: z * (1 - z)),
    ("activation_derivative_at_preactivation", "Tanh", {}, torch.tanh, lambda z, a: 1 - z**2),
    ("activation_derivative_at_activation", "Sigmoid", {}, sigma, lambda z, a: sigma(a) * (1 - sigma(a))),
    ("activation_derivative_at_activation", "Tanh", {}, torch.tanh, lambda z, a: 1 - torch.tanh(a) ** 2),
    ("activation_derivative_twice", "Tanh", {}, torch.tanh, lambda z, a: (1 - a**2) ** 2),
    ("activation_derivative_sign", "Sigmoid", {}, sigma, lambda z, a: a * (a - 1)),
    ("tanh_derivative_square_missing", "Tanh", {"used": "1 − a"}, torch.tanh, lambda z, a: 1 - a),
    ("sigmoid_derivative_incomplete", "Sigmoid", {"used": "1 − a"}, sigma, lambda z, a: 1 - a),
    ("activation_value_as_derivative", "Sigmoid", {}, sigma, lambda z, a: a),
    ("sigmoid_derivative_for_other_activation", "Tanh", {}, torch.tanh, lambda z, a: a * (1 - a)),
    ("tanh_derivative_for_other_activation", "Sigmoid", {}, sigma, lambda z, a: 1 - a * a),
    ("relu_derivative_for_other_activation", "Tanh", {}, torch.tanh, lambda z, a: (z > 0).double()),
]


@pytest.mark.parametrize(("code", "kind", "texts", "function", "slope"), FORMULAS)
def test_the_weight_gradient_has_the_altered_factor(
    code: str, kind: str, texts: dict[str, str], function: Callable[[torch.Tensor], torch.Tensor], slope: Slope
) -> None:
    """The first layer's gradient is δᵀx with the mistaken derivative."""
    net = network(kind)
    told = chosen(net.case, row(derivatives, f"backward.{code}"), ("1",), **texts)
    assert_close(gradient(told, "0.weight"), first_weight_gradient(net, function, slope))


def test_the_output_derivative_is_missing() -> None:
    """With a squared error the output's δ is 2(ŷ - t)/(NK) alone."""
    net = Network(X, T).layer("Linear", 3, 2).layer("Sigmoid")
    told = chosen(net.case, row(derivatives, "backward.output_activation_derivative_missing"), ("1",))
    a = sigma(X @ net.parameters["0.weight"].T + net.parameters["0.bias"])
    assert_close(gradient(told, "0.weight"), (2 * (a - T) / T.numel()).T @ X)


@pytest.mark.parametrize(("code", "guided"), [("relu_mask_from_upstream", False), ("relu_guided", True)])
def test_relu_masks(code: str, guided: bool) -> None:
    """u [u > 0], guided also [z > 0]."""
    net = network("ReLU")
    p = net.parameters
    z = X @ p["0.weight"].T + p["0.bias"]
    u = 2 * (z.clamp(min=0) @ p["2.weight"].T + p["2.bias"] - T) / T.numel() @ p["2.weight"]
    told = chosen(net.case, row(rectifiers, f"backward.{code}"), ("1",))
    mask = (u > 0) & (z > 0) if guided else u > 0
    assert_close(gradient(told, "0.weight"), (u * mask).T @ X)


def test_gated_activation_keeps_one_term() -> None:
    """SiLU' is σ(z) + zσ'(z); only σ(z) is kept."""
    net = network("SiLU")
    told = chosen(net.case, row(rectifiers, "backward.gated_activation_derivative_incomplete"), ("1",), kept="g(z)")
    assert_close(gradient(told, "0.weight"), first_weight_gradient(net, lambda z: z * sigma(z), lambda z, a: sigma(z)))


@pytest.mark.parametrize("code", ["softmax_diagonal_only", "softmax_jacobian_missing", "softmax_sum_term_missing"])
def test_softmax_jacobians(code: str) -> None:
    """u p(1 - p), u, and u p instead of the whole Jacobian."""
    net = Network(X, T).layer("Linear", 3, 2).layer("Softmax", 1)
    p = (X @ net.parameters["0.weight"].T + net.parameters["0.bias"]).softmax(1)
    u = 2 * (p - T) / T.numel()
    factor = {"softmax_diagonal_only": p * (1 - p), "softmax_jacobian_missing": 1, "softmax_sum_term_missing": p}[code]
    told = chosen(net.case, row(jacobians, f"backward.{code}"), ("1",))
    assert_close(gradient(told, "0.weight"), (u * factor).T @ X)


def test_nothing_without_activations() -> None:
    """A linear network has no activation to be wrong about, and no softmax."""
    case = Network(X, T).layer("Linear", 3, 2).case
    for variant in (*derivatives.VARIANTS, *rectifiers.VARIANTS):
        assert proposals(case, variant) == []
    assert proposals(case, row(jacobians, "backward.softmax_diagonal_only")) == []
