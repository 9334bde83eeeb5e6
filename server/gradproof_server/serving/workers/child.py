"""The worker's own process: does one task after the other, and ends when the front is gone."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from gradproof_server.engine.types import Cost, StoppedError
from gradproof_server.serving.allocator import keep_large_blocks
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.methods import StreamMessage, TaskResult
from gradproof_server.serving.workers.link import Link
from gradproof_server.serving.workers.protocol import Ask, Done, Grant, PartDone, Ping, Pong, Ready, Run, Say, Stop
from gradproof_server.serving.workers.standard_error import redirect

_OOM_SCORE = Path("/proc/self/oom_score_adj")
_FIRST_VICTIM = "1000"
_PR_SET_PDEATHSIG = 1  # from linux/prctl.h
OUT_OF_MEMORY_STATUS = 77
"""Exit status of a worker that had no memory even for a message."""


@dataclass(frozen=True)
class Preparation:
    """What a worker does before its first task.

    threads: of its computation. memory_bytes: most that it may map, None: no limit. warm_up: a first computation;
    raises where there is something that makes all others useless.
    """

    threads: int
    memory_bytes: int | None
    warm_up: Callable[[], None]


def main(connection: Connection[Any, Any], errors: Connection[Any, Any], preparation: Preparation) -> None:
    """The whole life of the process; what it writes to standard error goes to `errors`."""
    redirect(errors)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal; the front decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_the_forker_go()
    _die_with_the_parent()
    link = Link(connection)
    try:
        _prepare(preparation)
    except BaseException as error:
        link.send(Ready(failure=str(error) or type(error).__name__))
        return
    worker = _Worker(link)
    threading.Thread(target=worker.listen, name="gradproof-listen", daemon=True).start()
    link.send(Ready())
    worker.work()


def _let_the_forker_go() -> None:
    """Closes what keeps the process that forks alive: it ends when nobody holds the other end of a pipe, which it gives
    to its children too, and one of them that is stopped would keep it, and with it all the others."""
    with contextlib.suppress(ImportError, KeyError, AttributeError, OSError, TypeError):
        from multiprocessing import forkserver  # not on Windows

        kept: Any = vars(forkserver)["_forkserver"]
        os.close(kept._forkserver_alive_fd)


def _die_with_the_parent() -> None:
    """Lets the kernel end this process when the one is gone that forked it, which ends when the front is gone: a
    computation that hangs would not hear of it. Does nothing where the kernel is not Linux."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _prepare(preparation: Preparation) -> None:
    faulthandler.enable()
    keep_large_blocks()
    with contextlib.suppress(OSError):  # where memory runs out, the kernel ends a worker and not the front
        _OOM_SCORE.write_text(_FIRST_VICTIM)
    if preparation.memory_bytes is not None:
        _limit_memory(preparation.memory_bytes)
    torch.set_num_threads(preparation.threads)
    preparation.warm_up()
    gc.collect()
    gc.freeze()


def _limit_memory(size: int) -> None:
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_AS, (size, size))


class _Worker:
    """Two threads: one listens to the front, the other works."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._runs: queue.SimpleQueue[tuple[Run, bytes]] = queue.SimpleQueue()
        self._heard = _Heard()

    def listen(self) -> None:
        """Takes what the front says, until it is gone; that ends the process, whatever it computes."""
        status = 1
        try:
            while True:
                message, payload = self._link.receive()
                if isinstance(message, Run):
                    self._runs.put((message, payload))
                elif isinstance(message, Ping):
                    self._link.send(Pong())
                else:
                    self._heard.take(message, payload)
        except (EOFError, OSError):
            status = 0
        except MemoryError:
            status = OUT_OF_MEMORY_STATUS
        finally:
            os._exit(status)

    def work(self) -> None:
        """Does what comes."""
        try:
            while True:
                run, request = self._runs.get()
                answer = self._answer(run, request)
                del request
                self._link.send(Done(replace(answer, response=b"")), answer.response)
                if answer.failure is not None and answer.failure.kind.reason == "OUT_OF_MEMORY":
                    torch.cuda.empty_cache()  # the next task may need it in other pieces
                del run, answer  # an idle worker holds no request and no response
        except MemoryError:
            os._exit(OUT_OF_MEMORY_STATUS)

    def _answer(self, run: Run, request: bytes) -> TaskResult:
        try:
            if run.device is not None:
                torch.cuda.set_device(run.device.index)
                torch.cuda.set_per_process_memory_fraction(run.device.memory_share, run.device.index)
            return run.answerer(replace(run.task, request=request), _Line(self._link, self._heard, run.number))
        except BaseException as error:  # the process must live on, whatever it was
            return TaskResult(failure=error_to_failure(error))


class _Heard:
    """What the front has said of runs, by the numbers of the last ones."""

    def __init__(self) -> None:
        self.stopped = self.granted = -1
        self._said: tuple[int, bytes] | None = None
        self._news = threading.Condition()

    def take(self, message: object, payload: bytes) -> None:
        """Takes a message."""
        with self._news:
            match message:
                case Stop(number):
                    self.stopped = number
                case Grant(number):
                    self.granted = number
                case Say(number):
                    self._said = number, payload
            self._news.notify_all()

    def wait_for_grant(self, number: int) -> None:
        """Returns when the run is granted its room, or stopped."""
        with self._news:
            self._news.wait_for(lambda: number in (self.granted, self.stopped))

    def wait_for_answer(self, number: int) -> bytes | None:
        """What the caller says to the run, once; None where it is stopped instead."""
        with self._news:
            self._news.wait_for(lambda: self.stopped == number or self._said_to(number))
            said, self._said = self._said, None
        return None if said is None or self.stopped == number else said[1]

    def _said_to(self, number: int) -> bool:
        return self._said is not None and self._said[0] == number


class _Line:
    """The `Front` of one run."""

    def __init__(self, link: Link, heard: _Heard, number: int) -> None:
        self._link, self._heard, self._number = link, heard, number

    def should_stop(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._heard.stopped == self._number

    def send(self, part: StreamMessage) -> None:
        """Passes on a part."""
        self._link.send(PartDone(part.passing, part.asks), part.response)

    def reserve(self, cost: Cost) -> None:
        """Waits for room."""
        self._link.send(Ask(cost))
        self._heard.wait_for_grant(self._number)
        if self.should_stop():
            raise StoppedError("stopped while it waited for room")

    def hear(self) -> bytes:
        """Waits for what the caller answers."""
        if (said := self._heard.wait_for_answer(self._number)) is None:
            raise StoppedError("the caller does not wait any more")
        return said
