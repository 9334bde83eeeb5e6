"""Kinds of calls that traffic is made of, each with its right answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gradproof as gp
import numpy as np
from gradproof.demo import CLAIMED, founding_problem
from gradproof.errors import CallError, DeadlineError, InvalidProblemError, ResourceExhaustedError

from tests.support.traffic.fingerprint import fingerprint

SHORT_SECONDS = 0.3
_MOST_STEPS = 1000
_TOO_LATE = (DeadlineError, ResourceExhaustedError)
"""What a call gets that has no time: a full server tells it at once to come later than its deadline."""


@dataclass(frozen=True)
class Kind:
    """A call of the SDK, by the name of the client's method and its arguments.

    weight: its share of the traffic. error: what it must raise, in place of an answer; one of several. cancelled: the
    caller gives it up after a moment; nothing must come of it.
    """

    name: str
    weight: float
    method: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    error: type[CallError] | tuple[type[CallError], ...] | None = None
    reason: str = ""
    cancelled: bool = False
    check: Callable[[Any], bool] = lambda _answer: True

    def expects(self, error: Exception) -> bool:
        """Whether this is what it must raise."""
        return self.error is not None and isinstance(error, self.error) and self.reason in ("", error.reason)


def kinds() -> tuple[Kind, ...]:
    """The mixture."""
    medium, large = dense(256, 64, 32, 3), dense(2048, 2048, 4, 1)
    small, long = founding_problem(), endless()
    last = {"include": ["loss"], "steps": [_MOST_STEPS - 1]}
    return (
        Kind("compute small", 40, "compute", (small,)),
        Kind("compute medium", 8, "compute", (medium,), {"include": "all"}),
        Kind("compute large", 1.5, "compute", (large,), {"include": ["gradients"]}),
        Kind("check right", 16, "check", (medium, right_claim(medium)), check=lambda report: report.agrees),
        Kind("check wrong", 10, "check", (small, gp.Claim(updated={"1.weight": CLAIMED})), check=_names_the_mistake),
        Kind("verify", 2, "verify", (smooth(),), check=lambda verification: verification.agrees),
        Kind("check function", 2, "check_function", (_cube, np.linspace(0.5, 1.5, 6)), {"gradient": _cube_gradient}),
        Kind("list catalog", 2, "catalog"),
        Kind("invalid", 5, "compute", (_invalid(),), error=InvalidProblemError, reason="INVALID_PROBLEM"),
        Kind("short deadline", 3, "compute", (long,), {**last, "timeout": SHORT_SECONDS}, error=_TOO_LATE),
        Kind("cancelled", 3, "compute", (long,), last, cancelled=True),
    )


def right_answers(kinds: tuple[Kind, ...], client: gp.Client) -> dict[str, str]:
    """The fingerprint of each kind's answer by its name, of those that have one. Raises AssertionError where an answer
    is not what is known of it."""
    answers = {}
    for kind in kinds:
        if kind.error is None and not kind.cancelled:
            answer = getattr(client, kind.method)(*kind.arguments, **kind.options)
            assert kind.check(answer), f"{kind.name}: {answer}"
            answers[kind.name] = fingerprint(answer)
    return answers


def dense(inputs: int, outputs: int, batch: int, steps: int) -> gp.Problem:
    """A layer of inputs x outputs float32 parameters with a non-linearity, so many steps of Adam in float64."""
    random = np.random.default_rng(inputs)
    weight = random.standard_normal((outputs, inputs), dtype=np.float32) / np.float32(inputs**0.5)
    return gp.Problem(
        [gp.Linear(inputs, outputs, bias=False), gp.Tanh()],
        parameters={"0.weight": weight},
        input=random.standard_normal((batch, inputs), dtype=np.float32),
        target=np.zeros((batch, outputs), dtype=np.float32),
        loss=gp.MSELoss(),
        optimizer=gp.Adam(lr=0.01),
        steps=steps,
    )


def right_claim(problem: gp.Problem) -> gp.Claim:
    """What somebody claims who computed the first gradient of such a layer rightly, without PyTorch."""
    assert problem.parameters is not None
    weight, x = np.asarray(problem.parameters["0.weight"], float), np.asarray(problem.input, float)
    y = np.tanh(x @ weight.T)
    slope = 2 * y * (1 - y**2) / y.size
    return gp.Claim(gradients={"0.weight": (slope.T @ x).astype(np.float32)})


def smooth() -> gp.Problem:
    """A problem of 35 parameters without kinks."""
    random = np.random.default_rng(1)
    first, second = random.standard_normal((5, 6)), random.standard_normal((1, 5))
    return gp.Problem(
        [gp.Linear(6, 5, bias=False, weight=first), gp.Tanh(), gp.Linear(5, 1, bias=False, weight=second)],
        input=random.standard_normal((4, 6)),
        target=np.zeros((4, 1)),
        loss=gp.MSELoss(),
    )


def endless() -> gp.Problem:
    """A problem of so many steps, of some ten milliseconds each, that nobody waits for its end."""
    return dense(512, 512, 512, _MOST_STEPS)


def _invalid() -> gp.Problem:
    return gp.Problem([gp.Linear(2, 3, weight=np.ones((3, 2)), bias=False)], input=[1.0, 2.0, 3.0], loss=gp.L1Loss())


def _names_the_mistake(report: gp.Report) -> bool:
    assert report.diagnosis is not None
    return report.diagnosis.findings[0].codes == ("loss.half_squared_error_instead_of_l1",)


def _cube(x: Any) -> Any:
    return (x**3).sum()


def _cube_gradient(x: Any) -> Any:
    return 3 * x**2
