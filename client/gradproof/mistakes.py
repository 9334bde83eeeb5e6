"""Mistakes and conventions that a diagnosis can name, and what there is to read about each. Needs no server."""

from __future__ import annotations

import difflib
import functools
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from gradproof.errors import ServerExtraMissingError

FILE = "mistakes.json"
"""Made when a wheel is built; a checkout has none."""


@dataclass(frozen=True)
class Mistake:
    """One mistake, or one convention of another framework or paper. What depends on the problem stands in angle
    brackets, as <beta>.

    Attributes:
        code: its stable name, "<family>.<what>".
        family: the title of its family.
        stage: the stage of a training step that it alters.
        title: the mistake in one sentence.
        explanation: what was done and what PyTorch does, with the formula.
        advice: what to change, on either side.
        convention: whether it is right elsewhere.
        look_alikes: codes that give the same numbers in some problems.
        probe: an experiment that tells it from its look-alikes.
        source: where it is seen.
    """

    code: str
    family: str
    stage: str
    title: str
    explanation: str
    advice: str
    convention: bool
    look_alikes: tuple[str, ...]
    probe: str
    source: str


@functools.cache
def all_mistakes() -> Mapping[str, Mistake]:
    """All of them by code, family by family.

    Raises:
        ServerExtraMissingError: this is a checkout without PyTorch.
    """
    rows = [Mistake(**row | {"look_alikes": tuple(row["look_alikes"])}) for row in _rows()]
    return {row.code: row for row in rows}


def _rows() -> list[dict[str, Any]]:
    file = resources.files("gradproof") / FILE
    return list(json.loads(file.read_text(encoding="utf-8")) if file.is_file() else _server_texts().texts())


def _server_texts() -> Any:
    try:
        return importlib.import_module("gradproof_server.engine.diagnose.texts")
    except ImportError as error:
        text = f'a checkout reads the table of mistakes with PyTorch ({error}); pip install "gradproof[server]"'
        raise ServerExtraMissingError(text) from error


def mistake(code: str) -> Mistake:
    """The mistake of a code. Raises KeyError, which names the nearest codes."""
    known = all_mistakes()
    if code not in known:
        raise KeyError(f"no mistake has the code {code!r}; {_nearest(code)}")
    return known[code]


def _nearest(code: str) -> str:
    parts = [known for known in all_mistakes() if code and code.lower() in known]
    close = parts[:5] or difflib.get_close_matches(code.lower(), all_mistakes(), n=5)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {len(all_mistakes())}"


def matching(text: str = "") -> list[Mistake]:
    """The mistakes of a family ("loss"), or else those with the text in their code or title; all without a text.

    Raises KeyError where there is none.
    """
    wanted = text.lower()
    known = all_mistakes().values()
    of_family = [m for m in known if m.code.startswith(wanted.removesuffix(".") + ".")]
    found = of_family or [m for m in known if wanted in m.code or wanted in m.title.lower()]
    if not found:
        raise KeyError(f"no mistake has {text!r} in its code or title, and no family is called so")
    return found
