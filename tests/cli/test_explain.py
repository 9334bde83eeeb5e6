"""`gradproof explain`: pages by code, lists, and what is said of a code that is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gradproof.cli.app import run

HALF = "loss.half_squared_error_instead_of_l1"
NESTEROV = "optimizer.sgd.nesterov_twice"


@pytest.mark.parametrize(
    ("output", "parts"),
    [
        ("text", [HALF, "What was done", "How to tell it from its look-alikes", "Where it is seen"]),
        ("html", [f"<p>{HALF}", "<!DOCTYPE html>", "<h2>What to change</h2>"]),
    ],
)
def test_a_page_is_printed(output: str, parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Of the code that is given, without a server."""
    assert run(["explain", HALF, "--output", output]) == 0
    printed = capsys.readouterr().out
    assert [part for part in parts if part not in printed] == []


def test_json_is_one_object_or_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    """A code gives its object, several codes, as of a combination, a list; a list of codes has their titles."""
    assert run(["explain", HALF, "--output", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["code"], found["convention"]) == (HALF, False)
    assert "loss.huber_instead_of_l1" in found["look_alikes"]
    assert run(["explain", HALF, NESTEROV, "--output", "json"]) == 0
    assert [item["code"] for item in json.loads(capsys.readouterr().out)] == [HALF, NESTEROV]
    assert run(["explain", "--list", "squared", "error", "--output", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed
    assert all("squared error" in item["title"].lower() for item in listed)


def test_codes_are_listed_by_family(capsys: pytest.CaptureFixture[str]) -> None:
    """All, or those that a filter leaves."""
    assert run(["explain", "--list"]) == 0
    everything = capsys.readouterr().out
    assert everything.index("Loss functions") < everything.index(HALF) < everything.index("Optimizers")
    assert run(["explain", "--list", "optimizer"]) == 0
    part = capsys.readouterr().out
    assert NESTEROV in part
    assert HALF not in part


@pytest.mark.parametrize("arguments", [["loss.half_squared_eror"], ["--list", "zzz"]])
def test_what_is_not_there_is_said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, one line on stderr, nothing on stdout."""
    assert run(["explain", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert arguments[-1] in printed.err


@pytest.mark.parametrize("arguments", [[], [HALF, "--pages", "x"], ["--list", "--pages", "x"]])
def test_one_thing_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing, or two things at once, is an error of usage."""
    assert run(["explain", *arguments]) == 2
    assert "--list" in capsys.readouterr().err


def test_pages_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page for each code, and their index."""
    assert run(["explain", "--pages", str(tmp_path)]) == 0
    assert f"in {tmp_path}" in capsys.readouterr().out
    assert (tmp_path / f"{HALF}.html").is_file()
    assert (tmp_path / "index.html").is_file()


def test_pages_that_cannot_be_written_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is a file."""
    (tmp_path / "file").write_text("")
    assert run(["explain", "--pages", str(tmp_path / "file")]) == 2
    assert "file" in capsys.readouterr().err
