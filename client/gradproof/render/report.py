"""Reports: a table with the count on top and the bad rows marked, then the explanation."""

from __future__ import annotations

import html

from gradproof.render.table import MARKS, Form, Row, count, html_table, index_text, pair, table_lines, wrap
from gradproof.results import Comparison, Diagnosis, Finding, Report, UpdateComparison, WorstElement

FORM = Form(
    header=("", "tensor", "wrong", "worst at", "claimed", "reference", "abs", "rel", "ulp", "tolerance", "from"),
    left=frozenset({0, 1, 3, 10}),
    shrinkable=((1, 10), (3, 9)),
)


def report_to_text(report: Report) -> str:
    """The report as plain text, no wider than about 110 columns."""
    parts = [summary(report), *table_lines(FORM, report_rows(report))]
    if report.diagnosis is not None:
        parts += _diagnosis_lines(report.diagnosis)
    return "\n".join(parts)


def summary(report: Report) -> str:
    """The verdict and the count: "DISAGREES: 1 of 3 claimed tensors, 2 of 10 numbers"."""
    tensors = len(report.comparisons)
    numbers = sum(c.elements for c in report.comparisons)
    if report.verdict == "AGREES":
        return f"AGREES: {count(tensors, 'claimed tensor')}, {count(numbers, 'number')}, all within tolerance"
    bad = [c for c in report.comparisons if c.verdict == report.verdict]
    wrong = sum(max(c.disagreeing, c.update.disagreeing if c.update else 0) for c in bad)
    tail = f", {wrong} of {count(numbers, 'number')} outside tolerance" if report.verdict == "DISAGREES" else ""
    return f"{report.verdict}: {len(bad)} of {count(tensors, 'claimed tensor')}{tail}"


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
        *pair(worst.claimed, worst.reference),
        *(f"{value:.2g}" for value in (worst.absolute, worst.relative, worst.ulps, worst.tolerance)),
    )


def _diagnosis_lines(diagnosis: Diagnosis) -> list[str]:
    lines: list[str] = []
    for number, finding in enumerate(diagnosis.findings, start=1):
        lines += ["", *wrap(f"{number}. {finding.title}", "", "   ")]
        for label, text in finding_parts(finding):
            lines += wrap(f"{label}: {text}" if label else text, "   ", "  " if label else "")
    if not diagnosis.findings:
        lines += _localization_lines(diagnosis)
    tail = diagnosis_tail(diagnosis)
    return [*lines, *(["", *(line for text in tail for line in wrap(text, ""))] if tail else [])]


def finding_parts(finding: Finding) -> list[tuple[str, str]]:
    """What is said of a finding below its title: labels (empty for plain text) and texts."""
    parts = [
        ("", finding.explanation),
        ("Advice", finding.advice),
        ("Evidence", _evidence(finding)),
        ("Acts at", ", ".join(finding.sites)),
        ("To be sure", finding.probe),
        ("Code", f"{', '.join(finding.codes)}{' (another convention)' if finding.convention else ''}"),
        ("Read", ", ".join(finding.documentation_urls) or f"gradproof explain {' '.join(finding.codes)}"),
    ]
    return [(label, text) for label, text in parts if text]


def _evidence(finding: Finding) -> str:
    text = f"reproduces {finding.reproduced} of {count(finding.claimed, 'claimed number')}"
    return f"{text}, the largest remaining distance is {finding.largest_distance:.2g}"


def _localization_lines(diagnosis: Diagnosis) -> list[str]:
    first, *rest = localization_texts(diagnosis) or [""]
    lines = ["", *wrap(first, "")] if first else []
    return lines + [line for text in rest for line in wrap(f"- {text}", "", "  ")]


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
        tried = count(diagnosis.variants_tried, "variant")
        tail.append(f"The search ended after {tried} and {diagnosis.seconds:.2g} s, before all were tried.")
    return tail


def report_to_html(report: Report) -> str:
    """The report as an HTML fragment for notebooks; everything that came from outside is escaped."""
    parts = [f"<p><strong>{html.escape(summary(report))}</strong></p>", html_table(FORM.header, report_rows(report))]
    diagnosis = report.diagnosis
    if diagnosis is not None:
        parts += [_html_finding(finding) for finding in diagnosis.findings]
        where = [] if diagnosis.findings else localization_texts(diagnosis)
        texts = [*where, *diagnosis_tail(diagnosis)]
        parts += [f"<p>{html.escape(text)}</p>" for text in texts]
    return f'<div class="gradproof-report">{"".join(parts)}</div>'


def _html_finding(finding: Finding) -> str:
    items = (
        f"<br><em>{html.escape(label)}:</em> {html.escape(text)}" if label else f"<br>{html.escape(text)}"
        for label, text in finding_parts(finding)
    )
    return f"<p><strong>{html.escape(finding.title)}</strong>{''.join(items)}</p>"
