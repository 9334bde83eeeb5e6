"""The demonstration's own checks: a wrong number in the answer is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from gradproof.demo import failures, printed
from gradproof.results import Verdict

GRADIENTS = {"0.weight": [[-0.28, -0.42], [-0.30, -0.45]], "1.weight": [[-0.85, -0.48]]}
UPDATED = {"0.weight": [[0.124, 0.231], [0.135, 0.1025]], "1.weight": [[0.1825, 0.174]]}


@dataclass
class Answer:
    """What the demonstration looks at of a reference and of a report."""

    gradients: dict[str, Any]
    updated: dict[str, Any]
    verdict: Verdict = Verdict.DISAGREES


def answer() -> Answer:
    """The right answer."""
    return Answer(*({name: np.array(value) for name, value in tensors.items()} for tensors in (GRADIENTS, UPDATED)))


def test_the_right_answer_has_no_failures() -> None:
    """What PyTorch prints is accepted."""
    assert list(failures(answer(), answer())) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["gradients", "updated"])
@pytest.mark.parametrize("name", ["0.weight", "1.weight"])
def test_a_number_off_by_one_printed_unit_is_a_failure(key: str, name: str) -> None:
    """One element that prints differently is named."""
    wrong = answer()
    getattr(wrong, key)[name][0, 0] += 0.0101 if key == "gradients" else 0.000101
    (failure,) = failures(wrong, answer())  # type: ignore[arg-type]
    assert name in failure


def test_a_missing_tensor_and_a_wrong_verdict_are_failures() -> None:
    """An answer without a tensor, or with another verdict, is told."""
    wrong = answer()
    del wrong.updated["1.weight"]
    wrong.verdict = Verdict.AGREES
    assert list(failures(wrong, wrong)) == [  # type: ignore[arg-type]
        "updated of 1.weight is missing, not [[0.1825, 0.1740]]",
        "the verdict is AGREES, not DISAGREES",
    ]


def test_arrays_are_printed_with_fixed_decimals() -> None:
    """Trailing zeros stay."""
    assert printed(np.array([[0.1, -2.0]]), 3) == "[[0.100, -2.000]]"
