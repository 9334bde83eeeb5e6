"""Faults that are injected into servers while traffic runs."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from gradproof.aio import AsyncClient
from gradproof.demo import founding_problem
from gradproof.errors import ResourceExhaustedError

from tests.support.servers import ServerProcess
from tests.support.traffic.kinds import endless

_Make: TypeAlias = Callable[[Any], Any]
_FORKED: Any = multiprocessing.get_context("forkserver")
_HANG_SECONDS = 2.0
_FLOOD = 300
_STORM = 100
_STORM_SECONDS = 0.2


@dataclass
class Scene:
    """What faults happen to.

    rotate: gives the servers another certificate. make: a client of a class.
    """

    servers: Sequence[ServerProcess]
    rotate: Callable[[], None]
    make: _Make
    random: random.Random

    def some_server(self) -> ServerProcess:
        """One of them."""
        return self.random.choice(self.servers)

    def some_worker(self) -> int:
        """The process id of a worker of some server."""
        return self.random.choice(self.some_server().workers())


def kill_worker(scene: Scene) -> None:
    """Ends a worker at once."""
    os.kill(scene.some_worker(), signal.SIGKILL)


def hang_worker(scene: Scene) -> None:
    """Stops a worker for some time, as a machine does that swaps."""
    pid = scene.some_worker()
    with contextlib.suppress(ProcessLookupError):  # replaced meanwhile
        os.kill(pid, signal.SIGSTOP)
        time.sleep(_HANG_SECONDS)
        os.kill(pid, signal.SIGCONT)


def restart_rolling(scene: Scene) -> None:
    """One server after the other ends as it should, and starts again."""
    for server in scene.servers:
        status = server.end(signal.SIGTERM)
        server.start()
        if status:
            raise RuntimeError(f"a server ended with status {status}")


def kill_front(scene: Scene) -> None:
    """Ends a server at once, and starts it again."""
    server = scene.some_server()
    server.end(signal.SIGKILL)
    server.start()


def reset_connections(scene: Scene) -> None:
    """Breaks all connections of this process to the servers, under the feet of its clients."""
    ports = {server.port for server in scene.servers}
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile, or not connected
            if entry.is_socket():
                _reset(os.dup(int(entry.name)), ports)


def _reset(descriptor: int, ports: Collection[int]) -> None:
    with socket.socket(fileno=descriptor) as connection:
        peer = connection.getpeername()
        if isinstance(peer, tuple) and peer[1] in ports:
            connection.shutdown(socket.SHUT_RDWR)


def flood(scene: Scene) -> None:
    """More calls at once than a server takes: each is answered, or refused because the server is full."""
    _elsewhere(_flood, scene)


def cancel_storm(scene: Scene) -> None:
    """Many calls that are all given up."""
    _elsewhere(_cancel_storm, scene)


def rotate_certificate(scene: Scene) -> None:
    """Another certificate, from the same authority."""
    scene.rotate()


def _elsewhere(body: Callable[[_Make], None], scene: Scene) -> None:
    """Runs in another process: gRPC serves only one event loop of a process well."""
    process = _FORKED.Process(target=body, args=(scene.make,))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{body.__name__} ended with status {process.exitcode}")


def _flood(make: _Make) -> None:

    async def call(client: AsyncClient) -> None:
        with contextlib.suppress(ResourceExhaustedError):
            await client.compute(founding_problem())

    asyncio.run(_many(make, call, _FLOOD))


def _cancel_storm(make: _Make) -> None:
    async def call(client: AsyncClient) -> None:
        with contextlib.suppress(asyncio.TimeoutError, ResourceExhaustedError):
            await asyncio.wait_for(client.compute(problem, include=["loss"], steps=[0]), _STORM_SECONDS)

    problem = endless().to_proto()
    asyncio.run(_many(make, call, _STORM))


async def _many(make: _Make, call: Callable[[AsyncClient], Any], count: int) -> None:
    async with make(AsyncClient) as client:
        await asyncio.gather(*(call(client) for _ in range(count)))


FAULTS: Mapping[str, Callable[[Scene], None]] = {
    "worker killed": kill_worker,
    "worker hangs": hang_worker,
    "rolling restart": restart_rolling,
    "connections reset": reset_connections,
    "certificate rotated": rotate_certificate,
    "front killed": kill_front,
    "queue flooded": flood,
    "cancel storm": cancel_storm,
}
