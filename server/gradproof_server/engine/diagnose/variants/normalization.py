"""Variants of normalization layers: statistics as constants, other variances, epsilons, dimensions, γ and β."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from ...network import Node
from ..case import Case
from ..rules import ordinary
from ..variant import Proposal, Stage, Variant
from .norms import (
    ALL,
    BATCH,
    Tensors,
    Way,
    by_batch,
    by_running,
    computed,
    epsilon,
    layout,
    normalized,
    other_backward,
    other_forward,
    split_backward,
)
from .sites import at_each, at_nodes, module_of, passed

Propose = Callable[[Case], Iterator[Proposal]]


def kinds(nodes: Any) -> dict[str, str]:
    """Texts: which layers these are."""
    return {"layer": ", ".join(dict.fromkeys(node.operation.type_name for node in nodes))}


def ways(*options: tuple[str, Way, int], backward: bool, layers: tuple[str, ...] = ()) -> Propose:
    """Proposes ways (text {used}, way, added rank) at layers that take statistics of their input."""

    def propose(case: Case) -> Iterator[Proposal]:
        nodes = list(by_batch(case, *layers))
        for used, way, rank in options:
            rule = other_backward(way) if backward else other_forward(way)
            yield from at_each(nodes, rule, lambda some, used=used: {**kinds(some), "used": used}, rank)  # type: ignore[misc]

    return propose


def constant_statistics(case: Case) -> Iterator[Proposal]:
    """Mean and variance, or one of them; RMSNorm has no mean."""
    both = ways(
        ("mean and variance", Way(fixed_mean=True, fixed_var=True), 0),
        ("the variance", Way(fixed_var=True), 6),
        ("the mean", Way(fixed_mean=True), 8),
        backward=True,
        layers=tuple(kind for kind in ALL if kind != "RMSNorm"),
    )
    yield from both(case)
    yield from ways(("the mean square", Way(fixed_var=True), 0), backward=True, layers=("RMSNorm",))(case)


def epsilons(case: Case) -> Iterator[Proposal]:
    """ε of other frameworks, then of none."""
    for rank, eps in enumerate((1e-3, 1e-5, 1e-6, 1e-12, 1e-8, 0.0, 1e-7, 1e-4, 1e-2)):
        nodes = [n for n in by_batch(case) if abs(epsilon(n, torch.zeros((), dtype=case.training.dtype)) - eps) > 1e-15]
        texts = {"value": f"{eps:g}"}
        yield from at_each(nodes, other_forward(Way(eps=eps)), lambda some, t=texts: {**kinds(some), **t}, 2 * rank)  # type: ignore[misc]
        running = [n for n in by_running(case) if abs(module_of(n).eps - eps) > 1e-15]
        yield from at_each(running, running_with(eps), lambda some, t=texts: {**kinds(some), **t}, 2 * rank)  # type: ignore[misc]


def running_with(eps: float, outside: bool = False) -> Any:
    """The rule of a batch normalization in evaluation mode with another ε."""

    def rule(node: Node, tensors: Tensors, inputs: tuple[torch.Tensor, ...], named: Any) -> torch.Tensor:
        _, _, shape = layout(node, inputs[0])
        mean, var = tensors["running_mean"].reshape(shape), tensors["running_var"].reshape(shape)
        root = var.sqrt() + eps if outside else (var + eps).sqrt()
        x = (inputs[0] - mean) / root
        x = x * tensors["weight"].reshape(shape) if "weight" in tensors else x
        return x + tensors["bias"].reshape(shape) if "bias" in tensors else x

    return rule


def with_weight(case: Case) -> list[Node]:
    """Layers with γ that take statistics of their input."""
    return [node for node in by_batch(case) if "weight" in node.tensors]


def without_gamma(node: Node, tensors: Tensors, x: torch.Tensor) -> torch.Tensor:
    """x̂, without γ."""
    return normalized(node, x, Way())


def unnormalized_gamma(node: Node, tensors: Tensors, x: torch.Tensor) -> torch.Tensor:
    """γ multiplied with x instead of x̂."""
    return computed_from(node, tensors, x)


def computed_from(node: Node, tensors: Tensors, x: torch.Tensor) -> torch.Tensor:
    """x γ + β, without normalization."""
    _, _, shape = layout(node, x)
    value = x * tensors["weight"].reshape(shape)
    return value + tensors["bias"].reshape(shape) if "bias" in tensors else value


def centered_gamma(node: Node, tensors: Tensors, x: torch.Tensor) -> torch.Tensor:
    """(x - mean) γ + β, without the division."""
    view, dims, _ = layout(node, x)
    return computed_from(node, tensors, (view - view.mean(dims, keepdim=True)).reshape(x.shape))


def gamma_ones(node: Node, tensors: Tensors, x: torch.Tensor) -> torch.Tensor:
    """γ + β: the gradient of γ is that of β."""
    return computed_from(node, tensors, torch.ones_like(x))


def gamma_gradient(case: Case) -> Iterator[Proposal]:
    """∂L/∂γ with x, with x - mean, or with nothing instead of x̂."""
    nodes = with_weight(case)
    yield from at_each(nodes, split_backward(to_parameters=unnormalized_gamma), {"used": "x"})
    yield from at_each(nodes, split_backward(to_parameters=centered_gamma), {"used": "x − mean"}, 8)
    yield from at_each(nodes, split_backward(to_parameters=gamma_ones), {"used": "1"}, 6)


def first_term_only(case: Case) -> Iterator[Proposal]:
    """dx as γ u / 1 without the standard deviation."""

    def undivided(node: Node, tensors: Tensors, x: torch.Tensor) -> torch.Tensor:
        return computed_from(node, tensors, x) if "weight" in tensors else x.clone()

    yield from at_each(list(by_batch(case)), split_backward(to_input=undivided), kinds)


def affine_options(case: Case) -> Iterator[Proposal]:
    """γ as 1 + γ, γ and β exchanged, or left out."""
    nodes = with_weight(case)
    one_plus = Way(affine=lambda x, w, b: x * (1 + w) + (0 if b is None else b))  # type: ignore[operator]
    yield from at_each(nodes, other_forward(one_plus), {"used": "x̂·(1 + γ) + β, as Gemma has it"})
    both = [node for node in nodes if "bias" in node.tensors]
    swapped = Way(affine=lambda x, w, b: x * b + w)  # type: ignore[operator]
    yield from at_each(both, other_forward(swapped), {"used": "x̂·β + γ, with γ and β exchanged"}, 5)
    bare = Way(affine=lambda x, w, b: x.clone())
    yield from at_each(nodes, other_forward(bare), {"used": "x̂ alone, without γ and β"}, 5)
    first = Way(affine=lambda x, w, b: x * w)  # type: ignore[operator]
    yield from at_each(both, other_forward(first), {"used": "x̂·γ, without β"}, 8)


def omitted(node: Node, tensors: Tensors, inputs: tuple[torch.Tensor, ...], named: Any) -> torch.Tensor:
    """The input as it is; running statistics are kept."""
    ordinary(node, tensors, inputs, named)
    return inputs[0].clone()


def omitted_backward(node: Node, tensors: Tensors, inputs: tuple[torch.Tensor, ...], named: Any) -> torch.Tensor:
    """PyTorch's value; the gradient passes to the input as it is."""
    value = ordinary(node, tensors, inputs, named)
    own = computed(node, tensors, inputs[0].detach(), Way())
    return passed(value, inputs[0], *((own,) if own.requires_grad else ()))


