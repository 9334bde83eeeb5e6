"""Changes of one feature of a value: what a single element of a Linear layer's parameters does, followed on.

The change is exact: y_j + t·x_i for element (j, i) of a weight, y_j + t for element j of a bias. It stays one feature
through elementwise operations, and a second Linear layer adds its column of the weight times the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..forward import call_node, node_tensors
from ..network import Node
from ..types import Quantity, TensorId

if TYPE_CHECKING:
    from .base import Base
    from .objective import Points

ELEMENTWISE = frozenset(
    {"CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity", "LeakyReLU", "LogSigmoid",
     "Mish", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink",
     "Threshold"}
)  # fmt: skip
"""Layers that treat every element alike and by itself."""
Tensor = torch.Tensor


@dataclass(frozen=True)
class Feature:
    """A value of which only one feature, along the last dimension, differs from the base: which [P], and its new
    values [P, *shape without the last dimension]."""

    which: Tensor
    values: Tensor


def dense(base: Base, key: str, value: Tensor | Feature, count: int) -> Tensor:
    """The whole value for all points [P, *shape]."""
    if isinstance(value, Tensor):
        return value
    known = base.values[key]
    whole = known.expand(count, *known.shape).clone().movedim(-1, 1)
    whole[torch.arange(count, device=known.device), value.which] = value.values
    return whole.movedim(1, -1)


def follow(
    base: Base, node: Node, id: TensorId, points: Points, values: Mapping[str, Tensor | Feature]
) -> tuple[Tensor | Feature, ...] | None:
    """Outputs of a node by following one feature; None where that is not possible."""
    if points.elements is None or len(node.inputs) != 1 or node.named_inputs:
        return None
    key, kind = node.inputs[0], node.operation.type_name
    owned = [inner for inner, outer in node.tensors.items() if base.program.tied.get(outer, outer) == id.name]
    if kind == "Linear" and id.quantity is Quantity.GRADIENT and len(owned) == 1 and key not in values:
        return (_of_linear(base, node, owned[0], points),)
    value = values.get(key)
    if not isinstance(value, Feature) or owned:
        return None
    if kind in ELEMENTWISE:
        parameters = {**base.parameters, **base.buffers}
        (new,) = call_node(node, base.program, parameters, (value.values,), {}, torch.float64)
        return (Feature(value.which, new),)
    if kind == "Linear":
        return (_through_linear(base, node, key, value),)
    return None


def _first(value: Tensor) -> Tensor:
    return value.movedim(-1, 0)


def _of_linear(base: Base, node: Node, inner: str, points: Points) -> Feature:
    assert points.elements is not None
    y, x = _first(base.values[node.name]), _first(base.values[node.inputs[0]])
    offsets = points.offsets.view(-1, *[1] * (y.dim() - 1))
    if inner == "bias":
        return Feature(points.elements, y[points.elements] + offsets)
    rows = points.elements // len(x)
    return Feature(rows, y[rows] + offsets * x[points.elements % len(x)])


def _through_linear(base: Base, node: Node, key: str, value: Feature) -> Tensor:
    weight = node_tensors(node, base.program, base.parameters)["weight"]  # [out, in]
    change = value.values - _first(base.values[key])[value.which]  # [P, *rest]
    columns = weight.T[value.which].view(len(change), *[1] * (change.dim() - 1), -1)  # [P, 1..., out]
    return torch.addcmul(base.values[node.name], change[..., None], columns)
