"""What workers are forked from: everything is imported, and nothing runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SCRIPT = """
import os, sys
from gradproof_server.serving.workers import preload
assert len(os.listdir("/proc/self/task")) == 1, "threads are not there in a forked process"
before = set(sys.modules)
from gradproof_server.backend import engine_of
from gradproof_server.serving.warmup import warm_up
from gradproof_server.settings import Settings
assert all(answer.failure is None for answer in warm_up(engine_of(Settings(threads=1))))
print(*(name for name in set(sys.modules) - before if name.startswith("torch.")))
"""


_FEW = 10
"""Modules of PyTorch that a first step may import; without the preparation it imports hundreds."""


@pytest.mark.e2e
def test_a_worker_has_what_it_needs_when_it_is_forked() -> None:
    """In a fresh interpreter: after the preparation there is one thread, and a first step imports hardly anything."""
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) < _FEW, done.stdout
