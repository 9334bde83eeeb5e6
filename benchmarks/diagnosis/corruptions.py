"""Corruptions that are no mistake of the table: they must be localised, and not explained with confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from gradproof_server.engine.types import (
    ComputedIn,
    DiagnosisOptions,
    Precision,
    PrintedDecimals,
    ProblemError,
    TensorId,
)

from tests.support.random_problems.draw import Draw
from tests.support.random_problems.problems import random_problem

from .claims import KINDS, Answer, Told, ask, claim_of, disagrees, reference_of

OPTIONS = DiagnosisOptions(max_seconds=3.0)
PRECISIONS: tuple[Precision, ...] = (PrintedDecimals(5), PrintedDecimals(8), ComputedIn(torch.float64))
Tensor = torch.Tensor


def one_element(told: Told, victim: TensorId, draw: Draw) -> Told:
    """One number is replaced by another."""
    changed = told[victim].clone()
    changed.view(-1)[draw.integer(0, changed.numel() - 1)] += 0.5 + float(draw.uniform())
    return {**told, victim: changed}


def linear_map(told: Told, victim: TensorId, draw: Draw) -> Told:
    """The flattened tensor is multiplied by a random square matrix, and moved."""
    tensor = told[victim]
    size = tensor.numel()
    mapped = draw.normal(size, size) @ tensor.reshape(-1) + 0.1 * draw.normal(size)
    return {**told, victim: mapped.reshape(tensor.shape)}


def noise(told: Told, victim: TensorId, draw: Draw) -> Told:
    """Every number is moved a little."""
    tensor = told[victim]
    return {**told, victim: tensor + (0.1 + 0.2 * tensor.abs()) * draw.normal(*tensor.shape)}


def smooth_map(told: Told, victim: TensorId, draw: Draw) -> Told:
    """Every number goes through one smooth curve."""
    a, b = 0.5 + 2 * draw.uniform(2)
    tensor = told[victim]
    return {**told, victim: tensor + 0.3 * torch.sin(a * tensor + b)}


def odd_factors(told: Told, victim: TensorId, draw: Draw) -> Told:
    """Every number has a factor of its own, between 1/2 and 2."""
    tensor = told[victim]
    return {**told, victim: tensor * 2 ** (2 * draw.uniform(*tensor.shape) - 1)}


def swapped_rows(told: Told, victim: TensorId, draw: Draw) -> Told:
    """A row changes places with as many numbers of another tensor."""
    width = told[victim].shape[-1] if told[victim].dim() else 1
    others = [id for id in told if id != victim and told[id].numel() >= width]
    if not others:
        return told
    mine, theirs = told[victim].clone(), told[other := draw.choice(others)].clone()
    row, start = draw.integer(0, mine.numel() // width - 1), draw.integer(0, theirs.numel() // width - 1)
    a, b = mine.view(-1, width)[row], theirs.view(-1)[start * width : (start + 1) * width]
    a[:], b[:] = b.clone(), a.clone()
    return {**told, victim: mine, other: theirs}


CORRUPTIONS: Mapping[str, Callable[[Told, TensorId, Draw], Told]] = {
    "one element": one_element,
    "linear map": linear_map,
    "noise": noise,
    "smooth map": smooth_map,
    "odd factors": odd_factors,
    "swapped rows": swapped_rows,
}


@dataclass
class Caution:
    """How many corruptions of each kind were made, what was said of which, and how long it took."""

    made: Counter[str] = field(default_factory=Counter)
    explained: list[str] = field(default_factory=list)
    doubted: list[str] = field(default_factory=list)
    unlocated: int = 0
    seconds: list[float] = field(default_factory=list)


def measure(count: int, first_seed: int = 20_000) -> Caution:
    """So many corruptions of any claimed tensor, each in a problem of its own."""
    result, seed = Caution(), first_seed
    while sum(result.made.values()) < count:
        _check(seed, result)
        seed += 1
    return result


def _check(seed: int, result: Caution) -> None:
    draw = Draw(seed)
    try:
        problem = random_problem(seed)
    except ProblemError:
        return
    kind = draw.choice(tuple(KINDS))
    told = {id: tensor.double() for id, tensor in reference_of(problem.training, KINDS[kind]).items()}
    told = {id: tensor for id, tensor in told.items() if tensor.numel()}
    name = draw.choice(tuple(CORRUPTIONS))
    precision, victim = draw.choice(PRECISIONS), draw.choice(tuple(told))
    claim = claim_of(CORRUPTIONS[name](told, victim, draw), precision)
    if not disagrees(problem.training, claim):
        return
    answer = ask(problem.training, claim, OPTIONS)
    result.made[name] += 1
    result.unlocated += answer.diagnosis.localization is None
    result.seconds.append(answer.diagnosis.seconds)
    if answer.diagnosis.findings:
        numbers = sum(comparison.disagreeing for comparison in answer.comparisons)
        text = (
            f"seed {seed} ({problem.family}), {name} of {victim.quantity.name} {victim.name}, {numbers} wrong, {kind}"
        )
        codes = ["+".join(finding.codes) for finding in answer.diagnosis.findings]
        (result.doubted if is_doubted(answer) else result.explained).append(f"{text}: {codes[:3]}")


def is_doubted(answer: Answer) -> bool:
    """Whether the answer says that the claim is too small to be sure of its explanation."""
    return any(text in answer.diagnosis.caution for text in ("chance match", "One number", "is zero"))


def table(result: Caution) -> str:
    """The share that was localised without an explanation, and the others, in Markdown."""
    total = sum(result.made.values())
    lines = ["| corruption | made |", "|---|---|"]
    lines += [f"| {name} | {count} |" for name, count in sorted(result.made.items())]
    quiet = total - len(result.explained) - len(result.doubted)
    lines += ["", f"{quiet} of {total} were localised without a finding; {result.unlocated} had no localisation."]
    for texts, how in ((result.doubted, "with"), (result.explained, "without")):
        lines += ["", f"{len(texts)} got a finding {how} the caution that the claim is too small to be sure."]
        lines += ["", *(f"- {text}" for text in texts)] if texts else []
    return "\n".join(lines)
