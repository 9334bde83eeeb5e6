"""One function of one caller: the engine's generator, between the bytes that come in and those that go out."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from gradproof.v1 import gradient_service_pb2

from gradproof_server.engine import never
from gradproof_server.engine.numeric.types import (
    FunctionClaim,
    FunctionEvent,
    PointBatch,
    WitnessOptions,
    WitnessReport,
)
from gradproof_server.engine.types import InvalidProblemError, ShouldStop, StoppedError, Violation
from gradproof_server.serving import messages, requests, witness_requests
from gradproof_server.serving.errors import ResponseTooLargeError
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.function_claims import FunctionLimits, check_directions, read_function_claim, read_values
from gradproof_server.serving.methods import Notes, StreamMessage, Task, TaskContext, TaskResult

Events: TypeAlias = Generator[FunctionEvent, torch.Tensor | None, None]
Checker: TypeAlias = Callable[[FunctionClaim, WitnessOptions, ShouldStop], Events]


@dataclass(frozen=True)
class Reply:
    """A serialized message to the caller. asks: whether the caller has to answer it."""

    response: bytes
    asks: bool


class FunctionCheck:
    """One check.

    Args:
        checker: the engine's `check_function`.
        limits: what the claim may ask for.
        max_seconds: most seconds that the caller may allow.
        deadline: when the report is worth nothing any more, by time.monotonic(); None: never.
        should_stop: whether the caller is gone.
    """

    def __init__(
        self,
        checker: Checker,
        limits: FunctionLimits,
        max_seconds: float,
        deadline: float | None = None,
        should_stop: ShouldStop = never,
    ) -> None:
        self.notes = Notes()
        self._checker, self._limits = checker, limits
        self._max_seconds, self._deadline = max_seconds, deadline
        self._should_stop = should_stop
        self._events: Events | None = None
        self._output: torch.Tensor | None = None
        self._asked: PointBatch | None = None

    def close(self) -> None:
        """Frees the computation."""
        if self._events is not None:
            self._events.close()
        self._events = self._output = self._asked = None

    def start(self, request: bytes) -> Reply | None:
        """Takes the first message of the caller; the first reply."""
        with self.notes.stage("read"):
            message = gradient_service_pb2.CheckFunctionRequest.FromString(request)
            _check_kind(message, "start", "the first message must be a start")
            claim, options = self._read(message.start)
        self._output = claim.output
        self._events = self._checker(claim, options, self._should_stop)
        return self.advance()

    def _read(self, start: gradient_service_pb2.FunctionStart) -> tuple[FunctionClaim, WitnessOptions]:
        found = witness_requests.function_violations(start.options, "start.options", self._max_seconds)
        try:
            claim = read_function_claim(start.claim, self._limits, "start.claim")
        except InvalidProblemError as error:
            raise InvalidProblemError(error.violations + found) from None
        if found:
            raise InvalidProblemError(found)
        options = witness_requests.function_options(start.options)
        check_directions(claim, options, self._limits, "start.options")
        return claim, requests.within(options, self._deadline, self._max_seconds)

    def answer(self, request: bytes) -> Reply | None:
        """Takes the caller's values at the points of the last reply; the next reply."""
        assert self._asked is not None
        assert self._output is not None
        with self.notes.stage("read"):
            message = gradient_service_pb2.CheckFunctionRequest.FromString(request)
            _check_kind(message, "values", "every message after the first must have values")
            values = read_values(message.values, self._asked, self._output, "values")
        return self.advance(values)

    def advance(self, values: torch.Tensor | None = None) -> Reply | None:
        """The next reply; None where the check is over."""
        assert self._events is not None
        if self._should_stop():
            raise StoppedError("the caller does not wait any more")
        try:
            # What overflows in a caller's values is data. Not in the generator, which would keep it between steps.
            with self.notes.stage("verify"), np.errstate(all="ignore"):
                event = self._events.send(values)
        except StopIteration:
            return None
        self._asked = event if isinstance(event, PointBatch) else None
        if isinstance(event, WitnessReport):
            self.notes.verdict = event.verdict
        with self.notes.stage("encode"):
            response = messages.event_to_bytes(event, gradient_service_pb2.CheckFunctionResponse)
        if len(response) > self._limits.max_points_bytes:
            raise ResponseTooLargeError(len(response), self._limits.max_points_bytes)
        return Reply(response, self._asked is not None)


@dataclass(frozen=True)
class FunctionEngine:
    """Answers streams of CheckFunction: an `Answerer` that talks with its caller.

    checker: the engine's `check_function`. limits: what a claim may ask for. max_seconds: most that a caller may allow.
    """

    checker: Checker
    limits: FunctionLimits
    max_seconds: float

    def __call__(self, task: Task, front: TaskContext) -> TaskResult:
        """One check, from the first message to the report."""
        check = FunctionCheck(self.checker, self.limits, self.max_seconds, task.deadline, front.should_stop)
        try:
            reply = check.start(task.request)
            while reply is not None:
                front.send(StreamMessage(reply.response, asks=reply.asks))
                reply = check.answer(front.hear()) if reply.asks else check.advance()
            return TaskResult(facts=check.notes.facts())
        except Exception as error:
            return TaskResult(failure=error_to_failure(error), facts=check.notes.facts())
        finally:
            check.close()


def _check_kind(message: gradient_service_pb2.CheckFunctionRequest, kind: str, text: str) -> None:
    if message.WhichOneof("message") != kind:
        raise InvalidProblemError([Violation(kind, "REQUIRED", text)])
