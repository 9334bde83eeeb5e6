"""Normalization layers computed by hand, with switches: what the variants of normalization alter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..rules import ordinary
from .sites import module_of, passed

Tensors = dict[str, torch.Tensor]
Inputs = tuple[torch.Tensor, ...]

BATCH = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")
INSTANCE = ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
ALL = (*BATCH, *INSTANCE, "LayerNorm", "GroupNorm", "RMSNorm")


@dataclass(frozen=True)
class Way:
    """How to normalize. `eps` None: the declared one; `outside`: x̂ = (x - mean)/(√var + eps); `dims` None: the layer's.

    `centered` None: as the layer. `fixed_mean`, `fixed_var`: treated as constants by the backward pass. `std_axis_bias`
    is the correction of the variance, 0 for the biased one. `affine` takes x̂, weight and bias.
    """

    fixed_mean: bool = False
    fixed_var: bool = False
    correction: int = 0
    eps: float | None = None
    outside: bool = False
    dims: tuple[int, ...] | None = None
    centered: bool | None = None
    affine: Callable[[torch.Tensor, torch.Tensor | None, torch.Tensor | None], torch.Tensor] | None = None


def scaled(x: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None) -> torch.Tensor:
    """x̂ ⊙ γ + β."""
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def epsilon(node: Node, x: torch.Tensor) -> float:
    """The layer's ε; of RMSNorm without one the type's."""
    eps = module_of(node).eps
    return float(torch.finfo(x.dtype).eps if eps is None else eps)


def layout(node: Node, x: torch.Tensor) -> tuple[torch.Tensor, tuple[int, ...], tuple[int, ...]]:
    """x as a view to normalize, the dimensions of its statistics, and the shape in which γ and β act on x."""
    kind, module = node.operation.type_name, module_of(node)
    if kind in BATCH:
        dims = tuple(d for d in range(x.dim()) if d != 1)
        return x, dims, (-1, *([1] * (x.dim() - 2)))
    if kind in INSTANCE:
        space = int(kind[-2])
        return x, tuple(range(x.dim() - space, x.dim())), (-1, *([1] * space))
    if kind == "GroupNorm":
        view = x.reshape(x.shape[0], module.num_groups, -1)
        return view, (2,), (-1, *([1] * (x.dim() - 2)))
    shape = tuple(module.normalized_shape)
    return x, tuple(range(x.dim() - len(shape), x.dim())), shape


def normalized(node: Node, x: torch.Tensor, way: Way) -> torch.Tensor:
    """x̂ in the shape of x."""
    view, dims, _ = layout(node, x)
    dims = dims if way.dims is None else way.dims
    centered = way.centered if way.centered is not None else node.operation.type_name != "RMSNorm"
    mean = view.mean(dims, keepdim=True) if centered else view.new_zeros(())
    if way.correction:
        var = view.var(dims, correction=way.correction, keepdim=True)
    else:
        var = ((view - mean.detach() if way.fixed_mean else view - mean) ** 2).mean(dims, keepdim=True)
    mean = mean.detach() if way.fixed_mean else mean
    var = var.detach() if way.fixed_var else var
    eps = epsilon(node, x) if way.eps is None else way.eps
    root = var.sqrt() + eps if way.outside else (var + eps).sqrt()
    return ((view - mean) / root).reshape(x.shape)


def computed(node: Node, tensors: Tensors, x: torch.Tensor, way: Way) -> torch.Tensor:
    """The layer's output."""
    _, _, shape = layout(node, x)
    weight, bias = tensors.get("weight"), tensors.get("bias")
    affine = way.affine or scaled
    return affine(
        normalized(node, x, way),
        None if weight is None else weight.reshape(shape),
        None if bias is None else bias.reshape(shape),
    )


def other_forward(way: Way) -> NodeCall:
    """The rule of a layer that normalizes another way; running statistics are kept as PyTorch does."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        ordinary(node, tensors, inputs, named)
        return computed(node, tensors, inputs[0], way)

    return rule


def other_backward(way: Way) -> NodeCall:
    """The rule of a layer whose value is PyTorch's and whose gradients are those of another way."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        value = ordinary(node, tensors, inputs, named)
        return passed(value, computed(node, tensors, inputs[0], way))

    return rule


def detached(tensors: Tensors) -> Tensors:
    """Parameters as constants."""
    return {name: tensor.detach() for name, tensor in tensors.items()}


def split_backward(
    to_input: Callable[[Node, Tensors, torch.Tensor], torch.Tensor] | None = None,
    to_parameters: Callable[[Node, Tensors, torch.Tensor], torch.Tensor] | None = None,
) -> NodeCall:
    """The rule of a layer with another path to its input, or to its parameters; the rest is PyTorch's."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        x = inputs[0]
        value = ordinary(node, tensors, inputs, named)
        fixed = detached(tensors)
        first = to_input(node, fixed, x) if to_input else computed(node, fixed, x, Way())
        at = x.detach()
        second = to_parameters(node, tensors, at) if to_parameters else computed(node, tensors, at, Way())
        return passed(value, *(path for path in (first, second) if path.requires_grad))

    return rule


def by_batch(case: Case, *kinds: str) -> Iterator[Node]:
    """Layers of these kinds (none: all) that take statistics of their input in this training."""
    for node in case.nodes(*(kinds or ALL)):
        running = bool(getattr(module_of(node), "track_running_stats", False))
        if case.training.train or not running:
            yield node


def by_running(case: Case) -> Iterator[Node]:
    """Batch normalizations that take running statistics in this training."""
    if not case.training.train:
        yield from (node for node in case.nodes(*BATCH, *INSTANCE) if module_of(node).track_running_stats)
