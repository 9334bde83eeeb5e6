"""`gradproof top`: what servers do, by their metrics, live or once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from gradproof.cli import status
from gradproof.cli.scrape import read, summary

_REDRAW = "\x1b[H\x1b[2J"
_MOST_FINDINGS = 8


@click.command()
@click.option("--target", "targets", multiple=True, required=True, metavar="HOST:PORT", help="Port of the metrics.")
@click.option("--interval", type=click.FloatRange(0.1), default=2.0, show_default=True, help="Seconds between two.")
@click.option("--once", is_flag=True, help="Print one table, of one interval.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def top(targets: tuple[str, ...], interval: float, once: bool, output: str) -> int:
    """Watch what servers do, by their metrics; several targets are summed. Ctrl-C ends it."""
    live = sys.stdout.isatty() and not once
    try:
        return _watch(targets, interval, live, output)
    except KeyboardInterrupt:
        return status.AGREES


def _watch(targets: tuple[str, ...], interval: float, live: bool, output: str) -> int:
    earlier, _ = read(targets)
    while True:
        time.sleep(interval)
        now, problems = read(targets)
        seen = {**summary(now, earlier), "problems": problems}
        if output == "json":
            click.echo(json.dumps(seen))
        else:
            click.echo((_REDRAW if live else "") + table(seen))
        if not live:
            return status.FAILED if len(problems) == len(set(targets)) else status.AGREES
        earlier = now


def table(seen: Mapping[str, Any]) -> str:
    """A summary as text."""
    lines = [f"{'method':<20} {'calls/s':>9} {'p50':>9} {'p90':>9} {'p99':>9}  errors"]
    for name, method in seen["methods"].items():
        times = " ".join(f"{_time(method[name_]):>9}" for name_ in ("p50", "p90", "p99"))
        lines.append(f"{name:<20} {method['per_second']:>9.1f} {times}  {_named(method['errors'])}".rstrip())
    queue, findings = seen["queue"], dict(list(seen["findings"].items())[:_MOST_FINDINGS])
    lines += [
        "",
        f"queue     {queue['waiting']:.0f} wait, {queue['running']:.0f} run; wait p50 {_time(queue['p50'])}, "
        f"p99 {_time(queue['p99'])}",
        f"workers   {seen['workers']:.0f}; replaced: {_named(seen['restarts']) or 'none'}",
        f"memory    {seen['memory_bytes'] / 2**20:.0f} MiB of the front",
        f"refused   {_named(seen['refused']) or 'none'}",
        f"verdicts  {_named(seen['verdicts']) or 'none'}",
        f"findings  {_named(findings) or 'none'}",
        *(f"cannot read {target}: {problem}" for target, problem in seen["problems"].items()),
    ]
    return "\n".join(lines)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _named(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
