"""What deploy/ asks Prometheus: rules, the dashboard's panels, autoscalers."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from tests.deploy.manifests import Manifest
from tests.support.tools import DEPLOY

ADAPTER = "Prometheus adapter"


def all_queries() -> list[tuple[str, str]]:
    """Every PromQL expression under deploy/ with where it stands: rules, dashboard, autoscalers."""
    return [*_queries_of_rules(), *_queries_of_panels(), *_queries_of_autoscalers()]


def _queries_of_rules() -> Iterator[tuple[str, str]]:
    for group in alert_rules()["groups"]:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]


def _queries_of_panels() -> Iterator[tuple[str, str]]:
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield f"dashboard: {panel['title']}", target["expr"]


def _queries_of_autoscalers() -> Iterator[tuple[str, str]]:
    components = DEPLOY / "kubernetes" / "components"
    scaled = yaml.safe_load((components / "autoscaling-keda" / "scaledobject.yaml").read_text())
    for trigger in scaled["spec"]["triggers"]:
        yield "KEDA", trigger["metadata"]["query"]
    adapter = yaml.safe_load((components / "autoscaling-hpa" / "prometheus-adapter.yaml").read_text())
    for rule in adapter["rules"]:
        yield ADAPTER, rule["seriesQuery"]


def alert_rules() -> Manifest:
    """The groups of rules, in the form of Prometheus' own files."""
    spec: Manifest = yaml.safe_load((DEPLOY / "monitoring" / "prometheusrule.yaml").read_text())["spec"]
    return spec


def dashboard() -> Manifest:
    """Grafana's dashboard."""
    found: Manifest = yaml.safe_load((DEPLOY / "monitoring" / "dashboard.json").read_text())
    return found
