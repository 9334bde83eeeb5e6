"""Writes the builders of the SDK as .pyi files, for editors and type checkers.

    python protos/stubs.py FOLDER

The texts are those from which the SDK makes its builders at run time; see gradproof/_builders.py.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from gradproof._builders import MODULES, WIDTH, Family, exported, source

HEAD = """\
# Generated from {module}.proto by protos/generate.py; do not edit.
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gradproof.network import Node
from gradproof.tensors import ArrayLike
from gradproof.v1.losses_pb2 import Loss
from gradproof.v1.optimizers_pb2 import Optimizer
from gradproof.v1.schedules_pb2 import Schedule

"""


def stub(family: Family) -> str:
    """The text of a family's .pyi file."""
    names = exported(family)
    listed = textwrap.fill(", ".join(f'"{name}"' for name in names), WIDTH - 4)
    exports = f"__all__: list[str] = [\n{textwrap.indent(listed, '    ')},\n]\n"
    return "\n".join([HEAD.format(module=family.module) + exports, *(f"{source(family, name)}\n" for name in names)])


if __name__ == "__main__":
    for each in MODULES:
        (Path(sys.argv[1]) / f"{each.module}.pyi").write_text(stub(each), encoding="utf-8")
