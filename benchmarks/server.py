"""A real server process to measure."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True)
class ServerProcess:
    """A running server: its address and its process id."""

    target: str
    pid: int

    def memory_bytes(self, field: str) -> int:
        """VmRSS (now) or VmHWM (the most so far) of the process, by the kernel's account."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
        raise KeyError(field)


@contextlib.contextmanager
def server_process(*flags: str, environment: Mapping[str, str] | None = None) -> Iterator[ServerProcess]:
    """Starts `python -m gradproof_server` on a free port with one thread of computation, and ends it.

    Its log goes into a file, as it would in production: one line for each call.
    """
    fixed = [
        "--port",
        "0",
        "--metrics-port",
        "off",
        "--health-port",
        "off",
        "--threads",
        "1",
        "--propagation-seconds",
        "0",
    ]
    command = [sys.executable, "-m", "gradproof_server", *fixed, *flags]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
            stderr=log,
        )
        try:
            yield ServerProcess(f"127.0.0.1:{_port(process, log)}", process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _port(process: subprocess.Popen[bytes], log: TextIO) -> int:
    """The port that the server writes into its log when it serves."""
    while process.poll() is None:
        log.seek(0)
        if (line := log.readline()).endswith("\n"):
            return int(json.loads(line)["port"])
        time.sleep(0.01)
    log.seek(0)
    raise RuntimeError(f"the server did not start: {log.read()}")
