"""Answers: what one request does on the engine's thread, from the bytes of the request to the bytes of the response,
or of the parts of a stream."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import torch
from gradproof.codec import encode
from gradproof.v1 import catalog_pb2, comparison_pb2, gradient_service_pb2, problem_pb2

from gradproof_server import engine
from gradproof_server.engine import numeric
from gradproof_server.engine.numeric.types import WitnessEvent, WitnessProgress, WitnessReport
from gradproof_server.engine.types import (
    Cost,
    Diagnosis,
    InvalidProblemError,
    Limits,
    Outcome,
    ShouldStop,
    StoppedError,
    Verdict,
    Violation,
)
from gradproof_server.serving import messages, requests, wire, witness_requests
from gradproof_server.serving.errors import ResponseTooLargeError
from gradproof_server.serving.failures import Failure, error_to_failure

PHASES = ("read", "run", "compare", "diagnose", "verify", "encode")
UNEXPLAINED = "none"
"""In place of the codes of mistakes: nothing explains the disagreement."""
_DEVICES = {"auto": problem_pb2.DEVICE_AUTO, "cpu": problem_pb2.DEVICE_CPU, "cuda": problem_pb2.DEVICE_CUDA}


@dataclass(frozen=True)
class Task:
    """A request: the method's name, the serialized message, and when its answer is worth nothing any more.

    deadline: by time.monotonic(), which all processes of a machine share; None: never. caller: whose turn it takes.
    """

    method: str
    request: bytes
    deadline: float | None = None
    caller: str = ""


@dataclass(frozen=True)
class StreamMessage:
    """A serialized message of an answer that is a stream. passing: a later passing one makes it worthless. asks: the
    caller has to answer it before there is another one."""

    response: bytes
    passing: bool = False
    asks: bool = False


SendMessage: TypeAlias = Callable[[StreamMessage], None]


def no_messages(_part: StreamMessage) -> None:
    """For answers that are one message."""


class TaskContext(Protocol):
    """What a task, while it is done, can say to and ask of the side that wants its answer."""

    def should_stop(self) -> bool:
        """Whether nobody waits for the answer any more; to be asked between pieces of work."""

    def send(self, part: StreamMessage) -> None:
        """Passes on a part of an answer that is a stream. Does not wait for whoever reads it."""

    def reserve(self, cost: Cost) -> None:
        """Waits until there is room for a problem of this cost. Raises StoppedError."""

    def hear(self) -> bytes:
        """The caller's answer to the last part, which asked for one; waits for it. Raises StoppedError."""


class DirectContext:
    """A `TaskContext` of somebody who has the engine for himself.

    Args:
        should_stop: whether to stop.
        send: takes the parts.
    """

    def __init__(self, should_stop: ShouldStop = engine.never, send: SendMessage = no_messages) -> None:
        self.should_stop, self.send = should_stop, send

    def reserve(self, _cost: Cost) -> None:
        """There is always room."""

    def hear(self) -> bytes:
        """There is nobody who could answer."""
        raise StoppedError("nobody answers")


TaskHandler: TypeAlias = Callable[[Task, TaskContext], "TaskResult"]


@dataclass(frozen=True)
class Phase:
    """When a stage began and ended, by time.monotonic(), which all processes of a machine share, and the seconds that
    it took: fewer than lie between, where it was done in several pieces, as for the messages of a stream."""

    begin: float
    end: float
    seconds: float


@dataclass(frozen=True)
class Facts:
    """What is worth counting of an answer. `stages` has each stage that was reached, by its name, in the order of their
    begins; `findings` the codes of the first explanation, "none" where nothing explains a disagreement."""

    stages: Mapping[str, Phase] = field(default_factory=dict)
    nodes: int | None = None
    parameters: int | None = None
    verdict: Verdict | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskResult:
    """The serialized response (empty after the parts of a stream), or the failure in its place; and what is worth
    counting."""

    response: bytes = b""
    failure: Failure | None = None
    facts: Facts = Facts()


@dataclass(frozen=True)
class CallLimits:
    """Limits that hold outside the engine, to be told with the catalogue: the fields of `gradproof.v1.Limits`."""

    max_call_seconds: float = 0.0
    max_function_elements: int = 0
    max_calls_per_caller: int = 0
    max_bytes_per_caller: int = 0


