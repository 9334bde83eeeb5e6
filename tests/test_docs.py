"""The documentation can be found: its index has every page once, and links lead to files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.tools import ROOT

DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
ENTRY = re.compile(r"^- \[[^]]+\]\(([^)]+)\): [^.]+\.$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]


def entries(index: str) -> list[Path]:
    """The files that an index lists, each with a sentence."""
    return sorted((DOCS / path).resolve() for path in ENTRY.findall(index))


def pages_to_list() -> list[Path]:
    """What must be listed: the pages of docs, the first one of each folder in it, and those for contributors."""
    inside = {*DOCS.glob("*.md"), *DOCS.glob("*/README.md")} - {INDEX, *DOCS.glob("mistakes/README.md")}
    return sorted(inside | {ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"})


def test_every_page_is_listed_once_with_a_sentence() -> None:
    """A page that is new, gone, or listed twice is noticed."""
    assert entries(INDEX.read_text(encoding="utf-8")) == pages_to_list()


def test_an_entry_without_a_sentence_is_none() -> None:
    """A bare link tells nobody whether to follow it."""
    assert entries("- [Errors](errors.md): every reason of an error.\n- [The SDK](sdk.md)\n") == [DOCS / "errors.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    """No link within the repository is broken."""
    links = {link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link}
    assert {link for link in links if not (page.parent / link).exists()} == set()
