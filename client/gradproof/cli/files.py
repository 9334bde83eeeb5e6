"""Problem files on the command line: paths, and - for standard input."""

from __future__ import annotations

import sys

from gradproof.problem_file import ProblemFile, load, loads
from gradproof.problem_file.document import not_readable

STDIN = "-"
STDIN_NAME = "standard input"


def _stdin_text() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_readable(f"{STDIN_NAME} is not a text in UTF-8") from None


def read_file(name: str) -> ProblemFile:
    """The problem file of a path, or of standard input for -.

    Raises:
        InvalidProblemError: it cannot be read, or something in it is wrong.
    """
    if name != STDIN:
        return load(name)
    return loads(_stdin_text(), STDIN_NAME)
