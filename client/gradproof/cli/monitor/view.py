"""A summary of servers as lines of text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from gradproof.cli.monitor import quantities
from gradproof.cli.monitor.quantities import UNKNOWN, known
from gradproof.cli.monitor.summary import Method, Server, Summary, Tally, Times
from gradproof.cli.monitor.text import Line, Span, flow, table

_SERVERS = ("SERVER", "VERSION", "UPTIME", "CALLS/S", "WAIT", "RUN", "WORKERS", "MEMORY", "FDS")
_NUMBERS: Mapping[str, Callable[[float], str]] = {
    "calls_per_second": quantities.rate,
    "waiting": quantities.count,
    "running": quantities.count,
    "workers": quantities.count,
    "memory_bytes": quantities.size,
    "open_fds": quantities.count,
}
"""The fields of a server that are summed, and how they are written."""
_METHODS = ("METHOD", "CALLS/S", "IN FLIGHT", "P50", "P90", "P99", "ERRORS", "CODES")
_INDENT = 10
_MOST_FINDINGS = 20
_MANY_FDS = 0.8
"""The part of the files that may be open from which on it is marked."""
_STYLES = {"agrees": "good", "disagrees": "warn", "inconclusive": "warn"}


def lines(summary: Summary, width: int) -> list[Line]:
    """The summary; lists are broken to the width, tables are as wide as they are."""
    findings = dict(list(summary.findings.items())[:_MOST_FINDINGS])
    return [
        *_servers(summary),
        [],
        *_methods(summary),
        [],
        *flow("queue", _queue(summary), _INDENT, width),
        *flow("workers", _workers(summary), _INDENT, width),
        *_tallies("restarts", summary.restarts, "bad", width),
        *_tallies("refused", summary.refused, "warn", width),
        *_tallies("verdicts", summary.verdicts, "", width),
        *_tallies("findings", findings, "", width),
    ]


def _servers(summary: Summary) -> list[Line]:
    up = sum(server.problem is None for server in summary.servers)
    rows = [_server(server) for server in summary.servers]
    if len(summary.servers) > 1:
        rows.append(_all(summary.servers, f"{up} of {len(summary.servers)} up"))
    return table(_SERVERS, rows)


def _server(server: Server) -> Line:
    if server.problem is not None:
        since = f" for {quantities.duration(server.down_seconds or 0)}"
        return [Span(server.target), Span(f"down{since}: {server.problem}", "bad")]
    many_open = server.open_fds is not None and server.open_fds > _MANY_FDS * (server.max_fds or math.inf)
    marks = {
        "waiting": "warn" if server.waiting else "",
        "workers": "bad" if server.workers == 0 else "",
        "open_fds": "bad" if many_open else "",
    }
    return [
        Span(server.target),
        Span(server.version or UNKNOWN),
        Span(known(server.uptime_seconds, quantities.duration)),
        *_numbers([server], marks),
    ]


def _all(servers: tuple[Server, ...], name: str) -> Line:
    return [Span(name), Span(""), Span(""), *_numbers(servers, {})]


def _numbers(servers: Sequence[Server], marks: Mapping[str, str]) -> list[Span]:
    """The sums of servers; `marks` are styles by the field."""
    styles = {"calls_per_second": "title", **marks}
    return [Span(known(_total(servers, field), text), styles.get(field, "")) for field, text in _NUMBERS.items()]


def _total(servers: Sequence[Server], field: str) -> float | None:
    values = [value for server in servers if (value := getattr(server, field)) is not None]
    return sum(values) if values else None


def _methods(summary: Summary) -> list[Line]:
    if not summary.methods:
        return [[Span("no server" if summary.all_down else "no calls yet", "dim")]]
    return table(_METHODS, map(_method, summary.methods))


def _method(method: Method) -> Line:
    quantiles = (method.seconds.p50, method.seconds.p90, method.seconds.p99)
    return [
        Span(method.name),
        Span(known(method.calls_per_second, quantities.rate), "title"),
        Span(quantities.count(method.in_flight)),
        *(Span(known(value, quantities.seconds)) for value in quantiles),
        Span(known(method.error_share, quantities.share), "bad" if method.errors else ""),
        Span(", ".join(f"{code} {quantities.share(part)}" for code, part in method.errors.items())),
    ]


def _queue(summary: Summary) -> list[list[Span]]:
    return [
        [Span(f"{known(summary.waiting, quantities.count)} waiting", "warn" if summary.waiting else "")],
        [Span(f"{known(summary.running, quantities.count)} running")],
        [Span(f"{known(summary.functions, quantities.count)} functions")],
        [Span(f"waited {_times(summary.queue_seconds)}")],
    ]


def _workers(summary: Summary) -> list[list[Span]]:
    return [
        [Span(f"{known(summary.workers, quantities.count)} alive")],
        [Span(f"stopped within {_times(summary.stop_seconds)}")],
    ]


def _times(times: Times) -> str:
    return (
        f"p50 {known(times.p50, quantities.seconds)}, p90 {known(times.p90, quantities.seconds)}, "
        f"p99 {known(times.p99, quantities.seconds)}"
    )


def _tallies(label: str, tallies: Mapping[str, Tally], style: str, width: int) -> list[Line]:
    """What happened at all: how often, and how often per minute where it does now, which is marked."""
    items = []
    for name, tally in tallies.items():
        if tally.total:
            now = f" (+{quantities.rate(tally.per_minute)}/min)" if tally.per_minute else ""
            items.append(
                [Span(f"{name} {quantities.count(tally.total)}{now}", _STYLES.get(name, style) if now else "")]
            )
    return flow(label, items or [[Span("none" if tallies else UNKNOWN, "dim")]], _INDENT, width)
