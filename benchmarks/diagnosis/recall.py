"""Recall of injected mistakes, measured in pieces and told as tables: python -m benchmarks.diagnosis.recall --help."""

from __future__ import annotations

import argparse
import pathlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import count

import torch
from gradproof_server.engine.diagnose.variant import Variant
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.engine.types import DiagnosisOptions

from tests.support.random_problems.draw import Draw

from .injection import measure
from .results import Results, Trial

ROWS = {row.code: row for row in TABLE}
COLUMNS = ("first", "declared look-alike", "other look-alike", "miss")


def measured(share: float, wanted: int, seconds: float, seed: int) -> str:
    """The tables of so many injections of each of a random share of the rows, within so many seconds."""
    rows = Draw(seed).shuffled(TABLE)[: round(share * len(TABLE))]
    results = Results()
    measure(results, wanted, seconds, count(seed), rows)
    return tables(results.trials, rows)


def column(trial: Trial) -> str:
    """How an injection ended.

    A look-alike prints the claimed numbers as the mistake does; it is declared where the table says so.
    """
    if trial.is_first:
        return "first"
    if not trial.alike:
        return "miss"
    return "declared look-alike" if is_declared(trial.code, trial.first) else "other look-alike"


def is_declared(code: str, others: Iterable[str]) -> bool:
    """Whether the table names one of the others as a look-alike."""
    return any(other in ROWS[code].look_alikes for other in others)


def tables(trials: Sequence[Trial], rows: Sequence[Variant] = TABLE) -> str:
    """Recall by family, precision, kind and network, what was missed, and which look-alikes no row declares."""
    known = [trial for trial in trials if trial.code in ROWS]
    parts = [
        *_counted("family of the mistake", known, lambda trial: trial.code.split(".")[0]),
        *_counted("precision", known, lambda trial: trial.precision),
        *_counted("claim", known, lambda trial: trial.kind),
        *_counted("network", known, lambda trial: trial.family),
        *_missed(known),
        *_undeclared(known),
        *_raised(known),
        *_absent(known, rows),
    ]
    return "\n".join(parts).rstrip()


def document(trials: Sequence[Trial], told: str) -> str:
    """docs/diagnosis-recall.md."""
    return f"{HEAD}\n\n{_how_made(trials)}\n\n## Totals\n\n{told}\n\n## By mistake\n\n{by_variant(trials)}\n"


def _how_made(trials: Sequence[Trial]) -> str:
    seeds = [trial.seed for trial in trials]
    seconds = sorted(trial.seconds for trial in trials)
    middle, late = seconds[len(seconds) // 2], seconds[int(0.95 * len(seconds))]
    over = sum(value > DiagnosisOptions().max_seconds for value in seconds)
    counts = Counter(trial.code for trial in trials)
    each = sorted(counts[code] for code in ROWS)
    return (
        f"Measured with PyTorch {torch.__version__}, one thread a process, {len(set(seeds))} problems of the seeds "
        f"{min(seeds)} to {max(seeds)}. {len(trials)} injections: {each[0]} to {each[-1]} of each mistake, "
        f"{each[len(each) // 2]} of the one in the middle; the last table has the number of each. "
        f"Seconds of the processor for an answer: {middle:.2f} in the middle, {late:.2f} in 95 of 100; {over} answers "
        f"took more than the {DiagnosisOptions().max_seconds:g} seconds that a diagnosis has unless told otherwise."
    )


def by_variant(trials: Sequence[Trial]) -> str:
    """Recall of every row of the table."""
    lines = _head("variant")
    found = defaultdict(list)
    for trial in trials:
        found[trial.code].append(trial)
    return "\n".join([*lines, *(_line(f"`{code}`", found[code]) for code in sorted(ROWS))])


def _counted(what: str, trials: Sequence[Trial], key: Callable[[Trial], str]) -> list[str]:
    groups = defaultdict(list)
    for trial in trials:
        groups[key(trial)].append(trial)
    lines = [*_head(what), *(_line(name, groups[name]) for name in sorted(groups))]
    return [*lines, _line("all", trials), ""]


def _head(what: str) -> list[str]:
    columns = [what, "injections", *COLUMNS, "first or declared", "recall"]
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]


