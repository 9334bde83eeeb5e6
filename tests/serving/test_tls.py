"""TLS: who trusts the certificate is served, certificates rotate under load, and clients' certificates are checked."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from gradproof_server.serving.server import StartError
from grpc import aio

from tests.support.certificates import Authority, Pair

METHOD = "/gradproof.v1.GradientService/ComputeGradients"
LONGEST_SECONDS = 20


@contextlib.asynccontextmanager
async def connected(running: Any, root: bytes, client: Pair | None = None) -> AsyncIterator[aio.Channel]:
    """A connection of its own, of a client that trusts `root`."""
    chain = (None, None) if client is None else (client.key, client.certificate)
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    credentials = grpc.ssl_channel_credentials(root, *chain)
    async with aio.secure_channel(f"localhost:{running.app.port}", credentials, options) as channel:
        yield channel


async def code(running: Any, root: bytes, client: Pair | None = None) -> grpc.StatusCode:
    """How a call on a new connection ends."""
    async with connected(running, root, client) as channel:
        call = channel.unary_unary(METHOD)(b"x", timeout=LONGEST_SECONDS)
        return await call.code()


async def test_a_client_that_trusts_the_certificate_is_served(serve: Any, held: Any, tmp_path: Path) -> None:
    """An encrypted channel works; a plain one, and one that trusts another authority, do not."""
    held.release.set()
    authority = Authority()
    certificate, key = authority.server().write(tmp_path, "server")
    running = await serve(held, tls_certificate=certificate, tls_key=key)
    assert await code(running, authority.certificate) is grpc.StatusCode.OK
    assert await code(running, Authority().certificate) is grpc.StatusCode.UNAVAILABLE
    with pytest.raises(aio.AioRpcError) as caught:
        await running.raw()(b"x")
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("fault", ["no certificate", "another key", "no authority"])
async def test_files_that_cannot_be_used_are_a_start_error(serve: Any, held: Any, tmp_path: Path, fault: str) -> None:
    """The server does not start without the encryption that was asked for."""
    authority = Authority()
    certificate, key = authority.server().write(tmp_path, "server")
    client_ca = tmp_path / "ca.pem"
    client_ca.write_bytes(authority.certificate)
    match fault:
        case "no certificate":
            certificate.write_text("nothing")
        case "another key":
            key.write_bytes(authority.server().key)
        case "no authority":
            client_ca.write_text("nothing")
    with pytest.raises(StartError):
        await serve(held, tls_certificate=certificate, tls_key=key, tls_client_ca=client_ca)


async def test_a_certificate_rotates_while_calls_run(serve: Any, held: Any, tmp_path: Path) -> None:
    """No call fails, half-written files included; new connections see the new certificate, old ones live on."""
    held.release.set()
    before, after = Authority("before"), Authority("after")
    certificate, key = before.server().write(tmp_path, "server")
    running = await serve(held, tls_certificate=certificate, tls_key=key, reload_seconds=0.05)
    both = before.certificate + after.certificate
    stop = asyncio.Event()

    async def call_on_new_connections() -> list[grpc.StatusCode]:
        return [await code(running, both) for _ in itertools.takewhile(lambda _: not stop.is_set(), itertools.count())]

    async with connected(running, before.certificate) as old:
        assert await old.unary_unary(METHOD)(b"old") == b"old"
        callers = [asyncio.create_task(call_on_new_connections()) for _ in range(2)]
        new = after.server()
        async with asyncio.timeout(LONGEST_SECONDS):
            certificate.write_bytes(new.certificate[: len(new.certificate) // 2])
            await _until(lambda: _problems(running) == 1)
            certificate.write_bytes(new.certificate)  # and the key is still that of the old one
            await _until(lambda: _problems(running) == 2)
            assert await code(running, before.certificate) is grpc.StatusCode.OK
            key.write_bytes(new.key)
            while await code(running, after.certificate) is not grpc.StatusCode.OK:
                pass
        assert await code(running, before.certificate) is grpc.StatusCode.UNAVAILABLE
        assert await old.unary_unary(METHOD)(b"old") == b"old"
    stop.set()
    counted = [running.metric("gradproof_reloads_total", file="certificates", result=r) for r in ("applied", "refused")]
    assert counted[0] == 1
    assert counted[1] >= 2
    codes = [code for codes in await asyncio.gather(*callers) for code in codes]
    assert len(codes) > 2
    assert set(codes) == {grpc.StatusCode.OK}
    assert [line["files"] for line in running.lines if line["event"] == "files were read again"] == ["certificates"]


def _problems(running: Any) -> int:
    return sum(line["event"].startswith("files cannot be used") for line in running.lines)


async def _until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0)


async def test_only_certificates_of_the_authority_are_taken(serve: Any, held: Any, tmp_path: Path) -> None:
    """With an authority for clients, a client without a certificate, or with another authority's, is not served."""
    held.release.set()
    authority, clients = Authority(), Authority("clients")
    certificate, key = authority.server().write(tmp_path, "server")
    (tmp_path / "clients.pem").write_bytes(clients.certificate)
    tls = {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": tmp_path / "clients.pem"}
    running = await serve(held, **tls)
    assert await code(running, authority.certificate, clients.issue("me")) is grpc.StatusCode.OK
    assert await code(running, authority.certificate) is grpc.StatusCode.UNAVAILABLE
    assert await code(running, authority.certificate, Authority("clients").issue("me")) is grpc.StatusCode.UNAVAILABLE
    assert len(held.requests) == 1


@pytest.mark.parametrize(
    ("name", "alternatives", "caller"),
    [
        ("by-common-name", [], "one"),
        ("x", [x509.UniformResourceIdentifier("spiffe://example.org/kernels")], "two"),
        ("x", [x509.DNSName("other.example.org"), x509.DNSName("kernels.example.org")], "two"),
        ("unknown", [], None),
        # Where there are alternative names, they are the names, and the common name is none (RFC 6125, 6.4.4).
        ("by-common-name", [x509.DNSName("other.example.org")], None),
    ],
)
async def test_a_certificate_says_who_calls(
    serve: Any, held: Any, tmp_path: Path, name: str, alternatives: list[x509.GeneralName], caller: str | None
) -> None:
    """Callers are known by the alternative names of their certificates, or by the common name where there are none."""
    held.release.set()
    authority = Authority()
    certificate, key = authority.server().write(tmp_path, "server")
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    (tmp_path / "callers.toml").write_text(
        """
        [[caller]]
        name = "one"
        subjects = ["by-common-name"]

        [[caller]]
        name = "two"
        subjects = ["spiffe://example.org/kernels", "kernels.example.org"]
        """
    )
    running = await serve(
        held,
        tls_certificate=certificate,
        tls_key=key,
        tls_client_ca=tmp_path / "ca.pem",
        callers_file=tmp_path / "callers.toml",
    )
    wanted = grpc.StatusCode.PERMISSION_DENIED if caller is None else grpc.StatusCode.OK
    assert await code(running, authority.certificate, authority.issue(name, *alternatives)) is wanted
    (line,) = running.calls()
    assert (line["caller"], line.get("reason")) == (caller or "", None if caller else "CALLER_UNKNOWN")
