"""Variants of the backward pass through ReLU and its relatives: masks, slopes, and terms of gated activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..rules import with_derivative
from ..variant import Proposal, Stage, Variant
from .derivatives import local, names, positive
from .sites import activation, activations, at_each, module_of, own_slope, slope, with_factor


def gate(x: torch.Tensor, kind: str, approximate: str) -> torch.Tensor:
    """g of an activation z·g(z)."""
    if kind == "SiLU":
        return torch.sigmoid(x)
    if kind == "Mish":
        return torch.tanh(torch.nn.functional.softplus(x))
    if kind == "Hardswish":
        return torch.nn.functional.hardsigmoid(x)
    if approximate == "tanh":
        return 0.5 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))
    return 0.5 * (1 + torch.erf(x / 2**0.5))


def incomplete(case: Case) -> Iterator[Proposal]:
    """One of the two terms of (z·g(z))′ = g(z) + z·g′(z)."""
    nodes = activations(case, ("SiLU", "GELU", "Mish", "Hardswish"))

    def gated(node: Node) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda x: gate(x, activation(node), getattr(module_of(node), "approximate", "none"))

    first = with_factor(lambda node, tensors, named, x, y: gated(node)(x))
    second = with_factor(lambda node, tensors, named, x, y: x * slope(gated(node), x))
    yield from at_each(nodes, first, lambda some: {**names(some), "kept": "g(z)"})
    yield from at_each(nodes, second, lambda some: {**names(some), "kept": "z·g′(z)"}, rank=10)


def gelu_derivative(case: Case) -> Iterator[Proposal]:
    """The derivative of the other form of GELU."""

    def other(node: Node, tensors: Any, named: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        form = "none" if module_of(node).approximate == "tanh" else "tanh"
        return slope(lambda z: torch.nn.functional.gelu(z, approximate=form), x)

    return at_each(activations(case, ("GELU",)), with_factor(other), names)


def leaky(case: Case) -> Iterator[Proposal]:
    """Slope 0 on the left, or the slope on the wrong side."""
    nodes = activations(case, ("LeakyReLU", "PReLU"))

    def side(swapped: bool) -> NodeCall:
        def factor(node: Node, tensors: Any, named: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            if not swapped:
                return positive(x, y)
            return torch.where(x > 0, own_slope(node, tensors, named, -x.abs()), torch.ones_like(x))

        return with_factor(factor)

    yield from at_each(nodes, side(False), lambda some: {**names(some), "used": "0 where z < 0"})
    yield from at_each(
        nodes, side(True), lambda some: {**names(some), "used": "the slope where z > 0, 1 elsewhere"}, 15
    )


def elu(case: Case) -> Iterator[Proposal]:
    """exp(z) or a on the left instead of α·exp(z)."""

    def without(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 0, torch.ones_like(x), torch.exp(x.clamp(max=0)))

    scaled = [node for node in activations(case, ("ELU",)) if module_of(node).alpha != 1]
    yield from at_each(scaled, local(without), {"used": "exp(z)"})
    value = local(lambda x, y: torch.where(x > 0, torch.ones_like(x), y))
    yield from at_each(activations(case, ("ELU",)), value, {"used": "a"}, rank=15)
    plus_one = local(lambda x, y: torch.where(x > 0, torch.ones_like(x), y + 1))
    yield from at_each(scaled, plus_one, {"used": "a + 1"}, rank=5)


def softplus(case: Case) -> Iterator[Proposal]:
    """σ(z) instead of σ(βz), or another derivative of a sigmoid."""
    nodes = [node for node in activations(case, ("Softplus",)) if module_of(node).beta != 1]
    yield from at_each(nodes, local(lambda x, y: torch.sigmoid(x)), {"used": "σ(z)"})


def masks(mask: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes at ReLU another mask of (z, upstream)."""
    rule = with_derivative(lambda x, y, u: u * mask(x, u).to(u.dtype))
    return lambda case: at_each(activations(case, ("ReLU",)), rule, names)


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="backward.relu_mask_from_upstream",
        stage=Stage.BACKWARD,
        title="The mask of ReLU was taken from the gradient coming in instead of from its input at {sites}.",
        explanation="ReLU passes the upstream gradient u where z > 0: u ⊙ [z > 0]. Your numbers need u ⊙ [u > 0].",
        advice="Keep z (or the activation) from the forward pass and take the mask from it.",
        propose=masks(lambda x, u: u > 0),
        rank=20,
        look_alikes=("backward.relu_guided",),
        probe="With u ⊙ [u > 0] no gradient behind the ReLU is ever negative.",
    ),
    Variant(
        code="backward.relu_guided",
        stage=Stage.BACKWARD,
        title="ReLU was differentiated as in guided back-propagation at {sites}.",
        explanation="ReLU passes the upstream gradient u where z > 0. Your numbers also drop negative gradients: "
        "u ⊙ [z > 0] ⊙ [u > 0]. Guided back-propagation does so for pictures; it is no gradient.",
        advice="For the gradient of the loss use u ⊙ [z > 0].",
        propose=masks(lambda x, u: (x > 0) & (u > 0)),
        rank=25,
        convention=True,
        look_alikes=("backward.relu_mask_from_upstream",),
    ),
    Variant(
        code="backward.relu_mask_inverted",
        stage=Stage.BACKWARD,
        title="The mask of ReLU is the wrong way round at {sites}.",
        explanation="ReLU passes the gradient where z > 0. Your numbers pass it where z ≤ 0.",
        advice="Set the gradient to zero where z ≤ 0.",
        propose=masks(lambda x, u: x <= 0),
        rank=30,
    ),
    Variant(
        code="backward.leaky_slope_wrong",
        stage=Stage.BACKWARD,
        title="The slope of {activation} is missing, or on the wrong side, in the backward pass at {sites}.",
        explanation="{activation} has derivative 1 where z > 0 and the slope elsewhere. Your numbers need: {used}.",
        advice="Multiply the gradient by the slope where z ≤ 0, and by 1 elsewhere.",
        propose=leaky,
        rank=15,
        look_alikes=("backward.relu_derivative_for_other_activation",),
    ),
    Variant(
        code="backward.elu_derivative_without_alpha",
        stage=Stage.BACKWARD,
        title="The derivative of ELU is wrong where z < 0: {used} instead of α·exp(z).",
        explanation="ELU is α(exp(z) − 1) where z < 0, so its derivative there is α·exp(z) = a + α. At {sites} your "
        "numbers need {used}.",
        advice="Use a + α where z < 0.",
        propose=elu,
        rank=20,
    ),
    Variant(
        code="backward.softplus_derivative_without_beta",
        stage=Stage.BACKWARD,
        title="The derivative of Softplus was taken without β at {sites}.",
        explanation="Softplus is log(1 + exp(βz))/β, its derivative σ(βz). Your numbers need {used}.",
        advice="Put βz into the sigmoid.",
        propose=softplus,
        rank=20,
    ),
    Variant(
        code="backward.gated_activation_derivative_incomplete",
        stage=Stage.BACKWARD,
        title="The derivative of {activation} has only one of its two terms at {sites}.",
        explanation="{activation} is z·g(z), so its derivative is g(z) + z·g′(z). Your numbers keep only {kept}.",
        advice="Add the other term of the product rule.",
        propose=incomplete,
        rank=15,
    ),
    Variant(
        code="backward.gelu_derivative_of_other_form",
        stage=Stage.BACKWARD,
        title="The derivative of the other form of GELU was used at {sites}.",
        explanation="GELU has an exact form with erf and an approximation with tanh. The forward pass is the declared "
        "one, "
        "the derivative belongs to the other.",
        advice="Use one form in both passes.",
        propose=gelu_derivative,
        rank=40,
    ),
)
