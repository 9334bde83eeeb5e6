"""Calls whose answer is a stream of events: the pure core that both clients share. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np
from google.protobuf.message import DecodeError

from gradproof._arguments import descriptor_of, fill
from gradproof._calls import ProblemLike, Timeout, Unset
from gradproof._channel import SERVICE
from gradproof._partial_report import partial_report
from gradproof._violations import Violations, near_miss
from gradproof.claim import Claim, ClaimLike, claim_to_proto
from gradproof.codec import decode
from gradproof.errors import CancelledError, DeadlineError, ServerError, invalid
from gradproof.problem import problem_to_proto
from gradproof.reference import Quantity, TensorName
from gradproof.v1 import gradient_service_pb2, problem_pb2, tensor_pb2, witness_pb2
from gradproof.witness import Estimate, Progress, TensorWitness, Verification, WitnessEvent

Selected: TypeAlias = str | TensorName
Only: TypeAlias = Selected | Iterable[Selected] | Mapping[Selected, Sequence[int] | None]
OnProgress: TypeAlias = Callable[[Progress], object]

CUT_OFF = (KeyboardInterrupt, DeadlineError, CancelledError)
"""What ends a call before its report; the result is then made of what has arrived."""
MAX_SECONDS = 60.0
"""After which servers end a check unless `max_seconds` states otherwise."""


class WitnessOptions(TypedDict, total=False):
    """How derivatives are checked, and how much that may cost.

    Keys:
        mode: "elements": each element by itself; "directions": random directions of signs, and some elements; "auto",
            the default: elements if that is cheap enough, else directions.
        directions: random directions per tensor in mode directions, 1 to 1,000; 4 by default.
        samples: elements per tensor that are checked individually in mode directions; 16 by default.
        seed: of directions and samples; 0 by default.
        max_seconds: after which the report covers what has been checked by then; 60 by default.
        max_evaluations: most evaluations of the function.
        include_values: True: return numerical derivatives and error bars of all checked elements.
    """

    mode: Literal["auto", "elements", "directions"]
    directions: int
    samples: int
    seed: int
    max_seconds: float
    max_evaluations: int
    include_values: bool


class VerifyOptions(WitnessOptions, total=False):
    """The options of WitnessOptions, and which tensors of a problem are checked.

    Keys:
        only: the tensors whose gradients are checked, as names of parameters, inputs or nodes ("0.weight") or as
            TensorNames; a mapping also states the row-major positions of the elements, or None for all. By default all
            parameters that are not frozen, all floating-point inputs, and what is claimed.
        second_order: True: check products of the Hessian with random directions too.
        step: the training step whose gradients are checked, from 0; 0 by default.
    """

    only: Only
    second_order: bool
    step: int


@dataclass
class StreamCall:
    """One call: where the request goes, and what has arrived. `read` takes the responses one by one.

    Attributes:
        path: of the call.
        request: the first message.
        response: the type of the responses.
        max_seconds: after which the server ends the check.
        expected, tensors, progress, report: what has arrived; of progress the latest.
        arrived: number of events other than progress in this attempt.
        passed_on: the largest such number in any attempt.
    """

    path: str
    request: bytes
    response: type[Any]
    max_seconds: float
    expected: witness_pb2.WitnessEstimate | None = None
    tensors: list[witness_pb2.TensorWitness] = field(default_factory=list)
    progress: witness_pb2.WitnessProgress = field(default_factory=witness_pb2.WitnessProgress)
    report: Verification | None = None
    arrived: int = 0
    passed_on: int = 0

    def limit(self, timeout: Timeout, default: float | None) -> float | None:
        """The deadline in seconds from now: the given one, else the client's own added to what the server may take."""
        if not isinstance(timeout, Unset):
            return timeout
        return None if default is None else default + self.max_seconds

    def restart(self) -> None:
        """Forgets what has arrived, before the request is sent again."""
        self.expected, self.report, self.arrived = None, None, 0
        self.tensors, self.progress = [], witness_pb2.WitnessProgress()

    def read(self, answer: bytes) -> WitnessEvent | witness_pb2.PointBatch:
        """The event of a response. Raises ServerError if it cannot be read."""
        try:
            message = self.response.FromString(answer)
        except DecodeError as error:
            raise ServerError(f"a response of {self.path} cannot be read: {error}") from error
        kind = message.WhichOneof(descriptor_of(message).oneofs[0].name)
        event = getattr(message, kind) if kind else None
        match event:
            case witness_pb2.WitnessEstimate():
                self.expected = event
                return decode(Estimate, event)
            case witness_pb2.WitnessProgress():
                self.progress = event
                return decode(Progress, event)
            case witness_pb2.TensorWitness():
                tensor = decode(TensorWitness, event)
                self.tensors.append(event)
                return tensor
            case witness_pb2.WitnessReport():
                self.report = decode(Verification, event)
                return self.report
            case witness_pb2.PointBatch():
                return event
        raise ServerError(f"the server sent a message of an unknown kind; it may be newer than this SDK: {message}")

    def is_news(self, event: WitnessEvent) -> bool:
        """Counts an event; whether it is new to the caller: another attempt repeats all events but progress."""
        if isinstance(event, Progress):
            return True
        self.arrived += 1
        news = self.arrived > self.passed_on
        self.passed_on = max(self.passed_on, self.arrived)
        return news

    def result(self) -> Verification:
        """The final result. Raises ServerError if the server ended the call without a report."""
        if self.report is None:
            raise ServerError(f"{self.path} ended without a report")
        return self.report

    def estimated(self) -> Estimate:
        """The estimate. Raises ServerError if the server sent none."""
        if self.expected is None:
            raise ServerError(f"{self.path} ended without an estimate")
        return decode(Estimate, self.expected)

    def cut_off(self, error: BaseException) -> Verification:
        """The result made of what arrived before one of the errors of CUT_OFF. Raises that error if nothing did."""
        if self.report is not None:
            return self.report
        if self.expected is None:
            raise error
        message = partial_report(self.expected, self.tensors, self.progress)
        why = "deadline" if isinstance(error, DeadlineError) else "interrupted"
        return decode(Verification, message, cut_off=why)


