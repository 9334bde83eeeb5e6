"""Texts: problem files that people write, and files of callers that operators write."""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import tempfile
from pathlib import Path

from gradproof import problem_file
from gradproof.errors import InvalidProblemError
from gradproof_server.serving.callers.callers_file import read_callers
from gradproof_server.serving.methods import UNARY
from gradproof_server.settings import Settings, SettingsError


def problem(data: bytes) -> None:
    """A problem file, in YAML or JSON; files that it names are not there."""
    text = data.decode(errors="replace")
    if "file" in text:  # which may name any file of this machine
        return
    with contextlib.suppress(InvalidProblemError):
        problem_file.loads(text, "problem.json" if text.startswith("[") else "", _folder())


def callers(data: bytes) -> None:
    """A callers' file."""
    file = _folder() / "callers.toml"
    file.write_bytes(data.replace(b"jwks", b"jwk"))  # its file is read, whatever file that is
    with contextlib.suppress(SettingsError, OSError):
        read_callers(file, UNARY)


def settings(data: bytes) -> None:
    """A file of settings."""
    file = _folder() / "settings.toml"
    file.write_bytes(data)
    with contextlib.suppress(SettingsError):
        Settings.from_environment({"settings_file": str(file)}, {})


@functools.cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="gradproof-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
