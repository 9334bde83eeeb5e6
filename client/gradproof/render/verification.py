"""Verifications and estimates: the count on top, one row per tensor, bad rows marked and explained."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator

from gradproof.reference import TensorName
from gradproof.render.table import (
    MARKS,
    Form,
    Row,
    count,
    html_table,
    index_text,
    pair,
    table_lines,
    without_column,
    wrap,
)
from gradproof.witness import Estimate, Judgement, TensorWitness, Verification, WitnessedValue

FORM = Form(
    header=("", "tensor", "of", "checked", "wrong", "worst at", "stated", "numeric ± bar", "gap", "ulp", "step"),
    left=frozenset({0, 1, 2, 5}),
    shrinkable=((1, 13), (5, 9)),
)
WHOSE = 2
"""The column that says whose derivatives a row is about."""
ESTIMATE_FORM = Form(
    header=("", "tensor", "mode", "elements", "lines", "evaluations", "flops each"),
    left=frozenset({0, 1, 2}),
    shrinkable=((1, 12),),
)
SUBJECTS = {"reference": "ref", "claim": "claim", "forward mode": "fwd", "second order": "2nd"}
"""Whose derivatives a row is about, in short."""
MOST_AGREEING_ROWS = 20
"""Of more tensors that agree, the number is told."""
CUT_OFF = {"interrupted": "it was interrupted", "deadline": "the deadline of the call passed"}


def verification_to_text(verification: Verification) -> str:
    """The verification as plain text, no wider than about 110 columns."""
    lines = wrap(headline(verification), "")
    lines += wrap(verification.summary, "") if verification.summary else []
    if verification.tensors:
        lines += table_lines(*verification_table(verification))
    lines += ["", *(line for text in tail(verification) for line in wrap(text, ""))]
    return "\n".join(lines)


def headline(verification: Verification) -> str:
    """The verdict and the count: "DISAGREES: 1 of 3 tensors, 2 of 10 numbers (reference AGREES, claim DISAGREES)"."""
    tensors, verdict = verification.tensors, verification.verdict
    checked = sum(t.elements_checked + t.directions_checked for t in tensors)
    if not tensors:
        return f"{verdict}: nothing was looked at"
    ending = ""
    if len({judgement.subject == "claim" for tensor in tensors for judgement in tensor.judgements}) > 1:
        ending = f" (reference {verification.reference_verdict}, claim {verification.claim_verdict})"
    if verdict == "AGREES":
        tail_text = f"{count(len(tensors), 'tensor')}, {count(checked, 'derivative')}, all within their bars"
    else:
        bad = [tensor for tensor in tensors if tensor.verdict == verdict]
        wrong = sum(max((_number(j, verdict) for j in tensor.judgements), default=0) for tensor in bad)
        tail_text = f"{len(bad)} of {count(len(tensors), 'tensor')}, {wrong} of {count(checked, 'derivative')}"
    so_far = "" if verification.complete else " so far"
    return f"{verdict}{so_far}: {tail_text}{ending}"


def _number(judgement: Judgement, verdict: str) -> int:
    return judgement.disagreeing if verdict == "DISAGREES" else judgement.inconclusive


def verification_table(verification: Verification) -> tuple[Form, list[Row]]:
    """The table; where all of it is about the same subject, that is not said in each row."""
    rows = verification_rows(verification)
    subjects = {judgement.subject for tensor in verification.tensors for judgement in tensor.judgements}
    plain = all(row.cells[WHOSE] in (SUBJECTS["reference"], "") for row in rows)
    return without_column(FORM, rows, WHOSE) if plain or len(subjects) == 1 else (FORM, rows)


def verification_rows(verification: Verification) -> list[Row]:
    """The tensors that do not agree, each of their judgements that does not; then those that agree, some of many."""
    bad = [tensor for tensor in verification.tensors if tensor.verdict != "AGREES"]
    good = [tensor for tensor in verification.tensors if tensor.verdict == "AGREES"]
    rows = [row for tensor in bad for row in _bad_rows(tensor)]
    rows += [_good_row(tensor) for tensor in good[:MOST_AGREEING_ROWS]]
    more = len(good) - MOST_AGREEING_ROWS
    if more > 0:
        rows.append(Row((MARKS["AGREES"], f"{more} more", *[""] * (len(FORM.header) - 2)), "AGREES"))
    return rows


def _bad_rows(tensor: TensorWitness) -> Iterator[Row]:
    judgements = [judgement for judgement in tensor.judgements if judgement.verdict != "AGREES"]
    for number, judgement in enumerate(judgements):
        is_last = number == len(judgements) - 1
        remarks = [_why(judgement), *(_remarks(tensor) if is_last else [])]
        yield _row(tensor, judgement, tuple(text for text in remarks if text))


def _good_row(tensor: TensorWitness) -> Row:
    explained = [text for judgement in tensor.judgements for text in [judgement.explanation] if text]
    return _row(tensor, tensor.gravest, (*dict.fromkeys(explained), *_remarks(tensor)))


def _why(judgement: Judgement) -> str:
    return f"{judgement.cause}: {judgement.explanation}".strip(": ") if judgement.cause else judgement.explanation


def _remarks(tensor: TensorWitness) -> list[str]:
    """Kinks, and what should be known of the check."""
    remarks = [kink.text for kink in tensor.kinks if kink.text]
    return remarks + ([tensor.note] if tensor.note else [])


def _row(tensor: TensorWitness, judgement: Judgement, remarks: tuple[str, ...]) -> Row:
    cells = (
        MARKS[judgement.verdict],
        short_name(tensor.tensor),
        SUBJECTS[judgement.subject],
        _checked(tensor),
        str(judgement.disagreeing or judgement.inconclusive),
        *_worst_cells(judgement),
    )
    return Row(cells, judgement.verdict, remarks)


def _checked(tensor: TensorWitness) -> str:
    elements = f"{tensor.elements_checked}/{tensor.elements}"
    return f"{elements}+{tensor.directions_checked}d" if tensor.directions_checked else elements


def _worst_cells(judgement: Judgement) -> tuple[str, ...]:
    worst = judgement.worst
    if worst is None:
        return ("-",) * 6
    stated, numeric = f"{worst.stated:.6g}", f"{worst.numeric:.6g}"
    if judgement.verdict == "DISAGREES":
        stated, numeric = pair(worst.stated, worst.numeric)
    return (
        place_text(worst),
        stated,
        f"{numeric} ± {worst.bar:.1g}",
        f"{worst.gap:.2g}",
        f"{worst.ulps:.2g}",
        f"{worst.steps[0]:.0e}" if worst.steps[0] > 0 else "-",
    )


def short_name(name: TensorName) -> str:
    """What a derivative is taken by: "0.weight", "input (input)", "1 (node)"; "tangent" for a product with one."""
    kind = {"input_gradients": " (input)", "node_gradients": " (node)"}.get(name.quantity, "")
    return f"{name.name or 'tangent'}{kind}" + (f", step {name.step}" if name.step else "")


def place_text(value: WitnessedValue) -> str:
    """Where a derivative is: "[0,1]", "direction 2", or "[0]<-[0,1]" for an output and an element."""
    if value.direction:
        return f"direction {value.direction}"
    index = index_text(value.index)
    return f"{index_text(value.output_index)}<-{index}" if value.output_index else index


def tail(verification: Verification) -> list[str]:
    """How it was done: cost, value, noise, seed; and what was not looked at."""
    lines = [f"{count(verification.evaluations, 'evaluation')} in {verification.seconds:.3g} s"]
    if not math.isnan(verification.value):
        noise = f"rounding noise {verification.rounding_noise:.1g}, repeat noise {verification.repeat_noise:.1g}"
        lines[0] += f"; the function is {verification.value:.9g} at the point, {noise}"
    made = verification.reproducer
    if made is not None:
        env = made.environment
        where = ", ".join(text for text in (env.torch_version and f"PyTorch {env.torch_version}", env.device) if text)
        lines.append(f"seed {made.seed}" + (f"; {where}" if where else ""))
    if not verification.complete:
        lines.append(_unfinished(verification))
    return lines


def _unfinished(verification: Verification) -> str:
    why = CUT_OFF.get(verification.cut_off, "its bounds ended it")
    names = [short_name(name) for name in verification.not_reached]
    some = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"The check is not complete, because {why}" + (f". Not reached: {some}" if names else "")


def verification_to_html(verification: Verification) -> str:
    """The verification as an HTML fragment for notebooks; everything that came from outside is escaped."""
    parts = [f"<p><strong>{html.escape(headline(verification))}</strong></p>"]
    parts += [f"<p>{html.escape(verification.summary)}</p>"] if verification.summary else []
    form, rows = verification_table(verification)
    parts.append(html_table(form.header, rows))
    parts += [f"<p>{html.escape(text)}</p>" for text in tail(verification)]
    return f'<div class="gradproof-verification">{"".join(parts)}</div>'


def estimate_to_text(estimate: Estimate) -> str:
    """The estimate as plain text."""
    lines = [
        f"{count(estimate.evaluations, 'evaluation')}, {estimate.flops:.2g} floating-point operations, "
        f"about {estimate.seconds:.2g} s"
    ]
    rows = [
        Row(
            (
                "",
                short_name(tensor.tensor),
                str(tensor.mode),
                str(tensor.elements),
                str(tensor.lines),
                str(tensor.evaluations),
                f"{tensor.flops_per_evaluation:.2g}",
            ),
            "AGREES",
        )
        for tensor in estimate.tensors
    ]
    return "\n".join([*lines, *table_lines(ESTIMATE_FORM, rows)])
