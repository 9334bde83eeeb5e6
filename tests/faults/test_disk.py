"""Full disks: calls are answered where nothing can be written."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.faults.harness import SHORT, SOON, begin, connected, wait_until_gone
from tests.support.processes import free_port
from tests.support.servers import children
from tests.support.traffic.heavy import large_request

_FILL = """
for folder in /dev/shm "$TMPDIR"; do
    mount -t tmpfs -o size=64k full "$folder"
    ! cat /dev/zero > "$folder/file" 2> /dev/null || exit 1
done
exec "$@"
"""
FULL = ("unshare", "--mount", "sh", "-e", "-c", _FILL, "sh")
"""Runs a command where /dev/shm and $TMPDIR are full, in a name space of mounts that ends with it."""


@contextlib.contextmanager
def serving(port: int, metrics_port: int, folder: Path, wrapper: tuple[str, ...]) -> Iterator[None]:
    """A server whose log goes to a full disk, run by a wrapper, with TMPDIR in a folder."""
    flags = ["--port", port, "--metrics-port", metrics_port, "--health-port", "off", "--workers", 1, "--threads", 1]
    command = [*wrapper, sys.executable, "-m", "gradproof_server", *map(str, flags), "--propagation-seconds", "0"]
    variables = {**os.environ, "TMPDIR": str(folder)}
    with (
        open("/dev/full", "wb", buffering=0) as full,
        subprocess.Popen(command, stderr=full, env=variables) as process,
    ):
        try:
            yield
        finally:
            below = {pid for child in children(process.pid) for pid in (child, *children(child))}
            process.terminate()
            process.wait(SOON)
    wait_until_gone(below)


def may_mount() -> bool:
    """Whether this user has mounts of its own."""
    with contextlib.suppress(OSError):
        command = ["unshare", "--mount", "mount", "-t", "tmpfs", "full", "/dev/shm"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


@pytest.mark.parametrize(
    "wrapper",
    [(), pytest.param(FULL, marks=pytest.mark.skipif(not may_mount(), reason="only root may mount"))],
    ids=["log", "log, temporary files and shared memory"],
)
def test_calls_are_answered_though_nothing_can_be_written(tmp_path: Path, wrapper: tuple[str, ...]) -> None:
    """Small ones and those that cross to the worker through shared memory; the lost lines of the log are counted."""
    port, metrics_port = free_port(), free_port()
    with serving(port, metrics_port, tmp_path, wrapper), connected(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(SOON)
        assert begin(channel, SHORT).result()
        assert len(begin(channel, large_request(1).SerializeToString()).result()) > 2**20
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=SOON) as page:
            lines = page.read().decode().splitlines()
    dropped = next(line for line in lines if line.startswith("gradproof_dropped_log_lines_total"))
    assert float(dropped.split()[1]) >= 3  # that it serves, and two calls
