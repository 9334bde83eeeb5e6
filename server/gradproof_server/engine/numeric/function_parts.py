"""What a check of a caller's function looks at: lines of each tensor of the point, and what is stated along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..types import Quantity, TensorId
from .judge import Place
from .lines import NOISE_POINTS, SCREEN_RUNGS
from .plan import Signs
from .space import Space, SpaceLines
from .types import Array, DerivativeKind, FunctionClaim, Mode, WitnessOptions

AUTO_EVALUATIONS = 60_000
"""Evaluations up to which AUTO looks at every element of a tensor."""
AUTO_BYTES = 256 * 2**20
"""The same for the points that are sent."""
STATED_UNITS = 16.0
"""Units in the last place of the largest derivative that a stated one may be off, where no tolerance is given."""
SCREEN_EVALUATIONS = 2 * SCREEN_RUNGS
NOISE_LINES = 3
"""Lines of a tensor along which rounding noise is measured."""


@dataclass(frozen=True)
class Part:
    """Lines of one tensor, and what is stated along them: [L, M] with its tolerance. One more line may stand after
    them, along which noise is heard."""

    name: str
    mode: Mode
    lines: SpaceLines
    scale: Array
    guessed: bool
    stated: Array
    tolerance: Array
    shape: tuple[int, ...]
    elements: int

    @property
    def id(self) -> TensorId:
        """Its name in the report."""
        return TensorId(0, Quantity.GRADIENT, self.name)

    @property
    def evaluations(self) -> int:
        """Evaluations without refining."""
        return NOISE_LINES * NOISE_POINTS + SCREEN_EVALUATIONS * len(self.stated)


def parts_of(space: Space, claim: FunctionClaim, options: WitnessOptions) -> tuple[Part, ...]:
    """What is looked at, tensor by tensor; of a JVP the one line that it is about."""
    if claim.kind is DerivativeKind.JVP:
        return (_tangent(space, claim),)
    return tuple(_part(space, claim, name, options) for name in claim.point if name in claim.stated)


def _tangent(space: Space, claim: FunctionClaim) -> Part:
    flat = np.zeros_like(space.flat)
    for name, tangent in claim.along.items():
        flat[space.slices[name]] = tangent.double().reshape(-1).numpy()
    stated = claim.stated[""].double().reshape(1, -1).numpy()
    moved = flat != 0
    size = float(np.sqrt(np.mean(space.flat[moved] ** 2))) if moved.any() else 0.0
    length = float(np.sqrt(np.mean(flat[moved] ** 2))) if moved.any() else 1.0
    lines = SpaceLines(space, np.zeros(0, dtype=np.int64), flat[None])
    scale = np.array([(size or 1.0) / length])
    allowed = _allowed(claim, stated, claim.stated[""].dtype)
    return Part(
        "", Mode.DIRECTIONS, lines, scale, size == 0, stated, allowed, tuple(claim.output.shape), int(moved.sum())
    )


def _part(space: Space, claim: FunctionClaim, name: str, options: WitnessOptions) -> Part:
    tensor, where = claim.point[name], space.slices[name]
    outputs = claim.output.numel() if claim.kind is DerivativeKind.JACOBIAN else 1
    derivative = claim.stated[name].double().reshape(outputs, tensor.numel()).numpy().T  # [N, M]
    size = tensor.numel()
    mode = _mode(size, outputs, space, options)
    if mode is Mode.ELEMENTS:
        chosen, count = np.arange(size), 0
    else:
        random = np.random.default_rng([options.seed, size])
        chosen, count = np.sort(random.choice(size, min(options.samples, size), replace=False)), options.directions
    id = TensorId(0, Quantity.GRADIENT, name)
    signs = Signs(id, tensor.shape, max(count, 1), options.seed).rows.reshape(-1, size).numpy().astype(np.float64)
    directions = np.zeros((len(signs), len(space.flat)))
    directions[:, where] = signs
    typical = space.typical(name)
    scale = np.concatenate([np.maximum(np.abs(space.flat[where][chosen]), typical), np.full(len(signs), typical)])
    allowed = _allowed(claim, derivative, claim.stated[name].dtype)
    return Part(
        name=name,
        mode=mode,
        lines=SpaceLines(space, chosen + where.start, directions),
        scale=scale,
        guessed=not space.flat[where].any(),
        stated=np.concatenate([derivative[chosen], (signs @ derivative)[:count]]),
        tolerance=np.concatenate([allowed[chosen], np.sqrt((signs**2 @ allowed**2)[:count])]),
        shape=tuple(tensor.shape),
        elements=size,
    )


def _mode(size: int, outputs: int, space: Space, options: WitnessOptions) -> Mode:
    if options.mode is not Mode.AUTO:
        return options.mode
    evaluations = SCREEN_EVALUATIONS * size
    few = evaluations <= AUTO_EVALUATIONS and evaluations * space.bytes_per_point <= AUTO_BYTES
    return Mode.ELEMENTS if few and evaluations * outputs <= 100 * AUTO_EVALUATIONS else Mode.DIRECTIONS


def _allowed(claim: FunctionClaim, derivative: Array, dtype: torch.dtype) -> Array:
    """How far a stated derivative [L, M] may be off by its own precision, beside the largest one of its output."""
    relative = claim.relative_tolerance
    if relative is None:
        relative = STATED_UNITS * torch.finfo(dtype if dtype.is_floating_point else torch.float64).eps
    finite = np.where(np.isfinite(derivative), np.abs(derivative), 0.0)
    return relative * np.maximum(finite, finite.max(0, keepdims=True, initial=0.0))  # type: ignore[no-any-return]


def place_of(part: Part, line: int, claim: FunctionClaim) -> Place:
    """What a number of [L, M], flattened, is."""
    outputs = part.stated.shape[1]
    row, output = divmod(line, outputs)
    several = claim.kind in (DerivativeKind.JACOBIAN, DerivativeKind.JVP) and claim.output.dim() > 0
    shape = tuple(claim.output.shape)
    output_index = tuple(int(i) for i in np.unravel_index(output, shape)) if several else ()
    singles = len(part.lines.elements)
    if row >= singles:
        return Place(direction=row - singles + 1, output_index=output_index)
    flat = int(part.lines.elements[row]) - part.lines.space.slices[part.name].start
    return Place(tuple(int(i) for i in np.unravel_index(flat, part.shape)) if part.shape else (), 0, output_index)
