"""Exit statuses: what a shell or a CI job learns."""

from __future__ import annotations

from collections.abc import Iterable

from gradproof.results import Verdict
from gradproof.witness import Verification

AGREES = 0
DISAGREES = 1
FAILED = 2
"""The check could not be made."""
INCONCLUSIVE = 3
INTERRUPTED = 130
"""Stopped with Ctrl-C, as shells number it."""
PIPE_CLOSED = 141
"""Nobody reads the output any more, as shells number it."""

OF_VERDICT = {Verdict.AGREES: AGREES, Verdict.DISAGREES: DISAGREES, Verdict.INCONCLUSIVE: INCONCLUSIVE}
BY_GRAVITY = (FAILED, DISAGREES, INCONCLUSIVE, AGREES)


def worst(statuses: Iterable[int]) -> int:
    """The status of several files: a check that could not be made, then disagreement, then an open question."""
    return min(statuses, key=BY_GRAVITY.index, default=AGREES)


def of_verification(verification: Verification) -> int:
    """The status of a verification; what was not looked at is an open question."""
    if verification.cut_off == "interrupted":
        return INTERRUPTED
    unfinished = verification.verdict is Verdict.AGREES and verification.partial
    return INCONCLUSIVE if unfinished else OF_VERDICT[verification.verdict]
