"""Channels: how a client reaches its server; TLS, tokens and limits as arguments of gRPC."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import grpc

from gradproof._retry import Retry
from gradproof._sizes import too_large
from gradproof._status import REQUEST_ID_KEY
from gradproof._tracing import CallSpan
from gradproof._version import __version__
from gradproof.errors import InsecureTokenError

Metadata: TypeAlias = Sequence[tuple[str, str | bytes]]
CallMetadata: TypeAlias = tuple[tuple[tuple[str, str | bytes], ...], str]
"""Metadata of one call, and the request id in it."""
Token: TypeAlias = str | Callable[[], str]
PemSource: TypeAlias = bytes | str | os.PathLike[str]

SERVICE = "gradproof.v1.GradientService"
TIMEOUT_SECONDS = 30.0
_SERVICE_CONFIG: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
MAX_MESSAGE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class TLS:
    """How the connection is encrypted, and who proves what. Each part is PEM bytes, or the path of a file.

    Attributes:
        root: certificates that are trusted; None: those that gRPC comes with.
        certificate: the client's own chain, where the server wants to know its clients.
        key: the client's private key.
        server_name: name that the server's certificate must have, where it is not the target's.
    """

    root: PemSource | None = None
    certificate: PemSource | None = None
    key: PemSource | None = field(default=None, repr=False)
    server_name: str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """The credentials of a channel. Raises OSError where a file cannot be read."""
        return grpc.ssl_channel_credentials(_pem(self.root), _pem(self.key), _pem(self.certificate))


def _pem(source: PemSource | None) -> bytes | None:
    return source if source is None or isinstance(source, bytes) else Path(source).read_bytes()


@dataclass(frozen=True)
class ChannelSettings:
    """Everything that a client needs to know about its channel. Raises InsecureTokenError where a token would leak."""

    target: str
    timeout: float | None = TIMEOUT_SECONDS
    tls: bool | TLS | None = None
    token: Token | None = field(default=None, repr=False)
    metadata: Metadata = ()
    retry: Retry = field(default_factory=Retry)
    max_message_bytes: int = MAX_MESSAGE_BYTES
    options: Sequence[tuple[str, Any]] = ()

    def __post_init__(self) -> None:
        if self.token is not None and not self.tls and not is_local(self.target):
            text = "unencrypted, where anybody on the way can read it; use tls=True, or a target on this machine"
            raise InsecureTokenError(f"the token would travel to {self.target} {text}")

    def open(self, api: Any) -> Any:
        """A channel of `api`, which is grpc or grpc.aio. Raises OSError where a certificate cannot be read."""
        tls = TLS() if self.tls is True else self.tls
        if isinstance(tls, TLS):
            return api.secure_channel(self.target, tls.credentials(), self.arguments())
        return api.insecure_channel(self.target, self.arguments())

    def arguments(self) -> list[tuple[str, Any]]:
        """The channel's arguments; `options` come last and win."""
        arguments: dict[str, Any] = {
            "grpc.primary_user_agent": f"gradproof-python/{__version__}",
            "grpc.max_send_message_length": self.max_message_bytes,
            "grpc.max_receive_message_length": self.max_message_bytes,
            "grpc.service_config": json.dumps(_SERVICE_CONFIG),
            "grpc.enable_retries": 0,  # calls are repeated by the clients
            "grpc.initial_reconnect_backoff_ms": 100,
            "grpc.max_reconnect_backoff_ms": 1000,  # by default minutes: longer than any call waits for a server
            # Between its soft and hard limit gRPC drops metadata at random, and with it the details of errors.
            "grpc.max_metadata_size": 64 * 1024,
            "grpc.absolute_max_metadata_size": 128 * 1024,
            "grpc.keepalive_time_ms": 30_000,
            "grpc.keepalive_timeout_ms": 10_000,
            "grpc.keepalive_permit_without_calls": 1,
            "grpc.http2.max_pings_without_data": 0,
        }
        if isinstance(self.tls, TLS) and self.tls.server_name:
            arguments["grpc.ssl_target_name_override"] = self.tls.server_name
        return list({**arguments, **dict(self.options)}.items())

    def sendable(self, path: str, request: bytes) -> bytes:
        """The request of a method. Raises ResourceExhaustedError, which says what in it is so large, where it has more
        bytes than a message may have."""
        most = dict(self.options).get("grpc.max_send_message_length", self.max_message_bytes)
        if 0 <= most < len(request):
            raise too_large(path, request, most)
        return request

    def call_metadata(self, span: CallSpan) -> CallMetadata:
        """Metadata of one call, whose span this is, and the request id in it."""
        given = dict(self.metadata).get(REQUEST_ID_KEY)
        request_id = str(given) if given else uuid.uuid4().hex
        metadata = [*self.metadata, *([] if given else [(REQUEST_ID_KEY, request_id)])]
        if self.token is not None:
            token = self.token if isinstance(self.token, str) else self.token()
            metadata.append(("authorization", f"Bearer {token}"))
        metadata += span.metadata()
        return tuple(metadata), request_id


def is_local(target: str) -> bool:
    """Whether a target is on this machine: a unix socket, or a loopback address by number or as localhost."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    address = re.sub(r"^(dns|ipv4|ipv6):(//[^/]*/)?", "", target)
    hosts = [_host(part) for part in address.split(",")]
    return all(host == "localhost" or _is_loopback(host) for host in hosts)


def _host(address: str) -> str:
    bracketed = re.match(r"\[(.*)\](:\d+)?$", address)
    if bracketed:
        return bracketed.group(1)
    return address.rpartition(":")[0] if address.count(":") == 1 else address


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
