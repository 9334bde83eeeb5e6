"""Layers updated one after the other while the error is still on its way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch

from ...forward import NodeCall
from ...network import Node
from ...run import Rules, run
from ...types import Quantity, TensorId
from ...wanted import Wanted
from ..case import Case
from ..plan import Plan
from ..rules import ordinary
from ..variant import Alter, Proposal, Stage, Variant

WEIGHTED = (
    "Linear",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
)
"""Layers through which the error goes with the weight alone."""
MOST_RUNS = 24
"""Most layers times steps: so often the training is run until its weights are consistent."""
Weights = list[Mapping[str, torch.Tensor]]


@dataclass(frozen=True)
class Sequential(Plan):
    """A plan in which the error passes some layers with the weights that the same step gives them.

    The weights after a step depend on the errors, and the errors on these weights: from the last layer to the first
    one run after another settles one layer more, so layers times steps runs settle all.
    """

    sites: tuple[str, ...] = ()

    def rules(self) -> Rules:
        """The plan's rules, with those of the sites."""
        rules = super().rules()
        wanted = Wanted(frozenset({Quantity.UPDATED}))
        weights = self._weights(rules, wanted)
        for _ in range(MOST_RUNS + 1):
            altered = replace(rules, nodes={**rules.nodes, **self._nodes(weights)})
            after = self._weights(altered, wanted)
            if _equal(weights, after):
                break
            weights = after
        return altered

    def _weights(self, rules: Rules, wanted: Wanted) -> Weights:
        """All parameters before the first step and after each."""
        tensors = run(self.training, wanted, rules=rules).tensors
        names = self.training.program.parameters
        after = [{n: tensors[TensorId(k, Quantity.UPDATED, n)] for n in names} for k in range(len(self.training.steps))]
        return [self.training.parameters_before, *after]

    def _nodes(self, weights: Weights) -> dict[str, NodeCall]:
        return {site: _rule(self.training.program.node(site), weights) for site in self.sites}


def _equal(one: Weights, other: Weights) -> bool:
    pairs = zip(one[1:], other[1:], strict=True)
    return all(torch.equal(a[name], b[name]) for a, b in pairs for name in a)


def _rule(node: Node, weights: Weights) -> NodeCall:
    """The ordinary value, and the ordinary gradients of the parameters; the error goes back with the next weights."""
    name = node.tensors["weight"]

    def rule(node: Node, tensors: Any, inputs: tuple[torch.Tensor, ...], named: Any) -> torch.Tensor:
        new = _next(weights, name, tensors["weight"])
        for_parameters: torch.Tensor = ordinary(node, tensors, tuple(x.detach() for x in inputs), named)
        frozen = {key: tensor.detach() for key, tensor in tensors.items()}
        for_inputs: torch.Tensor = ordinary(node, {**frozen, "weight": new}, inputs, named)
        return for_parameters + (for_inputs - for_inputs.detach())

    return rule


def _next(weights: Weights, name: str, now: torch.Tensor) -> torch.Tensor:
    """The weight after the step that starts with `now`: the step is known by its first weight."""
    here = now.detach()
    placed = [w[name].to(here) for w in weights]
    step = min(range(len(placed) - 1), key=lambda k: float((placed[k] - here).abs().sum()))
    return placed[step + 1]


def sequential(sites: tuple[str, ...]) -> Alter:
    """The alteration at these nodes."""

    def alter(plan: Plan) -> Plan:
        known = {field.name: getattr(plan, field.name) for field in fields(Plan)}
        earlier = plan.sites if isinstance(plan, Sequential) else ()
        return Sequential(**known, sites=(*earlier, *sites))

    return alter


def propose(case: Case) -> Iterator[Proposal]:
    """At all weighted layers behind the first trained one, and at the last of them alone."""
    sites = _sites(case)
    if not sites or not case.optimizer_type or case.optimizer_type == "LBFGS":
        return
    if len(sites) * case.steps > MOST_RUNS:
        return
    yield Proposal(sequential(sites), sites)
    if len(sites) > 1:
        yield Proposal(sequential(sites[-1:]), sites[-1:], rank=2)


def _sites(case: Case) -> tuple[str, ...]:
    program, frozen = case.training.program, case.training.frozen
    seen, found = False, []
    for node in program.nodes:
        names = {program.tied.get(name, name) for name in node.tensors.values()}
        own = node.tensors.get("weight")
        if seen and node.operation.type_name in WEIGHTED and own in program.parameters and own not in frozen:
            found.append(node.name)
        seen = seen or any(name in program.parameters and name not in frozen for name in names)
    return tuple(found)


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="update.backward_used_updated_weights",
        stage=Stage.BACKWARD,
        title="You passed the error back through weights that were already updated ({sites}).",
        explanation="The new weight of a later layer was used for the δ of the layer before it: δ₁ = W₂(new)ᵀ·δ₂ ⊙ f′, "
        "where W₂(new) = W₂ − η·∂L/∂W₂. PyTorch computes all gradients at the old weights, δ₁ = W₂ᵀ·δ₂ ⊙ f′, and "
        "updates afterwards.",
        advice="Compute all gradients first, then update all layers.",
        propose=propose,
        rank=2,
        probe="Use two learning rates: the error in the first layers grows with η.",
        source="CodingTrain/Toy-Neural-Network-JS issue 72",
    ),
)
