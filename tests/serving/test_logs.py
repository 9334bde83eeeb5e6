"""Log lines: which are written, and that this can change."""

from __future__ import annotations

import io
import json

import pytest
from gradproof_server.serving.logs import Level, make_logger


@pytest.mark.parametrize("changing", [False, True], ids=["fixed", "changing"])
def test_lines_below_the_level_are_not_written(changing: bool) -> None:
    """Of three lines those of the level and above are written."""
    stream = io.StringIO()
    logger = make_logger(Level("warning") if changing else "warning", "json", stream)
    logger.info("a")
    logger.warning("b")
    logger.error("c")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["b", "c"]


def test_the_level_can_change() -> None:
    """A logger that exists follows its level, down and up again."""
    stream, level = io.StringIO(), Level("info")
    logger = make_logger(level, "json", stream)
    for name in ("info", "debug", "error", "debug"):
        level.set(name)
        logger.debug(f"debug at {name}")
        logger.warning(f"warning at {name}")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["warning at info", "debug at debug", "warning at debug", "debug at debug", "warning at debug"]
