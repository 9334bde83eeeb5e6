"""What traces cost: `python -m benchmarks.serving.tracing`.

The same small calls, by turns to a server without traces, one whose collector takes them, and one whose collector is
not there: the time of a call, and the processor time that it takes of the front.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

import gradproof as gp
import grpc
from gradproof.demo import founding_problem
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from tests.support.servers import server_process

ROUNDS, CALLS = 20, 50
_NOWHERE = "http://127.0.0.1:1"


class _Collector(trace_service_pb2_grpc.TraceServiceServicer):
    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 (the contract's name and arguments)
        """Takes spans."""
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def _collector() -> Iterator[str]:
    """The endpoint of a collector that forgets everything."""
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Collector(), server)  # type: ignore[no-untyped-call]
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"http://127.0.0.1:{port}"
        server.stop(None).wait()


def main(rounds: int = ROUNDS) -> None:
    """Prints the table."""
    problem = founding_problem()
    with ExitStack() as stack:
        endpoints = {"off": "off", "a collector": stack.enter_context(_collector()), "none there": _NOWHERE}
        flags = ("--workers", "1", "--metrics-port", "0")
        servers = {
            name: stack.enter_context(server_process(*flags, "--trace-endpoint", endpoint))
            for name, endpoint in endpoints.items()
        }
        clients = {name: stack.enter_context(gp.Client(server.target)) for name, server in servers.items()}
        times: dict[str, list[float]] = {name: [] for name in servers}
        processor = dict.fromkeys(servers, 0.0)
        for number in range(rounds + 1):
            for name, client in clients.items():
                before = servers[name].metric("process_cpu_seconds_total")
                seconds = [_seconds(client, problem) for _ in range(CALLS)]
                if number:  # the first warms up
                    times[name] += seconds
                    processor[name] += servers[name].metric("process_cpu_seconds_total") - before
    print(f"\n{'traces':>12}{'p50, ms':>10}{'front, ms':>12}")
    for name, seconds in times.items():
        print(f"{name:>12}{1000 * median(seconds):10.2f}{1000 * processor[name] / len(seconds):12.2f}")


def _seconds(client: gp.Client, problem: gp.Problem) -> float:
    started = time.perf_counter()
    client.compute(problem)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
