"""A sample of the claimed numbers, laid out flat: altered numbers are held against it before all of them are.

Of each claimed tensor at most 512 numbers stand in it, those that disagree with the reference before others. What
reproduces the whole claim reproduces the sample; what does not reproduce the sample need not be held against the rest.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from ..compare import outside
from ..tolerance import calibrated_tolerance, tolerance_of
from ..types import ClaimedTensor, ComputedIn, Precision, PrintedDecimals, Quantity, Rounding, TensorId
from .case import Case

MOST_OF_A_TENSOR = 512
SCALED = frozenset({Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.NODE_GRADIENT, Quantity.UPDATED})
"""Quantities that a factor of the loss scales, under plain gradient descent."""
Told = Mapping[TensorId, torch.Tensor]


@dataclass(frozen=True)
class Look:
    """How well altered numbers reproduce the sample.

    numbers: the altered ones, one tensor for each block. missed: the claimed tensors of which they do not reproduce
    every number. right: share of the numbers that they reproduce.
    """

    numbers: tuple[torch.Tensor, ...]
    missed: frozenset[TensorId]
    right: float


class Sample:
    """Some numbers of each of these claimed tensors."""

    def __init__(self, case: Case, ids: frozenset[TensorId]) -> None:
        by_precision: dict[Precision, list[ClaimedTensor]] = defaultdict(list)
        for tensor in case.claim:
            if tensor.id in ids and tensor.value.numel():
                by_precision[tensor.precision].append(tensor)
        self.blocks = [Block(case, precision, tensors) for precision, tensors in by_precision.items()]
        self.count = sum(block.claimed.numel() for block in self.blocks)

    def look(self, told: Told) -> Look:
        """Holds what is told against the sample."""
        numbers = tuple(block.numbers(told) for block in self.blocks)
        bad = [block.bad(given, block.allowed(given)) for block, given in zip(self.blocks, numbers, strict=True)]
        missed, wrong = self._counted(bad)
        return Look(numbers, missed, 1 - wrong / max(self.count, 1))

    def proportional(self, look: Look) -> frozenset[TensorId]:
        """The gradients and steps that the altered numbers reproduce if a factor of its own multiplies each tensor.

        Tensors of which one number alone is not zero are left out: for these there always is such a factor.
        """
        found: set[TensorId] = set()
        for block, given in zip(self.blocks, look.numbers, strict=True):
            found.update(block.proportional(given))
        return frozenset(found)

    def _counted(self, bad: Sequence[torch.Tensor]) -> tuple[frozenset[TensorId], int]:
        """The tensors that have bad numbers, and how many numbers are bad."""
        missed: set[TensorId] = set()
        wrong = 0
        for block, where in zip(self.blocks, bad, strict=True):
            if where.any():
                counts = block.per_tensor(where.double()).tolist()
                missed.update(tensor.id for tensor, count in zip(block.tensors, counts, strict=True) if count)
                wrong += int(sum(counts))
        return frozenset(missed), wrong


class Block:
    """The sample of the tensors that are claimed at one precision: n numbers of k tensors, float64."""

    def __init__(self, case: Case, precision: Precision, tensors: Sequence[ClaimedTensor]) -> None:
        self.case, self.precision, self.tensors = case, precision, tuple(tensors)
        self.at = [_chosen(tensor, case.reference[tensor.id]) for tensor in self.tensors]
        sizes = [
            tensor.value.numel() if at is None else at.numel() for tensor, at in zip(tensors, self.at, strict=True)
        ]
        self.owner = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        self.claimed = self._flat([tensor.value for tensor in self.tensors])
        self._is_scaled = torch.tensor([tensor.id.quantity in SCALED for tensor in self.tensors])

    def _flat(self, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
        """(n,) from the tensors in order, float64; NaN for one of another shape than was claimed."""
        parts = []
        for tensor, at, like in zip(tensors, self.at, self.tensors, strict=True):
            if tensor.shape != like.value.shape:
                tensor = torch.full(like.value.shape, math.nan)
            flat = tensor.reshape(-1)
            parts.append((flat if at is None else flat[at]).double())
        return torch.cat(parts)

    def numbers(self, told: Told) -> torch.Tensor:
        """(n,) of what is told."""
        return self._flat([told[tensor.id] for tensor in self.tensors])

    def per_tensor(self, numbers: torch.Tensor) -> torch.Tensor:
        """(k,) sums of (n,)."""
        return torch.zeros(len(self.tensors), dtype=torch.float64).index_add_(0, self.owner, numbers)

    def bad(self, numbers: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        """(n,) where the claimed number is not reproduced; digits of unknown rounding may be cut off."""
        bad = outside(self.claimed, numbers, allowed)
        if not isinstance(self.precision, PrintedDecimals) or self.precision.rounding is not Rounding.UNKNOWN:
            return bad
        if not bad.any():
            return bad
        missing = (numbers.abs() - self.claimed.abs()) * 10.0**self.precision.digits
        cut_off = (self.claimed * numbers >= 0) & (missing > -1e-6) & (missing < 1 + 1e-6)
        return bad & (self.per_tensor((~cut_off).double()) > 0)[self.owner]

    @cached_property
    def _error(self) -> torch.Tensor:
        """(n,) errors that the claim's dtype was measured to bring with it."""
        assert isinstance(self.precision, ComputedIn)
        dtype = self.precision.dtype
        return self._flat([self.case.calibration.error(tensor.id, dtype) for tensor in self.tensors])

    @cached_property
    def _sizes(self) -> torch.Tensor:
        return self._largest(self.numbers(self.case.reference))

    def _largest(self, numbers: torch.Tensor) -> torch.Tensor:
        """(k,) largest absolute number of each tensor."""
        zeros = torch.zeros(len(self.tensors), dtype=torch.float64)
        return zeros.scatter_reduce(0, self.owner, numbers.abs().nan_to_num(0.0, posinf=0.0), "amax")

    def allowed(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n,) how far a claimed number may be from the altered one, as `fit.tolerance` has it of whole tensors.

        The errors of a dtype grow here with the largest number of the sample.
        """
        if not isinstance(self.precision, ComputedIn):
            return tolerance_of(self.precision, self.tensors[0].id, numbers, self.case.calibration).values
        now, eps = self._largest(numbers), torch.finfo(self.precision.dtype).eps
        growth = torch.where(self._sizes > 0, now / self._sizes.clamp_min(1e-300), 1.0).clamp_min(1.0)
        grown = (growth > 1.0) | (self._sizes == 0)
        error = torch.maximum(self._error * growth[self.owner], (now * eps * grown)[self.owner])
        return calibrated_tolerance(self.precision.dtype, numbers, error).values

    @cached_property
    def _before(self) -> torch.Tensor:
        """(n,) the parameter that an updated one was before; zero for all else."""
        start = self.case.training.parameters_before
        before = [
            start[t.id.name] if t.id.quantity is Quantity.UPDATED else torch.zeros_like(t.value) for t in self.tensors
        ]
        return self._flat(before)

    def proportional(self, numbers: torch.Tensor) -> list[TensorId]:
        """See `Sample.proportional`."""
        claimed, altered = self.claimed - self._before, numbers - self._before
        factor = self.per_tensor(claimed * altered) / self.per_tensor(altered**2)
        telling = self._is_scaled & factor.isfinite() & (factor != 0) & (self.per_tensor((altered != 0).double()) > 1)
        if not telling.any():
            return []
        spread = factor[self.owner]
        bad = outside(claimed, spread * altered, self.allowed(numbers) * spread.abs().clamp_min(1.0))
        right = telling & (self.per_tensor(bad.double()) == 0)
        return [self.tensors[i].id for i in right.nonzero().flatten().tolist()]


def _chosen(tensor: ClaimedTensor, reference: torch.Tensor) -> torch.Tensor | None:
    """Positions in the flattened tensor, one half of them where the claim is farthest from the reference; None: all.

    The largest numbers are among them: by these the error of a dtype grows.
    """
    count = tensor.value.numel()
    if count <= MOST_OF_A_TENSOR:
        return None
    half = MOST_OF_A_TENSOR // 2
    gap = (tensor.value.double() - reference.double()).abs().reshape(-1).nan_to_num(math.inf)
    farthest = gap.topk(half).indices
    spread = torch.linspace(0, count - 1, half).long()
    largest = [values.double().abs().reshape(-1).nan_to_num(0.0).argmax() for values in (tensor.value, reference)]
    chosen = {*farthest.tolist(), *spread.tolist(), *(int(at) for at in largest)}
    return torch.tensor(sorted(chosen))
