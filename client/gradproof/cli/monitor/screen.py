"""The terminal as a screen of its own, that is given back as it was."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from types import TracebackType
from typing import TypeAlias

from gradproof.cli.monitor.text import Line, fit, paint

try:
    import termios
    import tty
except ImportError:  # Windows, where no keys are read; Ctrl-C ends the program.
    _HAS_KEYS = False
else:
    _HAS_KEYS = True

# The alternate screen, without cursor and without the wrapping of long lines.
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
_QUIT = b"qQ\x03\x04"

Frame: TypeAlias = Callable[[int], list[Line]]
"""Makes the lines for a width."""


class Screen:
    """Draws on standard output, and reads keys from standard input where that is a terminal, within `with`.

    It must be entered where an event loop runs, in the main thread. Signals that would end or stop the program give
    the terminal back first.

    Attributes:
        closed: whether somebody wants it to end: by q, Ctrl-C, the end of the input, or a signal.
    """

    def __init__(self, colours: bool) -> None:
        self.closed = asyncio.Event()
        self._colours = colours
        self._frame: Frame = lambda _: []
        self._loop = asyncio.get_running_loop()
        self._modes = termios.tcgetattr(sys.stdin) if _HAS_KEYS and sys.stdin.isatty() else None
        handlers = {
            **dict.fromkeys(("SIGINT", "SIGTERM", "SIGHUP"), self.closed.set),
            "SIGWINCH": self._redraw,
            "SIGTSTP": self._suspend,
        }
        self._handlers = {name: handler for name, handler in handlers.items() if hasattr(signal, name)}

    def __enter__(self) -> Screen:
        # The loop of Windows handles no signals.
        with contextlib.suppress(NotImplementedError):
            for name, handler in self._handlers.items():
                self._loop.add_signal_handler(getattr(signal, name), handler)
        self._take()
        if self._modes is not None:
            self._loop.add_reader(sys.stdin.fileno(), self._key)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._modes is not None:
            self._loop.remove_reader(sys.stdin.fileno())
        # A terminal that is gone takes nothing back.
        with contextlib.suppress(OSError):
            self._give_back()
        with contextlib.suppress(NotImplementedError):
            for name in self._handlers:
                self._loop.remove_signal_handler(getattr(signal, name))

    def draw(self, frame: Frame) -> None:
        """Shows a frame, again where the size of the terminal changes, until the next one."""
        self._frame = frame
        self._redraw()

    def _redraw(self) -> None:
        width, height = shutil.get_terminal_size()
        lines = (paint(line, width, self._colours) for line in fit(self._frame(width), height))
        _write(_HOME + "\r\n".join(line + _END_OF_LINE for line in lines) + _BELOW)

    def _key(self) -> None:
        try:
            keys = os.read(sys.stdin.fileno(), 1024)
        except OSError:
            keys = b""
        if not keys or any(key in _QUIT for key in keys):
            self.closed.set()

    def _suspend(self) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()
        self._redraw()

    def _take(self) -> None:
        if self._modes is not None:
            tty.setcbreak(sys.stdin.fileno())
        _write(_ENTER)

    def _give_back(self) -> None:
        if self._modes is not None:
            termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, self._modes)
        _write(_LEAVE)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
