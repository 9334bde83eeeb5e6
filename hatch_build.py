"""Files made at build time: what the packages hold besides their sources, and no repository keeps.

Each row of MADE is made for every sdist, wheel and editable install, unless it is at least as new as its sources: an
sdist holds these files, and needs no tools to make them again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent


class MadeFile(NamedTuple):
    """A file that is made at build time.

    Attributes:
        path: of the file, relative to the root.
        sources: a pattern of the files that it is made from.
        command: the script that makes it, with its arguments; the Python of the build runs it in the root.
        requirements: a file that lists what the command needs installed; empty: nothing.
        in_wheel: where a wheel has the file; empty: where it is in the tree. An editable install has no such file, so
            that it cannot go stale: whatever reads it then asks its source.
    """

    path: str
    sources: str
    command: tuple[str, ...]
    requirements: str = ""
    in_wheel: str = ""

    def is_fresh(self) -> bool:
        """Whether the file exists and none of its sources is newer."""
        made = ROOT / self.path
        return made.exists() and all(
            source.stat().st_mtime <= made.stat().st_mtime for source in ROOT.glob(self.sources)
        )

    def make(self) -> None:
        """Makes the file; raises CalledProcessError where the command fails."""
        subprocess.run([sys.executable, *self.command], cwd=ROOT, check=True)


CONTRACT = "client/gradproof/_generated/contract.binpb"

MADE = (
    MadeFile(
        path=CONTRACT,
        sources="protos/gradproof/v1/*.proto",
        command=("protos/descriptors.py", CONTRACT),
        requirements="constraints-protos.txt",
    ),
    MadeFile(
        path="build/mistakes.json",
        sources="server/gradproof_server/engine/**/*.py",
        command=("server/mistakes_json.py", "build/mistakes.json"),
        in_wheel="gradproof/mistakes.json",
    ),
)


class MadeFiles(BuildHookInterface[Any]):
    """Makes the files, and adds them to what is built."""

    def dependencies(self) -> list[str]:
        """What the commands need that will run."""
        names = sorted({made.requirements for made in MADE if made.requirements and not made.is_fresh()})
        return [line for name in names for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Makes what is not fresh, before the files of the build are collected."""
        for made in MADE:
            if made.in_wheel and (self.target_name != "wheel" or version == "editable"):
                continue
            if not made.is_fresh():
                made.make()
            if made.in_wheel:
                build_data["force_include"][str(ROOT / made.path)] = made.in_wheel
            else:
                build_data["artifacts"].append(f"/{made.path}")
