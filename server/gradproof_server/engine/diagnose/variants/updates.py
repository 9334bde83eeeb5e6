"""The update as a whole: its sign, which parameters it reaches, and when it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from ...run import Moment, Named
from ...training import StepData, Training
from ...types import Quantity, TensorId
from ..case import Case
from ..plan import Plan, Report, same
from ..stepping.slots import after_step
from ..stepping.specs import acts, biases, mapped, owners, trained, uses, wraps
from ..variant import Alter, Proposal, Stage, Variant

AFTER = frozenset({Quantity.UPDATED, Quantity.STATE, Quantity.BUFFER})
MOST_SAMPLES = 64
"""Most updates that one step is cut into."""


def sign_flipped(case: Case) -> Iterator[Proposal]:
    """w + step where w − step belongs; with maximize declared and forgotten, see `maximize_ignored`."""
    if not acts(case):
        return
    if "maximize" in case.optimizer_arguments:
        yield Proposal(lambda plan: mapped(plan, {"maximize": lambda old: not old}))
    if wraps(case) and ("maximize" not in case.optimizer_arguments or uses(case, "weight_decay")):
        yield Proposal(lambda plan: after_step(plan, _reversed), rank=3)


def _reversed(old: Named, new: Named, gradients: Named, moment: Moment) -> Named:
    return {name: 2 * old[name] - new[name] for name in new}


def maximizing(wanted: bool, propose: Callable[[Case], Iterator[Proposal]]) -> Callable[[Case], Iterator[Proposal]]:
    """Only where maximize is declared, or is not."""
    return lambda case: propose(case) if acts(case) and uses(case, "maximize") is wanted else iter(())


def keeping(names: tuple[str, ...]) -> Alter:
    """These parameters stay as they are."""

    def change(old: Named, new: Named, gradients: Named, moment: Moment) -> Named:
        return {name: old[name] if name in names else value for name, value in new.items()}

    return lambda plan: after_step(plan, change)


def not_updated(chosen: Callable[[Case], list[tuple[str, ...]]]) -> Callable[[Case], Iterator[Proposal]]:
    """Some parameters stay as they are."""

    def propose(case: Case) -> Iterator[Proposal]:
        everything = trained(case)
        seen: set[tuple[str, ...]] = {()}
        for names in chosen(case) if wraps(case) else []:
            if names not in seen and len(names) < len(everything):
                seen.add(names)
                yield Proposal(keeping(names), names)

    return propose


def all_biases(case: Case) -> list[tuple[str, ...]]:
    """All biases together, and each alone."""
    names = biases(case)
    return [tuple(names), *((name,) for name in names)]


def all_but_last(case: Case) -> list[tuple[str, ...]]:
    """The parameters of all layers but the last."""
    return [tuple(name for _, names in owners(case)[:-1] for name in names)]


def some_layers(case: Case) -> list[tuple[str, ...]]:
    """The parameters of one layer, each layer in turn."""
    layers = owners(case)
    return [names for _, names in layers] if len(layers) > 1 else []


def before_update(case: Case) -> Iterator[Proposal]:
    """The tensors are told as they were before the step."""
    if not acts(case):
        return
    if Quantity.UPDATED in case.claimed_quantities:
        yield Proposal(lambda plan: plan.with_report(_one_before(plan.training)))
        if case.steps > 1:
            yield Proposal(lambda plan: plan.with_training(steps=_standing(plan.training)), rank=2)


def _one_before(training: Training) -> Report:
    before = training.parameters_before

    def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        if id.quantity in AFTER and id.step:
            return replace(id, step=id.step - 1), same
        if id.quantity is Quantity.UPDATED:
            return id, lambda new: before[id.name].to(new)
        return id, same

    return report


def _standing(training: Training) -> tuple[StepData, ...]:
    return tuple(replace(step, lr=0.0) for step in training.steps)


def one_more_step(case: Case) -> Iterator[Proposal]:
    """The tensors are told as they are one step later, the data of the last step used once more."""
    if not acts(case):
        return

    def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        return (replace(id, step=id.step + 1), same) if id.quantity in AFTER else (id, same)

    def alter(plan: Plan) -> Plan:
        steps = plan.training.steps
        return plan.with_training(steps=(*steps, steps[-1])).with_report(report)

    yield Proposal(alter)


def gradients_as_weights(case: Case) -> Iterator[Proposal]:
    """The change of the weights is told instead of the weights."""
    names = {id.name for id in case.ids if id.quantity is Quantity.UPDATED} if acts(case) else set()
    if not names:
        return

    def report_of(plan: Plan) -> Report:
        before = plan.training.parameters_before

        def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
            if id.quantity is not Quantity.UPDATED or id.step:
                return id, same
            return id, lambda new: new - before[id.name].to(new)

        return report

    yield Proposal(lambda plan: plan.with_report(report_of(plan)))


def frozen_updated(case: Case) -> Iterator[Proposal]:
    """Parameters that are declared frozen are trained."""
    names = tuple(sorted(case.training.frozen))
    if names and case.optimizer_type:
        yield Proposal(lambda plan: plan.with_training(frozen=frozenset()), names)


def per_sample(case: Case) -> Iterator[Proposal]:
    """Each sample of a batch makes a step of its own. Texts: {n}, {how}."""
    n = case.batch
    if not acts(case) or case.training.schedule is not None or not _cuts(case, n):
        return
    texts = {"n": str(n), "how": "with the full learning rate"}
    yield Proposal(_sample_by_sample(n, 1.0), texts=texts)
    yield Proposal(_sample_by_sample(n, 1 / n), texts={**texts, "how": f"with η/{n}"}, rank=4)


def _cuts(case: Case, n: int) -> bool:
    tensors = [t for step in case.training.steps for t in (*step.inputs.values(), *step.targets.values())]
    fits = all(t.dim() > 0 and t.shape[0] == n for t in tensors)
    if case.training.train and any("BatchNorm" in node.operation.type_name for node in case.nodes()):
        return False
    return 1 < n <= MOST_SAMPLES and n * case.steps <= MOST_SAMPLES and fits


def _sample_by_sample(n: int, factor: float) -> Alter:
    def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        return replace(id, step=id.step * n + (n - 1 if id.quantity in AFTER else 0)), same

    def alter(plan: Plan) -> Plan:
        steps = tuple(_sample(step, i, factor) for step in plan.training.steps for i in range(n))
        changed = plan if factor == 1.0 else mapped(plan, {"lr": lambda rate: rate * factor})
        return changed.with_training(steps=steps).with_report(report)

    return alter


def _sample(step: StepData, i: int, factor: float) -> StepData:
    def cut(tensors: Any) -> dict[str, torch.Tensor]:
        return {name: tensor[i : i + 1] for name, tensor in tensors.items()}

    return StepData(cut(step.inputs), cut(step.targets), None if step.lr is None else step.lr * factor)


def one_batch(case: Case) -> Iterator[Proposal]:
    """All steps' data in one step. Texts: {n}, {how}."""
    steps = case.training.steps
    told = all(id.step in (0, len(steps) - 1) for id in case.ids)
    if not acts(case) or len(steps) < 2 or not told or len({step.lr for step in steps}) > 1 or not _alike(steps):
        return
    n = len(steps)
    yield Proposal(_in_one(n, 1.0), texts={"n": str(n), "how": "the mean"})
    yield Proposal(_in_one(n, float(n)), texts={"n": str(n), "how": "the sum"}, rank=1)


