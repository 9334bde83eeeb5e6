"""The report of a verification that was cut off, made of what arrived before."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gradproof.v1 import comparison_pb2, witness_pb2

_BY_GRAVITY = (
    comparison_pb2.VERDICT_AGREES,
    comparison_pb2.VERDICT_INCONCLUSIVE,
    comparison_pb2.VERDICT_DISAGREES,
)
_OF_REFERENCE = (witness_pb2.SUBJECT_REFERENCE, witness_pb2.SUBJECT_FORWARD_MODE, witness_pb2.SUBJECT_SECOND_ORDER)


def partial_report(
    expected: witness_pb2.WitnessEstimate,
    tensors: Iterable[witness_pb2.TensorWitness],
    last: witness_pb2.WitnessProgress,
) -> witness_pb2.WitnessReport:
    """The report made of the estimate, the tensors that arrived, and the latest progress."""
    report = witness_pb2.WitnessReport(
        tensors=tensors, evaluations=last.evaluations, seconds=last.seconds, value=np.nan, rounding_noise=np.nan
    )
    reached = {item.id.SerializeToString(deterministic=True) for item in report.tensors}
    missing = [t.id for t in expected.tensors if t.id.SerializeToString(deterministic=True) not in reached]
    report.not_reached.extend(missing)
    judgements = [judgement for item in report.tensors for judgement in item.judgements]
    report.verdict = _worst(judgements)
    if claimed := [judgement for judgement in judgements if judgement.subject == witness_pb2.SUBJECT_CLAIM]:
        report.claim_verdict = _worst(claimed)
    if of_reference := [judgement for judgement in judgements if judgement.subject in _OF_REFERENCE]:
        report.reference_verdict = _worst(of_reference)
    return report


def _worst(judgements: Iterable[witness_pb2.Judgement]) -> comparison_pb2.Verdict:
    verdicts = (judgement.verdict for judgement in judgements)
    return max(verdicts, key=_BY_GRAVITY.index, default=comparison_pb2.VERDICT_INCONCLUSIVE)
