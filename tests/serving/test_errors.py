"""Errors: the table is complete, its page is current, and the wire form stays small."""

from __future__ import annotations

import grpc
import pytest
import torch
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from gradproof_server.engine import types
from gradproof_server.engine.types import InvalidProblemError, LimitExceededError, Violation
from gradproof_server.serving import errors
from gradproof_server.serving.errors import (
    ERROR_KINDS,
    BusyError,
    CallerTimeoutError,
    ResponseTooLargeError,
    StreamEndedError,
    errors_page,
    kind_of,
)
from gradproof_server.serving.failures import error_to_failure, failure_to_status, failure_to_trailers
from hypothesis import given
from hypothesis import strategies as st

PAGE = "docs/errors.md"


def subclasses(base: type[BaseException]) -> list[type[BaseException]]:
    """All classes below one."""
    return [c for direct in base.__subclasses__() for c in (direct, *subclasses(direct))]


def unpacked(status: status_pb2.Status, kind: type) -> list[object]:
    """The details of one type."""
    found = []
    for detail in status.details:
        message = kind()
        if detail.Unpack(message):
            found.append(message)
    return found


def bad_request(violations: list[Violation]) -> error_details_pb2.BadRequest:
    """What a caller gets for these violations."""
    status = failure_to_status(error_to_failure(InvalidProblemError(violations)), "id")
    (message,) = unpacked(status, error_details_pb2.BadRequest)
    return message


def test_every_engine_error_has_a_row_of_its_own() -> None:
    """No error of the engine is told to a caller as INTERNAL."""
    raised = {
        error: [k.reason for k in ERROR_KINDS[:-1] if error in k.raised_as] for error in subclasses(types.ProblemError)
    }
    assert raised
    assert [error for error, reasons in raised.items() if len(reasons) != 1] == []


def test_every_error_of_the_server_has_a_row_of_its_own() -> None:
    """No error that this layer defines falls through to INTERNAL."""
    own = [
        c
        for c in vars(errors).values()
        if isinstance(c, type) and issubclass(c, Exception) and c.__module__ == errors.__name__
    ]
    assert len(own) == 13
    assert [c for c in own if not any(c in kind.raised_as for kind in ERROR_KINDS)] == []


def test_reasons_are_unique_and_internal_is_last() -> None:
    """A reason names one row; the row that takes everything else comes after all others."""
    assert len({kind.reason for kind in ERROR_KINDS}) == len(ERROR_KINDS)
    assert ERROR_KINDS[-1].reason == "INTERNAL"


def test_only_documented_codes_are_used() -> None:
    """The codes of the table are those that the contract's comments name, and UNAVAILABLE at shutdown."""
    code = grpc.StatusCode
    assert {kind.code for kind in ERROR_KINDS} == {
        code.INVALID_ARGUMENT,
        code.RESOURCE_EXHAUSTED,
        code.UNAUTHENTICATED,
        code.PERMISSION_DENIED,
        code.FAILED_PRECONDITION,
        code.DEADLINE_EXCEEDED,
        code.ABORTED,
        code.CANCELLED,
        code.UNAVAILABLE,
        code.INTERNAL,
    }


def test_the_page_is_made_from_the_table(request: pytest.FixtureRequest) -> None:
    """docs/errors.md is what `python -m gradproof_server.serving.errors` prints."""
    assert (request.config.rootpath / PAGE).read_text() == errors_page()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InvalidProblemError([Violation("a", "B", "c")]), "INVALID_PROBLEM"),
        (DecodeError("bad"), "MALFORMED_REQUEST"),
        (LimitExceededError("problem", "max_nodes", 3, 2), "LIMIT_EXCEEDED"),
        (ResponseTooLargeError(3, 2), "RESPONSE_TOO_LARGE"),
        (MemoryError(), "OUT_OF_MEMORY"),
        (torch.OutOfMemoryError("CUDA out of memory"), "OUT_OF_MEMORY"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "OUT_OF_MEMORY"),
        (BusyError("full"), "SERVER_BUSY"),
        (errors.QuotaExceededError("yours"), "QUOTA_EXCEEDED"),
        (errors.TokenMissingError("who?"), "TOKEN_MISSING"),
        (errors.TokenInvalidError("not you"), "TOKEN_INVALID"),
        (errors.CallerUnknownError("you?"), "CALLER_UNKNOWN"),
        (errors.MethodNotAllowedError("not this"), "METHOD_NOT_ALLOWED"),
        (errors.WorkerDiedError(), "WORKER_DIED"),
        (errors.WorkerCrashedError(), "WORKER_CRASHED"),
        (types.DeviceUnavailableError("none"), "DEVICE_UNAVAILABLE"),
        (errors.DeadlineExceededError(), "DEADLINE_EXCEEDED"),
        (CallerTimeoutError(60), "CALLER_TIMEOUT"),
        (StreamEndedError("too early"), "STREAM_ENDED"),
        (types.StoppedError(), "CANCELLED"),
        (errors.ShuttingDownError(), "SHUTTING_DOWN"),
        (ZeroDivisionError("secret"), "INTERNAL"),
        (KeyError("secret"), "INTERNAL"),
    ],
)
def test_each_exception_has_its_reason_on_the_wire(error: Exception, reason: str) -> None:
    """ErrorInfo carries reason, domain and request id, and the status the code of the row."""
    status = failure_to_status(error_to_failure(error), "my-id")
    (info,) = unpacked(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain, info.metadata["request_id"]) == (reason, "gradproof", "my-id")
    assert status.code == kind_of(error).code.value[0]


