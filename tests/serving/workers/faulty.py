"""Answerers with faults, for worker processes, which import them from here."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from gradproof_server.engine.types import Cost, ShouldStop, StoppedError
from gradproof_server.serving.answers import Answer, Part, Reserve, SendPart, Task
from gradproof_server.serving.failures import error_to_failure

_POLL_SECONDS = 0.002


def prepare() -> None:
    """A preparation that does nothing."""


def fail() -> None:
    """A preparation that fails."""
    raise RuntimeError("no device")


def die() -> None:
    """A preparation that ends the process."""
    os._exit(3)


def answer(task: Task, should_stop: ShouldStop, send: SendPart, reserve: Reserve) -> Answer:
    """Does what the request says: "deed" or "deed:argument"."""
    deed, _, argument = task.request[:100].decode("latin-1").partition(":")
    if deed not in _DEEDS:
        return Answer(task.request)
    return _DEEDS[deed](argument, should_stop, send, reserve)


def _until_stopped(should_stop: ShouldStop) -> Answer:
    while not should_stop():
        threading.Event().wait(_POLL_SECONDS)
    return Answer(failure=error_to_failure(StoppedError("stopped")))


def _tell(path: str) -> None:
    """Lets a test know that the task has begun."""
    if path:
        Path(path).write_text(str(os.getpid()))


def _pid(_argument: str, _should_stop: ShouldStop, _send: SendPart, _reserve: Reserve) -> Answer:
    return Answer(str(os.getpid()).encode())


def _work(argument: str, should_stop: ShouldStop, _send: SendPart, _reserve: Reserve) -> Answer:
    _tell(argument)
    return _until_stopped(should_stop)


def _hang(argument: str, _should_stop: ShouldStop, _send: SendPart, _reserve: Reserve) -> Answer:
    _tell(argument)
    threading.Event().wait()
    return Answer()


def _hang_in_c(argument: str, _should_stop: ShouldStop, _send: SendPart, _reserve: Reserve) -> Answer:
    """Holds the interpreter's lock, so that no other thread of the process gets to run."""
    _tell(argument)
    ctypes.PyDLL(None).pause()
    return Answer()


def _signal(argument: str, _should_stop: ShouldStop, _send: SendPart, _reserve: Reserve) -> Answer:
    os.kill(os.getpid(), signal.Signals[argument])
    threading.Event().wait()
    return Answer()


def _exit(argument: str, _should_stop: ShouldStop, _send: SendPart, _reserve: Reserve) -> Answer:
    os._exit(int(argument))


def _raise(argument: str, _should_stop: ShouldStop, _send: SendPart, _reserve: Reserve) -> Answer:
    raise {"SystemExit": SystemExit, "MemoryError": MemoryError, "KeyError": KeyError}[argument]


def _parts(argument: str, should_stop: ShouldStop, send: SendPart, _reserve: Reserve) -> Answer:
    """So many parts; without a number, parts until it is killed, whatever it is told."""
    for number in range(int(argument)) if argument else iter(int, 1):
        send(Part(f"{number}".encode() * 1000, passing=bool(number % 2)))
    return Answer()


def _reserve(argument: str, should_stop: ShouldStop, _send: SendPart, reserve: Reserve) -> Answer:
    """Asks for so much memory, and then works until it is stopped."""
    size, _, path = argument.partition(",")
    reserve(Cost(int(size), 0))
    return _work(path, should_stop, _send, reserve)


def _large(argument: str, _should_stop: ShouldStop, _send: SendPart, _reserve: Reserve) -> Answer:
    return Answer(bytes(int(argument)))


_DEEDS: dict[str, Callable[[str, ShouldStop, SendPart, Reserve], Answer]] = {
    "pid": _pid,
    "work": _work,
    "hang": _hang,
    "hang_in_c": _hang_in_c,
    "signal": _signal,
    "exit": _exit,
    "raise": _raise,
    "parts": _parts,
    "reserve": _reserve,
    "large": _large,
}
