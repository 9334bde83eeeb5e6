"""A network of 25 million parameters by directions and samples: memory, progress, and a stop half-way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from gradproof_server.engine.numeric import verify
from gradproof_server.engine.numeric.types import WitnessEvent, WitnessOptions, WitnessReport
from gradproof_server.engine.run import never

from .networks import perceptron

WIDTH = 2500
DEPTH = 4
MIB = 2**20


@dataclass(frozen=True)
class Large:
    """A run on a network of `parameters`. Sizes in MiB: of its float32 parameters, of the process before the run, and
    at its peak. The half run was given half the seconds of the whole one."""

    parameters: int
    own: float
    before: float
    peak: float
    seconds: float
    estimate: float
    verdict: str
    progress: int
    half_seconds: float
    half_done: int
    half_left: int
    half_complete: bool


def run(width: int = WIDTH) -> Large:
    """Verifies square layers, in this process."""
    torch.set_num_threads(1)
    network = perceptron(*[width] * (DEPTH + 1), batch=4, dtype=torch.float32)
    training, parameters = network.training(), network.size
    del network
    _forget_peak()
    before = _status("VmRSS")
    events = list(verify(training, (), WitnessOptions(max_seconds=3600.0), never))
    peak = _status("VmHWM")
    report = _report_of(events)
    half = _report_of(verify(training, (), WitnessOptions(max_seconds=report.seconds / 2), never))
    return Large(
        parameters=parameters,
        own=4 * parameters / MIB,
        before=before,
        peak=peak,
        seconds=report.seconds,
        estimate=events[0].seconds,  # type: ignore[union-attr]
        verdict=report.verdict.name,
        progress=Counter(type(event).__name__ for event in events)["WitnessProgress"],
        half_seconds=half.seconds,
        half_done=len(half.tensors),
        half_left=len(half.not_reached),
        half_complete=half.complete,
    )


def in_child(width: int = WIDTH) -> Large:
    """The same in a process of its own, so that nothing else counts."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.witness.large", str(width)], capture_output=True, text=True, check=True
    )
    return Large(**json.loads(done.stdout.splitlines()[-1]))


def _report_of(events: Iterable[WitnessEvent]) -> WitnessReport:
    *_, last = events
    assert isinstance(last, WitnessReport)
    return last


def _status(key: str) -> float:
    """A line of /proc/self/status, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:"))


def _forget_peak() -> None:
    """Lets the kernel count the peak of the resident memory from now on (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    print(json.dumps(asdict(run(int(sys.argv[1])))))
