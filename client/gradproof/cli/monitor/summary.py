"""What servers do, by readings of their metrics: rates per second or minute, seconds, bytes; None is not known."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradproof.cli.monitor.histogram import quantile
from gradproof.cli.monitor.page import Page, added
from gradproof.cli.monitor.target import Reading

_OWN_SERVICE = "gradproof.v1.GradientService"


@dataclass(frozen=True)
class Times:
    """Quantiles of a histogram of seconds."""

    p50: float | None
    p90: float | None
    p99: float | None


@dataclass(frozen=True)
class Server:
    """One target.

    Attributes:
        target: host:port.
        problem: why it cannot be read; all else is then None.
        down_seconds: since when.
        memory_bytes: of the process that answers and of its workers.
        open_fds: of the process that answers.
    """

    target: str
    problem: str | None = None
    down_seconds: float | None = None
    version: str | None = None
    uptime_seconds: float | None = None
    calls_per_second: float | None = None
    waiting: float | None = None
    running: float | None = None
    workers: float | None = None
    memory_bytes: float | None = None
    open_fds: float | None = None
    max_fds: float | None = None


@dataclass(frozen=True)
class Method:
    """The calls of a method; error shares are parts of the calls that ended, by the name of the gRPC code."""

    name: str
    calls_per_second: float | None
    in_flight: float
    calls: float
    errors: Mapping[str, float]
    seconds: Times

    @property
    def error_share(self) -> float | None:
        """The part of the calls that ended with an error; None where none ended."""
        return sum(self.errors.values()) if self.calls_per_second else None


@dataclass(frozen=True)
class Tally:
    """How often something happened."""

    per_minute: float | None
    total: float


@dataclass(frozen=True)
class Summary:
    """All servers together, and each."""

    servers: tuple[Server, ...]
    methods: tuple[Method, ...]
    waiting: float | None
    running: float | None
    functions: float | None
    workers: float | None
    queue_seconds: Times
    stop_seconds: Times
    restarts: Mapping[str, Tally]
    refused: Mapping[str, Tally]
    verdicts: Mapping[str, Tally]
    findings: Mapping[str, Tally]

    @property
    def all_down(self) -> bool:
        """Whether no server can be read."""
        return all(server.problem is not None for server in self.servers)


def summarize(readings: Sequence[Reading]) -> Summary:
    """What readings of servers, made at one time, say."""
    now = added(reading.page for reading in readings if reading.page)
    grown = [reading.rates for reading in readings if reading.rates]
    rates = added(grown) if grown else None
    return Summary(
        servers=tuple(map(_server, readings)),
        methods=_methods(now, rates),
        waiting=now.total("gradproof_waiting_calls"),
        running=now.total("gradproof_running_calls"),
        functions=now.total("gradproof_open_functions"),
        workers=now.total("gradproof_workers"),
        queue_seconds=_times(rates, "gradproof_queue_seconds"),
        stop_seconds=_times(rates, "gradproof_stop_seconds"),
        restarts=_tallies(now, rates, "reason", "gradproof_worker_restarts_total"),
        refused=_tallies(now, rates, "reason", "gradproof_refused_calls_total"),
        verdicts=_tallies(now, rates, "verdict", "gradproof_checks_total"),
        findings=_tallies(now, rates, "code", "gradproof_findings_total"),
    )


def _server(reading: Reading) -> Server:
    page = reading.page
    if page is None:
        return Server(reading.target, reading.problem, reading.down_seconds)
    start = page.total("process_start_time_seconds")
    rates = reading.rates
    return Server(
        target=reading.target,
        version=" ".join(page.by("version", "gradproof_build_info")) or None,
        uptime_seconds=None if start is None else max(0.0, time.time() - start),
        calls_per_second=rates.total("grpc_server_handled_total") if rates else None,
        waiting=page.total("gradproof_waiting_calls"),
        running=page.total("gradproof_running_calls"),
        workers=page.total("gradproof_workers"),
        memory_bytes=page.total("process_resident_memory_bytes", "gradproof_worker_memory_bytes"),
        open_fds=page.total("process_open_fds"),
        max_fds=page.total("process_max_fds"),
    )


def _methods(now: Page, rates: Page | None) -> tuple[Method, ...]:
    """All methods that were ever called, those of gradproof first."""
    found = []
    for service in now.by("grpc_service", "grpc_server_started_total"):
        started = now.by("grpc_method", "grpc_server_started_total", grpc_service=service)
        found += [_method(now, rates, service, name, count) for name, count in started.items() if count]
    return tuple(sorted(found, key=lambda method: ("/" in method.name, method.name)))


def _method(now: Page, rates: Page | None, service: str, name: str, started: float) -> Method:
    which = {"grpc_service": service, "grpc_method": name}
    handled = sum(now.by("grpc_code", "grpc_server_handled_total", **which).values())
    ended = rates.by("grpc_code", "grpc_server_handled_total", **which) if rates else {}
    per_second = sum(ended.values())
    return Method(
        name=name if service == _OWN_SERVICE else f"{service.rpartition('.')[2]}/{name}",
        calls_per_second=per_second if rates else None,
        in_flight=max(0.0, started - handled),
        calls=handled,
        errors={
            code: rate / per_second
            for code, rate in sorted(ended.items(), key=lambda item: -item[1])
            if code != "OK" and rate
        },
        seconds=_times(rates, "grpc_server_handling_seconds", **which),
    )


def _times(rates: Page | None, name: str, **fixed: str) -> Times:
    buckets = rates.by("le", f"{name}_bucket", **fixed) if rates else {}
    return Times(*(quantile(buckets, share) for share in (0.5, 0.9, 0.99)))


def _tallies(now: Page, rates: Page | None, label: str, name: str) -> dict[str, Tally]:
    """By the value of a label, the most frequent first; empty where there is no such metric."""
    per_second = rates.by(label, name) if rates else {}
    totals = now.by(label, name)
    return {
        value: Tally(per_second.get(value, 0.0) * 60 if rates else None, total)
        for value, total in sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    }
