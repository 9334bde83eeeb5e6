"""Archives of inputs: one a target, the same bytes for the same inputs, whoever writes it on whatever system."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

_UNIX = 3
_MODE = 0o644 << 16
_DATE = (1980, 1, 1, 0, 0, 0)


def input_name(data: bytes) -> str:
    """The name of an input, by its content, as libFuzzer names it."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def read_archive(path: Path) -> list[bytes]:
    """The inputs of an archive, ordered by name."""
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in sorted(archive.namelist())]


def write_archive(path: Path, inputs: Iterable[bytes]) -> None:
    """Replaces an archive. Inputs are stored as they are: Git compresses them, and finds those that have stayed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted((input_name(data), data) for data in set(inputs)):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr = _UNIX, _MODE
            archive.writestr(entry, data)


def read_folder(path: Path) -> list[bytes]:
    """The inputs of a folder, ordered by name; none where there is no such folder."""
    return [file.read_bytes() for file in sorted(path.glob("*")) if file.is_file()]


def write_folder(path: Path, inputs: Iterable[bytes]) -> None:
    """Adds inputs to a folder, each as a file that has its name."""
    path.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (path / input_name(data)).write_bytes(data)
