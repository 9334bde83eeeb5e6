"""Every example runs as its own comment says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from gradproof.cli.app import run

FOLDER = Path(__file__).parents[2] / "examples"
FILES = sorted(FOLDER.glob("*.yaml"))
PROMISE = re.compile(r"^# gradproof check examples/(\S+) +-> (AGREES|DISAGREES), exit status (\d)$", re.MULTILINE)


def test_there_are_examples() -> None:
    """The founding case, a graph, a recurrent network and an optimizer's steps are shown."""
    assert {path.stem for path in FILES} >= {"founding_case", "residual", "recurrent", "adam_two_steps"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_verdict_is_the_promised_one(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Verdict and exit status are those of the comment at the head of the file."""
    promise = PROMISE.search(path.read_text())
    assert promise is not None
    name, verdict, status = promise.groups()
    assert name == path.name
    assert run(["check", "--no-explain", str(path)]) == int(status)
    assert capsys.readouterr().out.startswith(verdict)


@pytest.mark.e2e
def test_the_founding_case_with_the_sdk() -> None:
    """The script prints the verdict, and the truth beside the claimed number."""
    done = subprocess.run(
        [sys.executable, FOLDER / "founding_case.py"], capture_output=True, text=True, env=dict(os.environ), check=True
    )
    assert done.stdout.startswith("DISAGREES")
    assert re.search(r"updated 1\.weight .* 0\.174 +0\.1825", done.stdout) or "0.1825" in done.stdout
