"""Names are found in PromQL wherever they may stand."""

from __future__ import annotations

import pytest

from tests.deploy.promql import Selector, selectors


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("up", {("up", "")}),
        ('up{job="a",pod!~"b{2}"} == 1', {("up", "job pod")}),
        (
            'sum by (le, x) (rate(a_bucket{le="1"}[5m])) / on (z) group_left (y) (b:c > 0)',
            {("a_bucket", "le"), ("b:c", "")},
        ),
        ("histogram_quantile(0.99, a) and time() - b > 21 * 86400", {("a", ""), ("b", "")}),
        ('absent(up{job="x and y"}) or 1e5 * c', {("up", "job"), ("c", "")}),
        ("rate(a[$__rate_interval])", {("a", "")}),
    ],
)
def test_selectors_are_found(expression: str, expected: set[tuple[str, str]]) -> None:
    """Functions, groupings, texts, ranges and numbers are no metrics."""
    assert set(selectors(expression)) == {Selector(name, frozenset(labels.split())) for name, labels in expected}