def _line(name: str, trials: Sequence[Trial]) -> str:
    counts = Counter(map(column, trials))
    named = counts["first"] + counts["declared look-alike"]
    shares = (_share(named, len(trials)), _share(named + counts["other look-alike"], len(trials)))
    return f"| {name} | {len(trials)} | {' | '.join(str(counts[name]) for name in COLUMNS)} | {' | '.join(shares)} |"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "–"


def _missed(trials: Sequence[Trial]) -> list[str]:
    others = defaultdict(Counter[str])
    for trial in trials:
        if column(trial) == "miss":
            others[trial.code]["+".join(trial.first) or "nothing"] += 1
    lines = [f"Misses, of {len(others)} variants:", ""]
    for code, counts in sorted(others.items(), key=lambda item: (-item[1].total(), item[0])):
        instead = ", ".join(f"{name} ({n})" for name, n in counts.most_common(4))
        lines.append(f"- {code}: {counts.total()}, named was {instead}")
    return [*lines, ""] if others else []


def _undeclared(trials: Sequence[Trial]) -> list[str]:
    pairs = Counter(f"{t.code} told as {'+'.join(t.first)}" for t in trials if column(t) == "other look-alike")
    lines = [f"Look-alikes that no row declares, {pairs.total()} of {len(pairs)} pairs:", ""]
    return [*lines, *(f"- {pair} ({n})" for pair, n in pairs.most_common()), ""] if pairs else []


def _raised(trials: Sequence[Trial]) -> list[str]:
    failed = [f"- {t.code}, seed {t.seed} ({t.family}): {t.raised}" for t in trials if t.raised]
    return [f"{len(failed)} diagnoses raised:", "", *failed, ""] if failed else []


def _absent(trials: Sequence[Trial], rows: Sequence[Variant]) -> list[str]:
    seen = {trial.code for trial in trials}
    absent = sorted(row.code for row in rows if row.code not in seen)
    return [f"{len(absent)} of {len(rows)} variants were not injected: {', '.join(absent)}."] if absent else []


def main() -> None:
    """Measures until the time is over, and prints or writes what the results say so far."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=pathlib.Path, required=True, help="lines of JSON; added to, read if there")
    parser.add_argument("--wanted", type=int, default=20, help="injections of each variant")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long to measure; 0 only tells")
    parser.add_argument("--first-seed", type=int, default=100_000, help="processes side by side: successive ones")
    parser.add_argument("--stride", type=int, default=1, help="how many processes measure side by side")
    parser.add_argument("--only", default="", help="only variants whose code begins so")
    parser.add_argument("--markdown", type=pathlib.Path, help="write the tables there, with that of all variants")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(options.results)
    rows = [row for row in TABLE if row.code.startswith(options.only)]
    measure(results, options.wanted, options.seconds, count(options.first_seed, options.stride), rows)
    results.counts()
    told = tables(results.trials, rows)
    print(told)
    if options.markdown:
        options.markdown.write_text(document(results.trials, told))


HEAD = """# How often an injected mistake is named

Each row of the table of mistakes (`gradproof explain --list`) is really made in random training problems, and
the diagnosis is asked what was done. The problems differ in their networks (perceptrons, convolutions, recurrences,
attention, embeddings, paths that join, tied weights, values on kinks and ties), widths, batch sizes, activations,
losses, optimizers, schedules, clipping, groups, numbers of steps, in what is claimed (gradients, updates, both, or
everything) and in the precision of the claim (3 to 8 decimals, float64). Mistakes that change nothing that is claimed
at that precision are passed over. Single mistakes are looked for, and no search is cut short by its time.

- first: the injected mistake is the first finding.
- declared look-alike: another one is, which gives the claimed numbers just as well, and the table says that both can.
- other look-alike: the same, and the table does not say so.
- miss: anything else. recall is the share of all that are no miss.

A smaller version is printed by `make bench`. The whole one is made in pieces, by one process or several, which add to
one file:

    python -m benchmarks.diagnosis.recall --results recall.jsonl --seconds 3600 --stride 2 --first-seed 500000
    python -m benchmarks.diagnosis.recall --results recall.jsonl --seconds 3600 --stride 2 --first-seed 500001
    python -m benchmarks.diagnosis.recall --results recall.jsonl --markdown docs/diagnosis-recall.md"""


if __name__ == "__main__":
    main()
