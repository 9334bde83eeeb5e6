"""The Pod Security Standard "restricted", as far as a pod's spec can say it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_SECCOMP = ("RuntimeDefault", "Localhost")

Spec = Mapping[str, Any]


def violations(pod: Spec) -> list[str]:
    """What the standard forbids in a pod's spec; empty if it is admitted."""
    found = [name for name, is_broken in _OF_POD.items() if is_broken(pod)]
    for kind in ("initContainers", "ephemeralContainers", "containers"):
        for container in pod.get(kind, ()):
            found += [
                f"{container['name']}: {name}" for name, broken in _OF_CONTAINER.items() if broken(pod, container)
            ]
    return found


def _effective(pod: Spec, container: Spec, key: str) -> Any:
    """A field that a container may override."""
    own = container.get("securityContext", {})
    return own.get(key, pod.get("securityContext", {}).get(key))


def _own(container: Spec, key: str) -> Any:
    return container.get("securityContext", {}).get(key)


def _capabilities(container: Spec, key: str) -> set[str]:
    return set((_own(container, "capabilities") or {}).get(key, ()))


def _volume_types(pod: Spec) -> set[str]:
    return {key for volume in pod.get("volumes", ()) for key in volume if key != "name"}


_OF_POD: dict[str, Callable[[Spec], bool]] = {
    "host namespaces": lambda pod: any(pod.get(name) for name in _HOST_NAMESPACES),
    "volume types": lambda pod: not _volume_types(pod) <= _VOLUMES,
    "sysctls": lambda pod: bool(pod.get("securityContext", {}).get("sysctls")),
}
_OF_CONTAINER: dict[str, Callable[[Spec, Spec], bool]] = {
    "privileged": lambda pod, c: bool(_own(c, "privileged")),
    "privilege escalation": lambda pod, c: _own(c, "allowPrivilegeEscalation") is not False,
    "capabilities not dropped": lambda pod, c: "ALL" not in _capabilities(c, "drop"),
    "capabilities added": lambda pod, c: not _capabilities(c, "add") <= {"NET_BIND_SERVICE"},
    "may run as root": lambda pod, c: _effective(pod, c, "runAsNonRoot") is not True,
    "runs as root": lambda pod, c: _effective(pod, c, "runAsUser") == 0,
    "seccomp": lambda pod, c: (_effective(pod, c, "seccompProfile") or {}).get("type") not in _SECCOMP,
    "host ports": lambda pod, c: any(p.get("hostPort") for p in c.get("ports", ())),
    "proc mount": lambda pod, c: _own(c, "procMount") not in (None, "Default"),
}
