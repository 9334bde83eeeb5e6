"""Reports as text and as HTML: a table with the count on top and bad rows marked, then why."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradproof.tensors import Array

if TYPE_CHECKING:
    from gradproof.results import Comparison, Diagnosis, Finding, Reference, Report, UpdateComparison, WorstElement

WIDTH = 110
SHRINKABLE = ((1, 10), (3, 9))
"""Columns that give way where the table is too wide, the names first, and how narrow they may become."""
MARKS = {"AGREES": "ok", "DISAGREES": "XX", "INCONCLUSIVE": "??"}
HEADER = ("", "tensor", "wrong", "worst at", "claimed", "reference", "abs", "rel", "ulp", "tolerance", "from")
LEFT = frozenset({0, 1, 3, 10})
"""Columns that are aligned to the left; the others hold numbers."""


@dataclass(frozen=True)
class Row:
    """One line of the table: its cells, whether it is bad, and remarks that belong below it."""

    cells: tuple[str, ...]
    verdict: str
    remarks: tuple[str, ...] = ()


def report_to_text(report: Report) -> str:
    """The report as plain text, no wider than about 110 columns."""
    parts = [summary(report), *_table_lines(report_rows(report))]
    if report.diagnosis is not None:
        parts += _diagnosis_lines(report.diagnosis)
    return "\n".join(parts)


def summary(report: Report) -> str:
    """The verdict and the count: "DISAGREES: 1 of 3 claimed tensors, 2 of 10 numbers"."""
    tensors = len(report.comparisons)
    numbers = sum(c.elements for c in report.comparisons)
    if report.verdict == "AGREES":
        return f"AGREES: {_count(tensors, 'claimed tensor')}, {_count(numbers, 'number')}, all within tolerance"
    bad = [c for c in report.comparisons if c.verdict == report.verdict]
    wrong = sum(max(c.disagreeing, c.update.disagreeing if c.update else 0) for c in bad)
    tail = f", {wrong} of {_count(numbers, 'number')} outside tolerance" if report.verdict == "DISAGREES" else ""
    return f"{report.verdict}: {len(bad)} of {_count(tensors, 'claimed tensor')}{tail}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def report_rows(report: Report) -> list[Row]:
    """One row per claimed tensor, and one for its change where that is what disagrees."""
    rows: list[Row] = []
    for comparison in report.comparisons:
        rows.append(_row(comparison))
        if comparison.update is not None and comparison.update.disagreeing:
            rows.append(_update_row(comparison, comparison.update))
    return rows


def _row(comparison: Comparison) -> Row:
    cells = (
        MARKS[comparison.verdict],
        str(comparison.tensor),
        f"{comparison.disagreeing}/{comparison.elements}",
        *_worst_cells(comparison.worst),
        comparison.tolerance_source,
    )
    remarks = [f"tolerance: {comparison.tolerance}"] if comparison.verdict != "AGREES" and comparison.tolerance else []
    return Row(cells, comparison.verdict, (*remarks, *([comparison.note] if comparison.note else [])))


def _update_row(comparison: Comparison, update: UpdateComparison) -> Row:
    wrong = f"{update.disagreeing}/{comparison.elements}"
    cells = (MARKS["DISAGREES"], "  change, new - old", wrong, *_worst_cells(update.worst), comparison.tolerance_source)
    return Row(cells, "DISAGREES", (f"tolerance of the change: {update.tolerance}",) if update.tolerance else ())


def _worst_cells(worst: WorstElement | None) -> tuple[str, ...]:
    if worst is None:
        return ("-",) * 7
    return (
        index_text(worst.index),
        *_pair(worst.claimed, worst.reference),
        *(f"{value:.2g}" for value in (worst.absolute, worst.relative, worst.ulps, worst.tolerance)),
    )


def index_text(index: Sequence[int]) -> str:
    """The position of an element, "[0,1]"; "scalar" where there are no dimensions."""
    return f"[{','.join(map(str, index))}]" if index else "scalar"


def _pair(claimed: float, reference: float) -> tuple[str, str]:
    """Both numbers with as many digits, 6 or 9, as are needed to see that they differ."""
    for digits in (6, 9):
        texts = f"{claimed:.{digits}g}", f"{reference:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def _table_lines(rows: Sequence[Row]) -> list[str]:
    widths = _column_widths([HEADER, *(row.cells for row in rows)])
    lines = ["", _line(HEADER, widths)]
    for row in rows:
        lines.append(_line(row.cells, widths))
        for remark in row.remarks:
            lines += _wrap(remark, "     ")
    return lines


def _column_widths(table: Sequence[Sequence[str]]) -> list[int]:
    widths = [max(len(cells[i]) for cells in table) for i in range(len(HEADER))]
    for column, narrowest in SHRINKABLE:
        excess = max(0, sum(widths) + 2 * (len(widths) - 1) - WIDTH)
        widths[column] = max(min(widths[column], narrowest), widths[column] - excess)
    return widths


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    fitted = [shorten(cell, width) for cell, width in zip(cells, widths, strict=True)]
    placed = [
        cell.ljust(w) if i in LEFT else cell.rjust(w) for i, (cell, w) in enumerate(zip(fitted, widths, strict=True))
    ]
    return "  ".join(placed).rstrip()


def shorten(text: str, width: int) -> str:
    """The text, with dots in its middle where it is too long: both ends of a name tell most."""
    if len(text) <= width:
        return text
    head = (width - 2) // 2
    return f"{text[:head]}..{text[len(text) - (width - 2 - head) :]}"


def _wrap(text: str, indent: str, hanging: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + hanging)


def _diagnosis_lines(diagnosis: Diagnosis) -> list[str]:
    lines: list[str] = []
    for number, finding in enumerate(diagnosis.findings, start=1):
        lines += ["", *_wrap(f"{number}. {finding.title}", "", "   ")]
        for label, text in finding_parts(finding):
            lines += _wrap(f"{label}: {text}" if label else text, "   ", "  " if label else "")
    if not diagnosis.findings:
        lines += _localization_lines(diagnosis)
    tail = diagnosis_tail(diagnosis)
    return [*lines, *(["", *(line for text in tail for line in _wrap(text, ""))] if tail else [])]


def finding_parts(finding: Finding) -> list[tuple[str, str]]:
    """What is said of a finding below its title: labels (empty for plain text) and texts."""
    parts = [
        ("", finding.explanation),
        ("Advice", finding.advice),
        ("Evidence", _evidence(finding)),
        ("Acts at", ", ".join(finding.sites)),
        ("To be sure", finding.probe),
        ("Code", f"{', '.join(finding.codes)}{' (another convention)' if finding.convention else ''}"),
        ("Read", ", ".join(finding.pages)),
    ]
    return [(label, text) for label, text in parts if text]


def _evidence(finding: Finding) -> str:
    text = f"reproduces {finding.reproduced} of {_count(finding.claimed, 'claimed number')}"
    return f"{text}, the largest remaining distance is {finding.largest_distance:.2g}"


def _localization_lines(diagnosis: Diagnosis) -> list[str]:
    first, *rest = localization_texts(diagnosis) or [""]
    lines = ["", *_wrap(first, "")] if first else []
    return lines + [line for text in rest for line in _wrap(f"- {text}", "", "  ")]


def localization_texts(diagnosis: Diagnosis) -> list[str]:
    """Where the error enters, a sentence first; empty where nothing is known."""
    where = diagnosis.localization
    if where is None:
        return []
    entry = [f"the error enters at {where.enters_at}"] if where.enters_at else []
    return [where.summary or "The claim disagrees.", *entry, *where.observations]


def diagnosis_tail(diagnosis: Diagnosis) -> list[str]:
    """Cautions, and how far the search went."""
    tail = [diagnosis.caution] if diagnosis.caution else []
    if diagnosis.budget_exhausted:
        tried = _count(diagnosis.variants_tried, "variant")
        tail.append(f"The search ended after {tried} and {diagnosis.seconds:.2g} s, before all were tried.")
    return tail


def report_to_html(report: Report) -> str:
    """The report as an HTML fragment for notebooks; everything that came from outside is escaped."""
    parts = [f"<p><strong>{html.escape(summary(report))}</strong></p>", _html_table(HEADER, report_rows(report))]
    diagnosis = report.diagnosis
    if diagnosis is not None:
        parts += [_html_finding(finding) for finding in diagnosis.findings]
        where = [] if diagnosis.findings else localization_texts(diagnosis)
        texts = [*where, *diagnosis_tail(diagnosis)]
        parts += [f"<p>{html.escape(text)}</p>" for text in texts]
    return f'<div class="gradproof-report">{"".join(parts)}</div>'


def _html_table(header: Sequence[str], rows: Iterable[Row]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(_html_row(row) for row in rows)}</tbody></table>"


def _html_row(row: Row) -> str:
    style = ' style="background: #fdd; color: #000"' if row.verdict == "DISAGREES" else ""
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row.cells)
    span = len(row.cells) - 1
    remarks = "".join(f'<tr><td></td><td colspan="{span}">{html.escape(text)}</td></tr>' for text in row.remarks)
    return f"<tr{style}>{cells}</tr>{remarks}"


def _html_finding(finding: Finding) -> str:
    items = (
        f"<br><em>{html.escape(label)}:</em> {html.escape(text)}" if label else f"<br>{html.escape(text)}"
        for label, text in finding_parts(finding)
    )
    return f"<p><strong>{html.escape(finding.title)}</strong>{''.join(items)}</p>"


def reference_to_text(reference: Reference) -> str:
    """The tensors of a reference, one a block, long ones shortened."""
    lines = [_reference_head(reference)]
    for key, value in reference.tensors.items():
        text = array_text(value)
        separator = "\n" if "\n" in text else " "
        lines.append(f"{key} {_shape(value)}{separator}{text}" if value.ndim else f"{key} {text}")
    return "\n".join(lines)


def _reference_head(reference: Reference) -> str:
    env = reference.environment
    rates = f", learning rate {', '.join(f'{rate:g}' for rate in reference.learning_rates[:6])}"
    more = ", ..." if len(reference.learning_rates) > 6 else ""
    where = f"PyTorch {env.torch_version}, {env.dtype}, {env.device}"
    return f"{_count(reference.parameters, 'parameter')}, {where}" + (rates + more if reference.learning_rates else "")


def array_text(value: Array) -> str:
    """The numbers of an array, to 8 significant digits, long ones shortened."""
    if value.ndim == 0:
        number = value.item()
        return f"{number:.8g}" if isinstance(number, float) and math.isfinite(number) else str(number)
    return np.array2string(value, precision=8, threshold=40, edgeitems=3, max_line_width=WIDTH, separator=", ")


def _shape(value: Array) -> str:
    return f"({', '.join(map(str, value.shape))}{',' if value.ndim == 1 else ''})"


def reference_to_html(reference: Reference) -> str:
    """A reference as an HTML fragment for notebooks."""
    rows = [
        Row((str(key), _shape(value), str(value.dtype), array_text(value)), "AGREES")
        for key, value in reference.tensors.items()
    ]
    table = _html_table(("tensor", "shape", "dtype", "numbers"), rows)
    return f'<div class="gradproof-reference"><p>{html.escape(_reference_head(reference))}</p>{table}</div>'
