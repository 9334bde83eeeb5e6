"""Where a claim goes wrong: which tensors, between which nodes, and what the numbers show there."""

from __future__ import annotations

from ..names import describe
from ..network import Node
from ..types import ClaimedTensor, Localization, Quantity, TensorId
from .case import Case
from .patterns import observe
from .upstream import observe_upstream

BY_PARAMETER = (Quantity.GRADIENT, Quantity.UPDATED, Quantity.STATE)
MOST_OBSERVATIONS = 8


def localize(case: Case) -> Localization:
    """What can be said of a disagreement without knowing its cause."""
    agreeing = tuple(tensor.id for tensor in case.claim if tensor.id not in case.disagreeing)
    disagreeing = tuple(tensor.id for tensor in case.claim if tensor.id in case.disagreeing)
    enters = enters_at(case)
    observations = [line for tensor in case.claim if tensor.id in case.disagreeing for line in observe(case, tensor)]
    upstream = observe_upstream(case)
    return Localization(
        summary=_summary(agreeing, disagreeing, enters),
        agreeing=agreeing,
        disagreeing=disagreeing,
        enters_at=enters,
        observations=tuple([*upstream, *observations][:MOST_OBSERVATIONS]),
    )


def _summary(agreeing: tuple[TensorId, ...], disagreeing: tuple[TensorId, ...], enters: str) -> str:
    wrong = ", ".join(describe(id) for id in disagreeing[:6]) + (", ..." if len(disagreeing) > 6 else "")
    right = ", ".join(describe(id) for id in agreeing[:6]) + (", ..." if len(agreeing) > 6 else "")
    text = f"Disagreeing: {wrong}."
    text += f" Agreeing: {right}." if right else " Nothing that is claimed agrees."
    return f"{text} The error enters {enters}." if enters else text


def enters_at(case: Case) -> str:
    """Where the error enters, walking back from the loss; empty where the claim does not tell."""
    bad = case.disagreeing
    for quantity, place in (
        (Quantity.NODE_VALUE, "in the forward pass"),
        (Quantity.OUTPUT, "in the forward pass"),
        (Quantity.LOSS, "in the forward pass or in the loss itself"),
    ):
        wrong = [id for id in bad if id.quantity is quantity]
        if wrong:
            first = min(wrong, key=lambda id: (id.step, _position(case, id.name)))
            return f"{place}, at {describe(first)}"
    return _enters_backward(case)


def _position(case: Case, name: str) -> int:
    node = name.partition(":")[0]
    names = [n.name for n in case.training.program.nodes]
    return names.index(node) if node in names else -1


def _enters_backward(case: Case) -> str:
    nodes = [node for node in case.training.program.nodes if _claims_of(case, node)]
    wrong = [node for node in nodes if any(t.id in case.disagreeing for t in _claims_of(case, node))]
    if not wrong:
        return ""
    last = wrong[-1]
    right_after = nodes[nodes.index(last) + 1 :]
    here = _claims_of(case, last)
    own = [t for t in here if t.id not in case.disagreeing]
    if own:
        good, poor = own[0].id, next(t.id for t in here if t.id in case.disagreeing)
        return f"at node {_name(last)} itself: its {describe(good)} is right, its {describe(poor)} is not"
    if right_after:
        return f"between node {_name(right_after[0])}, which is right, and node {_name(last)}, which is not"
    if _only_updates_disagree(case):
        return "in the optimizer's step: the claimed gradients agree"
    return f"at or after node {_name(last)}, the last one that is claimed: in its own rule, the loss or the reduction"


def _only_updates_disagree(case: Case) -> bool:
    gradients = [id for id in case.ids if id.quantity is Quantity.GRADIENT]
    return bool(gradients) and not any(id in case.disagreeing for id in gradients)


def _name(node: Node) -> str:
    return f"{node.name!r} ({node.operation.type_name})"


def _claims_of(case: Case, node: Node) -> list[ClaimedTensor]:
    names = set(node.tensors.values())
    return [t for t in case.claim if t.id.quantity in BY_PARAMETER and _parameter(t.id) in names]


def _parameter(id: TensorId) -> str:
    return id.name.rpartition(".")[0] if id.quantity is Quantity.STATE else id.name
