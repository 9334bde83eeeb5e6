"""Servers in processes of their own, as they are started in production."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

SOON = 60.0


class Process:
    """`python -m` and a command that serves, with its log, of which every line must be JSON: json.JSONDecodeError is
    raised."""

    def __init__(
        self, *flags: str, variables: Mapping[str, str] | None = None, command: Sequence[str] = ("gradproof_server",)
    ) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("GRADPROOF_", "GRPC_"))}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        fixed = ["--port", "0", "--metrics-port", "0", "--health-port", "0", "--threads", "1", "--log-level", "debug"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command, *fixed, *flags],
            env=environment | dict(variables or {}),
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, event: str) -> dict[str, Any]:
        """Reads the log up to the line of an event."""
        assert self.process.stderr is not None
        for text in self.process.stderr:
            self.lines.append(json.loads(text))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(f"no {event!r} in {self.lines}")

    def end(self) -> int:
        """Reads the rest of the log; the exit status."""
        assert self.process.stderr is not None
        self.lines.extend(json.loads(text) for text in self.process.stderr)
        return self.process.wait(SOON)

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Sends a signal."""
        self.process.send_signal(number)
