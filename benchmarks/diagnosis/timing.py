"""Time to explain a claim, by the number of parameters."""

from __future__ import annotations

import statistics

from gradproof_server.engine import Training
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.engine.types import DiagnosisOptions, PrintedDecimals

from tests.support.random_problems.problems import mlp_of

from .claims import Told, ask, claim_of
from .injection import altered, case_of

SIZES = (10, 1_000, 100_000)
MISTAKES = (
    "loss.half_squared_error",
    "reduction.sum_instead_of_mean",
    "rnn.tanh_derivative_at_preactivation",
    "backward.bias_gradient_averaged",
    "update.backward_used_updated_weights",
    "update.sign_flipped",
)


def measure(repeats: int) -> dict[int, list[float]]:
    """Seconds of the diagnosis alone, by the number of parameters, over some common mistakes."""
    rows = {variant.code: variant for variant in TABLE}
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    for size in SIZES:
        for seed in range(repeats):
            problem = mlp_of(size, seed + 1)
            case = case_of(problem)
            for code in MISTAKES:
                for proposal in list(rows[code].propose(case))[:1]:
                    told = altered(problem, (proposal,), "both")
                    if told:
                        seconds[size].append(_seconds(problem.training, told))
    return seconds


def _seconds(training: Training, told: Told) -> float:
    return ask(training, claim_of(told, PrintedDecimals(6)), DiagnosisOptions()).diagnosis.seconds


def table(seconds: dict[int, list[float]]) -> str:
    """Median and 95th percentile in milliseconds, in Markdown."""
    lines = ["| parameters | explanations | median | 95th percentile |", "|---|---|---|---|"]
    for size, values in seconds.items():
        ordered = sorted(values)
        late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        middle = statistics.median(ordered)
        lines.append(f"| {size:,} | {len(ordered)} | {1000 * middle:.0f} ms | {1000 * late:.0f} ms |")
    return "\n".join(lines)
