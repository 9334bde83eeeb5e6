"""The lines of one tensor: elements and random directions, their scale, their points, what is stated along them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch

from . import features
from .base import root_mean_square
from .judge import Place, Stated
from .lines import Ask, Setting
from .objective import Points
from .plan import Signs, TensorPlan
from .slopes import EPS, Slopes
from .subjects import Stating
from .types import Array

CHUNK_ELEMENTS = 2**21
"""Numbers that the points of one chunk may make: 16 MiB."""
CHUNK_FLOPS = {"cpu": 2e8, "cuda": 2e10}
"""Operations of one chunk, by the device's type: about a tenth of a second. So often it is asked whether to stop."""
CHUNK_POINTS = 1024
"""Most points of a chunk: those of an operation that cannot take many at once are taken one by one."""
SHORT = 1e-7
"""Step, beside the scale, with which kinks at the point itself are looked for."""
Tensor = torch.Tensor


class TensorLines:
    """Lines 0 to E - 1 are the elements of the plan, in order; the D after them its random directions.

    A direction moves every element by the same step, up or down; what is said of single elements holds for it.
    """

    def __init__(self, plan: TensorPlan, seed: int) -> None:
        self.plan = plan
        self.x = plan.downstream.base.variable(plan.id)
        self._directions = max(plan.directions, 1)  # one at least, to hear the rounding noise along
        self._signs = Signs(plan.id, self.x.shape, self._directions, seed)

    @cached_property
    def signs(self) -> Tensor:
        """int8 [D, *shape of x], on its device."""
        return self._signs.rows.to(self.x.device)

    @property
    def noisy(self) -> Array:
        """The line that rounding noise is measured along: the first direction."""
        return np.array([len(self.plan.elements)])

    @cached_property
    def _own(self) -> Array:
        return self.x.reshape(-1)[torch.from_numpy(self.plan.elements)].abs().cpu().numpy()

    @cached_property
    def scale(self) -> Array:
        """The size of each element, and at least what is typical of the tensor; of directions what is typical."""
        return np.concatenate([np.maximum(self._own, self.typical), np.full(self._directions, self.typical)])

    def setting(self, noise: float) -> Setting:
        """What is known before measuring."""
        size = root_mean_square(self.x)
        center = np.array([self.plan.downstream.base.loss])
        guessed = np.full(len(self.scale), size == 0.0)
        blur = EPS * np.concatenate([self._own, np.full(self._directions, size)])
        return Setting(center, np.array([noise]), EPS, self.scale, guessed, blur[:, None])

    def points(self, ask: Ask) -> list[tuple[Array, Points]]:
        """The asked points by kind, with their positions in the ask."""
        elements = len(self.plan.elements)
        kinds: list[tuple[Array, Points]] = []
        for single in (True, False):
            where = np.flatnonzero((ask.lines < elements) == single)
            if len(where):
                offsets = torch.from_numpy(ask.offsets[where].copy()).to(self.x.device)
                lines = ask.lines[where]
                which = torch.from_numpy(self.plan.elements[lines] if single else lines - elements).to(self.x.device)
                kinds.append((where, Points(offsets, which) if single else Points(offsets, None, which, self.signs)))
        return kinds

    def evaluated(self, ask: Ask) -> Iterator[tuple[Array, Array]]:
        """The loss at the asked points, chunk by chunk: positions in the ask and values."""
        for where, points in self.points(ask):
            chunk = self._chunk(points)
            for at in range(0, len(points), chunk):
                values = self.plan.downstream.loss(points.part(at, at + chunk))
                yield where[at : at + chunk], values.cpu().numpy()

    def _chunk(self, points: Points) -> int:
        """How many points are evaluated together. It follows from the problem and not from the time that they take:
        how many are evaluated together can show in the last bits of each."""
        made = self.plan.downstream.elements_per_point + self.x.numel() * (not self._follows_features(points))
        flops = self.plan.whole if points.elements is None else self.plan.flops
        most = min(CHUNK_POINTS, CHUNK_ELEMENTS / max(made, 1), CHUNK_FLOPS[self.x.device.type] / max(flops, 1))
        return int(max(1, most))

    def _follows_features(self, points: Points) -> bool:
        plan = self.plan
        return points.elements is not None and features.enters(plan.downstream.base, plan.downstream.nodes, plan.id)

    def stated(self, subject: Stating) -> Stated:
        """What a subject states along the lines. Along a direction errors of single elements, each with a random sign,
        add up like their root of the sum of squares."""
        values, slack = subject.values[self.plan.id], subject.tolerances[self.plan.id]
        flat, allowed = values.reshape(-1), slack.reshape(-1)
        positions = torch.from_numpy(self.plan.elements)
        signs = self._signs.rows.reshape(self._directions, -1)[: self.plan.directions]
        along = [float((flat * row).sum()) for row in signs]
        whole = float(allowed.square().sum().sqrt())
        return Stated(
            subject.subject,
            np.concatenate([flat[positions].numpy(), along]),
            np.concatenate([allowed[positions].numpy(), np.full(len(along), whole)]),
            subject.dtype,
        )

    def place(self, line: int) -> Place:
        """What a line is."""
        elements = len(self.plan.elements)
        if line >= elements:
            return Place(direction=line - elements + 1)
        return Place(tuple(int(i) for i in np.unravel_index(int(self.plan.elements[line]), tuple(self.x.shape))))

    def number(self, place: Place) -> int:
        """The line that is there."""
        if place.direction:
            return len(self.plan.elements) + place.direction - 1
        flat = int(np.ravel_multi_index(place.index, tuple(self.x.shape))) if place.index else 0
        return int(np.searchsorted(self.plan.elements, flat))

    def short(self, line: int, slopes: Slopes) -> Points:
        """Two points close to x on both sides of a line; closer than the steps that the line was measured on."""
        scale = self.scale[line]
        smallest = slopes.smallest[line]
        step = min(SHORT * scale, smallest / 16) if np.isfinite(smallest) else SHORT * scale
        ((_, points),) = self.points(Ask(np.array([line, line]), np.array([step, -step])))
        return points

    @cached_property
    def largest_gradient(self) -> float:
        """Of PyTorch's gradient, the largest element."""
        gradient = self.plan.downstream.base.gradients[self.plan.id]
        return float(gradient.abs().max()) if gradient.numel() else 0.0

    @cached_property
    def typical(self) -> float:
        """The root mean square of the elements; where all are 0 that of what the first node makes of them; else 1."""
        sizes = [root_mean_square(self.x), *(root_mean_square(value) for value in self._outputs())]
        return next((size for size in sizes if 0 < size < float("inf")), 1.0)

    def _outputs(self) -> list[Tensor]:
        base, nodes = self.plan.downstream.base, self.plan.downstream.nodes
        return [base.values[key] for node in nodes[:1] for key in base.keys[node.name]]
