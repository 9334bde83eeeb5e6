"""Responses: what a hostile server, or a broken one, sends to the SDK. Nothing but errors of the SDK may come of it."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from google.protobuf.message import DecodeError, Message
from gradproof import _calls, _function_calls, _status, _witness_calls
from gradproof.claim import Claim
from gradproof.errors import CallError, CancelledError
from gradproof.v1 import error_pb2, problem_pb2, witness_pb2

from fuzz.dialogues import FunctionResponses, VerifyResponses

_PROBLEM = problem_pb2.Problem()
_CODES = tuple(code for code in grpc.StatusCode if code is not grpc.StatusCode.OK)


def compute(data: bytes) -> None:
    """A ComputeGradientsResponse."""
    _shown(_calls.compute_call(_PROBLEM, None, None), data)


def check(data: bytes) -> None:
    """A CheckGradientsResponse."""
    _shown(_calls.check_call(_PROBLEM, Claim(loss=0.5), None, None), data)


def catalog(data: bytes) -> None:
    """A ListCatalogResponse."""
    _shown(_calls.catalog_call(), data)


def verify(data: bytes) -> None:
    """A stream of VerifyGradientsResponses, and its interruption after each."""
    _events(_witness_calls.verify_call(_PROBLEM, None, {}, False), _messages(data, VerifyResponses))


def function(data: bytes) -> None:
    """A stream of CheckFunctionResponses, which ask for points."""
    call = _function_calls.function_call(np.sum, np.ones((2, 2)), {"gradient": np.ones((2, 2))})
    _events(call, _messages(data, FunctionResponses))


def status(data: bytes) -> None:
    """Trailing metadata of a failed call: the details, and their first byte as its code."""
    _status.failure_to_error(_Failed(data, _CODES[(data or b"\0")[0] % len(_CODES)]))
    with contextlib.suppress(DecodeError):
        str(error_pb2.ErrorStatus.FromString(data))


@dataclass(frozen=True)
class _Failed:
    """A failed call with such details."""

    packed: bytes
    status_code: grpc.StatusCode

    def code(self) -> grpc.StatusCode:
        return self.status_code

    def details(self) -> str | None:
        return None if self.packed else "message"

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        return ((_status.DETAILS_KEY, self.packed),)


def _shown(call: _calls.Call[Any], data: bytes) -> None:
    with contextlib.suppress(CallError):
        result = call.read(data)
        str(result)
        getattr(result, "_repr_html_", str)()


def _messages(data: bytes, kind: type[Message]) -> list[bytes]:
    try:
        return list(map(operator.methodcaller("SerializeToString"), kind.FromString(data).messages))  # type: ignore[attr-defined]
    except DecodeError:
        return [data]


def _events(call: _witness_calls.StreamCall, answers: list[bytes]) -> None:
    for answer in answers:
        with contextlib.suppress(CallError):
            event = call.read(answer)
            if isinstance(event, witness_pb2.PointBatch):
                call.answer(event)  # type: ignore[attr-defined]
            else:
                str(event)
    for end in (call.result, call.estimated, lambda: call.cut_off(CancelledError())):
        with contextlib.suppress(CallError):
            str(end())
