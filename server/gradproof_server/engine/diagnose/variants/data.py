"""Variants of the data: targets of other samples, other orders of batches, scaled inputs, other labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import torch

from ...training import StepData
from ..case import Case
from ..plan import Plan
from ..variant import Alter, Proposal, Stage, Variant

Change = Callable[[torch.Tensor], torch.Tensor]
Tensors = Mapping[str, torch.Tensor]


def with_steps(change: Callable[[StepData], StepData]) -> Alter:
    """Other data in every step."""
    return lambda plan: plan.with_training(steps=tuple(change(step) for step in plan.training.steps))


def changed(tensors: Tensors, names: tuple[str, ...], change: Change) -> Tensors:
    """The tensors with some of them changed."""
    return {name: change(tensor) if name in names else tensor for name, tensor in tensors.items()}


def target_name(case: Case) -> str:
    """The name of the target that the loss takes as its second argument; empty where that is no target."""
    loss = case.training.program.loss
    if loss is None or len(loss.arguments) < 2 or not loss.arguments[1].is_target:
        return ""
    return loss.arguments[1].key


def _targets(case: Case) -> list[torch.Tensor]:
    name = target_name(case)
    return [step.targets[name] for step in case.training.steps if name in step.targets] if name else []


def _propose_target(case: Case, change: Change, texts: dict[str, str] | None = None, rank: int = 0) -> Proposal:
    names = (target_name(case),)
    alter = with_steps(lambda step: replace(step, targets=changed(step.targets, names, change)))
    return Proposal(alter, texts=texts or {}, rank=rank)


def _float_inputs(case: Case) -> tuple[str, ...]:
    return tuple(n for n, t in case.training.steps[0].inputs.items() if t.is_floating_point() and t.dim() > 0)


def _propose_input(
    case: Case, change: Change, texts: dict[str, str] | None = None, rank: int = 0
) -> Iterator[Proposal]:
    names = _float_inputs(case)
    if names:
        alter = with_steps(lambda step: replace(step, inputs=changed(step.inputs, names, change)))
        yield Proposal(alter, texts=texts or {}, rank=rank)


def _propose_other_sample(case: Case) -> Iterator[Proposal]:
    targets = _targets(case)
    if not targets or any(t.dim() == 0 or t.shape[0] < 2 for t in targets):
        return
    kinds: dict[str, Change] = {
        "in reversed order": lambda t: t.flip(0),
        "of the next sample": lambda t: t.roll(-1, 0),
        "of the sample before": lambda t: t.roll(1, 0),
    }
    for position, (words, change) in enumerate(kinds.items()):
        if any(not torch.equal(change(t), t) for t in targets):
            yield _propose_target(case, change, {"which": words}, position)


def _propose_transposed(case: Case) -> Iterator[Proposal]:
    targets = _targets(case)
    if targets and all(t.dim() == 2 and t.shape[0] == t.shape[1] > 1 for t in targets):
        yield _propose_target(case, lambda t: t.T)


def _propose_index(case: Case) -> Iterator[Proposal]:
    targets = _targets(case)
    y = case.output
    if case.loss_type not in ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss") or y is None or not targets:
        return
    if targets[0].is_floating_point():
        return
    classes = y.shape[0 if y.dim() == 1 else 1]
    ignored = getattr(case.loss_module, "ignore_index", -100)
    for position, shift in enumerate((-1, 1)):
        words = "one too low" if shift < 0 else "one too high"
        change: Change = lambda t, shift=shift: torch.where(  # type: ignore[misc]  # noqa: E731
            t == ignored, t, (t + shift) % classes
        )
        yield _propose_target(case, change, {"how": words}, position)


def _propose_signs(case: Case) -> Iterator[Proposal]:
    targets = [t for t in _targets(case) if t.is_floating_point()]
    if not targets:
        return
    if _all_among(targets, 0.0):
        yield _propose_target(case, lambda t: 2 * t - 1, {"used": "−1 and 1", "declared": "0 and 1"})
        yield _propose_target(case, lambda t: 1 - t, {"used": "1 and 0, exchanged,", "declared": "0 and 1"}, 3)
    elif _all_among(targets, -1.0):
        yield _propose_target(case, lambda t: (t + 1) / 2, {"used": "0 and 1", "declared": "−1 and 1"})


def _all_among(targets: list[torch.Tensor], low: float) -> bool:
    """Whether all targets are `low` or 1, and both occur."""
    both = all(any(bool((t == value).any()) for t in targets) for value in (low, 1.0))
    return both and all(bool(((t == low) | (t == 1)).all()) for t in targets)


def _standardised(correction: int) -> Change:
    def change(x: torch.Tensor) -> torch.Tensor:
        return (x - x.mean(0)) / x.std(0, correction=correction).clamp_min(1e-12)

    return change


def _propose_scaled(case: Case) -> Iterator[Proposal]:
    inputs = [case.training.steps[0].inputs[name] for name in _float_inputs(case)]
    if not inputs:
        return
    if max(float(x.abs().max()) if x.numel() else 0.0 for x in inputs) > 2:
        yield from _propose_input(case, lambda x: x / 255, {"how": "divided by 255"})
    if all(x.dim() > 1 and x.shape[0] > 1 for x in inputs):
        texts = {"how": "standardised in each column, (x − mean)/std"}
        yield from _propose_input(case, _standardised(0), texts, 3)
        yield from _propose_input(case, _standardised(1), {"how": texts["how"] + " with N − 1"}, 5)
        yield from _propose_input(case, lambda x: x - x.mean(0), {"how": "centred in each column, x − mean"}, 6)


def _propose_features(case: Case) -> Iterator[Proposal]:
    inputs = [case.training.steps[0].inputs[name] for name in _float_inputs(case)]
    if inputs and all(x.dim() <= 2 and x.shape[-1] > 1 for x in inputs):
        yield from _propose_input(case, lambda x: x.flip(-1))


def _propose_input_transposed(case: Case) -> Iterator[Proposal]:
    inputs = [case.training.steps[0].inputs[name] for name in _float_inputs(case)]
    if inputs and all(x.dim() == 2 and x.shape[0] == x.shape[1] > 1 for x in inputs):
        yield from _propose_input(case, lambda x: x.T)


def _differ(case: Case) -> bool:
    """Whether the steps see different batches."""
    first, *others = case.training.steps
    return any(not _equal(first, step) for step in others)


def _equal(a: StepData, b: StepData) -> bool:
    pairs = ((a.inputs, b.inputs), (a.targets, b.targets))
    return all(x.keys() == y.keys() and all(torch.equal(x[k], y[k]) for k in x) for x, y in pairs)


def _propose_order(case: Case) -> Iterator[Proposal]:
    if _differ(case):
        yield Proposal(_reordered(lambda data: data[::-1]))


def _reordered(order: Callable[[tuple[StepData, ...]], tuple[StepData, ...]]) -> Alter:
    """Batches in another order; each step keeps its learning rate."""

    def alter(plan: Plan) -> Plan:
        steps = plan.training.steps
        moved = (replace(data, lr=step.lr) for data, step in zip(order(steps), steps, strict=True))
        return plan.with_training(steps=tuple(moved))

    return alter


def _propose_one_batch(case: Case) -> Iterator[Proposal]:
    if _differ(case):
        yield Proposal(_reordered(lambda data: (data[0],) * len(data)), texts={"which": "first"})
        yield Proposal(_reordered(lambda data: (data[-1],) * len(data)), texts={"which": "last"}, rank=2)


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="data.targets_of_other_samples",
        stage=Stage.DATA,
        title="Your targets are those {which}.",
        explanation="Inputs and targets do not belong together: you used the targets {which}. A shuffled batch has "
        "to take both along.",
        advice="Put each target beside its own sample.",
        propose=_propose_other_sample,
        rank=35,
    ),
    Variant(
        code="data.targets_transposed",
        stage=Stage.DATA,
        title="Your targets are transposed.",
        explanation="Rows are samples and columns are outputs; you used the targets with the two exchanged.",
        advice="Transpose the targets.",
        propose=_propose_transposed,
        rank=40,
    ),
    Variant(
        code="data.class_index_shifted",
        stage=Stage.DATA,
        title="Your class indices are {how}.",
        explanation="PyTorch counts classes from 0 to K − 1. Your numbers come out with every index {how}.",
        advice="Count the classes from 0.",
        propose=_propose_index,
        rank=25,
    ),
    Variant(
        code="data.labels_recoded",
        stage=Stage.DATA,
        title="You used labels {used}; declared are {declared}.",
        explanation="The two classes are written as {declared} in the declared targets. Your numbers come out with "
        "{used}.",
        advice="Write the labels as the declared loss expects them.",
        propose=_propose_signs,
        rank=28,
    ),
    Variant(
        code="data.input_scaled",
        stage=Stage.DATA,
        title="Your inputs were {how} first.",
        explanation="Your numbers come out with inputs {how}; the declared ones are as they are.",
        advice="Declare the inputs as the network sees them.",
        propose=_propose_scaled,
        rank=45,
    ),
    Variant(
        code="data.features_reversed",
        stage=Stage.DATA,
        title="The features of your inputs are in reversed order.",
        explanation="Your numbers come out when the last feature comes first.",
        advice="Put the features in the declared order.",
        propose=_propose_features,
        rank=50,
    ),
    Variant(
        code="data.input_transposed",
        stage=Stage.DATA,
        title="Your inputs are transposed.",
        explanation="Rows are samples and columns are features; you used the inputs with the two exchanged.",
        advice="Transpose the inputs.",
        propose=_propose_input_transposed,
        rank=38,
    ),
    Variant(
        code="data.batches_in_reversed_order",
        stage=Stage.DATA,
        title="Your batches come in the reversed order.",
        explanation="The last declared batch is your first.",
        advice="Declare the batches in your order.",
        propose=_propose_order,
        rank=30,
    ),
    Variant(
        code="data.one_batch_in_all_steps",
        stage=Stage.DATA,
        title="You used the {which} batch in every step.",
        explanation="Each declared step has its own batch; your numbers come out with the {which} one alone.",
        advice="Take the next batch in each step.",
        propose=_propose_one_batch,
        rank=20,
    ),
)
