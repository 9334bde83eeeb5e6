"""Rates: so many a minute, and a minute's worth at once."""

from __future__ import annotations

import pytest
from gradproof_server.serving.callers.rate import Rate
from hypothesis import given
from hypothesis import strategies as st


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_a_minutes_worth_may_come_at_once_and_no_more() -> None:
    """The one after it is told how long to wait, and waiting so long is enough."""
    clock = Clock()
    rate = Rate(30, clock)
    assert [rate.take() for _ in range(30)] == [0.0] * 30
    assert rate.take() == pytest.approx(2.0)
    clock.now += 1.9
    assert rate.take() == pytest.approx(0.1)
    clock.now += 0.11
    assert rate.take() == 0.0


def test_a_rate_below_one_a_minute_still_lets_one_through() -> None:
    """0.5 a minute is one every two minutes."""
    clock = Clock()
    rate = Rate(0.5, clock)
    assert rate.take() == 0.0
    assert rate.take() == pytest.approx(120)


@given(st.lists(st.floats(0, 20), max_size=300), st.integers(1, 100))
def test_in_any_time_no_more_pass_than_may(waits: list[float], per_minute: int) -> None:
    """At most the bucket and what has flown in since, whenever the attempts come."""
    clock = Clock()
    rate = Rate(per_minute, clock)
    passed = 0
    for wait in waits:
        clock.now += wait
        passed += rate.take() == 0.0
        assert passed <= per_minute * (1 + (clock.now - 1000) / 60) + 1e-6
