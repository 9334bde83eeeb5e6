"""CPUs that the process may use, by affinity and control group."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from gradproof_server.serving.cpus import available_cpus

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.mark.parametrize(
    ("text", "expected"), [("max 100000", ALL), ("100000 100000", 1), ("50000 100000", 1), ("9900000 100000", ALL)]
)
def test_quota_of_version_2(tmp_path: Path, text: str, expected: int) -> None:
    """The quota limits the CPUs; less than one is one, more than there are is all of them."""
    (tmp_path / "cpu.max").write_text(text + "\n")
    assert available_cpus(tmp_path) == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", ALL), ("100000", 1)])
def test_quota_of_version_1(tmp_path: Path, quota: str, expected: int) -> None:
    """The older files say the same."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert available_cpus(tmp_path) == expected


def test_without_control_groups_it_is_the_affinity(tmp_path: Path) -> None:
    """Where there is no quota to read, affinity decides."""
    assert available_cpus(tmp_path) == ALL
