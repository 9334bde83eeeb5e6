"""The loss of a training step as a function of one tensor, float64, evaluated at many points at once.

Only what lies downstream of the tensor is computed again, for all points of a chunk together: by `torch.func.vmap`
where the operation allows it and gives the same as alone, else point by point. Single elements of a Linear layer's
parameters change one feature of its output; that feature alone is followed until a layer mixes it with others
(`features`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import torch
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..errors import TORCH_ERRORS
from ..forward import call_node, loss_of
from ..network import Node
from ..types import InvalidProblemError, ProblemError, Quantity, TensorId
from . import features
from .base import Base, set_random_state
from .features import Feature

SAME = 1e-9
"""Largest relative difference between an operation on many points and the same alone for the two to be the same."""
Tensor = torch.Tensor


@dataclass(frozen=True)
class Points:
    """Points x + t·d of one tensor x: t [P] float64, and d as positions of single elements [P], or as rows [P] of
    directions [D, *shape of x]."""

    offsets: Tensor
    elements: Tensor | None = None
    rows: Tensor | None = None
    directions: Tensor | None = None

    def __len__(self) -> int:
        return len(self.offsets)

    def part(self, start: int, stop: int) -> Points:
        """Points start to stop - 1."""
        cut = slice(start, stop)
        return Points(
            self.offsets[cut],
            None if self.elements is None else self.elements[cut],
            None if self.rows is None else self.rows[cut],
            self.directions,
        )

    def applied(self, x: Tensor) -> Tensor:
        """The points themselves, [P, *shape of x]."""
        if self.elements is not None:
            moved = x.reshape(1, -1).repeat(len(self), 1)
            moved[torch.arange(len(self), device=x.device), self.elements] += self.offsets
            return moved.view(len(self), *x.shape)
        assert self.rows is not None
        assert self.directions is not None
        shaped = self.offsets.view(-1, *[1] * x.dim())
        return x + shaped * self.directions[self.rows]


class Downstream:
    """The loss as a function of one tensor: the nodes that change with it, in order."""

    def __init__(self, base: Base, id: TensorId) -> None:
        self.base, self.id = base, id
        self.nodes = self._changing()
        self._loss_alone = False

    def _changing(self) -> tuple[Node, ...]:
        """Nodes that use the tensor, or what comes of it."""
        changed = {self.id.name} if self.id.quantity is not Quantity.GRADIENT else set()
        nodes = []
        for node in self.base.program.nodes:
            keys = {*node.inputs, *(key for _, key in node.named_inputs)}
            if (keys & changed or self.owns(node)) and not self._is_itself(node):
                nodes.append(node)
                changed.update(self.base.keys[node.name])
        self.changed = frozenset(changed)
        return tuple(nodes)

    def owns(self, node: Node) -> bool:
        """Whether the tensor is a parameter of the node."""
        if self.id.quantity is not Quantity.GRADIENT:
            return False
        return any(self.base.program.tied.get(outer, outer) == self.id.name for outer in node.tensors.values())

    def _is_itself(self, node: Node) -> bool:
        return self.id.quantity is Quantity.NODE_GRADIENT and self.id.name in self.base.keys[node.name]

    @cached_property
    def elements_per_point(self) -> int:
        """Numbers that one point makes, without the tensor itself."""
        return sum(self.base.values[key].numel() for key in self.changed if key in self.base.values)

    def loss(self, points: Points) -> Tensor:
        """Values of the loss [P], NaN where it has none."""
        values, moved = self.values(points)
        return self._loss(values, moved, len(points))

    def values(self, points: Points) -> tuple[dict[str, Tensor | Feature], Tensor | None]:
        """Values of what changes, by key, [P, *shape] or the one feature that changes; and the points themselves, None
        where they were not needed."""
        x = self.base.variable(self.id)
        values: dict[str, Tensor | Feature] = {}
        moved: Tensor | None = None
        if self.id.quantity is not Quantity.GRADIENT:
            values[self.id.name] = points.applied(x)
        for node in self.nodes:
            outputs = features.follow(self.base, node, self.id, points, values)
            if outputs is None:
                if self.owns(node) and moved is None:
                    moved = points.applied(x)
                outputs = self._call(node, values, moved if self.owns(node) else None, len(points))
            values.update(zip(self.base.keys[node.name], outputs, strict=False))
        if self._is_of_loss:
            moved = points.applied(x)
        return values, moved

    def _call(
        self, node: Node, values: dict[str, Tensor | Feature], moved: Tensor | None, count: int
    ) -> tuple[Tensor, ...]:
        """Outputs of a node for all points, [P, *shape] each."""
        keys = [*node.inputs, *(key for _, key in node.named_inputs)]
        many = {key: features.dense(self.base, key, values[key], count) for key in keys if key in values}
        signature = (node.name, self.id.name if moved is not None else "", tuple(key in many for key in keys))
        together = self.base.together
        if signature not in together:
            together[signature] = self._gives_the_same(node, many, moved)
        return (self._together if together[signature] else self._one_by_one)(node, many, moved, count)

    def _gives_the_same(self, node: Node, many: Mapping[str, Tensor], moved: Tensor | None) -> bool:
        """Whether the node on two points that are the base gives the base's values twice."""
        twice = {key: self.base.values[key].expand(2, *self.base.values[key].shape).clone() for key in many}
        x = None if moved is None else self.base.variable(self.id).expand(2, *moved.shape[1:]).clone()
        try:
            outputs = self._together(node, twice, x, 2)
        except (*TORCH_ERRORS, ProblemError):
            return False
        known = [self.base.values[key] for key in self.base.keys[node.name]]
        return all(
            output.shape[1:] == value.shape and all(_close(output[i], value) for i in range(2))
            for output, value in zip(outputs, known, strict=False)
        )

    def _together(self, node: Node, many: Mapping[str, Tensor], moved: Tensor | None, count: int) -> tuple[Tensor, ...]:
        buffers = {name: t.expand(count, *t.shape).clone() for name, t in self._buffers_of(node).items()}

        def one(own: Tensor | None, inputs: dict[str, Tensor], stats: dict[str, Tensor]) -> tuple[Tensor, ...]:
            return self._apply(node, inputs, own, stats)

        self._restore_random_state(node)
        in_dims = (None if moved is None else 0, dict.fromkeys(many, 0), dict.fromkeys(buffers, 0))
        with sdpa_kernel(SDPBackend.MATH):  # the only attention that many points share
            made: Any = torch.func.vmap(one, in_dims=in_dims, randomness="same")(moved, dict(many), buffers)
        return tuple(made)

    def _one_by_one(
        self, node: Node, many: Mapping[str, Tensor], moved: Tensor | None, count: int
    ) -> tuple[Tensor, ...]:
        rows = []
        for p in range(count):
            rows.append(
                self.alone(node, {key: value[p] for key, value in many.items()}, None if moved is None else moved[p])
            )
        return tuple(torch.stack(parts) for parts in zip(*rows, strict=True))

    def _apply(
        self, node: Node, inputs: Mapping[str, Tensor], own: Tensor | None, buffers: Mapping[str, Tensor]
    ) -> tuple[Tensor, ...]:
        tensors = {**self.base.parameters, **self.base.buffers, **buffers}
        if own is not None:
            tensors[self.id.name] = own
        given = tuple(inputs.get(key, self.base.values[key]) for key in node.inputs)
        named = {argument: inputs.get(key, self.base.values[key]) for argument, key in node.named_inputs}
        return call_node(node, self.base.program, tensors, given, named, torch.float64)

    def alone(self, node: Node, inputs: Mapping[str, Tensor], own: Tensor | None) -> tuple[Tensor, ...]:
        """Outputs of one node at one point: of these inputs, and the tensor itself where the node owns it."""
        self._restore_random_state(node)
        return self._apply(node, inputs, own, {name: t.clone() for name, t in self._buffers_of(node).items()})

    def tangents_of(self, node: Node, tangents: Mapping[str, Tensor]) -> tuple[Tensor, ...] | None:
        """What PyTorch's forward mode makes of tangents at one node; None where it has none for it, or draws other
        random numbers than alone. tangents: by the keys of values, a parameter that is differentiated by its name."""
        keys = [key for key in dict.fromkeys([*node.inputs, *(k for _, k in node.named_inputs)]) if key in tangents]
        own = [self.id.name] if self.owns(node) else []
        given = [self.base.values[key] for key in keys] + [self.base.variable(self.id) for _ in own]

        def call(*inputs: Tensor) -> tuple[Tensor, ...]:
            return self.alone(node, dict(zip(keys, inputs, strict=False)), inputs[-1] if own else None)

        try:
            values, made = _pushed(call, given, [tangents[name] for name in [*keys, *own]])
        except (*TORCH_ERRORS, ProblemError):
            return None
        known = [self.base.values[key] for key in self.base.keys[node.name]]
        same = all(_close(value, other) for value, other in zip(values, known, strict=False))
        return made if same else None

    def derivative_along(self, direction: Tensor) -> float | None:
        """The loss's derivative along a direction of the tensor by forward mode; None where an operation has none."""
        tangents = {self.id.name: direction}
        for node in self.nodes:
            made = self.tangents_of(node, tangents)
            if made is None:
                return None
            tangents.update(zip(self.base.keys[node.name], made, strict=False))
        keys = [key for key in tangents if key in self.base.values or key == self.id.name]
        own = self.id.quantity is Quantity.GRADIENT

        def loss(*inputs: Tensor) -> tuple[Tensor]:
            values = dict(zip(keys, inputs, strict=True))
            moved = values.pop(self.id.name) if own else None
            return (self._loss_at(values, moved if self._is_of_loss else None),)

        point = [self.base.variable(self.id) if key == self.id.name else self.base.values[key] for key in keys]
        try:
            slope = _pushed(loss, point, [tangents[key] for key in keys])[1][0]
        except (*TORCH_ERRORS, ProblemError):
            return None
        return float(slope)

    @property
    def _is_of_loss(self) -> bool:
        return self.id.quantity is Quantity.GRADIENT and self.id.name.startswith("loss.")

    def _loss_at(self, values: Mapping[str, Tensor], own: Tensor | None) -> Tensor:
        """The loss at one point: of these values, and the tensor itself where it is a parameter of the loss."""
        base = self.base
        tensors = base.parameters if own is None else {**base.parameters, self.id.name: own}
        return loss_of(base.program, tensors, {**base.values, **values}, base.targets).reshape(())

    def loss_at_base(self) -> Tensor:
        """The loss at the point itself, all nodes downstream computed again."""
        values = dict(self.base.values)
        for node in self.nodes:
            keys = {key: values[key] for key in [*node.inputs, *(k for _, k in node.named_inputs)]}
            values.update(zip(self.base.keys[node.name], self.alone(node, keys, None), strict=False))
        return self._loss_at(values, None)

    def _buffers_of(self, node: Node) -> dict[str, Tensor]:
        return {outer: self.base.buffers[outer] for outer in node.tensors.values() if outer in self.base.buffers}

    def _restore_random_state(self, node: Node) -> None:
        if node.name in self.base.random_states:
            set_random_state(self.base.random_states[node.name], self.base.training.device)

    def _loss(self, values: dict[str, Tensor | Feature], moved: Tensor | None, count: int) -> Tensor:
        base, loss = self.base, self.base.program.loss
        used = base.program.outputs if loss is None else [a.key for a in loss.arguments if not a.is_target]
        many = {key: features.dense(base, key, values[key], count) for key in used if key in values}
        own = moved if self._is_of_loss else None
        if not many and own is None:
            return torch.full((count,), base.loss, dtype=torch.float64, device=base.training.device)

        def one(x: Tensor | None, inputs: dict[str, Tensor]) -> Tensor:
            return self._loss_at(inputs, x)

        if not self._loss_alone:
            in_dims = (None if own is None else 0, dict.fromkeys(many, 0))
            try:
                return torch.func.vmap(one, in_dims=in_dims)(own, many)
            except (*TORCH_ERRORS, InvalidProblemError):
                self._loss_alone = True
        rows = [({key: value[p] for key, value in many.items()}, None if own is None else own[p]) for p in range(count)]
        return torch.stack([self._loss_at(*row) for row in rows])


def _pushed(
    call: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor], tangents: Sequence[Tensor]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Outputs of a call, and what PyTorch's forward mode makes of tangents of its inputs: 0 where nothing arrives."""
    dual, unpack = cast(Any, forward_ad.make_dual), cast(Any, forward_ad.unpack_dual)
    with forward_ad.dual_level():
        duals: Any = [dual(x, t.to(x.dtype)) for x, t in zip(inputs, tangents, strict=True)]
        both: Any = [unpack(output) for output in call(*duals)]
        made = (torch.zeros_like(value) if tangent is None else tangent for value, tangent in both)
        return tuple(value for value, _ in both), tuple(made)


def _close(value: Tensor, known: Tensor) -> bool:
    if not known.is_floating_point():
        return bool(torch.equal(value, known))
    size = float(known.abs().nan_to_num(0.0, 0.0, 0.0).max()) if known.numel() else 0.0
    return bool(torch.allclose(value, known, rtol=SAME, atol=SAME * size, equal_nan=True))
