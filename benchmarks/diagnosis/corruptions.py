"""Corruptions that are no mistake of the table: they must be localised, and not explained."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import torch
from gradproof_server.engine.types import ComputedIn, DiagnosisOptions, PrintedDecimals, Quantity, TensorId

from .claims import KINDS, Told, ask, claim_of, disagrees, reference_of
from .problems import Draw, random_problem

OPTIONS = DiagnosisOptions(max_seconds=3.0)
Tensor = torch.Tensor


@dataclass
class Caution:
    """How many corruptions of each kind were made, and which were explained although there is no explanation."""

    made: Counter[str] = field(default_factory=Counter)
    explained: list[str] = field(default_factory=list)
    unlocated: int = 0


def one_element(tensor: Tensor, draw: Draw) -> Tensor:
    """One number is replaced by another."""
    changed = tensor.clone()
    changed.view(-1)[draw.integer(0, tensor.numel() - 1)] += 0.5 + float(draw.uniform())
    return changed


def linear_map(tensor: Tensor, draw: Draw) -> Tensor:
    """The flattened tensor is multiplied by a random square matrix."""
    size = tensor.numel()
    return (draw.normal(size, size) @ tensor.reshape(-1) + 0.1 * draw.normal(size)).reshape(tensor.shape)


def noise(tensor: Tensor, draw: Draw) -> Tensor:
    """Every number is moved a little."""
    return tensor + (0.1 + 0.2 * tensor.abs()) * draw.normal(*tensor.shape)


CORRUPTIONS = (one_element, linear_map, noise)


def measure(count: int, first_seed: int = 20_000) -> Caution:
    """So many corruptions of gradients or updates, each in a problem of its own."""
    result, seed = Caution(), first_seed
    while sum(result.made.values()) < count:
        _check(seed, result)
        seed += 1
    return result


def _check(seed: int, result: Caution) -> None:
    draw, problem = Draw(seed), random_problem(seed)
    kind = draw.choice(("gradients", "updates", "both"))
    told = {id: tensor.double() for id, tensor in reference_of(problem.training, KINDS[kind]).items()}
    corrupt = draw.choice(CORRUPTIONS)
    precision = draw.choice((PrintedDecimals(5), PrintedDecimals(8), ComputedIn(torch.float64)))
    victim = _victim(told)
    claim = claim_of({**told, victim: corrupt(told[victim], draw)}, precision)
    if not disagrees(problem.training, claim):
        return
    answer = ask(problem.training, claim, OPTIONS)
    result.made[corrupt.__name__] += 1
    result.unlocated += answer.diagnosis.localization is None
    if answer.diagnosis.findings:
        codes = ["+".join(finding.codes) for finding in answer.diagnosis.findings]
        result.explained.append(f"seed {seed} ({problem.family}), {corrupt.__name__}, {kind}: {codes[:3]}")


def _victim(told: Told) -> TensorId:
    """The tensor with the most numbers: a single number is explained by many mistakes, and rightly so."""
    gradients = [id for id in told if id.quantity in (Quantity.GRADIENT, Quantity.UPDATED)]
    return max(gradients, key=lambda id: told[id].numel())


def table(result: Caution) -> str:
    """The share that was localised without an explanation, and the others, in Markdown."""
    total = sum(result.made.values())
    lines = ["| corruption | made |", "|---|---|"]
    lines += [f"| {name.replace('_', ' ')} | {count} |" for name, count in sorted(result.made.items())]
    quiet = total - len(result.explained)
    lines += ["", f"{quiet} of {total} were localised without a finding; {result.unlocated} had no localisation."]
    return "\n".join([*lines, "", *(f"- {text}" for text in result.explained)]).rstrip()
