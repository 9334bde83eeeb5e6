"""The engine's words: what a training run's tensors are called, what a claim is, and what came of a check."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import torch

ShouldStop: TypeAlias = Callable[[], bool]
"""Asked between pieces of work; True ends the computation with `StoppedError`."""


class Quantity(enum.IntEnum):
    """What a tensor of a training step is; numbered as `gradproof.v1.Quantity`."""

    LOSS = 1
    OUTPUT = 2
    GRADIENT = 3
    INPUT_GRADIENT = 4
    NODE_VALUE = 5
    NODE_GRADIENT = 6
    UPDATED = 7
    STATE = 8
    BUFFER = 9


class Verdict(enum.IntEnum):
    """What a check says; numbered as `gradproof.v1.Verdict`."""

    AGREES = 1
    DISAGREES = 2
    INCONCLUSIVE = 3


GRAVITY = (Verdict.DISAGREES, Verdict.INCONCLUSIVE, Verdict.AGREES)
"""Verdicts, the gravest first."""


def gravest(verdicts: Iterable[Verdict], none: Verdict) -> Verdict:
    """DISAGREES if any is; else INCONCLUSIVE if any is; else AGREES. `none` where there is no verdict."""
    return min(verdicts, key=GRAVITY.index, default=none)


class ToleranceSource(enum.IntEnum):
    """Where a tolerance came from; numbered as `gradproof.v1.ToleranceSource`."""

    PRINTED = 1
    TRUNCATED = 2
    CALIBRATED = 3
    EXPLICIT = 4


class Rounding(enum.IntEnum):
    """How a printed number was shortened; numbered as `gradproof.v1.Rounding`, UNKNOWN being its zero."""

    UNKNOWN = 0
    NEAREST = 1
    TRUNCATED = 2


@dataclass(frozen=True, order=True)
class TensorId:
    """The name of one tensor of a training run: step (from 0), quantity, and name as the contract gives it."""

    step: int
    quantity: Quantity
    name: str = ""


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a request: the field's path, a stable reason, and what would be valid."""

    path: str
    reason: str
    description: str


class ProblemError(Exception):
    """The check could not be made.

    ProblemError
     ├── InvalidProblemError     the request is wrong; carries all violations
     ├── LimitExceededError      the request is above a limit of this server
     ├── DeviceUnavailableError  the device that the request names is not there
     └── StoppedError            the caller does not wait any more
    """


