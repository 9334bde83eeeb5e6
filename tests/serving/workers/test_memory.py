"""What the kernel says of memory."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gradproof_server.serving.workers.memory import out_of_memory_kills, process_bytes

MIB = 2**20
HAS_ROLLUP = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc/self/smaps_rollup")


@HAS_ROLLUP
def test_the_memory_of_a_process_is_what_it_has_written_to() -> None:
    """64 MiB more after 64 MiB were written; given back, they are gone again."""
    before = process_bytes(os.getpid())
    block = bytearray(os.urandom(64 * MIB))
    assert 60 * MIB < process_bytes(os.getpid()) - before < 90 * MIB
    del block
    assert process_bytes(os.getpid()) - before < 30 * MIB


_MAPS = """
import mmap, sys
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as block:
    sum(block[::4096])
    print("mapped", flush=True)
    sys.stdin.read()
"""


@HAS_ROLLUP
@pytest.mark.e2e
def test_what_two_processes_share_is_counted_once(tmp_path: Path) -> None:
    """A file of 64 MiB that this process has mapped is half its own when another one maps it too."""
    path = tmp_path / "block"
    path.write_bytes(bytes(64 * MIB))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as block:
        assert sum(block[::4096]) == 0
        alone = process_bytes(os.getpid())
        command = [sys.executable, "-c", _MAPS, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "mapped\n"
            assert 20 * MIB < alone - process_bytes(os.getpid()) < 44 * MIB
            other.communicate("")


@pytest.mark.e2e
def test_a_process_that_is_gone_has_none() -> None:
    """Between the question who there is and what it has, a worker can end."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert process_bytes(process.pid) == 0


@pytest.mark.parametrize(
    ("name", "text", "kills"),
    [
        ("memory.events", "low 0\nhigh 7\nmax 12\noom 4\noom_kill 3\noom_group_kill 1\n", 3),
        ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", 2),
        ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", 0),
        ("memory.current", "5\n", 0),
    ],
    ids=["version 2", "version 1", "an old kernel", "neither"],
)
def test_kills_are_counted_by_the_control_group(tmp_path: Path, name: str, text: str, kills: int) -> None:
    """Of both versions of control groups; 0 where there is no such count."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    assert out_of_memory_kills(tmp_path) == kills
