"""Variants of the backward pass through activations: derivatives forgotten, taken elsewhere, or of another function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..variant import Proposal, Stage, Variant
from .sites import activation, activations, at_each, at_nodes, output_node, own_slope, with_factor

Local = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

DERIVATIVES = {
    "Sigmoid": "a(1 − a) with a = σ(z)",
    "Tanh": "1 − a² with a = tanh(z)",
    "ReLU": "1 where z > 0 and 0 elsewhere",
    "LeakyReLU": "1 where z > 0 and the slope elsewhere",
    "ELU": "1 where z > 0 and α·exp(z) elsewhere",
    "SiLU": "σ(z) + z·σ(z)(1 − σ(z))",
    "GELU": "Φ(z) + z·φ(z)",
    "Softplus": "σ(βz)",
}
ONLY_ZERO_OR_ONE = frozenset({"ReLU", "ReLU6", "Hardtanh", "Threshold", "Hardshrink", "Softshrink"})
KEEP_THE_SIGN = ONLY_ZERO_OR_ONE | {"LeakyReLU", "PReLU"}


def names(nodes: Sequence[Node]) -> dict[str, str]:
    """Texts that say which activations these are, and the derivative of the first."""
    kinds = list(dict.fromkeys(activation(node) for node in nodes))
    described = "; ".join(f"{kind}: {DERIVATIVES[kind]}" for kind in kinds if kind in DERIVATIVES)
    return {"activation": ", ".join(kinds), "derivative": described or "f′(z)"}


def local(factor: Local) -> NodeCall:
    """A rule with the local derivative `factor(z, a)`."""
    return with_factor(lambda node, tensors, named, x, y: factor(x, y))


def of_kinds(factor: Local, *kinds: str, but: Iterable[str] = ()) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes a local derivative at activations of some kinds (none: all), alone and together."""

    def propose(case: Case) -> Iterator[Proposal]:
        nodes = [node for node in activations(case, kinds) if activation(node) not in frozenset(but)]
        return at_each(nodes, local(factor), names)

    return propose


def several(*options: tuple[str, Local, tuple[str, ...]]) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes several local derivatives, each with a text {used} and the kinds where it acts."""

    def propose(case: Case) -> Iterator[Proposal]:
        for used, factor, kinds in options:
            nodes = activations(case, kinds)
            yield from at_each(nodes, local(factor), lambda some, used=used: {**names(some), "used": used})  # type: ignore[misc]

    return propose


def ones(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The derivative forgotten."""
    return torch.ones_like(y)


def missing(case: Case) -> Iterator[Proposal]:
    """Hidden activations, alone and together, and all with the output's."""
    output = output_node(case)
    every = activations(case)
    hidden = [node for node in every if output is None or node.name != output.name]
    yield from at_each(hidden, local(ones), names)
    if len(hidden) < len(every) and hidden:
        yield at_nodes(every, local(ones), names(every), -2)


def missing_at_output(case: Case) -> Iterator[Proposal]:
    """The activation that makes the prediction."""
    output = output_node(case)
    if output is not None and activation(output):
        yield at_nodes([output], local(ones), names([output]))


def at_activation(case: Case) -> Iterator[Proposal]:
    """f′ applied to the activation instead of the pre-activation."""
    nodes = [node for node in activations(case) if activation(node) not in KEEP_THE_SIGN]
    return at_each(nodes, with_factor(lambda node, tensors, named, x, y: own_slope(node, tensors, named, y)), names)


