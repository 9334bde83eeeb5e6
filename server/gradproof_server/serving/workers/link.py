"""The line between the front and a worker: messages in both directions, large payloads through shared memory.

A payload above INLINE_BYTES is written into anonymous memory (memfd_create) whose descriptor is passed over the line:
two copies in all, no name that could be left behind, and it counts as memory of the container, not as its /dev/shm.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

INLINE_BYTES = 32 * 1024
"""Below it, passing the descriptor costs more than it saves. And little enough that the line takes all that is said to
a worker at one time without waiting for it (Linux holds 208 KiB): one that hangs must not hold up the front."""
_SHARED = hasattr(os, "memfd_create")


class Link:
    """One end of the line. Any thread may send; one thread receives.

    Args:
        connection: to the other end.
        seconds: that a message may take to come once it has begun; None waits for ever.
    """

    def __init__(self, connection: Connection[Any, Any], seconds: int | None = None) -> None:
        self.connection = connection
        self._sending = threading.Lock()
        if seconds is not None:
            _limit_reads(connection, seconds)

    def send(self, message: object, payload: bytes = b"") -> None:
        """Sends a message with its payload. Raises OSError where nobody is at the other end."""
        if not _SHARED or len(payload) <= INLINE_BYTES:
            with self._sending:
                self.connection.send((message, payload, False))
            return
        memory = os.memfd_create("gradproof-payload")
        try:
            _write(memory, payload)
            with self._sending:
                self.connection.send((message, b"", True))
                reduction.send_handle(self.connection, memory, 0)
        finally:
            os.close(memory)

    def receive(self) -> tuple[Any, bytes]:
        """The next message with its payload. Raises EOFError or OSError where there is none any more, of which
        TimeoutError where it does not come."""
        try:
            message, payload, shared = self.connection.recv()
            if not shared:
                return message, payload
            memory = reduction.recv_handle(self.connection)
        except BlockingIOError:
            raise TimeoutError("half a message came") from None
        try:
            return message, _read(memory)
        finally:
            os.close(memory)

    def close(self) -> None:
        """Ends the line."""
        self.connection.close()


def _limit_reads(connection: Connection[Any, Any], seconds: int) -> None:
    """Every read of it fails with BlockingIOError after so long, where the line is a socket."""
    if _SHARED:
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", seconds, 0))


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _read(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    data = os.pread(descriptor, size, 0)
    if len(data) == size:
        return data
    # One call reads at most 2 GiB.
    chunks = [data]
    while (position := sum(map(len, chunks))) < size:
        chunks.append(os.pread(descriptor, size - position, position))
    return b"".join(chunks)
