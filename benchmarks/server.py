"""A real server process to measure."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


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

    def cpu_seconds(self) -> float:
        """Processor time that the process has used, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def server_process(*flags: str) -> Iterator[ServerProcess]:
    """Starts `python -m gradproof_server` on a free port, one thread of computation, and ends it."""
    command = [sys.executable, "-m", "gradproof_server", "--port", "0", "--metrics-port", "off", "--threads", "1"]
    command += ["--propagation-seconds", "0", *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        threading.Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop the server
        yield ServerProcess(f"127.0.0.1:{json.loads(first)['port']}", process.pid)
    finally:
        process.terminate()
        process.wait(60)
