"""Variants of the backward pass through softmax, and derivatives at an output that has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from ...network import Node
from ..case import Case
from ..rules import with_derivative
from ..variant import Proposal, Stage, Variant
from .sites import activation, at_each, at_nodes, module_of, output_node, producer, times_upstream

Factor = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Slope = Callable[[torch.Tensor], torch.Tensor]

SOFTMAX = ("Softmax", "Softmin", "Softmax2d")
LINEAR = frozenset({"Linear", "Bilinear", "Conv1d", "Conv2d", "Conv3d", "MatMul", "Add"})


def negated(node: Node) -> float:
    """-1 for Softmin, the softmax of -z."""
    return -1.0 if node.operation.type_name == "Softmin" else 1.0


def at_softmax(factor: Factor) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes another backward rule at each softmax: (z, p, upstream) to the gradient of z."""

    def propose(case: Case) -> Iterator[Proposal]:
        for node in case.nodes(*SOFTMAX):
            sign = negated(node)
            rule = with_derivative(lambda x, p, u, sign=sign: sign * factor(x, p, u))  # type: ignore[misc]
            yield at_nodes([node], rule)

    return propose


def log_softmax(
    factor: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor],
) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes another backward rule at each LogSoftmax: (p, upstream, dim) to the gradient of z."""

    def propose(case: Case) -> Iterator[Proposal]:
        for node in case.nodes("LogSoftmax"):
            dim = module_of(node).dim
            if dim is not None:
                rule = with_derivative(lambda x, y, u, dim=dim: factor(y.exp(), u, dim))  # type: ignore[misc]
                yield at_nodes([node], rule)

    return propose


WITHOUT_ACTIVATION: tuple[tuple[str, Slope, int], ...] = (
    ("ŷ(1 − ŷ), the derivative of a sigmoid", lambda y: y * (1 - y), 0),
    ("σ(ŷ)(1 − σ(ŷ)), the derivative of a sigmoid", lambda y: torch.sigmoid(y) * torch.sigmoid(-y), 2),
    ("1 − ŷ², the derivative of tanh", lambda y: 1 - y * y, 4),
    ("1 − tanh²(ŷ), the derivative of tanh", lambda y: 1 - torch.tanh(y) ** 2, 6),
    ("[ŷ > 0], the derivative of ReLU", lambda y: (y > 0).to(y.dtype), 8),
)


def without_activation(case: Case) -> Iterator[Proposal]:
    """An activation's derivative at an output that is linear."""
    node = output_node(case)
    if node is None or activation(node) or node.operation.type_name not in LINEAR:
        return
    for used, factor, rank in WITHOUT_ACTIVATION:
        yield at_nodes([node], times_upstream(factor), {"used": used}, rank)


def linear_layers(case: Case) -> Iterator[Proposal]:
    """An activation's derivative at a hidden layer that is linear, none following."""
    output = output_node(case)
    followed = {node.inputs[0] for node in case.nodes() if activation(node) and node.inputs}
    nodes = [n for n in case.nodes("Linear") if n.name not in followed and (output is None or n.name != output.name)]
    for used, factor, rank in WITHOUT_ACTIVATION:
        yield from at_each(nodes, times_upstream(factor), {"used": used}, rank)


def logits(case: Case) -> Node | None:
    """The node whose value CrossEntropyLoss takes as logits, if it has several classes."""
    loss = case.training.program.loss
    if loss is None or loss.module.type_name != "CrossEntropyLoss" or case.output is None:
        return None
    return producer(case, loss.arguments[0].key) if case.width > 1 else None


def class_dimension(y: torch.Tensor) -> int:
    """The dimension of the classes, as CrossEntropyLoss takes it."""
    return 0 if y.dim() == 1 else 1


def with_cross_entropy(case: Case) -> Iterator[Proposal]:
    """The derivative of softmax multiplied in again, its diagonal or all of it."""
    node = logits(case)
    if node is None:
        return

    def diagonal(y: torch.Tensor) -> torch.Tensor:
        p = y.softmax(class_dimension(y))
        return p * (1 - p)

    yield at_nodes([node], times_upstream(diagonal), {"used": "p(1 − p)"})
    yield at_nodes([node], jacobian_again, {"used": "the Jacobian diag(p) − p·pᵀ"}, 10)


def jacobian_again(node: Node, tensors: object, inputs: object, named: object) -> object:
    """The node's value; its gradient multiplied by the Jacobian of softmax."""
    from ..rules import ordinary, rewire

    y = ordinary(node, tensors, inputs, named)  # type: ignore[arg-type]
    dim = class_dimension(y)
    p = y.detach().softmax(dim)
    return rewire(y, (y,), lambda u: (p * (u - (p * u).sum(dim, keepdim=True)),))


