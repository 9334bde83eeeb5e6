"""The search: which alterations, one or a few at a time, reproduce every claimed number."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import torch

from ..errors import TORCH_ERRORS
from ..types import DiagnosisOptions, ProblemError, Quantity, StoppedError, TensorId
from .attempt import Attempt as Attempt
from .attempt import Found, Part, Single
from .case import Case
from .combine import Lead, groups_in_order
from .fit import fit
from .plan import Plan
from .reach import STEP, mixes_parameters, parameter_of, reach
from .runs import Runs, Start, Told
from .sample import Sample
from .variant import Proposal, Stage, Variant

STEP_STAGES = frozenset({Stage.UPDATE, Stage.SCHEDULE, Stage.CLIP})
DEPENDENT_STAGES = frozenset({Stage.DATA, Stage.FORWARD, Stage.LOSS, Stage.CLIP})
"""Stages of which an alteration may change more tensors together with another alteration than alone."""
FALLBACK_RANK = 60
"""A single alteration from this rank on does not end the search: two common mistakes are likelier."""
TIE_RANK = 15
"""How much unlikelier than the best explanation of as many alterations another one may be and still be tried."""
UNLED_PER_SECOND = 300
"""How many combinations, the likeliest ones, are tried in which no alteration makes anything right by itself."""
Tried = tuple[Part, Plan]


class Search:
    """Runs altered steps until the claim is reproduced, all are tried, or the budget is spent."""

    def __init__(self, case: Case, table: tuple[Variant, ...], options: DiagnosisOptions) -> None:
        self.case, self.table, self.options = case, table, options
        self.deadline = time.monotonic() + options.max_seconds
        self.found = Found()
        self.runs = Runs(case)
        self.reference = {id: case.reference[id].double() for id in case.ids}
        self.sample = Sample(case, case.ids)
        self.look = self.sample.look(self.reference)
        self.rounds = [(ids, Sample(case, ids)) for ids in in_rounds(case)]
        self.singles: list[Single] = []

    def run(self) -> Found:
        """Single alterations first; combinations only where no single one explains everything."""
        postponed = self._try_alone()
        if self.options.max_combination > 1 and not self._is_explained():
            self._try_postponed(postponed)
        for size in range(2, self.options.max_combination + 1):
            if self._is_explained() or self.found.exhausted:
                break
            self._combine(size)
        self.found.complete = _best_of_each(self.found.complete)
        return self.found

    def _is_explained(self) -> bool:
        return any(attempt.rank < FALLBACK_RANK or len(attempt.parts) > 1 for attempt in self.found.complete)

    def _try_alone(self) -> list[Tried]:
        """Tries every alteration that may explain the claim alone; gives the others."""
        others = []
        for part in self._parts():
            if part.rank > self._rank_of_a_tie(1):
                continue
            if self._out_of_time():
                break
            self.found.weighed += 1
            plan = self._altered(self.runs.reference.plan, part)
            if plan is None:
                continue
            if self.look.missed <= self._reach(part, plan):
                self._try_single(part, plan)
            else:
                others.append((part, plan))
        return others

    def _try_postponed(self, postponed: list[Tried]) -> None:
        for part, plan in postponed:
            if self._out_of_time():
                break
            self._try_single(part, plan)

    def _parts(self) -> Iterator[Part]:
        stages = self._stages()
        for variant in sorted(self.table, key=lambda v: v.rank):
            if variant.stage in stages and variant.rank <= self._rank_of_a_tie(1):
                for proposal in self._proposals(variant):
                    yield Part(variant, proposal)

    def _stages(self) -> frozenset[Stage]:
        """Stages that can change anything that is claimed."""
        claimed = self.case.claimed_quantities
        if claimed & STEP or any(id.step for id in self.case.ids):
            return frozenset(Stage)
        if claimed == {Quantity.BUFFER}:
            return frozenset({Stage.DATA, Stage.FORWARD, Stage.LAYOUT})
        return frozenset(Stage) - STEP_STAGES

    def _proposals(self, variant: Variant) -> list[Proposal]:
        try:
            return list(variant.propose(self.case))
        except (ProblemError, *TORCH_ERRORS):
            return []

    def _out_of_time(self) -> bool:
        if self.case.should_stop():
            raise StoppedError("the caller does not wait any more")
        if time.monotonic() > self.deadline:
            self.found.exhausted = True
        return self.found.exhausted

    def _altered(self, plan: Plan, part: Part) -> Plan | None:
        try:
            return part.proposal.alter(plan)
        except (ProblemError, *TORCH_ERRORS):
            return None

    def _reach(self, part: Part, plan: Plan) -> frozenset[TensorId]:
        return reach(self.case, plan, part.variant.stage is Stage.BACKWARD)

    def _tell(self, plan: Plan, start: Start, ids: frozenset[TensorId]) -> Told | None:
        try:
            return self.runs.tell(plan, start, ids)
        except StoppedError:
            raise
        except (ProblemError, *TORCH_ERRORS):
            return None

    def _try_single(self, part: Part, plan: Plan) -> None:
        """Runs the step with one alteration; nothing comes of one that cannot be run, or changes nothing claimed."""
        self.found.tried += 1
        within = self._reach(part, plan)
        told = self._tell(plan, self.runs.reference, within)
        if told is None:
            return
        changed = frozenset(id for id, tensor in told.items() if not torch.equal(tensor, self.reference[id]))
        touched = self._may_change(part.variant.stage, changed, within)
        if not touched:
            return
        told = {**self.reference, **told}
        look = self.sample.look(told)
        if look.missed or not self._is_complete((part,), told):
            self.singles.append(Single(part, Start(plan), touched, look))

    def _may_change(
        self, stage: Stage, changed: frozenset[TensorId], within: frozenset[TensorId]
    ) -> frozenset[TensorId]:
        """What an alteration may change together with others, if alone it changes some tensors within its reach.

        The sign of a gradient, or one that is clipped, hides what another optimizer shows: where it changed, the
        steps of that parameter may change too, and all later steps.
        """
        if not changed:
            return changed
        if stage in DEPENDENT_STAGES:
            return within
        owners = {parameter_of(id) for id in changed} - {""}
        mixed = mixes_parameters(self.case.training)
        steps = (id for id in within if id.quantity in STEP and (mixed or parameter_of(id) in owners))
        return changed.union(steps, (id for id in within if id.step))

    def _is_complete(self, parts: tuple[Part, ...], told: Told) -> bool:
        """Whether what is told reproduces the whole claim; notes it if it does."""
        whole = fit(self.case, told)
        if whole.complete:
            self.found.complete.append(Attempt(parts, whole, told))
        return whole.complete

    def _combine(self, size: int) -> None:
        """Tries groups of alterations, without those that are unlikelier than one that explains the claim: by far, or
        at all where they have less of a lead.
        """
        self.found.weighed += math.comb(len(self.singles), size)
        best, unled = Lead.NONE, 0
        for lead, group in groups_in_order(self.singles, self.sample, self.look, size):
            limit = self._rank_of_a_tie(size) - (TIE_RANK + 1 if lead > best else 0)
            if sum(single.part.rank for single in group) > limit:
                continue
            unled += lead is Lead.NONE
            self.found.exhausted |= unled > UNLED_PER_SECOND * self.options.max_seconds
            if self._out_of_time():
                return
            if self._try_group(group):
                best = lead

    def _rank_of_a_tie(self, size: int) -> float:
        """The rank up to which so many alterations may stand beside the best explanation of as many."""
        found = [attempt.rank for attempt in self.found.complete if len(attempt.parts) == size]
        return min(found) + TIE_RANK if found else float("inf")

    def _try_group(self, group: tuple[Single, ...]) -> bool:
        """Runs the step with several alterations, as far as it must be to see whether they explain the claim."""
        self.found.tried += 1
        plan: Plan | None = group[0].start.plan
        for single in group[1:]:
            plan = self._altered(plan, single.part) if plan is not None else None
        if plan is None:
            return False
        told: Told = {}
        for ids, sample in self.rounds:
            more = self._tell(plan, group[0].start, ids)
            if more is None or sample.look(more).missed:
                return False
            told.update(more)
        return self._is_complete(tuple(single.part for single in group), told)


def in_rounds(case: Case) -> list[frozenset[TensorId]]:
    """The claimed tensors that are known before the first update, those after it, and those of later steps."""
    first = frozenset(id for id in case.ids if not id.step)
    before = frozenset(id for id in first if id.quantity not in STEP | {Quantity.BUFFER})
    return [ids for ids in (before, first - before, case.ids - first) if ids]


def _best_of_each(attempts: list[Attempt]) -> list[Attempt]:
    """The likeliest attempt of each set of codes, in order."""
    best: dict[tuple[str, ...], Attempt] = {}
    for attempt in sorted(attempts, key=lambda a: a.order):
        best.setdefault(attempt.codes, attempt)
    return list(best.values())
