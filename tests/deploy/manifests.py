"""The manifests of deploy/kubernetes, rendered by kustomize and read as plain dicts."""

from __future__ import annotations

import base64
import functools
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.tools import DEPLOY, tool

OVERLAYS = sorted(p.parent.name for p in (DEPLOY / "kubernetes" / "overlays").glob("*/kustomization.yaml"))
COMPONENTS = sorted(p.parent for p in (DEPLOY / "kubernetes" / "components").glob("*/kustomization.yaml"))

Manifest = Mapping[str, Any]
# Memory of an idle server, rounded up: of its front, and of each worker by device. test_image.py measures it in the
# real container. With CUDA there is room for the context of a GPU, which is made when the first problem comes.
_FRONT_BYTES = 384 * 2**20
_WORKER_BYTES = {"cpu": 192 * 2**20, "cuda": 2 * 2**30}

_BYTES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@functools.cache
def render(folder: Path) -> tuple[Manifest, ...]:
    """The objects of a kustomization, as `kubectl apply -k` would send them."""
    done = subprocess.run([tool("kubectl"), "kustomize", str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def overlay(name: str) -> tuple[Manifest, ...]:
    """The objects of an overlay."""
    return render(DEPLOY / "kubernetes" / "overlays" / name)


def of_kind(objects: tuple[Manifest, ...], kind: str) -> list[Manifest]:
    """All objects of a kind."""
    return [o for o in objects if o["kind"] == kind]


def deployment(objects: tuple[Manifest, ...]) -> Manifest:
    """The only Deployment."""
    (found,) = of_kind(objects, "Deployment")
    return found


def pod(objects: tuple[Manifest, ...]) -> Manifest:
    """The spec of the Deployment's pods."""
    return deployment(objects)["spec"]["template"]["spec"]


def server(objects: tuple[Manifest, ...]) -> Manifest:
    """The container that serves."""
    (found,) = pod(objects)["containers"]
    return found


def ports(objects: tuple[Manifest, ...]) -> dict[str, int]:
    """The server's ports by name."""
    return {p["name"]: p["containerPort"] for p in server(objects)["ports"]}


def environment(objects: tuple[Manifest, ...]) -> dict[str, str]:
    """The environment of the server's container, as the kubelet would make it."""
    maps = {o["metadata"]["name"]: o["data"] for o in of_kind(objects, "ConfigMap")}
    container = server(objects)
    variables = {k: v for source in container["envFrom"] for k, v in maps[source["configMapRef"]["name"]].items()}
    return variables | {v["name"]: _value(v, container) for v in container["env"]}


def mounted_files(objects: tuple[Manifest, ...]) -> dict[str, bytes]:
    """The files that the server's container sees of ConfigMaps and Secrets that are among the objects, by path."""
    volumes = {v["name"]: v for v in pod(objects)["volumes"]}
    folders = [(m["mountPath"], volumes[m["name"]]) for m in server(objects)["volumeMounts"]]
    return {f"{folder}/{name}": data for folder, volume in folders for name, data in _data(objects, volume).items()}


def _data(objects: tuple[Manifest, ...], volume: Mapping[str, Any]) -> dict[str, bytes]:
    texts = {o["metadata"]["name"]: o["data"] for o in of_kind(objects, "ConfigMap")}
    secrets = {o["metadata"]["name"]: o["data"] for o in of_kind(objects, "Secret")}
    if "configMap" in volume:
        return {name: text.encode() for name, text in texts[volume["configMap"]["name"]].items()}
    encoded = secrets.get(volume.get("secret", {}).get("secretName"), {})
    return {name: base64.b64decode(data) for name, data in encoded.items()}


def idle_bytes(device: str, workers: int, functions: int = 0) -> int:
    """Most memory of an idle server with so many workers and the one that it keeps to replace another, and of the
    processes of so many functions, which compute on the CPU."""
    return _FRONT_BYTES + (workers + 1) * _WORKER_BYTES[device] + functions * _WORKER_BYTES["cpu"]


def workers(objects: tuple[Manifest, ...]) -> int:
    """How many workers the server of an overlay has: as many as it is told, or one for each GPU."""
    gpus = int(server(objects)["resources"]["limits"].get("nvidia.com/gpu", 0))
    return int(environment(objects)["GRADPROOF_WORKERS"]) or gpus


def _value(variable: Mapping[str, Any], container: Manifest) -> str:
    if "value" in variable:
        return str(variable["value"])
    section, _, resource = variable["valueFrom"]["resourceFieldRef"]["resource"].partition(".")
    # The kubelet rounds up to whole units of the divisor, which is 1.
    return str(-(-cpu_millis(container["resources"][section][resource]) // 1000))


def cpu_millis(quantity: str) -> int:
    """Thousandths of a CPU: "250m" -> 250, "2" -> 2000."""
    return int(quantity[:-1]) if quantity.endswith("m") else int(quantity) * 1000


def bytes_of(quantity: str) -> int:
    """Bytes of a quantity with a binary unit: "4Gi" -> 2**32."""
    return int(quantity[:-2]) * _BYTES[quantity[-2:]]
