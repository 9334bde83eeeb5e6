"""Lines of styled text, and their form for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

_CODES = {"title": "1", "head": "2", "dim": "2", "good": "32", "warn": "33", "bad": "31"}
_GAP = "  "


class Span(NamedTuple):
    """A text and the name of its style; "" is none."""

    text: str
    style: str = ""


Line: TypeAlias = Sequence[Span]


def table(header: Sequence[str], rows: Iterable[Line]) -> list[Line]:
    """Lines of aligned cells, the first and the last column to the left; a shorter row ends with a cell that may be of
    any width."""
    rows = list(rows)
    whole = [row for row in rows if len(row) == len(header)]
    firsts = [len(row[0].text) for row in rows]
    widths = [max(len(name), *(len(row[k].text) for row in whole), 0) for k, name in enumerate(header)]
    widths[0] = max([widths[0], *firsts])
    return [_row([Span(name, "head") for name in header], widths), *(_row(row, widths) for row in rows)]


def _row(cells: Line, widths: Sequence[int]) -> Line:
    spans = []
    for k, (text, style) in enumerate(cells):
        if k == 0:
            text = text.ljust(widths[0])
        elif k < len(widths) - 1 and len(cells) == len(widths):
            text = text.rjust(widths[k])
        spans += [Span(text, style), Span(_GAP)]
    return spans[:-1]


def flow(label: str, items: Sequence[Sequence[Span]], indent: int, width: int) -> list[Line]:
    """A label and items, in as many lines as they need at this width; an item is never split."""
    lines: list[list[Span]] = [[Span(label.ljust(indent), "head")]]
    used = indent
    for item in items:
        length = sum(len(span.text) for span in item) + len(_GAP)
        if used + length > width + len(_GAP) and used > indent:
            lines.append([Span(" " * indent)])
            used = indent
        lines[-1] += [*item, Span(_GAP)]
        used += length
    return [*lines]


def paint(line: Line, width: int | None, colours: bool) -> str:
    """A line of at most so many characters; what cannot be printed, in names that servers sent, is a question mark."""
    parts = []
    left = width
    for text, style in line:
        shown = "".join(character if character.isprintable() else "?" for character in text)[:left]
        parts.append(f"\x1b[{_CODES[style]}m{shown}\x1b[0m" if colours and style and shown.strip() else shown)
        left = None if left is None else left - len(shown)
    return "".join(parts).rstrip()


def fit(lines: Sequence[Line], height: int) -> list[Line]:
    """The first lines, as many as there is room for, and how many are missing."""
    if len(lines) <= height:
        return list(lines)
    return [*lines[: max(0, height - 1)], [Span(f"({len(lines) - height + 1} lines more)", "dim")]][:height]
