"""How often the kernel ended a process of this container because its memory ran out."""

from __future__ import annotations

from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_FILES = ("memory.events", "memory/memory.oom_control")  # version 2, version 1


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
