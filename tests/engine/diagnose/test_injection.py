"""Common mistakes, made in random problems, come first in the diagnosis."""

from __future__ import annotations

from itertools import count

import pytest
from gradproof_server.engine.diagnose.variants import TABLE

from benchmarks.diagnosis import injection, recall
from benchmarks.diagnosis.results import Results

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
    injection.measure(results, 3, 20, count(), rows)
    assert len(results.trials) == 3
    assert [trial for trial in results.trials if trial.raised or recall.column(trial) == "miss"] == []
