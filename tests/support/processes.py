"""Real processes for the tests, on loopback addresses: gradproof servers and what stands around them."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_END_SECONDS = 60
_LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Server:
    """A gradproof server and its ports."""

    process: subprocess.Popen[str]
    port: int
    metrics_port: int


@contextlib.contextmanager
def gradproof_server(*flags: str) -> Iterator[Server]:
    """`python -m gradproof_server` on free ports, which takes calls."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRADPROOF_")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    fixed = ["--port", "0", "--metrics-port", "0", "--health-port", "0", "--threads", "1", "--propagation-seconds", "0"]
    command = [sys.executable, "-m", "gradproof_server", *fixed, *flags]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            assert first.startswith("{"), first + process.stderr.read()
            # A full pipe would stop the server.
            threading.Thread(target=collections.deque, args=(process.stderr, 0), daemon=True).start()
            yield Server(process, (said := json.loads(first))["port"], said["metrics_port"])
        finally:
            process.terminate()
            process.wait(_END_SECONDS)


@contextlib.contextmanager
def background(command: Sequence[str], log: Path, ready: str = "") -> Iterator[subprocess.Popen[str]]:
    """A process whose output goes to a file, from the line that contains `ready` to the end of the block."""
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file, text=True) as process:
        try:
            wait_until(lambda: ready in log.read_text() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.terminate()
            process.wait(_END_SECONDS)


def wait_until(condition: Callable[[], object]) -> None:
    """Returns when the condition holds; fails where it does not within a minute."""
    end, pause = time.monotonic() + 60, threading.Event()
    while not condition():
        pause.wait(_LOOK_SECONDS)
        assert time.monotonic() < end, "what was waited for did not come"


def free_port() -> int:
    """A port that is free on all addresses at this moment: clients of 127.0.0.2 take theirs from 0.0.0.0 too."""
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def make_certificate(folder: Path, *names: str) -> None:
    """A self-signed certificate for some names: tls.crt, tls.key, and ca.crt, which is the certificate itself."""
    alternatives = ",".join(f"DNS:{name}" for name in names)
    options = f"req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN={names[0]} -addext subjectAltName={alternatives}"
    certificate = folder / "tls.crt"
    command = ["openssl", *options.split(), "-out", str(certificate), "-keyout", str(folder / "tls.key")]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "ca.crt").write_bytes(certificate.read_bytes())
