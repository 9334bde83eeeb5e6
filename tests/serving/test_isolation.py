"""Isolation: no request reaches the file system, the network, another process or the import of code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.serving.audited import HOSTILE

CODE = {
    Path(sysconfig.get_path("stdlib")).resolve(),
    *(Path(module.__file__).resolve().parent for module in (torch, np)),
}
"""Where the code of Python and of the libraries of the engine is."""
LIBRARIES = {"torch", "numpy", *sys.stdlib_module_names}
LOADS = {"open", "os.listdir", "import", "compile", "exec", "marshal.loads"}
"""Events of loading code."""


@pytest.fixture(scope="module")
def audit(processes: None) -> Any:
    """What Python's audit hooks saw while random requests were answered."""
    command = [sys.executable, "-m", "tests.serving.audited", "1", "300"]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_requests_of_every_kind_were_answered(audit: Any) -> None:
    """Enough of them are right, so that the engine did what it does."""
    assert audit["answered"] == audit["again"] >= 80


def test_what_is_opened_is_seen(audit: Any) -> None:
    """A file that the program itself opens is among the events, and so another one would be."""
    assert [event[:2] for event in audit["control"] if event[0] == "open"] == [["open", os.devnull]]


def test_a_request_reaches_nothing(audit: Any) -> None:
    """Answered a second time, some 500 requests open, import, connect, start and compile nothing at all."""
    assert audit["second"] == []


def test_what_is_reached_at_first_is_code_of_the_libraries(audit: Any) -> None:
    """The first time PyTorch loads parts of itself; no name of a request plays a role in it."""
    assert {event for event, *_ in audit["first"]} <= LOADS
    assert [text for _, *texts in audit["first"] for text in texts if any(name in text for name in HOSTILE)] == []
    opened = [(Path(path).resolve(), mode) for event, path, mode, _ in _of(audit, "open")]
    assert [path for path, mode in opened if mode != "r" or not CODE & set(path.parents)] == []
    assert [name for _, name, *_ in _of(audit, "import") if name.split(".")[0] not in LIBRARIES] == []


def _of(audit: Any, kind: str) -> list[list[str]]:
    return [event for event in audit["first"] if event[0] == kind]
