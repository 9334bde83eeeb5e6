"""Pairs: two mistakes of different stages at once; the first finding must name both."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import torch
from gradproof_server.engine.diagnose.variant import Proposal, Variant
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.engine.types import ComputedIn, DiagnosisOptions, PrintedDecimals, ProblemError

from tests.support.random_problems.draw import Draw
from tests.support.random_problems.problems import Problem, random_problem

from .claims import Told, ask, claim_of, disagrees
from .injection import altered, case_of, proposed

OPTIONS = DiagnosisOptions(max_seconds=5.0, max_combination=2)


@dataclass
class Pairs:
    """How many pairs were made, in how many both stood in the first finding, or in any, or in none, and the others.

    otherwise: pairs of which the first finding names other mistakes, which give all claimed numbers too.
    """

    made: int = 0
    first: int = 0
    any: int = 0
    otherwise: int = 0
    missed: list[str] = field(default_factory=list)


def measure(count: int, seconds: float, first_seed: int = 30_000) -> Pairs:
    """Random pairs, each in a problem of its own, until there are so many or the time is over."""
    result, seed, deadline = Pairs(), first_seed, time.monotonic() + seconds
    while result.made < count and time.monotonic() < deadline:
        _check(random_problem(seed), result)
        seed += 1
    return result


def _check(problem: Problem, result: Pairs) -> None:
    draw = Draw(problem.seed)
    drawn = _pair(problem, draw)
    kind = draw.choice(("both", "everything"))
    parts = tuple(proposal for _, proposal in drawn)
    whole = altered(problem, parts, kind) if len(drawn) == 2 else None
    singles = [altered(problem, (part,), kind) for part in parts]
    if not whole or any(single is None or _same(single, whole) for single in singles):
        return
    claim = claim_of(whole, draw.choice((PrintedDecimals(6), ComputedIn(torch.float64))))
    if not disagrees(problem.training, claim):
        return
    wanted = {variant.code for variant, _ in drawn}
    found = [set(finding.codes) for finding in ask(problem.training, claim, OPTIONS).diagnosis.findings]
    result.made += 1
    result.first += found[:1] == [wanted]
    result.any += wanted in found
    result.otherwise += bool(found) and found[0] != wanted
    if wanted not in found:
        result.missed.append(f"seed {problem.seed}: {sorted(wanted)}, found {[sorted(codes) for codes in found[:1]]}")


def _same(one: Told, other: Told) -> bool:
    return all(torch.allclose(one[id], other[id], rtol=1e-6, atol=1e-8) for id in other)


def _pair(problem: Problem, draw: Draw) -> list[tuple[Variant, Proposal]]:
    """Two rows of different stages with one proposal each, in the order of the stages."""
    try:
        case, drawn = case_of(problem), dict[int, tuple[Variant, Proposal]]()
    except ProblemError:
        return []  # PyTorch cannot run it
    for _ in range(200):
        variant = draw.choice(TABLE)
        if variant.stage in drawn or len(drawn) == 2:
            continue
        proposals = proposed(variant, case)
        if proposals:
            drawn[variant.stage] = variant, draw.choice(proposals)
    return [drawn[stage] for stage in sorted(drawn)]


def table(result: Pairs) -> str:
    """The shares, and the pairs that were not found, in Markdown."""
    counts = {
        "both are the first finding": result.first,
        "both are one of the findings": result.any,
        "the first finding names others, which give every claimed number too": result.otherwise,
        "no finding": result.made - result.first - result.otherwise,
    }
    lines = [f"{result.made} pairs.", "", "| answer | pairs | share |", "|---|---|---|"]
    lines += [f"| {name} | {n} | {100 * n / max(result.made, 1):.0f} % |" for name, n in counts.items()]
    return "\n".join([*lines, "", *(f"- {text}" for text in result.missed)]).rstrip()
