"""How long every element takes: the witness, PyTorch's gradcheck and plain differences by vmap, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from gradproof_server.engine.numeric import verify
from gradproof_server.engine.numeric.types import Mode, Selection, WitnessEstimate, WitnessOptions, WitnessReport
from gradproof_server.engine.run import never
from gradproof_server.engine.types import Quantity, TensorId

from .networks import Network, perceptron

STEP = 1e-5
CHUNK = 256


@dataclass(frozen=True)
class Timing:
    """Least seconds of CPU of each way for one network; None where it was left out."""

    name: str
    parameters: int
    witness: float
    gradcheck: float
    vmap: float
    evaluations: int
    verdict: str


def options_for(network: Network, mode: Mode = Mode.ELEMENTS) -> WitnessOptions:
    """All parameters, and nothing else."""
    only = tuple(Selection(TensorId(0, Quantity.GRADIENT, name)) for name in network.parameters)
    return WitnessOptions(mode=mode, only=only, max_seconds=600.0)


def best_of(repeats: int, work: Callable[[], object]) -> float:
    """The least seconds of some runs: of this process alone, whatever else the machine does."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def by_gradcheck(network: Network) -> None:
    """`torch.autograd.gradcheck` of the loss in all parameters, every element."""
    leaves = tuple(value.clone().requires_grad_() for value in network.parameters.values())
    assert torch.autograd.gradcheck(network.loss(), leaves)


def by_vmap(network: Network) -> torch.Tensor:
    """Central differences in flat parameters, many at a time. [N]."""
    values, loss = list(network.parameters.values()), network.loss()
    flat = torch.cat([value.reshape(-1) for value in values])

    def at(point: torch.Tensor) -> torch.Tensor:
        parts = point.split([value.numel() for value in values])
        return loss(*(part.view_as(value) for part, value in zip(parts, values, strict=True)))

    many, found = torch.func.vmap(at), []
    with torch.no_grad():
        for start in range(0, len(flat), CHUNK):
            rows = torch.zeros(min(CHUNK, len(flat) - start), len(flat), dtype=torch.float64)
            rows[torch.arange(len(rows)), torch.arange(start, start + len(rows))] = STEP
            found.append((many(flat + rows) - many(flat - rows)) / (2 * STEP))
    return torch.cat(found)


def by_witness(network: Network, mode: Mode = Mode.ELEMENTS) -> WitnessReport:
    """The witness's report, the problem having been read."""
    *_, last = verify(network.training(), (), options_for(network, mode), never)
    assert isinstance(last, WitnessReport)
    return last


def timing_of(name: str, network: Network, repeats: int) -> Timing:
    """All three ways on one network, warm."""
    report = by_witness(network)
    training, options = network.training(), options_for(network)
    return Timing(
        name=name,
        parameters=network.size,
        witness=best_of(3 * repeats, lambda: list(verify(training, (), options, never))),
        gradcheck=best_of(1, lambda: by_gradcheck(network)),
        vmap=best_of(repeats, lambda: by_vmap(network)),
        evaluations=report.evaluations,
        verdict=report.verdict.name,
    )


@dataclass(frozen=True)
class Cost:
    """What AUTO chose for a perceptron of a size, and what that took."""

    parameters: int
    modes: str
    lines: int
    evaluations: int
    estimate: float
    seconds: float
    verdict: str


def cost_of(width: int, depth: int = 1) -> Cost:
    """A square perceptron: `depth` layers of width x width and one to a single output."""
    network = perceptron(*[width] * (depth + 1), 1)
    events = list(verify(network.training(), (), options_for(network, Mode.AUTO), never))
    estimate, report = events[0], events[-1]
    assert isinstance(estimate, WitnessEstimate)
    assert isinstance(report, WitnessReport)
    return Cost(
        parameters=network.size,
        modes=", ".join(f"{t.id.name} {t.mode.name.lower()}" for t in estimate.tensors),
        lines=sum(t.lines for t in estimate.tensors),
        evaluations=report.evaluations,
        estimate=estimate.seconds,
        seconds=report.seconds,
        verdict=report.verdict.name,
    )
