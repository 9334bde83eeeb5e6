"""The search: which alterations, one or a few at a time, reproduce every claimed number."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import torch

from ..errors import TORCH_ERRORS
from ..types import DiagnosisOptions, ProblemError, Quantity, StoppedError, TensorId
from .case import Case
from .fit import Fit, fit
from .plan import plan_of
from .variant import Proposal, Stage, Variant

AFTER_THE_STEP = frozenset({Quantity.UPDATED, Quantity.STATE})
STEP_STAGES = frozenset({Stage.UPDATE, Stage.SCHEDULE, Stage.CLIP})
PROMISING = 16
"""How many single alterations, of different codes, are combined with all others, besides the common ones."""
COMMON_RANK = 5
"""Alterations up to this rank are combined with all others, whatever they explain by themselves."""
MOST_OF_A_CODE = 2
"""How many proposals of one row are combined with all others."""
FALLBACK_RANK = 60
"""A single alteration from this rank on does not end the search: two common mistakes are likelier."""
TIE_RANK = 15
"""How much unlikelier than the best combination another one may be and still be tried."""
COMBINED = 45
"""What one more alteration weighs beside the ranks."""


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
        """Likelier first, where one more alteration weighs much, then simpler, then closer."""
        return self.rank + COMBINED * (len(self.parts) - 1), len(self.parts), self.fit.largest_distance

    @property
    def rank(self) -> int:
        """How unlikely its alterations are together."""
        return sum(part.rank for part in self.parts)

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
        self.baseline = fit(case, {id: tensor.double() for id, tensor in case.reference.items() if id in case.ids})
        self.found = Found()

    def run(self) -> Found:
        """Single alterations first; combinations only where no single one explains everything."""
        singles = self._singles()
        for size in range(2, self.options.max_combination + 1):
            if self._is_explained() or self.found.exhausted:
                break
            self._combine(singles, size)
        self.found.complete = _best_of_each(self.found.complete)
        self.found.partial = sorted(singles, key=lambda attempt: -self._promise(attempt))[:5]
        return self.found

    def _is_explained(self) -> bool:
        return any(attempt.rank < FALLBACK_RANK or len(attempt.parts) > 1 for attempt in self.found.complete)

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
        try:
            plan = plan_of(self.case.training, (part.proposal.alter for part in parts))
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
        """Tries groups of single alterations, the likeliest groups first."""
        incomplete = [attempt for attempt in singles if not attempt.fit.complete]
        firsts = self._firsts(incomplete)
        groups = {frozenset(map(id, group)): group for group in _groups(firsts, incomplete, size)}
        for group in sorted(groups.values(), key=_rank_of):
            if _rank_of(group) > self._rank_of_a_tie():
                return
            parts = tuple(sorted((a.parts[0] for a in group), key=lambda part: part.variant.stage))
            if len(set(map(id, group))) < size or not compatible(parts):
                continue
            if self._out_of_time():
                return
            self._try(parts)

    def _rank_of_a_tie(self) -> float:
        """The rank up to which a combination may stand beside the best one that was found."""
        found = [attempt.rank for attempt in self.found.complete if len(attempt.parts) > 1]
        return min(found) + TIE_RANK if found else float("inf")

    def _firsts(self, singles: list[Attempt]) -> list[Attempt]:
        """The most promising alterations, two of a code at most, and the common ones."""
        chosen: list[Attempt] = []
        of_code: Counter[tuple[str, ...]] = Counter()
        for attempt in sorted(singles, key=lambda attempt: -self._promise(attempt)):
            common = attempt.rank <= COMMON_RANK
            if of_code[attempt.codes] < MOST_OF_A_CODE and (common or len(chosen) < PROMISING):
                chosen.append(attempt)
                of_code[attempt.codes] += 1
        return chosen


def _rank_of(group: tuple[Attempt, ...]) -> int:
    return sum(attempt.rank for attempt in group)


def _groups(firsts: list[Attempt], singles: list[Attempt], size: int) -> Iterator[tuple[Attempt, ...]]:
    for some in combinations(firsts, size - 1):
        for last in singles:
            yield *some, last


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
