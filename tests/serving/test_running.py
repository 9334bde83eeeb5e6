"""What can happen to a server in a process of its own while it runs: it starts, its settings and the clock change."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
from gradproof.v1 import gradient_service_pb2, gradient_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.logged import SOON
from tests.support.processes import free_port

SERVICE = "gradproof.v1.GradientService"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
DAY = 86_400


def test_probes_see_the_whole_life(launch: Any) -> None:
    """Not ready while it warms up, ready, and not any more once it is told to end."""
    port = free_port()
    options = [("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 20)]
    process = launch("--health-port", str(port), "--propagation-seconds", "1")
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        statuses = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE), wait_for_ready=True, timeout=SOON)
        assert next(statuses).status == NOT_SERVING
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=SOON).status == SERVING
        assert next(statuses).status == SERVING
        assert process.wait_for("serving")["health_port"] == port
        process.signal()
        assert next(statuses).status == NOT_SERVING
    assert process.end() == 0


def limit_of_nodes(channel: grpc.Channel) -> int:
    """What the catalogue says."""
    stub = gradient_service_pb2_grpc.GradientServiceStub(channel)
    return int(stub.ListCatalog(gradient_service_pb2.ListCatalogRequest(), timeout=SOON).limits.max_nodes)


def test_limits_follow_the_settings_file(start: Any, tmp_path: Path) -> None:
    """At SIGHUP the catalogue has the new limit; a file that cannot be used changes nothing; the server goes on."""
    file = tmp_path / "settings.toml"
    file.write_text("max_nodes = 100")
    process, channel = start("--settings-file", str(file), "--reload-seconds", "1000")
    assert limit_of_nodes(channel) == 100
    file.write_text("max_nodes = 50")
    process.signal(signal.SIGHUP)
    assert process.wait_for("settings changed")["settings"] == {"max_nodes": 50}
    assert limit_of_nodes(channel) == 50
    file.write_text("max_nodes = -1")
    process.signal(signal.SIGHUP)
    process.wait_for("files cannot be used; what they held stays")
    assert limit_of_nodes(channel) == 50
    process.signal()
    assert process.end() == 0


def fake_clock(file: Path) -> dict[str, str]:
    """Variables by which a process has the wall clock that stands in a file; its monotonic clock is the true one."""
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed, which changes the clock of one process")
    told = subprocess.run(["faketime", "-m", "now", "env"], capture_output=True, text=True, check=True).stdout
    (library,) = re.findall(r"^LD_PRELOAD=(.+)$", told, re.MULTILINE)
    return {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@pytest.mark.parametrize("jump", ["+1d", "-1d"])
def test_a_clock_that_jumps_by_a_day_changes_no_call(start: Any, long_request: Any, tmp_path: Path, jump: str) -> None:
    """A call that runs when it jumps keeps its deadline, as does the next; queue times and durations are true."""
    clock = tmp_path / "clock"
    clock.write_text("+0d")
    process, channel = start(variables=fake_clock(clock))
    stub = gradient_service_pb2_grpc.GradientServiceStub(channel)
    future = stub.ComputeGradients.future(long_request(10), timeout=SOON)
    process.wait_for("call begins")
    clock.write_text(jump)
    assert future.result().reference.parameters == 1000 * 1000
    before, after = process.lines[0], process.wait_for("call")
    assert before["timestamp"][:10] != after["timestamp"][:10], "the clock did not jump"
    assert 0 < after["seconds"] < DAY / 2
    assert 0 <= after["queue_seconds"] < DAY / 2
    assert limit_of_nodes(channel) > 0
    process.signal()
    assert process.end() == 0
