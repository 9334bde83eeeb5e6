"""Look-alikes are named by both rows; those that are measured give the same numbers."""

from __future__ import annotations

from gradproof_server.engine.diagnose.variants import TABLE, look_alikes

from benchmarks.diagnosis.alike import alike, module
from benchmarks.diagnosis.problems import random_problem


def test_both_rows_name_each_other() -> None:
    """Whoever declares it, both rows name the other, once, and none itself."""
    rows = {variant.code: variant for variant in TABLE}
    for variant in TABLE:
        assert variant.code not in variant.look_alikes
        assert len(set(variant.look_alikes)) == len(variant.look_alikes)
        assert all(variant.code in rows[other].look_alikes for other in variant.look_alikes), variant.code


def test_measured_look_alikes_are_rows() -> None:
    """No code of the measured pairs is one that the table has not."""
    codes = {variant.code for variant in TABLE}
    assert {code for one, others in look_alikes.MEASURED.items() for code in (one, *others.split())} <= codes


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