class InvalidProblemError(ProblemError):
    """The request is wrong. `violations` holds all that is wrong with it, at least one."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(f"{v.path}: {v.description}" for v in violations))
        self.violations = violations


class LimitExceededError(ProblemError):
    """The request is above the limit named `limit`: `value` where at most `allowed` is possible."""

    def __init__(self, path: str, limit: str, value: int, allowed: int) -> None:
        super().__init__(f"{path}: {limit} is {allowed}, this request needs {value}")
        self.path, self.limit, self.value, self.allowed = path, limit, value, allowed


class DeviceUnavailableError(ProblemError):
    """The device that the request names is not there."""


class StoppedError(ProblemError):
    """The caller does not wait any more."""


@dataclass(frozen=True)
class Limits:
    """What a request may ask for; the fields are those of `gradproof.v1.Limits`."""

    max_request_bytes: int = 512 * 1024 * 1024
    max_nodes: int = 2_000
    max_parameters: int = 100_000_000
    max_elements: int = 200_000_000
    max_steps: int = 1_000
    max_memory_bytes: int = 8 * 1024**3
    max_flops: int = 10**13


@dataclass(frozen=True)
class Cost:
    """What a training run takes, as estimated: most memory at one time, and floating-point operations in all."""

    memory_bytes: int
    flops: int


@dataclass(frozen=True)
class Outcome:
    """What a training run gave: its tensors by name, on CPU, detached."""

    tensors: Mapping[TensorId, torch.Tensor]
    learning_rates: tuple[float, ...]
    device: str
    dtype: torch.dtype
    seconds: float


@dataclass(frozen=True)
class PrintedDecimals:
    """Numbers with `digits` digits after the decimal point."""

    digits: int
    rounding: Rounding = Rounding.UNKNOWN


@dataclass(frozen=True)
class ComputedIn:
    """Numbers that were computed in a floating-point type."""

    dtype: torch.dtype


@dataclass(frozen=True)
class Tolerances:
    """|claimed - reference| <= absolute + relative * |reference|."""

    absolute: float
    relative: float


Precision: TypeAlias = PrintedDecimals | ComputedIn | Tolerances


@dataclass(frozen=True)
class ClaimedTensor:
    """One claimed tensor: its name, its numbers in the dtype of the claim, and how precise they are."""

    id: TensorId
    value: torch.Tensor
    precision: Precision


Claim: TypeAlias = tuple[ClaimedTensor, ...]


@dataclass(frozen=True)
class WorstElement:
    """The element that is worst relative to its tolerance; the fields are those of `gradproof.v1.WorstElement`."""

    index: tuple[int, ...]
    claimed: float
    reference: float
    absolute: float
    relative: float
    ulps: float
    tolerance: float


@dataclass(frozen=True)
class UpdateComparison:
    """The change of a parameter (new minus old), claimed against reference."""

    disagreeing: int
    worst: WorstElement | None
    tolerance: str


@dataclass(frozen=True)
class Comparison:
    """One claimed tensor against its reference; the fields are those of `gradproof.v1.Comparison`."""

    id: TensorId
    verdict: Verdict
    elements: int
    disagreeing: int
    worst: WorstElement | None
    tolerance_source: ToleranceSource
    tolerance: str
    update: UpdateComparison | None = None
    note: str = ""


@dataclass(frozen=True)
class DiagnosisOptions:
    """How much may be spent on an explanation; the fields are those of `gradproof.v1.DiagnosisOptions`."""

    max_seconds: float = 10.0
    max_combination: int = 2
    max_findings: int = 5


@dataclass(frozen=True)
class Reproduction:
    """How well an altered step reproduces the claimed numbers."""

    reproduced: int
    claimed: int
    largest_distance: float


@dataclass(frozen=True)
class Finding:
    """One explanation; the fields are those of `gradproof.v1.Finding`, without addresses of pages."""

    codes: tuple[str, ...]
    title: str
    explanation: str
    advice: str
    convention: bool
    sites: tuple[str, ...]
    reproduction: Reproduction
    probe: str = ""


@dataclass(frozen=True)
class Localization:
    """Where a claim goes wrong; the fields are those of `gradproof.v1.Localization`."""

    summary: str
    agreeing: tuple[TensorId, ...]
    disagreeing: tuple[TensorId, ...]
    enters_at: str = ""
    observations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """Where a claim goes wrong and why; the fields are those of `gradproof.v1.Diagnosis`."""

    findings: tuple[Finding, ...] = ()
    localization: Localization | None = None
    caution: str = ""
    variants_tried: int = 0
    budget_exhausted: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class CatalogArgument:
    """An argument of a constructor; the fields are those of `gradproof.v1.CatalogArgument`."""

    name: str
    type: str
    required: bool
    default: str
    doc: str


@dataclass(frozen=True)
class CatalogEntry:
    """A layer, function, loss, optimizer or schedule; the fields are those of `gradproof.v1.CatalogEntry`."""

    name: str
    field: str
    doc: str
    arguments: tuple[CatalogArgument, ...]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    random: bool = False


@dataclass(frozen=True)
class Catalog:
    """What can be built, and what of PyTorch is left out with the reason."""

    layers: tuple[CatalogEntry, ...]
    functions: tuple[CatalogEntry, ...]
    losses: tuple[CatalogEntry, ...]
    optimizers: tuple[CatalogEntry, ...]
    schedules: tuple[CatalogEntry, ...]
    omissions: Mapping[str, str] = field(default_factory=dict)
