"""The benchmark's own truths: exact derivatives, exact gradients, and a bisection that finds what it looks for."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from gradproof_server.engine import Wanted, run
from gradproof_server.engine.types import Quantity, TensorId

from benchmarks.witness.bars import drawn_network, exact_gradients
from benchmarks.witness.blindness import smallest_seen
from benchmarks.witness.functions import PIECES, Piece, random_function


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.name)
def test_each_piece_has_the_slope_of_its_values(piece: Piece) -> None:
    """By mpmath's own differences; and NumPy computes the same values."""
    for u in (-1.3, 0.2, 0.9):
        assert float(piece.slope(mpmath.mpf(u))) == pytest.approx(float(mpmath.diff(piece.exact, u)), rel=1e-12)
        assert float(piece.fast(np.array([u]))[0]) == pytest.approx(float(piece.exact(mpmath.mpf(u))), rel=1e-13)


def test_a_random_function_has_the_derivative_of_its_values() -> None:
    """Of all compositions, by a central difference with a short step, to its own precision."""
    rng = np.random.default_rng(4)
    for _ in range(50):
        function = random_function(rng)
        step = 1e-5 * abs(function.point)
        right, left = function(np.array([function.point + step, function.point - step]))
        noise = 1e-15 * (abs(right) + abs(left)) / step
        assert function.derivative == pytest.approx((right - left) / (2 * step), rel=1e-6, abs=noise + 1e-300)


def test_gradients_by_hand_are_those_of_pytorch() -> None:
    """Of networks stretched to scales from 1e-6 to 1e6."""
    for seed in range(8):
        network = drawn_network(seed)
        tensors = run(network.training(), Wanted(frozenset({Quantity.GRADIENT}))).tensors
        for name, exact in exact_gradients(network).items():
            found = tensors[TensorId(0, Quantity.GRADIENT, name)]
            size = float(found.abs().max())
            assert torch.allclose(found, torch.from_numpy(exact.astype(np.float64)), rtol=1e-9, atol=1e-12 * size)


def test_the_bisection_finds_where_an_error_begins_to_be_seen() -> None:
    """Within 10 %; infinity where it never is."""
    assert smallest_seen(lambda error: error > 3e-7) == pytest.approx(3e-7, rel=0.11)
    assert smallest_seen(lambda _: False) == float("inf")
