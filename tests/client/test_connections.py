"""Connections that servers close by age and idleness, and processes that fork."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradproof as gp
import grpc
import pytest
from gradproof_server.serving.server import channel_options
from gradproof_server.settings import Settings

from tests.client.conftest import SERVICE
from tests.support.processes import wait_until

SOON = 30.0
ONCE = gp.Retry(attempts=1)


@contextlib.contextmanager
def short_lived(**settings: float) -> Iterator[tuple[str, list[str]]]:
    """A server with the options that ours has by these settings; its target, and the addresses of its callers."""
    peers: list[str] = []

    def answer(_request: bytes, context: grpc.ServicerContext) -> bytes:
        peers.append(context.peer())
        return b""

    handlers = {"ListCatalog": grpc.unary_unary_rpc_method_handler(answer)}
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool, options=channel_options(Settings(**settings)))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}", peers
        server.stop(None).wait()


def test_no_call_fails_when_connections_grow_old() -> None:
    """Calls one after the other over three connections; one that meets the end of a connection is repeated."""
    with short_lived(max_connection_age_seconds=1) as (target, peers), gp.Client(target) as client:

        def third_connection() -> bool:
            client.catalog()
            return len(set(peers)) == 3

        wait_until(third_connection)


def test_an_idle_connection_is_made_again() -> None:
    """After the server has closed it, the next call is answered over another one at its first try."""
    with short_lived(max_connection_idle_seconds=1) as (target, peers), gp.Client(target, retry=ONCE) as client:
        client.catalog()
        ready, left = threading.Event(), threading.Event()

        def changed(state: grpc.ChannelConnectivity) -> None:
            if state is grpc.ChannelConnectivity.READY:
                ready.set()
            elif ready.is_set():
                left.set()

        channel = client._connected()
        channel.subscribe(changed)
        assert left.wait(SOON)
        channel.unsubscribe(changed)
        client.catalog()
    assert len(set(peers)) == 2


FORKING = """
import os, sys, gradproof as gp
with gp.Client(sys.argv[1]) as client:
    client.catalog()
    if (child := os.fork()) == 0:
        with gp.Client(sys.argv[1]) as own:
            own.catalog()
        os._exit(0)
    sys.stdout.write(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
    client.catalog()
"""


@pytest.mark.e2e
def test_a_child_makes_a_client_of_its_own(fake: Any) -> None:
    """After a fork, where its parent has called the same server, and goes on."""
    fake.answers["ListCatalog"] = lambda request, context: b""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, fake.target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "0"
    assert len({metadata["x-request-id"] for metadata in fake.metadata}) == 3