def verify_call(
    problem: ProblemLike, claim: ClaimLike | None, options: VerifyOptions, estimate_only: bool
) -> StreamCall:
    """VerifyGradients.

    Raises:
        InvalidProblemError: for what is wrong with the arguments.
        TypeError: an option is unknown.
    """
    message = problem_to_proto(problem)
    given = options_to_proto(VerifyOptions, options)
    request = gradient_service_pb2.VerifyGradientsRequest(problem=message, options=given)
    request.options.estimate_only = estimate_only
    for name, elements in _selected(options.get("only")).items():
        request.options.only.add(id=_tensor_id(name, message, given.step), elements=_positions(elements, name))
    if claim is not None:
        request.claim.CopyFrom(claim_to_proto(_at_step(claim, given.step), message))
    max_seconds = 0.0 if estimate_only else seconds_of(given)
    response = gradient_service_pb2.VerifyGradientsResponse
    return StreamCall(f"/{SERVICE}/VerifyGradients", request.SerializeToString(), response, max_seconds)


def options_to_proto(kind: type[Any], options: Mapping[str, Any]) -> witness_pb2.WitnessOptions:
    """The message of the options, except `only`.

    Raises:
        InvalidProblemError: an option is of the wrong type.
        TypeError: an option is none of `kind`.
    """
    known = sorted(kind.__optional_keys__)
    for name in options:
        if name not in known:
            raise TypeError(f"there is no option {name!r}{near_miss(name, known)}")
    message, found = witness_pb2.WitnessOptions(), Violations()
    fill(message, (), {name: value for name, value in options.items() if name != "only"}, "options", found)
    found.raise_if_any()
    return message


def seconds_of(options: witness_pb2.WitnessOptions) -> float:
    """Seconds after which the server ends a check."""
    return options.max_seconds if options.HasField("max_seconds") else MAX_SECONDS


def _selected(only: Only | None) -> dict[Selected, Sequence[int] | None]:
    if only is None:
        return {}
    if isinstance(only, (str, TensorName)):
        return {only: None}
    return dict(only) if isinstance(only, Mapping) else dict.fromkeys(only)


def _positions(elements: Sequence[int] | None, name: Selected) -> list[int]:
    """Row-major positions. Raises InvalidProblemError if one is not a non-negative integer."""
    positions = [] if elements is None else list(elements)
    for position in positions:
        if isinstance(position, bool) or not isinstance(position, (int, np.integer)) or not 0 <= position < 2**64:
            text = f"{position!r} is not the row-major position of an element; the first is 0"
            raise invalid(f'options.only["{name}"]', "OUT_OF_RANGE", text)
    return positions


def _tensor_id(name: Selected, problem: problem_pb2.Problem, step: int) -> tensor_pb2.TensorId:
    """The gradient of the input or node with this name, else that of a parameter."""
    if isinstance(name, TensorName):
        quantity = f"QUANTITY_{name.quantity.name}"
        return tensor_pb2.TensorId(quantity=quantity, name=name.name, step=name.step or step)
    nodes = {node.name or str(i) for i, node in enumerate(problem.network.nodes)}
    inputs = {*problem.inputs, *(name for part in problem.steps for name in part.inputs)}
    kinds = ((inputs, Quantity.INPUT_GRADIENT), (nodes, Quantity.NODE_GRADIENT))
    kind = next((kind for names, kind in kinds if name in names), Quantity.GRADIENT)
    return _tensor_id(TensorName(step, kind, str(name)), problem, step)


def _at_step(claim: ClaimLike, step: int) -> ClaimLike:
    """The claim for the step that is checked, unless it names a step of its own."""
    return replace(claim, step=step) if isinstance(claim, Claim) and claim.step is None else claim