def without_layer(case: Case) -> Iterator[Proposal]:
    """The layer left out of both passes, or of the backward pass alone."""
    nodes = case.nodes(*ALL)
    yield from at_each(nodes, omitted, lambda some: {**kinds(some), "used": "the forward and the backward pass"})
    texts = {"used": "the backward pass"}
    yield from at_each(list(by_batch(case)), omitted_backward, lambda some: {**kinds(some), **texts}, 3)


def other_dimensions(case: Case) -> Iterator[Proposal]:
    """Layer normalization across the batch, batch normalization across features, and other choices of dimensions."""
    for node in by_batch(case, *(kind for kind in ALL if kind != "GroupNorm")):
        x = case.value(node.inputs[0])
        _, own, _ = layout(node, x)
        everything = tuple(range(x.dim()))
        features = tuple(range(1, x.dim()))
        space = tuple(range(2, x.dim()))
        last = (x.dim() - 1,)
        options = (("the batch", (0,)), ("all features of a sample", features), ("the last dimension", last),
                   ("everything", everything), ("each channel of a sample", space))  # fmt: skip
        seen = {tuple(sorted(own))}
        for rank, (used, dims) in enumerate(options):
            if dims and max(dims) < x.dim() and tuple(dims) not in seen:
                seen.add(tuple(dims))
                yield at_nodes([node], other_forward(Way(dims=dims)), {**kinds([node]), "used": used}, 2 * rank)


