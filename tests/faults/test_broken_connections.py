"""Connections that break, stall or say what nobody says: others are answered meanwhile, and nothing is left of them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import pytest

from tests.faults.harness import COMPUTE, SHORT, Server, answers, serving
from tests.faults.http2 import END_HEADERS, Connection, Kind, frame, header, headers, message, settings
from tests.support.processes import wait_until

_MIB = 2**20
_CANCEL = struct.pack("!I", 8)
_HALF = frame(Kind.DATA, stream=1, payload=message(SHORT)[: len(SHORT) // 2])
_FLOOD_BYTES = 100 * _MIB
_MOST_BYTES = 256 * _MIB
"""That the front may grow by, whatever comes: measured up to 171 MiB, however long the flood."""
_STALLED_SECONDS = 1.0
"""After which a flood is over that the server does not read, because its answers are not read."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that waits a second for a request."""
    with serving("--workers", "1", "--request-seconds", "1") as server:
        assert answers(server.target)
        yield server


def open_calls(server: Server) -> float:
    """Calls that have begun and not ended. The page is read twice: it is above what is open where calls begin."""
    ended = server.metric("grpc_server_handled_total")
    return server.metric("grpc_server_started_total") - ended


def sockets(server: Server) -> int:
    """How many the front has open."""
    return sum(name.startswith("socket:") for name in server.open_files())


def nothing(_connection: Connection) -> None:
    """No message."""


def half(connection: Connection) -> None:
    """Half a message."""
    connection.send(_HALF)


@pytest.mark.parametrize("say", [nothing, half])
def test_a_request_that_does_not_come_ends_its_call_and_not_its_connection(
    server: Server, say: Callable[[Connection], None]
) -> None:
    """The server ends the call by itself, others are answered before, and the connection serves the next call."""
    with Connection(server.port) as connection:
        connection.call(COMPUTE)
        say(connection)
        wait_until(lambda: open_calls(server) == 1)
        assert answers(server.target)
        assert b"--request-seconds" in connection.end_of().payload
        connection.request(COMPUTE, SHORT, stream=3)
        assert b"grpc-status\x010" in connection.end_of(3).payload
        wait_until(lambda: open_calls(server) == 0)


def cancel(connection: Connection) -> None:
    """RST_STREAM."""
    connection.send(frame(Kind.RST_STREAM, stream=1, payload=_CANCEL))


def go_away(connection: Connection) -> None:
    """GOAWAY, and the end of the connection."""
    connection.send(frame(Kind.GOAWAY, payload=bytes(8)))
    connection.close()


@pytest.mark.parametrize("end", [cancel, go_away, Connection.close, Connection.reset])
def test_a_call_ends_with_half_its_request_when_its_client_does(
    server: Server, end: Callable[[Connection], None]
) -> None:
    """However it says so; call and connection are gone, and others are answered."""
    before = sockets(server)
    with Connection(server.port) as connection:
        connection.call(COMPUTE)
        connection.send(_HALF)
        wait_until(lambda: open_calls(server) == 1)
        end(connection)
        wait_until(lambda: open_calls(server) == 0)
        assert answers(server.target)
    wait_until(lambda: sockets(server) <= before)


@pytest.mark.parametrize("preface", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", bytes(64)])
def test_what_is_not_http2_is_closed(server: Server, preface: bytes) -> None:
    """A client of HTTP/1.1, of TLS, and one that says nothing sensible."""
    with Connection(server.port, preface=preface) as connection:
        connection.wait_until_closed()
    assert answers(server.target)


FLOODS = {
    "pings": frame(Kind.PING, payload=bytes(8)),
    "settings": settings({3: 100}),
    "window updates": frame(Kind.WINDOW_UPDATE, payload=struct.pack("!I", 1)),
    "headers that do not end": frame(Kind.CONTINUATION, stream=1, payload=header("a" * 60, "b" * 60) * 100),
    "empty headers that do not end": frame(Kind.CONTINUATION, stream=1),
    "empty data": frame(Kind.DATA, stream=1),
    "frames of no kind": frame(77, payload=bytes(100)),
}


@pytest.mark.parametrize("piece", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_frames_costs_no_memory_and_no_other_call(server: Server, piece: bytes) -> None:
    """The server closes the connection, or does not read on, or takes all; its memory is bounded."""
    before, whole = server.front_bytes(), piece * (_MIB // len(piece))
    with Connection(server.port) as connection:
        flags = 0 if piece[3] == Kind.CONTINUATION else END_HEADERS
        connection.send(frame(Kind.HEADERS, flags, 1, headers(COMPUTE)))
        connection.socket.settimeout(_STALLED_SECONDS)
        try:
            for _ in range(_FLOOD_BYTES // len(whole)):
                connection.send(whole)
        except OSError:  # closed, or not read: both are as good
            pass
        assert answers(server.target)
        assert server.front_bytes() - before < _MOST_BYTES
    wait_until(lambda: open_calls(server) == 0)


def test_a_flood_of_pings_loses_its_connection(server: Server) -> None:
    """The last word of the server is GOAWAY."""
    with Connection(server.port) as connection:
        connection.send(FLOODS["pings"] * 100)
        assert b"too_many_pings" in connection.next(Kind.GOAWAY).payload
        connection.wait_until_closed()


def test_calls_that_are_cancelled_at_once_leave_nothing(server: Server) -> None:
    """10,000 of one connection, each gone before it was served."""
    before = server.front_bytes()
    with Connection(server.port) as connection:
        for stream in range(1, 20_000, 2):
            connection.call(COMPUTE, stream)
            connection.send(frame(Kind.RST_STREAM, stream=stream, payload=_CANCEL))
        assert answers(server.target)
        wait_until(lambda: open_calls(server) == 0)
    assert server.front_bytes() - before < _MOST_BYTES
