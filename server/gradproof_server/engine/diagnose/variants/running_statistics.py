"""Variants of the running statistics of batch normalization: another variance, momentum, or number of updates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..rules import ordinary
from ..variant import Proposal, Stage, Variant
from .norms import BATCH, INSTANCE, Tensors, layout
from .sites import at_each, module_of


def tracking(case: Case) -> list[Node]:
    """Layers that update running statistics in this training."""
    if not case.training.train:
        return []
    return [node for node in case.nodes(*BATCH, *INSTANCE) if module_of(node).track_running_stats]


def updating(keep: Callable[[Node, Tensors, torch.Tensor], None]) -> NodeCall:
    """The rule of a layer that updates its running statistics another way: keep(node, buffers before, x)."""

    def rule(node: Node, tensors: Tensors, inputs: tuple[torch.Tensor, ...], named: Any) -> Any:
        copies = {name: t.clone() for name, t in tensors.items() if name.startswith(("running", "num_batches"))}
        outputs = ordinary(node, {**tensors, **copies}, inputs, named)
        with torch.no_grad():
            keep(node, tensors, inputs[0].detach())
        return outputs

    return rule


def share(node: Node, tensors: Tensors) -> float:
    """The share of the new statistics, from momentum, or from the number of batches where that is None."""
    momentum = module_of(node).momentum
    if momentum is None:
        return 1.0 / (float(tensors["num_batches_tracked"]) + 1)
    return float(momentum)


def blend(old: torch.Tensor, new: torch.Tensor, part: float) -> None:
    """old ← (1 - part) old + part new."""
    old.mul_(1 - part).add_(new.reshape(old.shape), alpha=part)


def statistics(node: Node, x: torch.Tensor, correction: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance by channel; of instance normalization averaged over the batch."""
    _, dims, _ = layout(node, x)
    mean, var = x.mean(dims), x.var(dims, correction=correction)
    if node.operation.type_name in INSTANCE and mean.dim() > 1:
        return mean.mean(0), var.mean(0)
    return mean, var


def with_variance(correction: int, root: bool) -> NodeCall:
    """Another variance, or its root."""

    def keep(node: Node, tensors: Tensors, x: torch.Tensor) -> None:
        part = share(node, tensors)
        mean, var = statistics(node, x, correction)
        blend(tensors["running_mean"], mean, part)
        blend(tensors["running_var"], var.sqrt() if root else var, part)
        counted(tensors)

    return updating(keep)


def counted(tensors: Tensors, by: int = 1) -> None:
    """Counts a batch."""
    if "num_batches_tracked" in tensors:
        tensors["num_batches_tracked"].add_(by)


def with_share(part: Callable[[float], float], correction: int = 1) -> NodeCall:
    """Another share of the new statistics."""

    def keep(node: Node, tensors: Tensors, x: torch.Tensor) -> None:
        mean, var = statistics(node, x, correction)
        blend(tensors["running_mean"], mean, part(share(node, tensors)))
        blend(tensors["running_var"], var, part(share(node, tensors)))
        counted(tensors)

    return updating(keep)


def twice(node: Node, tensors: Tensors, x: torch.Tensor) -> None:
    """Updated with the same batch two times."""
    mean, var = statistics(node, x, 1)
    for _ in range(2):
        part = share(node, tensors)
        blend(tensors["running_mean"], mean, part)
        blend(tensors["running_var"], var, part)
        counted(tensors)


def variances(case: Case) -> Iterator[Proposal]:
    """Biased, and roots."""
    nodes = tracking(case)
    yield from at_each(nodes, with_variance(0, False), {"used": "the biased variance (divisor n)"})


def deviations(case: Case) -> Iterator[Proposal]:
    """Standard deviations."""
    nodes = tracking(case)
    yield from at_each(nodes, with_variance(0, True), {"used": "divisor n, as numpy.std has it"})
    yield from at_each(nodes, with_variance(1, True), {"used": "divisor n − 1, as torch.std has it"}, 4)