def centered(case: Case) -> Iterator[Proposal]:
    """LayerNorm without its mean, RMSNorm with one."""
    nodes = case.nodes("LayerNorm")
    yield from at_each(nodes, other_forward(Way(centered=False)), {**kinds(nodes), "used": "RMSNorm"})
    nodes = case.nodes("RMSNorm")
    yield from at_each(nodes, other_forward(Way(centered=True)), {**kinds(nodes), "used": "LayerNorm"})


def running_instead(case: Case) -> Iterator[Proposal]:
    """Running statistics where those of the batch are declared, and the reverse."""

    def running(node: Node, tensors: Tensors, inputs: tuple[torch.Tensor, ...], named: Any) -> torch.Tensor:
        fixed = {**tensors, **{k: v.clone() for k, v in tensors.items() if k.startswith("running")}}
        ordinary(node, tensors, inputs, named)
        return running_with(module_of(node).eps)(node, fixed, inputs, named)  # type: ignore[no-any-return]

    tracked = [node for node in by_batch(case, *BATCH) if module_of(node).track_running_stats]
    yield from at_each(tracked, running, {"used": "the running statistics", "declared": "those of the batch"})

    def batch(node: Node, tensors: Tensors, inputs: tuple[torch.Tensor, ...], named: Any) -> torch.Tensor:
        return computed(node, tensors, inputs[0], Way())

    yield from at_each(
        list(by_running(case)), batch, {"used": "the statistics of the batch", "declared": "the running ones"}
    )


