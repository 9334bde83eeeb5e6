"""Everything that a server and its workers write to standard error is one JSON object a line, whatever goes wrong."""

from __future__ import annotations

import os
import re
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from gradproof.v1 import gradient_service_pb2_grpc

from tests.support.certificates import Authority
from tests.support.logged import SOON, Process

SERVICE = "/gradproof.v1.GradientService"


def busy_worker(metrics_port: int) -> int:
    """The process id of a worker that computes; waits for one."""
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/debug", timeout=SOON) as page:
            if found := re.search(r"pid (\d+)  busy", page.read().decode()):
                return int(found[1])


def code(channel: grpc.Channel, method: str, request: bytes, **options: Any) -> grpc.StatusCode:
    """How a call ends."""
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(method)(request, timeout=SOON, **options)
    found: grpc.StatusCode = caught.value.code()
    return found


def test_errors_of_calls_and_workers(
    start: Callable[..., tuple[Process, grpc.Channel]], long_request: Any, tmp_path: Path
) -> None:
    """Bad requests and metadata, a file that cannot be used, a worker with a fault of its own and one that is killed:
    no line of the log is anything else (`Process` reads them all), and the trace of the fault is in one of them."""
    settings = tmp_path / "settings.toml"
    settings.write_text("max_nodes = 10")
    flags = ["--debug", "--workers", "1", "--max-request-bytes", "100_000_000", "--settings-file", str(settings)]
    server, channel = start(*flags)
    (serving,) = [line for line in server.lines if line["event"] == "serving"]
    unprintable = (("x-request-id", "a\tb"), ("user-agent", "\x7f"))
    assert code(channel, f"{SERVICE}/CheckGradients", b"\xff") is grpc.StatusCode.INVALID_ARGUMENT
    assert code(channel, f"{SERVICE}/Nothing", b"") is grpc.StatusCode.UNIMPLEMENTED
    assert code(channel, f"{SERVICE}/ComputeGradients", b"\xff", metadata=unprintable[1:]) is not grpc.StatusCode.OK
    settings.write_text("max_nodes = ")
    server.signal(signal.SIGHUP)
    server.wait_for("files cannot be used; what they held stays")
    for number, reason in ((signal.SIGSEGV, "crashed"), (signal.SIGKILL, "died")):
        stub = gradient_service_pb2_grpc.GradientServiceStub(channel)
        call = stub.ComputeGradients.future(long_request(1000), timeout=SOON)
        os.kill(busy_worker(serving["metrics_port"]), number)
        assert call.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE)
        assert server.wait_for("worker ended")["reason"] == reason
    server.signal()
    assert server.end() == 0
    (wrote,) = [line for line in server.lines if line["event"] == "worker wrote"]
    assert "Fatal Python error: Segmentation fault" in wrote["text"]


@pytest.mark.parametrize("command", [("gradproof_server",), ("gradproof", "serve")], ids=" ".join)
def test_handshakes_that_fail(launch: Callable[..., Process], tmp_path: Path, command: tuple[str, ...]) -> None:
    """A client without TLS at a port with it: gRPC itself would write a line, whichever command serves."""
    certificate, key = Authority().server().write(tmp_path, "server")
    server = launch("--tls-certificate", str(certificate), "--tls-key", str(key), command=command)
    port = server.wait_for("serving")["port"]
    with socket.create_connection(("127.0.0.1", port), timeout=SOON) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        while connection.recv(1024):
            pass
    server.signal()
    assert server.end() == 0
    assert server.lines[-1]["event"]