def test_every_row_was_tried_above() -> None:
    """A new row needs an example in the test above."""
    mark = next(m for m in test_each_exception_has_its_reason_on_the_wire.pytestmark if m.name == "parametrize")
    assert {reason for _, reason in mark.args[1]} == {kind.reason for kind in ERROR_KINDS}


def test_an_unexpected_exception_shows_no_internals() -> None:
    """The caller gets neither the exception's text nor its type; the log gets the traceback."""
    failure = error_to_failure(ZeroDivisionError("secret"))
    wire = failure_to_status(failure, "id").SerializeToString()
    assert b"secret" not in wire
    assert b"ZeroDivision" not in wire
    assert "ZeroDivisionError: secret" in failure.log_text


def test_a_limit_is_named_with_both_numbers() -> None:
    """QuotaFailure and ErrorInfo say which limit, what is allowed and what was asked for."""
    status = failure_to_status(error_to_failure(LimitExceededError("problem.network.nodes", "max_nodes", 30, 20)), "id")
    (quota,) = unpacked(status, error_details_pb2.QuotaFailure)
    (info,) = unpacked(status, error_details_pb2.ErrorInfo)
    assert quota.violations[0].subject == "problem.network.nodes"
    assert "max_nodes is 20, this request needs 30" in quota.violations[0].description
    assert {"limit": "max_nodes", "value": "30", "allowed": "20"}.items() <= dict(info.metadata).items()


def test_a_response_too_large_tells_the_remedy() -> None:
    """The message names the fields of the request that make the response smaller."""
    message = error_to_failure(ResponseTooLargeError(30, 20)).message
    assert "`include`" in message
    assert "`steps`" in message


def test_a_busy_server_says_when_to_try_again() -> None:
    """RetryInfo for clients, grpc-retry-pushback-ms for gRPC's own retries, with the same time."""
    failure = error_to_failure(BusyError("full"))
    status = failure_to_status(failure, "id")
    (retry,) = unpacked(status, error_details_pb2.RetryInfo)
    pushback = dict(failure_to_trailers(failure, status))["grpc-retry-pushback-ms"]
    assert retry.retry_delay.ToMilliseconds() == int(pushback)


def test_all_violations_are_told_where_they_fit() -> None:
    """Path, description and reason of each arrive unchanged and in order."""
    violations = [Violation(f"problem.network.nodes[{i}]", f"REASON_{i}", f"text {i}") for i in range(20)]
    sent = [(v.field, v.reason, v.description) for v in bad_request(violations).field_violations]
    assert sent == [(v.path, v.reason, v.description) for v in violations]


def test_the_last_violation_says_how_many_were_left_out() -> None:
    """Kept and omitted add up to all of them."""
    kept = bad_request([Violation(f"a[{i}]", "R", "x" * 100) for i in range(1000)]).field_violations
    assert kept[-1].reason == "VIOLATIONS_OMITTED"
    assert kept[-1].description == f"{1000 - (len(kept) - 1)} further violations are left out here"
    assert 20 < len(kept) < 40


TEXTS = st.text(st.characters(codec="utf-8"), max_size=3000)


@given(st.lists(st.builds(Violation, TEXTS, st.just("SOME_REASON"), TEXTS), min_size=1, max_size=60))
def test_details_are_capped_and_keep_the_first_violation(violations: list[Violation]) -> None:
    """Whatever the violations, details have at most 4 KiB and say something of the first one."""
    status = failure_to_status(error_to_failure(InvalidProblemError(violations)), "i" * 128)
    assert status.ByteSize() <= errors.MAX_DETAILS_BYTES
    assert bad_request(violations).field_violations[0].reason == "SOME_REASON"


@given(TEXTS)
def test_the_message_is_short_even_when_it_is_escaped(text: str) -> None:
    """grpc-message is percent-encoded; what is sent then has at most 1 KiB."""
    status = failure_to_status(error_to_failure(types.DeviceUnavailableError(text)), "id")
    escaped = sum(1 if 32 <= b <= 126 and b != 37 else 3 for b in status.message.encode())
    assert escaped <= 1024
