"""Which tensors of a run to keep."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .types import Quantity, TensorId


@dataclass(frozen=True)
class Wanted:
    """Which tensors of a run to keep: all of some quantities in some steps (None: all steps), and single ones."""

    quantities: frozenset[Quantity] = frozenset()
    ids: frozenset[TensorId] = frozenset()
    steps: frozenset[int] | None = None

    def has(self, id: TensorId) -> bool:
        """Whether that tensor is to be kept."""
        by_quantity = id.quantity in self.quantities and (self.steps is None or id.step in self.steps)
        return by_quantity or id in self.ids

    def any_of(self, quantity: Quantity, step: int) -> bool:
        """Whether any tensor of that quantity and step is to be kept."""
        if quantity in self.quantities and (self.steps is None or step in self.steps):
            return True
        return (quantity, step) in self._kinds

    @cached_property
    def _kinds(self) -> frozenset[tuple[Quantity, int]]:
        return frozenset((id.quantity, id.step) for id in self.ids)

    def last_step(self, steps: int) -> int:
        """The last step of which anything is to be kept, of a run of so many steps."""
        by_quantity = [steps - 1] if self.steps is None else [step for step in self.steps if step < steps]
        last = max(by_quantity, default=-1) if self.quantities else -1
        return max(last, max((id.step for id in self.ids), default=-1), 0)
