"""Which mistakes give the same numbers in random problems: python -m benchmarks.diagnosis.alike --help.

What it finds in two problems or more is declared in the table of mistakes (`variants/look_alikes.py`).
"""

from __future__ import annotations

import argparse
import json
import pathlib
import textwrap
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import torch
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.variant import Variant
from gradproof_server.engine.diagnose.variants import TABLE, look_alikes
from gradproof_server.engine.types import ProblemError, TensorId

from tests.support.random_problems.draw import Tensor
from tests.support.random_problems.problems import FAMILIES, Problem, random_problem

from .claims import KINDS, Told
from .injection import STEP_STAGES, altered, case_of, proposed

Pair = tuple[str, str]
MOST_PROPOSALS = 12
"""Proposals of one variant that are looked at in one problem."""
LEAST_PROBLEMS = 2
"""In how many problems two mistakes must give the same numbers to be declared alike."""
TOLERANCES = ((1e-9, 1e-12), (0.0, 0.5e-4))
"""Relative and absolute, within which numbers are the same: in float64, and in four decimals."""


@dataclass(frozen=True)
class Telling:
    """What a proposal tells, and how likely it is."""

    variant: Variant
    rank: int
    told: Told


def alike(problem: Problem) -> set[Pair]:
    """Mistakes and the likeliest ones that give the same numbers as these, in some kind of claim."""
    case, pairs = case_of(problem), set[Pair]()
    tellings = sorted(_tellings(problem, case), key=lambda telling: telling.rank)
    for kind, quantities in KINDS.items():
        ids = [id for id in case.reference if id.quantity in quantities]
        shown = [t for t in tellings if all(id in t.told for id in ids)]
        if kind == "gradients":
            shown = [t for t in shown if t.variant.stage not in STEP_STAGES]
        for relative, absolute in TOLERANCES if ids and shown else ():
            pairs.update(_pairs(shown, ids, case.reference, relative, absolute))
    return pairs


def _tellings(problem: Problem, case: Case) -> Iterator[Telling]:
    for variant in TABLE:
        for proposal in proposed(variant, case)[:MOST_PROPOSALS]:
            told = altered(problem, (proposal,), "everything") or altered(problem, (proposal,), "both")
            if told:
                yield Telling(variant, variant.rank + proposal.rank, told)


def _pairs(
    tellings: list[Telling], ids: list[TensorId], reference: Told, relative: float, absolute: float
) -> Iterable[Pair]:
    rows = torch.stack([_flat(telling.told, ids) for telling in tellings])
    within = absolute + relative * rows.abs()
    visible = ((rows - _flat(reference, ids)).abs() > within).any(1)
    for i in visible.nonzero().flatten().tolist():
        same = ((rows[: i + 1] - rows[i]).abs() <= within[i]).all(1)
        first = tellings[int(same.nonzero()[0])].variant.code
        if first != tellings[i].variant.code:
            yield tellings[i].variant.code, first


def _flat(told: Told, ids: list[TensorId]) -> Tensor:
    numbers = torch.cat([told[id].double().reshape(-1) for id in ids])
    return numbers.nan_to_num(1e300, 1e300, -1e300)


def measure(path: pathlib.Path, seconds: float, seeds: Iterable[int]) -> None:
    """Adds what each problem shows to the file, a line of JSON each, until the time is over."""
    deadline, names = time.monotonic() + seconds, tuple(FAMILIES)
    for seed in seeds:
        if time.monotonic() > deadline:
            return
        try:
            pairs = alike(random_problem(seed, names[seed % len(names)]))
        except ProblemError:
            continue  # PyTorch cannot run it
        with path.open("a") as file:
            file.write(json.dumps({"seed": seed, "pairs": sorted(pairs)}) + "\n")


def found(path: pathlib.Path) -> Counter[Pair]:
    """In how many problems of the file two mistakes, in the order of their codes, gave the same numbers."""
    counts: Counter[Pair] = Counter()
    for line in path.read_text().splitlines():
        counts.update({(min(pair), max(pair)) for pair in json.loads(line)["pairs"]})
    return counts


def module(pairs: Mapping[Pair, int]) -> str:
    """The text of `variants/look_alikes.py`."""
    known = {variant.code for variant in TABLE}
    declared = defaultdict(list)
    for (one, other), problems in sorted(pairs.items()):
        if problems >= LEAST_PROBLEMS and {one, other} <= known:
            declared[one].append(other)
    lines = (line for one, others in declared.items() for line in _entry(one, others))
    return "\n".join([HEAD, *lines, "}  # fmt: skip", ""])


def _entry(code: str, others: list[str]) -> list[str]:
    whole = f'    "{code}": "{" ".join(others)}",'
    if len(whole) <= 120:
        return [whole]
    parts = [f'        "{part} "' for part in textwrap.wrap(" ".join(others), 108)]
    return [f'    "{code}":', *parts[:-1], f"{parts[-1]},"]


HEAD = '''"""Mistakes that give the same numbers in some problems: measured by `python -m benchmarks.diagnosis.alike`.

Found in at least two random problems, in float64 or in four decimals; each pair stands once, with the code first in
order. Rows of the table name further look-alikes themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

MEASURED: Mapping[str, str] = {'''


def main() -> None:
    """Measures until the time is over, then writes the module if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=pathlib.Path, required=True, help="lines of JSON; added to, read if there")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long to measure; 0 only writes")
    parser.add_argument("--first-seed", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="write variants/look_alikes.py")
    options = parser.parse_args()
    torch.set_num_threads(1)
    measure(options.results, options.seconds, count(options.first_seed))
    pairs = found(options.results)
    print(f"{len(pairs)} pairs, {sum(n >= LEAST_PROBLEMS for n in pairs.values())} in several problems")
    if options.write:
        pathlib.Path(str(look_alikes.__file__)).write_text(module(pairs))


if __name__ == "__main__":
    main()
