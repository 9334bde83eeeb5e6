"""The budget: what fits runs, what does not waits in its order, and nothing waits for ever."""

from __future__ import annotations

from gradproof_server.engine.types import Cost
from gradproof_server.serving.workers.budget import Budget, Lease
from hypothesis import given
from hypothesis import strategies as st


class Asked:
    """Leases, with the order in which they were granted."""

    def __init__(self, memory: int, flops: int) -> None:
        self.budget = Budget(Cost(memory, flops))
        self.granted: list[str] = []

    def ask(self, name: str, memory: int = 0, flops: int = 0) -> Lease:
        """A lease with a name."""
        return self.budget.ask(Cost(memory, flops), lambda: self.granted.append(name))


def test_what_fits_is_granted_at_once() -> None:
    """Memory and work are counted apart."""
    asked = Asked(100, 10)
    assert asked.ask("a", 60, 1).granted
    assert asked.ask("b", 40, 9).granted
    assert not asked.ask("c", 1, 0).granted
    assert asked.granted == ["a", "b"]


def test_work_alone_can_be_too_much() -> None:
    """A problem that takes no memory waits for work to end."""
    asked = Asked(100, 10)
    asked.ask("a", 0, 10)
    assert not asked.ask("b", 0, 1).granted


def test_who_waits_is_granted_in_order() -> None:
    """A small problem does not overtake a large one that waits: the large one would wait for ever."""
    asked = Asked(100, 0)
    first = asked.ask("first", 80)
    asked.ask("large", 90)
    asked.ask("small", 10)
    assert asked.granted == ["first"]
    asked.budget.release(first)
    assert asked.granted == ["first", "large", "small"]


def test_a_problem_above_the_budget_runs_alone() -> None:
    """It is granted when nothing else runs, and nothing runs beside it."""
    asked = Asked(100, 100)
    huge = asked.ask("huge", 1000, 1000)
    assert huge.granted
    assert not asked.ask("small", 1).granted
    asked.budget.release(huge)
    assert asked.granted == ["huge", "small"]


def test_who_stops_asking_is_forgotten() -> None:
    """The next in turn is granted when the one before gives up; giving back twice does nothing."""
    asked = Asked(100, 0)
    asked.ask("running", 50)
    large = asked.ask("large", 100)
    asked.ask("small", 10)
    asked.budget.release(large)
    asked.budget.release(large)
    assert asked.granted == ["running", "small"]


def test_a_larger_budget_lets_more_run() -> None:
    """A new total holds at once for those that wait."""
    asked = Asked(10, 0)
    asked.ask("a", 10)
    asked.ask("b", 10)
    asked.budget.resize(Cost(20, 0))
    assert asked.granted == ["a", "b"]


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 12), st.integers(0, 20)), max_size=40))
def test_the_budget_holds_and_everybody_gets_a_turn(events: list[tuple[int, int, int]]) -> None:
    """At no time do several leases take more than the total; once all are given back, all were granted in order."""
    asked = Asked(100, 10)
    leases: list[Lease] = []
    for number, (memory, flops, release) in enumerate(events):
        leases.append(asked.ask(str(number), memory, flops))
        running = [lease for lease in leases if lease.granted and lease in asked.budget._granted]
        if len(running) > 1:
            assert sum(lease.cost.memory_bytes for lease in running) <= 100
            assert sum(lease.cost.flops for lease in running) <= 10
        if running and release < len(running):
            asked.budget.release(running[release])
    for lease in leases:
        if lease.granted:
            asked.budget.release(lease)
    for lease in leases:  # each release above can have granted further ones
        assert lease.granted or lease in asked.budget._asking
        asked.budget.release(lease)
    assert asked.granted == sorted(asked.granted, key=int)
    assert not asked.budget._granted
