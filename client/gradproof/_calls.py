"""Calls: the pure core that both clients share; requests from arguments, results from responses. No I/O."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

from google.protobuf.message import DecodeError

from gradproof._arguments import descriptor_of, fill
from gradproof._channel import SERVICE
from gradproof._violations import Violations, near_miss
from gradproof.claim import ClaimLike, claim_to_proto
from gradproof.codec import decode
from gradproof.errors import ServerError, invalid
from gradproof.problem import Problem, problem_to_proto
from gradproof.results import Catalog, Quantity, Reference, Report
from gradproof.v1 import diagnosis_pb2, gradient_service_pb2, problem_pb2, tensor_pb2

ProblemLike: TypeAlias = Problem | problem_pb2.Problem
Include: TypeAlias = str | Iterable[str]
DiagnosisLike: TypeAlias = bool | Mapping[str, Any] | diagnosis_pb2.DiagnosisOptions
T = TypeVar("T")


class Unset(enum.Enum):
    """The type of an argument that was not given, where None has a meaning."""

    UNSET = enum.auto()


UNSET: Final = Unset.UNSET
Timeout: TypeAlias = float | Unset | None


@dataclass(frozen=True)
class Call(Generic[T]):
    """One call: where it goes, what is sent, what the bytes of the answer mean, and whether it is repeated."""

    path: str
    request: bytes
    decode: Callable[[bytes], T]
    repeated: bool = True

    def read(self, answer: bytes) -> T:
        """What the answer says. Raises ServerError where it cannot be read."""
        try:
            return self.decode(answer)
        except DecodeError as error:
            raise ServerError(f"the answer of {self.path} cannot be read: {error}") from error


def compute_call(problem: ProblemLike, include: Include | None, steps: Iterable[int] | None) -> Call[Reference]:
    """ComputeGradients. Raises InvalidProblemError for what is wrong with the arguments."""
    request = gradient_service_pb2.ComputeGradientsRequest(
        problem=problem_to_proto(problem), include=include_to_quantities(include), steps=_step_indices(steps)
    )
    response = gradient_service_pb2.ComputeGradientsResponse
    return Call(
        f"/{SERVICE}/ComputeGradients",
        request.SerializeToString(),
        lambda data: decode(Reference, response.FromString(data).reference),
    )


def check_call(
    problem: ProblemLike, claim: ClaimLike, include: Include | None, diagnosis: DiagnosisLike | None
) -> Call[Report]:
    """CheckGradients. Raises InvalidProblemError for what is wrong with the arguments."""
    message = problem_to_proto(problem)
    request = gradient_service_pb2.CheckGradientsRequest(
        problem=message,
        claim=claim_to_proto(claim, message),
        include=include_to_quantities(include),
        diagnosis=diagnosis_to_options(diagnosis),
    )
    response = gradient_service_pb2.CheckGradientsResponse
    return Call(
        f"/{SERVICE}/CheckGradients",
        request.SerializeToString(),
        lambda data: decode(Report, response.FromString(data)),
    )


def catalog_call() -> Call[Catalog]:
    """ListCatalog."""
    response = gradient_service_pb2.ListCatalogResponse
    return Call(f"/{SERVICE}/ListCatalog", b"", lambda data: decode(Catalog, response.FromString(data)))


def health_call() -> Call[bool]:
    """Check of grpc.health.v1, for the whole server. Its messages have one field each, so they are read by hand.

    The request's `service` is empty, which is no bytes; the response's `status` is field 1, and SERVING is 1.
    """
    return Call("/grpc.health.v1.Health/Check", b"", lambda data: data == b"\x08\x01", repeated=False)


def include_to_quantities(include: Include | None) -> list[tensor_pb2.Quantity]:
    """Quantities by name: "gradients", "gradient" or GRADIENT, or "all".

    Raises:
        InvalidProblemError: a name is unknown.
    """
    names = [include] if isinstance(include, str) else list(include or ())
    wanted: list[Quantity] = []
    for name in names:
        wanted += list(Quantity) if name == "all" else [_quantity(name)]
    numbers = [tensor_pb2.Quantity.Value(f"QUANTITY_{quantity.name}") for quantity in dict.fromkeys(wanted)]
    return cast(list[tensor_pb2.Quantity], numbers)


def _quantity(name: str) -> Quantity:
    spellings = {spelling: q for q in Quantity for spelling in (q.value, q.name.lower())}
    folded = str(name).lower().removeprefix("quantity_")
    if folded not in spellings:
        raise invalid("include", "UNKNOWN_VALUE", f"{name!r} is not a quantity{near_miss(folded, [*Quantity, 'all'])}")
    return spellings[folded]


def _step_indices(steps: Iterable[int] | None) -> list[int]:
    indices = list(steps or ())
    for index in indices:
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < 2**32:
            raise invalid("steps", "OUT_OF_RANGE", f"{index!r} is not the index of a step; the first is 0")
    return indices


def diagnosis_to_options(diagnosis: DiagnosisLike | None) -> diagnosis_pb2.DiagnosisOptions | None:
    """Options of the diagnosis: False for none, a mapping of max_seconds, max_combination and max_findings.

    Raises:
        InvalidProblemError: an option is unknown or of the wrong type.
    """
    if diagnosis is None or diagnosis is True or isinstance(diagnosis, diagnosis_pb2.DiagnosisOptions):
        return None if isinstance(diagnosis, bool) else diagnosis
    options = diagnosis_pb2.DiagnosisOptions()
    if diagnosis is False:
        options.disabled = True
        return options
    found = Violations()
    fill(options, (), diagnosis, descriptor_of(options).name, found)
    found.raise_if_any()
    return options


def seconds(timeout: Timeout, default: float | None) -> float | None:
    """The deadline of a call in seconds from now; None: none."""
    return default if timeout is UNSET else timeout
