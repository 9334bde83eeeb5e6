"""Computations that hang: whatever ends the call frees its place for the next one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import gradproof as gp
import grpc
import numpy as np
import pytest
from gradproof.errors import DeadlineError
from gradproof.v1 import gradient_service_pb2 as pb
from gradproof.v1 import tensor_pb2

from tests.faults.harness import COMPUTE, ENDLESS, Server, answers, begin, connected, serving, wait_until_gone
from tests.support.processes import wait_until

_SECONDS = 3.0
"""Of the deadline of a call that hangs, which must have begun by then."""
_PRODUCTS = 10
Hang = Callable[[Server], int]


def products() -> bytes:
    """A request of one forward pass that takes half a minute in a library, which nothing interrupts."""
    network = [gp.Upsample(size=[4096, 4096])]
    network += [gp.functions.MatMul(inputs=[str(i), "0"]) for i in range(_PRODUCTS)]
    problem = gp.Problem([*network, gp.functions.Reduce("mean")], input=np.ones((1, 1, 8, 8)), loss=None)
    return pb.ComputeGradientsRequest(
        problem=problem.to_proto(), include=[tensor_pb2.QUANTITY_LOSS]
    ).SerializeToString()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with one worker, and its spare."""
    with serving("--workers", "1") as server:
        yield server


def stop_process(server: Server) -> int:
    """The kernel stops the worker; its process id."""
    (worker,) = server.wait_until_busy()
    os.kill(worker, signal.SIGSTOP)
    return worker


def only_compute(server: Server) -> int:
    """The worker computes; its process id."""
    (worker,) = server.wait_until_busy()
    return worker


def cancelled(server: Server, request: bytes, hang: Hang) -> int:
    """The caller gives the call up."""
    with connected(server.target) as channel:
        call = begin(channel, request, timeout=None)
        worker = hang(server)
        call.cancel()
        return worker


def disconnected(server: Server, request: bytes, hang: Hang) -> int:
    """The connection ends under the call."""
    with connected(server.target) as channel:
        call = channel.unary_unary(COMPUTE).future(request)
        worker = hang(server)
    assert call.code() is grpc.StatusCode.CANCELLED
    return worker


def timed_out(server: Server, request: bytes, hang: Hang) -> int:
    """The deadline of the caller passes."""
    with connected(server.target) as channel:
        call = begin(channel, request, timeout=_SECONDS)
        worker = hang(server)
        error = call.exception()
        assert isinstance(error, grpc.RpcError)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        return worker


@pytest.mark.parametrize("end", [cancelled, disconnected, timed_out])
@pytest.mark.parametrize(
    ("request_bytes", "hang"),
    [(ENDLESS, stop_process), (products(), only_compute)],
    ids=["process stopped", "kernel that does not listen"],
)
def test_the_place_of_a_call_that_hangs_is_free_when_it_ends(
    server: Server, end: Callable[[Server, bytes, Hang], int], request_bytes: bytes, hang: Hang
) -> None:
    """The next call is answered, long before the computation could have ended; a process that does not end by itself
    is ended."""
    worker = end(server, request_bytes, hang)
    assert answers(server.target)
    if hang is stop_process:
        wait_until_gone({worker})


def test_a_call_without_a_deadline_ends_at_the_cap_of_the_server() -> None:
    """Its caller is told DEADLINE_EXCEEDED, although it never set one, and the next call is answered."""
    with serving("--workers", "1", "--max-call-seconds", "2") as server, connected(server.target) as channel:
        call = begin(channel, timeout=None)
        worker = stop_process(server)
        error = call.exception()
        assert isinstance(error, grpc.RpcError)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert answers(server.target)
        wait_until_gone({worker})


def test_the_place_of_a_functions_check_that_hangs_is_free_when_it_ends() -> None:
    """The only place for functions: its process is stopped while the caller evaluates; the next check is answered."""

    def stop_and_square(x: float) -> float:
        for worker in server.busy():  # none yet, where the client evaluates the function before it calls
            os.kill(worker, signal.SIGSTOP)
        return x**2

    with serving("--workers", "1", "--max-functions", "1") as server, gp.Client(server.target) as client:
        with pytest.raises(DeadlineError):
            client.check_function(stop_and_square, 3.0, gradient=6.0, timeout=_SECONDS)
        assert client.check_function(lambda x: x**2, 3.0, gradient=6.0).agrees


def test_a_stopped_process_that_has_nothing_to_do_costs_one_call(server: Server) -> None:
    """The call that it gets ends at its deadline, and the next one is answered by another process."""
    with connected(server.target) as channel:
        first = begin(channel)
        worker = only_compute(server)
        first.cancel()
        wait_until(lambda: not server.busy())
        os.kill(worker, signal.SIGSTOP)
        error = begin(channel, timeout=_SECONDS).exception()
        assert isinstance(error, grpc.RpcError)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert answers(server.target)
