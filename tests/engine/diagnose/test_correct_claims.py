"""Correct claims at several precisions."""

from __future__ import annotations

import pytest
from gradproof_server.engine.types import Precision

from benchmarks.diagnosis import correct
from benchmarks.diagnosis.problems import FAMILIES, random_problem


@pytest.mark.parametrize("precision", correct.ROUNDED, ids=lambda precision: f"{precision.digits} decimals")
@pytest.mark.parametrize("family", FAMILIES)
def test_rounded_correct_claims_agree(family: str, precision: Precision) -> None:
    """PyTorch's own numbers, rounded, agree and get no finding."""
    result = correct.Soundness()
    for seed in range(3):
        correct.check(random_problem(seed, family), precision, "everything", result)
    assert result.failures == []


@pytest.mark.parametrize("precision", correct.COMPUTED, ids=lambda precision: str(precision.dtype))
@pytest.mark.parametrize("family", FAMILIES)
def test_correct_claims_of_smaller_types_agree(family: str, precision: Precision) -> None:
    """The same step run in float32 or bfloat16 agrees and gets no finding."""
    result = correct.Soundness()
    for seed in range(3):
        correct.check(random_problem(seed, family), precision, "everything", result)
    assert result.failures == []
