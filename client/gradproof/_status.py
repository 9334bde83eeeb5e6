"""Status codes: from a failed gRPC call, with the details that the server sent, to the error of the SDK."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import grpc
from google.protobuf import duration_pb2
from google.protobuf.message import DecodeError

from gradproof.errors import (
    CallError,
    CancelledError,
    DeadlineError,
    DeviceUnavailableError,
    FailedPreconditionError,
    InvalidProblemError,
    PermissionDeniedError,
    ResourceExhaustedError,
    ServerError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    Violation,
)
from gradproof.v1 import error_pb2

CODES: Mapping[grpc.StatusCode, type[CallError]] = MappingProxyType(
    {
        grpc.StatusCode.CANCELLED: CancelledError,
        grpc.StatusCode.UNKNOWN: ServerError,
        grpc.StatusCode.INVALID_ARGUMENT: InvalidProblemError,
        grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
        grpc.StatusCode.NOT_FOUND: ServerError,
        grpc.StatusCode.ALREADY_EXISTS: ServerError,
        grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
        grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhaustedError,
        grpc.StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
        grpc.StatusCode.ABORTED: ServerError,
        grpc.StatusCode.OUT_OF_RANGE: InvalidProblemError,
        grpc.StatusCode.UNIMPLEMENTED: UnimplementedError,
        grpc.StatusCode.INTERNAL: ServerError,
        grpc.StatusCode.UNAVAILABLE: UnavailableError,
        grpc.StatusCode.DATA_LOSS: ServerError,
        grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    }
)
"""The error for each status code but OK."""

REASONS: Mapping[str, type[CallError]] = MappingProxyType({"DEVICE_UNAVAILABLE": DeviceUnavailableError})
"""Reasons that have an error of their own."""

DETAILS_KEY = "grpc-status-details-bin"
REQUEST_ID_KEY = "x-request-id"
PUSHBACK_KEY = "grpc-retry-pushback-ms"
_TYPES = "type.googleapis.com/google.rpc."


class FailedCall(Protocol):
    """What a failed call of grpc and of grpc.aio have in common."""

    def code(self) -> grpc.StatusCode:
        """The status code."""

    def details(self) -> str | None:
        """The message."""

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """Metadata after the answer."""


@dataclass(frozen=True)
class Details:
    """What a server sent with an error."""

    reason: str = ""
    request_id: str = ""
    violations: tuple[Violation, ...] = ()
    retry_after: float | None = None


def failure_to_error(failed: FailedCall, request_id: str = "") -> CallError:
    """The error of the SDK for a failed call; `request_id` is the one that was sent with it."""
    metadata = {str(key): value for key, value in failed.trailing_metadata() or ()}
    packed = metadata.get(DETAILS_KEY, b"")
    details = decode_details(packed if isinstance(packed, bytes) else b"")
    known = details.request_id or str(metadata.get(REQUEST_ID_KEY, "")) or request_id
    code = failed.code()
    kind = REASONS.get(details.reason, CODES.get(code, ServerError))
    pushback = metadata.get(PUSHBACK_KEY)
    later = None if pushback is None else _pushback_seconds(str(pushback))
    return kind(
        _message(code, failed.details() or ""),
        violations=details.violations,
        code=code,
        reason=details.reason,
        request_id=known,
        retry_after=max((wait for wait in (details.retry_after, later) if wait is not None), default=None),
        retry_forbidden=pushback is not None and later is None,
    )


def _message(code: grpc.StatusCode, text: str) -> str:
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in text:
        return f"{text}; raise max_message_bytes of the client, or max_request_bytes of the server"
    return text or code.name


def _pushback_seconds(milliseconds: str) -> float | None:
    """Seconds of the header by which gRPC's servers say when to come again; None where that is never, as they say by
    anything but a whole number from 0."""
    return int(milliseconds) / 1000 if milliseconds.isascii() and milliseconds.isdigit() else None


def decode_details(packed: bytes) -> Details:
    """What google.rpc.Status carries; empty where there is none or it cannot be read."""
    try:
        status = error_pb2.ErrorStatus.FromString(packed)
        parts = {detail.type_url.removeprefix(_TYPES): detail.value for detail in status.details}
        request = error_pb2.BadRequestDetail.FromString(parts.get("BadRequest", b""))
        info = error_pb2.ErrorInfoDetail.FromString(parts.get("ErrorInfo", b""))
        return Details(
            reason=info.reason,
            request_id=info.metadata.get("request_id", ""),
            violations=tuple(Violation(v.field, v.reason, v.description) for v in request.field_violations),
            retry_after=_retry_after(parts.get("RetryInfo")),
        )
    except DecodeError:
        return Details()


def _retry_after(packed: bytes | None) -> float | None:
    """Seconds in a google.rpc.RetryInfo, whose only field, 1, is a google.protobuf.Duration."""
    if packed is None:
        return None
    if not packed:
        return 0.0
    if packed[0] != 0x0A or len(packed) < 2 or packed[1] != len(packed) - 2:
        return None
    duration = duration_pb2.Duration.FromString(packed[2:])
    return duration.seconds + duration.nanos / 1e9
