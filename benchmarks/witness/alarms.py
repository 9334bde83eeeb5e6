"""Does the witness raise false alarms: right gradients of many problems, in three dtypes, at kinks and ties too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import gradproof as gp
import torch
from gradproof_server.engine import Training, Wanted, read_problem, run
from gradproof_server.engine.numeric import verify
from gradproof_server.engine.numeric.types import Cause, Subject, WitnessOptions, WitnessReport
from gradproof_server.engine.run import never
from gradproof_server.engine.types import (
    Claim,
    ClaimedTensor,
    ComputedIn,
    InvalidProblemError,
    Limits,
    Quantity,
    Verdict,
)

from tests.support.random_problems.problems import random_problem

DTYPES = (torch.float64, torch.float32, torch.bfloat16)
CLAIMED = frozenset({Quantity.GRADIENT, Quantity.INPUT_GRADIENT})
LARGE = 1e8


def report_of(training: Training, claim: Claim = (), options: WitnessOptions | None = None) -> WitnessReport:
    """The report of a whole run."""
    (report,) = (
        event
        for event in verify(training, claim, options or WitnessOptions(), never)
        if isinstance(event, WitnessReport)
    )
    return report


def own_claim(training: Training) -> Claim:
    """What PyTorch computes in the training's dtype, claimed."""
    outcome = run(training, Wanted(CLAIMED))
    return tuple(
        ClaimedTensor(id, tensor, ComputedIn(training.dtype))
        for id, tensor in outcome.tensors.items()
        if id.quantity in CLAIMED and id.step == 0
    )


@dataclass(frozen=True)
class Said:
    """A verdict that is not AGREES, on a right gradient."""

    problem: str
    tensor: str
    subject: Subject
    verdict: Verdict
    cause: Cause
    text: str

    @property
    def is_pytorchs_own(self) -> bool:
        """Whether PyTorch is known not to compute the derivative there, or gives no number."""
        return "Known of PyTorch's" in self.text or self.text.endswith("nan is stated.")


def said_of(name: str, training: Training, claim: Claim) -> tuple[WitnessReport, list[Said]]:
    """What is said of right gradients, other than that they agree."""
    report = report_of(training, claim, WitnessOptions(second_order=training.dtype is torch.float64))
    found = [
        Said(name, f"{tensor.id.quantity.name} {tensor.id.name}", j.subject, j.verdict, j.cause, j.explanation)
        for tensor in report.tensors
        for j in tensor.judgements
        if j.verdict is not Verdict.AGREES
    ]
    return report, found


def _problem(layers: Sequence[Any], input: Any, loss: Any = None, target: Any = None) -> Training:
    made = gp.Problem(list(layers), input=input, target=target, loss=loss)
    return read_problem(made.to_proto(), Limits())


def _near(distance: float) -> Training:
    """A ReLU whose argument is at that distance from its kink."""
    linear = gp.Linear(2, 1, weight=[[1.0, -1.0]], bias=[distance])
    return _problem([linear, gp.ReLU()], [[0.5, 0.5]], gp.MSELoss(), [[1.0]])


TIES: dict[str, Callable[[], Training]] = {
    "ReLU at 0": lambda: _near(0.0),
    "ReLU 1e-12 from its kink": lambda: _near(1e-12),
    "ReLU 1e-6 from its kink": lambda: _near(1e-6),
    "ReLU 1e-3 from its kink": lambda: _near(-1e-3),
    "max pooling of equal elements": lambda: _problem(
        [gp.MaxPool1d(2)], [[[0.5, 0.5, -0.25, -0.25]]], gp.MSELoss(), [[[1.0, 1.0]]]
    ),
    "L1 loss at its minimum": lambda: _problem(
        [gp.Linear(2, 2, weight=[[1.0, 0.0], [0.0, 1.0]], bias=[0.0, 0.0])],
        [[0.5, -0.5]],
        gp.L1Loss(),
        [[0.5, 0.25]],
    ),
    "hard shrinkage at its threshold": lambda: _problem(
        [gp.Hardshrink(0.5)], [[0.5, -0.5, 0.75, 0.25]], gp.MSELoss(), [[0.0, 0.0, 0.0, 0.0]]
    ),
    "soft shrinkage at its threshold": lambda: _problem(
        [gp.Softshrink(0.5)], [[0.5, -0.5, 0.75, 0.25]], gp.MSELoss(), [[1.0, 0.0, 0.0, 0.0]]
    ),
    "hard tanh at its bounds": lambda: _problem([gp.Hardtanh()], [[1.0, -1.0, 0.5]], gp.MSELoss(), [[0.0, 0.0, 0.0]]),
    "a loss with 1e8 added": lambda: _problem(
        [gp.Linear(3, 1, weight=[[0.5, -0.25, 1.0]], bias=[LARGE])], [[0.3, 0.7, -0.4]], gp.L1Loss(), [[0.0]]
    ),
    "at the optimum": lambda: _problem(
        [gp.Linear(2, 1, weight=[[0.5, 0.25]], bias=[0.5])], [[1.0, 2.0]], gp.MSELoss(), [[1.5]]
    ),
    "dead units": lambda: _problem(
        [gp.Linear(2, 2, weight=[[0.5, 0.25], [1.0, 1.0]], bias=[-9.0, 0.5]), gp.ReLU()],
        [[1.0, 2.0]],
        gp.MSELoss(),
        [[1.5, 0.0]],
    ),
}


def right_problems(seeds: Iterator[int] | range) -> Iterator[tuple[str, Training, Claim]]:
    """Random problems of all families in three dtypes, and the ties in float64 and float32."""
    for seed in seeds:
        problem = random_problem(seed)
        for dtype in DTYPES:
            training = replace(problem.training, dtype=dtype)
            with suppress(InvalidProblemError):  # losses that PyTorch has no bfloat16 kernel for
                yield f"{problem.family} {seed} {str(dtype)[6:]}", training, own_claim(training)
    for name, make in TIES.items():
        for dtype in DTYPES[:2]:
            training = replace(make(), dtype=dtype)
            yield f"{name}, {str(dtype)[6:]}", training, own_claim(training)


def measure(seeds: range) -> tuple[Counter[str], list[Said]]:
    """Verdicts of whole reports, counted; and all that was said other than AGREES."""
    counts: Counter[str] = Counter()
    said: list[Said] = []
    for name, training, claim in right_problems(seeds):
        report, found = said_of(name, training, claim)
        wrong = [one for one in found if one.verdict is Verdict.DISAGREES]
        own = bool(wrong) and all(one.is_pytorchs_own for one in wrong)
        counts[report.verdict.name + " where PyTorch departs from the derivative" * own] += 1
        said += found
    return counts, said
