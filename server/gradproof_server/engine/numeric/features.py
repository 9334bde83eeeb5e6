"""Changes of one feature of a value: what a single element of a layer's parameters does, followed on.

The change is exact: y_j + t·x_i for element (j, i) of a Linear weight, y_j + t·(window of x_i) for element (j, i, k) of
a convolution's, y_j + t for element j of a bias. It stays one feature through elementwise operations and pooling; a
second linear or convolutional layer adds what its weights make of the change.
"""

from __future__ import annotations

import enum
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

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
POOLS = frozenset(f"{kind}Pool{d}d" for kind in ("Max", "Avg", "AdaptiveMax", "AdaptiveAvg", "LP") for d in (1, 2, 3))
"""Layers that treat every channel alike and by itself."""
CONVOLUTIONS = {"Conv1d": F.conv1d, "Conv2d": F.conv2d, "Conv3d": F.conv3d}
Tensor = torch.Tensor


class Way(enum.Enum):
    """What becomes of one feature at a node: it begins there, stays one, or is mixed with all others."""

    ENTERS = enum.auto()
    STAYS = enum.auto()
    LEAVES = enum.auto()


@dataclass(frozen=True)
class Feature:
    """A value of which only one feature, along the dimension `dim` < 0, differs from the base: which [P], and its new
    values [P, *shape without that dimension]."""

    which: Tensor
    values: Tensor
    dim: int = -1


def dense(base: Base, key: str, value: Tensor | Feature, count: int) -> Tensor:
    """The whole value for all points [P, *shape]."""
    if isinstance(value, Tensor):
        return value
    known = base.values[key]
    whole = known.expand(count, *known.shape).clone().movedim(value.dim, 1)
    whole[torch.arange(count, device=known.device), value.which] = value.values
    return whole.movedim(1, value.dim)


def way_of(base: Base, node: Node, id: TensorId, changed: Container[str], followed: Mapping[str, int]) -> Way | None:
    """How a single element of a parameter goes on at a node; None where it cannot be followed. changed: keys of
    values that differ from the base. followed: of those of which one feature does, the dimension of features."""
    if len(node.inputs) != 1 or node.named_inputs or id.quantity is not Quantity.GRADIENT:
        return None
    key, kind, owned = node.inputs[0], node.operation.type_name, _owned(base, node, id)
    if (kind == "Linear" or _is_plain_convolution(node)) and len(owned) == 1 and key not in changed:
        return Way.ENTERS
    if owned or key not in followed:
        return None
    if kind in ELEMENTWISE:
        return Way.STAYS
    if kind in POOLS and len(base.keys[node.name]) == 1:
        return Way.STAYS if followed[key] == _dim(node) else None
    mixes = kind == "Linear" or _is_plain_convolution(node)
    return Way.LEAVES if mixes and followed[key] == _dim(node) else None


def enters(base: Base, nodes: tuple[Node, ...], id: TensorId) -> bool:
    """Whether single elements of a tensor are followed from the first node on."""
    return bool(nodes) and way_of(base, nodes[0], id, (), {}) is Way.ENTERS


def operations(base: Base, nodes: tuple[Node, ...], id: TensorId, work: Mapping[str, float]) -> float:
    """Floating-point operations of one point on a single element's line. work: of each node where nothing is
    followed."""
    changed: set[str] = set()
    followed: dict[str, int] = {}
    total, count = 0.0, 1
    for node in nodes:
        way = way_of(base, node, id, changed, followed)
        changed.update(base.keys[node.name])
        if way is None:
            total += work[node.name]
            continue
        value = base.values[base.keys[node.name][0]]
        if way is Way.LEAVES:
            total += max(2.0 * value.numel(), work[node.name] / count)
            continue
        dim = _dim(node) if way is Way.ENTERS else followed[node.inputs[0]]
        count = value.shape[dim]
        total += 2.0 * value.numel() / count
        followed[base.keys[node.name][0]] = dim
    return total


