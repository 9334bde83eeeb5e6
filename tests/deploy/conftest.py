"""Two servers with TLS, which the tests of proxies and of monitoring share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Server, gradproof_server, make_certificate
from tests.support.tools import tool


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for servers ("gradproof") and proxies ("localhost")."""
    tool("openssl")
    folder = tmp_path_factory.mktemp("certificates")
    make_certificate(folder, "gradproof", "localhost")
    return folder


@pytest.fixture(scope="session")
def tls_flags(certificates: Path) -> tuple[str, ...]:
    """The flags of a server with TLS."""
    return ("--tls-certificate", str(certificates / "tls.crt"), "--tls-key", str(certificates / "tls.key"))


@pytest.fixture(scope="session")
def servers(processes: None, tls_flags: tuple[str, ...]) -> Iterator[tuple[Server, Server]]:
    """Two servers with TLS that take calls."""
    with gradproof_server(*tls_flags) as first, gradproof_server(*tls_flags) as second:
        yield first, second
