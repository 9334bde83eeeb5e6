"""Variants of the backward pass around weights and biases of linear layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..rules import rewire
from ..variant import Proposal, Stage, Variant
from .sites import at_each, is_square


@dataclass(frozen=True)
class Linear:
    """One backward pass of y = x Wᵀ + b: input x and upstream u as given, weight (out, in), bias, output."""

    x: torch.Tensor
    u: torch.Tensor
    w: torch.Tensor
    b: torch.Tensor
    y: torch.Tensor

    @property
    def rows(self) -> torch.Tensor:
        """x as a matrix (N, in)."""
        return self.x.reshape(-1, self.x.shape[-1])

    @property
    def upstream(self) -> torch.Tensor:
        """u as a matrix (N, out)."""
        return self.u.reshape(-1, self.u.shape[-1])

    def of_input(self) -> torch.Tensor:
        """u W."""
        return self.u @ self.w

    def of_weight(self) -> torch.Tensor:
        """uᵀ x."""
        return self.upstream.mT @ self.rows

    def of_bias(self) -> torch.Tensor:
        """Sum of u over all rows."""
        return self.upstream.sum(0)


Part = Callable[[Linear], torch.Tensor]


def backward(
    of_input: Part = Linear.of_input, of_weight: Part = Linear.of_weight, of_bias: Part = Linear.of_bias
) -> NodeCall:
    """The rule of a linear layer with other gradients of its input, weight or bias."""

    def rule(
        node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any
    ) -> torch.Tensor:
        x, w = inputs[0], tensors["weight"]
        b = tensors.get("bias")
        y = F.linear(x, w, b)
        zero = w.new_zeros(w.shape[0])

        def vjp(u: torch.Tensor) -> tuple[torch.Tensor, ...]:
            made = Linear(x.detach(), u, w.detach(), zero if b is None else b.detach(), y.detach())
            gradients = (of_input(made).reshape(x.shape), of_weight(made))
            return gradients if b is None else (*gradients, of_bias(made))

        return rewire(y, (x, w) if b is None else (x, w, b), vjp)

    return rule


def rows(case: Case, node: Node) -> int:
    """Number of input vectors of a layer in the first step: batch times positions."""
    x = case.value(node.inputs[0])
    return x.numel() // max(x.shape[-1], 1) if x.dim() > 1 else 1


def has_bias(node: Node) -> bool:
    """Whether the layer has a bias."""
    return "bias" in node.tensors


Wanted = Callable[[Case, Node], bool]


def at_linear(
    rule: NodeCall, wanted: Wanted = lambda case, node: True, texts: Mapping[str, str] | None = None, rank: int = 0
) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes a rule at the linear layers for which `wanted` holds."""
    return lambda case: at_each([n for n in case.nodes("Linear") if wanted(case, n)], rule, texts, rank)


def joined(*proposers: Callable[[Case], Iterator[Proposal]]) -> Callable[[Case], Iterator[Proposal]]:
    """The proposals of several."""

    def propose(case: Case) -> Iterator[Proposal]:
        for proposer in proposers:
            yield from proposer(case)

    return propose


def square(case: Case, node: Node) -> bool:
    """Whether the weight is a square matrix."""
    return is_square(case, node)


def many(case: Case, node: Node) -> bool:
    """Whether there are several rows to sum over."""
    return rows(case, node) > 1


def many_and_bias(case: Case, node: Node) -> bool:
    """Whether there are several rows, and a bias."""
    return has_bias(node) and many(case, node)


def inner(case: Case, node: Node) -> bool:
    """Whether an earlier node takes the gradient of the layer's input."""
    return node.inputs[0] not in case.training.program.inputs


def inner_square(case: Case, node: Node) -> bool:
    """Both."""
    return inner(case, node) and square(case, node)


def row_only(index: int) -> tuple[Part, Part]:
    """Gradients of weight and bias from one row."""
    return (lambda g: torch.outer(g.upstream[index], g.rows[index])), (lambda g: g.upstream[index])


def with_bias(case: Case, node: Node) -> bool:
    """Whether the layer has a bias."""
    return has_bias(node)


LAST_WEIGHT, LAST_BIAS = row_only(-1)
FIRST_WEIGHT, FIRST_BIAS = row_only(0)


def count(g: Linear) -> int:
    """Number of rows."""
    return int(g.rows.shape[0])


def own_output(case: Case, node: Node) -> bool:
    """Whether the output is as wide as the input."""
    weight = case.value(node.name)
    return weight.shape[-1] == case.value(node.inputs[0]).shape[-1]


