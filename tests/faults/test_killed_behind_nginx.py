"""Servers that are killed behind nginx, as deploy/proxy/nginx configures it: what a client is told, and that the SDK
loses no call by it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import gradproof as gp
import grpc
import pytest
from gradproof._retry import is_repeatable
from gradproof._status import failure_to_error

from tests.faults.harness import SOON, Server, begin, serving, wait_until_gone
from tests.faults.load import client_of, load
from tests.support.processes import make_certificate
from tests.support.proxies import PROXIES, connect, proxy_in_front
from tests.support.tools import tool
from tests.support.traffic.heavy import heavy_calls


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """The folder of a certificate for servers and proxy."""
    tool("nginx")
    tool("openssl")
    make_certificate(tmp_path, "gradproof", "localhost")
    return tmp_path


@contextlib.contextmanager
def behind_nginx(folder: Path, count: int, workers: int) -> Iterator[tuple[list[Server], str]]:
    """One or two servers with TLS, and the address of the proxy in front of them."""
    flags = ("--tls-certificate", str(folder / "tls.crt"), "--tls-key", str(folder / "tls.key"))
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(serving("--workers", str(workers), *flags)) for _ in range(count)]
        ports = (servers[0].port, servers[-1].port)
        proxy = proxy_in_front(PROXIES["nginx"], folder, ports, {}, folder / "ca.crt")
        yield servers, stack.enter_context(proxy)


def kill(server: Server) -> None:
    """Returns when none of its processes is there any more."""
    family = server.family()
    server.end(signal.SIGKILL)
    wait_until_gone(family)


def test_what_a_client_is_told_can_be_repeated(certificates: Path) -> None:
    """Nginx answers for a server that has said nothing yet, and resets a stream that has begun."""
    verification = next(call for call in heavy_calls() if call.name == "verification")
    root = certificates / "ca.crt"
    with behind_nginx(certificates, count=1, workers=2) as ((server,), proxy), connect(proxy, root) as channel:
        unanswered = begin(channel)
        stream = channel.unary_stream(verification.path)(verification.request, timeout=SOON)
        next(stream)
        server.wait_until_busy(2)
        kill(server)
        with pytest.raises(grpc.RpcError) as begun:
            list(stream)
        told = unanswered.exception()
        server.start()
    assert isinstance(told, grpc.RpcError)
    assert (told.code(), told.details()) == (grpc.StatusCode.UNAVAILABLE, "no server can be reached")
    assert begun.value.code() is grpc.StatusCode.INTERNAL
    assert "RST_STREAM" in begun.value.details()
    assert all(is_repeatable(failure_to_error(error)) for error in (told, begun.value))


def test_no_call_is_lost_when_a_server_is_killed(certificates: Path) -> None:
    """SIGKILL of one after the other, under load; both come back."""
    tls = gp.TLS(root=certificates / "ca.crt", server_name="localhost")
    with (
        behind_nginx(certificates, count=2, workers=1) as (servers, proxy),
        load(servers, [client_of(proxy, tls)]) as loads,
    ):
        for server in servers:
            loads[0].wait_for_more()
            kill(server)
            loads[0].wait_for_more()
            server.start()
