"""Imports between tests, benchmarks and the fuzzer point one way: to tests.support, which imports none of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.tools import ROOT

RULES = {
    "tests/support": ("benchmarks", "fuzz", "tests"),
    "tests": ("benchmarks",),
    "benchmarks": ("fuzz", "tests"),
    "fuzz": ("benchmarks", "tests"),
    "client": ("benchmarks", "fuzz", "tests"),
    "server": ("benchmarks", "fuzz", "tests"),
    "examples": ("benchmarks", "fuzz", "tests"),
}
"""What the files of a folder must not import."""
EXCEPTIONS = {"tests": ("tests/benchmarks/",)}
"""Tests of the benchmarks import what they test."""
ALLOWED = {"benchmarks": ("tests.support",), "tests/support": ("tests.support",)}


def imported(source: str) -> Iterator[str]:
    """The modules that a file imports, with the names taken from them: each may be a module too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(module: str, packages: Iterable[str]) -> bool:
    """Whether a module is one of the packages, or lies in one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def forbidden(folder: str, source: str) -> list[str]:
    """What a file of the folder imports against the rules."""
    wrong, allowed = RULES[folder], ALLOWED.get(folder, ())
    return [module for module in imported(source) if is_within(module, wrong) and not is_within(module, allowed)]


def files_of(folder: str) -> list[Path]:
    """The Python files to which the rule of a folder applies."""
    files = (ROOT / folder).rglob("*.py")
    return [f for f in files if not f.relative_to(ROOT).as_posix().startswith(EXCEPTIONS.get(folder, ()))]


@pytest.mark.parametrize("folder", RULES)
def test_imports_point_one_way(folder: str) -> None:
    """No file imports what its folder must not."""
    files = files_of(folder)
    assert files
    found = {str(f.relative_to(ROOT)): forbidden(folder, f.read_text(encoding="utf-8")) for f in files}
    assert {name: modules for name, modules in found.items() if modules} == {}


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("tests", "import benchmarks.server"),
        ("tests", "from benchmarks import server"),
        ("tests", "def test():\n    from benchmarks.server import ServerProcess"),
        ("benchmarks", "from tests.engine.plain import tensor_message"),
        ("benchmarks", "from tests import engine"),
        ("server", "import tests.support.servers"),
    ],
)
def test_an_import_the_other_way_is_found(folder: str, line: str) -> None:
    """At the top of a file or in a function, of a module or from its package."""
    assert forbidden(folder, line)


@pytest.mark.parametrize(
    ("folder", "line"),
    [("benchmarks", "from tests.support.servers import server_process"), ("tests", "import benchmarks_of_others")],
)
def test_an_import_that_is_allowed_is_not_found(folder: str, line: str) -> None:
    """Benchmarks use what tests share; a name that only begins alike is another one."""
    assert forbidden(folder, line) == []
