"""Variants around the bias of linear layers: left out, or its gradient averaged, summed, shortened or multiplied."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from ...network import Node
from ..case import Case
from ..variant import Stage, Variant
from .linear import (
    DW,
    FIRST_BIAS,
    LAST_BIAS,
    Linear,
    at_linear,
    backward,
    count,
    has_bias,
    joined,
    many_and_bias,
    with_bias,
)
from .sites import shape


def bias_ignored(node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any) -> Any:
    """x Wᵀ."""
    return F.linear(inputs[0], tensors["weight"])


def bias_ignored_but_trained(
    node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any
) -> Any:
    """x Wᵀ, the bias getting its gradient all the same."""
    return F.linear(inputs[0], tensors["weight"], tensors["bias"] - tensors["bias"].detach())


def bias_subtracted(node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any) -> Any:
    """x Wᵀ - b."""
    return F.linear(inputs[0], tensors["weight"], -tensors["bias"])


def times_input(g: Linear) -> torch.Tensor:
    """Sum over the rows of u x; for an input of one number it multiplies every unit."""
    return (g.upstream * g.rows).sum(0)


def takes_input(case: Case, node: Node) -> bool:
    """Whether u and x can be multiplied element by element."""
    out, width = shape(case, node)
    return has_bias(node) and (width == 1 or out == width)


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="backward.bias_gradient_averaged",
        stage=Stage.BACKWARD,
        title="The gradient of the bias was averaged over the batch where the weights' is summed, at {sites}.",
        explanation=DW
        + "The bias is added to every sample, so its gradient is the sum of δ over the batch. Your numbers "
        "for b need its mean.",
        advice="Sum δ over the batch, as for the weights: δ.sum(0) instead of δ.mean(0).",
        propose=at_linear(backward(of_bias=lambda g: g.upstream.mean(0)), many_and_bias),
        rank=4,
        source="github.com/kvfrans/notes/pull/5",
    ),
    Variant(
        code="backward.bias_gradient_summed",
        stage=Stage.BACKWARD,
        title="The gradient of the bias was summed over the batch where the weights' is averaged, at {sites}.",
        explanation=DW + "Your numbers for b are the batch size times too large; those for W are not.",
        advice="Divide the bias's gradient by the batch size too.",
        propose=at_linear(backward(of_bias=lambda g: g.of_bias() * count(g)), many_and_bias),
        rank=8,
    ),
    Variant(
        code="backward.bias_gradient_one_row",
        stage=Stage.BACKWARD,
        title="The gradient of the bias is that of the {used} sample alone at {sites}.",
        explanation=DW + "Your numbers for b hold one row of δ instead of the sum of all rows.",
        advice="Sum δ over the batch.",
        propose=joined(
            at_linear(backward(of_bias=LAST_BIAS), many_and_bias, {"used": "last"}),
            at_linear(backward(of_bias=FIRST_BIAS), many_and_bias, {"used": "first"}, 4),
        ),
        rank=12,
    ),
    Variant(
        code="backward.bias_gradient_one_number",
        stage=Stage.BACKWARD,
        title="The gradient of the bias was summed over the units too: one number for all of {sites}.",
        explanation=DW + "Each unit has a bias of its own. Your numbers need the {used} of δ over batch and units.",
        advice="Sum over the batch only: keep the units' dimension, as in np.sum(δ, axis=0).",
        propose=joined(
            at_linear(backward(of_bias=lambda g: g.upstream.sum().expand_as(g.b)), with_bias, {"used": "sum"}),
            at_linear(backward(of_bias=lambda g: g.upstream.mean().expand_as(g.b)), with_bias, {"used": "mean"}, 6),
        ),
        rank=10,
    ),
    Variant(
        code="backward.bias_gradient_missing",
        stage=Stage.BACKWARD,
        title="The gradient of the bias is zero at {sites}.",
        explanation=DW + "Your numbers leave the bias without a gradient.",
        advice="Add ∂L/∂b = Σ δ, or declare the bias frozen.",
        propose=at_linear(backward(of_bias=lambda g: torch.zeros_like(g.b)), with_bias),
        rank=14,
    ),
    Variant(
        code="backward.bias_gradient_multiplied",
        stage=Stage.BACKWARD,
        title="The gradient of the bias was multiplied by {used} at {sites}.",
        explanation=DW + "The derivative of W·x + b with respect to b is 1. Your numbers multiply δ by {used}.",
        advice="Use δ alone.",
        propose=joined(
            at_linear(backward(of_bias=lambda g: g.of_bias() * g.b), with_bias, {"used": "the bias"}),
            at_linear(backward(of_bias=times_input), takes_input, {"used": "the input"}, 4),
            at_linear(
                backward(of_bias=lambda g: (g.upstream * g.rows.sum(1, keepdim=True)).sum(0)),
                with_bias,
                {"used": "the sum of the inputs"},
                8,
            ),
        ),
        rank=25,
    ),
    Variant(
        code="layer.bias_ignored",
        stage=Stage.FORWARD,
        title="The bias of {sites} was left out of the forward pass.",
        explanation="The layer computes W·x + b. Your numbers need W·x alone{used}.",
        advice="Add the bias, or declare the layer with bias=False.",
        propose=joined(
            at_linear(bias_ignored_but_trained, with_bias, {"used": "; the bias still gets its gradient δ"}),
            at_linear(bias_ignored, with_bias, {"used": ""}, 4),
            at_linear(bias_subtracted, with_bias, {"used": " with the bias subtracted, as a threshold"}, 15),
        ),
        rank=15,
    ),
)
