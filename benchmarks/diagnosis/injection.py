"""Injection: a mistake of the table is made in a random problem; the diagnosis must name it first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.plan import plan_of
from gradproof_server.engine.diagnose.variant import Proposal, Stage, Variant
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.engine.errors import TORCH_ERRORS
from gradproof_server.engine.types import Claim, ComputedIn, DiagnosisOptions, Precision, ProblemError

from tests.support.random_problems.draw import Draw
from tests.support.random_problems.problems import FAMILIES, Problem, random_problem

from .claims import (
    KINDS,
    PRECISIONS,
    Answer,
    Told,
    ask,
    claim_of,
    disagrees,
    precision_name,
    reference_of,
    rounded,
    told_by,
)
from .results import Results, Trial

OPTIONS = DiagnosisOptions(max_seconds=60.0, max_combination=1)
"""More time than usual: what is found must not depend on what else the machine does; the time taken is told."""
STEP_STAGES = frozenset({Stage.CLIP, Stage.SCHEDULE, Stage.UPDATE})
MOST_OF_A_PROBLEM = 6
"""Injections into one problem at most: the more problems, the more is seen."""
MOST_PROPOSALS = 3
"""Proposals of a variant that are tried in one problem until one is visible in the claim."""
RECURRENT = ("recurrent", "sequence", "cell", "unrolled", "tokens")
LIKELY: Mapping[str, tuple[str, ...]] = {
    "attention": ("attention", "transformer"),
    "convolution": ("convolution", "transposed", "stacked", "dense"),
    "dropout": ("dropping", "transformer"),
    "embedding": ("embedding", "tokens"),
    "gru": RECURRENT,
    "loss": ("mlp", "classifier", "classifier", "rows", "residual kinks", "transcription"),
    "lstm": RECURRENT,
    "normalization": ("normalized", "normalized images", "convolution"),
    "pooling": ("convolution", "images"),
    "reduction": ("mlp", "classifier", "dense", "transcription"),
    "rnn": RECURRENT,
    "subgradient": ("kinks", "function kinks", "residual kinks", "ties", "pooled ties"),
}
"""Networks in which mistakes of a family are likely to act, where that is not any network."""


@dataclass(frozen=True)
class Injection:
    """A claim with one mistake in it."""

    variant: Variant
    kind: str
    precision: Precision
    told: Told
    claim: Claim


def measure(
    results: Results, wanted: int, seconds: float, seeds: Iterator[int], table: Sequence[Variant] = TABLE
) -> None:
    """Injections until each variant has `wanted` of them, or the time is over; breadth before depth."""
    deadline = time.monotonic() + seconds
    for seed in seeds:
        done = results.counts()
        rows = [variant for variant in table if done[variant.code] < wanted]
        if not rows or time.monotonic() > deadline:
            return
        rows.sort(key=lambda row: done[row.code])
        behind = [row for row in rows if done[row.code] == done[rows[0].code]]
        problem = random_problem(seed, _family(Draw(seed), behind))
        for injection in islice(injections(problem, rows), MOST_OF_A_PROBLEM):
            results.add(judged(problem, injection))


def _family(draw: Draw, rows: Sequence[Variant]) -> str:
    """Any network, or every second time one in which one of these rows, which lag behind, is likely to act."""
    likely = LIKELY.get(draw.choice(rows).code.split(".")[0], ())
    return draw.choice(likely if likely and draw.often(0.5) else tuple(FAMILIES))


def injections(problem: Problem, rows: Sequence[Variant]) -> Iterator[Injection]:
    """One injection of each row that can act in a problem and be seen; none where PyTorch cannot run it."""
    try:
        case = case_of(problem)
    except ProblemError:
        return
    for variant in rows:
        injection = injected(problem, case, variant)
        if injection is not None:
            yield injection


def injected(problem: Problem, case: Case, variant: Variant) -> Injection | None:
    """A claim with that mistake, the same for the same problem; None where it cannot act or cannot be seen."""
    proposals = proposed(variant, case)
    if not proposals:
        return None
    draw = Draw(problem.seed * len(TABLE) + TABLE.index(variant))
    precision = draw.choice(PRECISIONS)
    kinds = ("updates", "both", "everything") if variant.stage in STEP_STAGES else tuple(KINDS)
    for proposal in draw.shuffled(proposals)[:MOST_PROPOSALS]:
        for kind in draw.shuffled(kinds)[:2]:
            told = altered(problem, (proposal,), kind)
            if told and disagrees(problem.training, claim_of(told, precision)):
                return Injection(variant, kind, precision, told, claim_of(told, precision))
    return None


def proposed(variant: Variant, case: Case) -> list[Proposal]:
    """What a variant proposes; nothing where it fails."""
    try:
        return list(variant.propose(case))
    except (ProblemError, *TORCH_ERRORS):
        return []


def case_of(problem: Problem) -> Case:
    """A case in which everything is claimed as it is: what a variant sees that asks where it can act."""
    reference = reference_of(problem.training, KINDS["everything"])
    return Case(problem.training, claim_of(reference, ComputedIn(torch.float64)), reference, ())


def altered(problem: Problem, proposals: tuple[Proposal, ...], kind: str) -> Told | None:
    """What the altered step tells; None where that cannot be claimed."""
    reference = reference_of(problem.training, KINDS[kind])
    try:
        plan = plan_of(problem.training, (proposal.alter for proposal in proposals))
        told = plan.tell(frozenset(reference))
    except (ProblemError, *TORCH_ERRORS):
        return None
    fits = all(told[id].shape == t.shape for id, t in reference.items())
    return {id: told[id] for id in reference} if fits else None


def judged(problem: Problem, injection: Injection) -> Trial:
    """What the diagnosis says of an injection."""
    first: tuple[str, ...] = ()
    seconds, alike, raised, started = 0.0, False, "", time.process_time()
    try:
        answer = ask(problem.training, injection.claim, OPTIONS)
        findings = answer.diagnosis.findings
        seconds, first = time.process_time() - started, findings[0].codes if findings else ()
        alike = first == (injection.variant.code,) or _prints_the_same(problem, injection, first, answer)
    except Exception as error:  # any at all is a fault of the diagnosis, and counted
        raised = f"{type(error).__name__}: {error}"
    return Trial(
        code=injection.variant.code,
        seed=problem.seed,
        family=problem.family,
        kind=injection.kind,
        precision=precision_name(injection.precision),
        first=first,
        alike=alike,
        seconds=seconds,
        raised=raised,
    )


def _prints_the_same(problem: Problem, injection: Injection, first: tuple[str, ...], answer: Answer) -> bool:
    others = told_by(problem.training, injection.claim, answer, first, OPTIONS) if first else []
    return any(indistinguishable(injection.told, other, injection.precision) for other in others)


def indistinguishable(told: Told, other: Told, precision: Precision) -> bool:
    """Whether both print the same at that precision; in float64, up to its rounding."""
    if isinstance(precision, ComputedIn):
        return all(torch.allclose(told[id], other[id], rtol=1e-9, atol=1e-12, equal_nan=True) for id in told)
    unit = 10.0 ** -getattr(precision, "digits", 0)
    return all(_prints_as(rounded(told[id], precision), other[id], unit) for id in told)


def _prints_as(printed: torch.Tensor, value: torch.Tensor, unit: float) -> bool:
    same = (printed == value) | (printed.isnan() & value.isnan())
    return bool((same | ((printed - value).abs() <= 0.5001 * unit)).all())
