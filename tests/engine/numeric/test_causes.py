"""Every cause has a function that it is told of, and a neighbour of which it is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gradproof_server.engine.numeric.types import Array, Cause
from gradproof_server.engine.types import Verdict
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.lines_of import said_of


def ramp(x: Array) -> Array:
    """max(x, 0)."""
    return np.asarray(np.maximum(x, 0.0))


@pytest.mark.parametrize("error", [1e-9, 1e-3, 1.0, -2.0])
def test_a_wrong_derivative_disagrees_however_small_its_error(error: float) -> None:
    """And the measured value is the right one."""
    said = said_of(np.exp, 1.0, math.e * (1 + error))
    assert (said.verdict, said.cause) == (Verdict.DISAGREES, Cause.WRONG_DERIVATIVE)
    assert abs(said.value - math.e) <= said.bar


def test_a_right_derivative_agrees_without_a_word() -> None:
    """To ten digits."""
    said = said_of(np.exp, 1.0, math.e)
    assert (said.verdict, said.cause) == (Verdict.AGREES, Cause.UNSPECIFIED)
    assert said.bar < 1e-10


@pytest.mark.parametrize("gradient", [1e-9, 1e-30])
def test_a_flipped_sign_of_a_tiny_derivative_disagrees(gradient: float) -> None:
    """No floor hides it."""
    assert said_of(lambda x: gradient * x**2 / 2, 1.0, gradient).verdict is Verdict.AGREES
    assert said_of(lambda x: gradient * x**2 / 2, 1.0, -gradient).verdict is Verdict.DISAGREES


def test_rounding_of_a_large_offset_leaves_a_small_slope_open() -> None:
    """sin + 1e16 has steps of 2: nothing can be said; sin + 1e8 agrees, and a wrong one still disagrees."""
    open_ = said_of(lambda x: np.sin(x) + 1e16, 0.7, math.cos(0.7))
    assert open_.verdict is Verdict.INCONCLUSIVE
    assert open_.cause in (Cause.ROUNDING, Cause.TOO_SMALL)
    assert said_of(lambda x: np.sin(x) + 1e8, 0.7, math.cos(0.7)).verdict is Verdict.AGREES
    assert said_of(lambda x: np.sin(x) + 1e8, 0.7, 1.01 * math.cos(0.7)).verdict is Verdict.DISAGREES


def test_truncation_is_told_where_rounding_comes_before_steps_are_small_enough() -> None:
    """A wave far shorter than the variable, on a large offset."""
    said = said_of(lambda x: np.sin(2e3 * x) + 1e8, 0.7, 2e3 * math.cos(1400.0), scale=0.7)
    assert said.verdict is not Verdict.DISAGREES
    assert abs(said.value - 2e3 * math.cos(1400.0)) <= said.bar


def test_noise_is_told_of_a_function_that_does_not_repeat_itself() -> None:
    """Its bar covers the error; a derivative far off disagrees in spite of it."""

    def noisy(size: float) -> object:
        rng = np.random.default_rng(1)
        return lambda x: np.sin(x) + size * rng.standard_normal(len(x))

    said = said_of(noisy(1e-3), 0.7, math.cos(0.7), noisy=True)  # type: ignore[arg-type]
    assert (said.verdict, said.cause) == (Verdict.INCONCLUSIVE, Cause.NOISE)
    assert abs(said.value - math.cos(0.7)) <= said.bar
    assert said_of(noisy(1e-6), 0.7, -math.cos(0.7), noisy=True).verdict is Verdict.DISAGREES  # type: ignore[arg-type]


@pytest.mark.parametrize("stated", [0.0, 0.5, 1.0])
def test_any_subgradient_at_a_kink_agrees_as_a_convention(stated: float) -> None:
    """0 as PyTorch has it, 0.5 and 1 as others do; both slopes are found."""
    said = said_of(ramp, 0.0, stated)
    slopes = said.measured.slopes
    assert (said.verdict, said.cause) == (Verdict.AGREES, Cause.KINK_CONVENTION)
    assert (slopes.left[0], slopes.right[0]) == pytest.approx((0.0, 1.0), abs=1e-9)


@pytest.mark.parametrize("stated", [-0.01, 1.01, math.nan])
def test_what_lies_outside_of_both_slopes_at_a_kink_disagrees(stated: float) -> None:
    """By a hundredth; and what is no number."""
    said = said_of(ramp, 0.0, stated)
    assert said.verdict is Verdict.DISAGREES
    assert said.cause in (Cause.KINK_OUTSIDE, Cause.WRONG_DERIVATIVE)


@pytest.mark.parametrize("distance", [1e-12, 1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_kink_close_by_is_no_false_alarm(distance: float, side: int) -> None:
    """The right slope on that side never disagrees; the other side's slope never agrees once it can be seen."""
    right, other = (1.0, 0.0) if side > 0 else (0.0, 1.0)
    assert said_of(ramp, side * distance, right, scale=1.0).verdict is not Verdict.DISAGREES
    if distance >= 1e-6:
        assert said_of(ramp, side * distance, other, scale=1.0).verdict is Verdict.DISAGREES


