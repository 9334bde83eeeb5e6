"""The manifests: schemas, references, and what they say about the server is so."""

from __future__ import annotations

import copy
import os
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from gradproof._version import __version__
from gradproof_server.serving.callers.callers_file import read_callers
from gradproof_server.serving.service import SERVICE
from gradproof_server.settings import Settings, meaning_of, variable_of

from tests.deploy import manifests, pod_security, schemas
from tests.deploy.manifests import COMPONENTS, OVERLAYS, Manifest, of_kind

# What the server takes after the drain to tell callers and to end its engine.
_LEFTOVER_SECONDS = 6
_CHANGES = {"settings.toml": "max_nodes = 5\n", "settings.env": "GRADPROOF_WORKERS=5\n"}


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> tuple[Manifest, ...]:
    """The objects of every overlay."""
    return manifests.overlay(request.param)


@pytest.fixture
def settings(objects: tuple[Manifest, ...], tmp_path: Path) -> Settings:
    """The settings that the server of an overlay starts with; raises where it would not start."""
    environ = {name: value for name, value in manifests.environment(objects).items() if value}
    mounted = manifests.mounted_files(objects)
    for name in map(variable_of, ("tls_certificate", "tls_key", "tls_client_ca", "callers_file", "settings_file")):
        if name in environ:
            assert any(Path(environ[name]).is_relative_to(m["mountPath"]) for m in _mounts(objects))
            file = tmp_path / Path(environ[name]).name
            file.write_bytes(mounted.get(environ[name], b""))
            environ[name] = str(file)
    return Settings.from_environment(environ=environ)


def _mounts(objects: tuple[Manifest, ...]) -> list[Manifest]:
    return list(manifests.server(objects)["volumeMounts"])


def test_every_object_is_valid(objects: tuple[Manifest, ...]) -> None:
    """The schemas know every field."""
    for manifest in objects:
        schemas.validate(manifest)


@pytest.mark.parametrize(
    ("kind", "path", "key", "value"),
    [
        ("Deployment", ("spec",), "replica", 1),
        ("Deployment", ("spec", "template", "spec", "containers", 0), "image", 1),
        ("PodMonitor", ("spec", "podMetricsEndpoints", 0), "prt", "metrics"),
        ("Certificate", ("spec",), "dnsNames", 1),
    ],
)
def test_a_wrong_field_is_seen(kind: str, path: tuple[str | int, ...], key: str, value: Any) -> None:
    """A misspelt field, or one of another type, does not pass."""
    wrong: Any = copy.deepcopy(of_kind(manifests.overlay("production"), kind)[0])
    part = wrong
    for step in path:
        part = part[step]
    part[key] = value
    with pytest.raises(Exception, match=r"\w"):
        schemas.validate(wrong)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda path: path.name)
