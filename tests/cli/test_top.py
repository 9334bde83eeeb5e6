"""`gradproof top`, against a server of metrics that says what the test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from gradproof.cli.app import run
from gradproof.cli.scrape import Reading, parse, quantile, summary

METHOD = 'grpc_method="CheckGradients"'


def metrics(calls: int) -> str:
    """Metrics of a server that answered so many calls, each within 0.1 to 0.2 s, one in ten in vain."""
    return f"""# HELP grpc_server_started_total x
grpc_server_started_total{{{METHOD}}} {calls}
grpc_server_handled_total{{{METHOD},grpc_code="OK"}} {calls * 9 // 10}
grpc_server_handled_total{{{METHOD},grpc_code="Internal"}} {calls // 10}
grpc_server_handling_seconds_bucket{{{METHOD},le="0.1"}} 0.0
grpc_server_handling_seconds_bucket{{{METHOD},le="0.2"}} {calls}
grpc_server_handling_seconds_bucket{{{METHOD},le="+Inf"}} {calls}
gradproof_waiting_calls 3.0
gradproof_findings_total{{code="none"}} 2.0
"""


class Pages(HTTPServer):
    """Answers every request with the metrics of ten calls more."""

    calls = 0


class _Handler(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        """Answers."""
        self.server.calls += 10
        self.send_response(200)
        self.end_headers()
        self.wfile.write(metrics(self.server.calls).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Writes nothing."""


@pytest.fixture
def target() -> Iterator[str]:
    """host:port of such a server."""
    with Pages(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_table_has_what_happened_between(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors and percentiles are those of the interval, gauges those of its end."""
    assert run(["top", "--target", target, "--interval", "0.1", "--once"]) == 0
    text = capsys.readouterr().out
    assert "150.0 ms" in text
    assert "Internal 1" in text
    assert "3 wait" in text
    assert "findings  none 2" in text


def test_json_sums_targets_and_names_those_that_cannot_be_read(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One of two targets is enough; with none the status is 2."""
    dead = "127.0.0.1:1"
    assert run(["top", "--target", target, "--target", dead, "--interval", "0.1", "--output", "json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert seen["methods"]["CheckGradients"]["errors"] == {"Internal": 1}
    assert list(seen["problems"]) == [dead]
    assert run(["top", "--target", dead, "--interval", "0.1"]) == 2


def test_a_server_that_began_again_counts_from_zero() -> None:
    """Counters that went back are no negative rates."""
    earlier, now = Reading(parse(metrics(100)), 0.0), Reading(parse(metrics(10)), 1.0)
    assert summary(now, earlier)["methods"]["CheckGradients"]["per_second"] == 10


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [({}, None), ({"1": 0, "+Inf": 0}, None), ({"1": 0, "2": 10, "+Inf": 10}, 1.5), ({"1": 0, "+Inf": 5}, 1.0)],
)
def test_quantiles_of_buckets(buckets: dict[str, float], expected: float | None) -> None:
    """The median is within the bucket that it falls into; beyond the last bound it is that bound."""
    assert quantile(buckets, 0.5) == expected


def test_what_is_no_metrics_is_refused() -> None:
    """A page of something else is an error that shows the line."""
    with pytest.raises(ValueError, match="<html>"):
        parse("<html>")