DW = (
    "With y = W·x + b and δ = ∂L/∂y the gradients are ∂L/∂W = δ·xᵀ, ∂L/∂b = δ and ∂L/∂x = Wᵀ·δ, summed over the batch. "
)

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="backward.weight_not_transposed",
        stage=Stage.BACKWARD,
        title="The weight of {sites} was not transposed in the backward pass.",
        explanation=DW + "Your numbers need W·δ in place of Wᵀ·δ; for a square matrix no shape tells the difference.",
        advice="Multiply δ by the transposed weight on the way back.",
        propose=at_linear(backward(of_input=lambda g: g.u @ g.w.mT), inner_square),
        rank=10,
        probe="A layer that is not square makes this mistake impossible.",
    ),
    Variant(
        code="backward.weight_factor_missing",
        stage=Stage.BACKWARD,
        title="The gradient was passed back through {sites} without the weight: {used}.",
        explanation=DW + "Your numbers for the layers before {sites} need {used} instead of Wᵀ·δ.",
        advice="Multiply δ by Wᵀ.",
        propose=joined(
            at_linear(
                backward(of_input=lambda g: g.u.sum(-1, keepdim=True).expand_as(g.x)), inner, {"used": "the sum of δ"}
            ),
            at_linear(backward(of_input=lambda g: g.u), inner_square, {"used": "δ itself"}, 5),
            at_linear(backward(of_input=lambda g: g.u @ g.w.abs()), inner, {"used": "|W|ᵀ·δ"}, 25),
            at_linear(
                backward(of_input=lambda g: g.u.mean(-1, keepdim=True).expand_as(g.x)),
                inner,
                {"used": "the mean of δ"},
                30,
            ),
            at_linear(backward(of_input=lambda g: -g.u @ g.w), inner, {"used": "−Wᵀ·δ"}, 15),
        ),
        rank=15,
    ),
    Variant(
        code="backward.weight_error_normalized",
        stage=Stage.BACKWARD,
        title="The error was shared out by the weights' proportions at {sites} instead of multiplied by the weights.",
        explanation=DW
        + "Your numbers need W divided by its {used}, as some introductions do to picture how the error is "
        "shared out.",
        advice="Multiply δ by Wᵀ itself.",
        propose=joined(
            at_linear(
                backward(of_input=lambda g: g.u @ (g.w / g.w.sum(1, keepdim=True))),
                inner,
                {"used": "sum over the inputs"},
            ),
        ),
        rank=50,
        source="Rashid, Make Your Own Neural Network",
    ),
    Variant(
        code="backward.weight_gradient_without_input",
        stage=Stage.BACKWARD,
        title="The gradient of the weight of {sites} was not multiplied by the layer's input.",
        explanation=DW + "Your numbers for W are those of δ alone.",
        advice="Take the outer product of δ and the input.",
        propose=at_linear(backward(of_weight=lambda g: g.of_bias()[:, None].expand_as(g.w))),
        rank=20,
    ),
    Variant(
        code="backward.weight_gradient_input_twice",
        stage=Stage.BACKWARD,
        title="The gradient of the weight of {sites} was multiplied by the layer's input twice.",
        explanation=DW + "Your numbers need δ·(x²)ᵀ.",
        advice="Multiply by the input once.",
        propose=at_linear(backward(of_weight=lambda g: g.upstream.mT @ g.rows**2)),
        rank=35,
    ),
    Variant(
        code="backward.weight_gradient_times_weight",
        stage=Stage.BACKWARD,
        title="The gradient of the weight of {sites} was multiplied by the weight.",
        explanation=DW + "Your numbers for W need W ⊙ (δ·xᵀ).",
        advice="The derivative of W·x with respect to W is x; W itself does not stay.",
        propose=at_linear(backward(of_weight=lambda g: g.of_weight() * g.w)),
        rank=35,
    ),
    Variant(
        code="backward.weight_gradient_from_output",
        stage=Stage.BACKWARD,
        title="The gradient of the weight of {sites} was made with the layer's output instead of its input.",
        explanation=DW + "Your numbers for W need δ·yᵀ.",
        advice="Take the values that enter the layer.",
        propose=at_linear(backward(of_weight=lambda g: g.upstream.mT @ g.y.reshape(g.upstream.shape)), own_output),
        rank=40,
    ),
    Variant(
        code="backward.weight_gradient_averaged",
        stage=Stage.BACKWARD,
        title="The gradient of the weight was divided by the number of samples once more at {sites}.",
        explanation=DW
        + "The mean over the batch is already in δ where the loss is a mean. Your numbers for W divide by the "
        "batch size again; those for b do not.",
        advice="Divide by the batch size once.",
        propose=at_linear(backward(of_weight=lambda g: g.of_weight() / count(g)), many),
        rank=15,
        look_alikes=("reduction.divided_by_batch_twice",),
    ),
    Variant(
        code="backward.weight_gradient_summed",
        stage=Stage.BACKWARD,
        title="The gradient of the weight was summed over the batch at {sites} where the loss takes the mean.",
        explanation=DW + "Your numbers for W are the batch size times too large; those for b are not.",
        advice="Divide the weight's gradient by the batch size too.",
        propose=at_linear(backward(of_weight=lambda g: g.of_weight() * count(g)), many),
        rank=15,
        look_alikes=("reduction.sum_instead_of_mean",),
    ),
    Variant(
        code="backward.one_sample_only",
        stage=Stage.BACKWARD,
        title="The gradients of {sites} come from the {used} sample alone.",
        explanation=DW + "Your numbers hold one term of the sum over the batch: each sample overwrites the one before "
        "instead of being added, or the loop stops early.",
        advice="Add the gradients of all samples.",
        propose=joined(
            at_linear(backward(of_weight=LAST_WEIGHT, of_bias=LAST_BIAS), many, {"used": "last"}),
            at_linear(backward(of_weight=LAST_WEIGHT), many_and_bias, {"used": "last (weight only)"}, 10),
            at_linear(backward(of_weight=FIRST_WEIGHT, of_bias=FIRST_BIAS), many, {"used": "first"}, 8),
            at_linear(backward(of_weight=FIRST_WEIGHT), many_and_bias, {"used": "first (weight only)"}, 18),
        ),
        rank=12,
        look_alikes=("reduction.last_sample_only", "reduction.first_sample_only"),
    ),
)
