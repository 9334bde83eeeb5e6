"""The witness's words: what it is asked, and what it says. Fields are those of the messages in witness.proto."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from ..types import TensorId, Verdict


class Mode(enum.IntEnum):
    """How a tensor is looked at; numbered as `gradproof.v1.WitnessMode`."""

    AUTO = 1
    ELEMENTS = 2
    DIRECTIONS = 3


class Subject(enum.IntEnum):
    """Whose derivative a judgement is about; numbered as `gradproof.v1.Subject`."""

    REFERENCE = 1
    CLAIM = 2
    FORWARD_MODE = 3
    SECOND_ORDER = 4


class Cause(enum.IntEnum):
    """Why a stated derivative is not confirmed; numbered as `gradproof.v1.Cause`, UNSPECIFIED being its zero."""

    UNSPECIFIED = 0
    WRONG_DERIVATIVE = 1
    TRUNCATION = 2
    ROUNDING = 3
    NOISE = 4
    KINK_CONVENTION = 5
    KINK_OUTSIDE = 6
    JUMP = 7
    NOT_FINITE = 8
    DEAD = 9
    TOO_SMALL = 10
    KINKS_CANCEL = 11


@dataclass(frozen=True)
class Selection:
    """One tensor, or some of its elements by row-major position."""

    id: TensorId
    elements: tuple[int, ...] = ()


@dataclass(frozen=True)
class WitnessOptions:
    """What is looked at, and how much may be spent. max_evaluations None: no bound."""

    mode: Mode = Mode.AUTO
    only: tuple[Selection, ...] = ()
    directions: int = 4
    samples: int = 16
    seed: int = 0
    max_seconds: float = 60.0
    max_evaluations: int | None = None
    estimate_only: bool = False
    second_order: bool = False
    step: int = 0
    include_values: bool = False


@dataclass(frozen=True)
class TensorEstimate:
    """What one tensor will cost."""

    id: TensorId
    mode: Mode
    elements: int
    lines: int
    evaluations: int
    flops_per_evaluation: float


@dataclass(frozen=True)
class WitnessEstimate:
    """What a run will cost, known before it starts."""

    tensors: tuple[TensorEstimate, ...]
    evaluations: int
    flops: float
    seconds: float


@dataclass(frozen=True)
class WitnessProgress:
    """How far a run is."""

    evaluations: int
    expected: int
    seconds: float
    tensor: TensorId | None = None


@dataclass(frozen=True)
class WitnessedValue:
    """One derivative: stated, measured, and how well it was measured."""

    index: tuple[int, ...]
    direction: int
    stated: float
    numeric: float
    bar: float
    tolerance: float
    gap: float
    ulps: float
    smallest_step: float
    largest_step: float
    left: float
    right: float
    output_index: tuple[int, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What is said of one subject's derivatives of a tensor."""

    subject: Subject
    verdict: Verdict
    disagreeing: int
    inconclusive: int
    worst: WitnessedValue | None
    cause: Cause
    explanation: str


@dataclass(frozen=True)
class Sweep:
    """Slopes over the ladder of steps, for one element or direction."""

    index: tuple[int, ...]
    direction: int
    steps: tuple[float, ...]
    slopes: tuple[float, ...]
    rounding: tuple[float, ...]
    stated: float


@dataclass(frozen=True)
class Kink:
    """A value that sits on a kink of a node's function."""

    node: str
    type: str
    index: tuple[int, ...]
    value: float
    left: float
    right: float
    taken: float
    text: str


@dataclass(frozen=True)
class TensorWitness:
    """What the witness says of one tensor."""

    id: TensorId
    mode: Mode
    elements: int
    elements_checked: int
    directions_checked: int
    judgements: tuple[Judgement, ...]
    kinks: tuple[Kink, ...] = ()
    detectable: float = 0.0
    detectable_relative: float = 0.0
    note: str = ""
    sweep: Sweep | None = None
    positions: tuple[int, ...] = ()
    numeric: torch.Tensor | None = None
    bars: torch.Tensor | None = None
    stated: torch.Tensor | None = None
    taylor_order: float | None = None
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class WitnessReport:
    """The end of a run. `claim_verdict` is None without a claim."""

    verdict: Verdict
    reference_verdict: Verdict
    claim_verdict: Verdict | None
    tensors: tuple[TensorWitness, ...]
    not_reached: tuple[TensorId, ...]
    complete: bool
    evaluations: int
    seconds: float
    value: float
    rounding_noise: float
    repeat_noise: float
    summary: str
    seed: int
    device: str
    directions: str


@dataclass(frozen=True)
class PointBatch:
    """Points at which a caller is asked for values: arrays [points, *shape] by name, in the dtypes of the point."""

    batch: int
    points: int
    tensors: Mapping[str, torch.Tensor]


class DerivativeKind(enum.Enum):
    """What the caller of a black-box check claims."""

    GRADIENT = "gradient"
    JACOBIAN = "jacobian"
    VJP = "vjp"
    JVP = "jvp"


@dataclass(frozen=True)
class FunctionClaim:
    """A function known by its values only: the point, the output there, and the claimed derivative.

    stated: by the names of the point, shapes as in `gradproof.v1.FunctionClaim`; for JVP one tensor named "". along:
    the cotangent of a VJP named "", or the tangents of a JVP by name. relative_tolerance None: that of the dtypes.
    """

    point: Mapping[str, torch.Tensor]
    output: torch.Tensor
    kind: DerivativeKind
    stated: Mapping[str, torch.Tensor]
    along: Mapping[str, torch.Tensor]
    relative_tolerance: float | None = None
    max_batch: int | None = None


WitnessEvent: TypeAlias = WitnessEstimate | WitnessProgress | TensorWitness | WitnessReport
FunctionEvent: TypeAlias = WitnessEstimate | PointBatch | WitnessProgress | WitnessReport
Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[Any]]
"""Of float64, unless it says otherwise: positions are int64, masks bool."""
