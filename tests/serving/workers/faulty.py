"""Answerers with faults, for worker processes, which import them from here."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from gradproof_server.engine.types import Cost, StoppedError
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.methods import StreamMessage, Task, TaskContext, TaskResult

_POLL_SECONDS = 0.002


def prepare() -> None:
    """A preparation that does nothing."""


def fail() -> None:
    """A preparation that fails."""
    raise RuntimeError("no device")


def die() -> None:
    """A preparation that ends the process."""
    os._exit(3)


def answer(task: Task, front: TaskContext) -> TaskResult:
    """Does what the request says: "deed" or "deed:argument"."""
    deed, _, argument = task.request[:100].decode("latin-1").partition(":")
    if deed not in _DEEDS:
        return TaskResult(task.request)
    return _DEEDS[deed](argument, front)


def _until_stopped(front: TaskContext) -> TaskResult:
    while not front.should_stop():
        threading.Event().wait(_POLL_SECONDS)
    return TaskResult(failure=error_to_failure(StoppedError("stopped")))


def _tell(path: str) -> None:
    """Lets a test know that the task has begun."""
    if path:
        Path(path).write_text(str(os.getpid()))


def _pid(_argument: str, _front: TaskContext) -> TaskResult:
    return TaskResult(str(os.getpid()).encode())


def _work(argument: str, front: TaskContext) -> TaskResult:
    _tell(argument)
    return _until_stopped(front)


def _hang(argument: str, _front: TaskContext) -> TaskResult:
    _tell(argument)
    threading.Event().wait()
    return TaskResult()


def _half(argument: str, front: TaskContext) -> TaskResult:
    """Says half of something, and no more."""
    os.write(vars(front)["_link"].connection.fileno(), b"\0")
    return _hang(argument, front)


def _hang_in_c(argument: str, _front: TaskContext) -> TaskResult:
    """Holds the interpreter's lock, so that no other thread of the process gets to run."""
    _tell(argument)
    ctypes.PyDLL(None).pause()
    return TaskResult()


def _signal(argument: str, _front: TaskContext) -> TaskResult:
    os.kill(os.getpid(), signal.Signals[argument])
    threading.Event().wait()
    return TaskResult()


def _exit(argument: str, _front: TaskContext) -> TaskResult:
    os._exit(int(argument))


def _raise(argument: str, _front: TaskContext) -> TaskResult:
    raise {"SystemExit": SystemExit, "MemoryError": MemoryError, "KeyError": KeyError}[argument]


def _parts(argument: str, front: TaskContext) -> TaskResult:
    """So many parts; without a number, parts until it is killed, whatever it is told."""
    for number in range(int(argument)) if argument else iter(int, 1):
        front.send(StreamMessage(f"{number}".encode() * 1000, passing=bool(number % 2)))
    return TaskResult()


def _reserve(argument: str, front: TaskContext) -> TaskResult:
    """Asks for so much memory, and then works until it is stopped."""
    size, _, path = argument.partition(",")
    front.reserve(Cost(int(size), 0))
    return _work(path, front)


def _talk(argument: str, front: TaskContext) -> TaskResult:
    """Asks so many questions; the answer is all that was said."""
    said = []
    for number in range(int(argument)):
        front.send(StreamMessage(b"%d" % number, asks=True))
        said.append(front.hear())
    return TaskResult(b" ".join(said))


def _large(argument: str, _front: TaskContext) -> TaskResult:
    return TaskResult(bytes(int(argument)))


def _write(argument: str, _front: TaskContext) -> TaskResult:
    """Writes a line so many times to standard error."""
    with contextlib.suppress(BlockingIOError):
        for _ in range(int(argument)):
            os.write(2, b"a word of warning\n")
    return TaskResult(str(os.getpid()).encode())


_DEEDS: dict[str, Callable[[str, TaskContext], TaskResult]] = {
    "pid": _pid,
    "work": _work,
    "hang": _hang,
    "half": _half,
    "hang_in_c": _hang_in_c,
    "signal": _signal,
    "exit": _exit,
    "raise": _raise,
    "parts": _parts,
    "reserve": _reserve,
    "talk": _talk,
    "large": _large,
    "write": _write,
}
