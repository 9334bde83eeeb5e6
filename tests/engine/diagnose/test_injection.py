"""Common mistakes, made in random problems, come first in the diagnosis."""

from __future__ import annotations

import pytest
from gradproof_server.engine.diagnose.variants import TABLE

from benchmarks.diagnosis import injection

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
    table = tuple(variant for variant in TABLE if variant.code == code)
    recall = injection.measure(3, seconds=20, table=table)
    assert recall.trials
    assert recall.raised == []
    assert [trial for trial in recall.trials if trial.result is injection.Result.MISS] == []
