"""Real servers that faults happen to: what their processes do, and that none of them is left."""

from __future__ import annotations

import contextlib
import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from gradproof.demo import founding_problem
from gradproof.v1 import gradient_service_pb2 as pb

from tests.support.processes import wait_until
from tests.support.servers import ServerProcess, children
from tests.support.traffic.heavy import many_steps

SOON = 60.0
"""Seconds of the deadline of a call that must be answered."""
SHORT = pb.ComputeGradientsRequest(problem=founding_problem().to_proto()).SerializeToString()
ENDLESS = many_steps().SerializeToString()
"""A request that computes longer than any test waits."""
COMPUTE = "/gradproof.v1.GradientService/ComputeGradients"
_FLAGS = ("--metrics-port", "0", "--debug", "--log-level", "debug")


class Server(ServerProcess):
    """A server in a process of its own, with metrics and the page of --debug."""

    def __init__(self, *flags: str) -> None:
        super().__init__(*_FLAGS, *flags)

    def busy(self) -> list[int]:
        """Process ids of the workers that do a task at this moment."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/debug", timeout=SOON) as page:
            return [int(pid) for pid in re.findall(r"pid (\d+)  busy", page.read().decode())]

    def wait_until_busy(self, workers: int = 1) -> list[int]:
        """Returns when so many workers do a task; their process ids."""
        found: list[int] = []

        def busy() -> bool:
            found[:] = self.busy()
            return len(found) == workers

        wait_until(busy)
        return found

    def family(self) -> set[int]:
        """Process ids of the front and of all processes below it."""
        found, fresh = set[int](), [self.pid]
        while fresh:
            found.update(fresh)
            fresh = [child for pid in fresh for child in children(pid)]
        return found

    def open_files(self) -> list[str]:
        """What the descriptors of the front are open on."""
        found = []
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                found.append(os.readlink(entry))
        return found


@contextlib.contextmanager
def serving(*flags: str) -> Iterator[Server]:
    """A server within the block, after which none of its processes is left."""
    server = Server(*flags)
    server.start()
    try:
        yield server
    finally:
        family = server.family()
        server.end()
        wait_until_gone(family)


def wait_until_gone(pids: set[int]) -> None:
    """Returns when none of the processes is there any more."""
    wait_until(lambda: not any(map(is_alive, pids)))


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and not only its exit status that nobody has asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@contextlib.contextmanager
def connected(target: str) -> Iterator[grpc.Channel]:
    """A plain channel with a connection of its own, without retries, which is closed after the block."""
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
    with grpc.insecure_channel(target, options) as channel:
        yield channel


def begin(channel: grpc.Channel, request: bytes = ENDLESS, timeout: float | None = SOON) -> grpc.Future:
    """A call of ComputeGradients by a client without retries."""
    return channel.unary_unary(COMPUTE).future(request, timeout=timeout)


def answers(target: str, request: bytes = SHORT) -> bool:
    """Whether a call by a new connection is answered; raises what it fails with."""
    with connected(target) as channel:
        return bool(begin(channel, request).result())


def status_of(error: grpc.RpcError) -> status_pb2.Status:
    """The details that a server sends with an error."""
    return status_pb2.Status.FromString(dict(error.trailing_metadata()).get("grpc-status-details-bin", b""))


def detail(error: grpc.RpcError, kind: type[Message]) -> Message | None:
    """The detail of this type; None where there is none."""
    for packed in status_of(error).details:
        found = kind()
        if packed.Unpack(found):
            return found
    return None


def ending(call: grpc.Future) -> tuple[str, str]:
    """How a call failed: its code, and the reason that the server gave, empty where it gave none."""
    error = call.exception()
    assert isinstance(error, grpc.RpcError)
    info = detail(error, error_details_pb2.ErrorInfo)
    return error.code().name, getattr(info, "reason", "")
