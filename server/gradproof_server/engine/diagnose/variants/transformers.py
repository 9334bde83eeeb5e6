"""Variants of Transformer layers: order of the norms, activation, ε and dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..case import Case
from ..variant import Proposal, Stage, Variant
from .attention import LAYERS, STACKS, WITH_ATTENTION, altered
from .sites import at_each, module_of


def set_norm_first(module: nn.Module) -> None:
    """Norms before instead of after each block, or the reverse."""
    for part in module.modules():
        if type(part).__name__ in LAYERS:
            part.norm_first = not part.norm_first  # type: ignore[assignment]


def set_activation(function: Any) -> Callable[[nn.Module], None]:
    """Another activation in the feed-forward blocks."""

    def change(module: nn.Module) -> None:
        for part in module.modules():
            if type(part).__name__ in LAYERS:
                part.activation = function
                part.activation_relu_or_gelu = 0  # type: ignore[assignment]

    return change


def set_eps(eps: float) -> Callable[[nn.Module], None]:
    """Another ε in the norms."""

    def change(module: nn.Module) -> None:
        for part in module.modules():
            if isinstance(part, nn.LayerNorm):
                part.eps = eps

    return change


def set_dropout(module: nn.Module) -> None:
    """No dropout."""
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        elif isinstance(part, nn.MultiheadAttention):
            part.dropout = 0.0


def norm_order(case: Case) -> Iterator[Proposal]:
    """norm_first the other way."""
    for node in case.nodes(*LAYERS, *STACKS):
        yield from at_each([node], altered(node, set_norm_first))


def tanh_gelu(x: torch.Tensor) -> torch.Tensor:
    """GELU with the tanh approximation."""
    return F.gelu(x, approximate="tanh")


def feed_forward(case: Case) -> Iterator[Proposal]:
    """GELU for ReLU and the reverse."""
    for node in case.nodes(*LAYERS, *STACKS):
        layers = [part for part in module_of(node).modules() if type(part).__name__ in LAYERS]
        declared = getattr(layers[0].activation, "__name__", "") if layers else ""
        for rank, (name, function) in enumerate((("gelu", F.gelu), ("relu", F.relu), ("gelu (tanh)", tanh_gelu))):
            if layers and name != declared:
                texts = {"used": name, "declared": declared}
                yield from at_each([node], altered(node, set_activation(function)), texts, 3 * rank)


def epsilons(case: Case) -> Iterator[Proposal]:
    """ε of other implementations."""
    for node in case.nodes(*LAYERS, *STACKS):
        norms = [part for part in module_of(node).modules() if isinstance(part, nn.LayerNorm)]
        for rank, eps in enumerate((1e-6, 1e-5, 1e-12, 1e-3, 0.0)):
            if any(norm.eps != eps for norm in norms):
                yield from at_each([node], altered(node, set_eps(eps)), {"value": f"{eps:g}"}, rank)


def without_dropout(case: Case) -> Iterator[Proposal]:
    """Layers with dropout in training."""
    for node in case.nodes(*WITH_ATTENTION):
        parts = module_of(node).modules()
        rates = [p.p if isinstance(p, nn.Dropout) else getattr(p, "dropout", 0.0) for p in parts]
        if case.training.train and any(isinstance(rate, float) and rate > 0 for rate in rates):
            yield from at_each([node], altered(node, set_dropout))


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="attention.norm_order",
        stage=Stage.FORWARD,
        title="The norms of {sites} were applied on the other side of each block.",
        explanation="With norm_first=False (the paper) x ← norm(x + block(x)); with norm_first=True x ← x + "
        "block(norm(x)). "
        "Your numbers follow with the one that is not declared.",
        advice="Declare norm_first as you compute.",
        propose=norm_order,
        rank=6,
        convention=True,
    ),
    Variant(
        code="attention.feed_forward_activation",
        stage=Stage.FORWARD,
        title="The feed-forward block of {sites} used {used}; declared is {declared}.",
        explanation=(
            "PyTorch's Transformer layers have ReLU by default, BERT and GPT have GELU. Your numbers follow with "
            "{used}."
        ),
        advice="Declare activation='{used}', or use {declared}.",
        propose=feed_forward,
        rank=6,
        convention=True,
    ),
    Variant(
        code="attention.norm_epsilon",
        stage=Stage.FORWARD,
        title="The norms of {sites} used ε = {value}.",
        explanation="layer_norm_eps is 1e-5 in PyTorch, 1e-6 or 1e-12 elsewhere.",
        advice="Declare layer_norm_eps={value}.",
        propose=epsilons,
        rank=12,
        convention=True,
    ),
    Variant(
        code="dropout.not_applied_in_transformer",
        stage=Stage.FORWARD,
        title="The dropout of {sites} was not applied.",
        explanation=(
            "In training PyTorch drops with the declared probability, 0.1 by default. Your numbers follow without."
        ),
        advice="Declare dropout=0, or MODE_EVAL.",
        propose=without_dropout,
        rank=6,
    ),
)
