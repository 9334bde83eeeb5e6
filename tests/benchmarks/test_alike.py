"""The search for look-alikes finds mistakes that give the same numbers, and writes down what it found twice."""

from __future__ import annotations

from benchmarks.diagnosis.alike import alike, module
from tests.support.random_problems.problems import random_problem


def test_the_same_numbers_are_found() -> None:
    """In a perceptron a layer whose value is detached cuts the graph; a flipped sign is no missing gradient."""
    pairs = alike(random_problem(1, "mlp"))
    assert ("backward.detached", "gradient.graph_cut") in pairs
    assert (
        not {("gradient.all_zeros", "gradient.sign_flipped"), ("gradient.sign_flipped", "gradient.all_zeros")} & pairs
    )


def test_what_was_found_once_is_not_declared() -> None:
    """A pair is written down from its second problem on."""
    text = module(
        {("loss.half_squared_error", "loss.rmse_instead_of_mse"): 2, ("loss.hinge_squared", "loss.p_ignored"): 1}
    )
    assert '"loss.half_squared_error": "loss.rmse_instead_of_mse"' in text
    assert "loss.hinge_squared" not in text
