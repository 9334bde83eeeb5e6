"""Errors of the SDK, in one tree.

    GradproofError
     ├── CallError                      a call, or the making of its request, failed
     │    ├── InvalidProblemError       the problem or the claim is wrong (a ValueError too); all violations are listed
     │    ├── ResourceExhaustedError    above a limit of the server, or the server is full; see retry_after
     │    ├── FailedPreconditionError   the server is not in a state to do it
     │    │    └── DeviceUnavailableError   the problem names a device that the server does not have
     │    ├── DeadlineError             the answer did not come in time (a TimeoutError too)
     │    ├── CancelledError            the call was cancelled
     │    ├── UnavailableError          no server was reached (a ConnectionError too)
     │    ├── UnauthenticatedError      the server wants a token, or another one
     │    ├── PermissionDeniedError     the caller may not do this
     │    ├── UnimplementedError        the server does not know the call: not gradproof, or an older one
     │    └── ServerError               a fault of the server
     ├── InsecureTokenError             a token would be sent unencrypted over the network (a ValueError too)
     ├── ClosedClientError              the client was closed before the call
     ├── ServerExtraMissingError        an embedded server was asked for, but is not installed (an ImportError too)
     ├── PlotExtraMissingError          plots were asked for, but matplotlib is not installed (an ImportError too)
     └── DisagreementError              from raise_for_disagreement(), with the report (an AssertionError too)

A wrong gradient is an answer, not an error: `Client.check` returns a report whatever its verdict is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import grpc


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a request.

    `field` is its path, as `problem.parameters["1.weight"].shape`; `reason` a stable name in upper case, as
    "SHAPE_MISMATCH"; `description` says the value and what would be valid.
    """

    field: str
    reason: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}" if self.field else self.description


class GradproofError(Exception):
    """The root of all errors of the SDK."""


class CallError(GradproofError):
    """A call, or the making of its request, failed.

    Attributes:
        code: the gRPC status code; None where the request was refused before it was sent.
        reason: stable name of the error in upper case, as "INVALID_PROBLEM"; empty where the server gave none.
        request_id: the id under which the server's log knows the call; empty where nothing was sent.
        violations: what is wrong with the request, field by field.
        retry_after: seconds after which the server suggests another attempt; None where it suggests none.
        retry_forbidden: whether the server said that there must be no other attempt.
    """

    def __init__(
        self,
        message: str = "",
        *,
        violations: Iterable[Violation] = (),
        code: grpc.StatusCode | None = None,
        reason: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        retry_forbidden: bool = False,
    ) -> None:
        self.violations = tuple(violations)
        super().__init__(_message(message, self.violations))
        self.code, self.reason, self.request_id = code, reason, request_id
        self.retry_after, self.retry_forbidden = retry_after, retry_forbidden


def _message(message: str, violations: tuple[Violation, ...]) -> str:
    if len(violations) == 1 and not message:
        return str(violations[0])
    head = message or f"{len(violations)} things are wrong"
    # Servers put the first violation into the message; it is not said twice.
    rest = [str(v) for v in violations if v.description not in head]
    return "\n".join([head, *(f"  {line}" for line in rest)])


class InvalidProblemError(CallError, ValueError):
    """The problem or the claim is wrong; `violations` lists all that is wrong with it."""


class ResourceExhaustedError(CallError):
    """The request is above a limit of the server, or the server is full; `retry_after` says whether waiting helps."""


class FailedPreconditionError(CallError):
    """The server is not in a state to do what was asked."""


class DeviceUnavailableError(FailedPreconditionError):
    """The problem names a device that the server does not have."""


class DeadlineError(CallError, TimeoutError):
    """The answer did not come in time."""


class CancelledError(CallError):
    """The call was cancelled."""


class UnavailableError(CallError, ConnectionError):
    """No server was reached."""


class UnauthenticatedError(CallError):
    """The server wants a token, or another one."""


class PermissionDeniedError(CallError):
    """The caller may not do this."""


class UnimplementedError(CallError):
    """The server does not know the call: it is not gradproof, or an older version of it."""


class ServerError(CallError):
    """A fault of the server; please report it with the request id."""


class InsecureTokenError(GradproofError, ValueError):
    """A token would be sent unencrypted over the network."""


class ClosedClientError(GradproofError):
    """The client was closed before the call."""


class ServerExtraMissingError(GradproofError, ImportError):
    """An embedded server was asked for, but the server is not installed."""


class PlotExtraMissingError(GradproofError, ImportError):
    """Plots were asked for, but matplotlib is not installed."""


class DisagreementError(GradproofError, AssertionError):
    """A check does not agree; `report` is its `Report` or `Verification`, and the message the table of that."""

    report: Any

    def __init__(self, report: object) -> None:
        super().__init__(str(report))
        self.report = report


def invalid(field: str, reason: str, description: str) -> InvalidProblemError:
    """The error for one violation."""
    return InvalidProblemError(violations=[Violation(field, reason, description)])
