"""What it costs that every call is computed in another process: `python -m benchmarks.serving.hop`.

The same tasks, one after the other, by the engine in a thread of this process and by the engine in a worker.
"""

from __future__ import annotations

import time
from queue import SimpleQueue
from statistics import median

from gradproof.v1 import gradient_service_pb2 as pb
from gradproof.v1 import tensor_pb2
from gradproof_server.backend import in_processes, in_threads, quotas_of
from gradproof_server.serving.callers.access import OpenAccess
from gradproof_server.serving.compute import Executor
from gradproof_server.serving.logs import CurrentStderr, Level, make_logger
from gradproof_server.serving.methods import Task, TaskResult
from gradproof_server.serving.reload import LiveSettings
from gradproof_server.settings import Settings

from tests.support.traffic.kinds import dense

ELEMENTS = tuple(4**power for power in range(4, 13))
"""Of the weight, float32: 1 KiB to 64 MiB, in the request and in the response."""
LEAST_ROUNDS, SECONDS = 5, 1.0


class _Nobody:
    """Is told of no worker's end."""

    def worker_ended(self, reason: str) -> None:
        """Nothing."""

    def worker_wrote(self, pid: int, text: str) -> None:
        """Nothing."""

    def computation_stopped(self, seconds: float) -> None:
        """Nothing."""

    def worker_not_started(self, error: str) -> None:
        """Nothing."""


def seconds_of(compute: Executor, task: Task) -> float:
    """The usual time from a task to its answer."""
    times: list[float] = []
    answers: SimpleQueue[TaskResult] = SimpleQueue()
    end = time.perf_counter() + SECONDS
    while len(times) < LEAST_ROUNDS or time.perf_counter() < end:
        started = time.perf_counter()
        compute.submit(task, answers.put)
        answer = answers.get()
        times.append(time.perf_counter() - started)
        assert answer.failure is None, answer.failure
    return median(times[1:])


def main() -> None:
    """Prints the table."""
    settings = Settings(workers=1, threads=1)
    live = LiveSettings(settings, lambda: settings, make_logger(Level("error"), "text", CurrentStderr()))
    quotas = quotas_of(settings, OpenAccess(), live)
    computes = in_threads(settings).calls, in_processes(settings, _Nobody(), quotas, live).calls
    for compute in computes:
        compute.start().result()
    print("\nMilliseconds of a task with a weight in it and its gradient in the answer")
    print(f"{'request':>12}{'thread':>10}{'worker':>10}{'hop':>10}{'ratio':>8}")
    for elements in ELEMENTS:
        problem = dense(elements // 16, 16, 1, 1).to_proto()
        request = pb.ComputeGradientsRequest(problem=problem, include=[tensor_pb2.QUANTITY_GRADIENT])
        task = Task("ComputeGradients", request.SerializeToString())
        thread, worker = (1000 * seconds_of(compute, task) for compute in computes)
        size = len(task.request) / 2**10
        print(f"{size:8.0f} KiB{thread:10.2f}{worker:10.2f}{worker - thread:10.2f}{worker / thread:8.2f}")
    for compute in computes:
        compute.close(5.0)


if __name__ == "__main__":
    main()
