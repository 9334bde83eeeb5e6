"""Mutations of texts: words, numbers and lines that are changed, moved, doubled and taken from another text."""

from __future__ import annotations

import re

from fuzz.maker import Maker
from fuzz.mutate import damaged

_DAMAGE = 0.1
_WORD = re.compile(r"[-+\w.]+")
_WORDS = (
    *("0", "-1", "1", "2", "0.5", "1e-5", "1e999", "-.inf", ".nan", "nan", "9" * 20, "9" * 5000, "0x1f", "1_000", "1_"),
    *("1__0", "0x", "1e", "true", "null", "~", "[]", "{}", "[[1, 2], [3]]", "&a", "*a", "<<", "!!binary", "é", "\\0"),
    *(
        "input",
        "target",
        "0.weight",
        "Linear",
        "mean",
        "float64",
        "int8",
        '"a"',
        "'",
        "a: b",
        "- 1",
        "# x",
        "1979-05-27",
    ),
)


def mutated_text(data: bytes, other: bytes, max_size: int, seed: int) -> bytes:
    """The text altered in a few places; arguments as of `mutated`."""
    maker = Maker(seed)
    if maker.chance(_DAMAGE):
        return damaged(data, maker)[:max_size]
    text, donor = data.decode(errors="replace"), other.decode(errors="replace")
    for _ in range(maker.any_of((1, 1, 2, 3))):
        alter = maker.any_of((_alter_word, _alter_word, _alter_line, _nest))
        text = alter(text, donor, maker)
    return text.encode()[:max_size]


def _alter_word(text: str, donor: str, maker: Maker) -> str:
    """A word replaced by a telling one, or by one of either text."""
    spans = [match.span() for match in _WORD.finditer(text)]
    if not spans:
        return text + maker.any_of(_WORDS)
    start, end = maker.any_of(spans)
    words = _WORDS if maker.chance(0.5) else _WORD.findall(donor) or _WORDS
    return text[:start] + maker.any_of(words) + text[end:]


def _alter_line(text: str, donor: str, maker: Maker) -> str:
    """A line removed, doubled, moved, indented, or taken from the donor."""
    lines = text.split("\n")
    at, to = maker.random.randrange(len(lines)), maker.random.randrange(len(lines))
    action = maker.random.randrange(5)
    if action == 0:
        del lines[at]
    elif action == 1:
        lines.insert(to, lines[at])
    elif action == 2:
        lines[at], lines[to] = lines[to], lines[at]
    elif action == 3:
        lines[at] = maker.any_of(("  " + lines[at], lines[at][1:], lines[at].lstrip()))
    else:
        lines.insert(at, maker.any_of(donor.split("\n")))
    return "\n".join(lines)


def _nest(text: str, _donor: str, maker: Maker) -> str:
    """A piece put into brackets, now and then into very many."""
    start, end = sorted((maker.random.randrange(len(text) + 1), maker.random.randrange(len(text) + 1)))
    opening, closing = maker.any_of((("[", "]"), ("{", "}"), ('"', '"'), ("{a: ", "}")))
    depth = maker.any_of((1, 1, 1, 2, 20, 300))
    return text[:start] + opening * depth + text[start:end] + closing * depth + text[end:]
