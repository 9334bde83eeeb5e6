"""Refuses to start processes of Python: a test that starts one says so, and `make check` leaves it out."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

_REASON = "starts a process: mark the test e2e, or let the fixture that does so request `processes`"
_refusing = False


@contextlib.contextmanager
def no_processes() -> Iterator[None]:
    """Fails the test, whatever it catches, that starts a server, a worker or a script within the block.

    Other programs, such as kubectl or openssl, are allowed: they are short and need nothing to be running.
    """
    global _refusing  # an audit hook cannot be removed
    before = _refusing
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseProcess, "start", _refuse)
        _refusing = True
        try:
            yield
        finally:
            _refusing = before


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _refusing and event == "subprocess.Popen" and Path(os.fsdecode(arguments[0])).name.startswith("python"):
        _refuse()


def _refuse(*_arguments: object) -> None:
    pytest.fail(_REASON)


sys.addaudithook(_audit)
