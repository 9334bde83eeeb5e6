"""What a request asks for besides its problem and claim: which tensors to return, how much explanation."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterable
from typing import TypeVar

from gradproof.v1 import diagnosis_pb2, gradient_service_pb2

from gradproof_server import engine
from gradproof_server.engine.numeric.types import WitnessOptions
from gradproof_server.engine.types import Claim, DiagnosisOptions, Quantity, Violation

_Options = TypeVar("_Options", DiagnosisOptions, WitnessOptions)
_USUAL = frozenset({Quantity.LOSS, Quantity.OUTPUT, Quantity.GRADIENT, Quantity.UPDATED})
_MOST_COMBINED = 3
_SHARE_OF_REMAINING_TIME = 0.8


def compute_wanted(request: gradient_service_pb2.ComputeGradientsRequest) -> engine.Wanted:
    """The tensors that a valid ComputeGradientsRequest asks for."""
    quantities = frozenset(map(Quantity, request.include)) or _USUAL
    return engine.Wanted(quantities, steps=frozenset(request.steps) or None)


def check_wanted(request: gradient_service_pb2.CheckGradientsRequest, claim: Claim) -> engine.Wanted:
    """The tensors that a valid CheckGradientsRequest asks for: the claimed ones and the included quantities."""
    return engine.Wanted(frozenset(map(Quantity, request.include)), frozenset(tensor.id for tensor in claim))


def compute_violations(request: gradient_service_pb2.ComputeGradientsRequest) -> list[Violation]:
    """What is wrong with a ComputeGradientsRequest besides its problem."""
    steps = max(1, len(request.problem.steps))
    too_late = [
        Violation(f"steps[{i}]", "OUT_OF_RANGE", f"{step}; the problem has the steps 0 to {steps - 1}")
        for i, step in enumerate(request.steps)
        if step >= steps
    ]
    return _include_violations(request.include) + too_late


def check_violations(request: gradient_service_pb2.CheckGradientsRequest) -> list[Violation]:
    """What is wrong with a CheckGradientsRequest besides its problem and claim."""
    return _include_violations(request.include) + _diagnosis_violations(request.diagnosis)


def diagnosis_options(message: diagnosis_pb2.DiagnosisOptions) -> DiagnosisOptions:
    """The options of a valid message; unset fields have their defaults."""
    names = ("max_seconds", "max_combination", "max_findings")
    return DiagnosisOptions(**{name: getattr(message, name) for name in names if message.HasField(name)})


def within(options: _Options, deadline: float | None, most_seconds: float = math.inf) -> _Options:
    """The options with no more seconds than `most_seconds`, and than leave time to answer before the deadline (of
    time.monotonic())."""
    if deadline is not None:
        most_seconds = min(most_seconds, _SHARE_OF_REMAINING_TIME * max(0.0, deadline - time.monotonic()))
    return dataclasses.replace(options, max_seconds=min(options.max_seconds, most_seconds))


def _include_violations(include: Iterable[int]) -> list[Violation]:
    valid = ", ".join(f"QUANTITY_{quantity.name}" for quantity in Quantity)
    return [
        Violation(f"include[{i}]", "UNKNOWN_VALUE", f"{number}; valid are {valid}")
        for i, number in enumerate(include)
        if number not in set(Quantity)
    ]


def _diagnosis_violations(message: diagnosis_pb2.DiagnosisOptions) -> list[Violation]:
    options = diagnosis_options(message)
    checks = {
        "max_seconds": (0 < options.max_seconds < math.inf, f"{options.max_seconds}; must be above 0 and finite"),
        "max_combination": (
            1 <= options.max_combination <= _MOST_COMBINED,
            f"{options.max_combination}; must be from 1 to {_MOST_COMBINED}",
        ),
        "max_findings": (options.max_findings >= 1, f"{options.max_findings}; must be at least 1"),
    }
    return [Violation(f"diagnosis.{name}", "OUT_OF_RANGE", text) for name, (right, text) in checks.items() if not right]
