"""Rules, alerts, dashboard and autoscalers: valid, tested, explained, and about metrics that the server has."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy import manifests, queries
from tests.deploy.promql import selectors
from tests.support.processes import Server, background, free_port, wait_until
from tests.support.tools import DEPLOY, ROOT, tool

RULES = [rule for group in queries.alert_rules()["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
RUNBOOKS = ROOT / "docs" / "runbooks"

# What Prometheus itself adds: by the PodMonitor's jobLabel and by its discovery.
_TARGET_LABELS = {"job", "namespace", "pod"}


@pytest.fixture(scope="module")
def address(servers: tuple[Server, Server]) -> str:
    """host:port of a real server's metrics."""
    return f"127.0.0.1:{servers[0].metrics_port}"


@pytest.fixture(scope="module")
def exported(address: str) -> dict[str, set[str]]:
    """The names of the labels of every series that the server has from its start on, by the series' name."""
    with urllib.request.urlopen(f"http://{address}/metrics") as page:
        text = page.read().decode()
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    """The rules in a file as Prometheus reads it."""
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(dict(queries.alert_rules())), encoding="utf-8")
    return path


def run(*command: str) -> None:
    """Runs a command that must end well."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_valid(rules_file: Path) -> None:
    """Prometheus would load them."""
    run(tool("promtool"), "check", "rules", str(rules_file))


def test_the_rules_do_what_their_tests_say(rules_file: Path) -> None:
    """The unit tests beside the rules hold."""
    tests = DEPLOY / "monitoring" / "prometheusrule_test.yaml"
    copy = rules_file.with_name(tests.name)
    copy.write_bytes(tests.read_bytes())
    run(tool("promtool"), "test", "rules", str(copy))


def test_every_alert_has_a_unit_test() -> None:
    """No alert that nobody has seen fire."""
    tests = yaml.safe_load((DEPLOY / "monitoring" / "prometheusrule_test.yaml").read_text())["tests"]
    fired = {a["alertname"] for t in tests for a in t.get("alert_rule_test", ()) if a["exp_alerts"]}
    assert fired == {alert["alert"] for alert in ALERTS}


def test_every_alert_has_a_runbook() -> None:
    """The page that an alert names is there; no page is left of an alert that is gone; the index has them all."""
    pages = {alert["alert"]: alert["annotations"]["runbook"] for alert in ALERTS}
    assert pages == {name: f"docs/runbooks/{name}.md" for name in pages}
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == pages.keys() | {"README"}
    index = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \|", (RUNBOOKS / "README.md").read_text(), re.MULTILINE)
    assert index == sorted((a["alert"], a["alert"], a["labels"]["severity"]) for a in ALERTS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_a_runbook_says_what_to_do(alert: Any) -> None:
    """Each page has the meaning, where to look and what to do, and tells the severity of its alert."""
    text = (ROOT / alert["annotations"]["runbook"]).read_text(encoding="utf-8")
    assert re.findall(r"^#+ (.+)$", text, re.MULTILINE) == [
        alert["alert"],
        "Meaning",
        "Where to look",
        "What to do",
    ]
    assert f"({alert['labels']['severity']})." in text


@pytest.mark.parametrize(("place", "expression"), queries.all_queries())
def test_what_is_queried_exists(place: str, expression: str, exported: dict[str, set[str]]) -> None:
    """Every metric of a query is one of the server or of a rule, with the labels that select its series."""
    known = exported | {"up": set()} | {rule["record"]: set() for rule in RULES if "record" in rule}
    found = list(selectors(expression))
    assert found
    for selector in found:
        assert selector.metric in known, place
        assert selector.labels <= known[selector.metric] | _TARGET_LABELS, place


def test_the_autoscaler_asks_for_what_the_adapter_offers(exported: dict[str, set[str]]) -> None:
    """The name in the HorizontalPodAutoscaler is that of a gauge of the server, which the adapter passes on."""
    (scaler,) = manifests.of_kind(manifests.overlay("production"), "HorizontalPodAutoscaler")
    names = {metric["pods"]["metric"]["name"] for metric in scaler["spec"]["metrics"]}
    offered = {
        s.metric for place, query in queries.all_queries() if place == "Prometheus adapter" for s in selectors(query)
    }
    assert names <= offered & exported.keys()


def test_panels_do_not_overlap() -> None:
    """Every panel has its own id and place on a grid of 24 columns."""
    panels = queries.dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (grid["x"] + x, grid["y"] + y)
        for grid in (panel["gridPos"] for panel in panels)
        for x in range(grid["w"])
        for y in range(grid["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


@pytest.mark.e2e
def test_a_real_prometheus_reads_a_real_server(address: str, rules_file: Path, tmp_path: Path) -> None:
    """It scrapes the server, evaluates the rules, and answers every query of the dashboard and the autoscalers."""
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules_file)],
        "scrape_configs": [
            {
                "job_name": "gradproof",
                "static_configs": [{"targets": [address], "labels": {"namespace": "gradproof", "pod": "a"}}],
            }
        ],
    }
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        tool("prometheus"),
        f"--config.file={tmp_path / 'prometheus.yaml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with background(command, tmp_path / "log", ready="Server is ready to receive web requests"):
        wait_until(lambda: query(port, 'up{job="gradproof"} == 1'))
        for _, expression in queries.all_queries():
            query(port, in_prometheus(expression))
        assert query(port, 'sum(gradproof_pending_calls{namespace="gradproof"})')[0]["value"][1] == "0"
        # One alert would mean that a healthy server raises it.
        assert query(port, 'ALERTS{alertstate="firing"}') == []


def in_prometheus(expression: str) -> str:
    """A query of the dashboard with values for the variables of Grafana."""
    return expression.replace("$__rate_interval", "1m").replace("$namespace", ".*").replace("$pod", ".*")


def query(port: int, expression: str) -> list[Any]:
    """What Prometheus answers; raises where the expression is wrong."""
    arguments = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{arguments}") as response:
        result: list[Any] = json.load(response)["data"]["result"]
    return result
