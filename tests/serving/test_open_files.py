"""The limit of open files."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")

_SCRIPT = """
import json, resource
from gradproof_server.serving.open_files import limit, raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
before = limit()
raise_limit()
print(json.dumps([before, limit(), *resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""


@pytest.mark.e2e
def test_the_limit_is_raised_as_far_as_it_may() -> None:
    """From 200 to the 300 that the process is allowed, and not beyond."""
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [200, 300, 300, 300]
