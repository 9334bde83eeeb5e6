"""Writes the texts of the table of mistakes as JSON. Needs only Python, so that a wheel can be built without torch.

The table stands beside the rules that alter a training step. Its texts need none of what those import: stand-ins take
the place of all that is foreign, and the packages above the table are not run.
"""

from __future__ import annotations

import importlib
import json
import sys
import types
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from unittest.mock import MagicMock

FOREIGN = ("google", "gradproof", "numpy", "torch")
DIAGNOSE = "gradproof_server.engine.diagnose"


class StandIns(MetaPathFinder, Loader):
    """Imports, in place of foreign packages, objects of which every attribute can be had and called."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of a foreign package."""
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in FOREIGN else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """A stand-in."""
        return MagicMock(name=spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing to run."""


def without_init(package: str, folder: Path) -> None:
    """Lets modules of a package be imported without its __init__."""
    module = types.ModuleType(package)
    module.__path__ = [str(folder.joinpath(*package.split(".")))]
    sys.modules[package] = module


def main() -> None:
    """Writes the texts to the file that is named."""
    sys.meta_path.insert(0, StandIns())
    names = DIAGNOSE.split(".")
    for i in range(1, len(names) + 1):
        without_init(".".join(names[:i]), Path(__file__).parent)
    texts = importlib.import_module(f"{DIAGNOSE}.texts").texts()
    file = Path(sys.argv[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(texts, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
