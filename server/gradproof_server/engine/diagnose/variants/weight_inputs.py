"""Variants of the weight gradient made with another layer's values than those that entered the layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..plan import Plan
from ..rules import ordinary
from ..variant import Proposal, Stage, Variant
from .linear import Linear, backward
from .sites import MOST_SINGLES, activation, producer

Box = dict[str, torch.Tensor]


def keeping(box: Box, key: str, at: int) -> NodeCall:
    """The ordinary rule of a node, which also keeps one of its inputs in the box."""

    def rule(node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any) -> Any:
        box[key] = inputs[at].detach()
        return ordinary(node, tensors, inputs, named)

    return rule


def with_value_entering(nodes: list[tuple[Node, Node, int]]) -> Callable[[Plan], Plan]:
    """Weight gradients of linear layers made with the value that enters another node: (layer, that node, input)."""

    def alter(plan: Plan) -> Plan:
        box: Box = {}
        rules: dict[str, NodeCall] = {}
        for layer, source, at in nodes:
            key = layer.name
            rules[source.name] = keeping(box, key, at)

            def weight(g: Linear, key: str = key) -> torch.Tensor:
                return g.upstream.mT @ box[key].reshape(g.rows.shape)

            rules[layer.name] = backward(of_weight=weight)
        return plan.with_nodes(rules)

    return alter


def before_activation(case: Case) -> Iterator[Proposal]:
    """Linear layers behind an activation: its input instead of its output."""
    found: list[tuple[Node, Node, int]] = []
    for layer in case.nodes("Linear"):
        source = producer(case, layer.inputs[0])
        if source is not None and activation(source):
            found.append((layer, source, 0))
    return of_groups(found)


def network_input(case: Case) -> Iterator[Proposal]:
    """Linear layers that are not the first and as wide as the network's input."""
    first = case.nodes()[0]
    if not first.inputs or first.inputs[0] not in case.training.program.inputs:
        return
    value = case.value(first.inputs[0])
    wide = [n for n in case.nodes("Linear") if n.name != first.name and case.value(n.inputs[0]).shape == value.shape]
    yield from of_groups([(layer, first, 0) for layer in wide if layer.inputs[0] != first.inputs[0]], together=False)


def of_groups(found: list[tuple[Node, Node, int]], together: bool = True) -> Iterator[Proposal]:
    """All together, and each."""
    if together and len(found) > 1:
        yield Proposal(with_value_entering(found), tuple(layer.name for layer, _, _ in found), rank=-5)
    for one in found[:MOST_SINGLES]:
        yield Proposal(with_value_entering([one]), (one[0].name,))


DW = "∂L/∂W = δ·xᵀ, where x are the values that entered the layer in the forward pass. "

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="backward.weight_gradient_from_preactivation",
        stage=Stage.BACKWARD,
        title="The gradient of the weight of {sites} was made with the pre-activation of the layer before.",
        explanation=DW + "That is a = f(z), the output of the activation. Your numbers need z in its place.",
        advice="Use the activation a.",
        propose=before_activation,
        rank=15,
    ),
    Variant(
        code="backward.weight_gradient_from_network_input",
        stage=Stage.BACKWARD,
        title="The gradient of the weight of {sites} was made with the network's input.",
        explanation=DW + "Your numbers need the input of the whole network in its place.",
        advice="Use the output of the layer before.",
        propose=network_input,
        rank=20,
    ),
)
