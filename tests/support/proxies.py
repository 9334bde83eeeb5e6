"""The examples of proxies as they run on this machine: with its ports and folders in place of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc

from tests.support.processes import background, free_port, wait_until
from tests.support.tools import DEPLOY, tool


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A program with our example of its configuration, and where that keeps certificates."""

    program: str
    config: Path
    tls_folder: str
    check: tuple[str, ...]
    serve: tuple[str, ...]


PROXIES = {
    "nginx": Proxy(
        "nginx",
        DEPLOY / "proxy" / "nginx" / "nginx.conf",
        "/etc/nginx/tls",
        check=("-t", "-e", "stderr", "-c"),
        serve=("-e", "stderr", "-g", "daemon off;", "-c"),
    ),
    "envoy": Proxy(
        "envoy",
        DEPLOY / "proxy" / "envoy" / "envoy.yaml",
        "/etc/envoy/tls",
        check=("--mode", "validate", "--log-level", "warning", "-c"),
        serve=("--log-level", "warning", "--concurrency", "1", "--use-dynamic-base-id", "-c"),
    ),
}


def adapted(proxy: Proxy, folder: Path, changes: Mapping[str, str]) -> Path:
    """The example with this test's folder and other texts in place of some of its own, each of which it must have."""
    text = proxy.config.read_text(encoding="utf-8").replace("/run/nginx.pid", str(folder / "nginx.pid"))
    changes = {proxy.tls_folder: str(folder), **changes}
    assert [old for old in changes if old not in text] == []
    # In one pass, so that what was put in is not changed again.
    text = re.sub("|".join(map(re.escape, changes)), lambda match: changes[match[0]], text)
    path = folder / f"{free_port()}{proxy.config.suffix}"
    path.write_text(text, encoding="utf-8")
    return path


@contextlib.contextmanager
def proxy_in_front(
    proxy: Proxy, folder: Path, ports: tuple[int, int], changes: Mapping[str, str], root: Path | None
) -> Iterator[str]:
    """The proxy in front of servers at two ports, connected to; its address.

    Args:
        proxy: which one.
        folder: of its certificates, and for its files.
        ports: of the servers.
        changes: further texts of the example, and what to put in their places.
        root: the certificate of its own that it shows; None where it is changed to have no TLS.
    """
    port = free_port()
    new = {"50051": str(ports[0]), "50052": str(ports[1]), "8443": str(port)}
    if proxy.program == "envoy":
        new["9901"] = str(free_port())
    config = adapted(proxy, folder, new | dict(changes))
    command, log = [tool(proxy.program), *proxy.serve, str(config)], config.with_suffix(".log")
    with background(command, log) as process:
        wait_until(lambda: listens(port) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        with connect(f"localhost:{port}", root):
            yield f"localhost:{port}"


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("localhost", port)):
        return True
    return False


@contextlib.contextmanager
def connect(address: str, root: Path | None) -> Iterator[grpc.Channel]:
    """A channel that is connected, with TLS where there is a root certificate to check it by."""
    credentials = None if root is None else grpc.ssl_channel_credentials(root.read_bytes())
    opened = grpc.insecure_channel(address) if credentials is None else grpc.secure_channel(address, credentials)
    with opened as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
        yield channel
