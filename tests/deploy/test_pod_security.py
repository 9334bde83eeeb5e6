"""The check of the Pod Security Standard refuses what it must."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.deploy.pod_security import violations

GOOD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {"name": "c", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
    ],
    "volumes": [{"name": "v", "emptyDir": {}}],
}


def changed(pod: dict[str, Any], container: dict[str, Any], security: dict[str, Any]) -> dict[str, Any]:
    """The good pod with other fields of the pod, of its container, and of the container's security context."""
    spec = copy.deepcopy(GOOD) | pod
    spec["containers"][0] |= container
    spec["containers"][0]["securityContext"] |= security
    return spec


def test_a_good_pod_has_no_violation() -> None:
    """The least that the standard asks for is enough."""
    assert violations(GOOD) == []


@pytest.mark.parametrize(
    ("pod", "container", "security", "expected"),
    [
        ({"hostNetwork": True}, {}, {}, "host namespaces"),
        ({"hostPID": True}, {}, {}, "host namespaces"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, {}, {}, "volume types"),
        ({"securityContext": GOOD["securityContext"] | {"sysctls": [{"name": "a"}]}}, {}, {}, "sysctls"),
        ({}, {}, {"privileged": True}, "c: privileged"),
        ({}, {}, {"allowPrivilegeEscalation": None}, "c: privilege escalation"),
        ({}, {}, {"capabilities": {"drop": ["KILL"]}}, "c: capabilities not dropped"),
        ({}, {}, {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}, "c: capabilities added"),
        ({}, {}, {"runAsNonRoot": False}, "c: may run as root"),
        ({}, {}, {"runAsUser": 0}, "c: runs as root"),
        ({}, {}, {"seccompProfile": {"type": "Unconfined"}}, "c: seccomp"),
        ({}, {"ports": [{"hostPort": 80}]}, {}, "c: host ports"),
        ({}, {}, {"procMount": "Unmasked"}, "c: proc mount"),
    ],
)
def test_each_rule_is_held(
    pod: dict[str, Any], container: dict[str, Any], security: dict[str, Any], expected: str
) -> None:
    """A pod that breaks one rule is refused for that rule alone."""
    assert violations(changed(pod, container, security)) == [expected]


def test_init_containers_are_looked_at() -> None:
    """What runs first is held to the same rules."""
    assert violations(GOOD | {"initContainers": [{"name": "i"}]}) != []
