"""Correct claims: rounded, or computed in a smaller dtype; none may disagree or be explained."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import torch
from gradproof_server.engine.types import (
    ClaimedTensor,
    ComputedIn,
    DiagnosisOptions,
    Precision,
    PrintedDecimals,
    ProblemError,
    Verdict,
)

from .claims import KINDS, ask, claim_of, reference_of
from .problems import Draw, Problem, random_problem

ROUNDED: tuple[Precision, ...] = tuple(PrintedDecimals(digits) for digits in range(3, 9))
COMPUTED: tuple[Precision, ...] = (ComputedIn(torch.float32), ComputedIn(torch.bfloat16))


@dataclass
class Soundness:
    """How many correct claims were checked, and what was wrongly said of which."""

    checked: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def measure(count: int, first_seed: int = 10_000) -> Soundness:
    """So many correct claims, each of a problem of its own."""
    result = Soundness()
    seed = first_seed
    while sum(result.checked.values()) < count:
        problem = random_problem(seed)
        precision = Draw(seed).choice((*ROUNDED, *COMPUTED, *COMPUTED))
        check(problem, precision, Draw(seed + 1).choice(tuple(KINDS)), result)
        seed += 1
    return result


def correct_claim(problem: Problem, precision: Precision, kind: str) -> tuple[ClaimedTensor, ...]:
    """What PyTorch gives in float64, rounded; or what it gives when it runs in the dtype of the claim."""
    training = problem.training
    if isinstance(precision, ComputedIn):
        training = replace(training, dtype=precision.dtype)
    return claim_of(reference_of(training, KINDS[kind]), precision)


def check(problem: Problem, precision: Precision, kind: str, result: Soundness) -> None:
    """Checks one correct claim of a problem."""
    try:
        claim = correct_claim(problem, precision, kind)
    except ProblemError:
        return  # PyTorch has no such operation in that dtype
    name = f"{precision.dtype}" if isinstance(precision, ComputedIn) else f"{getattr(precision, 'digits', 0)} decimals"
    result.checked[name] += 1
    answer = ask(problem.training, claim, DiagnosisOptions(max_seconds=1.0, max_combination=1))
    if answer.verdict is Verdict.DISAGREES or answer.diagnosis.findings:
        wrong = [f"{c.id.quantity.name} {c.id.name}" for c in answer.comparisons if c.verdict is Verdict.DISAGREES]
        codes = ["+".join(finding.codes) for finding in answer.diagnosis.findings]
        result.failures.append(f"seed {problem.seed} ({problem.family}), {kind}, {name}: {wrong[:3]} {codes[:3]}")


def table(result: Soundness) -> str:
    """How many of each precision, and every failure, in Markdown."""
    lines = ["| precision | correct claims |", "|---|---|"]
    lines += [f"| {name} | {count} |" for name, count in sorted(result.checked.items())]
    total = sum(result.checked.values())
    lines += ["", f"{len(result.failures)} of {total} correct claims were said to disagree, or explained."]
    return "\n".join([*lines, "", *(f"- {failure}" for failure in result.failures)]).rstrip()
