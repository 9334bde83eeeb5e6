"""Measures the diagnosis and prints the tables: python -m benchmarks.diagnosis [--quick | --full] [--markdown PATH]."""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from . import correct, corruptions, pairs, recall, timing


@dataclass(frozen=True)
class Size:
    """How much is measured; `share` is that of the rows of the table of mistakes that are injected."""

    share: float
    injections: int
    injection_seconds: float
    pairs: int
    pair_seconds: float
    correct: int
    corruptions: int
    repeats: int


QUICK = Size(1 / 3, 1, 240, 200, 240, 200, 20, 1)
FULL = Size(1.0, 20, 4 * 3600, 200, 1800, 2000, 100, 5)


def parts(size: Size, seed: int) -> dict[str, Callable[[], str]]:
    """The measurements by their titles."""
    return {
        "Injected mistakes": lambda: recall.measured(size.share, size.injections, size.injection_seconds, seed),
        "Pairs of mistakes": lambda: pairs.table(pairs.measure(size.pairs, size.pair_seconds, seed + 30_000)),
        "Correct claims": lambda: correct.table(correct.measure(size.correct, seed + 10_000)),
        "Corruptions outside the table": lambda: corruptions.table(
            corruptions.measure(size.corruptions, seed + 20_000)
        ),
        "Time to explain": lambda: timing.table(timing.measure(size.repeats)),
    }


def main() -> None:
    """Runs all measurements, prints them as they come, and writes them down if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", dest="size", action="store_const", const=QUICK, default=QUICK)
    parser.add_argument("--full", dest="size", action="store_const", const=FULL)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    written = [
        "# How often the diagnosis is right",
        f"Seed {options.seed}; PyTorch {torch.__version__}, one thread. Written by `python -m benchmarks.diagnosis`.",
    ]
    print(written[-1])
    for title, measure in parts(options.size, options.seed).items():
        started = time.perf_counter()
        text = measure()
        written.append(f"## {title}\n\n{text}")
        print(f"\n{written[-1]}\n\n({time.perf_counter() - started:.0f} s)", flush=True)
    if options.markdown:
        options.markdown.write_text("\n\n".join(written) + "\n")


if __name__ == "__main__":
    main()