@dataclass(frozen=True)
class Methods:
    """Answers tasks by the engine, on the thread that calls it. Never raises: what goes wrong is the answer's failure.

    device: "auto", "cpu" or "cuda", for problems that name none. max_witness_seconds: most that a caller may allow.
    documentation_url: where the pages of mistakes are served, for the findings; None: nowhere.
    """

    limits: Limits
    max_response_bytes: int
    device: str = "auto"
    max_witness_seconds: float = 600.0
    call_limits: CallLimits = CallLimits()
    documentation_url: str | None = None

    def __call__(self, task: Task, front: TaskContext | None = None) -> TaskResult:
        """The answer to one task, the parts of a stream by `front`."""
        front = front or DirectContext()
        notes = Notes()
        try:
            if (stream := STREAMING.get(task.method)) is not None:
                for part in stream(self, task, front, notes):
                    front.send(part)
                return TaskResult(facts=notes.facts())
            chunks = UNARY[task.method](self, task, front, notes)
            with notes.stage("encode"):
                response = self._joined(chunks)
            return TaskResult(response, facts=notes.facts())
        except Exception as error:
            return TaskResult(failure=error_to_failure(error), facts=notes.facts())

    def _joined(self, chunks: wire.Chunks) -> bytes:
        if (size := wire.size(chunks)) > self.max_response_bytes:
            raise ResponseTooLargeError(size, self.max_response_bytes)
        return b"".join(chunks)

    def _read(
        self, problem: problem_pb2.Problem, more: list[Violation], front: TaskContext, notes: Notes
    ) -> engine.Training:
        """The training run of a problem, once there is room for it; raises InvalidProblemError with its violations and
        `more`, all at once."""
        if problem.device in (problem_pb2.DEVICE_UNSPECIFIED, problem_pb2.DEVICE_AUTO):
            problem.device = _DEVICES[self.device]
        try:
            training = engine.read_problem(problem, self.limits)
        except InvalidProblemError as error:
            raise InvalidProblemError(error.violations + more) from None
        if more:
            raise InvalidProblemError(more)
        notes.nodes, notes.parameters = training.nodes, training.parameters
        front.reserve(training.cost)
        return training

    def compute_gradients(self, task: Task, front: TaskContext, notes: Notes) -> wire.Chunks:
        """ComputeGradientsRequest to ComputeGradientsResponse."""
        with notes.stage("read"):
            request = gradient_service_pb2.ComputeGradientsRequest.FromString(task.request)
            training = self._read(request.problem, requests.compute_violations(request), front, notes)
            wanted = requests.compute_wanted(request)
            del request  # the engine has its tensors
        with notes.stage("run"):
            outcome = engine.run(training, wanted, front.should_stop)
        with notes.stage("encode"):
            return messages.compute_response_to_chunks(_reference_to_chunks(training, outcome, wanted))

    def check_gradients(self, task: Task, front: TaskContext, notes: Notes) -> wire.Chunks:
        """CheckGradientsRequest to CheckGradientsResponse."""
        with notes.stage("read"):
            request = gradient_service_pb2.CheckGradientsRequest.FromString(task.request)
            training = self._read(request.problem, requests.check_violations(request), front, notes)
            claim = engine.read_claim(request.claim, training, self.limits)
            wanted = requests.check_wanted(request, claim)
            options = None if request.diagnosis.disabled else requests.diagnosis_options(request.diagnosis)
            del request
        with notes.stage("run"):
            outcome = engine.run(training, wanted, front.should_stop)
        with notes.stage("compare"):
            calibration = engine.calibration_of(training, outcome, claim, front.should_stop)
            comparisons = engine.compare(training, outcome, claim, front.should_stop, calibration)
        notes.verdict = engine.overall(comparisons)
        diagnosis = None
        if options is not None:
            with notes.stage("diagnose"):
                options = requests.within(options, task.deadline)
                diagnosis = engine.diagnose(
                    training, outcome, claim, comparisons, options, front.should_stop, calibration
                )
        notes.findings = _codes(notes.verdict, diagnosis)
        with notes.stage("encode"):
            response = gradient_service_pb2.CheckGradientsResponse(
                verdict=f"VERDICT_{notes.verdict.name}",
                comparisons=[encode(comparison, comparison_pb2.Comparison) for comparison in comparisons],
                diagnosis=None
                if diagnosis is None
                else messages.diagnosis_to_message(diagnosis, self.documentation_url),
            )
            return messages.check_response_to_chunks(response, _reference_to_chunks(training, outcome, wanted))

    def verify_gradients(self, task: Task, front: TaskContext, notes: Notes) -> Iterator[StreamMessage]:
        """VerifyGradientsRequest to VerifyGradientsResponses."""
        with notes.stage("read"):
            request = gradient_service_pb2.VerifyGradientsRequest.FromString(task.request)
            more = witness_requests.verify_violations(request, self.max_witness_seconds)
            training = self._read(request.problem, more, front, notes)
            claimed = request.HasField("claim")
            claim = engine.read_claim(request.claim, training, self.limits) if claimed else ()
            options = witness_requests.witness_options(request.options)
            options = requests.within(options, task.deadline, self.max_witness_seconds)
            del request
        told = 0
        for event in _timed(numeric.verify(training, claim, options, front.should_stop), notes):
            with notes.stage("encode"):
                response = messages.event_to_bytes(event, gradient_service_pb2.VerifyGradientsResponse)
            passing = isinstance(event, WitnessProgress)
            # The report repeats what was told before: what could not be told again is refused while it is young, and
            # no slow reader lets more than this pile up.
            told += 0 if passing or isinstance(event, WitnessReport) else len(response)
            if max(told, len(response)) > self.max_response_bytes:
                raise ResponseTooLargeError(max(told, len(response)), self.max_response_bytes)
            if isinstance(event, WitnessReport):
                notes.verdict = event.verdict
            yield StreamMessage(response, passing)

    def list_catalog(self, task: Task, _front: TaskContext, notes: Notes) -> wire.Chunks:
        """ListCatalogRequest to ListCatalogResponse."""
        with notes.stage("read"):
            gradient_service_pb2.ListCatalogRequest.FromString(task.request)
        return [_catalog(self)]


