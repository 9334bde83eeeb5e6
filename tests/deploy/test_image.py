"""The image, restricted as the manifests restrict it and by the rendered Deployment. `make test-image` builds it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradproof as gp
import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.deploy import founding_case, manifests
from tests.support.processes import free_port

IMAGE = os.environ.get("IMAGE_UNDER_TEST", "")
SERVICE = "gradproof.v1.GradientService"
_START_SECONDS = 120
# The share of each process in the memory of all, in kB.
_MEMORY = "sed -n 's/^Pss: *\\([0-9]*\\) kB/\\1/p' /proc/[0-9]*/smaps_rollup"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not IMAGE, reason="no image: `make test-image` builds one and names it in IMAGE_UNDER_TEST"),
    pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed"),
]


def podman(*arguments: str) -> str:
    """What a command of podman prints; it must end well."""
    done = subprocess.run(
        ["podman", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def wait_until_healthy(port: int) -> float:
    """Seconds until the service says SERVING."""
    began = time.monotonic()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = health_pb2.HealthCheckRequest(service=SERVICE)
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_START_SECONDS, wait_for_ready=True)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    return time.monotonic() - began


def assert_founding_case(port: int) -> None:
    """The server at a port answers the founding case."""
    with gp.Client(f"127.0.0.1:{port}") as client:
        founding_case.assert_answered(client)


class Container:
    """A container under the limits and restrictions of the manifests."""

    def __init__(self) -> None:
        self.port, self.metrics_port, self.health_port = free_port(), free_port(), free_port()
        restrictions = ("--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges")
        limits = ("--tmpfs=/tmp:rw,noexec,size=16m", "--memory=1g", "--cpus=1", "--pids-limit=256")
        ports = {"--port": self.port, "--metrics-port": self.metrics_port, "--health-port": self.health_port}
        flags = [text for name, port in ports.items() for text in (name, str(port))]
        self.id = podman(
            "run", "--detach", "--network=host", *restrictions, *limits, IMAGE, *flags, "--propagation-seconds", "0"
        )
        self.start_seconds = wait_until_healthy(self.port)

    def inside(self, command: str) -> str:
        """What a shell command prints in the container."""
        return podman("exec", self.id, "sh", "-c", command)


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    """A container that takes calls."""
    container = Container()
    yield container
    podman("rm", "--force", container.id)


def test_the_founding_case_is_answered(container: Container) -> None:
    """The restricted container computes."""
    assert_founding_case(container.port)
    megabytes = int(podman("image", "inspect", "--format", "{{.Size}}", IMAGE)) / 1e6
    print(f"\nimage {megabytes:.0f} MB, serving {container.start_seconds:.1f} s after its start")


def test_probes_find_health(container: Container) -> None:
    """On its own port the container says that it is alive and ready."""
    with grpc.insecure_channel(f"127.0.0.1:{container.health_port}") as channel:
        listed = health_pb2_grpc.HealthStub(channel).List(health_pb2.HealthListRequest(), timeout=_START_SECONDS)
    serving = health_pb2.HealthCheckResponse.SERVING
    assert {name: status.status for name, status in listed.statuses.items()} == {"": serving, SERVICE: serving}


def test_the_process_has_no_rights(container: Container) -> None:
    """Not root, no capabilities, no way to get any, and nothing to write to but /tmp."""
    assert container.inside("id -u; id -g").split() == ["10001", "10001"]
    status = dict(re.findall(r"^(\w+):\s*(.*)$", container.inside("cat /proc/1/status"), re.MULTILINE))
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    files = "/tmp/x /opt/gradproof/x /opt/project/x"
    written = container.inside(f"for f in {files}; do touch $f 2>/dev/null && echo $f; done; true")
    assert written == "/tmp/x"


def test_an_idle_server_takes_less_than_the_manifests_allow_for_it(container: Container) -> None:
    """The figure that the memory limits are computed with is above the real one, of all processes together."""
    with urllib.request.urlopen(f"http://127.0.0.1:{container.metrics_port}/metrics") as page:
        metrics = page.read().decode()
    held = sum(int(kilobytes) * 1024 for kilobytes in container.inside(_MEMORY).split())
    device = "cpu" if re.search(r'^gradproof_build_info{.*torch="[^"]*\+cpu"', metrics, re.MULTILINE) else "cuda"
    assert 0 < held < manifests.idle_bytes(device, workers=1)
    assert "_created" not in metrics


def test_nothing_that_builds_is_left(container: Container) -> None:
    """No pip, no compiler, no headers of PyTorch."""
    packages = "/opt/gradproof/lib/python3*/site-packages"
    found = container.inside(f"command -v pip gcc cc make; ls -d {packages}/pip {packages}/torch/include; true")
    assert found == ""


def test_it_ends_well() -> None:
    """SIGTERM lets the server drain, and the exit status says that all went well."""
    container = Container()
    podman("stop", "--time", "40", container.id)
    assert podman("inspect", "--format", "{{.State.ExitCode}}", container.id) == "0"
    podman("rm", container.id)


@pytest.fixture
def played(tmp_path: Path) -> Iterator[int]:
    """The Deployment of the dev overlay with its settings, run by podman; gives the port of the service."""
    objects = manifests.overlay("dev")
    port = free_port()
    deployment: Any = yaml.safe_load(yaml.safe_dump(dict(manifests.deployment(objects))))
    (server,) = deployment["spec"]["template"]["spec"]["containers"]
    server["image"] = IMAGE
    server["ports"] = [{"name": "grpc", "containerPort": 50051, "hostPort": port, "hostIP": "127.0.0.1"}]
    # Podman makes health checks of its own of probes, and knows none for gRPC.
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        del server[probe]
    file = tmp_path / "pod.yaml"
    file.write_text(yaml.safe_dump_all([*map(dict, manifests.of_kind(objects, "ConfigMap")), deployment]))
    podman("kube", "play", str(file))
    yield port
    podman("kube", "play", "--down", str(file))


def test_the_deployment_runs(played: int) -> None:
    """The rendered manifest starts a server that computes."""
    wait_until_healthy(played)
    assert_founding_case(played)
