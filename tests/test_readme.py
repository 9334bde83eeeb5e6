"""What the README promises."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


PROGRAMS = [
    (text, shown)
    for (language, text), (following, shown) in pairwise(BLOCKS)
    if (language, following) == ("python", "text")
]


@pytest.mark.parametrize(("code", "shown"), PROGRAMS, ids=range(len(PROGRAMS)))
@pytest.mark.e2e
def test_python_prints_what_is_shown(code: str, shown: str) -> None:
    """Each Python program of the README prints, to the letter, the text that follows it."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == shown


def test_every_program_is_shown_with_what_it_prints() -> None:
    """No Python of the README goes unchecked."""
    assert len(PROGRAMS) == sum(language == "python" for language, _ in BLOCKS) == 2


@pytest.mark.e2e
def test_yaml_is_the_example() -> None:
    """The problem file of the README is read and DISAGREES, as examples/founding_case.yaml does."""
    (text,) = [text for language, text in BLOCKS if language == "yaml"]
    command = [sys.executable, "-m", "gradproof", "check", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert "half a squared error" in done.stdout


COMMANDS = re.findall(
    r"^gradproof (\w.*?)(?:\s+#.*)?$", "\n".join(t for lang, t in BLOCKS if lang == "sh"), re.MULTILINE
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.e2e
def test_commands_run(command: str) -> None:
    """Every gradproof command of the README ends with a status that it may end with, and says nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "gradproof", *command.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == (1 if command.startswith("check") else 0), done.stderr
    assert not done.stderr


def test_there_are_commands() -> None:
    """The README has commands to run, and links only to files that exist."""
    assert len(COMMANDS) >= 3
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_make_targets_exist() -> None:
    """Every `make` target that the README names is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)", README)) - {"a"}:
        assert f"\n{target}:" in makefile, target
