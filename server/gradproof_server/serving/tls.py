"""TLS of the service: its certificate and the authorities of its clients, read again when their files change."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from gradproof_server.serving.watched_files import Watch, WatchedFiles


@dataclass(frozen=True)
class TlsFiles:
    """Where the certificate chain, its key and the authorities of clients are (None: clients need no certificate)."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.certificate, self.key, *([] if self.client_ca is None else [self.client_ca]))


@dataclass(frozen=True)
class _Pem:
    """Contents of the files, in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None = None


def server_credentials(files: TlsFiles, watch: Watch) -> grpc.ServerCredentials:
    """Credentials that follow their files: connections that begin after a change see the new certificate, those that
    live keep theirs. Files that cannot be used, or do not belong together, leave what was there.

    Raises OSError (of which ssl.SSLError is one) or ValueError where the files cannot be used at the start.
    """
    watched = WatchedFiles("certificates", lambda: _read(files), lambda _: files.paths, watch)
    given = watched.value

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        """Called by gRPC before each handshake, on threads of its own; None: nothing is new."""
        nonlocal given
        if (pem := watched.value) is given:
            return None
        given = pem
        return _configuration(pem)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(given),
        fetch,  # type: ignore[arg-type]  # the stub does not know that None is allowed
        require_client_authentication=files.client_ca is not None,
    )


def _configuration(pem: _Pem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pem.key, pem.certificate)], pem.client_ca)


def _read(files: TlsFiles) -> _Pem:
    """The files, where they can be used together."""
    pem = _contents(files)
    # gRPC would take a key of another certificate and then fail every handshake; OpenSSL tells, but by paths only.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key, password=_no_password)
    if files.client_ca is not None:
        context.load_verify_locations(files.client_ca)
    if _contents(files) != pem:
        raise ValueError("the files changed while they were read")
    return pem


def _contents(files: TlsFiles) -> _Pem:
    return _Pem(*(path.read_bytes() for path in files.paths))


def _no_password() -> str:
    raise ValueError("the private key is encrypted, and there is nobody to ask for the password")
