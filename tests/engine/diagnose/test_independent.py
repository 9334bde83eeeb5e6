"""The training step written again in NumPy, held against PyTorch in float64, and its bfloat16 against PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from gradproof_server.engine import Training, Wanted, run
from gradproof_server.engine.types import Quantity, TensorId

from tests.support.independent import arithmetic
from tests.support.independent.problems import (
    ACTIVATIONS,
    FAMILIES,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    Layer,
    Sketch,
    bits,
    real,
    training_of,
)
from tests.support.independent.steps import compute
from tests.support.random_problems.draw import Draw

EVALUATED = frozenset(
    {Quantity.LOSS, Quantity.OUTPUT, Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.BUFFER, Quantity.UPDATED}
)
NEAR = 1e-12


@pytest.fixture(autouse=True)
def double_by_default() -> Iterator[None]:
    """NAdam keeps a product of its betas in PyTorch's default type."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def near_of(layers: Sequence[Layer]) -> float:
    """How near the two are; PyTorch has the derivative of Hardsigmoid, 1/6, in float32 only."""
    return 1e-7 if any(kind == "Hardsigmoid" for kind, _, _ in layers) else NEAR


def farthest(training: Training, quantities: frozenset[Quantity] = EVALUATED) -> dict[TensorId, float]:
    """The largest distances between NumPy and PyTorch of those quantities, relative to the tensor's largest number."""
    told = {id: tensor for id, tensor in compute(training, torch.float64).items() if id.quantity in quantities}
    right = run(training, Wanted(ids=frozenset(told))).tensors
    sizes = {id: max(1.0, float(tensor.abs().max())) for id, tensor in right.items()}
    return {id: float((told[id] - right[id]).abs().max()) / sizes[id] for id in told}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(12))
def test_networks_are_those_of_pytorch(family: str, seed: int) -> None:
    """Values, gradients and buffers of random networks, one step of plain descent."""
    draw = Draw(seed)
    sketch = FAMILIES[family](draw)
    near = near_of(sketch.layers)
    distances = farthest(training_of(sketch, ("MSELoss", {}, real, ()), ("SGD", {"lr": 0.1}), 1, draw))
    assert {id: distance for id, distance in distances.items() if distance > near} == {}


@pytest.mark.parametrize("layer", ACTIVATIONS, ids=lambda layer: f"{layer[0]} {layer[2]}")
def test_activations_are_those_of_pytorch(layer: Layer) -> None:
    """Value and derivative of every activation."""
    sketch = Sketch((("Linear", (4, 6), {}), layer, ("Linear", (6, 2), {})), (8, 4), (8, 2))
    distances = farthest(training_of(sketch, ("MSELoss", {}, bits, ()), ("SGD", {"lr": 0.1}), 1, Draw(0)))
    assert max(distances.values()) < near_of((layer,))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("row", LOSSES, ids=lambda row: f"{row[0]} {row[1]}")
def test_losses_are_those_of_pytorch(row: tuple[object, ...], reduction: str) -> None:
    """Value and gradient of every loss, under both reductions."""
    kind, kwargs, target, before = row
    loss = (kind, {"reduction": reduction, **kwargs}, target, before)
    sketch = Sketch((("Linear", (3, 5), {}),), (6, 3), (6, 5))
    distances = farthest(training_of(sketch, loss, ("SGD", {"lr": 0.1}), 1, Draw(1)))
    assert max(distances.values()) < NEAR


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda row: f"{row[0]} {row[1]}")
def test_optimizers_are_those_of_pytorch(optimizer: tuple[str, dict[str, object]]) -> None:
    """Eight steps of every optimizer, so that RAdam rectifies."""
    sketch = Sketch((("Linear", (3, 4), {}), ("Tanh", (), {}), ("Linear", (4, 2), {})), (5, 3), (5, 2))
    distances = farthest(training_of(sketch, ("MSELoss", {}, bits, ()), optimizer, 8, Draw(2)))
    assert max(distances.values()) < NEAR


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda row: row[0])
@pytest.mark.parametrize("clipping", [{}, {"max_norm": 0.05}, {"clip_value": 0.02}], ids=str)
def test_schedules_and_clipping_are_those_of_pytorch(
    schedule: tuple[str, dict[str, object]], clipping: dict[str, float]
) -> None:
    """Four steps of descent with a schedule, and gradients clipped by norm or by value."""
    sketch = Sketch((("Linear", (3, 2), {}),), (5, 3), (5, 2))
    training = training_of(
        sketch, ("MSELoss", {}, bits, ()), ("SGD", {"lr": 0.1}), 4, Draw(3), schedule=schedule, clipping=clipping
    )
    assert max(farthest(training).values()) < NEAR


def test_bfloat16_is_rounded_as_by_pytorch() -> None:
    """To nearest, ties to even, infinities and zeros kept."""
    values = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    values[:6] = [np.inf, -np.inf, 0.0, 1.00390625, 1.01171875, 3.3895314e38]
    expected = torch.from_numpy(values).bfloat16().float().numpy()
    assert (np.asarray(arithmetic.rounded(values)) == expected).all()


def test_every_operation_in_bfloat16_is_rounded() -> None:
    """Sums, products, in place and moved numbers are all numbers of bfloat16."""
    x = arithmetic.array_of(torch.rand(6, 6, generator=torch.Generator().manual_seed(0)), torch.bfloat16)
    y = x.copy()
    y += 0.3 * x
    moved = np.concatenate((np.where(x > 0.5, x, y), np.exp(y)))
    for made in (x, y, moved, x.sum(0), x.mean(0), arithmetic.product(x, y), x.max(1)):
        assert isinstance(made, arithmetic.Bfloat16)
        plain = torch.from_numpy(np.array(made, dtype=np.float32))
        assert torch.equal(plain.bfloat16().float(), plain)
