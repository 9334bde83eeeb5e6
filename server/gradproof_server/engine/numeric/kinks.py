"""Where along a line a network bends: which node, which unit, its slopes on either side and what PyTorch takes there.

No table of layers is asked. The line is followed a short way to both sides; a unit whose slopes differ although those
of the node's inputs do not is where a kink enters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from ..network import Node
from ..types import Quantity, TensorId
from . import features
from .objective import Downstream, Points
from .slopes import EPS
from .types import Kink

DIFFERENT = 1e-4
"""Relative difference of a unit's slopes on the two sides from which they are different."""
ROUNDING_UNITS = 8.0
"""Units in the last place that a unit's values at neighbouring points may be off beside each other."""
MOST_KINKS = 8
Tensor = torch.Tensor


@dataclass(frozen=True)
class _Sides:
    """Slopes of a value on the left and on the right, and by how much rounding may set them apart; its shape."""

    left: Tensor
    right: Tensor
    rounding: Tensor | float = 0.0

    @property
    def differ(self) -> Tensor:
        """Where they differ by more than curvature and rounding explain."""
        size = torch.maximum(self.left.abs(), self.right.abs())
        largest = size.max() if size.numel() else size
        return (self.right - self.left).abs() > DIFFERENT * size + 1e-6 * DIFFERENT * largest + self.rounding


@dataclass(frozen=True)
class Bends:
    """Kinks along a line, and the least and largest derivative that conventions at each of them allow together."""

    kinks: tuple[Kink, ...]
    least: float
    largest: float


def bends(downstream: Downstream, points: Points, stated: float) -> Bends:
    """Kinks along the line of two points at t = h and t = -h, h short.

    stated: the derivative by PyTorch's reverse mode, from which the range of other conventions is counted.
    """
    base, step = downstream.base, float(points.offsets[0])
    values = downstream.values(points)[0]
    sides: dict[str, _Sides] = {}
    tangents = {downstream.id.name: _direction(points, base.variable(downstream.id))}
    kinks: list[Kink] = []
    least = largest = stated
    if downstream.id.quantity is not Quantity.GRADIENT:
        sides[downstream.id.name] = _Sides(tangents[downstream.id.name], tangents[downstream.id.name])
    for node in downstream.nodes:
        taken = downstream.tangents_of(node, tangents)
        for i, key in enumerate(k for k in base.keys[node.name] if k in values and base.values[k].is_floating_point()):
            both, known = features.dense(base, key, values[key], 2), base.values[key]
            rounding = ROUNDING_UNITS * EPS * known.abs() / step
            sides[key] = _Sides((known - both[1]) / step, (both[0] - known) / step, rounding)
            average = (sides[key].left + sides[key].right) / 2
            tangents[key] = average if taken is None or taken[i] is None else taken[i]
            inputs = [sides[k] for k in node.inputs if k in sides]
            if not sides[key].differ.any() or any(s.differ.any() for s in inputs):
                continue
            found = torch.nonzero(sides[key].differ)
            kinks += [_kink(node, known, sides[key], tangents[key], tuple(map(int, i))) for i in found[:MOST_KINKS]]
            low, high = _freedom(downstream, key, sides[key], tangents[key])
            least, largest = least + low, largest + high
    return Bends(tuple(kinks[:MOST_KINKS]), least, largest)


def _direction(points: Points, x: Tensor) -> Tensor:
    unit = Points(torch.ones(1, dtype=torch.float64, device=x.device), *_first_of(points))
    return unit.applied(torch.zeros_like(x, dtype=torch.float64))[0]


def _first_of(points: Points) -> Iterable[Tensor | None]:
    one = points.part(0, 1)
    return one.elements, one.rows, one.directions


def _freedom(downstream: Downstream, key: str, sides: _Sides, taken: Tensor) -> tuple[float, float]:
    """How far below and above PyTorch's the loss's slope can be by other conventions at these units."""
    base = downstream.base
    gradient = base.gradients.get(TensorId(base.step, Quantity.NODE_GRADIENT, key))
    if gradient is None:
        return 0.0, 0.0
    weight = gradient.to(taken.device) * sides.differ
    ways = torch.stack([weight * (sides.left - taken), weight * (sides.right - taken), torch.zeros_like(taken)])
    return float(ways.amin(0).sum()), float(ways.amax(0).sum())


def _kink(node: Node, values: Tensor, sides: _Sides, taken: Tensor, index: tuple[int, ...]) -> Kink:
    kind, value = node.operation.type_name, float(values[index])
    left, right, own = float(sides.left[index]), float(sides.right[index]), float(taken[index])
    where = f"[{', '.join(map(str, index))}]"
    text = (
        f"Node {node.name!r} ({kind}), unit {where}, sits on a kink: its value is {value:.6g}, its slope {left:.6g} on "
        f"the left and {right:.6g} on the right; PyTorch takes {own:.6g}."
    )
    return Kink(node.name, kind, index, value, left, right, own, text)
