"""A server in a thread of the calling process, on a socket that only this user can reach."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Protocol

_LONGEST_SOCKET_PATH = 100  # Linux allows 107 bytes, macOS 103
_ANY_LOCAL_PORT = "127.0.0.1:0"


class Embeddable(Protocol):
    """What is started and stopped in the thread."""

    async def start(self) -> None:
        """Takes calls when it returns."""

    async def stop(self) -> bool:
        """Frees everything."""

    @property
    def port(self) -> int:
        """The port of the service, where it has one."""


class EmbeddedServer:
    """Runs from its creation until `stop`, the end of a `with` block, or the end of the process.

    Args:
        make: builds the server for an address ("unix:/path", or "127.0.0.1:0" where there are no UNIX sockets).

    Raises what the server raises when it starts, and leaves nothing behind then.
    """

    target: str
    """Where clients find it, as gRPC writes it."""

    def __init__(self, make: Callable[[str], Embeddable]) -> None:
        self._make = make
        self._folder = _private_folder()
        self._address = _ANY_LOCAL_PORT if self._folder is None else f"unix:{self._folder / 'socket'}"
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        started: Future[str] = Future()
        self._thread = threading.Thread(target=self._serve, args=(started,), name="gradproof-server", daemon=True)
        self._thread.start()
        try:
            self.target = started.result()
        except BaseException:
            self._clean_up()
            raise
        atexit.register(self.stop)

    def stop(self) -> None:
        """Ends it: calls that run are told SHUTTING_DOWN. A second time it does nothing."""
        with self._lock:
            if self._loop.is_closed():
                return
            self._loop.call_soon_threadsafe(self._end.set)
            self._clean_up()
        atexit.unregister(self.stop)

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _clean_up(self) -> None:
        self._thread.join()
        self._loop.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _serve(self, started: Future[str]) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._run(started))

    async def _run(self, started: Future[str]) -> None:
        server = self._make(self._address)
        try:
            await server.start()
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(self._address if self._folder is not None else f"127.0.0.1:{server.port}")
        try:
            await self._end.wait()
        finally:
            await server.stop()


def _private_folder() -> Path | None:
    """A new folder that only this user may enter; None where UNIX sockets cannot be used in it."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    folder = Path(tempfile.mkdtemp(prefix="gradproof-"))
    if len(bytes(folder / "socket")) <= _LONGEST_SOCKET_PATH:
        return folder
    folder.rmdir()
    return None
