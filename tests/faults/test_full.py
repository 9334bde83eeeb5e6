"""Full queues and back: who is refused, what he is told, and that the SDK's callers are all served in the end."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradproof as gp
import grpc
import pytest
from google.rpc import error_details_pb2
from gradproof.demo import founding_problem

from tests.faults.harness import COMPUTE, ENDLESS, SHORT, SOON, Server, connected, detail, ending, serving
from tests.support.processes import wait_until

_MOST, _MOST_OF_ONE = 3, 2
_CALLS = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes three calls at once, two of each of its callers ann, ben and eve."""
    callers: Path = tmp_path_factory.mktemp("callers") / "callers.toml"
    entries = (f'[[caller]]\nname = "{n}"\ntoken_sha256 = ["{_digest(n)}"]\n' for n in ("ann", "ben", "eve"))
    callers.write_text("\n".join(entries))
    bounds = ("--max-concurrent-calls", str(_MOST), "--max-calls-per-caller", str(_MOST_OF_ONE))
    with serving("--workers", "1", "--callers-file", str(callers), *bounds) as server:
        yield server


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def call(channel: grpc.Channel, caller: str, request: bytes = SHORT) -> grpc.Future:
    """A call by a caller, without retries."""
    metadata = (("authorization", f"Bearer {caller}"),)
    return channel.unary_unary(COMPUTE).future(request, timeout=SOON, metadata=metadata)


@contextlib.contextmanager
def held(server: Server, channel: grpc.Channel, *callers: str) -> Iterator[None]:
    """Calls that wait and run within the block, one of each caller that is named."""
    calls = []
    for number, caller in enumerate(callers, 1):
        calls.append(call(channel, caller, ENDLESS))
        wait_until(lambda number=number: pending(server) == number)  # type: ignore[misc]
    yield
    for one in calls:
        one.cancel()
    wait_until(lambda: not pending(server))


def pending(server: Server) -> float:
    """Calls that wait or run."""
    return server.metric("gradproof_pending_calls")


def assert_refused(refused: grpc.Future, reason: str, subject: str) -> None:
    """RESOURCE_EXHAUSTED with whose quota it is, and when to come again, in both forms that clients know."""
    assert ending(refused) == ("RESOURCE_EXHAUSTED", reason)
    error = refused.exception()
    quota, again = detail(error, error_details_pb2.QuotaFailure), detail(error, error_details_pb2.RetryInfo)
    assert isinstance(quota, error_details_pb2.QuotaFailure)
    assert [violation.subject for violation in quota.violations] == [subject]
    assert isinstance(again, error_details_pb2.RetryInfo)
    pushback = dict(error.trailing_metadata())["grpc-retry-pushback-ms"]
    assert int(pushback) == again.retry_delay.ToMilliseconds() > 0


def test_a_caller_with_too_many_calls_is_refused_and_others_are_served(server: Server) -> None:
    """Two calls of ann are there: her third is refused; ben's is taken, and answered when hers are over."""
    with connected(server.target) as channel:
        with held(server, channel, "ann", "ann"):
            assert_refused(call(channel, "ann"), "QUOTA_EXCEEDED", "caller")
            of_another = call(channel, "ben")
            wait_until(lambda: pending(server) == _MOST)
            assert not of_another.done()
        assert of_another.result()


def test_a_full_server_refuses_everybody_and_serves_again(server: Server) -> None:
    """Three calls of two callers are there: a third caller is refused; when they are over, all are served."""
    with connected(server.target) as channel:
        with held(server, channel, "ann", "ann", "ben"):
            assert_refused(call(channel, "eve"), "SERVER_BUSY", "server")
        assert all(call(channel, name).result() for name in ("ann", "ben", "eve"))


def test_clients_of_the_sdk_wait_until_there_is_room(server: Server) -> None:
    """All are refused at first, come again no sooner than they were told, and are all answered."""
    busy = {"reason": "SERVER_BUSY"}
    before = server.metric("gradproof_refused_calls_total", **busy)
    with contextlib.ExitStack() as stack:
        channel = stack.enter_context(connected(server.target))
        client = stack.enter_context(gp.Client(server.target, token="eve"))
        pool = stack.enter_context(ThreadPoolExecutor(_CALLS))
        with held(server, channel, "ann", "ann", "ben"):
            began = time.monotonic()
            calls = [pool.submit(client.compute, founding_problem(), timeout=SOON) for _ in range(_CALLS)]
            wait_until(lambda: server.metric("gradproof_refused_calls_total", **busy) >= before + _CALLS)
        assert all(one.result().loss > 0 for one in calls)
        assert time.monotonic() - began >= 1.0
