"""What the kernel says of memory: how much a process has, and how often one was ended because there was none left."""

from __future__ import annotations

import contextlib
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_FILES = ("memory.events", "memory/memory.oom_control")  # version 2, version 1


def process_bytes(pid: int) -> int:
    """The proportional set size: what the process has for itself, and its part of what it shares with others, so that
    a sum counts nothing twice. 0 where it cannot be known. docs.kernel.org: filesystems/proc, "smaps_rollup"."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def out_of_memory_kills(cgroups: Path = _CGROUPS) -> int:
    """The number so far; 0 where it cannot be known. docs.kernel.org: cgroup-v2, "memory.events", and cgroup-v1."""
    for name in _FILES:
        try:
            lines = (cgroups / name).read_text().splitlines()
        except OSError:
            continue
        counts = dict(line.split() for line in lines if len(line.split()) == 2)
        return int(counts.get("oom_kill", 0))
    return 0
