"""What errors say of connections that cannot be made: each one by a real server or its absence."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import gradproof as gp
import grpc
import pytest
from gradproof._status import HINTS

from tests.support.processes import free_port, make_certificate
from tests.support.tools import tool

Connect = tuple[str, gp.TLS | None]


@dataclass(frozen=True)
class Place:
    """Servers of all kinds on this machine, and certificates.

    Attributes:
        free: a port that nobody listens on.
        plain, tls, mutual: servers without TLS, with it, and one that wants to know its clients.
        http1: answers as a server of HTTP/1.1.
        root: the certificate of the servers with TLS, for the name localhost.
        other: a certificate of somebody else.
        folder: where there is no socket.
    """

    free: int
    plain: int
    tls: int
    mutual: int
    http1: int
    root: Path
    other: Path
    folder: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """They run while this module's tests do."""
    tool("openssl")
    ours, other = (tmp_path_factory.mktemp(name) for name in ("ours", "other"))
    make_certificate(ours, "localhost")
    make_certificate(other, "elsewhere")
    root, pair = (ours / "ca.crt").read_bytes(), ((ours / "tls.key").read_bytes(), (ours / "tls.crt").read_bytes())
    with ThreadPoolExecutor(1) as pool, http1_server() as http1:
        server = grpc.server(pool)
        plain = server.add_insecure_port("127.0.0.1:0")
        tls = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        mutual = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair], root, True))
        server.start()
        yield Place(free_port(), plain, tls, mutual, http1, ours / "ca.crt", other / "ca.crt", ours)
        server.stop(None).wait()


@contextlib.contextmanager
def http1_server() -> Iterator[int]:
    """The port of a server that answers each connection as HTTP/1.1 does to what it does not understand."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as connection:
                        connection.recv(1024)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        thread.submit(answer)
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def local(port: int) -> str:
    """A target on this machine."""
    return f"127.0.0.1:{port}"


def trusting(root: Path | bytes | None) -> gp.TLS:
    """TLS by the name that the servers' certificate has."""
    return gp.TLS(root=root, server_name="localhost")


# What gRPC says, and how to get there.
CASES: dict[str, tuple[str, Callable[[Place], Connect]]] = {
    "nobody listens": ("Connection refused", lambda p: (local(p.free), None)),
    "no socket": ("No such file or directory", lambda p: (f"unix:{p.folder}/none", None)),
    "no host": ("Misformatted domain name", lambda p: (f"http://{local(p.plain)}", None)),
    "TLS is wanted": ("Socket closed", lambda p: (local(p.tls), None)),
    "a client's certificate is wanted": ("Socket closed", lambda p: (local(p.mutual), trusting(p.root))),
    "no TLS there": ("WRONG_VERSION_NUMBER", lambda p: (local(p.plain), trusting(p.root))),
    "not trusted": ("CERTIFICATE_VERIFY_FAILED", lambda p: (local(p.tls), trusting(p.other))),
    "not trusted by default": ("CERTIFICATE_VERIFY_FAILED", lambda p: (local(p.tls), trusting(None))),
    "another name": ("Hostname Verification Check failed", lambda p: (local(p.tls), gp.TLS(root=p.root))),
    "no certificate": ("Failed to create security handshaker", lambda p: (local(p.tls), trusting(b"none"))),
    "not gRPC": ("Failed parsing HTTP/2", lambda p: (local(p.http1), None)),
}
NOT_MADE = {"Domain name not found"}
"""Needs an answer of DNS, and tests use no network."""


@pytest.mark.parametrize("case", CASES)
def test_errors_of_connection_say_what_to_look_at(case: str, place: Place) -> None:
    """The address as it is written in targets, the cause, and its hint in a line of its own."""
    cause, make = CASES[case]
    target, tls = make(place)
    with gp.Client(target, tls=tls, retry=gp.Retry(attempts=1)) as client, pytest.raises(gp.UnavailableError) as caught:
        client.catalog()
    first, hint = str(caught.value).split("\n", 1)
    assert first.startswith(f"no connection to {target}: ")
    assert cause in first
    assert hint == f"  {HINTS[cause]}"


def test_every_hint_has_its_case() -> None:
    """The table has no words that gRPC does not say."""
    assert set(HINTS) - NOT_MADE == {cause for cause, _ in CASES.values()}


async def test_asyncio_says_the_same() -> None:
    """Of a port that nobody listens on."""
    port = free_port()
    async with gp.AsyncClient(f"127.0.0.1:{port}", retry=gp.Retry(attempts=1)) as client:
        with pytest.raises(gp.UnavailableError, match=f"no connection to 127.0.0.1:{port}: .*\n  nobody listens there"):
            await client.catalog()
