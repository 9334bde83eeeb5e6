"""Tables as text and as HTML: bad rows marked, remarks below the row that they belong to."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 110
MARKS = {"AGREES": "ok", "DISAGREES": "XX", "INCONCLUSIVE": "??"}
"""What stands at the beginning of a row, by verdict."""


@dataclass(frozen=True)
class Form:
    """A form of table.

    Attributes:
        header: the names of the columns.
        left: the columns that are aligned to the left; the others hold numbers.
        shrinkable: columns that give way where the table is too wide, the first one first, and how narrow they may
            become.
    """

    header: tuple[str, ...]
    left: frozenset[int]
    shrinkable: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Row:
    """One line of the table: its cells, whether it is bad, and remarks that belong below it."""

    cells: tuple[str, ...]
    verdict: str
    remarks: tuple[str, ...] = ()


def count(number: int, noun: str) -> str:
    """A number and what is counted: "1 tensor", "2 tensors"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def index_text(index: Sequence[int]) -> str:
    """The position of an element, "[0,1]"; "scalar" where there are no dimensions."""
    return f"[{','.join(map(str, index))}]" if index else "scalar"


def pair(first: float, second: float) -> tuple[str, str]:
    """Both numbers with as many digits, 6 or 9, as are needed to see that they differ."""
    for digits in (6, 9):
        texts = f"{first:.{digits}g}", f"{second:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def shorten(text: str, width: int) -> str:
    """The text, with dots in its middle where it is too long: both ends of a name tell most."""
    if len(text) <= width:
        return text
    head = (width - 2) // 2
    return f"{text[:head]}..{text[len(text) - (width - 2 - head) :]}"


def wrap(text: str, indent: str, hanging: str = "") -> list[str]:
    """The lines of a text, each behind the indent, those after the first behind the hanging one too."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + hanging)


def table_lines(form: Form, rows: Sequence[Row]) -> list[str]:
    """The table as lines no wider than WIDTH, after an empty one."""
    widths = _column_widths(form, [form.header, *(row.cells for row in rows)])
    lines = ["", _line(form, form.header, widths)]
    for row in rows:
        lines.append(_line(form, row.cells, widths))
        for remark in row.remarks:
            lines += wrap(remark, "     ")
    return lines


def without_column(form: Form, rows: Sequence[Row], column: int) -> tuple[Form, list[Row]]:
    """The form and its rows without a column."""

    def moved(index: int) -> int:
        return index - (index > column)

    def cut(cells: tuple[str, ...]) -> tuple[str, ...]:
        return cells[:column] + cells[column + 1 :]

    left = frozenset(moved(index) for index in form.left if index != column)
    shrinkable = tuple((moved(index), narrowest) for index, narrowest in form.shrinkable if index != column)
    shorter = [Row(cut(row.cells), row.verdict, row.remarks) for row in rows]
    return Form(cut(form.header), left, shrinkable), shorter


def _column_widths(form: Form, table: Sequence[Sequence[str]]) -> list[int]:
    widths = [max(len(cells[i]) for cells in table) for i in range(len(form.header))]
    for column, narrowest in form.shrinkable:
        excess = max(0, sum(widths) + 2 * (len(widths) - 1) - WIDTH)
        widths[column] = max(min(widths[column], narrowest), widths[column] - excess)
    return widths


def _line(form: Form, cells: Sequence[str], widths: Sequence[int]) -> str:
    fitted = [shorten(cell, width) for cell, width in zip(cells, widths, strict=True)]
    sized = enumerate(zip(fitted, widths, strict=True))
    return "  ".join(cell.ljust(w) if i in form.left else cell.rjust(w) for i, (cell, w) in sized).rstrip()


def html_table(header: Sequence[str], rows: Iterable[Row]) -> str:
    """The table as an HTML fragment; everything in it is escaped."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(_html_row(row) for row in rows)}</tbody></table>"


def _html_row(row: Row) -> str:
    style = ' style="background: #fdd; color: #000"' if row.verdict == "DISAGREES" else ""
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row.cells)
    span = len(row.cells) - 1
    remarks = "".join(f'<tr><td></td><td colspan="{span}">{html.escape(text)}</td></tr>' for text in row.remarks)
    return f"<tr{style}>{cells}</tr>{remarks}"
