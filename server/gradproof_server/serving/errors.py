"""Errors: one table of everything that can go wrong with a call."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import grpc
import torch
from google.protobuf.message import DecodeError

from gradproof_server.engine.types import (
    DeviceUnavailableError,
    InvalidProblemError,
    LimitExceededError,
    StoppedError,
)

DOMAIN = "gradproof"
# grpcio refuses metadata above 8 KiB in a growing share of calls, and the client then sees RESOURCE_EXHAUSTED in place
# of the error. Details and message together stay well below that.
MAX_DETAILS_BYTES = 4096
RETRY_SECONDS = 1.0
"""When a call that found no room is to be tried again."""


class ResponseTooLargeError(Exception):
    """The response would have `value` bytes, where a message may have `allowed`."""

    def __init__(self, value: int, allowed: int) -> None:
        super().__init__(
            f"the response would have {value} bytes and may have {allowed}; ask for less with `include` and `steps`, "
            "or raise --max-response-bytes of the server"
        )
        self.value, self.allowed = value, allowed


class BusyError(Exception):
    """As many calls, or bytes of requests, wait as this server takes."""


class QuotaExceededError(Exception):
    """One caller has as many calls, or bytes of requests, under way as it may have, or calls too often.

    `seconds` is the time after which trying again can help.
    """

    def __init__(self, message: str, seconds: float = RETRY_SECONDS) -> None:
        super().__init__(message)
        self.seconds = seconds


class TokenMissingError(Exception):
    """Nothing says who calls."""


class TokenInvalidError(Exception):
    """The token is nobody's, or is not valid now."""


class CallerUnknownError(Exception):
    """A certificate or a signed token says who calls, and that is nobody who may."""


class MethodNotAllowedError(Exception):
    """The caller may not call this method."""


class WorkerDiedError(Exception):
    """The process that computed was ended from outside."""


class WorkerCrashedError(Exception):
    """The process that computed ended by a fault of its own."""


class DeadlineExceededError(Exception):
    """The caller's deadline passed before the answer was ready."""


class ShuttingDownError(Exception):
    """The server ended before the answer was ready."""


class CallerTimeoutError(Exception):
    """The caller did not send, read or answer within `seconds`, which `setting` allows."""

    def __init__(self, seconds: float, setting: str = "--answer-seconds") -> None:
        super().__init__(f"the caller did not send, read or answer for {seconds:g} seconds ({setting} of the server)")


class StreamEndedError(Exception):
    """The caller ended its side of a stream before it gave all answers."""


@dataclass(frozen=True)
class ErrorKind:
    """A row of the table: the stable reason, its gRPC code, whether trying again can help, and what it means."""

    reason: str
    code: grpc.StatusCode
    retryable: bool
    meaning: str
    raised_as: tuple[type[BaseException], ...]


