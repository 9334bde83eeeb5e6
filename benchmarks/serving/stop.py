"""Time from the moment when nobody waits for a computation any more to the moment when its worker is free for others:
`python -m benchmarks.serving.stop`.

The server has one worker. A small call is sent at the moment of the stop, and is answered when the worker, or the one
that takes its place, is free: what it takes, beyond what it takes on an idle server, is the time of the stop. In it are
the way of the news to the server, and where a worker was killed the start of another, because the next stop comes at
once. Beside it stands what the server itself counts: how long computations ran on after it knew.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import grpc
from gradproof.demo import founding_problem
from gradproof.v1 import gradient_service_pb2 as pb

from tests.support.servers import server_process
from tests.support.traffic.callers import percentile
from tests.support.traffic.heavy import Heavy, heavy_calls

ROUNDS = 14
"""Stops of each kind of computation, for each way to stop it."""
AIM_SECONDS = 0.2
EARLIEST, LATEST = 0.05, 0.6
"""Seconds after which a call is stopped, drawn at random."""
_UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
_Ways = Mapping[str, Callable[[str, Heavy, float], None]]


def measured(rounds: int = ROUNDS) -> tuple[dict[tuple[str, str], list[float]], float, float]:
    """Seconds of all stops, by kind of computation and way to stop it; and by the server's own account the number of
    stops, and of those within AIM_SECONDS."""
    draw = random.Random(0)
    found: dict[tuple[str, str], list[float]] = {}
    flags = ("--workers", "1", "--max-request-bytes", str(2**30), "--metrics-port", "0")
    with server_process(*flags) as server, grpc.insecure_channel(server.target) as channel:
        probe = _Probe(channel)
        usual = median(probe.seconds() for _ in range(50))
        for heavy in heavy_calls():
            for way, stop in WAYS.items():
                for _ in range(rounds):
                    stop(server.target, heavy, draw.uniform(EARLIEST, LATEST))
                    found.setdefault((heavy.name, way), []).append(max(0.0, probe.seconds() - usual))
        counted = server.metric("gradproof_stop_seconds_count")
        return found, counted, server.metric("gradproof_stop_seconds_bucket", le=str(AIM_SECONDS))


class _Probe:
    """A small call, on a connection that is there already."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._method: Any = channel.unary_unary("/gradproof.v1.GradientService/ComputeGradients")
        self._request = pb.ComputeGradientsRequest(problem=founding_problem().to_proto()).SerializeToString()

    def seconds(self) -> float:
        """That it takes."""
        started = time.perf_counter()
        self._method(self._request)
        return time.perf_counter() - started


def _cancel(target: str, heavy: Heavy, seconds: float) -> None:
    with grpc.insecure_channel(target, _UNLIMITED) as channel:
        call = _begin(channel, heavy, None)
        time.sleep(seconds)
        call.cancel()


def _deadline(target: str, heavy: Heavy, seconds: float) -> None:
    with grpc.insecure_channel(target, _UNLIMITED) as channel:
        call = _begin(channel, heavy, seconds)
        time.sleep(seconds)
        del call


def _killed(target: str, heavy: Heavy, seconds: float) -> None:
    """A client process that is killed."""
    begun = _FORKED.Event()
    client = _FORKED.Process(target=_wait_forever, args=(target, heavy, begun))
    client.start()
    begun.wait()
    time.sleep(seconds)
    client.kill()


def _begin(channel: Any, heavy: Heavy, timeout: float | None) -> Any:
    if heavy.stream:
        return channel.unary_stream(heavy.path)(heavy.request, timeout=timeout)
    return channel.unary_unary(heavy.path).future(heavy.request, timeout=timeout)


def _wait_forever(target: str, heavy: Heavy, begun: Any) -> None:
    with grpc.insecure_channel(target, _UNLIMITED) as channel:
        call = _begin(channel, heavy, None)
        begun.set()
        time.sleep(60)
        del call


_FORKED: Any = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["benchmarks.serving.heavy"])
WAYS: _Ways = {"cancelled": _cancel, "deadline": _deadline, "client killed": _killed}


def main(rounds: int = ROUNDS) -> None:
    """Prints the table."""
    found, counted, within = measured(rounds)
    print(f"\nSeconds until a stopped computation's worker is free, {sum(map(len, found.values()))} stops")
    print(f"{'':20}{'':16}{'p50':>8}{'p90':>8}{'p99':>8}{'most':>8}")
    for (heavy, way), seconds in found.items():
        _print_row(heavy, way, seconds)
    _print_row("all", "", [second for seconds in found.values() for second in seconds])
    print(f"by the server's own account {within:.0f} of {counted:.0f} computations ended within {AIM_SECONDS} s")


def _print_row(heavy: str, way: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    figures = [percentile(ordered, percent) for percent in (50, 90, 99, 100)]
    print(f"{heavy:20}{way:16}" + "".join(f"{figure:8.3f}" for figure in figures))


if __name__ == "__main__":
    main()
