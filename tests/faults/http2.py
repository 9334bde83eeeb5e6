"""HTTP/2 by hand, for what no proper client does: https://www.rfc-editor.org/rfc/rfc9113."""

from __future__ import annotations

import contextlib
import enum
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SOON = 60.0
"""Seconds that the other side has to say something."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
INITIAL_WINDOW_SIZE = 0x4
"""The setting: bytes of each stream that may be on their way to whoever says it."""


class Kind(enum.IntEnum):
    """Types of frames."""

    DATA = 0
    HEADERS = 1
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


@dataclass(frozen=True)
class Frame:
    """One frame; `kind` is a number, for there may be kinds that are not in Kind."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def ends_stream(self) -> bool:
        """Whether nothing comes on its stream after it."""
        return self.kind == Kind.RST_STREAM or (
            self.kind in (Kind.DATA, Kind.HEADERS) and bool(self.flags & END_STREAM)
        )


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """A frame as it travels."""
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def settings(values: Mapping[int, int]) -> bytes:
    """A frame of SETTINGS."""
    return frame(Kind.SETTINGS, payload=b"".join(struct.pack("!HI", *item) for item in values.items()))


def header(name: str, value: str) -> bytes:
    """A header as HPACK's literal that is not indexed (RFC 7541, 6.2.2), of names and values below 127 bytes."""
    return b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))


def headers(path: str, **more: str) -> bytes:
    """The headers of a call, with further ones, whose names have _ for -."""
    fixed = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost", "te": "trailers"}
    grpc = {"content-type": "application/grpc"} | {name.replace("_", "-"): value for name, value in more.items()}
    return b"".join(header(*item) for item in (fixed | grpc).items())


def message(data: bytes) -> bytes:
    """A message of gRPC as it stands in DATA."""
    return b"\0" + struct.pack("!I", len(data)) + data


class Connection:
    """One connection.

    Args:
        port: of the server, on 127.0.0.1.
        source: the own address; "" for any.
        values: the settings that are said at first.
        preface: what is said before them.
        source_port: the own port; 0 for any.
    """

    def __init__(
        self,
        port: int,
        source: str = "",
        values: Mapping[int, int] | None = None,
        preface: bytes = PREFACE,
        source_port: int = 0,
    ) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), SOON, (source, source_port))
        self.send(preface + settings(values or {}))
        self._read = bytearray()

    def send(self, data: bytes) -> None:
        """Sends bytes. Raises OSError where the server has closed."""
        self.socket.sendall(data)

    def call(self, path: str, stream: int = 1, **more: str) -> None:
        """Begins a call, of which no message is sent."""
        self.send(frame(Kind.HEADERS, END_HEADERS, stream, headers(path, **more)))

    def request(self, path: str, data: bytes, stream: int = 1, **more: str) -> None:
        """A whole call of one message, below 16 KiB."""
        self.call(path, stream, **more)
        self.send(frame(Kind.DATA, END_STREAM, stream, message(data)))

    def frames(self) -> Iterator[Frame]:
        """What the server says, to the end of the connection. Raises TimeoutError where it is silent for too long."""
        with contextlib.suppress(ConnectionError):
            while head := self._take(9):
                length, (kind, flags, stream) = int.from_bytes(head[:3]), struct.unpack("!BBI", head[3:])
                yield Frame(kind, flags, stream, self._take(length))

    def _take(self, count: int) -> bytes:
        while len(self._read) < count:
            if not (data := self.socket.recv(1 << 16)):
                return b""
            self._read += data
        taken = bytes(self._read[:count])
        del self._read[:count]
        return taken

    def next(self, kind: int) -> Frame:
        """The next frame of a kind."""
        return next(frame for frame in self.frames() if frame.kind == kind)

    def end_of(self, stream: int = 1) -> Frame:
        """The last frame of a stream."""
        return next(frame for frame in self.frames() if frame.stream == stream and frame.ends_stream)

    def wait_until_closed(self) -> None:
        """Returns when the server has closed the connection."""
        for _ in self.frames():
            pass

    def close(self) -> None:
        """Ends it."""
        self.socket.close()

    def reset(self) -> None:
        """Ends it as a machine does that was switched off: TCP's RST, and no word before it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
