"""Health for probes, on a port and in threads of its own: it answers while the event loop does not.

It never has TLS, because the kubelet's gRPC probes speak none. "" is liveness: the process is up and its event loop
turns. The name of the service is readiness: calls are taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

LIVENESS = ""
_SERVING, _NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
# Check and List end at once, and Watch holds no thread: two are enough, one of them for a caller that sends slowly.
_THREADS = 2
_LARGEST_MESSAGE = 4096
_LOOKS = 10
"""How often the watchdog looks within the time after which an event loop counts as stuck."""


class HealthServer:
    """Serves grpc.health.v1.Health from its creation until `close`: alive, and not ready until it is told so.

    Args:
        service: the service whose readiness is asked for.
        address: "host:port", as gRPC writes it; port 0 takes a free one.
        stuck_seconds: an event loop that did not turn for so long is not alive.

    Raises OSError where the address cannot be had.
    """

    port: int
    """The port that it listens on."""

    def __init__(self, service: str, address: str, stuck_seconds: float) -> None:
        self._service = service
        self._ready = self._ending = self._stuck = False
        self._lock = threading.Lock()
        self._servicer = _Servicer()
        self._watchdog = _Watchdog(stuck_seconds, self._set_stuck)
        self._publish()
        self._pool = futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="gradproof-health")
        options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", _LARGEST_MESSAGE)]
        self._server = grpc.server(self._pool, options=options)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, self._server)
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            self.close()
            raise OSError(str(error)) from error
        self._server.start()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Says from now on that the process is not alive whenever this loop does not turn."""
        self._watchdog.watch(loop)

    def say_serving(self) -> None:
        """The service is ready."""
        with self._lock:
            self._ready = True
            self._publish()

    def say_not_serving(self) -> None:
        """Neither alive nor ready, whatever comes."""
        with self._lock:
            self._ending = True
            self._publish()

    def close(self) -> None:
        """Ends the server and its threads."""
        self._watchdog.close()
        self._server.stop(0).wait()
        self._pool.shutdown()

    def _set_stuck(self, stuck: bool) -> None:
        with self._lock:
            self._stuck = stuck
            self._publish()

    def _publish(self) -> None:
        alive = not self._stuck and not self._ending
        self._servicer.set(self._service, _SERVING if alive and self._ready else _NOT_SERVING)
        self._servicer.set(LIVENESS, _SERVING if alive else _NOT_SERVING)


class _Servicer(health.HealthServicer):  # type: ignore[misc]  # it has no types
    """Check and Watch as they come, and List of what is known to them."""

    def __init__(self) -> None:
        super().__init__(experimental_non_blocking=True)
        self._statuses: dict[str, Any] = {}

    def set(self, service: str, status: Any) -> None:
        """Sets the status of a service; whoever watches it is told."""
        if self._statuses.get(service) != status:
            self._statuses[service] = status
            super().set(service, status)

    def List(  # noqa: N802  # the method's name in the contract
        self, _request: health_pb2.HealthListRequest, _context: object
    ) -> health_pb2.HealthListResponse:
        """All services with their status."""
        statuses = {name: health_pb2.HealthCheckResponse(status=status) for name, status in self._statuses.items()}
        return health_pb2.HealthListResponse(statuses=statuses)


class _Watchdog:
    """A thread that asks an event loop to call it back, and tells where it has not for too long.

    It counts its own looks and not the clock: a process that was stopped as a whole, or a machine that slept, has no
    event loop that is stuck.
    """

    def __init__(self, stuck_seconds: float, tell: Callable[[bool], None]) -> None:
        self._period, self._tell = stuck_seconds / _LOOKS, tell
        self._missed = 0
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, args=(loop,), name="gradproof-watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._end.wait(self._period):
            self._tell(self._missed >= _LOOKS)
            self._missed += 1
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing turns any more
                loop.call_soon_threadsafe(self._turned)

    def _turned(self) -> None:
        self._missed = 0
