"""What a connection may do, and how long it lives."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc import aio

SOON = 60.0
_METHOD = "/gradproof.v1.GradientService/ComputeGradients"


async def test_a_connection_that_is_too_old_ends_and_no_call_with_it(serve: Any, held: Any) -> None:
    """A client that calls without a pause is given new connections, and every call is answered."""
    held.release.set()
    running = await serve(held, max_connection_age_seconds=1, max_connection_age_grace_seconds=1)
    peers: set[str] = set()
    async with asyncio.timeout(SOON):
        while len(peers) < 3:
            assert await running.raw()(b"x") == b"x"
            peers.add(running.calls()[-1]["peer"])


async def test_a_call_outlives_the_age_of_its_connection(serve: Any, held: Any) -> None:
    """A call that runs when its connection gets too old ends on it."""
    running = await serve(held, max_connection_age_seconds=1)
    first = asyncio.ensure_future(running.raw()(b"first"))
    assert await asyncio.to_thread(held.entered.acquire, timeout=SOON)
    await _not_connected(running.channel)
    held.release.set()
    assert await first == b"first"


async def test_a_connection_has_only_so_many_calls_at_once(serve: Any, held: Any) -> None:
    """The third call of a client is held back until one of its two has ended; those of others are not."""
    running = await serve(held, max_streams_per_connection=2)
    own = [asyncio.ensure_future(running.raw()(b"own")) for _ in range(3)]
    while _begun(running) < 2:
        await asyncio.sleep(0)
    local = [("grpc.use_local_subchannel_pool", 1)]
    async with aio.insecure_channel(f"127.0.0.1:{running.app.port}", options=local) as channel:
        others = [asyncio.ensure_future(channel.unary_unary(_METHOD)(b"other")) for _ in range(2)]
        while _begun(running) < 4:
            await asyncio.sleep(0)
        assert len({line["request_id"] for line in running.lines if line["event"] == "call begins"}) == 4
        held.release.set()
        assert await asyncio.gather(*own, *others) == [b"own"] * 3 + [b"other"] * 2


async def test_an_idle_connection_ends(serve: Any, held: Any) -> None:
    """A client that does not call is not connected for longer than it may, and calls again without knowing."""
    held.release.set()
    running = await serve(held, max_connection_idle_seconds=1)
    assert await running.raw()(b"x") == b"x"
    await _not_connected(running.channel)
    assert await running.raw()(b"y") == b"y"


async def test_a_client_that_pings_too_often_loses_its_connection(serve: Any, held: Any) -> None:
    """Its call ends as UNAVAILABLE, and says why."""
    running = await serve(held, min_client_ping_seconds=1000)
    options = [("grpc.keepalive_time_ms", 20), ("grpc.http2.max_pings_without_data", 0)]
    async with aio.insecure_channel(f"127.0.0.1:{running.app.port}", options=options) as channel:
        with pytest.raises(aio.AioRpcError, match="Too many pings") as caught:
            await channel.unary_unary(_METHOD)(b"x", timeout=SOON)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def _not_connected(channel: aio.Channel) -> None:
    async with asyncio.timeout(SOON):
        while (state := channel.get_state()) is not grpc.ChannelConnectivity.IDLE:
            await channel.wait_for_state_change(state)


def _begun(running: Any) -> int:
    return sum(line["event"] == "call begins" for line in running.lines)
