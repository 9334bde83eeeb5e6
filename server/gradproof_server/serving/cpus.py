"""How many CPUs this process may use. PyTorch counts those of the machine, and a container with a quota then stalls."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def available_cpus(cgroups: Path = _CGROUPS) -> int:
    """CPUs by affinity and by the quota of the control group (version 2 or 1), at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroups)
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def _quota(cgroups: Path) -> float | None:
    """CPUs of the quota; None where there is none, written "max" in version 2 and -1 in version 1."""
    try:
        if (path := cgroups / "cpu.max").is_file():
            limit, period = path.read_text().split()
        else:
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            limit, period = ((cgroups / "cpu" / name).read_text().strip() for name in names)
        return None if limit in ("max", "-1") else int(limit) / int(period)
    except (OSError, ValueError):
        return None
