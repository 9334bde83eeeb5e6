"""A server that goes away while it is full of calls: none of them sees CANCELLED."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from gradproof_server.serving.gate import Gate

from tests.support.logged import SOON

ROUNDS = 20
CALLERS = 16
_METHOD = "/gradproof.v1.GradientService/ListCatalog"


def call_until_it_is_gone(port: int, started: Callable[[], object]) -> Counter[str]:
    """One call after the other, until nobody listens any more; how they ended, by code."""
    ended: Counter[str] = Counter()
    with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = channel.unary_unary(_METHOD)
        while True:
            try:
                call(b"", timeout=SOON)
            except grpc.RpcError as error:
                ended[error.code().name] += 1
                if "connect" in error.details():
                    return ended
            else:
                ended["OK"] += 1
                started()


class Storm:
    """Callers in threads of their own, which send their next call as soon as they have an answer."""

    def __init__(self, port: int) -> None:
        self._all_began = threading.Barrier(CALLERS + 1)
        self._pool = ThreadPoolExecutor(CALLERS)
        self._callers = [self._pool.submit(self._call, port) for _ in range(CALLERS)]

    def _call(self, port: int) -> Counter[str]:
        first = iter([self._all_began.wait])
        return call_until_it_is_gone(port, lambda: next(first, int)())

    def wait_until_it_blows(self) -> None:
        """Returns when every caller has had an answer."""
        self._all_began.wait(SOON)

    def ended(self) -> Counter[str]:
        """How all calls ended; returns when nobody calls any more."""
        with self._pool:
            return sum((caller.result(SOON) for caller in self._callers), Counter[str]())


@pytest.mark.parametrize("_round", range(ROUNDS))
async def test_no_call_is_cancelled(serve: Any, held: Any, _round: int) -> None:
    """Calls are answered until the last, and then nobody listens: no other ending is seen."""
    held.release.set()
    running = await serve(held)
    storm = Storm(running.app.port)
    await asyncio.to_thread(storm.wait_until_it_blows)
    await running.app.say_not_serving()
    await running.app.drain(SOON)
    ended = await asyncio.to_thread(storm.ended)
    assert ended.keys() == {"OK", "UNAVAILABLE"}
    assert ended["UNAVAILABLE"] == CALLERS


@pytest.mark.slow
@pytest.mark.e2e
def test_sigterm_under_a_storm_cancels_no_call(start: Any) -> None:
    """The same of a real process, from the signal to the exit status."""
    process, _ = start("--propagation-seconds", "0")
    port = process.lines[-1]["port"]
    with ThreadPoolExecutor(1) as reader:
        status = reader.submit(process.end)  # a log that nobody reads would hold the server up
        storm = Storm(port)
        storm.wait_until_it_blows()
        process.signal()
        assert storm.ended().keys() == {"OK", "UNAVAILABLE"}
        assert status.result() == 0


async def test_a_gate_holds_until_it_is_opened() -> None:
    """Whoever comes while it is closed passes when it opens; closed twice it is opened once."""
    gate, passed = Gate(), list[int]()

    async def come(number: int) -> None:
        await gate.passed()
        passed.append(number)

    await come(1)
    gate.close()
    gate.close()
    waiting = asyncio.gather(come(2), come(3))
    await asyncio.sleep(0)
    assert passed == [1]
    gate.open()
    await waiting
    await come(4)
    assert passed == [1, 2, 3, 4]
