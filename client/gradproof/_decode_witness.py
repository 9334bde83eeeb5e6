"""Decoding of what the witness says, and the report that is made of what came where a run was cut off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import cast

import numpy as np

from gradproof import _decode
from gradproof.errors import ServerError
from gradproof.tensors import Array, TensorError, tensor_to_numpy
from gradproof.v1 import comparison_pb2, tensor_pb2, witness_pb2
from gradproof.verdict import Verdict, worst_verdict
from gradproof.witness import (
    Cause,
    Estimate,
    Judgement,
    Kink,
    Progress,
    Reproducer,
    Subject,
    Sweep,
    TensorEstimate,
    TensorWitness,
    Verification,
    WitnessedValue,
    WitnessMode,
)

MODES: Mapping[int, WitnessMode] = MappingProxyType(
    {witness_pb2.WitnessMode.Value(f"WITNESS_MODE_{mode.name}"): mode for mode in WitnessMode}
)
SUBJECTS: Mapping[int, Subject] = MappingProxyType(
    {witness_pb2.Subject.Value(f"SUBJECT_{subject.name}"): subject for subject in Subject}
)
CAUSES: Mapping[int, Cause] = MappingProxyType(
    {witness_pb2.Cause.Value(f"CAUSE_{cause.name}"): cause for cause in Cause}
)
_VERDICT_NUMBERS = {verdict: number for number, verdict in _decode.VERDICTS.items()}


def estimate(message: witness_pb2.WitnessEstimate) -> Estimate:
    """What a run will cost."""
    tensors = tuple(_tensor_estimate(item) for item in message.tensors)
    return Estimate(tensors, message.evaluations, message.flops, message.seconds, message)


def _tensor_estimate(message: witness_pb2.TensorEstimate) -> TensorEstimate:
    return TensorEstimate(
        _decode.tensor_name(message.id),
        _decode.known(MODES, message.mode, "mode"),
        message.elements,
        message.lines,
        message.evaluations,
        message.flops_per_evaluation,
    )


def progress(message: witness_pb2.WitnessProgress) -> Progress:
    """How far a run is."""
    tensor = _decode.tensor_name(message.tensor) if message.HasField("tensor") and message.tensor.quantity else None
    return Progress(message.evaluations, message.expected, message.seconds, tensor)


def tensor_witness(message: witness_pb2.TensorWitness) -> TensorWitness:
    """What is said of one tensor.

    Raises:
        ServerError: a tensor's bytes do not fit its shape, or an enum has a value that this SDK does not know.
    """
    return TensorWitness(
        tensor=_decode.tensor_name(message.id),
        mode=_decode.known(MODES, message.mode, "mode"),
        elements=message.elements,
        elements_checked=message.elements_checked,
        directions_checked=message.directions_checked,
        judgements=tuple(_judgement(item) for item in message.judgements),
        kinks=tuple(_kink(item) for item in message.kinks),
        detectable=message.detectable,
        detectable_relative=message.detectable_relative,
        note=message.note,
        sweep=_sweep(message.sweep) if message.HasField("sweep") else None,
        positions=np.array(message.positions, np.int64),
        numeric=_values(message.numeric),
        bars=_values(message.bars),
        stated=_values(message.stated),
        taylor_order=message.taylor_order if message.HasField("taylor_order") else None,
        shape=tuple(message.shape),
    )


def _values(message: tensor_pb2.Tensor) -> Array:
    """The array of a tensor; an empty one where there is none."""
    if not message.dtype:
        return np.zeros(0)
    try:
        return tensor_to_numpy(message)
    except TensorError as error:
        raise ServerError(f"the server answered with a broken tensor: {error}") from error


def _judgement(message: witness_pb2.Judgement) -> Judgement:
    return Judgement(
        subject=_decode.known(SUBJECTS, message.subject, "subject"),
        verdict=_decode.known(_decode.VERDICTS, message.verdict, "verdict"),
        disagreeing=message.disagreeing,
        inconclusive=message.inconclusive,
        worst=_value(message.worst) if message.HasField("worst") else None,
        cause=CAUSES.get(message.cause, Cause.UNSPECIFIED),
        explanation=message.explanation,
    )


def _value(message: witness_pb2.WitnessedValue) -> WitnessedValue:
    return WitnessedValue(
        index=tuple(message.index),
        direction=message.direction,
        output_index=tuple(message.output_index),
        stated=message.stated,
        numeric=message.numeric,
        bar=message.bar,
        tolerance=message.tolerance,
        gap=message.gap,
        ulps=message.ulps,
        steps=(message.smallest_step, message.largest_step),
        slopes=(message.left, message.right),
    )


def _sweep(message: witness_pb2.Sweep) -> Sweep:
    steps, slopes, rounding = (np.array(list(part)) for part in (message.steps, message.slopes, message.rounding))
    return Sweep(tuple(message.index), message.direction, steps, slopes, rounding, message.stated)


def _kink(message: witness_pb2.Kink) -> Kink:
    index = tuple(message.index)
    slopes = (message.left, message.right, message.taken)
    return Kink(message.node, message.type, index, message.value, *slopes, message.text)


def verification(message: witness_pb2.WitnessReport, cut_off: str = "") -> Verification:
    """The end of a run.

    Raises:
        ServerError: as `tensor_witness`.
    """
    return Verification(
        verdict=_decode.known(_decode.VERDICTS, message.verdict, "verdict"),
        reference_verdict=_verdict_if_any(message.reference_verdict),
        claim_verdict=_verdict_if_any(message.claim_verdict),
        tensors=tuple(tensor_witness(item) for item in message.tensors),
        not_reached=tuple(_decode.tensor_name(item) for item in message.not_reached),
        complete=message.complete,
        evaluations=message.evaluations,
        seconds=message.seconds,
        value=message.value,
        rounding_noise=message.rounding_noise,
        repeat_noise=message.repeat_noise,
        summary=message.summary,
        reproducer=_reproducer(message.reproducer) if message.HasField("reproducer") else None,
        message=message,
        cut_off=cut_off,
    )


def _verdict_if_any(number: int) -> Verdict | None:
    verdict: Verdict | None = _decode.known(_decode.VERDICTS, number, "verdict") if number else None
    return verdict


def _reproducer(message: witness_pb2.Reproducer) -> Reproducer:
    return Reproducer(message.seed, _decode.environment(message.environment), message.directions)


def partial_report(
    expected: witness_pb2.WitnessEstimate,
    tensors: Iterable[witness_pb2.TensorWitness],
    last: witness_pb2.WitnessProgress,
) -> witness_pb2.WitnessReport:
    """The report of a run that was cut off: of its estimate, the tensors that came, and the last progress."""
    report = witness_pb2.WitnessReport(
        tensors=tensors, evaluations=last.evaluations, seconds=last.seconds, value=np.nan, rounding_noise=np.nan
    )
    reached = {item.id.SerializeToString(deterministic=True) for item in report.tensors}
    missing = [t.id for t in expected.tensors if t.id.SerializeToString(deterministic=True) not in reached]
    report.not_reached.extend(missing)
    judgements = [judgement for item in report.tensors for judgement in item.judgements]
    report.verdict = _worst(judgement.verdict for judgement in judgements)
    for field, subjects in (("claim_verdict", {witness_pb2.SUBJECT_CLAIM}), ("reference_verdict", _OF_REFERENCE)):
        verdicts = [judgement.verdict for judgement in judgements if judgement.subject in subjects]
        if verdicts:
            setattr(report, field, _worst(verdicts))
    return report


_OF_REFERENCE = {witness_pb2.SUBJECT_REFERENCE, witness_pb2.SUBJECT_FORWARD_MODE, witness_pb2.SUBJECT_SECOND_ORDER}


def _worst(numbers: Iterable[int]) -> comparison_pb2.Verdict:
    worst = worst_verdict(_decode.known(_decode.VERDICTS, number, "verdict") for number in numbers)
    return cast(comparison_pb2.Verdict, _VERDICT_NUMBERS[worst])
