"""Log lines: which are written, and that this can change."""

from __future__ import annotations

import io
import json
import threading
import warnings

from gradproof_server.serving.logs import Level, make_logger, standard_logging_to


def test_lines_below_the_level_are_not_written() -> None:
    """Of three lines those of the level and above are written."""
    stream = io.StringIO()
    logger = make_logger(Level("warning"), "json", stream)
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


def test_what_python_writes_by_itself_is_log_lines() -> None:
    """A warning, an error that ends a thread and one in a finalizer; each is one line."""
    stream = io.StringIO()

    class Fragile:
        def __del__(self) -> None:
            raise ValueError("in a finalizer")

    def fail() -> None:
        raise ValueError("in a thread")

    with standard_logging_to(make_logger(Level("info"), "json", stream)), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", stacklevel=1)
        thread = threading.Thread(target=fail, name="the-thread")
        thread.start()
        thread.join()
        Fragile()
    warning, in_thread, in_finalizer = (json.loads(line) for line in stream.getvalue().splitlines())
    assert "UserWarning: careful" in warning["event"]
    assert (in_thread["event"], in_thread["thread"]) == ("unhandled error", "the-thread")
    assert "ValueError: in a thread" in in_thread["exception"]
    assert "ValueError: in a finalizer" in in_finalizer["exception"]
