"""Servers that go away under load, one after the other or at once: no call of the SDK with its defaults is lost."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradproof as gp
import pytest

from benchmarks.serving.kinds import kinds, right_answers
from benchmarks.serving.traffic import Callers, Tally, Traffic
from tests.deploy.manifests import tool
from tests.deploy.processes import make_certificate, wait_until
from tests.deploy.proxies import PROXIES, proxy_in_front
from tests.faults.harness import Server, serving, wait_until_gone

pytestmark = pytest.mark.e2e

KINDS = tuple(kind for kind in kinds() if kind.error is None and not kind.cancelled)
ROUNDS = 2
_NO_TLS = {" ssl http2;": " http2;", "grpcs://": "grpc://"}
_CALLS = 20
"""By each way, between one fault and the next."""
Make = Callable[[Any], Any]


class Load:
    """Calls of all kinds in one way, and what became of them."""

    def __init__(self, make: Make, answers: dict[str, str]) -> None:
        self._traffic, self._tally = Traffic(KINDS, answers), Tally()
        self.callers = Callers(self._traffic, make, threads=2, coroutines=2)

    def take(self) -> Tally:
        """What became of the calls so far."""
        self._tally += self._traffic.take()
        return self._tally

    def wait_for_more(self) -> None:
        """Returns when so many more calls have been answered, or one was not."""
        enough = self.take().right + _CALLS

        def ready() -> bool:
            tally = self.take()
            return tally.right >= enough or bool(tally.lost or tally.wrong)

        wait_until(ready)


@contextlib.contextmanager
def load(servers: Sequence[Server], ways: Sequence[Make]) -> Iterator[list[Load]]:
    """Load in all ways at once, until the end of the block; then nothing was wrong, and nothing lost."""
    with ways[0](gp.Client) as client:
        answers = right_answers(KINDS, client)
    loads = [Load(make, answers) for make in ways]
    with contextlib.ExitStack() as stack:
        for one in loads:
            stack.enter_context(one.callers)
        yield loads
    for one in loads:
        tally = one.take()
        assert tally.lost == {}
        assert tally.wrong == {}


@contextlib.contextmanager
def two_servers(*flags: str) -> Iterator[tuple[Server, Server]]:
    """Two servers with one worker each."""
    with serving("--workers", "1", *flags) as first, serving("--workers", "1", *flags) as second:
        yield first, second


def client_of(servers: Sequence[Server] | str, tls: gp.TLS | None = None) -> Make:
    """Makes clients of two servers, which they call round robin, or of an address, with the SDK's defaults."""
    target = servers if isinstance(servers, str) else "ipv4:" + ",".join(server.target for server in servers)
    return lambda kind: kind(target, tls=tls)


@pytest.mark.slow
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
