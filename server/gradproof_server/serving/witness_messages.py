"""What the witness says, to messages of the contract: `x_to_message`, and `event_to_x_response` for streams."""

from __future__ import annotations

from typing import Any

import torch
from gradproof.v1 import gradient_service_pb2, tensor_pb2, witness_pb2

from gradproof_server.engine.numeric.types import (
    FunctionEvent,
    Judgement,
    PointBatch,
    TensorEstimate,
    TensorWitness,
    WitnessedValue,
    WitnessEstimate,
    WitnessEvent,
    WitnessProgress,
    WitnessReport,
)
from gradproof_server.serving.messages import environment_to_message, id_to_message, tensor_to_message


def event_to_verify_response(event: WitnessEvent) -> gradient_service_pb2.VerifyGradientsResponse:
    """One message of the answer of VerifyGradients."""
    match event:
        case WitnessEstimate():
            return gradient_service_pb2.VerifyGradientsResponse(estimate=estimate_to_message(event))
        case WitnessProgress():
            return gradient_service_pb2.VerifyGradientsResponse(progress=progress_to_message(event))
        case TensorWitness():
            return gradient_service_pb2.VerifyGradientsResponse(tensor=tensor_witness_to_message(event))
        case WitnessReport():
            return gradient_service_pb2.VerifyGradientsResponse(report=report_to_message(event))


def event_to_function_response(event: FunctionEvent) -> gradient_service_pb2.CheckFunctionResponse:
    """One message of the server of CheckFunction."""
    match event:
        case WitnessEstimate():
            return gradient_service_pb2.CheckFunctionResponse(estimate=estimate_to_message(event))
        case WitnessProgress():
            return gradient_service_pb2.CheckFunctionResponse(progress=progress_to_message(event))
        case PointBatch():
            return gradient_service_pb2.CheckFunctionResponse(points=points_to_message(event))
        case WitnessReport():
            return gradient_service_pb2.CheckFunctionResponse(report=report_to_message(event))


def estimate_to_message(estimate: WitnessEstimate) -> witness_pb2.WitnessEstimate:
    """What a run will cost."""
    tensors = [_tensor_estimate_to_message(tensor) for tensor in estimate.tensors]
    return witness_pb2.WitnessEstimate(**vars(estimate) | {"tensors": tensors})


def _tensor_estimate_to_message(estimate: TensorEstimate) -> witness_pb2.TensorEstimate:
    return witness_pb2.TensorEstimate(**vars(estimate) | {"id": id_to_message(estimate.id)})


def progress_to_message(progress: WitnessProgress) -> witness_pb2.WitnessProgress:
    """How far a run is."""
    tensor = None if progress.tensor is None else id_to_message(progress.tensor)
    return witness_pb2.WitnessProgress(**vars(progress) | {"tensor": tensor})


def points_to_message(batch: PointBatch) -> witness_pb2.PointBatch:
    """Points at which a caller is asked for values."""
    tensors = {name: tensor_to_message(tensor) for name, tensor in batch.tensors.items()}
    return witness_pb2.PointBatch(batch=batch.batch, points=batch.points, tensors=tensors)


def tensor_witness_to_message(tensor: TensorWitness) -> witness_pb2.TensorWitness:
    """What is said of one tensor."""
    changed: dict[str, Any] = {
        "id": id_to_message(tensor.id),
        "judgements": [_judgement_to_message(judgement) for judgement in tensor.judgements],
        "kinks": [witness_pb2.Kink(**vars(kink)) for kink in tensor.kinks],
        "sweep": None if tensor.sweep is None else witness_pb2.Sweep(**vars(tensor.sweep)),
    }
    values = {name: _values_to_message(getattr(tensor, name)) for name in ("numeric", "bars", "stated")}
    return witness_pb2.TensorWitness(**vars(tensor) | changed | values)


def _values_to_message(values: torch.Tensor | None) -> tensor_pb2.Tensor | None:
    return None if values is None else tensor_to_message(values)


def _judgement_to_message(judgement: Judgement) -> witness_pb2.Judgement:
    return witness_pb2.Judgement(**vars(judgement) | {"worst": _witnessed_to_message(judgement.worst)})


def _witnessed_to_message(value: WitnessedValue | None) -> witness_pb2.WitnessedValue | None:
    return None if value is None else witness_pb2.WitnessedValue(**vars(value))


def report_to_message(report: WitnessReport) -> witness_pb2.WitnessReport:
    """The end of a run."""
    fields = dict(vars(report))
    environment = environment_to_message(fields.pop("device"), torch.float64)
    reproducer = witness_pb2.Reproducer(
        seed=fields.pop("seed"), directions=fields.pop("directions"), environment=environment
    )
    changed: dict[str, Any] = {
        "tensors": [tensor_witness_to_message(tensor) for tensor in report.tensors],
        "not_reached": [id_to_message(id) for id in report.not_reached],
        "reproducer": reproducer,
    }
    return witness_pb2.WitnessReport(**fields | changed)