JACOBIAN = (
    "The derivative of softmax is a matrix, ∂pᵢ/∂zⱼ = pᵢ(δᵢⱼ − pⱼ), so ∂L/∂zⱼ = pⱼ(uⱼ − Σᵢ uᵢpᵢ) with u = ∂L/∂p. "
)

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="backward.softmax_diagonal_only",
        stage=Stage.BACKWARD,
        title="Only the diagonal of the softmax Jacobian was used at {sites}: p(1 − p).",
        explanation=JACOBIAN
        + "Your numbers need uⱼpⱼ(1 − pⱼ): every pᵢ also depends on all other z, which is left out.",
        advice="Use the whole matrix: p ⊙ (u − Σ u ⊙ p).",
        propose=at_softmax(lambda x, p, u: u * p * (1 - p)),
        rank=3,
        probe="The right gradient with respect to z sums to zero over the classes of each sample.",
        source="github.com/eriklindernoren/ML-From-Scratch/issues/71",
    ),
    Variant(
        code="backward.softmax_jacobian_missing",
        stage=Stage.BACKWARD,
        title="The derivative of softmax is missing at {sites}.",
        explanation=JACOBIAN + "Your numbers pass u on unchanged. δ = p − t is right with cross-entropy only, whose "
        "derivative cancels the Jacobian.",
        advice="Multiply by the Jacobian, p ⊙ (u − Σ u ⊙ p), or declare cross-entropy.",
        propose=at_softmax(lambda x, p, u: u),
        rank=6,
        look_alikes=("loss.cross_entropy_for_squared_error",),
    ),
    Variant(
        code="backward.softmax_sum_term_missing",
        stage=Stage.BACKWARD,
        title="The sum in the backward pass of softmax is missing at {sites}.",
        explanation=JACOBIAN + "Your numbers need pⱼuⱼ.",
        advice="Subtract the sum: p ⊙ (u − Σ u ⊙ p).",
        propose=at_softmax(lambda x, p, u: u * p),
        rank=20,
    ),
    Variant(
        code="backward.softmax_jacobian_sign",
        stage=Stage.BACKWARD,
        title="The off-diagonal terms of the softmax Jacobian have the wrong sign at {sites}.",
        explanation=JACOBIAN + "Your numbers take +pᵢpⱼ off the diagonal.",
        advice="Off the diagonal the derivative is −pᵢpⱼ.",
        propose=lambda case: softmax_sign(case),
        rank=35,
    ),
    Variant(
        code="backward.log_softmax_sum_term_missing",
        stage=Stage.BACKWARD,
        title="The sum in the backward pass of log-softmax is missing at {sites}.",
        explanation="With u = ∂L/∂ log p the gradient is ∂L/∂z = u − p·Σu. Your numbers need {used}.",
        advice="Subtract p times the sum of u over the classes.",
        propose=lambda case: log_softmax_options(case),
        rank=15,
        source="github.com/mlpack/mlpack/issues/3468",
    ),
    Variant(
        code="backward.softmax_derivative_with_cross_entropy",
        stage=Stage.BACKWARD,
        title="The derivative of softmax was multiplied in once more on top of cross-entropy.",
        explanation="CrossEntropyLoss takes logits z and has softmax in it: ∂L/∂z = p − t already holds its "
        "derivative. Your numbers multiply p − t by {used} again.",
        advice="Use p − t as it is.",
        propose=with_cross_entropy,
        rank=12,
        source="github.com/mantasu/cs231n/issues/10",
    ),
    Variant(
        code="backward.activation_derivative_without_activation",
        stage=Stage.BACKWARD,
        title=(
            "The gradient was multiplied by an activation's derivative although the output {sites} has no activation."
        ),
        explanation="The output is linear, so δ = ∂L/∂ŷ. Your numbers multiply by {used}.",
        advice="Drop the factor, or add the activation to the network.",
        propose=without_activation,
        rank=10,
        look_alikes=("loss.bce_with_logits_sigmoid_derivative",),
    ),
    Variant(
        code="backward.activation_derivative_at_linear_layer",
        stage=Stage.BACKWARD,
        title="The gradient was multiplied by an activation's derivative although no activation follows {sites}.",
        explanation="The layer is linear and no activation follows it. Your numbers multiply by {used}.",
        advice="Drop the factor, or add the activation to the network.",
        propose=linear_layers,
        rank=40,
    ),
)


def softmax_sign(case: Case) -> Iterator[Proposal]:
    """+p_i p_j off the diagonal, for softmax along a stated dimension."""
    for node in case.nodes("Softmax"):
        dim = module_of(node).dim
        if dim is not None:

            def factor(x: torch.Tensor, p: torch.Tensor, u: torch.Tensor, dim: int = dim) -> torch.Tensor:
                return p * (u + (p * u).sum(dim, keepdim=True)) - 2 * p * p * u

            yield at_nodes([node], with_derivative(factor))


def log_softmax_options(case: Case) -> Iterator[Proposal]:
    """u alone, or u(1 - p)."""
    for proposal in log_softmax(lambda p, u, dim: u)(case):
        yield Proposal(proposal.alter, proposal.sites, {"used": "u alone"})
    for proposal in log_softmax(lambda p, u, dim: u * (1 - p))(case):
        yield Proposal(proposal.alter, proposal.sites, {"used": "u(1 − p), the diagonal alone"}, 5)
