"""What a request asks of the witness: options, and what is wrong with them."""

from __future__ import annotations

import dataclasses
import math

from gradproof.v1 import gradient_service_pb2, tensor_pb2, witness_pb2

from gradproof_server.engine.numeric.types import Mode, Selection, WitnessOptions
from gradproof_server.engine.types import Quantity, TensorId, Violation

MOST_DIRECTIONS = 1_000
MOST_SAMPLES = 1_000_000
FUNCTION_EVALUATIONS = 1_000_000
"""Most evaluations of a caller's function where the caller does not say."""
_SCALARS = ("directions", "samples", "seed", "max_seconds", "max_evaluations")
_DIFFERENTIATED = (Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.NODE_GRADIENT)
_NOT_FOR_FUNCTIONS = ("only", "step", "second_order")


def verify_violations(request: gradient_service_pb2.VerifyGradientsRequest, most_seconds: float) -> list[Violation]:
    """What is wrong with a VerifyGradientsRequest besides its problem and claim, as far as it shows in the message."""
    steps = max(1, len(request.problem.steps))
    found = _options_violations(request.options, "options", most_seconds)
    if request.options.step >= steps:
        text = f"{request.options.step}; the problem has the steps 0 to {steps - 1}"
        found.append(Violation("options.step", "OUT_OF_RANGE", text))
    return found + _selection_violations(request.options, "options")


def function_violations(message: witness_pb2.WitnessOptions, path: str, most_seconds: float) -> list[Violation]:
    """What is wrong with the options of CheckFunction."""
    given = {field.name for field, _ in message.ListFields()}
    return _options_violations(message, path, most_seconds) + [
        Violation(f"{path}.{name}", "NOT_FOR_FUNCTIONS", "is for VerifyGradients only and must not be set here")
        for name in _NOT_FOR_FUNCTIONS
        if name in given
    ]


def witness_options(message: witness_pb2.WitnessOptions) -> WitnessOptions:
    """The options of a valid message; unset fields have their defaults."""
    return WitnessOptions(
        mode=Mode(message.mode or Mode.AUTO),
        only=tuple(_selection(selection, message.step) for selection in message.only),
        estimate_only=message.estimate_only,
        second_order=message.second_order,
        step=message.step,
        include_values=message.include_values,
        **{name: getattr(message, name) for name in _SCALARS if message.HasField(name)},
    )


def function_options(message: witness_pb2.WitnessOptions) -> WitnessOptions:
    """The options of a valid message of CheckFunction."""
    options = witness_options(message)
    return dataclasses.replace(options, max_evaluations=options.max_evaluations or FUNCTION_EVALUATIONS)


def _selection(message: witness_pb2.Selection, step: int) -> Selection:
    return Selection(TensorId(step, Quantity(message.id.quantity), message.id.name), tuple(message.elements))


def _options_violations(message: witness_pb2.WitnessOptions, path: str, most_seconds: float) -> list[Violation]:
    found = []
    if message.mode not in (0, *Mode):
        valid = ", ".join(f"WITNESS_MODE_{mode.name}" for mode in Mode)
        found.append(Violation(f"{path}.mode", "UNKNOWN_VALUE", f"{message.mode}; valid are {valid}"))
    ranges = {
        "directions": (1, MOST_DIRECTIONS),
        "samples": (0, MOST_SAMPLES),
        "max_seconds": (math.nextafter(0.0, 1.0), most_seconds),
        "max_evaluations": (1, math.inf),
    }
    texts = {
        "directions": f"must be from 1 to {MOST_DIRECTIONS}",
        "samples": f"must be from 0 to {MOST_SAMPLES}",
        "max_seconds": f"must be above 0 and at most {most_seconds:g}",
        "max_evaluations": "must be at least 1",
    }
    for name, (least, most) in ranges.items():
        value = getattr(message, name)
        if message.HasField(name) and not least <= value <= most:  # NaN is outside every range
            found.append(Violation(f"{path}.{name}", "OUT_OF_RANGE", f"{value}; {texts[name]}"))
    return found


def _selection_violations(message: witness_pb2.WitnessOptions, path: str) -> list[Violation]:
    found: list[Violation] = []
    seen: set[tuple[int, str]] = set()
    for i, selection in enumerate(message.only):
        at, id = f"{path}.only[{i}].id", selection.id
        if int(id.quantity) not in _DIFFERENTIATED:
            valid = ", ".join(f"QUANTITY_{quantity.name}" for quantity in _DIFFERENTIATED)
            name = tensor_pb2.Quantity.Name(id.quantity) if id.quantity in tensor_pb2.Quantity.values() else id.quantity
            found.append(Violation(f"{at}.quantity", "NOT_DIFFERENTIATED", f"{name}; valid are {valid}"))
        if id.step not in (0, message.step):
            text = f"{id.step}; unset, or the step that is looked at, {message.step}"
            found.append(Violation(f"{at}.step", "OUT_OF_RANGE", text))
        if (id.quantity, id.name) in seen:
            found.append(Violation(at, "GIVEN_TWICE", f"{id.name!r} is selected twice"))
        seen.add((id.quantity, id.name))
    return found
