"""Servers that go away under load, one after the other or at once: no call of the SDK with its defaults is lost."""

from __future__ import annotations

import signal
from pathlib import Path

import gradproof as gp
import pytest

from tests.faults.harness import wait_until_gone
from tests.faults.load import client_of, load, two_servers
from tests.support.processes import make_certificate
from tests.support.proxies import PROXIES, proxy_in_front
from tests.support.tools import tool

pytestmark = pytest.mark.slow

ROUNDS = 2
_NO_TLS = {" ssl http2;": " http2;", "grpcs://": "grpc://"}


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
def test_no_call_is_lost_while_servers_are_restarted(encrypted: bool, tmp_path: Path) -> None:
    """One after the other ends by SIGTERM and starts again, twice: called round robin, and through nginx."""
    tool("openssl")
    make_certificate(tmp_path, "gradproof", "localhost")
    root = tmp_path / "ca.crt" if encrypted else None
    flags = ("--tls-certificate", str(tmp_path / "tls.crt"), "--tls-key", str(tmp_path / "tls.key"))
    tls = gp.TLS(root=root, server_name="localhost") if encrypted else None
    with two_servers(*(flags if encrypted else ())) as servers:
        ports = servers[0].port, servers[1].port
        changes = {} if encrypted else _NO_TLS
        with (
            proxy_in_front(PROXIES["nginx"], tmp_path, ports, changes, root) as proxy,
            load(servers, [client_of(servers, tls), client_of(proxy, tls)]) as loads,
        ):
            for server in servers * ROUNDS:
                for one in loads:
                    one.wait_for_more()
                family = server.family()
                assert server.end(signal.SIGTERM) == 0
                wait_until_gone(family)
                server.start()


def test_no_call_is_lost_when_a_server_is_killed() -> None:
    """SIGKILL of one front: its workers end by themselves, and the other server answers."""
    with two_servers() as servers, load(servers, [client_of(servers)]) as loads:
        for server in servers:
            loads[0].wait_for_more()
            family = server.family()
            server.end(signal.SIGKILL)
            wait_until_gone(family)
            loads[0].wait_for_more()
            server.start()
