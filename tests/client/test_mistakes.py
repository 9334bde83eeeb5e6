"""What there is to read about mistakes: from a wheel's file, and from the table in a checkout."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradproof import mistakes
from gradproof.errors import ServerExtraMissingError
from gradproof.mistakes import all_mistakes, matching, mistake
from gradproof.render.mistakes import mistake_to_html, mistake_to_text, write_pages

HALF = "loss.half_squared_error_instead_of_l1"


@pytest.fixture
def fresh() -> Iterator[None]:
    """Mistakes are read anew, during the test and after it."""
    all_mistakes.cache_clear()
    yield
    all_mistakes.cache_clear()


def test_a_wheel_is_read_from_its_file(fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file is enough; the server is not imported."""
    texts = {"code": "loss.a", "family": "Loss functions", "stage": "loss", "title": "T", "explanation": "E"}
    row = {**texts, "advice": "A", "probe": "", "source": "", "convention": False, "look_alikes": ["loss.b"]}
    (tmp_path / "mistakes.json").write_text(json.dumps([row]))
    monkeypatch.setattr(mistakes.resources, "files", lambda package: tmp_path)
    monkeypatch.setitem(sys.modules, "gradproof_server", None)
    assert mistake("loss.a").look_alikes == ("loss.b",)
    assert list(all_mistakes()) == ["loss.a"]


def test_a_checkout_without_the_server_says_what_it_needs(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no file, and the table cannot be imported."""
    monkeypatch.setitem(sys.modules, "gradproof_server.engine.diagnose.texts", None)
    with pytest.raises(ServerExtraMissingError, match=r"gradproof\[server\]"):
        all_mistakes()


@pytest.mark.parametrize(
    ("code", "guess"),
    [("loss.half_squared_eror", "loss.half_squared_error"), ("nesterov_twice", "optimizer.sgd.nesterov_twice")],
)
def test_an_unknown_code_names_the_nearest(code: str, guess: str) -> None:
    """A letter that is missing, or a part of a code."""
    with pytest.raises(KeyError, match=re.escape(guess)):
        mistake(code)


def test_a_filter_is_a_family_or_a_text() -> None:
    """The family alone where there is one of that name; else whatever has the text in its code or title."""
    assert {m.code.split(".")[0] for m in matching("gru")} == {"gru"}
    assert matching("gru") == matching("GRU.")
    families = {m.code.split(".")[0] for m in matching("nesterov")}
    assert families
    assert all("nesterov" in m.code or "nesterov" in m.title.lower() for m in matching("nesterov"))
    assert len(matching()) == len(all_mistakes())
    with pytest.raises(KeyError, match="zzz"):
        matching("zzz")


def test_a_page_holds_all_that_is_known() -> None:
    """Texts, code, stage, kind, source, and the look-alikes with their titles; in either form."""
    found = mistake(HALF)
    page = " ".join(mistake_to_text(found).split())
    others = [mistake(code) for code in found.look_alikes]
    assert others
    for text in (found.title, found.code, found.explanation, found.advice, found.probe, found.source,
                 *(other.title for other in others), *found.look_alikes, "a mistake"):  # fmt: skip
        assert text in page
    markup = mistake_to_html(found)
    for text in ("<h1>", found.code, found.advice, *found.look_alikes):
        assert text in markup
    assert "½(ŷ−t)²&lt;form&gt;" in markup
    convention = next(m for m in all_mistakes().values() if m.convention)
    assert "a convention" in mistake_to_text(convention)


def test_every_page_is_no_wider_than_a_screen() -> None:
    """Each mistake of the table has a page in either form; no line of its text is longer than 110 characters."""
    for found in all_mistakes().values():
        assert max(map(len, mistake_to_text(found).splitlines())) <= 110
        assert found.code in mistake_to_html(found)


def test_links_of_pages_lead_to_pages(tmp_path: Path) -> None:
    """All pages are written, and a page that stands alone has no links."""
    folder = tmp_path / "made" / "mistakes"
    written = write_pages(folder)
    names = {path.name for path in folder.iterdir()}
    assert written == len(names) == len(all_mistakes()) + 1
    linked = {name for path in folder.iterdir() for name in re.findall(r'href="([^"]+)"', path.read_text("utf-8"))}
    assert linked == names
    assert "href" not in mistake_to_html(mistake(HALF))
