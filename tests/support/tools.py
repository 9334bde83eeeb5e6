"""The project's folders, and programs that may be installed."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def tool(name: str) -> str:
    """The path of a program, also of one that came with a Python package; skips the test where there is none."""
    folders = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
    if (path := shutil.which(name, path=folders)) is None:
        pytest.skip(f"{name} is not installed")
    return path
