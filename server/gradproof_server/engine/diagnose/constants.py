"""Constant factors and what they are in a training step."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..types import Quantity, TensorId
from .case import Case

NEAR = 2e-4
"""Relative distance within which a measured factor is taken for a named one."""


def name_factor(case: Case, factor: float, tolerance: float = NEAR) -> str:
    """What a factor is: "½", "N·K, the number of outputs", ...; empty where it is nothing known."""
    for value, name in known_factors(case):
        if value and abs(factor - value) <= tolerance * abs(value):
            return name
    return ""


def known_factors(case: Case) -> Iterator[tuple[float, str]]:
    """Factors that occur in training steps, the likeliest first."""
    n, k = case.batch, case.width
    yield -1.0, "−1: the sign is flipped"
    yield 2.0, "2"
    yield 0.5, "½"
    yield from _sizes(n, k)
    loss = float(case.trace[TensorId(0, Quantity.LOSS)])
    yield loss, "the value of the loss"
    if loss > 0:
        yield 1 / (2 * math.sqrt(loss)), "1/(2·√loss): the derivative of the root"
        yield 2 * math.sqrt(loss), "2·√loss"
    rate = case.optimizer_arguments.get("lr")
    if isinstance(rate, float) and rate > 0:
        yield rate, "the learning rate"
        yield 1 / rate, "1 / learning rate"
    for name in ("momentum", "dampening"):
        value = case.optimizer_arguments.get(name)
        if isinstance(value, float) and 0 < value < 1:
            yield 1 - value, f"1 − {name}"
            yield 1 + value, f"1 + {name}"
    yield from ((float(2**p), f"2^{p}: a loss scale") for p in range(2, 17))
    yield from ((2.0**-p, f"2^−{p}: a loss scale") for p in range(2, 17))
    yield from ((float(i), str(i)) for i in range(3, 11))
    yield from ((1 / i, f"1/{i}") for i in range(3, 11))
    yield math.log(2), "ln 2"
    yield 1 / math.log(2), "1 / ln 2"
    yield math.sqrt(2), "√2"
    yield 10.0, "10"


def _sizes(n: int, k: int) -> Iterator[tuple[float, str]]:
    named = ((n * k, "the number of outputs, N·K"), (n, "the batch size, N"), (k, "the outputs of a sample, K"))
    for size, name in named:
        if size > 1:
            yield float(size), f"{size}: {name}"
            yield 1 / size, f"1/{size}: {name}"
