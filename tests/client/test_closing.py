"""Clients that are closed while a call is on its way: it ends at once, and says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradproof as gp
import grpc
import pytest
from gradproof._retry import Attempts
from gradproof.errors import CallError
from gradproof.v1 import gradient_service_pb2, witness_pb2

from tests.client.clients import PROBLEM
from tests.client.test_check_function import points_around

SOON = 30.0
Ending = Callable[..., Any]


def ending_blocking(target: str, ready: threading.Event, method: str, *arguments: Any, **options: Any) -> Any:
    """What becomes of a call without a deadline whose client is closed by another thread when `ready` is set."""
    client = gp.Client(target, timeout=None)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(getattr(client, method), *arguments, **options)
        assert ready.wait(SOON)
        client.close()
        return call.exception(SOON) or call.result()


def ending_awaited(target: str, ready: threading.Event, method: str, *arguments: Any, **options: Any) -> Any:
    """The same with AsyncClient and another task."""

    async def main() -> Any:
        client = gp.AsyncClient(target, timeout=None)
        call = asyncio.create_task(getattr(client, method)(*arguments, **options))
        assert await asyncio.to_thread(ready.wait, SOON)
        await client.close()
        async with asyncio.timeout(SOON):
            return (await asyncio.gather(call, return_exceptions=True))[0]

    return asyncio.run(main())


@pytest.fixture(params=[ending_blocking, ending_awaited], ids=["Client", "AsyncClient"])
def ending(request: pytest.FixtureRequest) -> Ending:
    """Both clients, one after the other: every test holds for both."""
    chosen: Ending = request.param
    return chosen


def test_an_unanswered_call_ends(ending: Ending, fake: Any) -> None:
    """With the SDK's own error, and the server sees that nobody waits any more; nothing is repeated."""
    started, left = threading.Event(), threading.Event()

    def answer(_request: Any, context: grpc.ServicerContext) -> bytes:
        context.add_callback(left.set)
        started.set()
        left.wait(SOON)
        return b""

    fake.answers["ListCatalog"] = answer
    error = ending(fake.target, started, "catalog")
    assert isinstance(error, gp.CancelledError)
    assert error.code is grpc.StatusCode.CANCELLED
    assert error.request_id == fake.metadata[0]["x-request-id"]
    assert left.wait(SOON)
    assert len(fake.metadata) == 1


def test_a_run_gives_what_came(ending: Ending, fake: Any) -> None:
    """As where its deadline passes."""
    started, left = threading.Event(), threading.Event()

    def answer(_requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        context.add_callback(left.set)
        yield gradient_service_pb2.VerifyGradientsResponse(estimate=witness_pb2.WitnessEstimate(evaluations=7))
        yield gradient_service_pb2.VerifyGradientsResponse(progress=witness_pb2.WitnessProgress(evaluations=1))
        left.wait(SOON)

    fake.answers["VerifyGradients"] = answer
    result = ending(fake.target, started, "verify", PROBLEM, on_progress=lambda _progress: started.set())
    assert isinstance(result, gp.Verification)
    assert result.partial


def test_a_check_whose_function_runs_ends_after_it(ending: Ending, fake: Any) -> None:
    """The server sees at once that nobody waits any more; the function has both points of its batch to itself."""
    started, left = threading.Event(), threading.Event()

    def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        context.add_callback(left.set)
        yield gradient_service_pb2.CheckFunctionResponse(points=points_around("x", next(requests).start.claim.point))
        next(requests, None)

    calls: list[bool] = []

    def function(x: Any) -> Any:
        if len(calls) == 1:
            started.set()
            calls.append(left.wait(SOON))
        else:
            calls.append(True)
        return x

    fake.answers["CheckFunction"] = answer
    error = ending(fake.target, started, "check_function", function, 1.0, gradient=1.0)
    assert isinstance(error, gp.CancelledError)
    assert calls == [True] * 3
    assert len(fake.metadata) == 1


def test_a_call_that_waits_for_its_next_attempt_ends(
    ending: Ending, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for the hour that the server asked for; its error is the server's."""
    waits = threading.Event()
    pause = Attempts.pause

    def observed(attempts: Attempts, error: CallError) -> float | None:
        seconds = pause(attempts, error)
        waits.set()
        return seconds

    def refuse(_request: Any, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata((("grpc-retry-pushback-ms", "3600000"),))
        context.abort(grpc.StatusCode.UNAVAILABLE, "not now")

    monkeypatch.setattr(Attempts, "pause", observed)
    fake.answers["ListCatalog"] = refuse
    error = ending(fake.target, waits, "catalog")
    assert isinstance(error, gp.UnavailableError)
    assert error.retry_after == 3600
    assert len(fake.metadata) == 1
