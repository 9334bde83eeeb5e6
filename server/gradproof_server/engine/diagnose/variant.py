"""The table's row: one way in which people, or other frameworks, take a training step differently."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .case import Case
from .plan import Plan


class Stage(enum.IntEnum):
    """The stages of a training step, in their order; two mistakes of one explanation are of different stages."""

    DATA = 1
    FORWARD = 2
    LOSS = 3
    REDUCTION = 4
    BACKWARD = 5
    GRADIENT = 6
    CLIP = 7
    SCHEDULE = 8
    UPDATE = 9
    LAYOUT = 10


Alter: TypeAlias = Callable[[Plan], Plan]


@dataclass(frozen=True)
class Proposal:
    """A place where a variant can act in a case, and the alteration.

    sites: names of the nodes or parameters where it acts, empty for everywhere. texts: what the placeholders in the
    variant's title, explanation and advice stand for ("{beta}"); {sites} is always there. rank: added to the variant's
    rank, for a form of it that is less likely (positive) or more likely (negative).
    """

    alter: Alter
    sites: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    rank: int = 0


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    code: stable, "<family>.<what>". title: the mistake in one sentence, "You ..." or "The numbers ...". explanation:
    what was done and what PyTorch does, with the formula. advice: what to change, on either side. rank: how unlikely
    it is beside others that reproduce the same numbers; 0 very common, 100 rare. look_alikes: codes of variants that
    give the same numbers in some cases. probe: an experiment that tells it from its look-alikes. convention: True
    where it is right in another framework or paper. source: where it was seen.
    """

    code: str
    stage: Stage
    title: str
    explanation: str
    advice: str
    propose: Callable[[Case], Iterable[Proposal]]
    rank: int = 50
    convention: bool = False
    look_alikes: tuple[str, ...] = ()
    probe: str = ""
    source: str = ""
