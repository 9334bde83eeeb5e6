"""Following one feature gives what the whole network gives, and the estimate knows that it is cheaper."""

from __future__ import annotations

from typing import Any

import gradproof as gp
import pytest
import torch
from gradproof_server.engine.determinism import deterministic
from gradproof_server.engine.numeric import features
from gradproof_server.engine.numeric.base import Base, base_of
from gradproof_server.engine.numeric.objective import Downstream, Points
from gradproof_server.engine.numeric.plan import node_flops
from gradproof_server.engine.run import never
from gradproof_server.engine.types import Quantity, TensorId

from tests.engine.witnessed import numbers, training_of


def convolution(dims: int, channels: int, out: int, **more: Any) -> Any:
    """A convolution with kernels of 2 in each dimension."""
    weight = numbers(out, channels, *[2] * dims, seed=out)
    return getattr(gp, f"Conv{dims}d")(channels, out, 2, weight=weight, bias=numbers(out, seed=7), **more)


NETWORKS: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "linear": (
        [
            gp.Linear(3, 4, weight=numbers(4, 3), bias=numbers(4)),
            gp.Tanh(),
            gp.Linear(4, 2, weight=numbers(2, 4), bias=numbers(2)),
        ],
        (5, 3),
    ),
    "linear on sequences": ([gp.Linear(3, 4, weight=numbers(4, 3), bias=numbers(4)), gp.GELU()], (2, 3, 3)),
    "convolution in 1 dimension": (
        [convolution(1, 2, 3, stride=2, padding=1), gp.Tanh(), convolution(1, 3, 2, dilation=2)],
        (2, 2, 9),
    ),
    "convolution in 2 dimensions": (
        [convolution(2, 2, 3, padding=1), gp.AvgPool2d(2), gp.Tanh(), convolution(2, 3, 2, padding=1, stride=2)],
        (2, 2, 6, 6),
    ),
    "convolution in 3 dimensions": ([convolution(3, 1, 2), gp.MaxPool3d(2), gp.Sigmoid()], (1, 1, 5, 5, 5)),
    "convolution without a batch": ([convolution(2, 2, 3), gp.AvgPool2d(2), gp.Tanh()], (2, 5, 5)),
    "linear, then pooling along its features": (
        [gp.Linear(3, 4, weight=numbers(4, 3), bias=numbers(4)), gp.Tanh(), gp.AvgPool1d(2), convolution(1, 2, 2)],
        (3, 2, 3),
    ),
    "convolution, then linear": (
        [convolution(1, 1, 2), gp.Tanh(), gp.Linear(4, 2, weight=numbers(2, 4), bias=numbers(2))],
        (2, 1, 5),
    ),
}


def base_with(name: str) -> Base:
    """One of the networks under the sum of squares."""
    layers, shape = NETWORKS[name]
    output = torch.zeros(1)
    training = training_of(layers, numbers(*shape, seed=9), gp.MSELoss(reduction="sum"), output)
    return base_of(training, 0, never)


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", NETWORKS)
def test_following_gives_what_the_whole_network_gives(name: str) -> None:
    """Every element of every parameter, moved by different steps; along an axis that no one follows too."""
    base = base_with(name)
    with deterministic(base.training), torch.no_grad():
        for id in (id for id in base.gradients if id.quantity is Quantity.GRADIENT):
            downstream, size = Downstream(base, id), base.variable(id).numel()
            offsets = torch.linspace(-0.3, 0.5, size, dtype=torch.float64)
            single = downstream.loss(Points(offsets, torch.arange(size)))
            axes = torch.eye(size, dtype=torch.float64).view(size, *base.variable(id).shape)
            whole = downstream.loss(Points(offsets, None, torch.arange(size), axes))
            assert torch.allclose(single, whole, rtol=1e-13, atol=0), id


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_followed_elements_cost_less_than_the_whole_network() -> None:
    """In the first convolution; a parameter that nothing follows costs what its nodes cost."""
    base = base_with("convolution in 2 dimensions")
    work = node_flops(base)
    first = Downstream(base, TensorId(0, Quantity.GRADIENT, "0.weight"))
    moved = Downstream(base, TensorId(0, Quantity.INPUT_GRADIENT, "input"))
    assert features.operations(base, first.nodes, first.id, work) < sum(work[n.name] for n in first.nodes) / 2
    assert features.operations(base, moved.nodes, moved.id, work) == sum(work[n.name] for n in moved.nodes)
