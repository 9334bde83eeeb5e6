"""Verdicts, and what all results that have one share."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

from gradproof._printed import Printed
from gradproof.errors import DisagreementError


class Verdict(enum.StrEnum):
    """What a check says. It equals its name: `report.verdict == "AGREES"`."""

    AGREES = "AGREES"
    """Every claimed number is within its tolerance."""
    DISAGREES = "DISAGREES"
    """At least one claimed number is outside its tolerance."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """The numbers cannot decide: the tolerance of the claim is as large as the tensor itself."""


GRAVITY: Mapping[Verdict, int] = {Verdict.AGREES: 0, Verdict.INCONCLUSIVE: 1, Verdict.DISAGREES: 2}


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """DISAGREES if any is; else INCONCLUSIVE if any is, or there are none; else AGREES."""
    return max(verdicts, key=GRAVITY.__getitem__, default=Verdict.INCONCLUSIVE)


class Checked(Printed):
    """The result of a check; `str(result)` is a table, and a notebook shows it as HTML."""

    verdict: Verdict

    @property
    def agrees(self) -> bool:
        """Whether the verdict is AGREES. False for INCONCLUSIVE as well."""
        return self.verdict is Verdict.AGREES

    def raise_for_disagreement(self, *, accept_inconclusive: bool = False) -> None:
        """Raises DisagreementError with the table unless the result agrees.

        Args:
            accept_inconclusive: whether INCONCLUSIVE, or an incomplete check, passes: the numbers could not decide.
        """
        accepted = self.verdict is not Verdict.DISAGREES if accept_inconclusive else self.agrees
        if not accepted:
            raise DisagreementError(self)

    def __bool__(self) -> bool:
        # `assert client.check(...)` would otherwise pass on a wrong gradient.
        name = type(self).__name__.lower()
        raise TypeError(f"a {name} is neither true nor false; use .agrees or .raise_for_disagreement()")
