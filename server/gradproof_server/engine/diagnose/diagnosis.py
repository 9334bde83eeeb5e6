"""The diagnosis of a claim: localisation, search, ranking, and an honest word on how sure it is."""

from __future__ import annotations

import math
import time
import warnings

from ..run import never
from ..tolerance import Calibration
from ..training import Training
from ..types import Claim, Comparison, Diagnosis, DiagnosisOptions, Outcome, Quantity, ShouldStop, Verdict
from .attempt import Attempt, Found
from .case import Case
from .explain import explain
from .localize import localize
from .search import Search
from .variant import Stage
from .variants import TABLE

MARGIN_DIGITS = 1.0
"""Decimal digits of evidence that a combination needs beyond the number of combinations weighed."""


def diagnose(
    training: Training,
    outcome: Outcome,
    claim: Claim,
    comparisons: tuple[Comparison, ...],
    options: DiagnosisOptions = DiagnosisOptions(),  # noqa: B008
    should_stop: ShouldStop = never,
    calibration: Calibration | None = None,
) -> Diagnosis:
    """Why the claim disagrees; an empty diagnosis for one that does not.

    `outcome` holds the reference of every claimed tensor; `calibration` is that of the comparisons. Raises
    StoppedError where `should_stop` returns True.
    """
    started = time.perf_counter()
    if not any(comparison.verdict is Verdict.DISAGREES for comparison in comparisons):
        return Diagnosis()
    case = Case(training, claim, outcome.tensors, comparisons, should_stop, calibration)
    search = Search(case, TABLE, options)
    with warnings.catch_warnings():  # the run has been through PyTorch's warnings already; the caller sees none
        warnings.simplefilter("ignore")
        found = search.run()
    credible = [attempt for attempt in found.complete if is_credible(attempt, found)]
    shown = credible[: options.max_findings]
    ties = len(credible) > 1
    return Diagnosis(
        findings=tuple(explain(case, attempt, probe(case, attempt) if ties else "") for attempt in shown),
        localization=localize(case),
        caution=caution(case, credible, found),
        variants_tried=found.tried,
        budget_exhausted=found.exhausted,
        seconds=time.perf_counter() - started,
    )


def is_credible(attempt: Attempt, found: Found) -> bool:
    """Whether a combination reproduces more digits than chance would among all that were weighed."""
    if len(attempt.parts) == 1:
        return True
    return attempt.fit.digits >= math.log10(max(found.weighed, 1)) + MARGIN_DIGITS


def caution(case: Case, credible: list[Attempt], found: Found) -> str:
    """What limits the explanation, in words; empty where nothing does."""
    words = [*_degenerate(case)]
    if not credible:
        words.append("No known mistake reproduces these numbers.")
        if found.exhausted:
            words.append("The search ended before all were tried; a larger max_seconds may find more.")
        return " ".join(words)
    digits = credible[0].fit.digits
    chance = found.weighed * 10.0**-digits
    if len(credible) > 1:
        words.append(f"{len(credible)} explanations reproduce every claimed number; the likeliest stands first.")
    if chance >= 0.1:
        numbers = sum(t.value.numel() for t in case.claim)
        words.append(
            f"The {numbers} claimed number(s) carry about {digits:.1f} digits against PyTorch's, and {found.weighed} "
            "alterations were weighed: a chance match is possible. More digits, or more tensors, would settle it."
        )
    return " ".join(words)


def _degenerate(case: Case) -> list[str]:
    words = []
    disagreeing = [tensor for tensor in case.claim if tensor.id in case.disagreeing]
    if all(not tensor.value.any() for tensor in disagreeing):
        words.append("Every disagreeing number is zero: that tells little about its cause.")
    elif sum(tensor.value.numel() for tensor in case.claim) == 1:
        words.append("One number was claimed: many mistakes could give it.")
    return words


def probe(case: Case, attempt: Attempt) -> str:
    """An experiment that would tell an explanation from the others that fit equally."""
    stated = [part.variant.probe for part in attempt.parts if part.variant.probe]
    if stated:
        return " ".join(stated)
    stages = {part.variant.stage for part in attempt.parts}
    if stages & {Stage.LOSS, Stage.REDUCTION, Stage.FORWARD} and Quantity.LOSS not in case.claimed_quantities:
        return "Claim the value of your loss too."
    if case.batch == 1:
        return "Use a batch of two or more samples whose residuals differ in size and sign."
    if Quantity.GRADIENT not in case.claimed_quantities:
        return "Claim your gradients too, not only what follows from them."
    if stages & {Stage.UPDATE, Stage.SCHEDULE} and case.steps < 3:
        return "Take three steps with different learning rates, and claim the weights after each."
    return "Claim more tensors, or more digits."
