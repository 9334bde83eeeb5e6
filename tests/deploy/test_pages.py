"""What the pages about deployment say of flags, variables and files is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from gradproof_server.settings import Settings, flag_of, variable_of

from tests.support.tools import DEPLOY, ROOT

PAGES = sorted([ROOT / "docs" / "deployment.md", *(ROOT / "docs" / "runbooks").glob("*.md"), *DEPLOY.glob("**/*.md")])
_FIELDS = [*Settings.model_fields]


@pytest.fixture(params=PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    """Each of the pages."""
    path: Path = request.param
    return path


def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file or folder."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_settings_exist(page: Path) -> None:
    """A flag between backticks, and a variable with the server's prefix, is one of the server's."""
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"`(--[a-z-]+)`", text)) <= {flag_of(name) for name in _FIELDS}
    assert set(re.findall(r"\bGRADPROOF_\w+", text)) <= {variable_of(name) for name in _FIELDS}


def test_metrics_exist(page: Path) -> None:
    """A metric of the server between backticks is described in docs/server.md, a recorded one is in the rules."""
    text = page.read_text(encoding="utf-8")
    server = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    rules = (DEPLOY / "monitoring" / "prometheusrule.yaml").read_text(encoding="utf-8")
    assert [n for n in re.findall(r"`((?:gradproof|grpc_server)_\w+)`", text) if f"`{n}`" not in server] == []
    assert [n for n in re.findall(r"`(gradproof:[\w:]+)`", text) if f"record: {n}\n" not in rules] == []
