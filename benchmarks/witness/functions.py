"""Random smooth functions of one variable: in the caller's dtype by NumPy, their derivatives by mpmath to 40 digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

Array = np.ndarray[tuple[int, ...], np.dtype[Any]]
mpmath.mp.dps = 40


@dataclass(frozen=True)
class Piece:
    """A smooth function R -> R: by NumPy, in its argument's dtype; its value and its slope by mpmath."""

    name: str
    fast: Callable[[Array], Array]
    exact: Callable[[Any], Any]
    slope: Callable[[Any], Any]


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + mpmath.exp(-u))


PIECES: Sequence[Piece] = (
    Piece("exp", np.exp, mpmath.exp, mpmath.exp),
    Piece("sin", np.sin, mpmath.sin, mpmath.cos),
    Piece("tanh", np.tanh, mpmath.tanh, lambda u: mpmath.sech(u) ** 2),
    Piece("arctan", np.arctan, mpmath.atan, lambda u: 1 / (1 + u * u)),
    Piece("softplus", lambda u: np.logaddexp(u, u.dtype.type(0)), lambda u: mpmath.log(1 + mpmath.exp(u)), _sigmoid),
    Piece("cube", lambda u: u * u * u, lambda u: u**3, lambda u: 3 * u * u),
    Piece("square", lambda u: u * u, lambda u: u * u, lambda u: 2 * u),
    Piece("bell", lambda u: np.exp(-u * u), lambda u: mpmath.exp(-u * u), lambda u: -2 * u * mpmath.exp(-u * u)),
    Piece("root", lambda u: np.sqrt(1 + u * u), lambda u: mpmath.sqrt(1 + u * u), lambda u: u / mpmath.sqrt(1 + u * u)),
    Piece("log", lambda u: np.log1p(u * u), lambda u: mpmath.log1p(u * u), lambda u: 2 * u / (1 + u * u)),
    Piece("linear", lambda u: u, lambda u: u, lambda _: mpmath.mpf(1)),
)


@dataclass(frozen=True)
class Smooth:
    """f(x) = offset + height · p_n(a_n · p_n-1(... p_1(a_1 · x / scale + b_1) ...) + b_n), all numbers exact in
    float32.

    point: where its derivative is asked. noise: standard deviation of what is added to each value.
    """

    pieces: tuple[Piece, ...]
    gains: tuple[float, ...]
    shifts: tuple[float, ...]
    scale: float
    height: float
    offset: float
    point: float
    dtype: Any = np.float64
    noise: float = 0.0

    @property
    def name(self) -> str:
        """Its pieces from the outside in."""
        return "∘".join(piece.name for piece in reversed(self.pieces))

    def __call__(self, x: Array) -> Array:
        """Values at x, in the function's dtype and by its arithmetic."""
        real = self.dtype
        u = x.astype(real) / real(self.scale)
        for piece, gain, shift in zip(self.pieces, self.gains, self.shifts, strict=True):
            u = piece.fast(real(gain) * u + real(shift))
        return np.asarray(real(self.offset) + real(self.height) * u)

    @property
    def derivative(self) -> float:
        """f'(point) of the function without rounding."""
        u, slope = mpmath.mpf(self.point) / mpmath.mpf(self.scale), 1 / mpmath.mpf(self.scale)
        for piece, gain, shift in zip(self.pieces, self.gains, self.shifts, strict=True):
            inner = mpmath.mpf(gain) * u + mpmath.mpf(shift)
            u, slope = piece.exact(inner), mpmath.mpf(gain) * slope * piece.slope(inner)
        return float(mpmath.mpf(self.height) * slope)


def random_function(
    rng: np.random.Generator, dtype: Any = np.float64, noisy: bool = False, offset: bool = False
) -> Smooth:
    """A function with scales from 1e-6 to 1e6, and offsets up to 1e8 times its height where `offset`."""

    def exact(value: float) -> float:
        return float(np.float32(value))

    depth = int(rng.integers(1, 4))
    scale, height = exact(10 ** rng.uniform(-6, 6)), exact(10 ** rng.uniform(-6, 6))
    return Smooth(
        pieces=tuple(PIECES[i] for i in rng.integers(0, len(PIECES), depth)),
        gains=tuple(exact(g) for g in rng.choice([-1, 1], depth) * 10 ** rng.uniform(-0.5, 0.5, depth)),
        shifts=tuple(exact(s) for s in rng.normal(0, 0.7, depth)),
        scale=scale,
        height=height,
        offset=exact(rng.choice([-1, 1]) * height * 10 ** rng.uniform(0, 8)) if offset else 0.0,
        point=exact(scale * rng.normal()),
        dtype=dtype,
        noise=exact(height * 10 ** rng.uniform(-9, -3)) if noisy else 0.0,
    )
