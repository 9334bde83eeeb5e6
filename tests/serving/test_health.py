"""Health for probes: what it says, when it changes, and that it answers while the event loop does not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import grpc
import pytest
from gradproof_server.serving.health import HealthServer
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVICE = "gradproof.v1.GradientService"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
SOON = 60.0
LONG = 1000.0

Make = Callable[..., tuple[HealthServer, Any]]


@pytest.fixture
def make() -> Iterator[Make]:
    """Starts health servers, each with a stub."""
    with contextlib.ExitStack() as stack:

        def make(stuck_seconds: float = LONG) -> tuple[HealthServer, Any]:
            server = HealthServer(SERVICE, "127.0.0.1:0", stuck_seconds)
            stack.callback(server.close)
            channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{server.port}"))
            return server, health_pb2_grpc.HealthStub(channel)

        yield make


def check(stub: Any, service: str = "") -> int:
    """The status of a service."""
    return int(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=SOON).status)


def statuses(stub: Any) -> tuple[int, int]:
    """Liveness and readiness."""
    return check(stub), check(stub, SERVICE)


@contextlib.contextmanager
def watching(stub: Any, service: str = "") -> Iterator[Callable[[], int]]:
    """A stream of Watch; gives what reads its next status."""
    call = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=SOON)
    try:
        yield lambda: int(next(call).status)
    finally:
        call.cancel()


def test_it_is_alive_at_once_and_ready_when_told_so(make: Make) -> None:
    """A probe of the start can tell a server that warms up from one that takes calls; the end is the end."""
    server, stub = make()
    assert statuses(stub) == (SERVING, NOT_SERVING)
    server.say_serving()
    assert statuses(stub) == (SERVING, SERVING)
    server.say_not_serving()
    server.say_serving()
    assert statuses(stub) == (NOT_SERVING, NOT_SERVING)


def test_a_service_that_nobody_knows_is_not_found(make: Make) -> None:
    """A probe with a misspelt name fails."""
    with pytest.raises(grpc.RpcError) as caught:
        check(make()[1], "gradproof.v1.Gradient")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_all_services_are_listed(make: Make) -> None:
    """List has both names with what Check says of them."""
    listed = make()[1].List(health_pb2.HealthListRequest(), timeout=SOON).statuses
    assert {name: status.status for name, status in listed.items()} == {"": SERVING, SERVICE: NOT_SERVING}


def test_whoever_watches_is_told(make: Make) -> None:
    """Each change is one message."""
    server, stub = make()
    with watching(stub, SERVICE) as status:
        assert status() == NOT_SERVING
        server.say_serving()
        assert status() == SERVING
        server.say_not_serving()
        assert status() == NOT_SERVING


def test_many_that_watch_take_nothing_from_those_that_check(make: Make) -> None:
    """Ten times as many streams as there are threads, and a check is answered."""
    _, stub = make()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            assert stack.enter_context(watching(stub))() == SERVING
        assert check(stub) == SERVING


def _loop_that_blocks() -> tuple[asyncio.AbstractEventLoop, Callable[[], None], threading.Thread]:
    """An event loop in a thread, which does not turn until what is returned is called."""
    loop, entered, release = asyncio.new_event_loop(), threading.Event(), threading.Event()

    def block() -> None:
        entered.set()
        release.wait(SOON)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    loop.call_soon_threadsafe(block)
    assert entered.wait(SOON)
    return loop, release.set, thread


@pytest.fixture
def blocked() -> Iterator[tuple[asyncio.AbstractEventLoop, Callable[[], None]]]:
    """An event loop that does not turn, and what lets it turn."""
    loop, release, thread = _loop_that_blocks()
    yield loop, release
    release()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_it_answers_while_the_event_loop_is_blocked(make: Make, blocked: Any) -> None:
    """Checks are answered, and say SERVING, all the while that the loop does not turn for less than the limit."""
    loop, release = blocked
    server, stub = make()
    server.watch(loop)
    server.say_serving()
    turned: Future[None] = Future()
    loop.call_soon_threadsafe(turned.set_result, None)
    for _ in range(200):
        assert statuses(stub) == (SERVING, SERVING)
    assert not turned.done()
    release()
    turned.result(SOON)


def test_an_event_loop_that_is_stuck_is_not_alive(make: Make, blocked: Any) -> None:
    """After the limit liveness and readiness are gone, and come back when the loop turns again."""
    loop, release = blocked
    server, stub = make(1)
    server.say_serving()
    with watching(stub) as status:
        assert status() == SERVING
        server.watch(loop)
        assert status() == NOT_SERVING
        assert statuses(stub) == (NOT_SERVING, NOT_SERVING)
        release()
        assert status() == SERVING
        assert statuses(stub) == (SERVING, SERVING)


def test_a_port_in_use_is_an_error() -> None:
    """Nothing serves on it in the place of another, and nothing is left behind."""
    threads = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="bind"):
        HealthServer(SERVICE, f"127.0.0.1:{taken.getsockname()[1]}", LONG)
    assert set(threading.enumerate()) <= threads


async def test_both_ports_say_the_same(serve: Any, held: Any) -> None:
    """The health of the service's port and that of probes list the same statuses, before the end and at the end."""
    running = await serve(held, health_port=0)
    async with aio.insecure_channel(f"127.0.0.1:{running.app.health_port}") as channel:
        for expected in (SERVING, NOT_SERVING):
            for stub in map(health_pb2_grpc.HealthStub, (channel, running.channel)):
                listed = (await stub.List(health_pb2.HealthListRequest(), timeout=SOON)).statuses
                assert {name: s.status for name, s in listed.items()} == {"": expected, SERVICE: expected}
            await running.app.say_not_serving()
