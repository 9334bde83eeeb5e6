"""Log lines: one JSON object (or readable line) for each event, and Python's own loggers in the same form."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

import structlog

_NUMBERS = {name.lower(): number for name, number in logging.getLevelNamesMapping().items()}
Logger: TypeAlias = structlog.typing.FilteringBoundLogger


class Stream(Protocol):
    """Where log lines go."""

    def write(self, text: str, /) -> int:
        """Writes the text."""

    def flush(self) -> None:
        """Flushes."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""


class GuardedStream:
    """A stream that never fails: lines that it cannot take (a full disk, a closed pipe) are counted and lost."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.dropped = 0

    def write(self, text: str) -> int:
        """Writes the text and flushes it."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: it is closed
            self.dropped += 1
        return len(text)

    def flush(self) -> None:
        """Does nothing: `write` has."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()


class Level:
    """The least severe level that is written, as in logging: "info". It can be set at any time."""

    def __init__(self, name: str) -> None:
        self.set(name)

    def set(self, name: str) -> None:
        """Writes nothing below this level from now on."""
        self._number = _NUMBERS[name]

    def __call__(self, _logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """The event, as a processor of structlog; raises DropEvent for those that are not written."""
        if _NUMBERS[method] < self._number:
            raise structlog.DropEvent
        return event


def make_logger(level: Level, form: str, stream: Stream) -> Logger:
    """A logger that writes to `stream`; `form` is "json" or "text". It changes no global state, and never fails.

    level: the least severe that is written, which may change later.
    """
    stream = stream if isinstance(stream, GuardedStream) else GuardedStream(stream)
    processors: list[Any] = [
        level,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        processors.append(structlog.dev.ConsoleRenderer(colors=stream.isatty()))
    logger: Logger = structlog.wrap_logger(
        structlog.WriteLogger(stream),  # type: ignore[arg-type]  # a Stream has all that it uses
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
        cache_logger_on_first_use=True,
    )
    return logger


@contextlib.contextmanager
def standard_logging_to(logger: Logger) -> Iterator[None]:
    """Sends what libraries log with `logging`, from warnings up, to `logger` while it is open; and what Python would
    write to standard error by itself: warnings, errors that end a thread, and those that nobody can be told."""
    handler = _Forward(logger)
    root, hooks = logging.getLogger(), (threading.excepthook, sys.unraisablehook)
    root.addHandler(handler)
    logging.captureWarnings(True)
    threading.excepthook = lambda args: _unhandled(logger, args, thread=getattr(args.thread, "name", ""))
    sys.unraisablehook = lambda args: _unhandled(logger, args, raised_in=repr(args.object))
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(False)
        root.removeHandler(handler)


def _unhandled(logger: Logger, args: Any, **where: str) -> None:
    logger.error("unhandled error", **where, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


class CurrentStderr:
    """Writes to what sys.stderr is at the moment of writing, which tests and notebooks replace."""

    def write(self, text: str) -> int:
        """Writes the text."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flushes."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return sys.stderr.isatty()


class _Forward(logging.Handler):
    def __init__(self, logger: Logger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
