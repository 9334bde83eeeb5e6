"""Runs of plans that share what they have in common: the first evaluation, or everything but what is told of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import torch

from ..run import Evaluation, evaluate
from ..types import Quantity, TensorId
from ..wanted import Wanted
from .case import Case
from .plan import Plan
from .reach import same_data

Told = dict[TensorId, torch.Tensor]
MOST_KEPT_NUMBERS = 10_000_000
"""How many numbers may be kept of the runs of alterations from which others go on."""
INNER = frozenset({Quantity.INPUT_GRADIENT, Quantity.NODE_GRADIENT})
"""Gradients that an evaluation keeps only where they are asked for."""


@dataclass
class Start:
    """A plan from which others go on, with what is known of its run: its first evaluation, and tensors, float64."""

    plan: Plan
    evaluation: Evaluation | None = None
    tensors: Told = field(default_factory=dict)

    def forget(self) -> None:
        """Forgets what is known of the run."""
        self.evaluation = None
        self.tensors.clear()


class Runs:
    """Runs plans of one case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.reference = Start(Plan(case.training), tensors={id: t.double() for id, t in case.reference.items()})
        self._inner = frozenset(id for id in case.ids if id.quantity in INNER and not id.step)
        self._kept: deque[Start] = deque()
        numbers = 3 * case.training.parameters + case.training.shapes.value_elements
        self._most_kept = 1 + MOST_KEPT_NUMBERS // max(1, numbers)

    def _keep(self, start: Start) -> None:
        """Notes that something is known of a run, and forgets the oldest ones."""
        if start is self.reference or start.evaluation is not None or start.tensors:
            return
        self._kept.append(start)
        while len(self._kept) > self._most_kept:
            self._kept.popleft().forget()

    def tell(self, plan: Plan, start: Start, ids: frozenset[TensorId]) -> Told:
        """What the plan, made from that of `start`, tells of these tensors, float64. Raises as `run`."""
        if _same_but_told(start.plan, plan):
            return self._retell(plan, start, ids)
        evaluation = self._evaluation(start, plan, ids) if _same_evaluation(start.plan, plan) else None
        return plan.tell(ids, self.case.should_stop, evaluation)

    def _retell(self, plan: Plan, start: Start, ids: frozenset[TensorId]) -> Told:
        sources = plan.sources(ids)
        unknown = frozenset(sources.values()) - start.tensors.keys()
        if unknown:
            self._keep(start)
            outcome = start.plan.outcome(Wanted(ids=unknown), self.case.should_stop)
            start.tensors.update({id: tensor.double() for id, tensor in outcome.tensors.items()})
        return plan.told(start.tensors, ids)

    def _evaluation(self, start: Start, plan: Plan, ids: frozenset[TensorId]) -> Evaluation | None:
        """The first evaluation that both share; None where random numbers or unclaimed inner gradients forbid it."""
        program = self.case.training.program
        if program.draws_random_numbers and plan.training.train:
            return None
        if any(id.quantity in INNER and not id.step and id not in self._inner for id in plan.sources(ids).values()):
            return None
        if start.evaluation is None:
            self._keep(start)
            start.evaluation = evaluate(start.plan.training, Wanted(ids=self._inner), start.plan.rules())
        return start.evaluation


def _same_evaluation(one: Plan, other: Plan) -> bool:
    """Whether forward, loss and backward of the first step are the same; a plan of another kind may run otherwise."""
    if type(one) is not Plan or type(other) is not Plan:
        return False
    same_rules = one.nodes is other.nodes and one.loss is other.loss and one.loss_scale == other.loss_scale
    return same_rules and same_data(one.training, other.training)


def _same_but_told(one: Plan, other: Plan) -> bool:
    """Whether all is the same but the reports."""
    same_step = one.gradients is other.gradients and one.clip is other.clip and one.update is other.update
    return same_step and one.training is other.training and _same_evaluation(one, other)
