"""What an alteration can change, known from its plan without running it.

Forward comes before loss, loss before gradients, gradients before the step: an altered update leaves the gradients of
the first step alone, and a backward rule of a node leaves what lies behind that node alone. Later steps start from
other parameters, so everything of them may change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from ..network import Node
from ..training import Clipping, Training
from ..types import Quantity, TensorId
from .case import Case
from .plan import Plan, same

AFTER_BACKWARD = frozenset({"optimizer", "state", "schedule", "clipping"})
"""Fields of a training that are used after the backward pass only."""
VALUES = frozenset({Quantity.NODE_VALUE, Quantity.OUTPUT, Quantity.BUFFER})
ALL_GRADIENTS = frozenset({Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.NODE_GRADIENT})
STEP = frozenset({Quantity.UPDATED, Quantity.STATE})


def reach(case: Case, plan: Plan, keeps_values: bool) -> frozenset[TensorId]:
    """The claimed tensors that the plan may change; `keeps_values`: its rules of nodes alter the backward pass only."""
    retold = frozenset(id for id in case.ids if not _told_as_it_is(plan, id))
    quantities, parameters = _changed(case, plan, keeps_values)
    if not quantities and not parameters:
        return retold
    later = frozenset(id for id in case.ids if id.step > 0)
    first = frozenset(id for id in case.ids if id.quantity in quantities or parameter_of(id) in parameters)
    return retold | later | first


def _told_as_it_is(plan: Plan, id: TensorId) -> bool:
    return all(report(id) == (id, same) for report in plan.reports)


def _changed(case: Case, plan: Plan, keeps_values: bool) -> tuple[frozenset[Quantity], frozenset[str]]:
    """Quantities of the first step that may change, and parameters of which gradient and step may."""
    if type(plan) is not Plan or not same_data(case.training, plan.training):
        return frozenset(Quantity), frozenset()
    quantities: frozenset[Quantity] = frozenset()
    parameters: frozenset[str] = frozenset()
    if plan.nodes and not keeps_values:
        quantities |= VALUES | {Quantity.LOSS} | ALL_GRADIENTS | STEP
    elif plan.nodes:
        quantities |= {Quantity.INPUT_GRADIENT, Quantity.NODE_GRADIENT}
        parameters = parameters_upstream(case, plan.nodes)
        quantities |= STEP if mixes_parameters(plan.training) else frozenset()
    if plan.loss is not None or plan.loss_scale != 1.0:
        quantities |= ALL_GRADIENTS | STEP | {Quantity.LOSS}
    if plan.gradients:
        quantities |= STEP | {Quantity.GRADIENT}
    if plan.clip is not None or plan.update is not None or plan.training is not case.training:
        quantities |= STEP
    return quantities, parameters


def same_data(one: Training, other: Training) -> bool:
    """Whether both have the same first step up to the end of its backward pass."""
    if one is other:
        return True
    names = (field.name for field in fields(Training) if field.name not in AFTER_BACKWARD | {"steps"})
    if any(getattr(one, name) is not getattr(other, name) for name in names):
        return False
    first, second = one.steps[0], other.steps[0]
    return first.inputs is second.inputs and first.targets is second.targets


def mixes_parameters(training: Training) -> bool:
    """Whether the step of a parameter depends on the gradients of others."""
    optimizer = training.optimizer
    return training.clipping != Clipping() or (optimizer is not None and optimizer.type_name == "LBFGS")


def parameters_upstream(case: Case, names: Iterable[str]) -> frozenset[str]:
    """Parameters of these nodes and of all that lead to them, ties resolved."""
    program = case.training.program
    nodes = {node.name: node for node in program.nodes}
    open_names, seen = list(names), set[str]()
    while open_names:
        name = open_names.pop()
        if name in nodes and name not in seen:
            seen.add(name)
            open_names += _sources(nodes[name])
    own = (outer for name in seen for outer in nodes[name].tensors.values())
    return frozenset(program.tied.get(outer, outer) for outer in own)


def _sources(node: Node) -> list[str]:
    keys = [*node.inputs, *(key for _, key in node.named_inputs)]
    return [key.partition(":")[0] for key in keys]


def parameter_of(id: TensorId) -> str:
    """The parameter that a gradient, a new value or a state belongs to; empty for anything else."""
    if id.quantity is Quantity.STATE:
        return id.name.rpartition(".")[0]
    return id.name if id.quantity in (Quantity.GRADIENT, Quantity.UPDATED) else ""
