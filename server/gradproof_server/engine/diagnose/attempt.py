"""What a search makes of alterations: parts of explanations, attempts, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from ..types import TensorId
from .fit import Fit
from .runs import Start
from .sample import Look
from .variant import Proposal, Variant

COMBINED = 45
"""What one more alteration weighs beside the ranks."""
CUT_OFF = 20
"""What digits that must have been cut off weigh: most people round."""


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
    """Alterations that reproduce every claimed number together: how well, and all that they tell."""

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
        return sum(part.rank for part in self.parts) + CUT_OFF * self.fit.cut_off

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the alterations, in the order of the stages."""
        return tuple(part.variant.code for part in self.parts)


@dataclass(frozen=True)
class Single:
    """One alteration that does not explain the claim alone.

    start: its plan, from which combinations go on. touched: the claimed tensors that it can change. look: how well it
    reproduces the claim.
    """

    part: Part
    start: Start
    touched: frozenset[TensorId]
    look: Look


@dataclass
class Found:
    """What a search found.

    complete: explanations, in order. tried: altered steps that were run. weighed: alterations and combinations that
    might have matched the claim, those included that need not be run to see that they do not. exhausted: the search
    ended before all were tried.
    """

    complete: list[Attempt] = field(default_factory=list)
    tried: int = 0
    weighed: int = 0
    exhausted: bool = False
