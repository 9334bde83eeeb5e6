"""Are the bars honest: the true error of measured derivatives beside the bar that is stated for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gradproof_server.engine.numeric.blackbox import resolution_of
from gradproof_server.engine.numeric.judge import Measure, Stated, causes_of
from gradproof_server.engine.numeric.lines import Answer, Ask, Setting, drive, listen, measure
from gradproof_server.engine.numeric.slopes import Slopes
from gradproof_server.engine.numeric.types import Cause, Subject, WitnessOptions
from gradproof_server.engine.types import Verdict

from .alarms import report_of
from .functions import Array, Smooth
from .networks import Network, perceptron

REPEATS = 8
Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Bar:
    """One measured derivative: its error, the stated bar, the derivative itself, and what is said of the true one."""

    name: str
    error: float
    bar: float
    derivative: float
    verdict: Verdict
    cause: Cause
    evaluations: int

    @property
    def honest(self) -> bool:
        """Whether the error is inside the bar, give or take the last bit of the derivative itself; an infinite
        bar promises nothing."""
        inside = self.error <= self.bar + np.finfo(np.float64).eps * abs(self.derivative)
        return bool(inside) or not np.isfinite(self.bar)


@dataclass(frozen=True)
class Reading:
    """What the witness makes of a function of one variable at a point: Measured slopes, and evaluations."""

    slopes: Slopes
    verdict: Verdict
    cause: Cause
    evaluations: int


def read(function: Function, point: float, scale: float, stated: float, dtype: Any = np.float64) -> Reading:
    """Measures a function, values in `dtype`, as the witness does: noise first, then the ladders; judges `stated`."""
    evaluations = 0

    def evaluate(ask: Ask) -> Answer:
        nonlocal evaluations
        evaluations += len(ask.offsets)
        points = (point + ask.offsets).astype(dtype)
        values = function(points).astype(np.float64)
        return Answer(values[:, None], points.astype(np.float64) - point)

    line, eps = np.zeros(1, dtype=np.int64), float(np.finfo(dtype).eps)
    repeated = evaluate(Ask(np.zeros(REPEATS, dtype=np.int64), np.zeros(REPEATS))).values
    spread = repeated.std(0, ddof=1)
    scales = np.array([scale])
    noise = np.maximum(drive(listen(line, scales, eps), evaluate), 4 * spread)
    setting = Setting(repeated.mean(0), noise, eps, scales, np.zeros(1, dtype=bool), np.zeros((1, 1)))
    claim = Stated(Subject.CLAIM, np.array([stated]), 2 * eps * np.abs([stated]))

    def judged(slopes: Slopes) -> tuple[Array, Array]:
        largest = np.abs(np.nan_to_num(slopes.value))
        return causes_of(claim, Measure(slopes, largest, resolution_of(eps), noisy=bool(spread[0] > 0)))

    size = np.abs([stated]) * scales
    measured = drive(measure(setting, size, lambda slopes: judged(slopes)[0] != int(Verdict.AGREES)), evaluate)
    verdicts, causes = judged(measured.slopes)
    return Reading(measured.slopes, Verdict(int(verdicts[0])), Cause(int(causes[0])), evaluations)


def bar_of(function: Smooth, rng: np.random.Generator) -> Bar:
    """A random function's derivative at its point, measured."""

    def noisy(x: Array) -> Array:
        return function(x) + function.noise * rng.standard_normal(len(x))

    truth = function.derivative
    reading = read(noisy if function.noise else function, function.point, abs(function.point), truth, function.dtype)
    value, bar = float(reading.slopes.value[0]), float(reading.slopes.bar[0])
    return Bar(function.name, abs(value - truth), bar, truth, reading.verdict, reading.cause, reading.evaluations)


KINDS: Sequence[tuple[str, dict[str, Any]]] = (
    ("float64", {}),
    ("float64, offset up to 1e8", {"offset": True}),
    ("float64, noise", {"noisy": True}),
    ("float32", {"dtype": np.float32}),
    ("float32, offset up to 1e8", {"dtype": np.float32, "offset": True}),
)


def network_bars(count: int) -> list[Bar]:
    """Bars of the whole witness: every parameter of random perceptrons, beside gradients to 64 bits of mantissa."""
    found = []
    for seed in range(count):
        network = drawn_network(seed)
        report = report_of(network.training(), options=WitnessOptions(include_values=True))
        truth = exact_gradients(network)
        for tensor in report.tensors:
            if tensor.numeric is None or tensor.bars is None or tensor.id.name not in truth:
                continue
            judgement = tensor.judgements[0]
            exact = truth[tensor.id.name].reshape(-1)[list(tensor.positions)]
            errors = np.abs(tensor.numeric.numpy().astype(np.longdouble).reshape(-1) - exact)
            found += [
                Bar(f"perceptron {seed}", float(e), float(b), float(g), judgement.verdict, judgement.cause, 0)
                for e, b, g in zip(errors, tensor.bars.numpy().reshape(-1), exact, strict=True)
            ]
    return found


def drawn_network(seed: int) -> Network:
    """A perceptron with one hidden layer whose parameters and data are stretched by up to 1e6."""
    rng = np.random.default_rng(seed)
    narrow, hidden, wide = (int(n) for n in rng.integers(1, 6, 3))
    torch.manual_seed(seed)
    network = perceptron(narrow, hidden, wide, batch=int(rng.integers(1, 6)))
    scale = float(10 ** rng.uniform(-6, 6))
    with torch.no_grad():
        network.module[0].weight.div_(scale)  # type: ignore[operator]
        network.input.mul_(scale)
        network.module[2].weight.mul_(10 ** rng.uniform(-3, 3))  # type: ignore[operator]
        network.target.add_(10 ** rng.uniform(-3, 4))
    return network


def exact_gradients(network: Network) -> dict[str, Array]:
    """Back-propagation by hand through Linear, Tanh, Linear under the mean of squares, in NumPy's longdouble."""
    p = {name: value.numpy().astype(np.longdouble) for name, value in network.parameters.items()}
    x, t = (value.numpy().astype(np.longdouble) for value in (network.input, network.target))
    hidden = np.tanh(x @ p["0.weight"].T + p["0.bias"])
    output = hidden @ p["2.weight"].T + p["2.bias"]
    outer = 2 * (output - t) / output.size
    inner = (outer @ p["2.weight"]) * (1 - hidden**2)
    return {"0.weight": inner.T @ x, "0.bias": inner.sum(0), "2.weight": outer.T @ hidden, "2.bias": outer.sum(0)}
