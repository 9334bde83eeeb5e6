"""When calls are repeated, after what time, how often, and that one layer alone does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradproof as gp
import grpc
import numpy as np
import pytest
from gradproof._aio_status import FirstStatus
from gradproof._retry import Allowance, Attempts, is_repeatable
from gradproof.errors import CallError
from gradproof.v1 import gradient_service_pb2, witness_pb2
from gradproof.v1.comparison_pb2 import VERDICT_AGREES

from tests.client.clients import FAST, PROBLEM, Run, fail
from tests.client.conftest import REQUESTS

CODE = grpc.StatusCode


METHODS: dict[str, Callable[[Run, str], Any]] = {
    "compute": lambda run, target: run(target, "compute", PROBLEM, client={"retry": FAST}),
    "verify": lambda run, target: run(target, "verify", PROBLEM, client={"retry": FAST}),
    "check_function": lambda run, target: run(
        target, "check_function", np.sum, [1.0], gradient=[1.0], client={"retry": FAST}
    ),
}
"""A call of each kind: one answer, a stream of them, a conversation."""


def failed(code: grpc.StatusCode, text: str = "", reason: str = "", retry_after: float | None = None) -> CallError:
    """An error of a call."""
    return CallError(text, code=code, reason=reason, retry_after=retry_after)


@pytest.mark.parametrize(
    ("error", "repeatable"),
    [
        (failed(CODE.UNAVAILABLE), True),
        (failed(CODE.UNAVAILABLE, reason="WORKER_DIED"), True),
        (CallError(code=CODE.UNAVAILABLE, retry_forbidden=True), False),
        (failed(CODE.CANCELLED), True),
        (failed(CODE.RESOURCE_EXHAUSTED, reason="SERVER_BUSY", retry_after=1.0), True),
        (failed(CODE.RESOURCE_EXHAUSTED, reason="LIMIT_EXCEEDED"), False),
        (failed(CODE.INTERNAL, "Received RST_STREAM with error code 2"), True),
        (failed(CODE.UNKNOWN, "Stream removed"), True),
        (failed(CODE.INTERNAL, "Received RST_STREAM", reason="INTERNAL"), False),
        (failed(CODE.INTERNAL, "a fault"), False),
        (failed(CODE.DEADLINE_EXCEEDED), False),
        (failed(CODE.INVALID_ARGUMENT), False),
        (CallError("refused before it was sent"), False),
    ],
)
def test_what_is_repeated(error: CallError, repeatable: bool) -> None:
    """What no server answered, and what a server asked to repeat; nothing that would fail again."""
    assert is_repeatable(error) is repeatable


def test_attempts_are_counted_and_waits_are_bounded() -> None:
    """Three attempts have two waits, each below its bound."""
    retry = gp.Retry(attempts=3, initial_seconds=0.5, multiplier=2.0, max_seconds=0.75)
    for _ in range(50):
        attempts = Attempts(retry, Allowance(), None)
        first, second, third = (attempts.pause(failed(CODE.UNAVAILABLE)) for _ in range(3))
        assert first is not None
        assert second is not None
        assert 0 <= first <= 0.5
        assert 0 <= second <= 0.75
        assert third is None


def test_a_server_says_how_long_to_wait_at_least() -> None:
    """And where the deadline comes before that, the error stands at once."""
    busy = failed(CODE.RESOURCE_EXHAUSTED, retry_after=2.0)
    pause = Attempts(gp.Retry(), Allowance(), 60.0).pause(busy)
    assert pause is not None
    assert pause >= 2.0
    assert Attempts(gp.Retry(), Allowance(), 1.0).pause(busy) is None


def test_a_short_deadline_leaves_time_for_another_attempt() -> None:
    """Of what is left, at most half is waited."""
    retry = gp.Retry(initial_seconds=100.0, max_seconds=100.0)
    pause = Attempts(retry, Allowance(), 0.5).pause(failed(CODE.UNAVAILABLE))
    assert pause is not None
    assert pause <= 0.25


def test_time_that_is_over_is_said_to_be_over() -> None:
    """Where the last attempt failed so late that there can be no other; what nobody would repeat stands."""
    with pytest.raises(gp.DeadlineError, match="the time is over; the last attempt failed: reset") as told:
        Attempts(gp.Retry(), Allowance(), 0.0).pause(failed(CODE.UNAVAILABLE, "reset"))
    assert told.value.code is CODE.DEADLINE_EXCEEDED
    assert Attempts(gp.Retry(), Allowance(), 0.0).pause(failed(CODE.INVALID_ARGUMENT)) is None


class Ended:
    """A call of grpc.aio that ends, and whose status is replaced after that."""

    def __init__(self) -> None:
        self._code, self._details = CODE.OK, ""
        self._callbacks: list[Callable[[Ended], None]] = []

    def add_done_callback(self, callback: Callable[[Ended], None]) -> None:
        """Calls it at the end, and at each further one."""
        self._callbacks.append(callback)

    def end(self, code: grpc.StatusCode, details: str) -> None:
        """Ends, once more or for the first time."""
        self._code, self._details = code, details
        for callback in self._callbacks:
            callback(self)

    async def code(self) -> grpc.StatusCode:
        """Of the last end."""
        return self._code

    async def details(self) -> str:
        """Of the last end."""
        return self._details

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        """Of the last end."""
        return grpc.aio.Metadata(("of", self._details))


def test_the_first_status_of_a_call_counts() -> None:
    """Not the one that grpc.aio puts in its place where a request was on its way."""
    call = Ended()
    first = FirstStatus(call)
    assert first.status is None
    call.end(CODE.UNAVAILABLE, "not now")
    call.end(CODE.INTERNAL, "Internal error from Core")
    assert first.status is not None
    assert first.status.code() is CODE.UNAVAILABLE
    assert first.status.details() == "not now"
    assert list(first.status.trailing_metadata() or ()) == [("of", "not now")]


def test_a_client_whose_servers_only_fail_stops_repeating() -> None:
    """Its allowance is used up, and answers fill it again."""
    allowance = Allowance()
    while allowance.take():
        pass
    assert Attempts(gp.Retry(), allowance, None).pause(failed(CODE.UNAVAILABLE)) is None
    assert Attempts(gp.Retry(), allowance, None).pause(failed(CODE.RESOURCE_EXHAUSTED, retry_after=0.0)) is not None
    for _ in range(11):
        Attempts(gp.Retry(), allowance, None).succeeded()
    assert Attempts(gp.Retry(), allowance, None).pause(failed(CODE.UNAVAILABLE)) is not None


@pytest.mark.parametrize("method", METHODS)
def test_as_many_attempts_as_were_asked_for(run: Run, fake: Any, method: str) -> None:
    """The server sees three, all with one request id: no other layer repeats them."""
    fake.answers.update(dict.fromkeys(REQUESTS, fail(CODE.UNAVAILABLE, "not now")))
    with pytest.raises(gp.UnavailableError):
        METHODS[method](run, fake.target)
    assert len(fake.metadata) == 3
    assert len({metadata["x-request-id"] for metadata in fake.metadata}) == 1


def test_a_stream_that_breaks_goes_on_where_it_was(run: Run, fake: Any) -> None:
    """The second attempt tells again what the first told, and the caller hears it once."""

    def answer(_requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        response = gradient_service_pb2.VerifyGradientsResponse
        yield response(estimate=witness_pb2.WitnessEstimate(evaluations=7))
        yield response(progress=witness_pb2.WitnessProgress(evaluations=1))
        if len(fake.metadata) == 1:
            context.abort(CODE.UNAVAILABLE, "the connection broke")
        yield response(report=witness_pb2.WitnessReport(complete=True, verdict=VERDICT_AGREES))

    fake.answers["VerifyGradients"] = answer
    events = run(fake.target, "verify_events", PROBLEM, client={"retry": FAST})
    assert [type(event).__name__ for event in events] == ["Estimate", "Progress", "Progress", "Verification"]


def test_a_closed_client_repeats_nothing(fake: Any) -> None:
    """It was its caller who ended the call."""

    def refuse(_request: Any, context: grpc.ServicerContext) -> Any:
        client._closed.set()
        context.abort(CODE.UNAVAILABLE, "not now")

    fake.answers["ComputeGradients"] = refuse
    client = gp.Client(fake.target, retry=FAST)
    with client, pytest.raises(gp.UnavailableError):
        client.compute(PROBLEM)
    assert len(fake.metadata) == 1
