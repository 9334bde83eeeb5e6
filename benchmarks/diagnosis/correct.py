"""Correct claims: rounded, or computed in a smaller dtype by PyTorch or by NumPy; none may disagree or be explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from gradproof_server.engine import Training
from gradproof_server.engine.types import (
    ComputedIn,
    DiagnosisOptions,
    Precision,
    PrintedDecimals,
    ProblemError,
    Verdict,
)

from tests.support.independent.problems import independent_problem
from tests.support.independent.steps import compute
from tests.support.random_problems.draw import Draw
from tests.support.random_problems.problems import random_problem

from .claims import EVERYTHING, KINDS, Told, ask, claim_of, precision_name, reference_of

ROUNDED: tuple[Precision, ...] = tuple(PrintedDecimals(digits) for digits in range(3, 9))
COMPUTED = (ComputedIn(torch.float32), ComputedIn(torch.bfloat16))
OPTIONS = DiagnosisOptions(max_seconds=1.0, max_combination=1)


def by_pytorch(training: Training, precision: Precision) -> Told:
    """What PyTorch gives in float64; for a dtype, what it gives when it runs in that."""
    dtype = precision.dtype if isinstance(precision, ComputedIn) else training.dtype
    return reference_of(replace(training, dtype=dtype), EVERYTHING)


def by_numpy(training: Training, precision: Precision) -> Told:
    """What the training gives when it is written again in NumPy, in that dtype; in float64 for printed numbers."""
    told = compute(training, precision.dtype if isinstance(precision, ComputedIn) else torch.float64)
    return {id: tensor for id, tensor in told.items() if tensor.is_floating_point()}


@dataclass(frozen=True)
class Source:
    """Where correct claims come from: problems by their seed, their numbers, and at which precisions."""

    name: str
    problem: Callable[[int], Training]
    numbers: Callable[[Training, Precision], Told]
    precisions: tuple[Precision, ...]


SOURCES = (
    Source("PyTorch", lambda seed: random_problem(seed).training, by_pytorch, ROUNDED),
    Source("PyTorch", lambda seed: random_problem(seed).training, by_pytorch, COMPUTED),
    Source("NumPy", independent_problem, by_numpy, ROUNDED),
    Source("NumPy", independent_problem, by_numpy, COMPUTED),
    Source("NumPy", independent_problem, by_numpy, COMPUTED),
)


@dataclass
class Soundness:
    """Verdicts by the source and precision of the claims, and what was wrongly said of which claim."""

    verdicts: Counter[tuple[str, str, Verdict]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def measure(count: int, first_seed: int = 10_000) -> Soundness:
    """So many correct claims, each of a problem of its own, from the sources in turn."""
    result, seed = Soundness(), first_seed
    while sum(result.verdicts.values()) < count:
        draw, source = Draw(seed), SOURCES[seed % len(SOURCES)]
        check(source, seed, draw.choice(source.precisions), draw.choice(tuple(KINDS)), result)
        seed += 1
    return result


def check(source: Source, seed: int, precision: Precision, kind: str, result: Soundness) -> None:
    """Checks the correct claim of that seed, where it is one: PyTorch runs it in the dtype, and neither overflows."""
    try:
        training = source.problem(seed)
        told = source.numbers(training, precision)
    except ProblemError:
        return
    claim = claim_of({id: tensor for id, tensor in told.items() if id.quantity in KINDS[kind]}, precision)
    answer = ask(training, claim, OPTIONS)
    numbers = (*told.values(), *answer.outcome.tensors.values())
    if not all(holds(precision, tensor) for tensor in numbers):
        return
    result.verdicts[source.name, precision_name(precision), answer.verdict] += 1
    if answer.verdict is Verdict.DISAGREES or answer.diagnosis.findings:
        wrong = [f"{c.id.quantity.name} {c.id.name}" for c in answer.comparisons if c.verdict is Verdict.DISAGREES]
        codes = ["+".join(finding.codes) for finding in answer.diagnosis.findings]
        name = f"{source.name}, {precision_name(precision)}"
        result.failures.append(f"seed {seed}, {name}, {kind}: {wrong[:3]} {codes[:3]}")


def holds(precision: Precision, tensor: torch.Tensor) -> bool:
    """Whether float64, or the dtype of the claim, holds the squares of all numbers: adaptive optimizers keep those."""
    dtype = precision.dtype if isinstance(precision, ComputedIn) else torch.float64
    return bool((tensor.double().abs() < torch.finfo(dtype).max ** 0.5).all())


def table(result: Soundness) -> str:
    """Verdicts by source and precision, and every failure, in Markdown."""
    shown = (Verdict.AGREES, Verdict.INCONCLUSIVE, Verdict.DISAGREES)
    lines = ["| computed by | precision | " + " | ".join(v.name.lower() for v in shown) + " |", "|---|---|---|---|---|"]
    for source, precision in sorted({key[:2] for key in result.verdicts}):
        counts = " | ".join(str(result.verdicts[source, precision, verdict]) for verdict in shown)
        lines.append(f"| {source} | {precision} | {counts} |")
    total = sum(result.verdicts.values())
    lines += ["", f"{len(result.failures)} of {total} correct claims were said to disagree, or explained."]
    return "\n".join([*lines, "", *(f"- {failure}" for failure in result.failures)]).rstrip()
