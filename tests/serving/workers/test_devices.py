"""Workers on CUDA devices: one for each, with a share of its memory, which can run out. CUDA itself is replaced."""

from __future__ import annotations

from multiprocessing import Pipe
from typing import Any

import pytest
import torch
from gradproof_server import backend
from gradproof_server.backend import in_processes, quotas_of
from gradproof_server.serving.callers.access import OpenAccess
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.logs import CurrentStderr, Level, make_logger
from gradproof_server.serving.methods import Task, TaskContext, TaskResult
from gradproof_server.serving.reload import LiveSettings
from gradproof_server.serving.workers import child
from gradproof_server.serving.workers.link import Link
from gradproof_server.serving.workers.pool import WorkerPool
from gradproof_server.serving.workers.protocol import Device, Done, Run
from gradproof_server.settings import Settings


class Quiet:
    """A watcher of nothing."""

    def worker_ended(self, reason: str) -> None:
        """Nothing."""

    def worker_wrote(self, pid: int, text: str) -> None:
        """Nothing."""

    def computation_stopped(self, seconds: float) -> None:
        """Nothing."""

    def worker_not_started(self, error: str) -> None:
        """Nothing."""


def plan_of(monkeypatch: pytest.MonkeyPatch, devices: int, **settings: Any) -> Any:
    """The plan of the workers on a machine with so many devices and eight CPUs."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    monkeypatch.setattr(backend, "available_cpus", lambda: 8)
    chosen = Settings(**settings)
    live = LiveSettings(chosen, lambda: chosen, make_logger(Level("error"), "text", CurrentStderr()))
    pool = in_processes(chosen, Quiet(), quotas_of(chosen, OpenAccess(), live), live).calls
    assert isinstance(pool, WorkerPool)
    return pool._plan


def test_each_device_has_one_worker_and_its_share_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three devices, three workers, whatever the number of CPUs."""
    plan = plan_of(monkeypatch, 3, cuda_memory_share=0.8)
    assert plan.workers == 3
    assert plan.devices == (Device(0, 0.8), Device(1, 0.8), Device(2, 0.8))
    assert plan.preparation.threads == 2


def test_workers_that_share_a_device_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three workers on two devices: up to two on one, each with half."""
    assert plan_of(monkeypatch, 2, workers=3).devices == (Device(0, 0.45), Device(1, 0.45))


@pytest.mark.parametrize(("devices", "settings"), [(0, {}), (2, {"device": "cpu"})])
def test_without_devices_there_is_a_worker_for_each_cpu(
    monkeypatch: pytest.MonkeyPatch, devices: int, settings: dict[str, Any]
) -> None:
    """At most four, which share the CPUs."""
    plan = plan_of(monkeypatch, devices, **settings)
    assert (plan.workers, plan.devices, plan.preparation.threads) == (4, (), 2)


def out_of_memory(task: Task, front: TaskContext) -> TaskResult:
    """As an engine answers whose device has no memory left."""
    return TaskResult(failure=error_to_failure(torch.OutOfMemoryError("CUDA out of memory")))


def fine(task: Task, front: TaskContext) -> TaskResult:
    """An engine that has enough."""
    return TaskResult(b"fine")


def test_memory_that_ran_out_is_an_answer_and_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker takes its device and its share before each task, empties the cache after the failure, and goes on."""
    done: list[Any] = []
    monkeypatch.setattr(torch.cuda, "set_device", lambda index: done.append(("device", index)))
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda share, index: done.append(("share", share, index))
    )
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: done.append("emptied"))
    ours, theirs = map(Link, Pipe())
    worker = child._Worker(theirs)
    monkeypatch.setattr(worker, "_runs", _Runs([out_of_memory, fine]))
    with pytest.raises(StopIteration):
        worker.work()
    answers = [message for message, _ in (ours.receive(), ours.receive())]
    ours.close()
    theirs.close()
    assert all(isinstance(answer, Done) for answer in answers)
    assert [answer.answer.failure and answer.answer.failure.kind.reason for answer in answers] == [
        "OUT_OF_MEMORY",
        None,
    ]
    taken = [("device", 1), ("share", 0.5, 1)]
    assert done == [*taken, "emptied", *taken]


class _Runs:
    """Runs in place of those that the front sends; then StopIteration."""

    def __init__(self, answerers: list[Any]) -> None:
        self._runs = iter([Run(i, answerer, Task("m", b""), Device(1, 0.5)) for i, answerer in enumerate(answerers)])

    def get(self) -> tuple[Run, bytes]:
        """The next one."""
        return next(self._runs), b""
