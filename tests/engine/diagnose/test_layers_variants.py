"""Altered layers against closed formulas and plain PyTorch."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from gradproof_server.engine.diagnose.variant import Stage
from gradproof_server.engine.diagnose.variants import (
    activation_constants,
    activations,
    attention,
    biases,
    branches,
    convolution,
    derivatives,
    embedding,
    jacobians,
    layers,
    layouts,
    linear,
    normalization,
    pooling,
    rectifiers,
    running_statistics,
    transformers,
    weight_inputs,
)
from gradproof_server.engine.diagnose.variants.attention import Switches, switched
from gradproof_server.engine.shapes import set_mode
from gradproof_server.engine.types import Quantity, TensorId
from torch import nn
from torch.nn import functional as F

from tests.engine.altered import Network, assert_close, chosen, gradient, normal, proposals, row, tell

X, T = normal(6, 3, seed=1), normal(6, 2, seed=2)


def buffer(told: dict[TensorId, torch.Tensor], name: str) -> torch.Tensor:
    """A buffer after the first step."""
    return told[TensorId(0, Quantity.BUFFER, name)]


def input_gradient(told: dict[TensorId, torch.Tensor]) -> torch.Tensor:
    """The gradient of the input."""
    return told[TensorId(0, Quantity.INPUT_GRADIENT, "input")]


def output(told: dict[TensorId, torch.Tensor], name: str) -> torch.Tensor:
    """A node's value."""
    return told[TensorId(0, Quantity.OUTPUT, name)]


def test_batch_norm_with_constant_statistics() -> None:
    """∂L/∂x is γ u / √(var + ε)."""
    net = Network(X, normal(6, 3, seed=2)).layer("BatchNorm1d", 3)
    gamma, beta = net.parameters["0.weight"], net.parameters["0.bias"]
    mean, root = X.mean(0), (X.var(0, correction=0) + 1e-5).sqrt()
    u = 2 * ((X - mean) / root * gamma + beta - normal(6, 3, seed=2)) / 18
    told = chosen(
        net.case, row(normalization, "normalization.statistics_as_constants"), ("0",), used="mean and variance"
    )
    assert_close(input_gradient(told), u * gamma / root)
    told = chosen(net.case, row(normalization, "normalization.gamma_gradient"), ("0",), used="x")
    assert_close(gradient(told, "0.weight"), (u * X).sum(0))


@pytest.mark.parametrize(
    ("kind", "args"), [("LayerNorm", (4,)), ("GroupNorm", (2, 6)), ("RMSNorm", (4,)), ("InstanceNorm1d", (6,))]
)
def test_hand_made_norms_are_pytorchs(kind: str, args: tuple[Any, ...]) -> None:
    """With the declared ε and no switch the layer by hand is PyTorch's."""
    from gradproof_server.engine.diagnose.variants.norms import Way, computed

    x = normal(3, 6, 4)
    case = Network(x, x).layer(kind, *args).case
    node = case.nodes()[0]
    own = {inner: case.training.parameters_before[outer].double() for inner, outer in node.tensors.items()}
    assert_close(computed(node, own, x, Way()), case.value("0"))


def test_unbiased_layer_norm() -> None:
    """(x - mean) / (std + ε) with divisor n - 1 for the standard deviation."""
    net = Network(X, X).layer("LayerNorm", 3)
    told = chosen(
        net.case, row(normalization, "normalization.unbiased_variance"), ("0",), used="n − 1 and ε outside the root"
    )
    normalized = (X - X.mean(1, keepdim=True)) / (X.std(1, keepdim=True) + 1e-5)
    assert_close(output(told, "0"), normalized * net.parameters["0.weight"] + net.parameters["0.bias"])


