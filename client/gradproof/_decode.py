"""Decoding: from the messages of the contract to the values of `results`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from gradproof.errors import ServerError
from gradproof.results import (
    Catalog,
    CatalogArgument,
    CatalogEntry,
    Comparison,
    Diagnosis,
    Environment,
    Finding,
    Localization,
    Quantity,
    Reference,
    Report,
    TensorName,
    UpdateComparison,
    Verdict,
    WorstElement,
)
from gradproof.tensors import TensorError, tensor_to_numpy
from gradproof.v1 import catalog_pb2, comparison_pb2, diagnosis_pb2, gradient_service_pb2, tensor_pb2

VERDICTS: Mapping[int, Verdict] = MappingProxyType(
    {
        comparison_pb2.VERDICT_AGREES: Verdict.AGREES,
        comparison_pb2.VERDICT_DISAGREES: Verdict.DISAGREES,
        comparison_pb2.VERDICT_INCONCLUSIVE: Verdict.INCONCLUSIVE,
    }
)
QUANTITIES: Mapping[int, Quantity] = MappingProxyType(
    {tensor_pb2.Quantity.Value(f"QUANTITY_{quantity.name}"): quantity for quantity in Quantity}
)
_SOURCES = {
    value: name.removeprefix("TOLERANCE_SOURCE_").lower() for name, value in comparison_pb2.ToleranceSource.items()
}


def known(table: Mapping[int, Any], number: int, what: str) -> Any:
    """The value of an enum; a number that this SDK does not know is an error and never a default."""
    if number not in table:
        raise ServerError(f"the server answered with an unknown {what}, {number}; it may be newer than this SDK")
    return table[number]


def tensor_name(message: tensor_pb2.TensorId) -> TensorName:
    """The name of a tensor."""
    return TensorName(message.step, known(QUANTITIES, message.quantity, "quantity"), message.name)


def environment(message: catalog_pb2.Environment) -> Environment:
    """By what something was computed."""
    return Environment(message.gradproof_version, message.torch_version, message.device, message.dtype, message.threads)


def reference(message: gradient_service_pb2.Reference) -> Reference:
    """The reference with its tensors as arrays, which may be read-only.

    Raises:
        ServerError: a tensor's bytes do not fit its shape.
    """
    try:
        tensors = {tensor_name(named.id): tensor_to_numpy(named.value) for named in message.tensors}
    except TensorError as error:
        raise ServerError(f"the server answered with a broken tensor: {error}") from error
    return Reference(
        tensors=tensors,
        learning_rates=tuple(message.learning_rates),
        environment=environment(message.environment),
        parameters=message.parameters,
        flops=message.flops,
        seconds=message.seconds,
        message=message,
    )


def report(message: gradient_service_pb2.CheckGradientsResponse) -> Report:
    """The report of a check."""
    return Report(
        verdict=known(VERDICTS, message.verdict, "verdict"),
        comparisons=tuple(_comparison(item) for item in message.comparisons),
        reference=reference(message.reference),
        diagnosis=_diagnosis(message.diagnosis) if message.HasField("diagnosis") else None,
        message=message,
    )


def _worst(owner: comparison_pb2.Comparison | comparison_pb2.UpdateComparison) -> WorstElement | None:
    if not owner.HasField("worst"):
        return None
    w = owner.worst
    return WorstElement(tuple(w.index), w.claimed, w.reference, w.absolute, w.relative, w.ulps, w.tolerance)


def _comparison(message: comparison_pb2.Comparison) -> Comparison:
    update = None
    if message.HasField("update"):
        update = UpdateComparison(message.update.disagreeing, _worst(message.update), message.update.tolerance)
    return Comparison(
        tensor=tensor_name(message.id),
        verdict=known(VERDICTS, message.verdict, "verdict"),
        elements=message.elements,
        disagreeing=message.disagreeing,
        worst=_worst(message),
        tolerance_source=_SOURCES.get(message.tolerance_source, "unknown"),
        tolerance=message.tolerance,
        update=update,
        note=message.note,
    )


def _diagnosis(message: diagnosis_pb2.Diagnosis) -> Diagnosis:
    where = message.localization
    localization = Localization(
        summary=where.summary,
        agreeing=tuple(tensor_name(item) for item in where.agreeing),
        disagreeing=tuple(tensor_name(item) for item in where.disagreeing),
        enters_at=where.enters_at,
        observations=tuple(where.observations),
    )
    return Diagnosis(
        findings=tuple(_finding(item) for item in message.findings),
        localization=localization if message.HasField("localization") else None,
        caution=message.caution,
        variants_tried=message.variants_tried,
        budget_exhausted=message.budget_exhausted,
        seconds=message.seconds,
    )


def _finding(message: diagnosis_pb2.Finding) -> Finding:
    return Finding(
        codes=tuple(message.codes),
        title=message.title,
        explanation=message.explanation,
        advice=message.advice,
        convention=message.convention,
        sites=tuple(message.sites),
        reproduced=message.reproduction.reproduced,
        claimed=message.reproduction.claimed,
        largest_distance=message.reproduction.largest_distance,
        probe=message.probe,
        pages=tuple(message.pages),
    )


def catalog(message: gradient_service_pb2.ListCatalogResponse) -> Catalog:
    """What a server can build."""
    return Catalog(
        layers=_entries(message.layers),
        functions=_entries(message.functions),
        losses=_entries(message.losses),
        optimizers=_entries(message.optimizers),
        schedules=_entries(message.schedules),
        omissions={item.name: item.reason for item in message.omissions},
        limits={field.name: value for field, value in message.limits.ListFields()},
        environment=environment(message.environment),
        devices=tuple(message.devices),
        message=message,
    )


def _entries(messages: Iterable[catalog_pb2.CatalogEntry]) -> Mapping[str, CatalogEntry]:
    return {message.name: _entry(message) for message in messages}


def _entry(message: catalog_pb2.CatalogEntry) -> CatalogEntry:
    arguments = tuple(CatalogArgument(a.name, a.type, a.required, a.default, a.doc) for a in message.arguments)
    return CatalogEntry(
        message.name, message.doc, arguments, tuple(message.inputs), tuple(message.outputs), message.random
    )
