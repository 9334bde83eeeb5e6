"""Results: what a server answered, as frozen values with NumPy arrays."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from gradproof.codec import wire
from gradproof.reference import Environment, Quantity, Reference, StepReference, TensorName
from gradproof.v1 import gradient_service_pb2
from gradproof.verdict import Checked, Verdict

__all__ = [
    "Catalog",
    "CatalogArgument",
    "CatalogEntry",
    "Comparison",
    "Diagnosis",
    "Environment",
    "Finding",
    "Localization",
    "Quantity",
    "Reference",
    "Report",
    "StepReference",
    "TensorName",
    "ToleranceSource",
    "UpdateComparison",
    "Verdict",
    "WorstElement",
]


class ToleranceSource(enum.StrEnum):
    """Where a tolerance came from."""

    UNSPECIFIED = "unknown"
    """Not stated, or by a newer server than this SDK knows."""
    PRINTED = "printed"
    """Half a unit of the last printed decimal."""
    TRUNCATED = "truncated"
    """One unit of the last printed decimal, the digits being truncated."""
    CALIBRATED = "calibrated"
    """Measured by running the problem in the claim's dtype."""
    EXPLICIT = "explicit"
    """Given by the caller."""


@dataclass(frozen=True)
class WorstElement:
    """The element of a tensor that is worst relative to its tolerance.

    Attributes:
        index: one per dimension; empty for a scalar.
        claimed: the claimed number.
        reference: the reference.
        absolute: |claimed - reference|.
        relative: |claimed - reference| / |reference|.
        ulps: the difference in units in the last place of the reference, in the claimed tensor's dtype.
        tolerance: of this element.
    """

    index: tuple[int, ...]
    claimed: float
    reference: float
    absolute: float
    relative: float
    ulps: float
    tolerance: float


@dataclass(frozen=True)
class UpdateComparison:
    """The change of a parameter, claimed minus old against reference minus old."""

    disagreeing: int
    worst: WorstElement | None
    tolerance: str


@dataclass(frozen=True)
class Comparison:
    """One claimed tensor against its reference.

    Attributes:
        tensor: which one.
        verdict: what came of it, `update` included.
        elements: their number.
        disagreeing: how many are outside their tolerance.
        worst: the element that is worst relative to its tolerance; None where there are none.
        tolerance_source: where the tolerance came from.
        tolerance: in words, with its numbers.
        update: for updated parameters: the change, so that a small step cannot hide a wrong one.
        note: something that a reader should know; empty: nothing.
    """

    tensor: TensorName = field(metadata=wire("id"))
    verdict: Verdict
    elements: int
    disagreeing: int
    worst: WorstElement | None
    tolerance_source: ToleranceSource
    tolerance: str
    update: UpdateComparison | None = None
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """One explanation of a disagreement: the training step with an alteration, or a few, gives the claimed numbers.

    Attributes:
        codes: stable names of the alterations, as "loss.half_squared_error".
        title: the explanation in one sentence.
        explanation: with the caller's own numbers.
        advice: what to change, on either side.
        convention: whether the claim follows another common convention rather than a mistake.
        sites: nodes or parameters where the alteration acts; empty: everywhere.
        reproduced: how many of the claimed numbers the altered step gives.
        claimed: how many numbers are claimed.
        largest_distance: the largest remaining |claimed - altered|.
        probe: an experiment that would tell this explanation from others that fit equally; empty: none is needed.
        documentation_urls: pages about the codes, one per code; empty where the server has none to point to.
    """

    codes: tuple[str, ...]
    title: str
    explanation: str
    advice: str
    convention: bool
    sites: tuple[str, ...]
    reproduced: int = field(metadata=wire("reproduction.reproduced"))
    claimed: int = field(metadata=wire("reproduction.claimed"))
    largest_distance: float = field(metadata=wire("reproduction.largest_distance"))
    probe: str = ""
    documentation_urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Localization:
    """Where a claim goes wrong: in words, which tensors agree, where the error enters, and what the numbers show."""

    summary: str
    agreeing: tuple[TensorName, ...] = ()
    disagreeing: tuple[TensorName, ...] = ()
    enters_at: str = ""
    observations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """Where a claim goes wrong and why.

    Attributes:
        findings: explanations that reproduce the claimed numbers, the most plausible first.
        localization: where the error enters; None for a claim that agrees.
        caution: what limits the explanation; empty: nothing.
        variants_tried: altered training steps that were run.
        budget_exhausted: whether the search ended before all variants were tried.
        seconds: that it took.
    """

    findings: tuple[Finding, ...] = ()
    localization: Localization | None = None
    caution: str = ""
    variants_tried: int = 0
    budget_exhausted: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Report(Checked):
    """The result of a check. `str(report)` is a table; a notebook shows it as HTML.

    Attributes:
        verdict: DISAGREES if any comparison does; else INCONCLUSIVE if any is; else AGREES.
        comparisons: one per claimed tensor, in the claim's order.
        reference: the truth for all claimed tensors, and what else was asked for.
        diagnosis: why the claim disagrees; None where no explanation was asked for.
        message: the answer as it came.
    """

    verdict: Verdict
    comparisons: tuple[Comparison, ...]
    reference: Reference
    diagnosis: Diagnosis | None
    message: gradient_service_pb2.CheckGradientsResponse = field(repr=False)


@dataclass(frozen=True)
class CatalogArgument:
    """An argument of a constructor: name, type, whether it is required, PyTorch's default in words, and its meaning."""

    name: str
    type: str
    required: bool
    default: str
    doc: str


@dataclass(frozen=True)
class CatalogEntry:
    """A layer, function, loss, optimizer or schedule that a server can build.

    Attributes:
        name: of the class in torch.
        doc: what it computes.
        arguments: in the constructor's order.
        inputs: names of what it takes, in order; optional ones end with "?".
        outputs: names of what it gives.
        random: whether it draws random numbers in train mode.
    """

    name: str
    doc: str
    arguments: tuple[CatalogArgument, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    random: bool


FAMILIES = ("layers", "functions", "losses", "optimizers", "schedules")
"""The parts of a catalogue."""


@dataclass(frozen=True, eq=False)
class Catalog:
    """What a server can build, its limits, versions and devices.

    Attributes:
        layers, functions, losses, optimizers, schedules: by name.
        omissions: what of PyTorch is left out, with the reason.
        limits: by name, as "max_nodes" or "max_call_seconds".
        environment: by what the server computes.
        devices: that a problem may name.
        message: the answer as it came.
    """

    layers: Mapping[str, CatalogEntry]
    functions: Mapping[str, CatalogEntry]
    losses: Mapping[str, CatalogEntry]
    optimizers: Mapping[str, CatalogEntry]
    schedules: Mapping[str, CatalogEntry]
    omissions: Mapping[str, str]
    limits: Mapping[str, float]
    environment: Environment
    devices: tuple[str, ...]
    message: gradient_service_pb2.ListCatalogResponse = field(repr=False)

    def find(self, name: str) -> CatalogEntry:
        """The entry of a class, in any family.

        Raises:
            KeyError: the server cannot build it.
        """
        for family in FAMILIES:
            entry: CatalogEntry | None = getattr(self, family).get(name)
            if entry is not None:
                return entry
        raise KeyError(f"this server cannot build {name!r}{_omission(self.omissions, name)}")


def _omission(omissions: Mapping[str, str], name: str) -> str:
    reasons = [reason for omitted, reason in omissions.items() if omitted.rsplit(".", 1)[-1] == name]
    return f": {reasons[0]}" if reasons else ""
