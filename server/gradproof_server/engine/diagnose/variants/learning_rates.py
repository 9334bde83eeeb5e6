"""The learning rate left out, applied twice, divided, or of another step or group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..case import Case
from ..plan import Plan
from ..stepping.propose import number_text
from ..stepping.specs import acts, mapped, spec_of, values_of
from ..variant import Alter, Proposal, Stage, Variant

Change = Callable[[float], float]
Groups = tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...]


def with_rates(change: Change) -> Alter:
    """Every learning rate replaced: the optimizer's, its groups', and those of single steps."""

    def alter(plan: Plan) -> Plan:
        steps = tuple(s if s.lr is None else replace(s, lr=change(s.lr)) for s in plan.training.steps)
        return mapped(plan.with_training(steps=steps), {"lr": change})

    return alter


def rates_of(case: Case) -> list[float]:
    """All declared learning rates."""
    if "lr" not in case.optimizer_arguments:
        return []
    given = [step.lr for step in case.training.steps if step.lr is not None]
    return [float(rate) for rate in given or values_of(case, "lr")]


def rate_variant(change: Change) -> Callable[[Case], Iterator[Proposal]]:
    """All learning rates changed; nothing where that changes none. Texts: {lr}."""

    def propose(case: Case) -> Iterator[Proposal]:
        rates = rates_of(case) if acts(case) else []
        if any(change(rate) != rate for rate in rates):
            yield Proposal(with_rates(change), texts={"lr": number_text(rates[0])})

    return propose


def by_size(case: Case) -> Iterator[Proposal]:
    """Learning rates times or divided by N, the batch, and other sizes and factors."""
    if not acts(case) or not rates_of(case):
        return
    n, k = case.batch, case.width
    factors = [(1 / n, f"1/N = 1/{n}, N being the batch size", 0), (float(n), f"N = {n}, the batch size", 3)]
    factors += [(0.5, "½", 2), (2.0, "2", 2)]
    factors += [(1 / (n * k), f"1/(N·K) = 1/{n * k}, the number of outputs", 8), (float(n * k), f"N·K = {n * k}", 8)]
    factors += [(0.1, "0.1", 10), (10.0, "10", 10), (0.01, "0.01", 14), (100.0, "100", 14)]
    seen = {1.0}
    for factor, name, rank in factors:
        if factor not in seen:
            seen.add(factor)
            yield Proposal(with_rates(_times(factor)), texts={"factor": name}, rank=rank)


def _times(factor: float) -> Change:
    return lambda rate: rate * factor


def groups_ignored(case: Case) -> Iterator[Proposal]:
    """All parameters with the arguments of those that are in no group; or only their learning rates."""
    if not acts(case) or not spec_of(case).groups:
        return
    spec = spec_of(case)
    yield Proposal(_with_groups(()))
    if len(spec.groups) > 1:
        turned = [given for _, given in spec.groups]
        swapped = tuple((names, given) for (names, _), given in zip(spec.groups, turned[::-1], strict=True))
        if swapped != spec.groups:
            yield Proposal(_with_groups(swapped), rank=5)
    for i, (names, given) in enumerate(spec.groups):
        left = spec.groups[:i] + spec.groups[i + 1 :]
        if len(spec.groups) > 1 and given:
            yield Proposal(_with_groups(left), sites=names, rank=3)


def _with_groups(groups: Groups) -> Alter:
    def alter(plan: Plan) -> Plan:
        spec = plan.training.optimizer
        assert spec is not None
        return plan.with_training(optimizer=replace(spec, groups=groups))

    return alter


def step_rates(case: Case) -> list[float | None]:
    """The learning rates that single steps have, None where a step has none of its own."""
    return [step.lr for step in case.training.steps]


def with_step_rates(rates: list[float | None]) -> Alter:
    """Learning rates for the single steps."""

    def alter(plan: Plan) -> Plan:
        pairs = zip(plan.training.steps, rates, strict=True)
        return plan.with_training(steps=tuple(replace(step, lr=rate) for step, rate in pairs))

    return alter


def own_rates(case: Case) -> bool:
    """Whether steps have learning rates that differ."""
    return acts(case) and any(rate is not None for rate in step_rates(case))


def step_rates_ignored(case: Case) -> Iterator[Proposal]:
    """The optimizer's learning rate, or that of the first step, in every step."""
    if not own_rates(case):
        return
    rates = step_rates(case)
    if any(rate is not None and rate != case.optimizer_arguments["lr"] for rate in rates):
        yield Proposal(with_step_rates([None] * len(rates)))
    if len(set(rates)) > 1:
        yield Proposal(with_step_rates([rates[0]] * len(rates)), rank=2)
        yield Proposal(with_step_rates([rates[-1]] * len(rates)), rank=6)


