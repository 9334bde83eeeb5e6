"""`gradproof top`: what servers do, by their metrics, live or once."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import shutil
import sys
import time
from dataclasses import asdict

import click

from gradproof.cli import status
from gradproof.cli.monitor import view
from gradproof.cli.monitor.screen import Screen
from gradproof.cli.monitor.summary import Summary, summarize
from gradproof.cli.monitor.target import Target, host_and_port, read_all
from gradproof.cli.monitor.text import Line, Span, paint

DEFAULT_TARGET = "127.0.0.1:9464"
_PAGE_WIDTH = 110


def _addresses(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            host_and_port(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return tuple(dict.fromkeys(values))


@click.command()
@click.option(
    "--target",
    "addresses",
    multiple=True,
    default=[DEFAULT_TARGET],
    show_default=True,
    callback=_addresses,
    metavar="HOST:PORT",
    help="Port of a server's metrics; several are summed.",
)
@click.option(
    "--interval", type=click.FloatRange(0.1), default=2.0, show_default=True, help="Seconds between two readings."
)
@click.option("--once", is_flag=True, help="Print one table, of one interval, as where the output is no terminal.")
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A view for people, or one object.",
)
def top(addresses: tuple[str, ...], interval: float, once: bool, output: str) -> int:
    """Watch what servers do, by their metrics.

    On a terminal the view is drawn again each interval; q or Ctrl-C ends it.
    """
    terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    colours = terminal and not os.environ.get("NO_COLOR")
    targets = [Target(address) for address in addresses]
    if terminal and not once and output == "text":
        return _live(targets, interval, colours)
    seen = asyncio.run(_once(targets, interval))
    if output == "json":
        click.echo(json.dumps(asdict(seen), indent=2))
    else:
        width = shutil.get_terminal_size().columns if terminal else None
        for line in view.lines(seen, width or _PAGE_WIDTH):
            click.echo(paint(line, width, colours), color=colours)
    return status.FAILED if seen.all_down else status.AGREES


async def _once(targets: list[Target], interval: float) -> Summary:
    await read_all(targets)
    await asyncio.sleep(interval)
    return summarize(await read_all(targets))


def _live(targets: list[Target], interval: float, colours: bool) -> int:
    with contextlib.suppress(KeyboardInterrupt):  # Where the loop handles no signals; it is how one ends.
        asyncio.run(_watch(targets, interval, colours))
    return status.AGREES


async def _watch(targets: list[Target], interval: float, colours: bool) -> None:
    with Screen(colours) as screen:
        drawing = asyncio.create_task(_draw(screen, targets, interval))
        closing = asyncio.create_task(screen.closed.wait())
        await asyncio.wait((drawing, closing), return_when=asyncio.FIRST_COMPLETED)
        for task in (drawing, closing):
            task.cancel()
        if drawing.done():
            drawing.result()


async def _draw(screen: Screen, targets: list[Target], interval: float) -> None:
    while True:
        seen = summarize(await read_all(targets))
        screen.draw(functools.partial(_frame, _title(interval), seen))
        await asyncio.sleep(interval)


def _frame(title: Line, seen: Summary, width: int) -> list[Line]:
    return [title, *view.lines(seen, width)]


def _title(interval: float) -> Line:
    return [
        Span("gradproof top", "title"),
        Span(f"  {time.strftime('%H:%M:%S')}  every {interval:g} s, times and rates of that interval  q ends", "dim"),
    ]
