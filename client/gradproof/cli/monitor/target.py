"""Servers whose metrics are read again and again."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from dataclasses import dataclass

from gradproof.cli.monitor.page import Page, parse, rates

READ_SECONDS = 5.0
"""How long a server may take to give its metrics."""
_MOST_BYTES = 64 * 2**20
_CHUNK_BYTES = 2**16
_STATUS = re.compile(rb"HTTP/\S+ (\d{3})")
_LENGTH = re.compile(rb"\r\nContent-Length:\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What became of reading a target.

    Attributes:
        target: host:port.
        page: its metrics; None where they cannot be read.
        rates: what its counters grew by per second; None where no earlier page is known.
        problem: why it cannot be read.
        down_seconds: since when, where it cannot.
    """

    target: str
    page: Page | None = None
    rates: Page | None = None
    problem: str | None = None
    down_seconds: float = 0.0


class Target:
    """A server at host:port, and its page before.

    Rates are those since the last page that it gave, also where it could not be read in between.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._page: Page | None = None
        self._when = 0.0
        self._down_since: float | None = None

    async def read(self) -> Reading:
        """Reads the metrics; what goes wrong is in the reading."""
        try:
            page = parse(await fetch(self.address))
        except (OSError, ValueError) as error:
            now = time.monotonic()
            self._down_since = self._down_since if self._down_since is not None else now
            return Reading(self.address, problem=_reason(error), down_seconds=now - self._down_since)
        now = time.monotonic()
        grown = rates(page, self._page, max(now - self._when, 1e-3)) if self._page else None
        self._page, self._when, self._down_since = page, now, None
        return Reading(self.address, page, grown)


async def read_all(targets: list[Target]) -> list[Reading]:
    """Reads all targets at once, so that none waits for another."""
    return list(await asyncio.gather(*(target.read() for target in targets)))


def host_and_port(address: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[IPv6 address]:port". Raises ValueError where it is neither."""
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise ValueError(f"{address!r} is not HOST:PORT")
    if (":" in host or "/" in host) and not bracketed:
        raise ValueError(f"{address!r} is not HOST:PORT")
    return (host[1:-1] if bracketed else host), int(port)


async def fetch(address: str) -> str:
    """The text at http://host:port/metrics.

    Raises OSError (TimeoutError included) where there is no answer, ValueError where it is no page.
    """
    host, port = host_and_port(address)
    async with asyncio.timeout(READ_SECONDS):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            # HTTP/1.0: the answer ends with the connection and is not cut into chunks.
            writer.write(f"GET /metrics HTTP/1.0\r\nHost: {address}\r\nAccept: text/plain\r\n\r\n".encode())
            answer = await _read_to_end(reader)
        finally:
            writer.close()
    return _body(answer)


def _body(answer: bytes) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    if status is None:
        raise ValueError("its answer is not HTTP")
    if status[1] != b"200":
        raise ValueError(f"HTTP status {status[1].decode()}")
    length = _LENGTH.search(head)
    if length and len(body) < int(length[1]):
        raise ValueError("its answer ended early")
    return body.decode()


async def _read_to_end(reader: asyncio.StreamReader) -> bytes:
    answer = bytearray()
    while chunk := await reader.read(_CHUNK_BYTES):
        answer += chunk
        if len(answer) > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES} bytes")
    return bytes(answer)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {READ_SECONDS:.0f} s"
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        # asyncio writes addresses there, and not always why.
        return os.strerror(error.errno).lower()
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
