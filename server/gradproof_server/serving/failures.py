"""Failures: an error of one call, and its form on the wire (google.rpc.Status in the trailing metadata)."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from gradproof_server.engine.types import DeviceUnavailableError, InvalidProblemError, LimitExceededError, Violation
from gradproof_server.serving.errors import (
    DOMAIN,
    INTERNAL,
    MAX_DETAILS_BYTES,
    RETRY_SECONDS,
    BusyError,
    CallerTimeoutError,
    CallerUnknownError,
    ErrorKind,
    MethodNotAllowedError,
    QuotaExceededError,
    ResponseTooLargeError,
    StreamEndedError,
    TokenInvalidError,
    TokenMissingError,
    kind_of,
)

MAX_MESSAGE_BYTES = 1024
MAX_DESCRIPTION_BYTES = 512
_PACKING_BYTES = 64  # type name, tags and lengths around a BadRequest


@dataclass(frozen=True)
class Failure:
    """An error of one call, as plain data; `log_text` (a traceback) is for the log only.

    `retry_seconds` is when trying again can help; None where nothing is known of that.
    """

    kind: ErrorKind
    message: str
    details: tuple[Message, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    log_text: str = ""
    retry_seconds: float | None = None


class CallFailedError(Exception):
    """Ends a call with a failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def error_to_failure(error: BaseException) -> Failure:
    """What a caller is told of an exception: of an unexpected one nothing but that it happened."""
    kind = kind_of(error)
    match error:
        case InvalidProblemError():
            return Failure(kind, _first_of(error.violations), violations=tuple(error.violations))
        case LimitExceededError():
            return _above_limit(kind, error, error.path, error.limit, error.value, error.allowed)
        case ResponseTooLargeError():
            return _above_limit(kind, error, "response", "max_response_bytes", error.value, error.allowed)
        case BusyError():
            return _no_room(kind, error, "server", RETRY_SECONDS)
        case QuotaExceededError():
            return _no_room(kind, error, "caller", error.seconds)
        case DeviceUnavailableError() | CallerTimeoutError() | StreamEndedError():
            return Failure(kind, str(error))
        case TokenMissingError() | TokenInvalidError() | CallerUnknownError() | MethodNotAllowedError():
            return Failure(kind, str(error))
    if kind is INTERNAL:
        return Failure(kind, "internal error of the server", log_text="".join(traceback.format_exception(error)))
    return Failure(kind, kind.meaning)


def _first_of(violations: Sequence[Violation]) -> str:
    first, *more = violations
    rest = f" (and {len(more)} more violation{'s' if len(more) > 1 else ''})" if more else ""
    return f"{first.path}: {first.description}{rest}"


def _above_limit(kind: ErrorKind, error: Exception, path: str, limit: str, value: int, allowed: int) -> Failure:
    metadata = {"limit": limit, "value": str(value), "allowed": str(allowed)}
    return Failure(kind, str(error), (_quota(path, str(error)),), metadata)


def _no_room(kind: ErrorKind, error: Exception, whose: str, retry_seconds: float) -> Failure:
    details = _quota(whose, str(error)), _retry_info(retry_seconds)
    return Failure(kind, str(error), details, retry_seconds=retry_seconds)


def _quota(subject: str, description: str) -> error_details_pb2.QuotaFailure:
    violation = error_details_pb2.QuotaFailure.Violation(
        subject=_shortened(subject), description=_shortened(description)
    )
    return error_details_pb2.QuotaFailure(violations=[violation])


def _retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromTimedelta(timedelta(seconds=seconds))
    return info


def failure_to_status(failure: Failure, request_id: str) -> status_pb2.Status:
    """The google.rpc.Status of a failure, at most MAX_DETAILS_BYTES long."""
    code: int = failure.kind.code.value[0]
    status = status_pb2.Status(code=code, message=_shortened_message(failure.message))
    info = error_details_pb2.ErrorInfo(
        reason=failure.kind.reason, domain=DOMAIN, metadata={**failure.metadata, "request_id": request_id}
    )
    for detail in (info, *failure.details):
        status.details.add().Pack(detail)
    if failure.violations:
        room = MAX_DETAILS_BYTES - status.ByteSize() - _PACKING_BYTES
        status.details.add().Pack(_bad_request(failure.violations, room))
    return status


def failure_to_trailers(failure: Failure, status: status_pb2.Status) -> tuple[tuple[str, str | bytes], ...]:
    """The trailing metadata that carry a failure."""
    trailers: tuple[tuple[str, str | bytes], ...] = (("grpc-status-details-bin", status.SerializeToString()),)
    if failure.retry_seconds is not None:  # gRPC's own retries obey this and not RetryInfo
        trailers += (("grpc-retry-pushback-ms", str(math.ceil(failure.retry_seconds * 1000))),)
    return trailers


def _bad_request(violations: Sequence[Violation], room: int) -> error_details_pb2.BadRequest:
    """As many violations as fit into `room` bytes; the last says how many were left out."""
    full = error_details_pb2.BadRequest(field_violations=[_violation_to_message(v) for v in violations])
    if full.ByteSize() <= room:
        return full
    kept = error_details_pb2.BadRequest()
    room -= error_details_pb2.BadRequest(field_violations=[_omitted(len(violations))]).ByteSize()
    for message in full.field_violations:
        room -= error_details_pb2.BadRequest(field_violations=[message]).ByteSize()
        if room < 0:
            break
        kept.field_violations.append(message)
    kept.field_violations.append(_omitted(len(violations) - len(kept.field_violations)))
    return kept


def _violation_to_message(violation: Violation) -> error_details_pb2.BadRequest.FieldViolation:
    return error_details_pb2.BadRequest.FieldViolation(
        field=_shortened(violation.path), description=_shortened(violation.description), reason=violation.reason
    )


def _omitted(count: int) -> error_details_pb2.BadRequest.FieldViolation:
    return error_details_pb2.BadRequest.FieldViolation(
        description=f"{count} further violations are left out here", reason="VIOLATIONS_OMITTED"
    )


def _shortened(text: str) -> str:
    data = text.encode()
    if len(data) <= MAX_DESCRIPTION_BYTES:
        return text
    return data[: MAX_DESCRIPTION_BYTES - 3].decode(errors="ignore") + "..."


def _shortened_message(text: str) -> str:
    """`text`, at most MAX_MESSAGE_BYTES long as grpc-message, which escapes what is not printable ASCII as %XX."""
    escaped_length = 0
    for position, character in enumerate(text):
        plain = " " <= character <= "~" and character != "%"
        escaped_length += 1 if plain else 3 * len(character.encode())
        if escaped_length > MAX_MESSAGE_BYTES - 3:
            return text[:position] + "..."
    return text
