"""What the server carries: `python -m benchmarks.serving.load`.

Calls per second and their times in closed loops, beside the engine in this process without a server; and the memory of
all processes while mixed traffic runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradproof as gp
import grpc
import numpy as np
import torch
from gradproof.demo import founding_problem
from gradproof.v1 import gradient_service_pb2 as pb
from gradproof_server.engine.types import Limits
from gradproof_server.serving.methods import Methods, Task

from tests.support.servers import ServerProcess, server_process
from tests.support.traffic.callers import Callers, Traffic, percentile
from tests.support.traffic.kinds import dense, kinds, right_answers

SECONDS, WARM_UP_SECONDS = 5.0, 1.0
IN_FLIGHT = (1, 8, 64)
MEMORY_SECONDS = 60.0
WORKERS = 2
_PATH = "/gradproof.v1.GradientService/ComputeGradients"
_MIB = 2**20


@dataclass(frozen=True)
class Carried:
    """What a closed loop got: the seconds of its calls, sorted, in so many seconds; engine: the part of the workers'
    time that they spent in the engine."""

    times: Sequence[float]
    seconds: float
    engine: float

    @property
    def rate(self) -> float:
        """Calls per second."""
        return len(self.times) / self.seconds


async def carried(server: ServerProcess, request: bytes, in_flight: int, seconds: float) -> Carried:
    """What so many callers get who each call again at once; the warm-up is not counted."""
    times: list[float] = []
    start = time.perf_counter() + WARM_UP_SECONDS
    async with grpc.aio.insecure_channel(server.target) as channel:
        method: Any = channel.unary_unary(_PATH)

        async def caller() -> None:
            while (begun := time.perf_counter()) < start + seconds:
                await method(request)
                if begun >= start:
                    times.append(time.perf_counter() - begun)

        before = server.metric("gradproof_engine_seconds_sum")  # in all stages of all calls
        await asyncio.gather(*(caller() for _ in range(in_flight)))
        engine = server.metric("gradproof_engine_seconds_sum") - before
    return Carried(sorted(times), seconds, engine / (WORKERS * (seconds + WARM_UP_SECONDS)))


def without_server(request: bytes, seconds: float) -> float:
    """Calls per second of the engine in this process, on one thread."""
    torch.set_num_threads(1)
    engine, task = Methods(Limits(), 2**30), Task("ComputeGradients", request)
    engine(task)
    started, done = time.perf_counter(), 0
    while time.perf_counter() < started + seconds:
        engine(task)
        done += 1
    return done / (time.perf_counter() - started)


def memory_over_time(seconds: float) -> tuple[list[float], dict[str, list[int]], int]:
    """Seconds, bytes of the front and of all workers together at these, and how many calls were made meanwhile."""
    mixture = kinds()
    with gp.Client.embedded() as client:
        answers = right_answers(mixture, client)
    times: list[float] = []
    sizes: dict[str, list[int]] = {"front": [], "workers": []}
    traffic = Traffic(mixture, answers)
    with (
        server_process("--workers", str(WORKERS)) as server,
        Callers(traffic, lambda kind: kind(server.target), threads=3, coroutines=5),
    ):
        started = time.monotonic()
        while time.monotonic() < started + seconds:
            time.sleep(1.0)
            times.append(time.monotonic() - started)
            sizes["front"].append(server.front_bytes())
            sizes["workers"].append(server.memory_bytes("VmRSS") - sizes["front"][-1])
    tally = traffic.take()
    assert not tally.wrong, tally.wrong
    assert not tally.lost, tally.lost
    return times, sizes, tally.right


def main(seconds: float = SECONDS, memory_seconds: float = MEMORY_SECONDS) -> None:
    """Prints the tables."""
    requests = {"founding case": founding_problem(), "256 x 64, 3 steps of Adam": dense(256, 64, 32, 3)}
    print(f"\nClosed loops, {WORKERS} workers of one thread; clients share the machine")
    print(f"{'':28}{'in flight':>10}{'calls/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'engine':>8}{'/ no server':>13}")
    with server_process("--workers", str(WORKERS), "--metrics-port", "0") as server:
        for name, problem in requests.items():
            request = pb.ComputeGradientsRequest(problem=problem.to_proto()).SerializeToString()
            alone = without_server(request, seconds)
            print(f"{name + ', no server':28}{'':10}{alone:9.0f}")
            for in_flight in IN_FLIGHT:
                found = asyncio.run(carried(server, request, in_flight, seconds))
                p50, p99 = (1000 * percentile(found.times, percent) for percent in (50, 99))
                figures = f"{found.rate:9.0f}{p50:9.1f}{p99:9.1f}{found.engine:8.0%}{found.rate / alone:13.2f}"
                print(f"{name:28}{in_flight:10}{figures}")
    times, sizes, calls = memory_over_time(memory_seconds)
    half = len(times) // 2
    print(f"\nMemory under mixed traffic, {calls} calls in {times[-1]:.0f} s")
    for name, values in sizes.items():
        slope = float(np.polyfit(times[half:], values[half:], 1)[0]) * 60 / _MIB
        print(f"{name:10} from {values[0] / _MIB:.0f} to {values[-1] / _MIB:.0f} MiB; second half {slope:+.1f} MiB/min")


if __name__ == "__main__":
    main()
