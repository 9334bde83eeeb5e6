"""Proposals for variants of the optimizer: another rule, or other arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from ..case import Case
from ..plan import Plan
from ..variant import Proposal
from .slots import SlotRule, each
from .specs import acts, mapped, uses, values_of, with_arguments

Condition: TypeAlias = Callable[[Case], bool]
Propose: TypeAlias = Callable[[Case], Iterable[Proposal]]


def always(case: Case) -> bool:
    """In every case."""
    return True


def continued(case: Case) -> bool:
    """Whether there is a step with a history: a second step, or a given state."""
    return case.steps > 1 or bool(case.training.state)


def has(*keys: str) -> Condition:
    """Whether all of these arguments are set and not zero or False."""
    return lambda case: all(uses(case, key) for key in keys)


def lacks(key: str) -> Condition:
    """Whether an argument is zero or False."""
    return lambda case: not uses(case, key)


def both(*conditions: Condition) -> Condition:
    """Whether all conditions hold."""
    return lambda case: all(condition(case) for condition in conditions)


def rates_change(case: Case) -> bool:
    """Whether the learning rate is not the same in all steps."""
    rates = {step.lr for step in case.training.steps}
    return case.steps > 1 and (len(rates) > 1 or case.training.schedule is not None)


def number_text(value: Any) -> str:
    """A number as people write it."""
    return f"{value:g}".replace("-", "−") if isinstance(value, float) else str(value)


def by_rule(types: tuple[str, ...], rule: SlotRule, when: Condition = always, **overrides: Any) -> Propose:
    """The rule instead of the step of optimizers of these types, with some of the arguments replaced."""

    def alter(plan: Plan) -> Plan:
        return (with_arguments(plan, **overrides) if overrides else plan).with_update(each(rule))

    def propose(case: Case) -> Iterator[Proposal]:
        if acts(case, *types) and when(case):
            yield Proposal(alter)

    return propose


def by_arguments(types: tuple[str, ...], when: Condition = always, **changes: Any) -> Propose:
    """Other arguments for optimizers of these types; nothing where they have those values."""

    def propose(case: Case) -> Iterator[Proposal]:
        if not acts(case, *types) or not when(case):
            return
        if all(value == changes[key] for key in changes for value in values_of(case, key)):
            return
        texts = {key: number_text(value) for key, value in case.optimizer_arguments.items()}
        yield Proposal(lambda plan: with_arguments(plan, **changes), texts=texts)

    return propose


def siblings(types: tuple[str, ...], key: str, values: Mapping[Any, str], when: Condition = always) -> Propose:
    """One proposal for each other value of an argument; the mapping says where the value is at home.

    Texts: {declared}, {value}, {home}.
    """

    def propose(case: Case) -> Iterator[Proposal]:
        if not acts(case, *types) or not when(case):
            return
        declared = values_of(case, key)
        for rank, (value, home) in enumerate(values.items()):
            if all(value == own for own in declared):
                continue
            texts = {"declared": number_text(declared[0]), "value": number_text(value), "home": home}
            yield Proposal(_with(key, value), texts=texts, rank=min(rank, 10))

    return propose


def _with(key: str, value: Any) -> Callable[[Plan], Plan]:
    return lambda plan: with_arguments(plan, **{key: value})


def scaled_argument(types: tuple[str, ...], key: str, factor: Callable[[Case], float]) -> Propose:
    """The argument times a factor that the case tells; nothing where the factor is one or the argument zero.

    Texts: {declared}, {value}, {factor}.
    """

    def propose(case: Case) -> Iterator[Proposal]:
        if not acts(case, *types) or not uses(case, key):
            return
        by = factor(case)
        if by == 1.0:
            return
        declared = values_of(case, key)[0]
        texts = {"declared": number_text(declared), "value": number_text(declared * by), "factor": number_text(by)}
        yield Proposal(lambda plan: mapped(plan, {key: lambda old: old * by}), texts=texts)

    return propose
