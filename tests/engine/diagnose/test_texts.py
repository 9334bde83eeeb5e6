"""The texts that pages of mistakes are made of are those of the table, with and without PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from gradproof_server.engine.diagnose.texts import readable, texts
from gradproof_server.engine.diagnose.variant import Stage, Variant
from gradproof_server.engine.diagnose.variants import TABLE


def row(code: str, **fields: object) -> Variant:
    """A row of a table."""
    shown = {"title": "You used {beta}.", "explanation": "It is ½·{beta_two} in {sites}.", "advice": "Use 1."}
    return Variant(**{"code": code, "stage": Stage.LOSS, "propose": lambda case: (), **shown, **fields})  # type: ignore[arg-type]


def test_placeholders_are_readable() -> None:
    """Their names stand in angle brackets, doubled braces single, and {only} leaves no gap."""
    assert readable("of {declared_beta} {{x}} in {sites}{only} .") == "of <declared beta> {x} in <the layer>."


def test_texts_hold_all_of_a_row() -> None:
    """Code, family, stage, texts, look-alikes, probe, source: each where it belongs."""
    (found,) = texts([row("loss.a", look_alikes=("loss.b",), probe="Use two {n}.", source="Keras.", convention=True)])
    assert found == {
        "code": "loss.a",
        "family": "Loss functions",
        "stage": "loss",
        "title": "You used <beta>.",
        "explanation": "It is ½·<beta two> in <the layer>.",
        "advice": "Use 1.",
        "convention": True,
        "look_alikes": ["loss.b"],
        "probe": "Use two <n>.",
        "source": "Keras.",
    }


def test_rows_stand_by_family_and_code() -> None:
    """Whatever their order in the table."""
    codes = ("rnn.c", "loss.b", "reduction.d", "loss.a")
    assert [text["code"] for text in texts(map(row, codes))] == ["loss.a", "loss.b", "reduction.d", "rnn.c"]


def test_codes_twice_and_strange_families_are_refused() -> None:
    """Two rows of one code would be one page; a family without a title would have no place in the list."""
    with pytest.raises(ValueError, match=r"loss\.a"):
        texts([row("loss.a"), row("loss.a")])
    with pytest.raises(ValueError, match="nonsense"):
        texts([row("nonsense.a")])


def test_the_table_leaves_no_gap() -> None:
    """Every row has its texts, and every look-alike is a row that names it in return."""
    found = {text["code"]: text for text in texts()}
    assert found.keys() == {variant.code for variant in TABLE}
    for code, text in found.items():
        assert all(text[name] for name in ("title", "explanation", "advice"))
        assert code not in text["look_alikes"]
        assert [other for other in text["look_alikes"] if code not in found[other]["look_alikes"]] == []


@pytest.mark.e2e
def test_a_wheel_has_the_texts_of_the_table(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """What is written without PyTorch, and without any package, for a wheel is what the table says."""
    program = request.config.rootpath / "server" / "mistakes_json.py"
    file = tmp_path / "made" / "mistakes.json"
    subprocess.run([sys.executable, "-I", "-S", program, file], check=True)
    assert json.loads(file.read_text(encoding="utf-8")) == texts()
