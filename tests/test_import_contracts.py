"""The contracts of imports in pyproject.toml: they hold, and each of them fails where an import breaks it."""

from __future__ import annotations

import graphlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {"gradproof": ROOT / "client" / "gradproof", "gradproof_server": ROOT / "server" / "gradproof_server"}


@pytest.fixture
def copy(processes: None, tmp_path: Path) -> Path:
    """A folder with the Python files of both packages, and the contracts, which import-linter reads in a process."""
    for name, source in SOURCES.items():
        shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyi", "*.json"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken_contracts(folder: Path) -> set[str]:
    """The contracts that import-linter finds broken in a folder."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    result = subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    broken = {line.partition(" BROKEN")[0] for line in result.stdout.splitlines() if " BROKEN" in line}
    assert (result.returncode == 0) == (not broken), result.stdout + result.stderr
    assert "Analyzed" in result.stdout, result.stdout + result.stderr
    return broken


def test_the_packages_hold_all_contracts(copy: Path) -> None:
    """As they are; without this the next test would prove nothing."""
    assert broken_contracts(copy) == set()


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("gradproof/errors.py", "from gradproof import results", "No package imports a sibling that imports it"),
        (
            "gradproof_server/engine/numeric/base.py",
            "from . import objective",
            "No package imports a sibling that imports it",
        ),
        ("gradproof/results.py", "from gradproof import render", "Imports of the SDK go one way"),
        ("gradproof/errors.py", "from gradproof.client import Client", "Imports of the SDK go one way"),
        (
            "gradproof_server/settings.py",
            "from gradproof_server.serving import wire",
            "Imports of the server go one way",
        ),
        (
            "gradproof_server/serving/service.py",
            "from gradproof.results import Report",
            "The server takes of the SDK what is listed",
        ),
        (
            "gradproof_server/engine/compare.py",
            "import gradproof.network",
            "The server takes of the SDK what is listed",
        ),
        (
            "gradproof_server/engine/compare.py",
            "from gradproof_server.serving import wire",
            "Mathematics knows no transport",
        ),
        ("gradproof/tensors.py", "import torch", "The SDK knows neither the server nor torch"),
    ],
)
def test_a_planted_import_breaks_its_contract(module: str, line: str, contract: str, copy: Path) -> None:
    """One line at the end of one file."""
    with (copy / module).open("a") as file:
        file.write(f"{line}\n")
    assert contract in broken_contracts(copy)


def cycle(graph: grimp.ImportGraph) -> list[str]:
    """Modules that import each other in a circle, the first one twice; none where there is no circle."""
    numeric = "gradproof_server.engine.numeric"
    graph.remove_import(importer=f"{numeric}.features", imported=f"{numeric}.objective")
    sorter = graphlib.TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in graph.modules})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_module_is_in_a_cycle_of_imports() -> None:
    """Neither in one that import-linter would call siblings, nor in any other, those for types alone included."""
    assert cycle(grimp.build_graph(*SOURCES, cache_dir=None)) == []


def test_a_cycle_is_seen() -> None:
    """By way of a third module, in other packages."""
    graph = grimp.build_graph(*SOURCES, cache_dir=None)
    graph.add_import(importer="gradproof.v1.tensor_pb2", imported="gradproof.cli.app")
    found = cycle(graph)
    assert found[0] == found[-1]
    assert {"gradproof.v1.tensor_pb2", "gradproof.cli.app"} <= set(found)