def step_rates_shifted(case: Case) -> Iterator[Proposal]:
    """The learning rate of the next step, or of the one before."""
    rates = step_rates(case)
    if own_rates(case) and len(set(rates)) > 1:
        yield Proposal(with_step_rates([*rates[1:], rates[-1]]), texts={"which": "the next step"})
        yield Proposal(with_step_rates([rates[0], *rates[:-1]]), texts={"which": "the step before"})


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="update.learning_rate_forgotten",
        stage=Stage.SCHEDULE,
        title="You left out the learning rate.",
        explanation="You took the step with η = 1, where η = {lr} was declared.",
        advice="Multiply the step by the learning rate.",
        propose=rate_variant(lambda rate: 1.0),
        rank=4,
        look_alikes=("update.learning_rate_scaled",),
        probe="Use another learning rate, such as 0.3: without it your step stays the same.",
    ),
    Variant(
        code="update.learning_rate_twice",
        stage=Stage.SCHEDULE,
        title="You multiplied by the learning rate twice.",
        explanation="You took the step with η², where η = {lr} was declared: once in the gradient, say, and once in "
        "the update.",
        advice="Multiply by the learning rate once.",
        propose=rate_variant(lambda rate: rate * rate),
        rank=8,
        look_alikes=("update.learning_rate_scaled",),
        probe="Use another learning rate: your step grows with its square.",
    ),
    Variant(
        code="update.learning_rate_divides",
        stage=Stage.SCHEDULE,
        title="You divided by the learning rate instead of multiplying.",
        explanation="You took the step with 1/η, where η = {lr} was declared.",
        advice="Multiply the step by the learning rate.",
        propose=rate_variant(lambda rate: 1 / rate if rate else rate),
        rank=30,
    ),
    Variant(
        code="update.learning_rate_scaled",
        stage=Stage.SCHEDULE,
        title="Your step is that of the declared learning rate times {factor}.",
        explanation="All steps have the right direction and one wrong factor, {factor}. With a mean as reduction the "
        "division by the batch size is in the gradient already and must not be repeated in the update.",
        advice="Multiply the gradient by η alone, and let the loss do the averaging.",
        propose=by_size,
        rank=12,
        look_alikes=("reduction.sum_instead_of_mean", "loss.half_squared_error", "update.learning_rate_forgotten"),
        probe="Claim the gradients too: the factor is either in them or in the update.",
    ),
    Variant(
        code="update.parameter_groups_ignored",
        stage=Stage.SCHEDULE,
        title="You gave parameters the arguments of another group ({sites}).",
        explanation="The optimizer has groups of parameters with arguments of their own, such as another learning "
        "rate. Your numbers are those without these groups, or with the groups exchanged.",
        advice="Take each parameter's step with the arguments of its group.",
        propose=groups_ignored,
        rank=5,
    ),
    Variant(
        code="schedule.step_rates_ignored",
        stage=Stage.SCHEDULE,
        title="You used one learning rate in all steps, where each step has its own.",
        explanation="The steps state learning rates; your numbers are those of one rate for all of them.",
        advice="Use the learning rate that the step states.",
        propose=step_rates_ignored,
        rank=5,
        look_alikes=("schedule.step_rates_shifted",),
    ),
    Variant(
        code="schedule.step_rates_shifted",
        stage=Stage.SCHEDULE,
        title="You used the learning rate of {which}.",
        explanation="The learning rates that the steps state are shifted by one step in your numbers.",
        advice="Change the learning rate after the step that it is for, and not before.",
        propose=step_rates_shifted,
        rank=6,
        look_alikes=("schedule.step_rates_ignored",),
    ),
)
