"""Tools for writing variants: altered backward rules that leave the forward value as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..forward import NodeCall
from ..network import Node

Vjp = Callable[[torch.Tensor], tuple[torch.Tensor | None, ...]]


class _Rewired(torch.autograd.Function):
    """Passes a value on and takes gradients from a given rule."""

    @staticmethod
    def forward(ctx: Any, vjp: Vjp, value: torch.Tensor, *sources: torch.Tensor) -> torch.Tensor:
        ctx.vjp = vjp
        return value.clone()

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return (None, None, *ctx.vjp(upstream))


def rewire(value: torch.Tensor, sources: tuple[torch.Tensor, ...], vjp: Vjp) -> torch.Tensor:
    """`value` in the forward pass; in the backward pass `vjp(upstream)` gives the gradients of `sources`, in order.

    A gradient may be None. `value` itself gets no gradient.
    """
    result: torch.Tensor = _Rewired.apply(vjp, value.detach(), *sources)  # type: ignore[no-untyped-call]
    return result


def ordinary(node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any) -> Any:
    """What the node does anyway: its output, or its outputs as a tuple."""
    operation = node.operation
    if operation.module is not None:
        outputs = operation.module.call(tensors, inputs, named)
        return outputs if len(outputs) > 1 else outputs[0]
    assert operation.function is not None
    return operation.function(*inputs)


def with_derivative(factor: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]) -> NodeCall:
    """The rule of an elementwise node whose backward pass is `factor(x, y, upstream)` instead of upstream * f'(x)."""

    def rule(node: Node, tensors: Any, inputs: tuple[torch.Tensor, ...], named: Any) -> torch.Tensor:
        x = inputs[0]
        y = ordinary(node, tensors, inputs, named).detach()
        return rewire(y, (x,), lambda u: (factor(x.detach(), y, u),))

    return rule


def with_forward(function: Callable[[torch.Tensor], torch.Tensor]) -> NodeCall:
    """The rule of a node with one input that computes another function, differentiated by PyTorch."""
    return lambda node, tensors, inputs, named: function(inputs[0])
