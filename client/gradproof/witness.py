"""The witness's results: what came of holding derivatives against numerical differentiation, as frozen values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TypeAlias

from gradproof._printed import Printed
from gradproof.codec import wire
from gradproof.reference import Environment, TensorName
from gradproof.tensors import Array
from gradproof.v1 import witness_pb2
from gradproof.verdict import GRAVITY, Checked, Verdict, worst_verdict


class WitnessMode(enum.StrEnum):
    """How a tensor is looked at."""

    ELEMENTS = "elements"
    """Every element by itself."""
    DIRECTIONS = "directions"
    """Random directions of signs, and some elements by themselves."""


class Subject(enum.StrEnum):
    """Whose derivative a judgement is about."""

    REFERENCE = "reference"
    """PyTorch's reverse mode, in the dtype of the problem."""
    CLAIM = "claim"
    """The caller's claim; of a function of the caller, the derivative that the caller states."""
    FORWARD_MODE = "forward mode"
    """PyTorch's forward mode in float64."""
    SECOND_ORDER = "second order"
    """PyTorch's reverse mode over reverse mode: a product of the Hessian with a direction."""


class Cause(enum.StrEnum):
    """Why a stated derivative is not confirmed; or confirmed, where that needs a word."""

    UNSPECIFIED = ""
    """Nothing to say."""
    WRONG_DERIVATIVE = "wrong derivative"
    """The numerical slope holds still over a range of steps, at another value than the stated one."""
    TRUNCATION = "truncation"
    """The steps cannot be made small enough for the curvature before rounding takes over."""
    ROUNDING = "rounding"
    """Rounding of the function's values is as large as what is to be seen."""
    NOISE = "noise"
    """The function gives other values when asked again."""
    KINK_CONVENTION = "kink, convention"
    """The slopes on the two sides differ; the stated value lies between them: a subgradient, chosen by convention."""
    KINK_OUTSIDE = "kink, outside"
    """The slopes on the two sides differ, and the stated value lies outside of them."""
    JUMP = "jump"
    """The function jumps."""
    NOT_FINITE = "not finite"
    """The function has no finite value near the point."""
    DEAD = "dead"
    """The function does not depend on the element at all: the derivative is exactly 0."""
    TOO_SMALL = "too small"
    """The derivative is smaller than its error bar: at an optimum, or as good as dead. Displace the point."""
    KINKS_CANCEL = "kinks cancel"
    """Kinks cancel each other in the sum: the function is smooth, PyTorch's conventions give another value."""


@dataclass(frozen=True)
class TensorEstimate:
    """What one tensor will cost.

    Attributes:
        tensor: which one.
        mode: as chosen.
        elements: their number.
        lines: elements and directions along which the function is differentiated.
        evaluations: of the function.
        flops_per_evaluation: floating-point operations of what lies downstream of the tensor.
    """

    tensor: TensorName = field(metadata=wire("id"))
    mode: WitnessMode
    elements: int
    lines: int
    evaluations: int
    flops_per_evaluation: float


