"""A real server process for clients that know nothing of this project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """host:port of `python -m gradproof_server`, which is ended by SIGTERM and must exit with 0."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRADPROOF_")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    flags = ("--port", "0", "--metrics-port", "off", "--propagation-seconds", "0")
    process = subprocess.Popen(
        [sys.executable, "-m", "gradproof_server", *flags], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    with process, process.stderr:
        first = process.stderr.readline()
        assert first.startswith("{"), first + process.stderr.read()
        yield f"127.0.0.1:{json.loads(first)['port']}"
        process.terminate()
        process.stderr.read()
        assert process.wait(60) == 0