def test_running_statistics() -> None:
    """The biased variance, its root, and the other meaning of momentum; the output stays."""
    case = Network(X, X).layer("BatchNorm1d", 3).case
    var = X.var(0, correction=0)
    told = chosen(case, row(running_statistics, "normalization.running_variance_biased"), ("0",))
    assert_close(buffer(told, "0.running_var"), 0.9 + 0.1 * var)
    told = chosen(
        case, row(running_statistics, "normalization.running_deviation"), ("0",), used="divisor n, as numpy.std has it"
    )
    assert_close(buffer(told, "0.running_var"), 0.9 + 0.1 * var.sqrt())
    momentum = row(running_statistics, "normalization.running_momentum")
    told = chosen(case, momentum, ("0",), used="1 − momentum as the share of the new batch")
    assert_close(buffer(told, "0.running_mean"), 0.9 * X.mean(0))
    told = chosen(case, row(running_statistics, "normalization.running_not_updated"), ("0",))
    assert torch.equal(buffer(told, "0.running_var"), torch.ones(3, dtype=torch.float64))
    eval_case = Network(X, X, train=False).layer("BatchNorm1d", 3).case
    assert proposals(eval_case, momentum) == []


def test_convolutions() -> None:
    """A kernel turned round, and the gradient of the input made without turning it."""
    x, t = normal(2, 2, 5, 5, seed=3), normal(2, 3, 3, 3, seed=4)
    net = Network(x, t).layer("Conv2d", 2, 3, 3)
    k, b = net.parameters["0.weight"], net.parameters["0.bias"]
    told = chosen(net.case, row(convolution, "convolution.kernel_flipped"), ("0",))
    assert_close(output(told, "0"), F.conv2d(x, k.flip(2, 3), b))
    u = 2 * (F.conv2d(x, k, b) - t) / t.numel()
    told = chosen(net.case, row(convolution, "convolution.kernel_not_flipped_backward"), ("0",))
    assert_close(input_gradient(told), F.conv_transpose2d(u, k.flip(2, 3)))
    told = chosen(
        net.case, row(convolution, "convolution.bias_gradient"), ("0",), used="the mean over batch and positions"
    )
    assert_close(gradient(told, "0.bias"), u.mean((0, 2, 3)))


def test_pooling() -> None:
    """Padding not counted; the gradient of a maximum spread over its window."""
    x = normal(1, 1, 4, 4, seed=5)
    case = Network(x, normal(1, 1, 3, 3)).layer("AvgPool2d", 2, 2, padding=1).case
    told = chosen(case, row(pooling, "pooling.average_excludes_padding"), ("0",))
    assert_close(output(told, "0"), F.avg_pool2d(x, 2, 2, 1, count_include_pad=False))
    target = normal(1, 1, 2, 2)
    case = Network(x, target).layer("MaxPool2d", 2).case
    told = chosen(case, row(pooling, "pooling.max_gradient_spread"), ("0",), used="all of it")
    u = 2 * (F.max_pool2d(x, 2) - target) / 4
    assert_close(input_gradient(told), u.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_branches() -> None:
    """x + f(x) with one arm without gradient; a weight used twice with the gradient of one use."""
    net = Network(X, normal(6, 3, seed=2)).layer("Linear", 3, 3).layer("Tanh").function("Add", "0", "1")
    case = net.case
    h = X @ net.parameters["0.weight"].T + net.parameters["0.bias"]
    u = 2 * (h + torch.tanh(h) - normal(6, 3, seed=2)) / 18
    told = chosen(case, row(branches, "backward.residual_path_dropped"), ("2",), value="1")
    assert_close(gradient(told, "0.weight"), u.T @ X)
    told = chosen(case, row(branches, "backward.path_dropped"), ("0",), kept="only the path through 1")
    assert_close(gradient(told, "0.weight"), (u * (1 - torch.tanh(h) ** 2)).T @ X)
    net = Network(X, normal(6, 3, seed=2)).layer("Linear", 3, 3).layer("Tanh").shared("0")
    a = torch.tanh(X @ net.parameters["0.weight"].T + net.parameters["0.bias"])
    u = 2 * (a @ net.parameters["0.weight"].T + net.parameters["0.bias"] - normal(6, 3, seed=2)) / 18
    told = chosen(net.case, row(branches, "backward.tied_weight_one_use"), ("0.weight", "0.bias"), kept="2")
    assert_close(gradient(told, "0.weight"), u.T @ a)


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"bias": False}, {"kdim": 3, "vdim": 5}])
def test_own_attention_is_pytorchs(options: dict[str, Any]) -> None:
    """With the default switches outputs and weights are those of torch.nn.MultiheadAttention, masks included."""
    torch.manual_seed(0)
    module = nn.MultiheadAttention(4, 2, **options).double()
    own = copy.deepcopy(module)
    switched(Switches())(own)
    widths = (4, options.get("kdim", 4), options.get("vdim", 4))
    given = [normal(3, 3, width, seed=i) for i, width in enumerate(widths)]
    mask = torch.ones(3, 3, dtype=torch.bool).triu(1)
    padding = torch.tensor([[False, False, True], [False, False, False], [False, True, False]])
    for masks in ({}, {"attn_mask": mask}, {"key_padding_mask": padding}, {"attn_mask": normal(6, 3, 3)}):
        for expected, found in zip(module(*given, **masks), own(*given, **masks), strict=True):
            assert_close(found, expected)