@dataclass(frozen=True)
class Estimate(Printed):
    """What a run will cost, known before it starts; refining may need more. `str(estimate)` is a table.

    Attributes:
        tensors: one for each that will be looked at.
        evaluations: of the function, all tensors together.
        flops: floating-point operations.
        seconds: from the measured speed of one evaluation.
        message: the answer as it came.
    """

    tensors: tuple[TensorEstimate, ...]
    evaluations: int
    flops: float
    seconds: float
    message: witness_pb2.WitnessEstimate = field(repr=False, compare=False)


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        evaluations: of the function so far.
        expected: that are expected altogether.
        seconds: so far.
        tensor: the one at hand; None between tensors.
    """

    evaluations: int
    expected: int
    seconds: float
    tensor: TensorName | None = None

    @property
    def fraction(self) -> float:
        """The part that is done, 0 to 1."""
        return min(1.0, self.evaluations / self.expected) if self.expected else 0.0


@dataclass(frozen=True)
class WitnessedValue:
    """One derivative: stated, measured, and how well it was measured.

    Attributes:
        index: position of the element; empty for a scalar and for a direction.
        direction: number of the random direction, from 1; 0 for an element.
        output_index: for a Jacobian: position of the output.
        stated: the stated derivative.
        numeric: the numerical derivative.
        bar: how far `numeric` may be off: truncation, rounding and noise.
        tolerance: how far `stated` may be off by its own precision.
        gap: |stated - numeric|.
        ulps: the gap in units in the last place of `numeric`, in the stated tensor's dtype.
        steps: smallest and largest step that `numeric` rests on.
        slopes: on the left and on the right, where they differ.
    """

    index: tuple[int, ...]
    direction: int
    output_index: tuple[int, ...]
    stated: float
    numeric: float
    bar: float
    tolerance: float
    gap: float
    ulps: float
    steps: tuple[float, float] = field(metadata=wire("smallest_step", "largest_step"))
    slopes: tuple[float, float] = field(metadata=wire("left", "right"))


@dataclass(frozen=True)
class Judgement:
    """What is said of one subject's derivatives of a tensor.

    Attributes:
        subject: whose derivatives.
        verdict: DISAGREES if any is outside its bar and tolerance; INCONCLUSIVE if the bars are too wide to tell.
        disagreeing: how many elements and directions disagree.
        inconclusive: of how many nothing can be said.
        worst: the one that is worst relative to bar and tolerance; None where there is none.
        cause: why, for the worst one.
        explanation: the cause in words, with the numbers.
    """

    subject: Subject
    verdict: Verdict
    disagreeing: int
    inconclusive: int
    worst: WitnessedValue | None
    cause: Cause
    explanation: str


@dataclass(frozen=True, eq=False)
class Sweep:
    """Slopes over the ladder of steps, for one element or direction.

    Attributes:
        index, direction: as in WitnessedValue.
        steps: falling, float64 of shape (n,).
        slopes: by central differences with each step, shape (n,).
        rounding: what rounding may have done to each of them, shape (n,).
        stated: the derivative that the reference, or the caller of a function, states.
    """

    index: tuple[int, ...]
    direction: int
    steps: Array
    slopes: Array
    rounding: Array
    stated: float


@dataclass(frozen=True)
class Kink:
    """A value that sits on a kink of a node's function.

    Attributes:
        node: its name, and `type` its class.
        index: position in the node's output.
        value: of the node's output there.
        left, right, taken: the node's slopes along the line that was looked at, and the one that PyTorch takes.
        text: all of it in words.
    """

    node: str
    type: str
    index: tuple[int, ...]
    value: float
    left: float
    right: float
    taken: float
    text: str


@dataclass(frozen=True, eq=False)
class TensorWitness:
    """What the witness says of one tensor.

    Attributes:
        tensor: which one.
        mode: how it was looked at.
        elements: their number.
        elements_checked: those that were looked at by themselves.
        directions_checked: random directions that were looked at.
        judgements: one per subject.
        kinks: that were met, at most 8.
        detectable: smallest error of a single element that this check would have seen.
        detectable_relative: the same, relative to the tensor's largest derivative; infinite for zeros.
        note: what should be known of this check; empty: nothing.
        sweep: of the worst element or direction; None where there is nothing to see in it.
        positions: row-major positions of the elements that were looked at, int64 of shape (n,).
        numeric: numerical derivatives in the order of `positions`, float64 of shape (n,); of a Jacobian those of all
            outputs for each position, (n * outputs,).
        bars: their error bars, of the same shape.
        stated: the derivatives that the claim states, else the reference, of the same shape.
        taylor_order: of the remainder of the first-order Taylor expansion: 2 for a right gradient, 1 for a wrong one;
            None where rounding or linearity hides it.
        shape: of the tensor.

    `positions`, `numeric`, `bars` and `stated` are empty unless `include_values` asked for them.
    """

    tensor: TensorName = field(metadata=wire("id"))
    mode: WitnessMode
    elements: int
    elements_checked: int
    directions_checked: int
    judgements: tuple[Judgement, ...]
    kinks: tuple[Kink, ...]
    detectable: float
    detectable_relative: float
    note: str
    sweep: Sweep | None
    positions: Array
    numeric: Array
    bars: Array
    stated: Array
    taylor_order: float | None
    shape: tuple[int, ...]

    @property
    def verdict(self) -> Verdict:
        """DISAGREES if any judgement does; else INCONCLUSIVE if any is; else AGREES."""
        return worst_verdict(judgement.verdict for judgement in self.judgements)

    def judgement(self, subject: Subject | str = Subject.REFERENCE) -> Judgement:
        """What is said of one subject. Raises KeyError where it was not looked at."""
        found = [judgement for judgement in self.judgements if judgement.subject == subject]
        if not found:
            seen = ", ".join(judgement.subject for judgement in self.judgements)
            raise KeyError(f"{subject!r} was not looked at for {self.tensor}; there are {seen}")
        return found[0]

    @property
    def worst(self) -> WitnessedValue | None:
        """The worst value of the judgement with the gravest verdict; None where there is none."""
        return self.gravest.worst if self.judgements else None

    @property
    def gravest(self) -> Judgement:
        """The judgement with the gravest verdict, the first of several."""
        return max(self.judgements, key=lambda judgement: GRAVITY[judgement.verdict])


@dataclass(frozen=True)
class Reproducer:
    """What is needed to repeat a run: the seed, by what it was computed, and how directions are made, in words."""

    seed: int
    environment: Environment
    directions: str


@dataclass(frozen=True, eq=False)
class Verification(Checked):
    """What came of a run. `str(verification)` is a table; a notebook shows it as HTML.

    Attributes:
        verdict: DISAGREES if any judgement does; else INCONCLUSIVE if any is, or nothing was looked at; else AGREES.
        reference_verdict: of the reference (of a function: of the stated derivative) alone; None where it was not
            looked at.
        claim_verdict: of the claim alone; None without a claim.
        tensors: that were looked at.
        not_reached: tensors that were not.
        complete: whether all was done that was asked for.
        evaluations: of the function.
        seconds: that it took.
        value: of the function at the point; NaN where the run was cut off before its report.
        rounding_noise: measured rounding noise of that value, absolute.
        repeat_noise: measured spread of that value when asked again; 0 for a function that repeats itself.
        summary: which side is wrong, and why, in a few sentences.
        reproducer: what is needed to repeat it; None where the run was cut off before its report.
        cut_off: why the report did not come: "interrupted" or "deadline"; empty: it came.
        message: the report as it came, or as it is made of what came.
    """

    verdict: Verdict
    reference_verdict: Verdict | None
    claim_verdict: Verdict | None
    tensors: tuple[TensorWitness, ...]
    not_reached: tuple[TensorName, ...]
    complete: bool
    evaluations: int
    seconds: float
    value: float
    rounding_noise: float
    repeat_noise: float
    summary: str
    reproducer: Reproducer | None
    message: witness_pb2.WitnessReport = field(repr=False)
    cut_off: str = ""

    @property
    def partial(self) -> bool:
        """Whether something that was asked for was not looked at."""
        return not self.complete

    @property
    def agrees(self) -> bool:
        """Whether all was looked at, and the verdict is AGREES."""
        return self.complete and self.verdict is Verdict.AGREES

    def tensor(self, name: str) -> TensorWitness:
        """What is said of a tensor: of "0.weight", or in full of "input gradient input".

        Raises:
            KeyError: it was not looked at.
        """
        found = [tensor for tensor in self.tensors if name in (tensor.tensor.name, str(tensor.tensor))]
        if not found:
            raise KeyError(f"{name!r} was not looked at; there are {', '.join(str(t.tensor) for t in self.tensors)}")
        return found[0]


WitnessEvent: TypeAlias = Estimate | Progress | TensorWitness | Verification
"""What a run says: first the estimate, then progress and tensors, last the verification."""
