"""Status codes: from a failed gRPC call, with the details that the server sent, to the error of the SDK."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol
from urllib.parse import unquote

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

HINTS: Mapping[str, str] = MappingProxyType(
    {
        "Connection refused": "nobody listens there; is the server running, and is this its port?",
        "No such file or directory": "there is no such socket; is the server running, and is this its path?",
        "Domain name not found": "the name is not known; is it spelled right, and does DNS of this machine know it?",
        "Misformatted domain name": "a target is host:port, dns:///name:port or unix:/path",
        "Socket closed": "the server ends the connection; it may want TLS (tls=True, or a TLS), or, beside TLS, "
        "a certificate of the client, TLS(certificate=..., key=...)",
        "WRONG_VERSION_NUMBER": "what listens there speaks no TLS; leave tls out, or look at the port",
        "CERTIFICATE_VERIFY_FAILED": "the server's certificate is not trusted; name its issuer's, TLS(root=...)",
        "Hostname Verification Check failed": "the server's certificate is for another name; use that as the target, "
        "or state it, TLS(server_name=...)",
        "Failed to create security handshaker": "the certificates or the key of TLS cannot be used; are they PEM?",
        "Failed parsing HTTP/2": "what listens there is no gRPC server; is this its port?",
    }
)
"""What to look at, by what gRPC says of a connection that was not made."""

_UNCONNECTED = re.compile(r"(?:last error: [A-Z_]+:|errors resolving) (?P<address>\S+): (?P<cause>.*)", re.DOTALL)

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
    unconnected = _UNCONNECTED.search(text) if code is grpc.StatusCode.UNAVAILABLE else None
    return _unconnected_message(**unconnected.groupdict()) if unconnected else text or code.name


def _unconnected_message(address: str, cause: str) -> str:
    """What gRPC says, with the address as it is written in targets, and a hint where there is one."""
    readable = re.sub(r"^ipv[46]:", "", unquote(address))
    hint = next((hint for words, hint in HINTS.items() if words in cause), "")
    return f"no connection to {readable}: {cause}" + (f"\n  {hint}" if hint else "")


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
