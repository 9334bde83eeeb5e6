"""Measures the witness and prints the tables: python -m benchmarks.witness [--quick | --full] [--plot PATH]."""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from . import alarms, bars, blindness, large, plot, rivals, speed, tables
from .functions import random_function
from .networks import convolutional, perceptron, transformer

FLIPPED = (1e-6, 1e-9, 1e-12)
"""Sizes of gradients of which one has the wrong sign."""


@dataclass(frozen=True)
class Size:
    """How much is measured: functions of each kind, networks of which every derivative counts, seeds of right
    problems, elements among which one is wrong and up to how many slow gradcheck is asked, widths of square
    perceptrons, and of the large one."""

    functions: int
    networks: int
    problems: int
    elements: tuple[int, ...]
    slowest: int
    repeats: int
    widths: tuple[int, ...]
    large: int | None


QUICK = Size(200, 40, 30, (10, 100, 1_000), 100, 2, (10, 32, 100, 316, 1_000), None)
FULL = Size(2_000, 400, 600, (10, 100, 1_000, 10_000), 1_000, 5, (10, 32, 100, 316, 1_000, 3_162), large.WIDTH)


def honest_bars(size: Size, seed: int) -> str:
    """Functions of one variable, and all parameters of networks."""
    rng = np.random.default_rng(seed)
    groups = {
        kind: [bars.bar_of(random_function(rng, **options), rng) for _ in range(size.functions)]
        for kind, options in bars.KINDS
    }
    groups["perceptrons, float64"] = bars.network_bars(size.networks)
    return tables.of_bars(groups)


def blind_spots(size: Size) -> str:
    """Errors of one element, and flipped signs."""
    flips = {gradient: blindness.sign_flip_seen(gradient) for gradient in FLIPPED}
    return tables.of_blindness(blindness.detections(size.elements, size.slowest), flips)


def speeds(size: Size) -> str:
    """Every element of three networks."""
    networks = {
        "64-64-10 tanh perceptron": perceptron(64, 64, 10),
        "two convolutions": convolutional(),
        "a transformer block": transformer(),
    }
    return tables.of_speed([speed.timing_of(name, network, size.repeats) for name, network in networks.items()])


def costs(size: Size, path: pathlib.Path | None) -> str:
    """Square perceptrons of growing width."""
    found: Sequence[speed.Cost] = [speed.cost_of(width) for width in size.widths]
    if path:
        plot.of_costs(found, path)
    return tables.of_costs(found)


def parts(size: Size, seed: int, path: pathlib.Path | None) -> dict[str, Callable[[], str]]:
    """The measurements by their titles."""
    made: dict[str, Callable[[], str]] = {
        "Honest bars": lambda: honest_bars(size, seed),
        "Published bars side by side": lambda: tables.of_rivals(rivals.side_by_side()),
        "False alarms": lambda: tables.of_alarms(*alarms.measure(range(seed, seed + size.problems))),
        "Blindness": lambda: blind_spots(size),
        "Speed": lambda: speeds(size),
        "Cost": lambda: costs(size, path),
    }
    if (width := size.large) is not None:
        made["A large network"] = lambda: tables.of_large(large.in_child(width))
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs all measurements and prints them as they come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", dest="size", action="store_const", const=QUICK, default=QUICK)
    parser.add_argument("--full", dest="size", action="store_const", const=FULL)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=pathlib.Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"Seed {options.seed}; PyTorch {torch.__version__}, one thread. Printed by `python -m benchmarks.witness`.")
    for title, measure in parts(options.size, options.seed, options.plot).items():
        started = time.perf_counter()
        print(f"\n## {title}\n\n{measure()}\n\n({time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
