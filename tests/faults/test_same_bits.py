"""The same request gives the same bits: alone, under load, by another worker or server, after a worker was lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import gradproof as gp
import pytest

from tests.support.servers import ServerProcess, server_process
from tests.support.traffic.callers import Callers, Traffic
from tests.support.traffic.kinds import kinds, right_answers

KINDS = kinds()
WORKERS = ("--workers", "1")


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server with one worker, and its spare."""
    with server_process(*WORKERS) as running:
        yield running


@pytest.fixture(scope="module")
def answers(server: ServerProcess) -> dict[str, str]:
    """Fingerprints of the answers that it gives to one caller who is alone."""
    with gp.Client(server.target) as client:
        return right_answers(KINDS, client)


def test_again(server: ServerProcess, answers: dict[str, str]) -> None:
    """A second time every answer is the same, apart from the times that it took."""
    with gp.Client(server.target) as client:
        assert right_answers(KINDS, client) == answers


def test_under_load(server: ServerProcess, answers: dict[str, str]) -> None:
    """Among many calls of all kinds, every answer is the same."""
    traffic, calls = Traffic(KINDS, answers), 0
    with Callers(traffic, lambda kind: kind(server.target), threads=3, coroutines=5):
        while calls < 150:
            tally = traffic.take()
            calls += tally.right
            assert not tally.wrong
            assert not tally.lost


def test_on_another_server(answers: dict[str, str]) -> None:
    """A second server gives the same answers."""
    with server_process(*WORKERS) as other, gp.Client(other.target) as client:
        assert right_answers(KINDS, client) == answers


def test_by_another_worker(server: ServerProcess, answers: dict[str, str]) -> None:
    """After its worker was killed, another one gives the same answers, and so does the one after that."""
    with gp.Client(server.target) as client:
        for _ in range(2):
            for worker in server.workers():
                os.kill(worker, signal.SIGKILL)
            assert right_answers(KINDS, client) == answers


def test_in_this_process(answers: dict[str, str]) -> None:
    """An embedded server with as many threads gives the same answers."""
    with gp.Client.embedded() as client:
        assert right_answers(KINDS, client) == answers
