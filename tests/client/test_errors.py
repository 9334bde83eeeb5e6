"""Errors: one tree, one table of codes, and details as google.rpc defines them."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import gradproof as gp
import grpc
import pytest
from google.protobuf import duration_pb2
from gradproof import errors
from gradproof._status import CODES, REASONS, decode_details, failure_to_error
from gradproof.errors import CallError, Violation

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, Exception)]


class Failed:
    """A failed call, as grpc and grpc.aio describe one."""

    def __init__(self, code: grpc.StatusCode, text: str | None = "", metadata: Any = ()) -> None:
        self._code, self._text, self._metadata = code, text, metadata

    def code(self) -> grpc.StatusCode:
        """The status code."""
        return self._code

    def details(self) -> str | None:
        """The message."""
        return self._text

    def trailing_metadata(self) -> Any:
        """Metadata after the answer."""
        return self._metadata


def rich_status(*, retry: duration_pb2.Duration | None = None) -> bytes:
    """A status with all details that a server sends, made by google's own classes."""
    status_pb2 = pytest.importorskip("google.rpc.status_pb2")
    details_pb2 = pytest.importorskip("google.rpc.error_details_pb2")
    status = status_pb2.Status(code=3, message="wrong")
    violation = {"field": "problem.loss", "description": "must be set", "reason": "REQUIRED"}
    messages = [
        details_pb2.BadRequest(field_violations=[violation]),
        details_pb2.ErrorInfo(reason="INVALID_PROBLEM", domain="gradproof", metadata={"request_id": "r1"}),
    ]
    if retry is not None:
        messages.append(details_pb2.RetryInfo(retry_delay=retry))
    for message in messages:
        status.details.add().Pack(message)
    return bytes(status.SerializeToString())


def test_every_code_but_ok_has_its_error() -> None:
    """The table misses no status code of gRPC."""
    assert set(CODES) == set(grpc.StatusCode) - {grpc.StatusCode.OK}


@pytest.mark.parametrize("code", CODES)
def test_errors_carry_what_the_server_sent(code: grpc.StatusCode) -> None:
    """Class by code; reason, request id, violations and delay from the details."""
    metadata = [("grpc-status-details-bin", rich_status(retry=duration_pb2.Duration(seconds=1, nanos=500_000_000)))]
    error = failure_to_error(Failed(code, "wrong", metadata), "sent")
    assert type(error) is CODES[code]
    assert (error.code, error.reason, error.request_id, error.retry_after) == (code, "INVALID_PROBLEM", "r1", 1.5)
    assert error.violations == (Violation("problem.loss", "REQUIRED", "must be set"),)
    assert str(error) == "wrong\n  problem.loss: must be set"


def test_errors_without_details_carry_the_request_id_that_was_sent() -> None:
    """Proxies answer without details; the server's own header wins over what was sent."""
    plain = failure_to_error(Failed(grpc.StatusCode.UNAVAILABLE, None, None), "sent")
    assert (str(plain), plain.request_id, plain.violations, plain.retry_after) == ("UNAVAILABLE", "sent", (), None)
    named = failure_to_error(Failed(grpc.StatusCode.INTERNAL, "x", [("x-request-id", "theirs")]), "sent")
    assert named.request_id == "theirs"


def test_errors_can_be_sent_to_another_process() -> None:
    """Pickling keeps the code, the violations and the text."""
    error = gp.InvalidProblemError(violations=[Violation("a", "B", "c")], code=grpc.StatusCode.INVALID_ARGUMENT)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.violations, copy.code) == (str(error), error.violations, error.code)


def test_a_missing_device_has_an_error_of_its_own() -> None:
    """By its reason, below the error of its code."""
    assert all(issubclass(cls, CallError) for cls in REASONS.values())
    assert issubclass(gp.DeviceUnavailableError, CODES[grpc.StatusCode.FAILED_PRECONDITION])


@pytest.mark.parametrize("packed", [b"", b"\xff\xff", b"\x0a"])
def test_details_that_cannot_be_read_are_no_details(packed: bytes) -> None:
    """Broken bytes never hide the error that they came with."""
    assert decode_details(packed) == decode_details(b"")


@pytest.mark.parametrize(
    ("delay", "expected"), [(None, None), (duration_pb2.Duration(), 0.0), (duration_pb2.Duration(seconds=3), 3.0)]
)
def test_retry_delay_is_in_seconds(delay: Any, expected: float | None) -> None:
    """No RetryInfo is None, an empty duration is 0."""
    assert decode_details(rich_status(retry=delay)).retry_after == expected


@pytest.mark.parametrize(
    ("pushback", "delay", "expected"),
    [
        ("250", None, (0.25, False)),
        ("0", None, (0.0, False)),
        ("250", duration_pb2.Duration(seconds=3), (3.0, False)),
        ("4000", duration_pb2.Duration(seconds=3), (4.0, False)),
        ("-1", None, (None, True)),
        ("-1", duration_pb2.Duration(seconds=3), (3.0, True)),
        ("soon", None, (None, True)),
        ("1.5", None, (None, True)),
        ("", None, (None, True)),
    ],
)
def test_pushback_is_obeyed(pushback: str, delay: Any, expected: tuple[float | None, bool]) -> None:
    """The longer of the two times counts; anything but a whole number from 0 forbids another attempt."""
    metadata = [("grpc-retry-pushback-ms", pushback), ("grpc-status-details-bin", rich_status(retry=delay))]
    error = failure_to_error(Failed(grpc.StatusCode.UNAVAILABLE, "", metadata))
    assert (error.retry_after, error.retry_forbidden) == expected


def test_a_message_that_is_too_large_names_the_knob() -> None:
    """On the client's side the limit is max_message_bytes."""
    error = failure_to_error(Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (2 vs. 1)"))
    assert "max_message_bytes" in str(error)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_in_the_tree_and_in_its_drawing(cls: type[Exception]) -> None:
    """One root, and no class that the docstring does not draw."""
    assert issubclass(cls, gp.GradproofError)
    assert errors.__doc__ is not None
    assert cls.__name__ in errors.__doc__
    assert getattr(gp, cls.__name__) is cls


def test_violations_that_the_message_says_already_are_not_repeated() -> None:
    """A server's message often is its first violation."""
    violation = Violation("problem.loss", "REQUIRED", "must be set")
    assert str(gp.InvalidProblemError("problem.loss: must be set", violations=[violation])).count("must be set") == 1
    assert str(gp.InvalidProblemError(violations=[violation])) == "problem.loss: must be set"


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (gp.InvalidProblemError, ValueError),
        (gp.DeadlineError, TimeoutError),
        (gp.UnavailableError, ConnectionError),
        (gp.DisagreementError, AssertionError),
        (gp.ServerExtraMissingError, ImportError),
    ],
)
def test_errors_are_what_python_calls_them(cls: type[Exception], builtin: type[Exception]) -> None:
    """`except ValueError` and its like catch them."""
    assert issubclass(cls, builtin)