def test_a_jump_is_told_and_nothing_is_called_right_there() -> None:
    """A step function on its step; beside it the slope is 0."""
    said = said_of(lambda x: np.where(x > 0, 1.0, 0.0), 0.0, 0.0)
    assert (said.verdict, said.cause) == (Verdict.INCONCLUSIVE, Cause.JUMP)
    beside = said_of(lambda x: np.where(x > 0, 1.0, 0.0), 10.0, 0.0, scale=1.0)
    assert (beside.verdict, beside.cause) == (Verdict.AGREES, Cause.DEAD)


def test_no_finite_values_around_the_point_are_told() -> None:
    """log below 0; at 0.01 it agrees although some steps reach below."""
    said = said_of(np.log, -1.0, -1.0)
    assert (said.verdict, said.cause) == (Verdict.INCONCLUSIVE, Cause.NOT_FINITE)
    assert said_of(np.log, 0.01, 100.0, scale=1.0).verdict is Verdict.AGREES


def test_a_function_that_does_not_depend_on_its_variable_is_dead() -> None:
    """0 agrees as that, anything else disagrees."""
    dead = said_of(lambda x: np.full(len(x), 3.0), 1.0, 0.0)
    assert (dead.verdict, dead.cause) == (Verdict.AGREES, Cause.DEAD)
    assert said_of(lambda x: np.full(len(x), 3.0), 1.0, 1e-3).verdict is Verdict.DISAGREES


def test_a_derivative_at_an_optimum_is_too_small_to_be_told_from_0() -> None:
    """With an offset that rounding comes from."""
    said = said_of(lambda x: (x - 1) ** 2 + 1, 1.0, 0.0)
    assert (said.verdict, said.cause) == (Verdict.INCONCLUSIVE, Cause.TOO_SMALL)


def test_a_bar_that_conventions_at_single_kinks_reach_over_is_no_wrong_derivative() -> None:
    """relu(x) - relu(-x) is x; PyTorch's conventions make 0 of it, and only the knowledge of the kinks excuses that."""

    def sum_of_kinks(x: Array) -> Array:
        return np.asarray(np.maximum(x, 0) - np.maximum(-x, 0))

    excused = said_of(sum_of_kinks, 0.0, 0.0, allowed=np.array([[0.0], [2.0]]))
    assert (excused.verdict, excused.cause) == (Verdict.INCONCLUSIVE, Cause.KINKS_CANCEL)
    assert said_of(sum_of_kinks, 0.0, 0.0).verdict is Verdict.DISAGREES
    assert said_of(sum_of_kinks, 0.0, -0.1, allowed=np.array([[0.0], [2.0]])).verdict is Verdict.DISAGREES


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-3, 3),
    st.floats(-6, 6),
    st.floats(-6, 6),
    st.sampled_from([np.sin, np.tanh, np.arctan]),
)
def test_bars_hold_at_all_scales(u: float, scale: float, height: float, wave: np.ufunc) -> None:
    """The true derivative of height · wave(x / scale) is inside the bar, and is not called wrong."""
    s, h = 10.0**scale, 10.0**height
    slope = {np.sin: math.cos(u), np.tanh: 1 / math.cosh(u) ** 2, np.arctan: 1 / (1 + u * u)}[wave] * h / s
    said = said_of(lambda x: h * wave(x / s), u * s, slope, scale=s)
    assert abs(said.value - slope) <= said.bar + 1e-15 * abs(slope)
    assert said.verdict is not Verdict.DISAGREES


def test_a_derivative_below_the_smallest_float32_is_not_called_wrong() -> None:
    """exp(-u²) is 0 in float32 there, and its derivative 1e-50; 1e-30 would be seen."""

    def bell(x: Array) -> Array:
        u = np.asarray(x, dtype=np.float32)
        return np.exp(-u * u)

    eps = float(np.finfo(np.float32).eps)
    assert said_of(bell, 11.0, -2 * 11.0 * math.exp(-121.0), eps=eps).verdict is not Verdict.DISAGREES
    assert said_of(bell, 11.0, 1e-30, eps=eps).verdict is Verdict.DISAGREES
