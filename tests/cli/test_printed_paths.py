"""Nothing that is printed for a reader names a file that the reader does not have."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gradproof as gp
import pytest
from gradproof.cli.app import run
from gradproof.mistakes import all_mistakes
from gradproof.problem_file import load
from gradproof.render.mistakes import mistake_to_html, mistake_to_text

PATH = re.compile(r"(?<![\w./:-])(?![\w.-]+\.(?:com|org|edu|net|io|ch)/)(?:[\w.-]*/)+[\w.-]+\.[A-Za-z]\w{0,4}\b")
"""Folders, and a file with an extension; the paths of addresses are left out."""


def dead(text: str) -> list[str]:
    """Paths in a text that do not exist, seen from where the command runs."""
    return [path for path in PATH.findall(text) if not Path(path).exists()]


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The author's case, in a folder that holds nothing else, as that of a user."""
    text = (request.config.rootpath / "examples" / "founding_case.yaml").read_text(encoding="utf-8")
    (tmp_path / "case.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "case.yaml"


def test_paths_are_recognised() -> None:
    """What looks like a file is one; formulas, addresses, codes and names of repositories are not."""
    assert dead("Read: docs/mistakes/loss.a.md, or /nowhere/at/all.html") == [
        "docs/mistakes/loss.a.md",
        "/nowhere/at/all.html",
    ]
    assert dead("(ŷ−t)/t, 1/2.5, https://host/a/b.html, loss.half_squared_error, pytorch/pytorch#2259, N/A.") == []


@pytest.mark.parametrize("command", ["check", "verify", "compute"])
@pytest.mark.parametrize("output", ["table", "json"])
def test_commands_print_no_dead_path(command: str, output: str, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Reports, results of the witness and references, as tables and as JSON."""
    run([command, case, "--output", output])
    printed = capsys.readouterr().out
    assert printed
    assert dead(json.loads(printed) and printed if output == "json" else printed) == []


def test_a_report_names_the_command_that_explains_it(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the report says to read can be read: the command is there and knows the codes."""
    assert run(["check", case]) == 1
    (first, *_) = re.findall(r"Read: gradproof (.*)", capsys.readouterr().out)
    assert run(first.split()) == 0
    assert first.split()[1] in capsys.readouterr().out


def test_html_has_no_dead_path(case: str) -> None:
    """Reports and results of the witness in notebooks."""
    file = load(case)
    with gp.Client.embedded() as client:
        report = client.check(file.problem, file.claim)
        verification = client.verify(file.problem)
    for shown in (report, report.reference, verification):
        assert dead(shown._repr_html_()) == []


def test_pages_have_no_dead_path() -> None:
    """Whatever a finding may say, and its page, for every row of the table."""
    for mistake in all_mistakes().values():
        assert dead(mistake_to_text(mistake)) == []
        assert dead(re.sub(r"</\w+>", " ", mistake_to_html(mistake))) == []
