"""Real server processes to measure."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from prometheus_client.parser import text_string_to_metric_families

_FLAGS = ("--metrics-port", "off", "--health-port", "off", "--threads", "1", "--propagation-seconds", "0")
_END_SECONDS = 60.0


class ServerProcess:
    """`python -m gradproof_server` with one thread of computation in each worker. It can be ended and started again, on
    the port that it got first.

    Its log goes into a file, as it would in production: one line for each call.

    Args:
        flags: further ones; they win.
        environment: further variables.
    """

    def __init__(self, *flags: str, environment: Mapping[str, str] | None = None) -> None:
        self._flags, self._environment = flags, {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = self.health_port = self.metrics_port = 0

    def start(self) -> None:
        """Returns when it serves. Raises RuntimeError where it cannot."""
        command = [sys.executable, "-m", "gradproof_server", *_FLAGS, "--port", str(self.port), *self._flags]
        with tempfile.TemporaryFile("w+") as log:
            self._process = subprocess.Popen(command, env=self._environment, stderr=log)
            line = _first_line(self._process, log)
        ports = (int(line[name] or 0) for name in ("port", "health_port", "metrics_port"))
        self.port, self.health_port, self.metrics_port = ports

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Sends the signal; the exit status, when the process is gone."""
        assert self._process is not None, "not started"
        self._process.send_signal(how)
        return self._process.wait(_END_SECONDS)

    @property
    def pid(self) -> int:
        """Of the front."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def target(self) -> str:
        """Its address."""
        return f"127.0.0.1:{self.port}"

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of that name with these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics") as answer:
            families = text_string_to_metric_families(answer.read().decode())
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def workers(self) -> list[int]:
        """Process ids of the workers, the spare one included: they are forked by a child of the front."""
        return [worker for child in children(self.pid) for worker in children(child)]

    def front_bytes(self) -> int:
        """VmRSS of the front alone."""
        return memory_bytes(self.pid)

    def memory_bytes(self, field: str) -> int:
        """VmRSS (now) or VmHWM (the most so far) of the front and its workers together, by the kernel's account."""
        return sum(memory_bytes(pid, field) for pid in (self.pid, *self.workers()))


def memory_bytes(pid: int, field: str = "VmRSS") -> int:
    """VmRSS or VmHWM of a process; 0 of one that is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def server_process(*flags: str, environment: Mapping[str, str] | None = None) -> Iterator[ServerProcess]:
    """A server that runs within the block."""
    server = ServerProcess(*flags, environment=environment)
    server.start()
    try:
        yield server
    finally:
        server.end()


def children(pid: int) -> list[int]:
    """Process ids of its children; none of one that is gone."""
    with contextlib.suppress(OSError):
        files = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for file in files for child in file.read_text(encoding="ascii").split()]
    return []


def _first_line(process: subprocess.Popen[bytes], log: TextIO) -> dict[str, str]:
    """What the server writes into its log when it serves."""
    while process.poll() is None:
        log.seek(0)
        for line in log.read().splitlines(keepends=True):
            if line.startswith("{") and line.endswith("}\n") and json.loads(line)["event"] == "serving":
                return dict(json.loads(line))
        time.sleep(0.01)
    log.seek(0)
    raise RuntimeError(f"the server did not start: {log.read()}")
