"""Metrics: the gRPC ones under the names that dashboards know, and those of the checks.

`grpc_server_*` have the names, labels and spelling of codes ("InvalidArgument", "Canceled") of go-grpc-middleware, so
that dashboards and alerts made for Go services work. Units are seconds and counts. No label comes from a request.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import grpc
import torch
from gradproof._version import __version__
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from gradproof_server.engine.types import Verdict
from gradproof_server.serving.calls import Call
from gradproof_server.serving.errors import ERROR_KINDS
from gradproof_server.serving.methods import PHASES, UNEXPLAINED, Facts
from gradproof_server.serving.workers.process import Loss

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)
_NODES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
_PARAMETERS = tuple(10.0**k for k in range(1, 10))
_BYTES = tuple(1024.0 * 4**k for k in range(12))  # 1 KiB to 4 GiB

REFUSALS = tuple(
    kind.reason
    for kind in ERROR_KINDS
    if kind.code
    in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.RESOURCE_EXHAUSTED)
)
"""Reasons of calls that were not taken: who called, or how much there was to do."""

FILES = ("settings", "callers", "certificates")
"""What is read again while the server runs."""

CODE_NAMES = {
    code: "Canceled" if code is grpc.StatusCode.CANCELLED else code.name.title().replace("_", "")
    for code in grpc.StatusCode
} | {grpc.StatusCode.OK: "OK"}


@dataclass(frozen=True)
class Gauges:
    """What can be asked of a server at any moment: calls that wait for the engine and that run there, workers that have
    a process, and the bytes that these have, functions that are being checked, lines that the log could not take."""

    waiting: Callable[[], int]
    running: Callable[[], int]
    workers: Callable[[], int]
    worker_bytes: Callable[[], int]
    functions: Callable[[], int]
    dropped_log_lines: Callable[[], int]


@dataclass(frozen=True)
class _MethodMetrics:
    """The series of one method; looking them up by label for each call would cost five times as much."""

    started: Counter
    received: Counter
    sent: Counter
    seconds: Histogram
    request_bytes: Histogram
    response_bytes: Histogram
    handled: dict[grpc.StatusCode, Counter]


class Metrics:
    """All metrics of a server, in the registry that it is given.

    Args:
        registry: where they are registered.
        methods: the methods that are counted, as "/package.Service/Method", with their type ("unary",
            "server_stream", "bidi_stream"); their series exist from the start.
        gauges: what is asked when the metrics are read.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        methods: Mapping[str, str],
        gauges: Gauges,
    ) -> None:
        self.registry = registry
        self._methods = _method_metrics(registry, methods)
        self._checks = Counter("gradproof_checks", "Checks by verdict.", ["verdict"], registry=registry)
        for verdict in Verdict:
            self._checks.labels(verdict.name.lower())
        self._nodes = Histogram(
            "gradproof_problem_nodes", "Nodes of a problem's network.", buckets=_NODES, registry=registry
        )
        self._parameters = Histogram(
            "gradproof_problem_parameters",
            "Elements of all parameters of a problem.",
            buckets=_PARAMETERS,
            registry=registry,
        )
        self._engine = Histogram(
            "gradproof_engine_seconds", "Time in a stage of a check.", ["stage"], buckets=_SECONDS, registry=registry
        )
        self._stages = {stage: self._engine.labels(stage) for stage in PHASES}
        self._queue = Histogram(
            "gradproof_queue_seconds", "Time that a call waited for the engine.", buckets=_SECONDS, registry=registry
        )
        self._restarts = Counter(
            "gradproof_worker_restarts", "Workers that ended and were replaced.", ["reason"], registry=registry
        )
        for loss in Loss:
            self._restarts.labels(loss.value)
        self._stop = Histogram(
            "gradproof_stop_seconds",
            "Time that a computation ran on after it was told to stop.",
            buckets=_SECONDS,
            registry=registry,
        )
        refused = Counter("gradproof_refused_calls", "Calls that were not taken.", ["reason"], registry=registry)
        self._refused = {reason: refused.labels(reason) for reason in REFUSALS}
        # A code has its series from its first finding on: there are hundreds, of which most servers never see most.
        self._findings = Counter("gradproof_findings", "Mistakes found, by code.", ["code"], registry=registry)
        self._findings.labels(UNEXPLAINED)
        _ask(registry, gauges)
        reloads = Counter("gradproof_reloads", "Readings of changed files.", ["file", "result"], registry=registry)
        results = {True: "applied", False: "refused"}
        self._reloads = {(file, ok): reloads.labels(file, name) for file in FILES for ok, name in results.items()}
        _describe_build(registry)
        ProcessCollector(registry=registry)

    def reloaded(self, file: str, applied: bool) -> None:
        """Counts a reading of one of FILES that has changed: whether what it says is in force, or cannot be used."""
        self._reloads[file, applied].inc()

    def knows(self, method: str) -> bool:
        """Whether calls of this method are counted."""
        return method in self._methods

    def call_started(self, method: str) -> None:
        """Counts a call."""
        self._methods[method].started.inc()

    def call_ended(self, call: Call, code: grpc.StatusCode) -> None:
        """Counts how a call ended, how long it took, and its messages."""
        series = self._methods[call.method]
        series.handled[code].inc()
        series.seconds.observe(call.seconds, {"trace_id": call.trace_id} if call.trace_id else None)
        series.request_bytes.observe(call.request_bytes)
        series.response_bytes.observe(call.response_bytes)
        series.received.inc(call.requests)
        series.sent.inc(call.responses)

    def waited(self, seconds: float) -> None:
        """Counts the time that a call waited for the engine."""
        self._queue.observe(seconds)

    def worker_ended(self, reason: str) -> None:
        """Counts a worker that ended and is replaced."""
        self._restarts.labels(reason).inc()

    def refused(self, reason: str) -> None:
        """Counts a call that was not taken; reasons of other errors count nothing."""
        if reason in self._refused:
            self._refused[reason].inc()

    def computation_stopped(self, seconds: float) -> None:
        """Counts how long a computation ran on after it was told to stop."""
        self._stop.observe(seconds)

    def answered(self, facts: Facts) -> None:
        """Counts what was done for a call."""
        for name, stage in facts.stages.items():
            self._stages[name].observe(stage.seconds)
        if facts.nodes is not None:
            self._nodes.observe(facts.nodes)
        if facts.parameters is not None:
            self._parameters.observe(facts.parameters)
        if facts.verdict is not None:
            self._checks.labels(facts.verdict.name.lower()).inc()
        for code in facts.findings:
            self._findings.labels(code).inc()


