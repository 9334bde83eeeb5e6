"""What computes follows the settings while it runs: quotas, and the budget of all that runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gradproof_server.backend import in_processes, quotas_of
from gradproof_server.engine.types import Cost
from gradproof_server.serving.admission import Bounds
from gradproof_server.serving.callers.access import OpenAccess
from gradproof_server.serving.workers.pool import WorkerPool
from gradproof_server.settings import Settings

from tests.serving.workers.test_devices import Quiet

_ONE = 1 << 30
BEFORE = Settings(
    max_concurrent_calls=7,
    max_waiting_bytes=1 << 30,
    max_calls_per_caller=3,
    max_bytes_per_caller=1 << 29,
    max_memory_bytes=_ONE,
    max_running_memory_bytes=_ONE,
    max_flops=_ONE,
    max_running_flops=_ONE,
)
AFTER = BEFORE.model_copy(
    update={
        "max_concurrent_calls": 8,
        "max_waiting_bytes": 1 << 31,
        "max_calls_per_caller": 4,
        "max_bytes_per_caller": 1 << 30,
        "max_running_memory_bytes": 2 * _ONE,
        "max_running_flops": 3 * _ONE,
    }
)


class Live:
    """Settings that a test changes."""

    def __init__(self) -> None:
        self._apply: list[Callable[[Settings], None]] = []

    def on_change(self, apply: Callable[[Settings], None]) -> None:
        """Is told of every change."""
        self._apply.append(apply)

    def change(self, settings: Settings) -> None:
        """Tells all."""
        for apply in self._apply:
            apply(settings)


@pytest.fixture
def live() -> Live:
    """Settings that nobody follows yet."""
    return Live()


def test_quotas_follow_the_settings(live: Live) -> None:
    """Those of all callers, and of one."""
    quotas = quotas_of(BEFORE, OpenAccess(), live)
    assert (quotas.total, quotas.of("a")) == (Bounds(7, 1 << 30), Bounds(3, 1 << 29))
    live.change(AFTER)
    assert (quotas.total, quotas.of("a")) == (Bounds(8, 1 << 31), Bounds(4, 1 << 30))


def test_the_budget_of_calls_and_functions_follows_the_settings(live: Live) -> None:
    """What did not fit beside another problem does then; beyond the new totals it still waits."""
    computing = in_processes(BEFORE, Quiet(), quotas_of(BEFORE, OpenAccess(), live), live)
    granted: list[str] = []
    for name, cost in {"first": Cost(_ONE, _ONE), "second": Cost(_ONE, _ONE), "third": Cost(1, 2 * _ONE)}.items():
        assert isinstance(computing.calls, WorkerPool)
        computing.calls._budget.ask(cost, lambda name=name: granted.append(name))
    assert granted == ["first"]
    live.change(AFTER)
    assert granted == ["first", "second"]
    assert computing.close(1.0)
