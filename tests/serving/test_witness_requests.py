"""Options of the witness: defaults, ranges, and what is for one method only."""

from __future__ import annotations

import math
from typing import Any

import pytest
from gradproof.v1 import gradient_service_pb2, tensor_pb2, witness_pb2
from gradproof_server.engine.numeric.types import Mode, Selection, WitnessOptions
from gradproof_server.engine.types import Quantity, TensorId
from gradproof_server.serving import witness_requests

Options = witness_pb2.WitnessOptions


def violations(options: Options, **steps: int) -> list[tuple[str, str]]:
    """Paths and reasons of what is wrong with a VerifyGradientsRequest of so many steps."""
    request = gradient_service_pb2.VerifyGradientsRequest(options=options)
    for _ in range(steps.get("steps", 0)):
        request.problem.steps.add()
    return [(v.path, v.reason) for v in witness_requests.verify_violations(request, 600.0)]


def selection(quantity: int, name: str = "0.weight", step: int = 0, elements: Any = ()) -> witness_pb2.Selection:
    """A selection."""
    return witness_pb2.Selection(
        id=tensor_pb2.TensorId(quantity=quantity, name=name, step=step),  # type: ignore[arg-type]
        elements=elements,
    )


def test_unset_options_are_the_engine_s_defaults() -> None:
    """An empty message asks for what WitnessOptions() asks for, without violations."""
    assert violations(Options()) == []
    assert witness_requests.witness_options(Options()) == WitnessOptions()


def test_every_option_arrives() -> None:
    """Zeros that are set are not taken for unset; selections have the step that is looked at."""
    message = Options(
        mode=witness_pb2.WITNESS_MODE_DIRECTIONS,
        only=[selection(tensor_pb2.QUANTITY_INPUT_GRADIENT, "input", 3, [5, 1])],
        directions=7,
        samples=0,
        seed=2**64 - 1,
        max_seconds=0.5,
        max_evaluations=9,
        estimate_only=True,
        second_order=True,
        step=3,
        include_values=True,
    )
    assert violations(message, steps=4) == []
    only = (Selection(TensorId(3, Quantity.INPUT_GRADIENT, "input"), (5, 1)),)
    assert witness_requests.witness_options(message) == WitnessOptions(
        Mode.DIRECTIONS, only, 7, 0, 2**64 - 1, 0.5, 9, True, True, 3, True
    )


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        ("directions", (1, 1000), (0, 1001)),
        ("samples", (0, 1_000_000), (1_000_001,)),
        ("max_seconds", (1e-9, 600.0), (0.0, -1.0, 600.1, math.inf, math.nan)),
        ("max_evaluations", (1, 2**63), (0,)),
        ("mode", (0, 1, 2, 3), (4, -1)),
        ("step", (0, 1), (2,)),
    ],
)
def test_ranges_end_where_the_contract_says(field: str, right: Any, wrong: Any) -> None:
    """The last valid value is taken, the first invalid one is refused with the field's path."""
    reason = "UNKNOWN_VALUE" if field == "mode" else "OUT_OF_RANGE"
    for value in right:
        assert violations(Options(**{field: value}), steps=2) == []
    for value in wrong:
        assert violations(Options(**{field: value}), steps=2) == [(f"options.{field}", reason)]


def test_only_gradients_can_be_selected_and_each_once() -> None:
    """All that is wrong with the selections comes at once."""
    message = Options(
        only=[
            selection(tensor_pb2.QUANTITY_GRADIENT),
            selection(tensor_pb2.QUANTITY_UPDATED),
            selection(tensor_pb2.QUANTITY_GRADIENT),
            selection(99),
            selection(tensor_pb2.QUANTITY_NODE_GRADIENT, "0", step=1),
        ]
    )
    assert violations(message, steps=2) == [
        ("options.only[1].id.quantity", "NOT_DIFFERENTIATED"),
        ("options.only[2].id", "GIVEN_TWICE"),
        ("options.only[3].id.quantity", "NOT_DIFFERENTIATED"),
        ("options.only[4].id.step", "OUT_OF_RANGE"),
    ]


def test_a_function_has_no_steps_and_no_parts() -> None:
    """What is for VerifyGradients only is refused, each field by its path, besides what is out of range."""
    message = Options(only=[selection(tensor_pb2.QUANTITY_GRADIENT)], step=1, second_order=True, directions=0)
    found = witness_requests.function_violations(message, "start.options", 600.0)
    assert [(v.path, v.reason) for v in found] == [
        ("start.options.directions", "OUT_OF_RANGE"),
        ("start.options.only", "NOT_FOR_FUNCTIONS"),
        ("start.options.step", "NOT_FOR_FUNCTIONS"),
        ("start.options.second_order", "NOT_FOR_FUNCTIONS"),
    ]


def test_a_caller_s_function_is_not_evaluated_without_end() -> None:
    """A million evaluations, unless the caller says another number."""
    assert witness_requests.function_options(Options()).max_evaluations == 1_000_000
    assert witness_requests.function_options(Options(max_evaluations=5)).max_evaluations == 5