_CODE = grpc.StatusCode
ERROR_KINDS = (
    ErrorKind(
        "TOKEN_MISSING",
        _CODE.UNAUTHENTICATED,
        False,
        "This server wants to know who calls, by a bearer token or a client certificate.",
        (TokenMissingError,),
    ),
    ErrorKind(
        "TOKEN_INVALID",
        _CODE.UNAUTHENTICATED,
        False,
        "The token is not known to this server, has expired, or is for another.",
        (TokenInvalidError,),
    ),
    ErrorKind(
        "CALLER_UNKNOWN",
        _CODE.PERMISSION_DENIED,
        False,
        "The certificate, or the signed token, is valid, but whom it names may not call this server.",
        (CallerUnknownError,),
    ),
    ErrorKind(
        "METHOD_NOT_ALLOWED",
        _CODE.PERMISSION_DENIED,
        False,
        "This caller may call other methods only.",
        (MethodNotAllowedError,),
    ),
    ErrorKind(
        "INVALID_PROBLEM",
        _CODE.INVALID_ARGUMENT,
        False,
        "The request is wrong. `BadRequest` names every field that is, with its value and what would be valid.",
        (InvalidProblemError,),
    ),
    ErrorKind(
        "MALFORMED_REQUEST",
        _CODE.INVALID_ARGUMENT,
        False,
        "The bytes of the request are not the message that this method takes.",
        (DecodeError,),
    ),
    ErrorKind(
        "LIMIT_EXCEEDED",
        _CODE.RESOURCE_EXHAUSTED,
        False,
        "The request is above a limit of this server (ListCatalog tells those of problems). `QuotaFailure` names it.",
        (LimitExceededError,),
    ),
    ErrorKind(
        "RESPONSE_TOO_LARGE",
        _CODE.RESOURCE_EXHAUSTED,
        False,
        "The response would be larger than a message may be. Ask for less with `include` and `steps`.",
        (ResponseTooLargeError,),
    ),
    ErrorKind(
        "OUT_OF_MEMORY",
        _CODE.RESOURCE_EXHAUSTED,
        True,
        "The server's memory did not suffice for this problem at this moment.",
        (torch.OutOfMemoryError, MemoryError),
    ),
    ErrorKind(
        "SERVER_BUSY",
        _CODE.RESOURCE_EXHAUSTED,
        True,
        "As many calls wait as this server takes. `RetryInfo` and `grpc-retry-pushback-ms` say when to try again.",
        (BusyError,),
    ),
    ErrorKind(
        "QUOTA_EXCEEDED",
        _CODE.RESOURCE_EXHAUSTED,
        True,
        "This caller has as many calls, or bytes of requests, under way as it may have, or calls too often. "
        "`QuotaFailure` says which; `RetryInfo` and `grpc-retry-pushback-ms` say when to try again.",
        (QuotaExceededError,),
    ),
    ErrorKind(
        "DEVICE_UNAVAILABLE",
        _CODE.FAILED_PRECONDITION,
        False,
        "The problem names a device that this server does not have (ListCatalog tells which it has).",
        (DeviceUnavailableError,),
    ),
    ErrorKind(
        "DEADLINE_EXCEEDED",
        _CODE.DEADLINE_EXCEEDED,
        False,
        "The caller's deadline passed; the computation was stopped.",
        (DeadlineExceededError,),
    ),
    ErrorKind(
        "CALLER_TIMEOUT",
        _CODE.DEADLINE_EXCEEDED,
        False,
        "The caller did not send its request, or read or answer a stream, in the time that the server waits for it.",
        (CallerTimeoutError,),
    ),
    ErrorKind(
        "STREAM_ENDED",
        _CODE.ABORTED,
        False,
        "The caller ended its side of the stream before it had given all answers.",
        (StreamEndedError,),
    ),
    ErrorKind(
        "CANCELLED",
        _CODE.CANCELLED,
        False,
        "The caller cancelled the call or went away; the computation was stopped.",
        (StoppedError,),
    ),
    ErrorKind(
        "SHUTTING_DOWN",
        _CODE.UNAVAILABLE,
        True,
        "The server is ending and did not finish this call in time; another server can.",
        (ShuttingDownError,),
    ),
    ErrorKind(
        "WORKER_DIED",
        _CODE.UNAVAILABLE,
        True,
        "The process that computed the answer was ended from outside. Others go on, and it is replaced.",
        (WorkerDiedError,),
    ),
    ErrorKind(
        "WORKER_CRASHED",
        _CODE.INTERNAL,
        False,
        "The process that computed the answer crashed: a fault of the server, or of a library. It is replaced.",
        (WorkerCrashedError,),
    ),
    ErrorKind(
        "INTERNAL",
        _CODE.INTERNAL,
        False,
        "A fault of the server. Please report it with the request id; the server's log has the rest under that id.",
        (Exception,),
    ),
)
INTERNAL = ERROR_KINDS[-1]
_BY_REASON = {kind.reason: kind for kind in ERROR_KINDS}
_CPU_ALLOCATOR = "DefaultCPUAllocator"  # PyTorch raises a bare RuntimeError where memory on the CPU does not suffice


def kind_of(error: BaseException) -> ErrorKind:
    """The row of an exception."""
    if isinstance(error, RuntimeError) and _CPU_ALLOCATOR in str(error):
        return _BY_REASON["OUT_OF_MEMORY"]
    return next((kind for kind in ERROR_KINDS if isinstance(error, kind.raised_as)), INTERNAL)


def errors_page() -> str:
    """The table as a page of the documentation, docs/errors.md."""
    rows = [
        f"| `{kind.reason}` | `{kind.code.name}` | {'yes' if kind.retryable else 'no'} | {kind.meaning} |"
        for kind in ERROR_KINDS
    ]
    return _PAGE.format(rows="\n".join(rows), details=MAX_DETAILS_BYTES, domain=DOMAIN)


_PAGE = """\
# Errors

A wrong gradient is an answer: the call ends with `OK` and a verdict. An error means that the check could not be made.

Every error of `GradientService` carries a `google.rpc.Status` in the trailing metadata `grpc-status-details-bin`. Its
`google.rpc.ErrorInfo` has the domain `{domain}`, a `reason` of this table, and the `request_id` in `metadata`. The
reason is stable, the message is for people. "Retry" says whether the same request can succeed later or on another
server.

| reason | gRPC code | retry | meaning |
| --- | --- | --- | --- |
{rows}

## What is wrong with the request

`INVALID_PROBLEM` carries a `google.rpc.BadRequest` with all violations at once. `field` is the path of the field as in
the `.proto` files, with 0-based indices and map keys in brackets: `problem.network.nodes[1].layer.linear.in_features`,
`problem.parameters["1.weight"].shape`. `description` has the value and what would be valid, `reason` is the stable name
of the rule. The details take at most {details} bytes; where there are more violations than fit, the last one has the
reason `VIOLATIONS_OMITTED` and says how many were left out.

Paths of `CheckFunction` begin with the message that is wrong, `start` or `values`:
`start.claim.gradient.tensors["x"].shape`, `values.batch`.

## Streams

A stream that ends in an error has sent messages before it, and they stay true.

## What is not in the table

gRPC itself answers a few calls before they reach the service, without `ErrorInfo`: `UNIMPLEMENTED` for a method that
does not exist, `RESOURCE_EXHAUSTED` ("Received message larger than max") for a request above `--max-request-bytes`, and
`UNAVAILABLE` for a server that is not there or is ending.
"""


if __name__ == "__main__":
    sys.stdout.write(errors_page())
