"""Variants of which step the numbers belong to: before or after the update, this step or another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from ...types import Quantity, TensorId
from ..case import Case
from ..plan import Plan, Report, same
from ..variant import Alter, Proposal, Stage, Variant

GRADIENTS = frozenset({Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.NODE_GRADIENT})
VALUES = frozenset({Quantity.LOSS, Quantity.OUTPUT, Quantity.NODE_VALUE})


def shifted(quantities: frozenset[Quantity], shift: int) -> Report:
    """What is told of these quantities is that of a later step (or an earlier one)."""

    def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        return (replace(id, step=max(id.step + shift, 0)), same) if id.quantity in quantities else (id, same)

    return report


def one_more(plan: Plan) -> Plan:
    """With the last step taken once more."""
    steps = plan.training.steps
    return plan.with_training(steps=(*steps, steps[-1]))


def _of_next(quantities: frozenset[Quantity]) -> Callable[[Case], Iterator[Proposal]]:
    def propose(case: Case) -> Iterator[Proposal]:
        if case.training.optimizer is not None and quantities & case.claimed_quantities and _same_data(case):
            yield Proposal(lambda plan: one_more(plan).with_report(shifted(quantities, 1)))

    return propose


def _same_data(case: Case) -> bool:
    """Whether all steps see the same batch, so that the next step's gradient is this one's after the update."""
    first, *others = case.training.steps
    return all(
        torch.equal(tensor, ours[name])
        for step in others
        for ours, theirs in ((first.inputs, step.inputs), (first.targets, step.targets))
        for name, tensor in theirs.items()
    )


def _propose_other_step(case: Case) -> Iterator[Proposal]:
    if case.steps < 2 or not any(id.step == 0 for id in case.ids if id.quantity in GRADIENTS):
        return
    later = dict.fromkeys((case.steps - 1, 1))
    for position, step in enumerate(later):
        texts = {"step": f"{step + 1}", "declared": "1"}
        yield Proposal(_with_report(_first_is(step)), texts=texts, rank=2 * position)


def _first_is(step: int) -> Report:
    """What is told of the first step's gradients is that of another step."""
    return lambda id: (replace(id, step=step) if id.quantity in GRADIENTS and id.step == 0 else id, same)


def _with_report(report: Report) -> Alter:
    return lambda plan: plan.with_report(report)


def _propose_change(case: Case) -> Iterator[Proposal]:
    """Old minus new, with the sign that a descent step has before it is subtracted."""
    if not any(id.quantity is Quantity.UPDATED and id.step == 0 for id in case.ids):
        return
    before = case.training.parameters_before

    def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        if id.quantity is not Quantity.UPDATED or id.step:
            return id, same
        return id, lambda tensor: before[id.name].to(tensor) - tensor

    yield Proposal(_with_report(report))


def _propose_step_as_gradient(case: Case) -> Iterator[Proposal]:
    """The whole step of an optimizer other than plain gradient descent, told as the gradient."""
    if case.training.optimizer is None or Quantity.GRADIENT not in case.claimed_quantities:
        return
    before = case.training.parameters_before

    def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        if id.quantity is not Quantity.GRADIENT or id.step or id.name in case.training.frozen:
            return id, same
        return replace(id, quantity=Quantity.UPDATED), lambda tensor: before[id.name].to(tensor) - tensor

    yield Proposal(_with_report(report))


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="gradient.after_the_update",
        stage=Stage.GRADIENT,
        title="Your gradients are those after the update, at the new weights.",
        explanation="The claimed gradients are those of a second backward pass, computed with the new weights. "
        "Declared are the gradients that the step itself uses, at the old ones.",
        advice="Compute the gradient before the step.",
        propose=_of_next(GRADIENTS),
        rank=14,
        look_alikes=("gradient.of_another_step",),
    ),
    Variant(
        code="loss.after_the_update",
        stage=Stage.LOSS,
        title="Your loss value is that after the update, with the new weights.",
        explanation="The claimed loss belongs to the new weights. PyTorch's loss of a step is computed before its "
        "update.",
        advice="Read the loss before optimizer.step().",
        propose=_of_next(VALUES),
        rank=16,
    ),
    Variant(
        code="gradient.of_another_step",
        stage=Stage.GRADIENT,
        title="Your gradients are those of step {step}, declared is step {declared}.",
        explanation="The claimed gradients come out in step {step} of the training.",
        advice="Claim them for step {step}, or give those of step {declared}.",
        propose=_propose_other_step,
        rank=12,
        look_alikes=("gradient.after_the_update",),
    ),
    Variant(
        code="gradient.is_the_step",
        stage=Stage.GRADIENT,
        title="What you call the gradient is the step of the optimizer, old weights minus new ones.",
        explanation="You gave the whole step, with learning rate, momentum and decay in it. PyTorch's .grad holds "
        "∂L/∂w.",
        advice="Give ∂L/∂w, or claim the new weights.",
        propose=_propose_step_as_gradient,
        rank=16,
        look_alikes=("gradient.learning_rate_included",),
    ),
    Variant(
        code="update.change_instead_of_weights",
        stage=Stage.LAYOUT,
        title="What you call the new weights is what was subtracted from the old ones, η·∂L/∂w.",
        explanation="The claimed numbers are old weights minus new ones; the declared quantity is the new weights.",
        advice="Subtract the step from the old weights.",
        propose=_propose_change,
        rank=15,
        look_alikes=("update.step_instead_of_weights", "layout.gradient_told_as_weights"),
    ),
)
