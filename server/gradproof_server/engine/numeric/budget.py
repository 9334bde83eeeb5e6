"""What a run of the witness may use, what it has used, and when it tells how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..types import ShouldStop, StoppedError, TensorId
from .types import WitnessOptions, WitnessProgress

PROGRESS_SECONDS = 0.2


class OutOfBudgetError(Exception):
    """The seconds or evaluations that were allowed are used up."""


@dataclass
class Budget:
    """What a run may use, and has used."""

    options: WitnessOptions
    should_stop: ShouldStop
    expected: int
    evaluations: int = 0
    noise: float = 0.0

    def __post_init__(self) -> None:
        self.started = self._told = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time since the run began."""
        return time.perf_counter() - self.started

    def spend(self, evaluations: int) -> None:
        """Counts evaluations to come. Raises StoppedError, or OutOfBudgetError where they are more than is left."""
        if self.should_stop():
            raise StoppedError("the caller does not wait any more")
        most = self.options.max_evaluations
        if self.seconds > self.options.max_seconds or (most is not None and self.evaluations + evaluations > most):
            raise OutOfBudgetError
        self.evaluations += evaluations

    def progress(self, tensor: TensorId) -> Iterator[WitnessProgress]:
        """How far it is, if that was not told a moment ago."""
        if time.perf_counter() - self._told > PROGRESS_SECONDS:
            self._told = time.perf_counter()
            yield WitnessProgress(self.evaluations, max(self.expected, self.evaluations), self.seconds, tensor)
