"""Injection: a mistake of the table is made in a random problem; the diagnosis must name it first."""

from __future__ import annotations

import enum
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.variant import Proposal, Stage, Variant
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.engine.errors import TORCH_ERRORS
from gradproof_server.engine.types import Claim, ComputedIn, DiagnosisOptions, Precision, ProblemError

from .claims import KINDS, PRECISIONS, Answer, Told, ask, attempts, claim_of, disagrees, reference_of, rounded
from .problems import Draw, Problem, random_problem

OPTIONS = DiagnosisOptions(max_seconds=5.0, max_combination=1)
STEP_STAGES = frozenset({Stage.CLIP, Stage.SCHEDULE, Stage.UPDATE})


class Result(enum.Enum):
    """What came of an injection."""

    FIRST = "first"
    LOOK_ALIKE = "look-alike"
    MISS = "miss"


@dataclass(frozen=True)
class Trial:
    """One injection: where it was made, and what the first finding was."""

    code: str
    seed: int
    kind: str
    precision: Precision
    result: Result
    first: tuple[str, ...]
    declared: bool = True


@dataclass
class Recall:
    """All trials, and the variants of which no injection could be made."""

    trials: list[Trial] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)

    def of(self, code: str) -> Counter[Result]:
        """Results of one variant."""
        return Counter(trial.result for trial in self.trials if trial.code == code)


def measure(wanted: int, seconds: float, first_seed: int = 0, table: tuple[Variant, ...] = TABLE) -> Recall:
    """Injections until each variant has `wanted` of them, or the time is over; breadth before depth."""
    recall, done, deadline = Recall(), Counter[str](), time.monotonic() + seconds
    for seed in range(first_seed, first_seed + 100_000):
        open_rows = [variant for variant in table if done[variant.code] < wanted]
        if not open_rows or time.monotonic() > deadline:
            break
        problem = random_problem(seed)
        for variant, proposal, kind in _injections(problem, open_rows, done):
            if time.monotonic() > deadline:
                break
            trial = _try(problem, variant, proposal, kind, recall)
            if trial is not None:
                recall.trials.append(trial)
                done[variant.code] += 1
    return recall


def _injections(problem: Problem, rows: list[Variant], done: Counter[str]) -> Iterator[tuple[Variant, Proposal, str]]:
    """One proposal of each row that acts here; a row that has many trials already is passed over now and then."""
    draw = Draw(problem.seed)
    case = case_of(problem)
    for variant in sorted(rows, key=lambda row: done[row.code]):
        if done[variant.code] > 0 and not draw.often(1 / (1 + done[variant.code])):
            continue
        try:
            proposals = list(variant.propose(case))
        except (ProblemError, *TORCH_ERRORS):
            continue
        if proposals:
            kinds = ("updates", "both", "everything") if variant.stage in STEP_STAGES else tuple(KINDS)
            yield variant, draw.choice(proposals), draw.choice(kinds)


def case_of(problem: Problem) -> Case:
    """A case in which everything is claimed as it is: what a variant sees that asks where it can act."""
    reference = reference_of(problem.training, KINDS["everything"])
    return Case(problem.training, claim_of(reference, ComputedIn(torch.float64)), reference, ())


def altered(problem: Problem, proposals: tuple[Proposal, ...], kind: str) -> Told | None:
    """What the altered step tells; None where that cannot be claimed."""
    reference = reference_of(problem.training, KINDS[kind])
    plan = Plan(problem.training)
    try:
        for proposal in proposals:
            plan = proposal.alter(plan)
        told = plan.tell(frozenset(reference))
    except (ProblemError, *TORCH_ERRORS):
        return None
    fits = all(told[id].shape == t.shape and bool(told[id].isfinite().all()) for id, t in reference.items())
    return {id: told[id] for id in reference} if fits else None


def _try(problem: Problem, variant: Variant, proposal: Proposal, kind: str, recall: Recall) -> Trial | None:
    precision = Draw(problem.seed + variant.rank).choice(PRECISIONS)
    told = altered(problem, (proposal,), kind)
    if not told:
        return None
    claim = claim_of(told, precision)
    if not disagrees(problem.training, claim):
        return None
    try:
        answer = ask(problem.training, claim, OPTIONS)
        return _judge(problem, variant, kind, precision, told, claim, answer)
    except Exception as error:  # any at all is a fault of the diagnosis, and counted
        recall.raised.append(f"{variant.code}, seed {problem.seed}: {type(error).__name__}: {error}")
        return None


