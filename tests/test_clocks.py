"""No decision follows the wall clock, which can jump."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_WALL = {"time": {"time", "time_ns", "localtime", "gmtime", "ctime"}, "datetime": {"now", "utcnow", "today"}}
# What is for people: times of spans, by which traces of several machines are laid side by side, and of the last errors;
# the age of a process that is watched.
_SHOWN = {
    "server/gradproof_server/serving/tracing.py",
    "server/gradproof_server/serving/debug.py",
    "client/gradproof/cli/monitor/summary.py",
}


def readings(source: str) -> Iterator[str]:
    """Where a module reads the wall clock."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in _WALL.get(_last_name(node.value), ()):
            yield f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"line {node.lineno}: {name.name}" for name in node.names if name.name in _WALL["time"])


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def test_deadlines_rates_and_durations_follow_the_monotonic_clock(request: pytest.FixtureRequest) -> None:
    """Server and SDK never ask what time of the day it is, but to show it."""
    root: Path = request.config.rootpath
    files = [f for folder in ("server", "client") for f in (root / folder).rglob("*.py")]
    found = {str(f.relative_to(root)): list(readings(f.read_text(encoding="utf-8"))) for f in files}
    assert len(found) > 100
    assert {file: lines for file, lines in found.items() if lines and file not in _SHOWN} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "from time import time_ns",
        "import datetime\ndatetime.datetime.now()",
        "datetime.now",
    ],
)
def test_a_reading_is_seen(source: str) -> None:
    """The test above would see each of these."""
    assert len(list(readings(source))) == 1