def follow(
    base: Base, node: Node, id: TensorId, points: Points, values: Mapping[str, Tensor | Feature]
) -> tuple[Tensor | Feature, ...] | None:
    """Outputs of a node by following one feature; None where that is not possible."""
    if points.elements is None:
        return None
    followed = {key: value.dim for key, value in values.items() if isinstance(value, Feature)}
    way = way_of(base, node, id, values, followed)
    if way is None:
        return None
    if way is Way.ENTERS:
        (inner,) = _owned(base, node, id)
        return (_entering(base, node, inner, points.elements, points.offsets),)
    value = values[node.inputs[0]]
    assert isinstance(value, Feature)
    if way is Way.STAYS:
        parameters = {**base.parameters, **base.buffers}
        (new,) = call_node(node, base.program, parameters, (value.values,), {}, torch.float64)
        return (Feature(value.which, new, value.dim),)
    change = value.values - base.values[node.inputs[0]].movedim(value.dim, 0)[value.which]
    weight = node_tensors(node, base.program, base.parameters)["weight"]
    if node.operation.type_name == "Linear":
        return (_through_linear(base.values[node.name], weight, change, value.which),)
    return (_through_convolution(base.values[node.name], node, weight, change, value.which),)


def _owned(base: Base, node: Node, id: TensorId) -> list[str]:
    return [inner for inner, outer in node.tensors.items() if base.program.tied.get(outer, outer) == id.name]


def _is_plain_convolution(node: Node) -> bool:
    """Whether every output channel is made of all input channels, and what is padded is 0."""
    if node.operation.type_name not in CONVOLUTIONS or node.operation.module is None:
        return False
    module: Any = node.operation.module.module
    return bool(module.groups == 1 and module.padding_mode == "zeros" and not isinstance(module.padding, str))


def _dim(node: Node) -> int:
    """The dimension of a layer's features, from the end."""
    return -1 if node.operation.type_name == "Linear" else -1 - int(node.operation.type_name[-2])


def _entering(base: Base, node: Node, inner: str, elements: Tensor, offsets: Tensor) -> Feature:
    dim = _dim(node)
    y = base.values[node.name].movedim(dim, 0)
    x = base.values[node.inputs[0]]
    t = offsets.view(-1, *[1] * (y.dim() - 1))
    if inner == "bias":
        return Feature(elements, y[elements] + t, dim)
    if dim == -1:
        columns, row = x.movedim(-1, 0), x.shape[-1]
        return Feature(elements // row, torch.addcmul(y[elements // row], t, columns[elements % row]), dim)
    shape = node_tensors(node, base.program, base.parameters)["weight"].shape
    kernel = int(shape[2:].numel())
    which, rest = elements // int(shape[1:].numel()), elements % int(shape[1:].numel())
    windows = torch.empty((len(elements), *y.shape[1:]), dtype=y.dtype, device=y.device)
    for k in sorted(set((rest % kernel).tolist())):
        here = rest % kernel == k
        windows[here] = _window(x, node, shape[2:], k, y.shape[dim + 1 :])[rest[here] // kernel]
    return Feature(which, torch.addcmul(y[which], t, windows), dim)


def _window(x: Tensor, node: Node, kernel: torch.Size, position: int, size: torch.Size) -> Tensor:
    """What the kernel's element at a row-major position meets of each input channel: [channels, *batch, *size]."""
    assert node.operation.module is not None
    module: Any = node.operation.module.module
    padded = F.pad(x, [p for padding in reversed(module.padding) for p in (padding, padding)])
    place = torch.unravel_index(torch.tensor(position), kernel)
    for d, (k, out) in enumerate(zip(place, size, strict=True)):
        start, stride = int(k) * module.dilation[d], module.stride[d]
        where = torch.arange(start, start + (out - 1) * stride + 1, stride, device=x.device)
        padded = padded.index_select(d - len(size), where)
    return padded.movedim(_dim(node), 0)


def _through_linear(known: Tensor, weight: Tensor, change: Tensor, which: Tensor) -> Tensor:
    columns = weight.T[which].view(len(change), *[1] * (change.dim() - 1), -1)  # [P, 1..., out]
    return torch.addcmul(known, change[..., None], columns)


def _through_convolution(known: Tensor, node: Node, weight: Tensor, change: Tensor, which: Tensor) -> Tensor:
    assert node.operation.module is not None
    module: Any = node.operation.module.module
    convolve: Any = CONVOLUTIONS[node.operation.type_name]
    dims = -1 - _dim(node)
    found = torch.empty((len(change), *known.shape), dtype=known.dtype, device=known.device)
    for channel in sorted(set(which.tolist())):
        here = which == channel
        rows = change[here].reshape(-1, 1, *change.shape[-dims:])
        made = convolve(rows, weight[:, channel : channel + 1], None, module.stride, module.padding, module.dilation)
        found[here] = known + made.view(-1, *known.shape)
    return found
