"""How fast health is answered while everything is busy: `python -m benchmarks.serving.health`.

All workers compute, more calls come than the server takes, large requests and responses are under way.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.servers import server_process
from tests.support.traffic.callers import percentile
from tests.support.traffic.heavy import large_request, many_steps

PROBES = 2000
PAUSE_SECONDS = 0.005
LARGE_MEBIBYTES = 16
_FLAGS = ("--workers", "2", "--health-port", "0", "--max-concurrent-calls", "32", "--max-request-bytes", str(2**30))
_UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
_PATH = "/gradproof.v1.GradientService/ComputeGradients"


def measured(probes: int = PROBES) -> dict[str, list[float]]:
    """Seconds of probes of the two ports, on an idle server and on one under full load."""
    found: dict[str, list[float]] = {}
    with server_process(*_FLAGS) as server:
        ports = {"health port": server.health_port, "service port": server.port}
        for state, load in (("idle", contextlib.nullcontext()), ("full load", _load(server.target))):
            with load:
                for name, port in ports.items():
                    found[f"{name}, {state}"] = _probed(f"127.0.0.1:{port}", probes)
    return found


def _probed(target: str, probes: int) -> list[float]:
    seconds = []
    with grpc.insecure_channel(target) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        for _ in range(probes):
            started = time.perf_counter()
            answer = check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
            seconds.append(time.perf_counter() - started)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            time.sleep(PAUSE_SECONDS)
    return sorted(seconds)


@contextlib.contextmanager
def _load(target: str) -> Iterator[None]:
    """Full load, from two processes of its own."""
    callers = [_FORKED.Process(target=body, args=(target,), daemon=True) for body in (_many_calls, _large_calls)]
    for caller in callers:
        caller.start()
    time.sleep(3.0)  # until all of it is under way
    try:
        yield
    finally:
        for caller in callers:
            caller.kill()
            caller.join()


def _many_calls(target: str) -> None:
    """Long calls that take all workers and the whole queue, and further ones that are refused."""
    request = many_steps().SerializeToString()
    _in_threads(40, lambda channel: channel.unary_unary(_PATH)(request, timeout=5), target)


def _large_calls(target: str) -> None:
    """Calls with large requests and large responses, one after the other."""
    request = large_request(LARGE_MEBIBYTES).SerializeToString()
    _in_threads(2, lambda channel: channel.unary_unary(_PATH)(request, timeout=5), target)


def _in_threads(count: int, call: Callable[[Any], Any], target: str) -> None:
    def forever() -> None:
        with grpc.insecure_channel(target, _UNLIMITED) as channel:
            while True:
                with contextlib.suppress(grpc.RpcError):  # refused, or over its deadline
                    call(channel)

    threads = [threading.Thread(target=forever) for _ in range(count)]
    for thread in threads:
        thread.start()
    threads[0].join()


_FORKED: Any = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["benchmarks.serving.heavy"])


def main(probes: int = PROBES) -> None:
    """Prints the table."""
    print(f"\nMilliseconds of a health check, {probes} of each")
    print(f"{'':28}{'p50':>8}{'p99':>8}{'most':>8}")
    for name, seconds in measured(probes).items():
        figures = [1000 * percentile(seconds, percent) for percent in (50, 99, 100)]
        print(f"{name:28}" + "".join(f"{figure:8.1f}" for figure in figures))


if __name__ == "__main__":
    main()
