"""The pages on security and on faults: every test that they name is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest


def named_tests(page: str) -> list[tuple[str, str]]:
    """Files and functions in a page's tables."""
    return re.findall(r"`([\w/]+\.py)::(\w+)`", page)


@pytest.mark.parametrize(("page", "least"), [("security.md", 30), ("faults.md", 15)])
def test_every_test_of_the_page_exists(request: pytest.FixtureRequest, page: str, least: int) -> None:
    """File and function; a defence whose test is renamed or gone is found here."""
    root: Path = request.config.rootpath
    named = named_tests((root / "docs" / page).read_text())
    assert len(named) > least
    missing = [f"{file}::{name}" for file, name in named if name not in _functions(root / "tests" / file)]
    assert missing == []


def test_every_defence_names_a_test(request: pytest.FixtureRequest) -> None:
    """No row of the tables of defences is without one."""
    page = (request.config.rootpath / "docs/security.md").read_text()
    defended = page.partition("## What is defended")[2].partition("## What is not defended")[0]
    rows = [row for row in defended.splitlines() if row.startswith("|") and not row.startswith(("| ---", "| defence"))]
    assert len(rows) > 20
    assert [row for row in rows if not named_tests(row)] == []


def _functions(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