class Notes:
    """The facts of an answer while they come about."""

    def __init__(self) -> None:
        self.stages: dict[str, Phase] = {}
        self.nodes: int | None = None
        self.parameters: int | None = None
        self.verdict: Verdict | None = None
        self.findings: tuple[str, ...] = ()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Takes the time of a stage, or of a further part of it."""
        begin = time.monotonic()
        try:
            yield
        finally:
            end = time.monotonic()
            before = self.stages.get(name, Phase(begin, begin, 0.0))
            self.stages[name] = Phase(before.begin, end, before.seconds + end - begin)

    def facts(self) -> Facts:
        """What has come about so far."""
        return Facts(dict(self.stages), self.nodes, self.parameters, self.verdict, self.findings)


def _codes(verdict: Verdict, diagnosis: Diagnosis | None) -> tuple[str, ...]:
    if diagnosis is None or verdict is not Verdict.DISAGREES:
        return ()
    return diagnosis.findings[0].codes if diagnosis.findings else (UNEXPLAINED,)


def _timed(events: Iterator[WitnessEvent], notes: Notes) -> Iterator[WitnessEvent]:
    """The events; the time between them is that of the stage "verify"."""
    while True:
        with notes.stage("verify"):
            event = next(events, None)
        if event is None:
            return
        yield event


UNARY: Mapping[str, Callable[[Methods, Task, TaskContext, Notes], wire.Chunks]] = {
    "ComputeGradients": Methods.compute_gradients,
    "CheckGradients": Methods.check_gradients,
    "ListCatalog": Methods.list_catalog,
}
"""Methods whose answer is one message."""
STREAMING: Mapping[str, Callable[[Methods, Task, TaskContext, Notes], Iterator[StreamMessage]]] = {
    "VerifyGradients": Methods.verify_gradients,
}
"""Methods whose answer is a stream of messages."""


def _reference_to_chunks(training: engine.Training, outcome: Outcome, wanted: engine.Wanted) -> wire.Chunks:
    tensors = {id: tensor for id, tensor in outcome.tensors.items() if wanted.has(id)}
    rest = gradient_service_pb2.Reference(
        learning_rates=outcome.learning_rates,
        environment=messages.environment_to_message(outcome.device, outcome.dtype),
        parameters=training.parameters,
        flops=training.flops,
        seconds=outcome.seconds,
    )
    return messages.reference_to_chunks(tensors, rest)


@functools.lru_cache(maxsize=4)
def _catalog(engine_: Methods) -> bytes:
    response = encode(engine.catalog(), gradient_service_pb2.ListCatalogResponse)
    response.limits.CopyFrom(encode(engine_.limits, catalog_pb2.Limits))
    response.limits.max_response_bytes = engine_.max_response_bytes
    response.limits.max_witness_seconds = engine_.max_witness_seconds
    for name, value in vars(engine_.call_limits).items():
        setattr(response.limits, name, value)
    response.environment.CopyFrom(messages.environment_to_message(_default_device(engine_.device), torch.float64))
    response.devices.extend(["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])
    return response.SerializeToString()


def _default_device(device: str) -> str:
    there = torch.cuda.is_available() and device != "cpu"
    return engine.device_name(torch.device("cuda:0" if there else "cpu"))