def test_attention_without_scale() -> None:
    """softmax(QKᵀ)V, one head."""
    x = normal(3, 1, 4)
    net = Network(x, x).layer("MultiheadAttention", 4, 1, inputs=("input", "input", "input"))
    p = net.parameters
    q, k, v = (x[:, 0] @ p["0.in_proj_weight"].T + p["0.in_proj_bias"]).chunk(3, -1)
    y = (q @ k.T).softmax(-1) @ v @ p["0.out_proj.weight"].T + p["0.out_proj.bias"]
    told = chosen(net.case, row(attention, "attention.scale"), ("0",), used="no division by √d")
    assert_close(output(told, "0")[:, 0], y)


def test_embedding_duplicates() -> None:
    """The last occurrence alone; nothing where no index repeats."""
    at, target = torch.tensor([1, 2, 1, 4]), normal(4, 3)
    net = Network(at, target).layer("Embedding", 5, 3)
    u = 2 * (net.parameters["0.weight"][at] - target) / 12
    expected = torch.zeros(5, 3, dtype=torch.float64)
    for i in range(4):
        expected[at[i]] = u[i]
    variant = row(embedding, "embedding.duplicates_overwritten")
    assert_close(gradient(chosen(net.case, variant, ("0",), used="last"), "0.weight"), expected)
    assert proposals(Network(torch.tensor([0, 1, 2, 3]), target).layer("Embedding", 5, 3).case, variant) == []


def test_activations() -> None:
    """GELU by tanh, another slope, and an activation left out."""
    case = Network(X, X).layer("GELU").layer("LeakyReLU").case
    told = chosen(case, row(activations, "activation.gelu_tanh_approximation"), ("0",))
    assert_close(output(told, "1"), F.leaky_relu(F.gelu(X, approximate="tanh")))
    told = chosen(case, row(activation_constants, "activation.leaky_slope"), ("1",), value="0.2")
    assert_close(output(told, "1"), F.leaky_relu(F.gelu(X), 0.2))
    told = chosen(case, row(activations, "activation.omitted"), ("1",))
    assert_close(output(told, "1"), F.gelu(X))


def test_flatten_order_and_ignored_arguments() -> None:
    """Channels last; an argument at its default."""
    x = normal(2, 3, 2, 2)
    case = Network(x, normal(2, 12)).layer("Flatten").case
    variant = row(layers, "layout.flatten_order")
    order = next(dict(p.texts)["used"] for p in proposals(case, variant))
    assert_close(output(chosen(case, variant, ("0",), used=order), "0"), x.permute(0, 2, 3, 1).flatten(1))
    case = Network(X, X).layer("CELU", 1.5).layer("Identity").case
    told = chosen(case, row(layers, "layer.argument_ignored"), ("0",), argument="alpha")
    assert_close(output(told, "1"), F.celu(X, 1.0))


