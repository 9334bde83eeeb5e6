"""Callers who do not read their answers: memory is bounded, others are served, and the calls end."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import ExitStack

import gradproof as gp
import numpy as np
import pytest
from gradproof.v1 import gradient_service_pb2 as pb
from gradproof.v1 import tensor_pb2

from tests.faults.harness import COMPUTE, SHORT, Server, answers, begin, connected, ending, serving
from tests.faults.http2 import INITIAL_WINDOW_SIZE, Connection, Kind, frame
from tests.support.processes import wait_until

VERIFY = "/gradproof.v1.GradientService/VerifyGradients"
_MIB = 2**20
_SIDE = 1024
_ANSWER_BYTES = 8 * _SIDE**2
_REQUEST_BYTES = 4 * _MIB
_MOST_UNREAD_BYTES = 5 * _ANSWER_BYTES
_MOST_BYTES = 32 * _MIB
"""That the front may grow by, besides: an answer on its way from the worker, and what its allocator keeps."""
_COPIES = 2
"""Of an answer: Python's bytes, and those in gRPC."""


def problem() -> gp.Problem:
    """A small problem with a value of 8 MiB."""
    network = [gp.Upsample(size=[_SIDE, _SIDE]), gp.functions.Reduce("mean")]
    return gp.Problem(network, input=np.ones((1, 1, 8, 8)), target=1.0, loss=gp.MSELoss())


LARGE = pb.ComputeGradientsRequest(
    problem=problem().to_proto(), include=[tensor_pb2.QUANTITY_NODE_VALUE]
).SerializeToString()
STREAM = pb.VerifyGradientsRequest(problem=problem().to_proto()).SerializeToString()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that keeps five unread answers for all, and three for each caller."""
    sizes = {
        "--max-request-bytes": _REQUEST_BYTES,
        "--max-waiting-bytes": _MOST_UNREAD_BYTES,
        "--max-bytes-per-caller": 3 * _ANSWER_BYTES,
    }
    with serving("--workers", "1", *(str(part) for size in sizes.items() for part in size)) as server:
        assert answers(server.target)
        yield server


def unread(server: Server, stack: ExitStack, source: str) -> Connection:
    """A call of a client that reads nothing of its answer, which is there when this returns."""
    before = encoded(server)
    connection = stack.enter_context(Connection(server.port, source, {INITIAL_WINDOW_SIZE: 0}))
    connection.request(COMPUTE, LARGE)
    wait_until(lambda: encoded(server) > before)
    return connection


def encoded(server: Server) -> float:
    """How many answers there have been."""
    return server.metric("gradproof_engine_seconds_count", stage="encode")


def refusal(server: Server) -> tuple[str, str]:
    """How the next call of 127.0.0.1 fails."""
    with connected(server.target) as channel:
        return ending(begin(channel, SHORT))


def test_answers_that_nobody_reads_are_bounded(server: Server) -> None:
    """For each caller, whom others do not notice, and for all; who goes away makes room, and memory for the next."""
    before = server.front_bytes()
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(3):
                unread(server, stack, "127.0.0.2")
            with Connection(server.port, "127.0.0.2") as fourth:
                fourth.request(COMPUTE, SHORT)
                assert b"grpc-status\x018" in fourth.end_of().payload
            assert answers(server.target)
            last = [unread(server, stack, "127.0.0.3") for _ in range(2)][-1]
            assert refusal(server) == ("RESOURCE_EXHAUSTED", "SERVER_BUSY")
            assert server.front_bytes() - before < _COPIES * _MOST_UNREAD_BYTES + _MOST_BYTES
            last.close()
            wait_until(lambda: is_answered(server, "127.0.0.1"))
        wait_until(lambda: is_answered(server, "127.0.0.2"))


def is_answered(server: Server, source: str) -> bool:
    """Whether the next call from there is answered."""
    with Connection(server.port, source) as connection:
        connection.request(COMPUTE, SHORT)
        return b"grpc-status\x010" in connection.end_of().payload


@pytest.mark.parametrize(("path", "request_bytes"), [(COMPUTE, LARGE), (VERIFY, STREAM)], ids=["answer", "stream"])
def test_a_call_whose_answer_is_not_read_ends_at_its_deadline(server: Server, path: str, request_bytes: bytes) -> None:
    """The server ends it and keeps nothing of it; others are answered meanwhile."""
    before = server.front_bytes()
    with ExitStack() as stack:
        connections = [
            stack.enter_context(Connection(server.port, "127.0.0.2", {INITIAL_WINDOW_SIZE: 0})) for _ in range(3)
        ]
        for connection in connections:
            connection.request(path, request_bytes, grpc_timeout="5S")
        assert answers(server.target)
        for connection in connections:
            assert b"grpc-status\x014" in connection.end_of().payload
        assert server.front_bytes() - before < _COPIES * 3 * _ANSWER_BYTES + _MOST_BYTES
        connections[0].request(COMPUTE, SHORT, stream=3)
        connections[0].send(frame(Kind.WINDOW_UPDATE, stream=3, payload=struct.pack("!I", _MIB)))
        assert b"grpc-status\x010" in connections[0].end_of(3).payload


def test_a_slow_reader_gets_what_it_asks_for_and_holds_up_nobody(server: Server) -> None:
    """1 KiB at a time, with a call of somebody else between."""
    with ExitStack() as stack:
        connection = unread(server, stack, "127.0.0.2")
        for _ in range(5):
            connection.send(frame(Kind.WINDOW_UPDATE, stream=1, payload=struct.pack("!I", 1024)))
            assert len(connection.next(Kind.DATA).payload) == 1024
            assert answers(server.target)


def test_an_answer_that_is_never_read_ends_with_the_age_of_its_connection() -> None:
    """Without a deadline too."""
    age = ("--max-connection-age-seconds", "1", "--max-connection-age-grace-seconds", "1")
    with serving("--workers", "1", *age) as server, ExitStack() as stack:
        unread(server, stack, "127.0.0.2").wait_until_closed()
        assert answers(server.target)
