"""Reading requests: how many at one time, how long, and that nothing is kept of who is gone."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from gradproof_server.serving import calls
from gradproof_server.serving.admission import Bounds, Quotas
from gradproof_server.serving.calls import Call
from gradproof_server.serving.errors import BusyError, CallerTimeoutError, QuotaExceededError, StreamEndedError
from gradproof_server.serving.reading import RequestReader
from gradproof_server.settings import Settings
from grpc import aio

TOTAL = Bounds(3, 1)


class SlowContext:
    """A call whose request comes when the test says so."""

    def __init__(self) -> None:
        self.request: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def read(self) -> Any:
        """The request."""
        return await self.request


class Calls:
    """Calls that are read."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.quotas = Quotas(TOTAL, Bounds(2, 1), lambda caller, each: Bounds(1, 1) if caller == "small" else each)
        self.reader = RequestReader(self.quotas, Settings(request_seconds=seconds))

    async def begin(self, caller: str) -> tuple[SlowContext, asyncio.Task[bytes]]:
        """A call of somebody, which waits for its request."""
        context = SlowContext()

        async def read() -> bytes:
            calls.begin(Call("method", "id", "peer", caller))
            return await self.reader.read(context)  # type: ignore[arg-type]

        task = asyncio.create_task(read())
        await asyncio.sleep(0)
        return context, task


async def test_as_many_are_read_as_may_and_no_more() -> None:
    """The bounds of each caller and of all are different errors; who is done makes room."""
    some = Calls()
    first, reading = await some.begin("a")
    await some.begin("a")
    with pytest.raises(QuotaExceededError, match="2 requests of this caller are on their way"):
        await (await some.begin("a"))[1]
    await some.begin("small")
    with pytest.raises(BusyError, match="3 requests are on their way"):
        await (await some.begin("b"))[1]
    first.request.set_result(b"request")
    assert await reading == b"request"
    with pytest.raises(QuotaExceededError):
        await (await some.begin("small"))[1]
    context, task = await some.begin("b")
    context.request.set_result(b"b")
    assert await task == b"b"


async def test_other_quotas_hold_at_once() -> None:
    """A smaller bound refuses the next one."""
    some = Calls()
    await some.begin("a")
    some.quotas.set(TOTAL, Bounds(1, 1))
    with pytest.raises(QuotaExceededError):
        await (await some.begin("a"))[1]


@pytest.mark.parametrize("end", ["read", "half-closed", "cancelled", "late"])
async def test_nothing_is_kept_of_who_is_gone(end: str) -> None:
    """However the reading ends."""
    some = Calls(seconds=0.001 if end == "late" else 60.0)
    context, task = await some.begin("a")
    errors = {"half-closed": StreamEndedError, "cancelled": asyncio.CancelledError, "late": CallerTimeoutError}
    match end:
        case "read":
            context.request.set_result(b"request")
        case "half-closed":
            context.request.set_result(aio.EOF)
        case "cancelled":
            task.cancel()
    if end in errors:
        with pytest.raises(errors[end]):
            await task
    else:
        assert await task == b"request"
    assert (some.reader._reading.total(), dict(some.reader._reading)) == (0, {})


async def test_a_request_that_does_not_come_ends_its_call(serve: Any, held: Any) -> None:
    """A caller that opens a call and sends nothing holds it no longer than the server waits."""
    running = await serve(held, request_seconds=0.05)
    call = running.channel.stream_unary("/gradproof.v1.GradientService/ComputeGradients")()
    assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "0.05 seconds (--request-seconds of the server)" in await call.details()
    assert running.calls()[-1]["reason"] == "CALLER_TIMEOUT"


async def test_a_caller_who_holds_many_calls_open_is_bounded(serve: Any, held: Any) -> None:
    """Further calls are refused before anything of them is read, and are taken again once the others are gone."""
    held.release.set()
    running = await serve(held, max_calls_per_caller=3)
    method = running.channel.stream_unary("/gradproof.v1.GradientService/ComputeGradients")
    stalled = [method() for _ in range(3)]
    while await running.raw()(b"x").code() is grpc.StatusCode.OK:
        pass
    assert running.calls()[-1]["reason"] == "QUOTA_EXCEEDED"
    assert running.calls()[-1]["request_bytes"] == 0
    for call in stalled:
        call.cancel()
    async with asyncio.timeout(20):
        while await running.raw()(b"x").code() is not grpc.StatusCode.OK:
            pass
