"""The point of a function that is known by its values only, and points around it, in the dtypes of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from .types import Array

Tensor = torch.Tensor


@dataclass(frozen=True)
class Space:
    """The named tensors of a point, as one flat vector of N numbers, in the order of their names."""

    point: Mapping[str, Tensor]

    @cached_property
    def slices(self) -> Mapping[str, slice]:
        """Where each tensor lies in the flat vector."""
        ends = np.cumsum([0, *(tensor.numel() for tensor in self.point.values())])
        return {name: slice(int(ends[i]), int(ends[i + 1])) for i, name in enumerate(self.point)}

    @cached_property
    def flat(self) -> Array:
        """The point [N], float64."""
        parts = [tensor.double().reshape(-1).numpy() for tensor in self.point.values()]
        return np.concatenate(parts) if parts else np.zeros(0)

    @cached_property
    def eps(self) -> Array:
        """Spacing of each number's dtype at 1, [N]."""
        parts = [np.full(tensor.numel(), torch.finfo(tensor.dtype).eps) for tensor in self.point.values()]
        return np.concatenate(parts) if parts else np.zeros(0)

    @property
    def bytes_per_point(self) -> int:
        """Size of one point as it is sent."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.point.values())

    def typical(self, name: str) -> float:
        """Root mean square of a tensor; where all of it is 0 that of the whole point; else 1."""
        for values in (self.flat[self.slices[name]], self.flat):
            size = float(np.sqrt(np.mean(values**2))) if values.size else 0.0
            if 0 < size < np.inf:
                return size
        return 1.0

    def tensors(self, points: Array) -> dict[str, Tensor]:
        """Points [P, N] in the caller's dtypes: [P, *shape] by name."""
        rows = torch.from_numpy(points)
        return {
            name: rows[:, self.slices[name]].to(tensor.dtype).reshape(len(points), *tensor.shape)
            for name, tensor in self.point.items()
        }

    def rounded(self, points: Array) -> Array:
        """Points [P, N] as the caller's dtypes hold them."""
        held = self.tensors(points)
        return np.concatenate([t.double().reshape(len(points), -1).numpy() for t in held.values()], axis=1)


@dataclass(frozen=True)
class SpaceLines:
    """Lines through the point: E axes of single numbers (flat positions), then D directions [D, N]."""

    space: Space
    elements: Array
    directions: Array

    def __len__(self) -> int:
        return len(self.elements) + len(self.directions)

    def points(self, lines: Array, offsets: Array) -> tuple[Array, Array]:
        """Points [P, N] as the caller's dtypes hold them, and the offsets [P] at which they really lie. Along a
        direction every number is rounded by itself, and the offset is taken as asked."""
        points = np.repeat(self.space.flat[None], len(lines), axis=0)
        single = np.flatnonzero(lines < len(self.elements))
        along = np.flatnonzero(lines >= len(self.elements))
        columns = self.elements[lines[single]]
        points[single, columns] += offsets[single]
        points[along] += offsets[along, None] * self.directions[lines[along] - len(self.elements)]
        points = self.space.rounded(points)
        real = offsets.copy()
        real[single] = points[single, columns] - self.space.flat[columns]
        return points, real