def _method_metrics(registry: CollectorRegistry, methods: Mapping[str, str]) -> dict[str, _MethodMetrics]:
    labels = ["grpc_type", "grpc_service", "grpc_method"]
    started = Counter("grpc_server_started", "RPCs started on the server.", labels, registry=registry)
    handled = Counter(
        "grpc_server_handled", "RPCs completed on the server, by code.", [*labels, "grpc_code"], registry=registry
    )
    received = Counter("grpc_server_msg_received", "Messages received from clients.", labels, registry=registry)
    sent = Counter("grpc_server_msg_sent", "Messages sent to clients.", labels, registry=registry)
    seconds = Histogram(
        "grpc_server_handling_seconds", "Time to handle an RPC.", labels, buckets=_SECONDS, registry=registry
    )
    sizes = {
        side: Histogram(f"gradproof_{side}_bytes", text, labels, buckets=_BYTES, registry=registry)
        for side, text in (("request", "Bytes that a call brought."), ("response", "Bytes that a call got."))
    }
    found = {}
    for path, kind in methods.items():
        values = (kind, *path.removeprefix("/").split("/"))
        found[path] = _MethodMetrics(
            started=started.labels(*values),
            received=received.labels(*values),
            sent=sent.labels(*values),
            seconds=seconds.labels(*values),
            request_bytes=sizes["request"].labels(*values),
            response_bytes=sizes["response"].labels(*values),
            handled={code: handled.labels(*values, name) for code, name in CODE_NAMES.items()},
        )
    return found


def _ask(registry: CollectorRegistry, gauges: Gauges) -> None:
    asked = {
        "gradproof_waiting_calls": ("Calls that wait for the engine.", gauges.waiting),
        "gradproof_running_calls": ("Calls that the engine works on.", gauges.running),
        "gradproof_pending_calls": ("Both: calls that wait or run.", lambda: gauges.waiting() + gauges.running()),
        "gradproof_workers": ("Workers that have a process.", gauges.workers),
        "gradproof_worker_memory_bytes": ("Memory of these, what they share counted once.", gauges.worker_bytes),
        "gradproof_open_functions": ("Functions that are being checked.", gauges.functions),
    }
    for name, (text, ask) in asked.items():
        Gauge(name, text, registry=registry).set_function(ask)
    registry.register(_Dropped(gauges.dropped_log_lines))


class _Dropped(Collector):
    """A counter whose value somebody else keeps."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counter at this moment."""
        yield CounterMetricFamily(
            "gradproof_dropped_log_lines", "Lines that the log could not take.", value=self._count()
        )


def _describe_build(registry: CollectorRegistry) -> None:
    versions = {"version": __version__, "torch": torch.__version__, "python": platform.python_version()}
    Gauge("gradproof_build_info", "What is running.", list(versions), registry=registry).labels(**versions).set(1)
