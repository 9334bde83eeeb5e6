"""An explanation with the caller's own numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch

from ..errors import TORCH_ERRORS
from ..names import describe
from ..types import ClaimedTensor, Finding, ProblemError, Quantity, TensorId
from ..wanted import Wanted
from .attempt import Attempt, Part
from .case import Case
from .plan import plan_of
from .variant import Stage

TRACE = Wanted(
    frozenset({Quantity.NODE_GRADIENT, Quantity.NODE_VALUE, Quantity.GRADIENT, Quantity.LOSS}), steps=frozenset({0})
)
Tensors = Mapping[TensorId, torch.Tensor]


def explain(case: Case, attempt: Attempt, probe: str) -> Finding:
    """The finding for a complete attempt."""
    texts = [_formatted(part) for part in attempt.parts]
    sites = tuple(dict.fromkeys(site for part in attempt.parts for site in part.proposal.sites))
    numbers = " ".join(evidence(case, attempt))
    return Finding(
        codes=attempt.codes,
        title=" And: ".join(title for title, _, _ in texts),
        explanation=" ".join([*(text for _, text, _ in texts), numbers]).strip(),
        advice=" ".join(advice for _, _, advice in texts),
        convention=all(part.variant.convention for part in attempt.parts),
        sites=sites,
        reproduction=attempt.fit.as_reproduction(),
        probe=probe,
    )


def _formatted(part: Part) -> tuple[str, str, str]:
    texts = {"sites": ", ".join(part.proposal.sites) or "every layer", **part.proposal.texts}
    variant = part.variant
    return variant.title.format(**texts), variant.explanation.format(**texts), variant.advice.format(**texts)


def evidence(case: Case, attempt: Attempt) -> Iterator[str]:
    """Sentences with numbers: the derivative where the stages differ, then the element that disagrees most."""
    altered = _altered_trace(case, attempt)
    stages = {part.variant.stage for part in attempt.parts}
    if stages & {Stage.LOSS, Stage.REDUCTION}:
        yield from _at_the_output(case, altered)
    for part in attempt.parts:
        if part.variant.stage is Stage.BACKWARD:
            yield from _at_a_node(case, part, altered)
    yield from _at_the_worst(case, attempt, altered)


def _altered_trace(case: Case, attempt: Attempt) -> Tensors:
    try:
        plan = plan_of(case.training, (part.proposal.alter for part in attempt.parts))
        return plan.outcome(TRACE, case.should_stop).tensors
    except (ProblemError, *TORCH_ERRORS):
        return {}


def number(value: float) -> str:
    """Six significant digits, with a true minus sign."""
    return f"{value:.6g}".replace("-", "−")


def _differs(case: Case, altered: Tensors, id: TensorId) -> bool:
    """Whether the altered step has that tensor too, in the same shape and with other numbers."""
    if id not in altered or id not in case.trace or altered[id].shape != case.trace[id].shape:
        return False
    return not torch.equal(case.trace[id], altered[id].double())


def _at_the_output(case: Case, altered: Tensors) -> Iterator[str]:
    key = case.training.program.outputs[0]
    id = TensorId(0, Quantity.NODE_GRADIENT, key)
    if not _differs(case, altered, id):
        return
    right, used = case.trace[id].flatten(), altered[id].double().flatten()
    i = int((right - used).abs().argmax())
    where = f"ŷ = {number(float(case.value(key).double().flatten()[i]))}"
    target = case.target
    if target is not None and target.numel() == right.numel():
        where += f", t = {number(float(target.flatten()[i]))}"
    yield f"At the output ({where}) PyTorch has ∂L/∂ŷ = {number(float(right[i]))}; you used {number(float(used[i]))}."


def _at_a_node(case: Case, part: Part, altered: Tensors) -> Iterator[str]:
    for site in part.proposal.sites[:1]:
        node = next((n for n in case.training.program.nodes if n.name == site), None)
        if node is None or not node.inputs:
            return
        key = node.inputs[0]
        id, after = TensorId(0, Quantity.NODE_GRADIENT, key), TensorId(0, Quantity.NODE_GRADIENT, node.name)
        if after not in case.trace or not _differs(case, altered, id):
            return
        right, used = case.trace[id].flatten(), altered[id].double().flatten()
        i = int((right - used).abs().argmax())
        yield (
            f"Behind node {node.name!r} ({node.operation.type_name}) PyTorch passes back {number(float(right[i]))} to "
            f"{key!r}; you passed {number(float(used[i]))}."
        )


def worst_claim(case: Case) -> tuple[ClaimedTensor, tuple[int, ...]] | None:
    """The claimed tensor and element that disagree most, seen from their tolerances."""
    best: tuple[float, ClaimedTensor, tuple[int, ...]] | None = None
    for tensor, comparison in zip(case.claim, case.comparisons, strict=True):
        worst = comparison.worst
        if worst is None or tensor.id not in case.disagreeing:
            continue
        score = worst.absolute / max(worst.tolerance, 1e-300)
        if best is None or score > best[0]:
            best = (score, tensor, worst.index)
    return None if best is None else best[1:]


def _at_the_worst(case: Case, attempt: Attempt, altered: Tensors) -> Iterator[str]:
    found = worst_claim(case)
    if found is None:
        return
    tensor, index = found
    told = attempt.told[tensor.id]
    if told.shape != tensor.value.shape:
        return
    what = describe(tensor.id) + (f"{list(index)}" if index else "")
    claimed, right = float(tensor.value.double()[index]), float(case.reference[tensor.id].double()[index])
    yield from _update_formula(case, tensor, index, attempt, altered)
    yield (
        f"Your {what} is {number(claimed)}; computed this way it is {number(float(told[index]))}, and PyTorch's is "
        f"{number(right)}."
    )


def _update_formula(
    case: Case, tensor: ClaimedTensor, index: tuple[int, ...], attempt: Attempt, altered: Tensors
) -> Iterator[str]:
    """w − η·g with both gradients, where the altered step is just that."""
    id = TensorId(0, Quantity.GRADIENT, tensor.id.name)
    rate = case.plain_rate(tensor.id.name)
    if tensor.id.quantity is not Quantity.UPDATED or rate is None or not _differs(case, altered, id):
        return
    right, used = float(case.trace[id][index]), float(altered[id].double()[index])
    old = float(case.training.parameters_before[tensor.id.name].double()[index])
    new = old - rate * used
    if right != used and math.isclose(new, float(attempt.told[tensor.id][index]), rel_tol=1e-9, abs_tol=1e-12):
        yield (
            f"The gradient of {tensor.id.name}{list(index)} is {number(right)} in PyTorch and {number(used)} this way: "
            f"{number(old)} − {number(rate)} · ({number(used)}) = {number(new)}."
        )