def twice(case: Case) -> Iterator[Proposal]:
    """f′ squared."""
    nodes = [node for node in activations(case) if activation(node) not in ONLY_ZERO_OR_ONE]

    def squared(node: Node, tensors: Any, named: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return own_slope(node, tensors, named, x) ** 2

    return at_each(nodes, with_factor(squared), names)


def negative(case: Case) -> Iterator[Proposal]:
    """f′ with the other sign."""
    rule = with_factor(lambda node, tensors, named, x, y: -own_slope(node, tensors, named, x))
    return at_each(activations(case), rule, names)


def inverse(case: Case) -> Iterator[Proposal]:
    """Divided by f′."""
    nodes = activations(case, ("Sigmoid", "Tanh", "Softplus", "exp", "square"))
    rule = with_factor(lambda node, tensors, named, x, y: 1 / own_slope(node, tensors, named, x))
    return at_each(nodes, rule, names)


def sigmoid_slope(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """a(1 - a)."""
    return y * (1 - y)


def sigmoid_slope_of_z(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """σ(z)(1 - σ(z))."""
    return torch.sigmoid(x) * torch.sigmoid(-x)


def tanh_slope(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """1 - a²."""
    return 1 - y * y


def tanh_slope_of_z(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """1 - tanh(z)²."""
    return 1 - torch.tanh(x) ** 2


def positive(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """1 where z > 0."""
    return (x > 0).to(x.dtype)


FOREIGN: tuple[tuple[str, str, Local], ...] = (
    ("Sigmoid", "a(1 − a)", sigmoid_slope),
    ("Sigmoid", "σ(z)(1 − σ(z))", sigmoid_slope_of_z),
    ("Tanh", "1 − a²", tanh_slope),
    ("Tanh", "1 − tanh(z)²", tanh_slope_of_z),
    ("ReLU", "1 where z > 0", positive),
)


def foreign(kind: str) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes the derivative of one activation at all others."""

    def propose(case: Case) -> Iterator[Proposal]:
        nodes = [node for node in activations(case) if activation(node) != kind]
        for _, used, factor in (row for row in FOREIGN if row[0] == kind):
            yield from at_each(nodes, local(factor), lambda some, used=used: {**names(some), "used": used})  # type: ignore[misc]

    return propose


EXPLAIN = "By the chain rule δ = (∂L/∂a) ⊙ f′(z), with f′ for {activation} = {derivative}. "

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="backward.activation_derivative_missing",
        stage=Stage.BACKWARD,
        title="The derivative of the activation ({activation}) is missing at {sites}.",
        explanation=EXPLAIN + "Your numbers pass ∂L/∂a on unchanged, as if f′(z) were 1.",
        advice="Multiply the gradient by f′(z) on its way back through {sites}.",
        propose=missing,
        rank=8,
        look_alikes=("backward.relu_derivative_for_other_activation", "backward.relu_guided"),
        probe=(
            "Claim the gradient of the first layer for an input that saturates the activation: f′ is then close to 0."
        ),
        source="github.com/Bot-Academy/NeuralNetworkFromScratch/pull/3",
    ),
    Variant(
        code="backward.output_activation_derivative_missing",
        stage=Stage.BACKWARD,
        title="The derivative of the output activation ({activation}) is missing.",
        explanation=EXPLAIN + "At the output {sites} your δ is ∂L/∂ŷ alone. δ = ŷ − t without f′ is right only where "
        "the loss cancels it, as cross-entropy does with sigmoid or softmax.",
        advice="Multiply ∂L/∂ŷ by f′(z) at the output, or declare the cross-entropy whose gradient is ŷ − t.",
        propose=missing_at_output,
        rank=2,
        look_alikes=("loss.cross_entropy_for_squared_error", "backward.activation_derivative_missing"),
        probe="Compare the loss values too: cross-entropy and squared error differ.",
        source="github.com/Bot-Academy/NeuralNetworkFromScratch/pull/3",
    ),
    Variant(
        code="backward.activation_derivative_at_preactivation",
        stage=Stage.BACKWARD,
        title="The derivative of {activation} was computed from z where its formula takes the activation a ({used}).",
        explanation=EXPLAIN + "You put the pre-activation z into this formula and used {used} at {sites}.",
        advice="Keep a = f(z) from the forward pass and put a, not z, into the formula.",
        propose=several(
            ("1 − z²", lambda x, y: 1 - x * x, ("Tanh",)), ("z(1 − z)", lambda x, y: x * (1 - x), ("Sigmoid",))
        ),
        rank=8,
        probe="A pre-activation above 1 makes this factor negative, the right one never is.",
        source="discuss.pytorch.org/t/187917",
    ),
    Variant(
        code="backward.activation_derivative_at_activation",
        stage=Stage.BACKWARD,
        title="The derivative of {activation} was taken at the activation a instead of the pre-activation z.",
        explanation=EXPLAIN
        + "Your numbers need f′(a) at {sites}: the function was applied twice before differentiating, "
        "as in σ(a)(1 − σ(a)) or 1 − tanh²(a).",
        advice="Evaluate f′ at z, or, for sigmoid and tanh, write it with the activation itself: a(1 − a), 1 − a².",
        propose=at_activation,
        rank=10,
        source="github.com/benoitfragit/libBrain/issues/78",
    ),
    Variant(
        code="backward.activation_derivative_twice",
        stage=Stage.BACKWARD,
        title="The derivative of {activation} was multiplied in twice at {sites}.",
        explanation=EXPLAIN + "Your numbers need f′(z)².",
        advice="Multiply by f′(z) once per activation.",
        propose=twice,
        rank=18,
        look_alikes=("loss.bce_derivative_is_difference",),
    ),
    Variant(
        code="backward.tanh_derivative_square_missing",
        stage=Stage.BACKWARD,
        title="The square in the derivative of tanh was forgotten: 1 − a instead of 1 − a².",
        explanation="tanh′(z) = 1 − tanh(z)² = 1 − a². At {sites} your numbers need {used}.",
        advice="Square the activation: 1 − a².",
        propose=several(("1 − a", lambda x, y: 1 - y, ("Tanh",)), ("1 − |a|", lambda x, y: 1 - y.abs(), ("Tanh",))),
        rank=15,
    ),
    Variant(
        code="backward.sigmoid_derivative_incomplete",
        stage=Stage.BACKWARD,
        title="A factor of the derivative of the sigmoid is missing: {used} instead of a(1 − a).",
        explanation="σ′(z) = a(1 − a) with a = σ(z). At {sites} your numbers need {used}.",
        advice="Use both factors, a(1 − a).",
        propose=several(
            ("1 − a", lambda x, y: 1 - y, ("Sigmoid",)),
            ("a − 1", lambda x, y: y - 1, ("Sigmoid",)),
        ),
        rank=18,
    ),
    Variant(
        code="backward.activation_value_as_derivative",
        stage=Stage.BACKWARD,
        title="The activation itself was used in place of its derivative at {sites}.",
        explanation=EXPLAIN + "Your numbers multiply by a = f(z) instead of f′(z).",
        advice="Multiply by f′(z).",
        propose=of_kinds(lambda x, y: y, but=("exp",)),
        rank=20,
        look_alikes=("backward.sigmoid_derivative_incomplete",),
    ),
    Variant(
        code="backward.preactivation_as_derivative",
        stage=Stage.BACKWARD,
        title="The pre-activation z was used in place of the derivative of {activation} at {sites}.",
        explanation=EXPLAIN + "Your numbers multiply by z.",
        advice="Multiply by f′(z).",
        propose=of_kinds(lambda x, y: x, but=("square",)),
        rank=45,
    ),
    Variant(
        code="backward.sigmoid_derivative_for_other_activation",
        stage=Stage.BACKWARD,
        title="The derivative of the sigmoid was used at {sites}, which is {activation}.",
        explanation=EXPLAIN + "Your numbers multiply by {used}, which belongs to the sigmoid.",
        advice="Use the derivative of the activation that the layer has, or declare Sigmoid there.",
        propose=foreign("Sigmoid"),
        rank=10,
        source="github.com/parasdahal/tinyml/issues/1",
    ),
    Variant(
        code="backward.tanh_derivative_for_other_activation",
        stage=Stage.BACKWARD,
        title="The derivative of tanh was used at {sites}, which is {activation}.",
        explanation=EXPLAIN + "Your numbers multiply by {used}, which belongs to tanh.",
        advice="Use the derivative of the activation that the layer has, or declare Tanh there.",
        propose=foreign("Tanh"),
        rank=14,
    ),
    Variant(
        code="backward.relu_derivative_for_other_activation",
        stage=Stage.BACKWARD,
        title="The derivative of ReLU was used at {sites}, which is {activation}.",
        explanation=EXPLAIN + "Your numbers multiply by {used}, which belongs to ReLU.",
        advice="Use the derivative of the activation that the layer has, or declare ReLU there.",
        propose=foreign("ReLU"),
        rank=22,
        look_alikes=(
            "backward.leaky_slope_wrong",
            "backward.activation_derivative_missing",
            "backward.output_activation_derivative_missing",
        ),
    ),
    Variant(
        code="backward.activation_derivative_sign",
        stage=Stage.BACKWARD,
        title="The derivative of {activation} has the wrong sign at {sites}.",
        explanation=EXPLAIN + "Your numbers need −f′(z), as with a(a − 1) for a(1 − a), or a² − 1 for 1 − a².",
        advice="Check the order of the terms in f′.",
        propose=negative,
        rank=20,
        look_alikes=("gradient.sign_flipped", "loss.target_sign", "update.sign_flipped"),
    ),
    Variant(
        code="backward.activation_derivative_inverted",
        stage=Stage.BACKWARD,
        title="The gradient was divided by the derivative of {activation} instead of multiplied at {sites}.",
        explanation=EXPLAIN + "Your numbers need (∂L/∂a) / f′(z).",
        advice="Multiply by f′(z).",
        propose=inverse,
        rank=50,
    ),
)
