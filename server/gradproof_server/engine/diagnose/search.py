"""The search: which alterations, one or a few at a time, reproduce every claimed number."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import torch

from ..errors import TORCH_ERRORS
from ..types import DiagnosisOptions, ProblemError, Quantity, StoppedError, TensorId
from .case import Case
from .fit import Fit, fit
from .plan import Plan
from .variant import Proposal, Stage, Variant

AFTER_THE_STEP = frozenset({Quantity.UPDATED, Quantity.STATE})
STEP_STAGES = frozenset({Stage.UPDATE, Stage.SCHEDULE, Stage.CLIP})
PROMISING = 12
"""How many single alterations are combined with all others."""


@dataclass(frozen=True)
class Part:
    """One alteration of an explanation."""

    variant: Variant
    proposal: Proposal

    @property
    def rank(self) -> int:
        """How unlikely it is."""
        return self.variant.rank + self.proposal.rank


@dataclass(frozen=True)
class Attempt:
    """Some alterations together and how well they reproduce the claim."""

    parts: tuple[Part, ...]
    fit: Fit
    told: Mapping[TensorId, torch.Tensor]

    @property
    def order(self) -> tuple[int, int, float]:
        """Simpler first, then likelier, then closer."""
        return len(self.parts), sum(part.rank for part in self.parts), self.fit.largest_distance

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the alterations, in the order of the stages."""
        return tuple(part.variant.code for part in self.parts)


@dataclass
class Found:
    """What a search found: complete explanations in order, the best incomplete ones, and how much was tried."""

    complete: list[Attempt] = field(default_factory=list)
    partial: list[Attempt] = field(default_factory=list)
    tried: int = 0
    exhausted: bool = False


class Search:
    """Runs altered steps until the claim is reproduced, all are tried, or the budget is spent."""

    def __init__(self, case: Case, table: tuple[Variant, ...], options: DiagnosisOptions) -> None:
        self.case, self.table, self.options = case, table, options
        self.deadline = time.monotonic() + options.max_seconds
        self.base = Plan(case.training)
        self.baseline = fit(case, {id: tensor.double() for id, tensor in case.reference.items() if id in case.ids})
        self.found = Found()

    def run(self) -> Found:
        """Single alterations first; combinations only where no single one explains everything."""
        singles = self._singles()
        for size in range(2, self.options.max_combination + 1):
            if self.found.complete or self.found.exhausted:
                break
            self._combine(singles, size)
        self.found.complete = _best_of_each(self.found.complete)
        self.found.partial = sorted(singles, key=lambda attempt: -self._promise(attempt))[:5]
        return self.found

    def _singles(self) -> list[Attempt]:
        attempts = []
        for part in self._parts():
            if self._out_of_time():
                break
            attempt = self._try((part,))
            if attempt is not None:
                attempts.append(attempt)
        return attempts

    def _parts(self) -> Iterator[Part]:
        stages = self._stages()
        for variant in sorted(self.table, key=lambda v: v.rank):
            if variant.stage in stages:
                for proposal in self._proposals(variant):
                    yield Part(variant, proposal)

    def _stages(self) -> frozenset[Stage]:
        """Stages that can change anything that is claimed."""
        claimed = self.case.claimed_quantities
        if claimed & AFTER_THE_STEP or any(id.step for id in self.case.ids):
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

    def _try(self, parts: tuple[Part, ...]) -> Attempt | None:
        """Runs the step with these alterations; None where it cannot be run, or changes nothing that is claimed."""
        plan = self.base
        try:
            for part in parts:
                plan = part.proposal.alter(plan)
            self.found.tried += 1
            told = plan.tell(self.case.ids, self.case.should_stop)
        except StoppedError:
            raise
        except (ProblemError, *TORCH_ERRORS):
            return None
        if all(torch.equal(told[id], self.case.reference[id].double()) for id in self.case.ids):
            return None
        attempt = Attempt(parts, fit(self.case, told), told)
        if attempt.fit.complete:
            self.found.complete.append(attempt)
        return attempt

    def _promise(self, attempt: Attempt) -> float:
        """How much of the disagreement an alteration explains by itself, possibly up to a common factor."""
        total = max(attempt.fit.claimed, 1)
        direct = (attempt.fit.reproduced - self.baseline.reproduced) / total
        scaled = (attempt.fit.scaled - max(self.baseline.scaled, self.baseline.reproduced)) / total
        closer = max(0.0, 1 - attempt.fit.distance / (self.baseline.distance + 1e-300))
        return max(direct, 0.9 * scaled, 0.5 * closer) - 0.001 * attempt.parts[0].rank / 100

    def _combine(self, singles: list[Attempt], size: int) -> None:
        promising = sorted(singles, key=lambda attempt: -self._promise(attempt))[:PROMISING]
        seen: set[frozenset[int]] = set()
        for group in self._groups(promising, singles, size):
            key = frozenset(id(attempt) for attempt in group)
            parts = tuple(sorted((a.parts[0] for a in group), key=lambda part: part.variant.stage))
            if len(key) < size or key in seen or not compatible(parts):
                continue
            seen.add(key)
            if self._out_of_time():
                return
            self._try(parts)

    def _groups(self, promising: list[Attempt], singles: list[Attempt], size: int) -> Iterator[tuple[Attempt, ...]]:
        if size == 2:
            for first in promising:
                for second in singles:
                    yield first, second
            return
        for pair in combinations(promising, size - 1):
            for last in singles:
                yield *pair, last


def compatible(parts: tuple[Part, ...]) -> bool:
    """Whether alterations may stand in one explanation: of different stages, and not at the same place twice."""
    stages = [part.variant.stage for part in parts]
    if len(set(stages)) == len(stages):
        return True
    if any(stage not in (Stage.BACKWARD, Stage.FORWARD) for stage in stages if stages.count(stage) > 1):
        return False
    sites = [site for part in parts for site in part.proposal.sites]
    return len(set(sites)) == len(sites) and all(part.proposal.sites for part in parts)


def _best_of_each(attempts: list[Attempt]) -> list[Attempt]:
    """The likeliest attempt of each set of codes, in order."""
    best: dict[tuple[str, ...], Attempt] = {}
    for attempt in sorted(attempts, key=lambda a: a.order):
        best.setdefault(attempt.codes, attempt)
    return list(best.values())
