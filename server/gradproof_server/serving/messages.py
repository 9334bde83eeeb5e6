"""What the codec does not do: large tensors as chunks, environments, and the messages of streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from google.protobuf.message import Message
from gradproof._version import __version__
from gradproof.codec import encode
from gradproof.tensors import DTYPES
from gradproof.v1 import catalog_pb2, diagnosis_pb2, gradient_service_pb2, tensor_pb2, witness_pb2

from gradproof_server.engine.numeric.types import (
    FunctionEvent,
    PointBatch,
    TensorWitness,
    WitnessEstimate,
    WitnessEvent,
    WitnessProgress,
    WitnessReport,
)
from gradproof_server.engine.types import Diagnosis, TensorId
from gradproof_server.serving import wire

_DTYPES = {getattr(torch, name): number for name, number in DTYPES.items()}


def tensor_to_bytes(tensor: torch.Tensor) -> memoryview:
    """The elements, row-major and little-endian; a view of the tensor's own memory where it has that layout."""
    flat = tensor.detach().cpu().contiguous().as_strided((tensor.numel(),), (1,))  # one element may have any stride
    return flat.view(torch.uint8).numpy().data  # as bytes, because NumPy has no bfloat16


def tensor_to_chunks(tensor: torch.Tensor) -> wire.Chunks:
    """A Tensor message; shape and dtype as the tensor's."""
    header = tensor_pb2.Tensor(dtype=_DTYPES[tensor.dtype], shape=tensor.shape)
    return [
        header.SerializeToString(),
        *wire.field(tensor_pb2.Tensor.DATA_FIELD_NUMBER, [tensor_to_bytes(tensor)]),
    ]


def named_tensor_to_chunks(id: TensorId, value: torch.Tensor) -> wire.Chunks:
    """A NamedTensor message."""
    return [
        *wire.field(tensor_pb2.NamedTensor.ID_FIELD_NUMBER, [encode(id, tensor_pb2.TensorId).SerializeToString()]),
        *wire.field(tensor_pb2.NamedTensor.VALUE_FIELD_NUMBER, tensor_to_chunks(value)),
    ]


def reference_to_chunks(tensors: Mapping[TensorId, torch.Tensor], rest: gradient_service_pb2.Reference) -> wire.Chunks:
    """A Reference message with these tensors, in their order, and everything else from `rest`."""
    number = gradient_service_pb2.Reference.TENSORS_FIELD_NUMBER
    named = [wire.field(number, named_tensor_to_chunks(id, value)) for id, value in tensors.items()]
    return [*(chunk for chunks in named for chunk in chunks), rest.SerializeToString()]


def compute_response_to_chunks(reference: wire.Chunks) -> wire.Chunks:
    """A ComputeGradientsResponse message."""
    return wire.field(gradient_service_pb2.ComputeGradientsResponse.REFERENCE_FIELD_NUMBER, reference)


def check_response_to_chunks(rest: gradient_service_pb2.CheckGradientsResponse, reference: wire.Chunks) -> wire.Chunks:
    """A CheckGradientsResponse message with this reference and everything else from `rest`."""
    number = gradient_service_pb2.CheckGradientsResponse.REFERENCE_FIELD_NUMBER
    return [rest.SerializeToString(), *wire.field(number, reference)]


def diagnosis_to_message(diagnosis: Diagnosis, documentation_url: str | None) -> diagnosis_pb2.Diagnosis:
    """Where a claim goes wrong and why; with the pages of the findings' codes below `documentation_url`, if given."""
    message = encode(diagnosis, diagnosis_pb2.Diagnosis)
    if documentation_url:
        for finding in message.findings:
            finding.documentation_urls.extend(f"{documentation_url.rstrip('/')}/{code}.html" for code in finding.codes)
    return message


def environment_to_message(device: str, dtype: torch.dtype) -> catalog_pb2.Environment:
    """By what it was computed, in this process."""
    return catalog_pb2.Environment(
        gradproof_version=__version__,
        torch_version=torch.__version__,
        device=device,
        dtype=str(dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
    )


def event_to_bytes(event: WitnessEvent | FunctionEvent, response: Callable[..., Message]) -> bytes:
    """One message, serialized, of the answer of VerifyGradients or CheckFunction."""
    match event:
        case WitnessEstimate():
            message = response(estimate=encode(event, witness_pb2.WitnessEstimate))
        case WitnessProgress():
            message = response(progress=encode(event, witness_pb2.WitnessProgress))
        case TensorWitness():
            message = response(tensor=encode(event, witness_pb2.TensorWitness))
        case PointBatch():
            message = response(points=encode(event, witness_pb2.PointBatch))
        case WitnessReport():
            message = response(report=report_to_message(event))
    return message.SerializeToString()


def report_to_message(report: WitnessReport) -> witness_pb2.WitnessReport:
    """The end of a verification, with what is needed to repeat it."""
    reproducer = witness_pb2.Reproducer(
        seed=report.seed,
        directions=report.directions,
        environment=environment_to_message(report.device, torch.float64),
    )
    without = ("seed", "device", "directions")
    return encode(report, witness_pb2.WitnessReport, without=without, reproducer=reproducer)
