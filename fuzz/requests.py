"""Requests: what a hostile client sends, answered by a real engine with small limits and little time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gradproof as gp
from google.protobuf.message import DecodeError
from gradproof.codec import decode
from gradproof.v1 import gradient_service_pb2, tensor_pb2, witness_pb2
from gradproof_server.engine import numeric
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.function_check import FunctionCheck, Reply
from gradproof_server.serving.function_claims import FunctionLimits
from gradproof_server.serving.methods import DirectContext, Methods, StreamMessage, Task, TaskResult

from fuzz.dialogues import FunctionRequests
from fuzz.invariants import check_failure
from fuzz.maker import LIMITS

ENGINE = Methods(LIMITS, 1 << 24, "cpu")
FUNCTION_LIMITS = FunctionLimits(LIMITS, max_elements=2_000, max_points_bytes=1 << 20, max_values_bytes=1 << 20)
BUDGET_SECONDS = 0.02
"""What a caller leaves for diagnosis and witness."""
LONGEST_SECONDS = 20.0
"""After which an answer, refusal included, is too late."""
_MOST_TURNS = 300


class TooLateError(Exception):
    """An answer took LONGEST_SECONDS."""


def compute(data: bytes) -> None:
    """ComputeGradients."""
    if response := _answer("ComputeGradients", data).response:
        decode(gp.Reference, gradient_service_pb2.ComputeGradientsResponse.FromString(response).reference)


def check(data: bytes) -> None:
    """CheckGradients, its explanation included."""
    if response := _answer("CheckGradients", data).response:
        str(decode(gp.Report, gradient_service_pb2.CheckGradientsResponse.FromString(response)))


def catalog(data: bytes) -> None:
    """ListCatalog."""
    if response := _answer("ListCatalog", data).response:
        decode(gp.Catalog, gradient_service_pb2.ListCatalogResponse.FromString(response))


def verify(data: bytes) -> None:
    """VerifyGradients."""
    parts: list[StreamMessage] = []
    _answer("VerifyGradients", data, parts)
    for part in parts:
        message = gradient_service_pb2.VerifyGradientsResponse.FromString(part.response)
        if message.WhichOneof("event") == "report":
            str(decode(gp.Verification, message.report))


def function(data: bytes) -> None:
    """CheckFunction: a claim, and values at the points that are asked for, as long as the dialogue goes."""
    try:
        said = iter(FunctionRequests.FromString(data).messages)  # type: ignore[attr-defined]
    except DecodeError:
        return
    started = time.monotonic()
    check = FunctionCheck(numeric.check_function, FUNCTION_LIMITS, 600.0, started + BUDGET_SECONDS)
    try:
        _converse(check, said)
    except Exception as error:
        check_failure(error_to_failure(error))
    finally:
        check.close()
    _check_time(started)


def _converse(check: FunctionCheck, said: Iterator[gradient_service_pb2.CheckFunctionRequest]) -> None:
    """Both sides in turn. The last that was said is said again until there is a report."""
    if (last := next(said, None)) is None:
        return
    output = last.start.claim.output
    reply = check.start(last.SerializeToString())
    for _ in range(_MOST_TURNS):
        if reply is None:
            return
        if reply.asks:
            last = next(said, last)
            reply = check.answer(_fitted(last, reply, output).SerializeToString())
        else:
            reply = check.advance()


def _fitted(
    message: gradient_service_pb2.CheckFunctionRequest, reply: Reply, output: tensor_pb2.Tensor
) -> gradient_service_pb2.CheckFunctionRequest:
    """Values for the batch that was asked for, of the bytes that the message has; a message with a batch goes as is.

    Nobody who writes a dialogue in advance knows what will be asked for.
    """
    if message.values.batch or message.WhichOneof("message") != "values":
        return message
    points = gradient_service_pb2.CheckFunctionResponse.FromString(reply.response).points
    size = points.points * len(output.data)
    data = message.values.values.data or b"\0"
    values = tensor_pb2.Tensor(
        dtype=output.dtype, shape=[points.points, *output.shape], data=(data * (size // len(data) + 1))[:size]
    )
    return gradient_service_pb2.CheckFunctionRequest(values=witness_pb2.BatchValues(batch=points.batch, values=values))


def _answer(method: str, request: bytes, parts: list[StreamMessage] | None = None) -> TaskResult:
    """The answer, which comes in time and is no fault of the server."""
    started = time.monotonic()
    front = DirectContext(
        lambda: time.monotonic() > started + LONGEST_SECONDS / 2, (parts if parts is not None else []).append
    )
    answer = ENGINE(Task(method, request, started + BUDGET_SECONDS), front)
    if answer.failure is not None:
        check_failure(answer.failure)
    _check_time(started)
    return answer


def _check_time(started: float) -> None:
    if (seconds := time.monotonic() - started) > LONGEST_SECONDS:
        raise TooLateError(f"{seconds:.1f} s")
