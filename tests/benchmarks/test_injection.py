"""Common mistakes, made in random problems, come first in the diagnosis."""

from __future__ import annotations

import pathlib
from itertools import count

import pytest
from gradproof_server.engine.diagnose.variants import TABLE

from benchmarks.diagnosis import injection, recall
from benchmarks.diagnosis.results import Results, Trial

COMMON = (
    "loss.half_squared_error",
    "reduction.sum_instead_of_mean",
    "backward.bias_gradient_averaged",
    "update.backward_used_updated_weights",
    "optimizer.adam.no_bias_correction",
    "update.sign_flipped",
)


@pytest.mark.parametrize("code", COMMON)
def test_injected_mistakes_come_first(code: str) -> None:
    """The mistake, or one that prints the same numbers, is the first finding, and no diagnosis raises."""
    rows = [variant for variant in TABLE if variant.code == code]
    results = Results()
    injection.measure(results, 3, 600, count(), rows)
    assert len(results.trials) == 3
    assert [trial for trial in results.trials if trial.raised or recall.column(trial) == "miss"] == []


def trial(code: str, first: str, alike: bool) -> Trial:
    """An injection of `code` of which `first` was named."""
    return Trial(code, 1, "mlp", "both", "6 decimals", (first,), alike)


def test_results_in_a_file_are_seen_by_all(tmp_path: pathlib.Path) -> None:
    """What one process adds another one counts, once; a line that is still being written waits."""
    path = tmp_path / "recall.jsonl"
    one, other = Results(path), Results(path)
    one.add(trial("loss.half_squared_error", "loss.half_squared_error", True))
    assert other.counts() == {"loss.half_squared_error": 1} == other.counts()
    with path.open("a") as file:
        file.write('{"code": "loss.')
    assert one.counts() == {"loss.half_squared_error": 1}
    assert one.trials == other.trials == [trial("loss.half_squared_error", "loss.half_squared_error", True)]


@pytest.mark.parametrize(
    ("first", "alike", "column"),
    [
        ("backward.detached", True, "first"),
        ("gradient.graph_cut", True, "declared look-alike"),
        ("attention.scale", True, "other look-alike"),
        ("gradient.graph_cut", False, "miss"),
    ],
)
def test_how_an_injection_ended(first: str, alike: bool, column: str) -> None:
    """A look-alike gives the same numbers; it is declared where the table says so; all else is a miss."""
    made = trial("backward.detached", first, alike)
    assert recall.column(made) == column
    assert f"| all | 1 | {' | '.join(str(int(name == column)) for name in recall.COLUMNS)} | " in recall.tables([made])
