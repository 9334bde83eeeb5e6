"""What is fuzzed against: each rule is broken here once, and that is seen."""

from __future__ import annotations

import pytest
from gradproof_server.engine.types import InvalidProblemError, Violation
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.methods import Methods

from fuzz import memory, requests
from fuzz.invariants import check_failure


def test_an_internal_error_is_a_finding() -> None:
    """What no row of the errors names is a fault of the server, told with its traceback."""
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        check_failure(error_to_failure(ZeroDivisionError("x")))


@pytest.mark.parametrize("violation", [("", "REASON", "text"), ("path", "", "text"), ("path", "REASON", "")])
def test_a_violation_without_a_part_is_a_finding(violation: tuple[str, str, str]) -> None:
    """Path, reason and description are all there, or it is a finding."""
    with pytest.raises(AssertionError):
        check_failure(error_to_failure(InvalidProblemError([Violation(*violation)])))
    check_failure(error_to_failure(InvalidProblemError([Violation("path", "REASON", "text")])))


def test_an_answer_that_fails_inside_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the engine comes out of the target of the request."""
    monkeypatch.setattr(Methods, "_read", lambda *_: 1 / 0)
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        requests.compute(b"")


def test_memory_that_grows_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than MOST_GROWTH_BYTES within a window raises; as much as that, or over several windows, does not."""
    resident = 1 << 30
    monkeypatch.setattr(memory, "resident_bytes", lambda: resident)
    watch = memory.MemoryWatch()
    for _ in range(5):  # a window each, the first after the warm-up
        for _ in range(memory.WINDOW):
            watch.message_done()
        resident += memory.MOST_GROWTH_BYTES
    resident += 2 * memory.MOST_GROWTH_BYTES
    with pytest.raises(memory.GrowthError, match="MiB"):
        _answer_half_a_window(watch)


def _answer_half_a_window(watch: memory.MemoryWatch) -> None:
    for _ in range(memory.WINDOW // 2):
        watch.message_done()