def _alike(steps: tuple[StepData, ...]) -> bool:
    """Whether the tensors of all steps have the same shapes, with a first dimension to join them along."""
    shapes = [[t.shape for t in (*step.inputs.values(), *step.targets.values())] for step in steps]
    return all(own == shapes[0] for own in shapes) and all(len(shape) > 0 for shape in shapes[0])


def _in_one(n: int, scale: float) -> Alter:
    def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        return replace(id, step=0), same

    def alter(plan: Plan) -> Plan:
        steps = plan.training.steps
        inputs = {name: torch.cat([step.inputs[name] for step in steps]) for name in steps[0].inputs}
        targets = {name: torch.cat([step.targets[name] for step in steps]) for name in steps[0].targets}
        one = (StepData(inputs, targets, steps[0].lr),)
        return plan.with_training(steps=one).scaled(scale).with_report(report)

    return alter


def row(code: str, title: str, explanation: str, advice: str, propose: Any, rank: int, **fields: Any) -> Variant:
    """A row of this file."""
    stage = fields.pop("stage", Stage.UPDATE)
    return Variant(f"update.{code}", stage, title, explanation, advice, propose, rank, **fields)


VARIANTS: tuple[Variant, ...] = (
    row(
        "sign_flipped",
        "Your step goes up the gradient: w + η·g instead of w − η·g.",
        "Gradient descent subtracts the gradient. A plus belongs to errors written as t − ŷ, whose sign is turned "
        "already; both together climb.",
        "Subtract η·∂L/∂w.",
        maximizing(False, sign_flipped),
        2,
        look_alikes=("gradient.sign_flipped",),
        probe="Claim the gradients too: the sign is turned either in them or in the update.",
        source="iamtrask/Grokking-Deep-Learning issue 37",
    ),
    row(
        "maximize_ignored",
        "You ignored maximize=True: your step goes down the gradient.",
        "With maximize=True PyTorch takes w ← w + η·g.",
        "Add the step, or declare maximize=False.",
        maximizing(True, sign_flipped),
        3,
    ),
    row(
        "bias_not_updated",
        "You did not update the biases ({sites}).",
        "Biases are parameters as weights are: b ← b − η·∂L/∂b. Yours have their old values.",
        "Update the biases too, or declare them frozen.",
        not_updated(all_biases),
        4,
    ),
    row(
        "only_last_layer",
        "You updated the last layer only.",
        "The parameters {sites} have their old values in your numbers.",
        "Update all layers, or declare the others frozen.",
        not_updated(all_but_last),
        6,
        look_alikes=("update.layer_not_updated",),
    ),
    row(
        "layer_not_updated",
        "You did not update {sites}.",
        "These parameters have their old values in your numbers, and all others were updated.",
        "Update them too, or declare them frozen.",
        not_updated(some_layers),
        8,
        look_alikes=("update.only_last_layer",),
    ),
    row(
        "weights_before_step",
        "Your weights are those before the step.",
        "You read the weights before the optimizer changed them, or never called its step.",
        "Read the weights after the step.",
        before_update,
        4,
    ),
    row(
        "one_step_more",
        "Your weights are those of one more step.",
        "You made one step more than was declared, with the data of the last one.",
        "Count the steps, or declare one more.",
        one_more_step,
        12,
        look_alikes=("update.per_sample",),
    ),
    row(
        "step_instead_of_weights",
        "You claim the change of the weights, not the new weights.",
        "Your numbers are −η·g, or what the optimizer makes of it: new minus old. The new weights are w plus that.",
        "Add the old weights.",
        gradients_as_weights,
        6,
        stage=Stage.LAYOUT,
    ),
    row(
        "frozen_updated",
        "You updated parameters that are declared frozen ({sites}).",
        "A parameter with requires_grad=False has no gradient and keeps its value.",
        "Leave these parameters as they are, or do not declare them frozen.",
        frozen_updated,
        3,
        stage=Stage.DATA,
    ),
    row(
        "per_sample",
        "You made one update for each of the {n} samples, where one for the whole batch was declared.",
        "Your steps go from sample to sample ({how}), each from the weights that the one before left. PyTorch takes "
        "the gradient of the whole batch at the same weights and makes one step.",
        "Collect the gradients of all samples before you change the weights, or declare {n} steps.",
        per_sample,
        5,
    ),
    row(
        "one_batch",
        "You made one update for all {n} steps' samples together, where {n} updates were declared.",
        "You took {how} of all gradients at the first weights. Each declared step starts from the weights that the one "
        "before left.",
        "Change the weights after every step, or declare one step with all samples.",
        one_batch,
        6,
    ),
)
