"""The pages of mistakes say what the table says, and --check knows when they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from gradproof_server.engine.diagnose import variants
from gradproof_server.engine.diagnose.pages import INDEX, main, page, pages, readable
from gradproof_server.engine.diagnose.variant import Stage, Variant


def row(code: str, **fields: object) -> Variant:
    """A row of a table."""
    texts = {"title": "You used {beta}.", "explanation": "It is ½·{beta_two} in {sites}.", "advice": "Use 1."}
    return Variant(**{"code": code, "stage": Stage.LOSS, "propose": lambda case: (), **texts, **fields})  # type: ignore[arg-type]


A = row("loss.a", look_alikes=("loss.b",), probe="Use two samples.", source="Keras.")
B = row("loss.b", convention=True)
C = row("rnn.c", title="A {{set}} of * and |.")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> tuple[Variant, ...]:
    """A table of three rows in place of the real one."""
    rows = (A, B, C)
    monkeypatch.setattr(variants, "TABLE", rows)
    return rows


def test_placeholders_are_readable() -> None:
    """Their names stand in angle brackets, doubled braces single, and {only} leaves no gap."""
    assert readable("of {declared_beta} {{x}} in {sites}{only} .") == "of \\<declared beta> {x} in \\<the layer>."


def test_page_holds_all_of_a_row() -> None:
    """Title, code, stage, texts, look-alikes both ways with links, probe, source."""
    by_code = {variant.code: variant for variant in (A, B, C)}
    first, second = page(A, by_code), page(B, by_code)
    for text in ("# You used \\<beta>.", "`loss.a`", "A mistake.", "½·\\<beta two>", "Use 1.", "(loss.b.md)",
                 "Use two samples.", "Keras."):  # fmt: skip
        assert text in first
    assert "A convention" in second
    assert "(loss.a.md)" in second
    assert "look-alikes" not in page(C, by_code)


def test_index_lists_families() -> None:
    """Every page is linked under its family, conventions are marked."""
    index = pages((A, B, C))[INDEX]
    assert index.index("## Loss functions") < index.index("(loss.a.md)") < index.index("## Recurrent layers")
    assert "2 mistakes and 1 conventions" in index
    assert [line for line in index.splitlines() if line.endswith("(c)")] == [
        "- [`loss.b`](loss.b.md): You used \\<beta>. (c)"
    ]


def test_codes_twice_are_refused() -> None:
    """Two rows of one code would be one page."""
    with pytest.raises(ValueError, match=r"loss\.a"):
        pages((A, A))


def test_check_fails_on_stale_and_superfluous(
    table: tuple[Variant, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing, a changed and a left-over page are each named; writing repairs all."""
    folder = ["--folder", str(tmp_path / "mistakes")]
    assert main([*folder, "--check"]) == 1
    assert main(folder) == 0
    assert main([*folder, "--check"]) == 0
    capsys.readouterr()
    (tmp_path / "mistakes" / "loss.a.md").write_text("other")
    (tmp_path / "mistakes" / "loss.b.md").unlink()
    (tmp_path / "mistakes" / "loss.z.md").write_text("left over")
    assert main([*folder, "--check"]) == 1
    told = capsys.readouterr().err
    assert all(text in told for text in ("stale: loss.a.md", "stale: loss.b.md", "superfluous: loss.z.md"))
    assert main(folder) == 0
    assert main([*folder, "--check"]) == 0
    assert not (tmp_path / "mistakes" / "loss.z.md").exists()


def test_the_real_table_has_pages() -> None:
    """Every row of the table makes a page without a brace left over by a placeholder."""
    made = pages(variants.TABLE)
    assert len(made) == len(variants.TABLE) + 1
    assert all(text.endswith("\n") for text in made.values())
