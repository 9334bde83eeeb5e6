"""Workers that are killed, crash or hang: only their own call sees it, and the SDK's callers not even that."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import gradproof as gp
import grpc
import numpy as np
import pytest
from gradproof.errors import ServerError

from tests.faults.harness import (
    SOON,
    Server,
    answers,
    begin,
    connected,
    ending,
    serving,
    wait_until_gone,
)
from tests.support.processes import wait_until
from tests.support.servers import children
from tests.support.traffic.kinds import dense

KILLED = ("UNAVAILABLE", "WORKER_DIED")
ROUNDS = 50


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with one worker, and its spare."""
    with serving("--workers", "1") as server:
        yield server


def kill(server: Server, how: signal.Signals = signal.SIGKILL) -> int:
    """Sends a signal to the one worker that does a task, once there is one; its process id."""
    (worker,) = server.wait_until_busy()
    os.kill(worker, how)
    return worker


def test_a_killed_worker_fails_its_own_call_only() -> None:
    """The caller without retries is told UNAVAILABLE; the call in the other worker is answered; a new worker comes."""
    some_seconds = dense(512, 512, 512, 100).to_proto()
    with serving("--workers", "2") as server, connected(server.target) as channel:
        with gp.Client(server.target, retry=gp.Retry(attempts=1)) as client, ThreadPoolExecutor(1) as pool:
            other = pool.submit(client.compute, some_seconds, include=["loss"], steps=[99], timeout=SOON)
            (its_worker,) = server.wait_until_busy()
            call = begin(channel)
            killed = set(server.wait_until_busy(2)) - {its_worker}
            os.kill(killed.pop(), signal.SIGKILL)
            assert ending(call) == KILLED
            assert not other.done()
            assert other.result().loss >= 0
        calls = [begin(channel) for _ in range(2)]
        server.wait_until_busy(2)
        for call in calls:
            call.cancel()


def test_the_sdk_repeats_a_call_whose_worker_was_killed(server: Server) -> None:
    """Its caller gets the answer, and sees nothing of two workers that died."""
    before = server.metric("gradproof_worker_restarts_total", reason="died")
    problem = dense(512, 512, 512, 100)
    with gp.Client(server.target) as client, ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.compute, problem, include=["loss"], steps=[99], timeout=SOON)
        first = kill(server)
        wait_until(lambda: server.busy() not in ([], [first]))
        kill(server)
        assert call.result().loss >= 0
    assert server.metric("gradproof_worker_restarts_total", reason="died") == before + 2


def test_the_sdk_repeats_the_check_of_a_function_whose_worker_was_killed(server: Server) -> None:
    """The worker dies while it waits for the caller's function; the verdict comes all the same."""
    workers = set(server.workers())
    kills = iter([True])

    def cube(x: np.ndarray) -> float:
        if next(kills, False):
            for worker in server.workers():
                os.kill(worker, signal.SIGKILL)
        return float((x**3).sum())

    with gp.Client(server.target) as client:
        found = client.check_function(cube, np.linspace(0.5, 1.5, 6), gradient=lambda x: 3 * x**2)
    assert found.agrees
    wait_until_gone(workers)


def test_workers_killed_in_a_row_leave_nothing(server: Server) -> None:
    """Each call is told so; the front's descriptors, its threads and its processes are as many as before."""

    def held() -> tuple[int, int, int]:
        threads = len(os.listdir(f"/proc/{server.pid}/task"))
        return len(server.open_files()), threads, len(server.family())

    with connected(server.target) as channel:
        before = held()
        for number in range(ROUNDS):
            call = begin(channel)
            kill(server)
            assert ending(call) == KILLED
            if number == 0:
                wait_until(lambda: len(server.workers()) >= 3)
                before = held()
        assert begin(channel, b"").exception().code() is grpc.StatusCode.INVALID_ARGUMENT
        wait_until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))
    assert not [name for name in server.open_files() if name.startswith("/memfd:gradproof")]


def test_workers_that_die_with_nothing_to_do_are_replaced(server: Server) -> None:
    """All of them at once, the spare ones too: the next call is answered."""
    workers = server.workers()
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    wait_until_gone(set(workers))
    assert answers(server.target)


def test_a_crash_is_told_and_not_repeated(server: Server) -> None:
    """What crashes one worker would crash the next: WORKER_CRASHED after one attempt, and the next call is answered."""
    started = {"grpc_method": "ComputeGradients"}
    before = server.metric("grpc_server_started_total", **started)
    with gp.Client(server.target) as client, ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.compute, dense(512, 512, 512, 1000), include=["loss"], steps=[999])
        kill(server, signal.SIGSEGV)
        error = call.exception()
        assert isinstance(error, ServerError)
        assert error.reason == "WORKER_CRASHED"
        assert server.metric("grpc_server_started_total", **started) == before + 1
        assert client.compute(dense(4, 4, 4, 1)).loss >= 0


def test_workers_come_back_after_the_process_that_forks_them_was_killed(server: Server) -> None:
    """They end with it; a call that one of them did is told so, and the next one is answered by a new one."""
    forker = next(pid for pid in children(server.pid) if children(pid))
    with connected(server.target) as channel:
        call = begin(channel)
        (worker,) = server.wait_until_busy()
        os.kill(forker, signal.SIGKILL)
        assert ending(call) == KILLED
    wait_until_gone({worker})
    assert answers(server.target)


def test_no_worker_is_left_when_the_front_is_killed() -> None:
    """Not one that computes, nor one that hangs."""
    with serving("--workers", "2") as server, connected(server.target) as channel:
        family = server.family()
        calls = [begin(channel) for _ in range(2)]
        hanging, _ = server.wait_until_busy(2)
        os.kill(hanging, signal.SIGSTOP)
        server.end(signal.SIGKILL)
        wait_until_gone(family)
        assert {ending(call)[0] for call in calls} == {"UNAVAILABLE"}
