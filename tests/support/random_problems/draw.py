"""Random choices of one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch

T = TypeVar("T")
Tensor = torch.Tensor


class Draw:
    """Random choices of one seed; `exact` ones give small integers for data and weights, so that kinks are met."""

    def __init__(self, seed: int, exact: bool = False) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.exact = exact

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, float64."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1), float64."""
        return torch.rand(shape, generator=self.generator, dtype=torch.float64)

    def values(self, *shape: int) -> Tensor:
        """Data, float64: standard normal numbers; exact ones from -2 to 2."""
        return self.integers(5, *shape).double() - 2 if self.exact else self.normal(*shape)

    def weights(self, *shape: int) -> Tensor:
        """Parameters, float64: normal numbers of deviation 0.6; exact ones -1, 0 or 1."""
        return self.integers(3, *shape).double() - 1 if self.exact else 0.6 * self.normal(*shape)

    def integer(self, low: int, high: int) -> int:
        """From low to high, both possible."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def integers(self, high: int, *shape: int) -> Tensor:
        """From 0 to high - 1, int64."""
        return torch.randint(0, high, shape, generator=self.generator)

    def choice(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[self.integer(0, len(options) - 1)]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All of them in random order."""
        return [options[i] for i in torch.randperm(len(options), generator=self.generator).tolist()]

    def often(self, share: float) -> bool:
        """True with that probability."""
        return float(self.uniform()) < share
