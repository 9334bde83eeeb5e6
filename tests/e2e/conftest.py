"""A real server process for clients that know nothing of this project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def install_node_packages() -> Callable[[Path], None]:
    """Installs by npm what a folder's package-lock.json names, where that is not done yet."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    return npm_install


def npm_install(folder: Path) -> None:
    """`npm ci` in a folder whose packages are missing or older than its lock file."""
    lock = folder / "package-lock.json"
    installed = folder / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """host:port of `python -m gradproof_server`, which is ended by SIGTERM and must exit with 0."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRADPROOF_")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    flags = ["--port", "0", "--metrics-port", "off", "--health-port", "off", "--propagation-seconds", "0"]
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
