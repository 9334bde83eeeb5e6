"""Holds an object against the schema of its kind: Kubernetes' own, or that of the operator whose kind it is."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import pytest

KUBERNETES_VERSION = "1.34"

# Generated from the custom resource definitions of the operators.
_MODELS = {
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
    "cert-manager.io/v1": "cloudcoil.models.cert_manager.v1",
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
}


def validate(manifest: Mapping[str, Any]) -> None:
    """Raises for a field that the kind does not have, one that is missing, or one of another type."""
    if (module := _MODELS.get(manifest["apiVersion"])) is None:
        kubernetes = pytest.importorskip("kubernetes_validate")
        kubernetes.validate(dict(manifest), KUBERNETES_VERSION, strict=True)
        return
    pytest.importorskip("cloudcoil")
    model = getattr(importlib.import_module(module), manifest["kind"]).model_validate(manifest)
    # The models pass over fields that they do not know: what does not come back was none.
    known = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert known == manifest, f"{manifest['kind']} has fields that its definition does not have"
