"""Networks that the witness is timed on: as modules of PyTorch, and as problems with the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from gradproof import catalog, tensors
from gradproof.v1 import problem_pb2
from gradproof_server.engine import Training, read_problem
from gradproof_server.engine.types import Limits
from torch import nn

Tensor = torch.Tensor


@dataclass(frozen=True)
class Layer:
    """A layer by its class in torch.nn and its arguments."""

    kind: str
    args: tuple[int, ...] = ()
    kwargs: tuple[tuple[str, object], ...] = ()

    def module(self) -> nn.Module:
        """In PyTorch."""
        made: nn.Module = getattr(nn, self.kind)(*self.args, **dict(self.kwargs))
        return made


@dataclass(frozen=True)
class Network:
    """Layers in a row under MSELoss, float64 parameters, a batch and its targets."""

    layers: tuple[Layer, ...]
    module: nn.Sequential
    input: Tensor
    target: Tensor

    @property
    def parameters(self) -> dict[str, Tensor]:
        """By their names, detached."""
        return {name: value.detach() for name, value in self.module.named_parameters()}

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(value.numel() for value in self.parameters.values())

    def training(self) -> Training:
        """As the engine reads it."""
        problem = problem_pb2.Problem()
        for i, layer in enumerate(self.layers):
            node = problem.network.nodes.add(name=str(i))
            node.layer.CopyFrom(catalog.construct("Layer", layer.kind, layer.args, dict(layer.kwargs)))
        for name, value in self.parameters.items():
            problem.parameters[name].CopyFrom(tensors.as_tensor(value))
        problem.inputs["input"].CopyFrom(tensors.as_tensor(self.input))
        problem.targets["target"].CopyFrom(tensors.as_tensor(self.target))
        problem.loss.mse_loss.SetInParent()
        return read_problem(problem, Limits())

    def loss(self) -> Callable[..., Tensor]:
        """The loss as a function of the parameters, in their order."""
        names = list(self.parameters)

        def loss(*values: Tensor) -> Tensor:
            output = torch.func.functional_call(self.module, dict(zip(names, values, strict=True)), (self.input,))
            return nn.functional.mse_loss(output, self.target)

        return loss


def network_of(layers: tuple[Layer, ...], *shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Network:
    """A network with PyTorch's initial parameters, on normal numbers of that shape."""
    torch.manual_seed(seed)
    module = nn.Sequential(*(layer.module() for layer in layers)).to(dtype)
    input = torch.randn(shape, dtype=dtype)
    with torch.no_grad():
        target = torch.randn_like(module(input))
    return Network(layers, module, input, target)


def perceptron(*widths: int, batch: int = 8, dtype: torch.dtype = torch.float64) -> Network:
    """Linear layers with Tanh between them."""
    layers: list[Layer] = []
    for narrow, wide in pairwise(widths):
        layers += [Layer("Linear", (narrow, wide)), Layer("Tanh")]
    return network_of(tuple(layers[:-1]), batch, widths[0], dtype=dtype)


def convolutional() -> Network:
    """Two convolutions, pooling and a linear layer on 12 x 12 images: 1,898 parameters."""
    same = (("padding", 1),)
    layers = (
        Layer("Conv2d", (1, 8, 3), same),
        Layer("Tanh"),
        Layer("AvgPool2d", (2,)),
        Layer("Conv2d", (8, 8, 3), same),
        Layer("Tanh"),
        Layer("AvgPool2d", (2,)),
        Layer("Flatten"),
        Layer("Linear", (72, 10)),
    )
    return network_of(layers, 4, 1, 12, 12)


def transformer() -> Network:
    """A block of attention and two linear layers, width 16, on 2 sequences of 6."""
    kwargs = (("dropout", 0.0), ("activation", "gelu"), ("batch_first", True))
    return network_of((Layer("TransformerEncoderLayer", (16, 2, 32), kwargs),), 2, 6, 16)
