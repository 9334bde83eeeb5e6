"""Which alterations are tried together, and in which order."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from itertools import combinations

import torch

from ..types import TensorId
from .attempt import Part, Single
from .sample import Look, Sample
from .variant import Stage

FIRSTS = 24
"""How many alterations, the most telling ones, are combined with each other and one more, where three are sought."""


class Lead(enum.IntEnum):
    """What shows that an alteration is a part of the explanation: it makes a wrong tensor right by itself, or so it
    does up to a factor.
    """

    RIGHT = 0
    PROPORTIONAL = 1
    NONE = 2


def groups_in_order(
    singles: Sequence[Single], sample: Sample, reference: Look, size: int
) -> Iterator[tuple[Lead, tuple[Single, ...]]]:
    """Groups of so many alterations that may explain the claim together: those with a lead first, then likely ones.

    Left out are groups that cannot explain it: a tensor that one alteration leaves wrong must be changed by another;
    and alterations that make a tensor wrong which agrees, for another one would have to undo just that.
    """
    singles = [single for single in singles if single.look.missed <= reference.missed]
    led = leads(singles, sample, reference)
    ordered = sorted(range(len(singles)), key=lambda i: (led[i], singles[i].part.rank))
    firsts = ordered if size == 2 else ordered[:FIRSTS]
    completions = _Completions(singles)
    groups = {group for some in combinations(firsts, size - 1) for group in completions.of(some)}

    def order(group: tuple[int, ...]) -> tuple[Lead, int, tuple[int, ...]]:
        return min(led[i] for i in group), sum(singles[i].part.rank for i in group), group

    for group in sorted(groups, key=order):
        chosen = tuple(sorted((singles[i] for i in group), key=lambda single: single.part.variant.stage))
        if compatible([single.part for single in chosen]):
            yield min(led[i] for i in group), chosen


def leads(singles: Sequence[Single], sample: Sample, reference: Look) -> list[Lead]:
    """The lead that each alteration has."""
    wrong = reference.missed - sample.proportional(reference)

    def lead(single: Single) -> Lead:
        if reference.missed - single.look.missed:
            return Lead.RIGHT
        return Lead.PROPORTIONAL if wrong & sample.proportional(single.look) else Lead.NONE

    return [lead(single) for single in singles]


def compatible(parts: Sequence[Part]) -> bool:
    """Whether alterations may stand in one explanation: of different stages, and not at the same place twice."""
    stages = [part.variant.stage for part in parts]
    if len(set(stages)) == len(stages):
        return True
    if any(stage not in (Stage.BACKWARD, Stage.FORWARD) for stage in stages if stages.count(stage) > 1):
        return False
    sites = [site for part in parts for site in part.proposal.sites]
    return len(set(sites)) == len(sites) and all(part.proposal.sites for part in parts)


class _Completions:
    """What alterations need and touch, as tables (alterations, tensors) of truth values."""

    def __init__(self, singles: Sequence[Single]) -> None:
        needs = [frozenset() if single.start.plan.reports else single.look.missed for single in singles]
        ids = sorted(frozenset().union(*needs, *(single.touched for single in singles)))
        self.needs = _table(needs, ids)
        self.touched = _table([single.touched for single in singles], ids)

    def of(self, some: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The groups of these alterations and one more, in ascending order, that leave no need open."""
        touched = self.touched[list(some)]
        times = touched.sum(0)
        open_needs = torch.stack([self.needs[i] & (times == self.touched[i]) for i in some]).any(0)
        fit = ~(open_needs & ~self.touched).any(1) & ~(self.needs & ~touched.any(0)).any(1)
        return [tuple(sorted((*some, i))) for i in fit.nonzero().flatten().tolist() if i not in some]


def _table(rows: Sequence[frozenset[TensorId]], ids: Sequence[TensorId]) -> torch.Tensor:
    return torch.tensor([[id in row for id in ids] for row in rows], dtype=torch.bool).reshape(len(rows), len(ids))