def test_softplus_beta() -> None:
    """Softplus with β = 1, and its derivative σ(z) instead of σ(βz)."""
    case = Network(X, X).layer("Softplus", 2.0).case
    told = chosen(case, row(activation_constants, "activation.softplus_beta"), ("0",), value="1")
    assert_close(output(told, "0"), F.softplus(X))
    told = chosen(case, row(rectifiers, "backward.softplus_derivative_without_beta"), ("0",))
    assert_close(input_gradient(told), 2 * (F.softplus(X, 2) - X) / 18 * torch.sigmoid(X))


MODULES = (
    activation_constants, activations, attention, biases, branches, convolution, derivatives, embedding, jacobians,
    layers, layouts, linear, normalization, pooling, rectifiers, running_statistics, transformers, weight_inputs,
)  # fmt: skip
IMAGE = normal(2, 4, 4, 4, seed=9)
INDICES = torch.tensor([[1, 2, 1], [0, 4, 4]])
NETWORKS = (
    lambda: Network(X, T).layer("Linear", 3, 3).layer("Sigmoid").layer("Linear", 3, 3).layer("GELU")
    .layer("Linear", 3, 2),
    lambda: Network(X, T).layer("Linear", 3, 2).layer("LeakyReLU", 0.1).layer("Softmax", 1),
    lambda: Network(X, T).layer("Linear", 3, 4).layer("BatchNorm1d", 4).layer("ReLU").layer("Linear", 4, 2),
    lambda: Network(X, T).layer("Linear", 3, 4).layer("LayerNorm", 4).layer("Dropout", 0.4).layer("Linear", 4, 2),
    lambda: Network(IMAGE, normal(2, 4)).layer("Conv2d", 4, 4, 3, padding=1).layer("MaxPool2d", 2).layer("AvgPool2d", 2)
    .layer("Flatten"),
    lambda: Network(INDICES, normal(2, 12)).layer("Embedding", 5, 4, padding_idx=1).layer("Flatten"),
    lambda: Network(X, normal(6, 3)).layer("Linear", 3, 3).function("Multiply", "0", "input").function("Add", "1", "0"),
    lambda: Network(normal(3, 2, 4), normal(3, 2, 4)).layer("TransformerEncoderLayer", 4, 2, 8, 0.0),
    lambda: Network(X[0], T[0]).layer("Linear", 3, 3).layer("Tanh").layer("Linear", 3, 2),
)  # fmt: skip


@pytest.mark.parametrize("make", NETWORKS)
def test_every_proposal_runs(make: Any) -> None:
    """No proposal fails, and no altered backward rule touches the forward pass; unbatched inputs too."""
    case = make().case
    for variant in (variant for module in MODULES for variant in module.VARIANTS):
        for proposal in proposals(case, variant):
            if variant.code == "layer.argument_ignored":
                continue
            told = tell(case, proposal)
            for id, value in told.items():
                if variant.stage is Stage.BACKWARD and id.quantity in (Quantity.LOSS, Quantity.OUTPUT):
                    assert torch.equal(value, case.reference[id].double()), variant.code


def test_a_layer_that_is_made_again_runs_in_the_mode_of_the_problem() -> None:
    """What an altered layer tells does not follow the mode in which another run left its original."""
    encoder = {"dim_feedforward": 3, "dropout": 0.3, "batch_first": True}
    case = (
        Network(normal(2, 2, 4), normal(2, 2, 4)).layer("TransformerEncoderLayer", 4, 2, **encoder).layer("Tanh").case
    )
    variant, told = row(transformers, "attention.norm_order"), []
    for train in (True, False):
        set_mode(case.training.program, train)
        told.append(tell(case, proposals(case, variant)[0]))
    assert all(torch.equal(told[0][id], told[1][id]) for id in told[0])