def _judge(
    problem: Problem, variant: Variant, kind: str, precision: Precision, told: Told, claim: Claim, answer: Answer
) -> Trial:
    findings = answer.diagnosis.findings
    first = findings[0].codes if findings else ()
    if first == (variant.code,):
        return Trial(variant.code, problem.seed, kind, precision, Result.FIRST, first)
    found = attempts(problem.training, claim, answer, OPTIONS)
    alike = bool(found) and indistinguishable(told, found[0].told, precision)
    declared = is_declared(variant, first)
    result = Result.LOOK_ALIKE if alike else Result.MISS
    return Trial(variant.code, problem.seed, kind, precision, result, first, declared)


def indistinguishable(told: Told, other: Told, precision: Precision) -> bool:
    """Whether both print the same at that precision; in float64, up to its rounding."""
    if isinstance(precision, ComputedIn):
        return all(torch.allclose(told[id], other[id], rtol=1e-9, atol=1e-12) for id in told)
    unit = 10.0 ** -getattr(precision, "digits", 0)
    return all(bool(((rounded(told[id], precision) - other[id]).abs() <= 0.5001 * unit).all()) for id in told)


def is_declared(variant: Variant, codes: tuple[str, ...]) -> bool:
    """Whether one of the two names the other as its look-alike."""
    rows = {row.code: row for row in TABLE}
    return any(code in variant.look_alikes or variant.code in rows[code].look_alikes for code in codes)


def family_of(code: str) -> str:
    """What stands before the last point."""
    return code.split(".")[0]


def tables(recall: Recall) -> str:
    """Recall by family, the variants below 100 %, and what was not injected, in Markdown."""
    by_family: dict[str, Counter[Result]] = defaultdict(Counter)
    for trial in recall.trials:
        by_family[family_of(trial.code)][trial.result] += 1
    lines = ["| family | injections | first | look-alike | miss | recall |", "|---|---|---|---|---|---|"]
    for family, counts in sorted(by_family.items()):
        lines.append(_line(family, counts))
    lines += [_line("all", Counter(trial.result for trial in recall.trials)), "", *_below(recall), "", *_absent(recall)]
    return "\n".join(lines)


def _line(name: str, counts: Counter[Result]) -> str:
    total = sum(counts.values())
    good = total - counts[Result.MISS]
    share = 100 * good / max(total, 1)
    parts = [counts[result] for result in Result]
    return f"| {name} | {total} | {parts[0]} | {parts[1]} | {parts[2]} | {share:.1f} % |"


def _below(recall: Recall) -> list[str]:
    missed = [trial for trial in recall.trials if trial.result is Result.MISS]
    lines = [
        "Variants below 100 %:",
        "",
        "| variant | injections | miss | first finding instead |",
        "|---|---|---|---|",
    ]
    for code in sorted({trial.code for trial in missed}):
        others = Counter("+".join(t.first) or "none" for t in missed if t.code == code)
        counts = recall.of(code)
        instead = ", ".join(f"{name} ({n})" for name, n in others.most_common(3))
        lines.append(f"| {code} | {sum(counts.values())} | {counts[Result.MISS]} | {instead} |")
    return lines


def _absent(recall: Recall) -> list[str]:
    seen = {trial.code for trial in recall.trials}
    absent = sorted(variant.code for variant in TABLE if variant.code not in seen)
    alike = [t for t in recall.trials if t.result is Result.LOOK_ALIKE and not t.declared]
    pairs = Counter(f"{t.code} told as {'+'.join(t.first)}" for t in alike)
    lines = [f"{len(absent)} of {len(TABLE)} variants were not injected: {', '.join(absent) or 'none'}.", ""]
    lines.append(f"{len(alike)} look-alikes that the table does not declare, of {len(pairs)} pairs:")
    lines += ["", *(f"- {pair} ({n})" for pair, n in pairs.most_common())]
    if recall.raised:
        lines += ["", f"{len(recall.raised)} diagnoses raised:", "", *(f"- {text}" for text in recall.raised)]
    return lines