X_HAT = "The layer gives y = γ·x̂ + β with x̂ = (x − mean)/√(var + ε). "

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="normalization.statistics_as_constants",
        stage=Stage.BACKWARD,
        title="The backward pass of {layer} at {sites} treats {used} as constant.",
        explanation=X_HAT
        + "Mean and variance depend on x too, so ∂L/∂x = γ/√(var + ε)·(u − mean(u) − x̂·mean(u·x̂)). Your "
        "numbers leave out the terms that come through {used}.",
        advice="Add the terms of the mean and the variance.",
        propose=constant_statistics,
        rank=5,
        probe="With all terms, the gradient with respect to x sums to zero over what is averaged.",
        source="github.com/tinygrad/tinygrad/issues/141",
    ),
    Variant(
        code="normalization.gamma_missing_backward",
        stage=Stage.BACKWARD,
        title="γ is missing in the gradient that {sites} passes back.",
        explanation=X_HAT + "The gradient of x̂ is γ·u; your numbers need u alone.",
        advice="Multiply the upstream gradient by γ first.",
        propose=lambda case: at_each(with_weight(case), split_backward(to_input=without_gamma)),
        rank=12,
        source="github.com/karpathy/llm.c/pull/763",
    ),
    Variant(
        code="normalization.gamma_gradient",
        stage=Stage.BACKWARD,
        title="The gradient of γ was made with {used} instead of x̂ at {sites}.",
        explanation=X_HAT + "∂L/∂γ is the sum of u·x̂. Your numbers need the sum of u·{used}.",
        advice="Use the normalized input x̂.",
        propose=gamma_gradient,
        rank=12,
    ),
    Variant(
        code="normalization.deviation_missing_backward",
        stage=Stage.BACKWARD,
        title="The gradient that {sites} passes back is γ·u alone, without the division and the mean terms.",
        explanation=X_HAT + "Your numbers leave out 1/√(var + ε) and what comes through mean and variance.",
        advice="Use ∂L/∂x = γ/√(var + ε)·(u − mean(u) − x̂·mean(u·x̂)).",
        propose=first_term_only,
        rank=25,
    ),
    Variant(
        code="normalization.omitted",
        stage=Stage.FORWARD,
        title="The layer {layer} ({sites}) was left out of {used}.",
        explanation=X_HAT + "Your numbers follow without it.",
        advice="Apply the layer, or take it out of the network.",
        propose=without_layer,
        rank=25,
    ),
    Variant(
        code="normalization.affine",
        stage=Stage.FORWARD,
        title="The parameters of {sites} were used another way: {used}.",
        explanation=X_HAT + "Your numbers follow with {used}.",
        advice="Use x̂·γ + β.",
        propose=affine_options,
        rank=18,
        convention=True,
    ),
    Variant(
        code="normalization.unbiased_variance",
        stage=Stage.FORWARD,
        title="{layer} at {sites} divides by the unbiased standard deviation ({used}).",
        explanation=X_HAT + "var divides by n; n − 1 is used for the running variance only. Your numbers need {used}.",
        advice="Use the biased variance (correction 0) to normalize.",
        propose=ways(
            ("n − 1", Way(correction=1), 0),
            ("n − 1 and ε outside the root", Way(correction=1, outside=True), 2),
            ("n − 1 and ε = 1e-6 outside the root", Way(correction=1, outside=True, eps=1e-6), 3),
            ("n − 1 and no ε", Way(correction=1, eps=0.0), 4),
            backward=False,
            layers=tuple(kind for kind in ALL if kind != "RMSNorm"),
        ),
        rank=8,
        source="github.com/pytorch/pytorch/issues/19902",
    ),
    Variant(
        code="normalization.epsilon_outside_root",
        stage=Stage.FORWARD,
        title="ε of {layer} was added outside the root at {sites}.",
        explanation=X_HAT + "Your numbers divide by √var + ε.",
        advice="Add ε to the variance, under the root.",
        propose=ways(("", Way(outside=True), 0), backward=False),
        rank=12,
    ),
    Variant(
        code="normalization.epsilon",
        stage=Stage.FORWARD,
        title="{layer} was used with ε = {value} at {sites}.",
        explanation=X_HAT
        + "Your numbers follow with ε = {value}. PyTorch's default is 1e-5; Keras has 1e-3, BERT 1e-12, many "
        "language models 1e-6.",
        advice="Declare eps={value}, or use the declared one.",
        propose=epsilons,
        rank=8,
        convention=True,
    ),
    Variant(
        code="normalization.dimensions",
        stage=Stage.FORWARD,
        title="{layer} at {sites} took its statistics over {used}.",
        explanation="BatchNorm averages over batch and positions for each channel, InstanceNorm over the positions of "
        "each "
        "channel of a sample, LayerNorm and RMSNorm over the stated last dimensions of each sample.",
        advice="Average over the dimensions of the declared layer, or declare the layer that you mean.",
        propose=other_dimensions,
        rank=15,
    ),
    Variant(
        code="normalization.centering",
        stage=Stage.FORWARD,
        title="{used} was used at {sites} where the network has {layer}.",
        explanation="LayerNorm subtracts the mean and divides by the standard deviation; RMSNorm divides by the root "
        "of the "
        "mean square and subtracts nothing.",
        advice="Use the declared layer.",
        propose=centered,
        rank=12,
    ),
    Variant(
        code="normalization.train_and_eval",
        stage=Stage.FORWARD,
        title="{used} were used at {sites} instead of {declared}.",
        explanation="BatchNorm normalizes with the statistics of the batch in training and with its running statistics "
        "in "
        "evaluation. Your numbers follow with {used}.",
        advice="Check the mode: MODE_TRAIN or MODE_EVAL.",
        propose=running_instead,
        rank=10,
    ),
)
