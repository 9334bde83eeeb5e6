"""What was measured, as tables of Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from gradproof_server.engine.types import Verdict

from .alarms import Said
from .bars import Bar
from .blindness import Detection
from .large import Large
from .rivals import Case, Claimed
from .speed import Cost, Timing

NO_DERIVATIVE = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under a head."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def of_bars(groups: dict[str, list[Bar]]) -> str:
    """One row for each kind of function."""
    rows = []
    for kind, bars in groups.items():
        widths = [b.bar / abs(b.derivative) for b in bars if b.derivative and np.isfinite(b.bar)]
        over = [b.bar / b.error for b in bars if b.error > 0]
        verdicts = Counter(b.verdict for b in bars)
        rows.append(
            (
                kind,
                len(bars),
                f"{np.mean([b.honest for b in bars]):.2%}",
                f"{np.median(widths):.1e}",
                f"{np.median(over):.0f}",
                verdicts[Verdict.AGREES],
                verdicts[Verdict.INCONCLUSIVE],
                verdicts[Verdict.DISAGREES],
            )
        )
    head = ("", "derivatives", "error inside the bar", "bar / derivative", "bar / error")
    return table((*head, "agree", "inconclusive", "disagree (all wrongly)"), rows)


def of_rivals(rows: Sequence[tuple[Case, dict[str, Claimed]]]) -> str:
    """One row for each case: claimed error / true error of each tool, and what it says."""
    names = list(dict.fromkeys(name for _, said in rows for name in said))

    def cell(case: Case, claimed: Claimed | None) -> str:
        if claimed is None:
            return "not installed"
        true = abs(claimed.value - case.derivative)
        numbers = f"{claimed.error:.1e} / {true:.1e}"
        if np.isnan(true):
            numbers = NO_DERIVATIVE if np.isnan(claimed.value) else f"{claimed.value:.3g} ± {claimed.error:.1e}"
        return f"{numbers} {claimed.said}".strip()

    return table(
        ("claimed / true error", *names), [(c.name, *(cell(c, said.get(n)) for n in names)) for c, said in rows]
    )


def of_alarms(counts: Counter[str], said: Sequence[Said]) -> str:
    """Verdicts counted, and by subject and cause what was said other than AGREES, with one example each."""
    total = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    groups: dict[tuple[str, ...], list[Said]] = {}
    for one in said:
        own = " (known of PyTorch)" * one.is_pytorchs_own
        groups.setdefault((one.subject.name, one.verdict.name + own, one.cause.name), []).append(one)
    rows = [(*key, len(some), some[0].problem, some[0].text) for key, some in sorted(groups.items())]
    return f"{total} of right problems.\n\n" + table(("of", "verdict", "cause", "tensors", "for example", "text"), rows)


def of_blindness(detections: Sequence[Detection], flips: dict[float, dict[str, bool]]) -> str:
    """One row for each size, one for each flipped sign."""
    names = list(dict.fromkeys(name for detection in detections for name in detection.seen))
    sizes = table(
        ("elements", *names),
        [(f"{d.size:,}", *(f"{d.seen[n]:.1e}" if n in d.seen else "" for n in names)) for d in detections],
    )
    flipped = next(iter(flips.values()), {})
    signs = table(
        ("gradients of", *flipped),
        [(f"{size:.0e}", *("seen" if seen else "missed" for seen in row.values())) for size, row in flips.items()],
    )
    return (
        f"The smallest relative error of one element that is seen:\n\n{sizes}\n\nOne flipped sign among ten:\n\n{signs}"
    )


def of_speed(timings: Sequence[Timing]) -> str:
    """One row for each network; seconds of CPU of one thread."""
    rows = [
        (
            t.name,
            f"{t.parameters:,}",
            f"{t.evaluations:,}",
            f"{t.witness * 1e3:.0f} ms",
            f"{t.gradcheck * 1e3:.0f} ms ({t.gradcheck / t.witness:.1f} x)",
            f"{t.vmap * 1e3:.0f} ms ({t.vmap / t.witness:.1f} x)",
            t.verdict,
        )
        for t in timings
    ]
    return table(
        ("every element of", "parameters", "evaluations", "witness", "gradcheck", "plain vmap", "verdict"), rows
    )


def of_costs(costs: Sequence[Cost]) -> str:
    """One row for each size."""
    rows = [
        (
            f"{c.parameters:,}",
            c.modes,
            f"{c.lines:,}",
            f"{c.evaluations:,}",
            f"{c.estimate:.2f} s",
            f"{c.seconds:.2f} s",
        )
        for c in costs
    ]
    return table(("parameters", "AUTO chose", "lines", "evaluations", "estimate", "took"), rows)


def of_large(large: Large) -> str:
    """In words."""
    return (
        f"{large.parameters:,} parameters ({large.own:.0f} MiB in float32): {large.verdict} in {large.seconds:.1f} s "
        f"(estimate {large.estimate:.1f} s), {large.progress} messages of progress; resident memory rose from "
        f"{large.before:.0f} to {large.peak:.0f} MiB at its peak, by {large.peak - large.before:.0f} MiB. Given half "
        f"the seconds, {large.half_done} tensors were done and {large.half_left} reported as not reached after "
        f"{large.half_seconds:.1f} s."
    )
