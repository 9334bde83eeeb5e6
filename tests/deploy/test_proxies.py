"""The examples of proxies, run with the real programs in front of two real servers with TLS."""

from __future__ import annotations

import contextlib
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import gradproof as gp
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.deploy import founding_case
from tests.support.processes import Server, free_port, gradproof_server
from tests.support.proxies import PROXIES, Proxy, adapted, connect, proxy_in_front
from tests.support.tools import tool

pytestmark = pytest.mark.e2e

SERVICE = "gradproof.v1.GradientService"


@pytest.fixture(params=sorted(PROXIES), scope="module")
def proxy(request: pytest.FixtureRequest) -> Proxy:
    """Each of the proxies."""
    return PROXIES[request.param]


Serve = Callable[..., "contextlib.AbstractContextManager[str]"]


@pytest.fixture(scope="module")
def serve(proxy: Proxy, certificates: Path) -> Serve:
    """Starts the proxy in front of servers at two ports; gives its address."""

    def start(
        first: int, second: int, changes: Mapping[str, str] | None = None
    ) -> contextlib.AbstractContextManager[str]:
        return proxy_in_front(proxy, certificates, (first, second), changes or {}, certificates / "ca.crt")

    return start


@pytest.fixture(scope="module")
def address(serve: Serve, servers: tuple[Server, Server]) -> Iterator[str]:
    """A proxy in front of two servers that are there."""
    with serve(*(server.port for server in servers)) as address:
        yield address


def call(channel: grpc.Channel, method: str = "ListCatalog", request: bytes = b"") -> bytes:
    """A call of a method of the service with bytes as request and response."""
    response: bytes = channel.unary_unary(f"/{SERVICE}/{method}")(request, timeout=30)
    return response


def calls_of(server: Server) -> float:
    """How many ListCatalog calls a server has had."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics") as page:
        text = page.read().decode()
    return float(re.findall(r'^grpc_server_started_total{grpc_method="ListCatalog".*} (\S+)$', text, re.MULTILINE)[0])


def test_the_example_is_valid(proxy: Proxy, certificates: Path) -> None:
    """The program itself accepts the configuration."""
    command = [tool(proxy.program), *proxy.check, str(adapted(proxy, certificates, {}))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_founding_case_is_answered_through_the_proxy(address: str, certificates: Path) -> None:
    """The SDK gets PyTorch's weights and the reason of the disagreement."""
    with gp.Client(address, tls=gp.TLS(root=certificates / "ca.crt")) as client:
        founding_case.assert_answered(client)


def test_calls_of_one_connection_go_to_both_servers(
    address: str, certificates: Path, servers: tuple[Server, Server]
) -> None:
    """The proxy spreads calls and not connections."""
    before = [calls_of(server) for server in servers]
    with connect(address, certificates / "ca.crt") as channel:
        for _ in range(20):
            call(channel)
    new = [calls_of(server) - b for server, b in zip(servers, before, strict=True)]
    assert sum(new) == 20
    assert min(new) > 0


def test_a_large_request_passes(address: str, certificates: Path) -> None:
    """8 MiB that are no message reach the server, which says so."""
    with connect(address, certificates / "ca.crt") as channel, pytest.raises(grpc.RpcError) as caught:
        call(channel, "CheckGradients", b"\x0a\xff" + bytes(8 * 2**20))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "grpc-status-details-bin" in dict(caught.value.trailing_metadata())


def test_a_stream_of_the_server_passes(address: str, certificates: Path) -> None:
    """The first message of a stream arrives while the stream is open."""
    with connect(address, certificates / "ca.crt") as channel:
        stream = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=30)
        assert next(iter(stream)).status == health_pb2.HealthCheckResponse.SERVING
        stream.cancel()


def test_a_stream_in_both_directions_passes(address: str, certificates: Path) -> None:
    """The server asks for values of a function and gets them on one stream, and finds the wrong derivative."""
    with gp.Client(address, tls=gp.TLS(root=certificates / "ca.crt")) as client:
        right, wrong = (
            client.check_function(lambda x: float((x**2).sum()), [1.0, 2.0], gradient=[2.0, last])
            for last in (4.0, 4.1)
        )
    assert right.verdict is gp.Verdict.AGREES
    assert wrong.verdict is gp.Verdict.DISAGREES


def test_a_server_that_is_gone_loses_no_call(
    serve: Serve, certificates: Path, tls_flags: tuple[str, ...], servers: tuple[Server, Server]
) -> None:
    """After one of two servers has ended by SIGTERM, every call is answered by the other."""
    with (
        gradproof_server(*tls_flags) as ending,
        serve(servers[0].port, ending.port) as address,
        connect(address, certificates / "ca.crt") as channel,
    ):
        answers = [call(channel) for _ in range(4)]
        ending.process.terminate()
        assert ending.process.wait(60) == 0
        answers += [call(channel) for _ in range(10)]
    assert all(answers)


def test_no_server_is_unavailable(serve: Serve, certificates: Path) -> None:
    """Where nobody listens behind the proxy, the caller is told so as gRPC does."""
    with (
        serve(free_port(), free_port()) as address,
        connect(address, certificates / "ca.crt") as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        call(channel)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("path", ["/gradproof.v1.Other/Check", "/"])
def test_other_services_are_unimplemented(address: str, certificates: Path, path: str) -> None:
    """Only the service and its health are behind the proxy."""
    with connect(address, certificates / "ca.crt") as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(path)(b"", timeout=30)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("proxy", ["nginx"], indirect=True, scope="module")
def test_nginx_says_that_a_request_is_too_large(
    serve: Serve, certificates: Path, servers: tuple[Server, Server]
) -> None:
    """Above nginx' own limit the status is that of the server's limit, and not UNKNOWN."""
    smaller = {"client_max_body_size 512m": "client_max_body_size 1m"}
    with (
        serve(*(server.port for server in servers), smaller) as address,
        connect(address, certificates / "ca.crt") as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        call(channel, "CheckGradients", bytes(3 * 2**20))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
