"""Mixed traffic through every fault once: no wrong answer, no lost call, no process that grows."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

import pytest

from tests.support.servers import ServerProcess
from tests.support.traffic.faults import FAULTS, Scene, reset_connections
from tests.support.traffic.soak import soak


@pytest.mark.slow
def test_nothing_is_wrong_or_lost_while_every_fault_is_injected() -> None:
    """Two servers with TLS, and clients with the SDK's defaults."""
    result = soak(0, fault_seconds=1.0)
    assert set(result.faults) == set(FAULTS)
    assert all(result.faults.values())
    assert result.tally.right > 100
    assert dict(result.tally.wrong) == {}
    assert dict(result.tally.lost) == {}
    assert result.memory.grown() == {}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_connections_that_are_reset_leave_nothing_open() -> None:
    """Those to the servers break, no other does, and a long soak does not run out of files."""
    server = ServerProcess()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as other:
        server.port = listener.getsockname()[1]
        with (
            socket.create_connection(listener.getsockname()) as broken,
            socket.create_connection(other.getsockname()) as whole,
            other.accept()[0] as far_end,
        ):
            before = len(os.listdir("/proc/self/fd"))
            reset_connections(Scene([server], lambda: None, lambda kind: kind, random.Random(0)))
            assert len(os.listdir("/proc/self/fd")) == before
            assert broken.recv(1) == b""
            far_end.sendall(b"!")
            assert whole.recv(1) == b"!"
