"""Channels: how a client reaches its server; retries, TLS, tokens and limits as arguments of gRPC."""

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

from gradproof._status import REQUEST_ID_KEY
from gradproof._tracing import trace_metadata
from gradproof._version import __version__
from gradproof.errors import InsecureTokenError

Metadata: TypeAlias = Sequence[tuple[str, str | bytes]]
Token: TypeAlias = str | Callable[[], str]
PemSource: TypeAlias = bytes | str | os.PathLike[str]

SERVICE = "gradproof.v1.GradientService"
TIMEOUT_SECONDS = 30.0
MAX_MESSAGE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class Retry:
    """How calls are repeated that no server answered (UNAVAILABLE). All calls may be repeated safely.

    Attributes:
        attempts: how often a call is tried in all, 1 to 5; 1: no retries.
        initial_seconds: most seconds before the first repetition; the wait is drawn at random below it.
        multiplier: factor of that bound from one repetition to the next.
        max_seconds: the bound's own bound.
        buffer_bytes: requests above this size are not repeated.
    """

    attempts: int = 4
    initial_seconds: float = 0.1
    multiplier: float = 2.0
    max_seconds: float = 2.0
    buffer_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= 5:
            raise ValueError(f"attempts is {self.attempts}; gRPC allows 1 to 5")
        if min(self.initial_seconds, self.multiplier, self.max_seconds) <= 0:
            raise ValueError("initial_seconds, multiplier and max_seconds must be above 0")

    def policy(self) -> dict[str, Any]:
        """The retryPolicy of a gRPC service config."""
        return {
            "maxAttempts": self.attempts,
            "initialBackoff": f"{self.initial_seconds:.9f}s",
            "maxBackoff": f"{self.max_seconds:.9f}s",
            "backoffMultiplier": self.multiplier,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }


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
            "grpc.service_config": json.dumps(service_config(self.retry)),
            "grpc.enable_retries": int(self.retry.attempts > 1),
            "grpc.per_rpc_retry_buffer_size": self.retry.buffer_bytes,
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

    def call_metadata(self) -> tuple[tuple[tuple[str, str | bytes], ...], str]:
        """Metadata of one call, and the request id in it."""
        given = dict(self.metadata).get(REQUEST_ID_KEY)
        request_id = str(given) if given else uuid.uuid4().hex
        metadata = [*self.metadata, *([] if given else [(REQUEST_ID_KEY, request_id)])]
        if self.token is not None:
            token = self.token if isinstance(self.token, str) else self.token()
            metadata.append(("authorization", f"Bearer {token}"))
        metadata += trace_metadata()
        return tuple(metadata), request_id


def service_config(retry: Retry) -> dict[str, Any]:
    """The gRPC service config: round robin over all addresses of the target, and the retries."""
    method: dict[str, Any] = {"name": [{"service": SERVICE}]}
    if retry.attempts > 1:
        # gRPC refuses every call where maxAttempts is below 2.
        method["retryPolicy"] = retry.policy()
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [method],
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
    }


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