def shares(case: Case) -> Iterator[Proposal]:
    """1 - momentum, then momenta of other frameworks, each with PyTorch's variance and with the biased one."""
    nodes = [node for node in tracking(case) if module_of(node).momentum is not None]
    for correction, extra in ((1, 0), (0, 4)):
        kind = "" if correction else " and the biased variance"
        inverted = [node for node in nodes if module_of(node).momentum != 0.5]
        texts = {"used": f"1 − momentum as the share of the new batch{kind}"}
        yield from at_each(inverted, with_share(lambda m: 1 - m, correction), texts, extra)
        for rank, value in enumerate((0.01, 0.1, 0.001, 0.003, 1.0)):
            others = [node for node in nodes if module_of(node).momentum != value]
            texts = {"used": f"{value:g} as the share of the new batch{kind}"}
            yield from at_each(others, with_share(lambda m, v=value: v, correction), texts, 5 + extra + 2 * rank)  # type: ignore[misc]


def never(case: Case) -> Iterator[Proposal]:
    """Not updated at all."""
    return at_each(tracking(case), updating(lambda node, tensors, x: None))


def doubly(case: Case) -> Iterator[Proposal]:
    """Updated twice."""
    return at_each(tracking(case), updating(twice))


def mean_only(case: Case) -> Iterator[Proposal]:
    """Only the mean, or only the variance, updated."""

    def one(name: str) -> NodeCall:
        def keep(node: Node, tensors: Tensors, x: torch.Tensor) -> None:
            part = share(node, tensors)
            mean, var = statistics(node, x, 1)
            blend(tensors[name], mean if name == "running_mean" else var, part)
            counted(tensors)

        return updating(keep)

    yield from at_each(tracking(case), one("running_mean"), {"used": "mean"})
    yield from at_each(tracking(case), one("running_var"), {"used": "variance"})


RUNNING = (
    "In training PyTorch updates running ← (1 − m)·running + m·batch with m = momentum (0.1), the variance with "
    "divisor n − 1. "
)

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="normalization.running_variance_biased",
        stage=Stage.FORWARD,
        title="The running variance of {sites} was updated with the biased variance.",
        explanation=RUNNING + "Your numbers need divisor n, as Keras, TensorFlow and JAX have it.",
        advice="Multiply the batch's variance by n/(n − 1) for the running one.",
        propose=variances,
        rank=3,
        convention=True,
        source="github.com/pytorch/pytorch/issues/3122",
    ),
    Variant(
        code="normalization.running_deviation",
        stage=Stage.FORWARD,
        title="The running variance of {sites} holds the standard deviation ({used}).",
        explanation=RUNNING + "Your numbers need the root of a variance, {used}.",
        advice="Compare with the variance: numpy.var(x, ddof=1).",
        propose=deviations,
        rank=5,
        source="github.com/pytorch/pytorch/issues/7028",
    ),
    Variant(
        code="normalization.running_momentum",
        stage=Stage.FORWARD,
        title="The running statistics of {sites} were updated with {used}.",
        explanation=RUNNING
        + "Keras and TensorFlow call 1 − m momentum (0.99), so that 0.9 there is 0.1 here. Your numbers "
        "follow with {used}.",
        advice="Convert the momentum: PyTorch's is 1 − that of Keras.",
        propose=shares,
        rank=4,
        convention=True,
        source="github.com/pytorch/pytorch/issues/7028",
    ),
    Variant(
        code="normalization.running_not_updated",
        stage=Stage.FORWARD,
        title="The running statistics of {sites} were not updated.",
        explanation=RUNNING + "Your numbers are those from before the step.",
        advice="Update them in training mode, once per forward pass.",
        propose=never,
        rank=10,
    ),
    Variant(
        code="normalization.running_updated_twice",
        stage=Stage.FORWARD,
        title="The running statistics of {sites} were updated twice in a step.",
        explanation=RUNNING
        + "Your numbers follow after two updates with the same batch, as when the forward pass runs twice.",
        advice="Run one forward pass per step in training mode.",
        propose=doubly,
        rank=15,
    ),
    Variant(
        code="normalization.running_half_updated",
        stage=Stage.FORWARD,
        title="Only the running {used} of {sites} was updated.",
        explanation=RUNNING + "Your numbers leave the other as it was.",
        advice="Update both.",
        propose=mean_only,
        rank=30,
    ),
)
