"""Readings of servers' metrics, and what two of them say of the time between."""

from __future__ import annotations

import math
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: .*)?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_READ_SECONDS = 5
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

Labels: TypeAlias = tuple[tuple[str, str], ...]
Samples: TypeAlias = Mapping[tuple[str, Labels], float]


@dataclass(frozen=True)
class Reading:
    """The samples of one or several servers, summed, at a time of time.monotonic()."""

    samples: Samples
    when: float

    def by(self, name: str, label: str, **fixed: str) -> dict[str, float]:
        """Sums of the samples of a name, by the value of a label."""
        sums: Counter[str] = Counter()
        for (sample, labels), value in self.samples.items():
            named = dict(labels)
            if sample == name and fixed.items() <= named.items():
                sums[named.get(label, "")] += value  # type: ignore[assignment]  # a Counter of floats
        return dict(sums)

    def total(self, name: str) -> float:
        """The sum of all samples of a name."""
        return sum(value for (sample, _), value in self.samples.items() if sample == name)

    def since(self, earlier: Reading) -> Reading:
        """What was added since; what is less, because a server began again, counts from 0."""
        differences = {}
        for key, value in self.samples.items():
            before = earlier.samples.get(key, 0.0)
            differences[key] = value - before if value >= before else value
        return Reading(differences, self.when - earlier.when)


def parse(text: str) -> Samples:
    """Samples from Prometheus' text format. Raises ValueError where a line is none."""
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a line of metrics: {line[:80]!r}")
        samples[match[1], tuple(sorted(_LABEL.findall(match[2] or "")))] = float(match[3])
    return samples


def read(targets: Iterable[str]) -> tuple[Reading, dict[str, str]]:
    """The sum of what the targets (host:port) say, and what is wrong with those that cannot be read."""
    samples: dict[tuple[str, Labels], float] = {}
    problems = {}
    for target in targets:
        try:
            with urllib.request.urlopen(f"http://{target}/metrics", timeout=_READ_SECONDS) as answer:
                found = parse(answer.read().decode())
        except (OSError, ValueError) as error:
            problems[target] = str(error)
            continue
        for key, value in found.items():
            samples[key] = samples.get(key, 0.0) + value
    return Reading(samples, time.monotonic()), problems


def quantile(buckets: Mapping[str, float], share: float) -> float | None:
    """The value that a share (0 to 1) of observations is at or below, from cumulative buckets by their upper bounds,
    taken as even within each; None without observations."""
    bounds = sorted((float(bound), count) for bound, count in buckets.items())
    if not bounds or not bounds[-1][1]:
        return None
    rank, below, low = share * bounds[-1][1], 0.0, 0.0
    for bound, count in bounds:
        if count >= rank and count > below:
            return low if math.isinf(bound) else low + (bound - low) * (rank - below) / (count - below)
        below, low = count, bound if not math.isinf(bound) else low
    return low


def summary(now: Reading, earlier: Reading) -> dict[str, Any]:
    """What happened between two readings (rates per second, seconds, counts), and what is at the later."""
    added = now.since(earlier)
    return {
        "seconds": added.when,
        "methods": {name: _method(added, name) for name in sorted(now.by("grpc_server_started_total", "grpc_method"))},
        "queue": {
            "waiting": now.total("gradproof_waiting_calls"),
            "running": now.total("gradproof_running_calls"),
            **_quantiles(added.by("gradproof_queue_seconds_bucket", "le")),
        },
        "workers": now.total("gradproof_workers"),
        "memory_bytes": now.total("process_resident_memory_bytes"),
        "restarts": _counts(now.by("gradproof_worker_restarts_total", "reason")),
        "refused": _counts(now.by("gradproof_refused_calls_total", "reason")),
        "verdicts": _counts(now.by("gradproof_checks_total", "verdict")),
        "findings": _counts(now.by("gradproof_findings_total", "code")),
    }


def _method(added: Reading, name: str) -> dict[str, Any]:
    codes = _counts(added.by("grpc_server_handled_total", "grpc_code", grpc_method=name))
    return {
        "per_second": sum(codes.values()) / max(added.when, 1e-9),
        "errors": {code: count for code, count in codes.items() if code != "OK"},
        **_quantiles(added.by("grpc_server_handling_seconds_bucket", "le", grpc_method=name)),
    }


def _quantiles(buckets: Mapping[str, float]) -> dict[str, float | None]:
    return {name: quantile(buckets, share) for name, share in _QUANTILES.items()}


def _counts(values: Mapping[str, float]) -> dict[str, int]:
    """What is not 0, the most first."""
    return {name: int(value) for name, value in sorted(values.items(), key=lambda item: -item[1]) if value}
