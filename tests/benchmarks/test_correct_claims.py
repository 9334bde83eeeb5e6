"""Correct claims at several precisions, by PyTorch and by another program."""

from __future__ import annotations

import pytest
from gradproof_server.engine.types import Precision

from benchmarks.diagnosis import correct
from benchmarks.diagnosis.claims import precision_name
from tests.support.independent.problems import ORDER
from tests.support.random_problems.problems import FAMILIES, random_problem


@pytest.mark.parametrize("precision", [*correct.ROUNDED, *correct.COMPUTED], ids=precision_name)
@pytest.mark.parametrize("family", FAMILIES)
def test_correct_claims_of_pytorch_agree(family: str, precision: Precision) -> None:
    """PyTorch's own numbers, rounded or computed in a smaller dtype, do not disagree and get no finding."""
    source = correct.Source(
        "PyTorch", lambda seed: random_problem(seed, family).training, correct.by_pytorch, (precision,)
    )
    result = correct.Soundness()
    correct.check(source, 0, precision, "everything", result)
    assert result.failures == []


@pytest.mark.parametrize("precision", correct.COMPUTED, ids=precision_name)
@pytest.mark.parametrize("seed", range(100, 100 + 2 * len(ORDER)))
def test_correct_claims_of_another_program_agree(seed: int, precision: Precision) -> None:
    """What NumPy gives in a smaller dtype does not disagree, whatever order of summation and formulas it takes."""
    result = correct.Soundness()
    correct.check(correct.SOURCES[-1], seed, precision, "everything", result)
    assert result.failures == []
