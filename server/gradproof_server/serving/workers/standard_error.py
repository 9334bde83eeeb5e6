"""What workers write to standard error: libraries that warn, and processes that crash. The log is lines of one form, so
that it goes to the front, which writes it there."""

from __future__ import annotations

import os
import sys
from multiprocessing.connection import Connection
from typing import Any

_STDERR = 2
_MOST_BYTES = 64 * 1024
"""What a pipe of Linux holds."""


class StandardError:
    """The front's side of a worker's standard error; nothing where processes cannot share descriptors (Windows).

    Attributes:
        writer: for the worker; to be closed here when the worker has it.
    """

    def __init__(self, context: Any) -> None:
        self._reader, self.writer = context.Pipe(duplex=False)
        if sys.platform != "win32":
            os.set_blocking(self._reader.fileno(), False)

    def read(self) -> str:
        """What was written since the last time; does not wait."""
        if sys.platform == "win32":
            return ""
        try:
            return os.read(self._reader.fileno(), _MOST_BYTES).decode(errors="replace").rstrip()
        except BlockingIOError:
            return ""

    def close(self) -> None:
        """Reads no more."""
        self._reader.close()


def redirect(writer: Connection[Any, Any]) -> None:
    """Sends the standard error of this process into a pipe. What the pipe cannot take is lost: a worker waits for
    nobody because it has something to complain of."""
    if sys.platform != "win32":
        os.set_blocking(writer.fileno(), False)
        os.dup2(writer.fileno(), _STDERR)
    writer.close()
