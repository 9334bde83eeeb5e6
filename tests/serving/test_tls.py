"""TLS: a server with a certificate is reached by clients that trust it, and by no others."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
from gradproof_server.serving.server import StartError
from grpc import aio


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, which makes the certificate")
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    options = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    command = ["openssl", *options.split(), "-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command, check=True, capture_output=True)
    return paths


async def test_a_client_that_trusts_the_certificate_is_served(serve: Any, held: Any, certificate: Any) -> None:
    """An encrypted channel works; a plain one does not."""
    held.release.set()
    running = await serve(held, tls_certificate=certificate[0], tls_key=certificate[1])
    trusted = grpc.ssl_channel_credentials(certificate[0].read_bytes())
    async with aio.secure_channel(f"localhost:{running.app.port}", trusted) as channel:
        assert await channel.unary_unary("/gradproof.v1.GradientService/ComputeGradients")(b"x") == b"x"
    with pytest.raises(aio.AioRpcError) as caught:
        await running.raw()(b"x")
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_file_that_is_no_certificate_is_a_start_error(serve: Any, held: Any, tmp_path: Path) -> None:
    """The server does not start without the encryption that was asked for."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    with pytest.raises(StartError):
        await serve(held, tls_certificate=wrong, tls_key=wrong)
