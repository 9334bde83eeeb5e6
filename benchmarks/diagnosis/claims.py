"""Claims made from numbers: which tensors, at what precision, and what the engine answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from gradproof_server.engine import Training, Wanted, calibration_of, compare, run
from gradproof_server.engine.compare import overall
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.diagnosis import diagnose
from gradproof_server.engine.diagnose.search import Search
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.engine.types import (
    Claim,
    ClaimedTensor,
    Comparison,
    ComputedIn,
    Diagnosis,
    DiagnosisOptions,
    Outcome,
    Precision,
    PrintedDecimals,
    Quantity,
    TensorId,
    Verdict,
)

Tensor = torch.Tensor
Told = Mapping[TensorId, Tensor]
GRADIENTS = frozenset({Quantity.GRADIENT})
UPDATES = frozenset({Quantity.UPDATED})
EVERYTHING = frozenset(
    {Quantity.LOSS, Quantity.OUTPUT, Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.UPDATED, Quantity.BUFFER}
)
KINDS: Mapping[str, frozenset[Quantity]] = {
    "gradients": GRADIENTS,
    "updates": UPDATES,
    "both": GRADIENTS | UPDATES,
    "everything": EVERYTHING,
}
PRECISIONS: tuple[Precision, ...] = (*(PrintedDecimals(d) for d in range(3, 9)), ComputedIn(torch.float64))


@dataclass(frozen=True)
class Answer:
    """What the engine says of a claim."""

    outcome: Outcome
    comparisons: tuple[Comparison, ...]
    diagnosis: Diagnosis

    @property
    def verdict(self) -> Verdict:
        """Of all tensors together."""
        return overall(self.comparisons)


def rounded(value: Tensor, precision: Precision) -> Tensor:
    """The numbers as they are printed or stored at that precision, float64."""
    if isinstance(precision, PrintedDecimals):
        units = value.double() * 10**precision.digits
        has_more_digits = units.abs() < 2**52  # beyond, float64 itself has no further decimals
        return torch.where(has_more_digits, units.round() / 10**precision.digits, value.double())
    return value.to(precision.dtype).double() if isinstance(precision, ComputedIn) else value.double()


def claim_of(told: Told, precision: Precision) -> Claim:
    """A claim of these numbers at that precision."""
    return tuple(ClaimedTensor(id, rounded(tensor, precision), precision) for id, tensor in told.items())


def reference_of(training: Training, quantities: frozenset[Quantity]) -> dict[TensorId, Tensor]:
    """PyTorch's numbers of these quantities, floating ones only, all steps."""
    tensors = run(training, Wanted(quantities)).tensors
    return {id: t for id, t in tensors.items() if id.quantity in quantities and t.is_floating_point()}


def disagrees(training: Training, claim: Claim) -> bool:
    """Whether a claim can be told from the reference at its precision."""
    outcome = run(training, Wanted(ids=frozenset(tensor.id for tensor in claim)))
    return overall(compare(training, outcome, claim)) is Verdict.DISAGREES


def ask(training: Training, claim: Claim, options: DiagnosisOptions) -> Answer:
    """The engine's answer to a claim."""
    outcome = run(training, Wanted(ids=frozenset(tensor.id for tensor in claim)))
    calibration = calibration_of(training, outcome, claim)
    comparisons = compare(training, outcome, claim, calibration=calibration)
    diagnosis = diagnose(training, outcome, claim, comparisons, options, calibration=calibration)
    return Answer(outcome, comparisons, diagnosis)


def told_by(
    training: Training, claim: Claim, answer: Answer, codes: tuple[str, ...], options: DiagnosisOptions
) -> list[Told]:
    """The numbers that complete explanations by these rows tell, the likeliest first."""
    case = Case(training, claim, answer.outcome.tensors, answer.comparisons)
    rows = tuple(variant for variant in TABLE if variant.code in codes)
    return [attempt.told for attempt in Search(case, rows, options).run().complete if attempt.codes == codes]


def precision_name(precision: Precision) -> str:
    """ "5 decimals" or "float64"."""
    if isinstance(precision, PrintedDecimals):
        return f"{precision.digits} decimals"
    return str(precision.dtype).removeprefix("torch.") if isinstance(precision, ComputedIn) else "tolerances"