def test_every_component_fits_the_base(component: Path, tmp_path: Path) -> None:
    """A component can be added to the CPU overlay alone, and gives valid objects."""
    cpu = manifests.DEPLOY / "kubernetes" / "overlays" / "cpu"
    kustomization = {
        "namespace": "gradproof",
        "resources": [os.path.relpath(cpu, tmp_path.resolve())],
        "components": [os.path.relpath(component, tmp_path.resolve())],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    for manifest in manifests.render(tmp_path.resolve()):
        schemas.validate(manifest)


def test_pods_are_admitted_where_the_standard_is_restricted(objects: tuple[Manifest, ...]) -> None:
    """The namespace enforces the Pod Security Standard "restricted", and the pods keep it."""
    (namespace,) = of_kind(objects, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert pod_security.violations(manifests.pod(objects)) == []


def test_the_container_cannot_write_but_to_tmp(objects: tuple[Manifest, ...]) -> None:
    """The root file system is read-only, and /tmp is bounded."""
    assert manifests.server(objects)["securityContext"]["readOnlyRootFilesystem"] is True
    volumes = {v["name"]: v for v in manifests.pod(objects)["volumes"]}
    writable = [m for m in _mounts(objects) if not m.get("readOnly")]
    assert [m["mountPath"] for m in writable] == ["/tmp"]
    assert "sizeLimit" in volumes[writable[0]["name"]]["emptyDir"]


def test_everything_is_in_one_namespace(objects: tuple[Manifest, ...]) -> None:
    """No object lands in the namespace that happens to be the default."""
    assert {o["metadata"].get("namespace") for o in objects if o["kind"] != "Namespace"} == {"gradproof"}


def test_every_variable_is_a_setting(objects: tuple[Manifest, ...]) -> None:
    """A variable that the server would ignore is not set."""
    known = {variable_of(name) for name in Settings.model_fields}
    assert set(manifests.environment(objects)) <= known


def test_all_that_can_change_live_is_in_the_mounted_file(objects: tuple[Manifest, ...]) -> None:
    """What is a variable could not change without a rollout; what is in the file and not live would wait for one."""
    variables = manifests.environment(objects)
    file = tomllib.loads(manifests.mounted_files(objects)[variables[variable_of("settings_file")]].decode())
    live = {name for name in Settings.model_fields if meaning_of(name).live}
    assert file.keys() <= live
    assert variables.keys() & set(map(variable_of, live)) == set()


@pytest.mark.parametrize(("file", "rollout"), [("settings.toml", False), ("settings.env", True)])
@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_a_change_of_the_file_is_no_rollout(overlay: str, file: str, rollout: bool, tmp_path: Path) -> None:
    """The Deployment stays as it is, so that the pods follow; a variable makes another, in overlays that merge too."""
    kubernetes = shutil.copytree(manifests.DEPLOY / "kubernetes", tmp_path.resolve() / "kubernetes")
    folder = kubernetes / "overlays" / overlay
    for path in (p for p in (kubernetes / "base" / file, folder / file) if p.exists()):
        path.write_text(path.read_text(encoding="utf-8") + _CHANGES[file], encoding="utf-8")
    before, after = manifests.overlay(overlay), manifests.render(folder)
    assert before != after
    assert (manifests.deployment(before) != manifests.deployment(after)) is rollout


def test_the_server_listens_where_the_pod_says(objects: tuple[Manifest, ...], settings: Settings) -> None:
    """Ports are those of the settings, reachable from outside of the container."""
    assert manifests.ports(objects) == {
        "grpc": settings.port,
        "health": settings.health_port,
        "metrics": settings.metrics_port,
    }
    assert (settings.host, settings.health_host, settings.metrics_host) == ("0.0.0.0", "0.0.0.0", "0.0.0.0")


def test_the_drain_ends_before_the_kill(objects: tuple[Manifest, ...], settings: Settings) -> None:
    """The grace period covers propagation, drain and what comes after it."""
    needed = settings.propagation_seconds + settings.drain_seconds + _LEFTOVER_SECONDS
    assert manifests.pod(objects)["terminationGracePeriodSeconds"] > needed


def test_the_limits_of_the_server_fit_the_memory_of_the_container(
    objects: tuple[Manifest, ...], settings: Settings
) -> None:
    """Requests that wait, problems that run, a response of each worker, batches of functions and all processes fit
    together."""
    workers = manifests.workers(objects)
    functions = settings.max_functions * (settings.max_request_bytes + settings.max_response_bytes)
    problems = settings.max_running_memory_bytes + workers * settings.max_response_bytes
    idle = manifests.idle_bytes(settings.device, workers, settings.max_functions)
    limit = manifests.bytes_of(manifests.server(objects)["resources"]["limits"]["memory"])
    assert settings.max_waiting_bytes + problems + functions + idle <= limit


def test_threads_are_the_cpus_that_were_asked_for(objects: tuple[Manifest, ...], settings: Settings) -> None:
    """The workers have as many threads together as CPUs are requested, and no quota that would stop them."""
    resources = manifests.server(objects)["resources"]
    cpus = max(1, manifests.cpu_millis(resources["requests"]["cpu"]) // 1000)
    assert manifests.workers(objects) * settings.threads == cpus
    assert "cpu" not in resources["limits"]


def test_probes_ask_what_the_server_answers(objects: tuple[Manifest, ...], settings: Settings) -> None:
    """All three ask the port of health, which never has TLS: for the service at start and for readiness, and for the
    process after that."""
    container = manifests.server(objects)
    asked = {name: container[name]["grpc"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {probe["port"] for probe in asked.values()} == {settings.health_port}
    assert {name: probe.get("service", "") for name, probe in asked.items()} == {
        "startupProbe": SERVICE.full_name,
        "readinessProbe": SERVICE.full_name,
        "livenessProbe": "",
    }


def test_services_lead_to_the_pods(objects: tuple[Manifest, ...]) -> None:
    """One virtual address and one headless service select the pods and a port that they have."""
    labels = manifests.deployment(objects)["spec"]["template"]["metadata"]["labels"].items()
    services = of_kind(objects, "Service")
    assert sorted(s["spec"].get("clusterIP", "") for s in services) == ["", "None"]
    for service in services:
        assert service["spec"]["selector"].items() <= labels
        assert {p["targetPort"] for p in service["spec"]["ports"]} == {"grpc"}


def test_selectors_lead_to_the_pods(objects: tuple[Manifest, ...]) -> None:
    """Budget, network policy, monitor and spread select the pods, too."""
    labels = manifests.deployment(objects)["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        o["spec"]["selector"] for kind in ("PodDisruptionBudget", "PodMonitor") for o in of_kind(objects, kind)
    ]
    selectors += [o["spec"]["podSelector"] for o in of_kind(objects, "NetworkPolicy")]
    selectors += [c["labelSelector"] for c in manifests.pod(objects)["topologySpreadConstraints"]]
    assert all(selector["matchLabels"].items() <= labels for selector in selectors)


def test_ports_are_named_as_the_pod_names_them(objects: tuple[Manifest, ...]) -> None:
    """Network policy and monitor name ports of the container."""
    used = {p["port"] for o in of_kind(objects, "NetworkPolicy") for r in o["spec"]["ingress"] for p in r["ports"]}
    used |= {e["port"] for o in of_kind(objects, "PodMonitor") for e in o["spec"]["podMetricsEndpoints"]}
    assert used <= manifests.ports(objects).keys()


def test_secrets_and_issuers_exist() -> None:
    """The secret that production mounts is that of a certificate for both services, whose issuer is there."""
    objects = manifests.overlay("production")
    certificates = {c["spec"]["secretName"]: c["spec"] for c in of_kind(objects, "Certificate")}
    mounted = [v["secret"]["secretName"] for v in manifests.pod(objects)["volumes"] if "secret" in v]
    made = {s["metadata"]["name"] for s in of_kind(objects, "Secret")}
    assert set(mounted) <= certificates.keys() | made
    issuers = {i["metadata"]["name"]: i["spec"] for i in of_kind(objects, "Issuer")}
    assert {c["issuerRef"]["name"] for c in certificates.values()} == issuers.keys()
    assert {i["ca"]["secretName"] for i in issuers.values() if "ca" in i} <= certificates.keys()
    names = set(certificates["gradproof-tls"]["dnsNames"])
    assert {f"{s['metadata']['name']}.gradproof.svc" for s in of_kind(objects, "Service")} <= names


def test_the_callers_of_production_are_those_with_certificates(tmp_path: Path) -> None:
    """The server takes the callers' file, which names exactly those whose client certificates are made."""
    objects = manifests.overlay("production")
    file = tmp_path / "callers.toml"
    file.write_bytes(manifests.mounted_files(objects)[manifests.environment(objects)[variable_of("callers_file")]])
    callers = read_callers(file, frozenset(SERVICE.methods_by_name))
    clients = [c["spec"] for c in of_kind(objects, "Certificate") if c["spec"].get("usages") == ["client auth"]]
    assert {name for client in clients for name in client["dnsNames"]} == callers.subjects.keys()


def test_the_autoscaler_alone_decides_about_replicas() -> None:
    """Where there is an autoscaler, the Deployment says nothing about replicas, and the metric is one of the pods."""
    objects = manifests.overlay("production")
    (scaler,) = of_kind(objects, "HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"]["name"] == manifests.deployment(objects)["metadata"]["name"]
    assert "replicas" not in manifests.deployment(objects)["spec"]
    assert [m["type"] for m in scaler["spec"]["metrics"]] == ["Pods"]


def test_a_rollout_on_gpus_needs_no_second_gpu() -> None:
    """The old pod goes first; GPUs are limits, which are requests too."""
    objects = manifests.overlay("gpu")
    strategy = manifests.deployment(objects)["spec"]["strategy"]["rollingUpdate"]
    assert (strategy["maxSurge"], strategy["maxUnavailable"]) == (0, 1)
    assert manifests.server(objects)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert manifests.environment(objects)["GRADPROOF_DEVICE"] == "cuda"


def test_images_are_of_this_version(objects: tuple[Manifest, ...], settings: Settings) -> None:
    """The tag is the project's version and the build of PyTorch that fits the device."""
    assert manifests.server(objects)["image"] == f"gradproof:{__version__}-{settings.device}"


@pytest.mark.parametrize("setting", ["GRADPROOF_REFLECTION", "GRADPROOF_DEBUG"])
def test_what_shows_the_inside_is_off_but_in_dev(setting: str) -> None:
    """Only the overlay for trying things shows its contract, and what it is doing, to whoever asks."""
    shown = {name for name in OVERLAYS if manifests.environment(manifests.overlay(name))[setting] == "true"}
    assert shown == {"dev"}
