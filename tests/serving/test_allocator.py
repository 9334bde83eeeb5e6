"""The settings of glibc's allocator."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
from gradproof_server.serving.allocator import keep_large_blocks


def test_the_environment_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets MALLOC_ variables gets what they say."""
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    assert not keep_large_blocks()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not glibc's")
@pytest.mark.e2e
def test_glibc_takes_every_value() -> None:
    """All options are accepted, in a process of its own."""
    script = "from gradproof_server.serving.allocator import keep_large_blocks; print(keep_large_blocks())"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("True\n", "")
