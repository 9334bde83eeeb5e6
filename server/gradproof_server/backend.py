"""What computes, made from the settings: processes for a server, threads for one that is embedded in a program."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections import Counter
from dataclasses import dataclass

import torch

from gradproof_server.engine import numeric
from gradproof_server.engine.types import Cost, Limits
from gradproof_server.serving.admission import Bounds, FairQueue, Quotas
from gradproof_server.serving.callers.access import Access
from gradproof_server.serving.compute import Executor, ThreadExecutor
from gradproof_server.serving.cpus import available_cpus
from gradproof_server.serving.function_check import Checker, FunctionEngine
from gradproof_server.serving.function_claims import FunctionLimits
from gradproof_server.serving.methods import CallLimits, Methods
from gradproof_server.serving.reload import LiveSettings
from gradproof_server.serving.server import StartError
from gradproof_server.serving.warmup import warm_up
from gradproof_server.serving.workers.budget import Budget
from gradproof_server.serving.workers.child import Preparation
from gradproof_server.serving.workers.pool import Plan, Watcher, WorkerPool, WorkerState
from gradproof_server.serving.workers.process import WorkerStartError
from gradproof_server.serving.workers.protocol import Device
from gradproof_server.settings import Settings

# Beyond, each takes memory of its own for little: more threads for each serve large problems better.
_MOST_WORKERS = 4
_MESSAGE_BYTES = 65_536
"""Room for what is in a message besides its tensors: names, numbers, lengths."""


@dataclass(frozen=True)
class Backend:
    """What answers calls, and what checks functions of callers, which wait for their callers most of the time."""

    calls: Executor
    functions: Executor

    async def start(self) -> None:
        """Returns when it is ready. Raises StartError."""
        try:
            for compute in (self.calls, self.functions):
                await asyncio.wrap_future(compute.start())
        except WorkerStartError as error:
            raise StartError(str(error)) from error

    def workers(self) -> list[WorkerState]:
        """The workers of calls, and those of functions that have a process; none where threads compute."""
        of_calls, of_functions = (
            compute.states() if isinstance(compute, WorkerPool) else [] for compute in (self.calls, self.functions)
        )
        return of_calls + [state for state in of_functions if state.pid is not None]

    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return [state.pid for state in self.workers() if state.pid is not None]

    def waiting_by_caller(self) -> dict[str, int]:
        """How many calls of each caller wait, functions among them."""
        return Counter(self.calls.waiting_by_caller()) + Counter(self.functions.waiting_by_caller())

    def interrupt(self) -> None:
        """Stops all that waits and runs, and takes nothing any more. The callers are told SHUTTING_DOWN."""
        self.calls.interrupt()
        self.functions.interrupt()

    def close(self, seconds: float) -> bool:
        """Interrupts and frees everything; False if a computation still runs after so many seconds, twice."""
        ended = [compute.close(seconds) for compute in (self.calls, self.functions)]
        return all(ended)


def quotas_of(settings: Settings, access: Access, live: LiveSettings) -> Quotas:
    """The quotas of all callers and of each, which follow the settings and the callers' file."""
    quotas = Quotas(*_bounds(settings), access.bounds_of)
    live.on_change(lambda settings: quotas.set(*_bounds(settings)))
    return quotas


def in_processes(settings: Settings, watcher: Watcher, quotas: Quotas, live: LiveSettings) -> Backend:
    """The engine in processes of its own, with limits that follow the settings."""
    engine = engine_of(settings)
    count = 0 if settings.device == "cpu" else torch.cuda.device_count()
    cpus = available_cpus()
    workers = settings.workers or count or min(cpus, _MOST_WORKERS)
    threads = settings.threads or max(1, cpus // workers)
    preparation = Preparation(threads, settings.worker_memory_bytes, functools.partial(_warm_up, engine))
    plan = Plan(workers, _devices(settings, count, workers), preparation, settings.stop_seconds)
    budget = Budget(_running(settings))
    calls = WorkerPool(engine, plan, FairQueue(quotas), budget, watcher)

    one_thread = Preparation(1, settings.worker_memory_bytes, _nothing)
    on_demand = Plan(settings.max_functions, (), one_thread, settings.stop_seconds, on_demand=True)
    functions = WorkerPool(function_engine_of(settings), on_demand, FairQueue(quotas), budget, watcher)

    def configure(settings: Settings) -> None:
        calls.answerer, functions.answerer = engine_of(settings), function_engine_of(settings)
        budget.resize(_running(settings))

    live.on_change(configure)
    return Backend(calls, functions)


def in_threads(settings: Settings, calls: Executor | None = None, checker: Checker = numeric.check_function) -> Backend:
    """The engine in threads of this process.

    Args:
        settings: limits, and the threads of a computation.
        calls: what answers calls; the engine if not given.
        checker: what checks functions.
    """
    engine = engine_of(settings)

    def prepare() -> None:
        torch.set_num_threads(settings.threads or available_cpus())
        _warm_up(engine)

    quotas = Quotas(*_bounds(settings))
    functions = ThreadExecutor(
        function_engine_of(settings, checker), _nothing, FairQueue(quotas), settings.max_functions
    )
    return Backend(calls or ThreadExecutor(engine, prepare, FairQueue(quotas)), functions)


def engine_of(settings: Settings) -> Methods:
    """The engine with the limits of the settings."""
    outside = CallLimits(**{f.name: getattr(settings, f.name) for f in dataclasses.fields(CallLimits)})
    return Methods(
        settings.limits,
        settings.max_response_bytes,
        settings.device,
        settings.max_witness_seconds,
        outside,
        settings.documentation_url,
    )


def function_engine_of(settings: Settings, checker: Checker = numeric.check_function) -> FunctionEngine:
    """What checks functions, with the limits of the settings."""
    limits = FunctionLimits(
        settings.limits,
        settings.max_function_elements,
        max_points_bytes=max(0, settings.max_response_bytes - _MESSAGE_BYTES),
        max_values_bytes=max(0, settings.max_request_bytes - _MESSAGE_BYTES),
    )
    return FunctionEngine(checker, limits, settings.max_witness_seconds)


def _bounds(settings: Settings) -> tuple[Bounds, Bounds]:
    """Of all callers together, and of each."""
    total = Bounds(settings.max_concurrent_calls, settings.max_waiting_bytes)
    return total, Bounds(settings.max_calls_per_caller, settings.max_bytes_per_caller)


def _devices(settings: Settings, count: int, workers: int) -> tuple[Device, ...]:
    """So many CUDA devices, each with the share of its memory that one of its workers may take."""
    workers_of_one = -(-workers // max(count, 1))
    return tuple(Device(index, settings.cuda_memory_share / workers_of_one) for index in range(count))


def _running(settings: Settings) -> Cost:
    return Cost(settings.max_running_memory_bytes, settings.max_running_flops)


def _nothing() -> None:
    """For processes that check functions: what they need is imported when they are made."""


def _warm_up(engine: Methods) -> None:
    if engine.device == "cuda" and not torch.cuda.is_available():
        raise StartError("--device is cuda, but PyTorch finds no CUDA device")
    unlimited = dataclasses.replace(engine, limits=Limits())
    if failed := [answer.failure for answer in warm_up(unlimited) if answer.failure is not None]:
        raise StartError(f"the engine cannot compute: {failed[0].log_text or failed[0].message}")
