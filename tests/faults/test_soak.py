"""Mixed traffic through every fault once: no wrong answer, no lost call, no process that grows."""

from __future__ import annotations

import shutil

import pytest

from benchmarks.serving.faults import FAULTS
from benchmarks.serving.soak import soak


def test_nothing_is_wrong_or_lost_while_every_fault_is_injected() -> None:
    """Two servers with TLS, and clients with the SDK's defaults."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, which makes the certificates")
    result = soak(0, fault_seconds=1.0)
    assert set(result.faults) == set(FAULTS)
    assert all(result.faults.values())
    assert result.tally.right > 100
    assert dict(result.tally.wrong) == {}
    assert dict(result.tally.lost) == {}
    assert result.memory.grown() == {}
