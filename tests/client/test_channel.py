"""Channels: where a token may go, what a retry is, and what gRPC is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradproof as gp
import grpc
import pytest
from gradproof._channel import ChannelSettings, is_local

LOCAL = [
    "localhost:50051",
    "127.0.0.1:50051",
    "127.8.9.10:1",
    "[::1]:50051",
    "unix:/tmp/s",
    "unix:///tmp/s",
    "unix-abstract:s",
    "dns:///localhost:1",
    "dns:localhost:1",
    "ipv4:127.0.0.1:1,127.0.0.2:1",
    "ipv6:[::1]:1",
    "localhost",
    "::1",
]
REMOTE = [
    "example.org:50051",
    "10.0.0.1:1",
    "dns:///example.org:1",
    "dns://127.0.0.1/example.org:1",
    "ipv4:127.0.0.1:1,10.0.0.1:1",
    "[2001:db8::1]:1",
    "localhost.example.org:1",
    "127.0.0.1.example.org:1",
    "xds:///127.0.0.1",
    "",
]


@pytest.mark.parametrize("target", LOCAL)
def test_a_token_may_stay_on_this_machine(target: str) -> None:
    """Loopback addresses by number, localhost, and unix sockets."""
    assert is_local(target)
    gp.Client(target, token="secret").close()


@pytest.mark.parametrize("target", REMOTE)
def test_a_token_never_travels_unencrypted(target: str) -> None:
    """Any other target needs TLS; names that only look local are other targets."""
    assert not is_local(target)
    for client in (gp.Client, gp.AsyncClient):
        with pytest.raises(gp.InsecureTokenError, match="tls=True"):
            client(target, token="secret")
    gp.Client(target, token="secret", tls=True).close()
    gp.Client(target).close()


def test_secrets_are_not_printed() -> None:
    """Neither the token nor the private key is in a repr."""
    settings = ChannelSettings("localhost:1", token="secret", tls=gp.TLS(key=b"private"))
    assert "secret" not in repr(settings)
    assert "private" not in repr(settings)


def test_there_is_one_attempt_at_least() -> None:
    """None at all would be no call."""
    with pytest.raises(ValueError, match="at least 1"):
        gp.Retry(attempts=0)


@pytest.mark.parametrize("wrong", [{"initial_seconds": 0}, {"multiplier": -1}, {"max_seconds": 0}])
def test_backoff_is_above_zero(wrong: dict[str, Any]) -> None:
    """Each of the three numbers."""
    with pytest.raises(ValueError, match="above 0"):
        gp.Retry(**wrong)


def test_options_of_the_caller_win() -> None:
    """They replace those of the SDK, and each argument is there once."""
    arguments = ChannelSettings("localhost:1", options=[("grpc.keepalive_time_ms", 5), ("x", 1)]).arguments()
    assert dict(arguments)["grpc.keepalive_time_ms"] == 5
    assert dict(arguments)["x"] == 1
    assert len(dict(arguments)) == len(arguments)


def test_only_the_sdk_repeats_calls() -> None:
    """gRPC's own retries are off, and there is no policy that would turn them on; round robin stays."""
    arguments = dict(ChannelSettings("localhost:1").arguments())
    assert arguments["grpc.enable_retries"] == 0
    assert json.loads(arguments["grpc.service_config"]) == {"loadBalancingConfig": [{"round_robin": {}}]}


def test_certificates_are_bytes_or_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part of TLS may be either."""
    given: list[Any] = []
    monkeypatch.setattr(grpc, "ssl_channel_credentials", lambda *parts: given.append(parts))
    (tmp_path / "root.pem").write_bytes(b"root")
    gp.TLS(root=tmp_path / "root.pem", certificate=b"chain", key=str(tmp_path / "root.pem")).credentials()
    gp.TLS().credentials()
    assert given == [(b"root", b"root", b"chain"), (None, None, None)]


def test_the_name_of_a_certificate_can_be_stated() -> None:
    """For servers that are reached by another name."""
    arguments = dict(ChannelSettings("h:1", tls=gp.TLS(server_name="gradproof.example")).arguments())
    assert arguments["grpc.ssl_target_name_override"] == "gradproof.example"
