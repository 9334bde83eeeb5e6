"""Ten thousand clients of one server."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.harness import COMPUTE, SHORT, answers, serving
from tests.faults.http2 import ACK, Connection, Frame, Kind, frame
from tests.support.processes import free_port, wait_until

_CONNECTIONS = 10_000
_FILES = _CONNECTIONS + 1000
_MOST_BYTES = 64 * 1024
"""Most memory of the front for each connection."""
_PING = b"are you?"


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    """This process may have as many files open as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _FILES:
        pytest.skip(f"a process may open {hard} files here, and {_CONNECTIONS} connections need more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, _FILES), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _connections(port: int) -> Iterator[Connection]:
    """From as many addresses, all with one port: ten thousand ports would be missed by the tests beside this one."""
    source_port = free_port()
    for number in range(_CONNECTIONS):
        yield Connection(port, f"127.1.{number // 250}.{number % 250 + 1}", source_port=source_port)


def test_ten_thousand_connections_live_at_once() -> None:
    """Each is answered its ping, those of a sample are served, a new client too, and nothing is left of them."""
    with serving("--workers", "1", "--keepalive-seconds", "600") as server:
        assert answers(server.target)
        files, before = len(server.open_files()), server.front_bytes()
        with ExitStack() as stack:
            connections = [stack.enter_context(connection) for connection in _connections(server.port)]
            for connection in connections:
                connection.send(frame(Kind.PING, payload=_PING))
            for connection in connections:
                assert connection.next(Kind.PING) == Frame(Kind.PING, ACK, 0, _PING)
            each = (server.front_bytes() - before) / _CONNECTIONS
            print(f"{_CONNECTIONS} connections: {each / 1024:.1f} KiB of the front each")
            assert each < _MOST_BYTES
            for connection in connections[:: _CONNECTIONS // 50]:
                connection.request(COMPUTE, SHORT)
                assert b"grpc-status\x010" in connection.end_of().payload
            assert answers(server.target)
        wait_until(lambda: len(server.open_files()) <= files)
        assert answers(server.target)
