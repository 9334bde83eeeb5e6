"""Engine data to messages of the contract: `x_to_message`, or `x_to_chunks` where tensors are in it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from gradproof._version import __version__
from gradproof.v1 import (
    catalog_pb2,
    comparison_pb2,
    diagnosis_pb2,
    gradient_service_pb2,
    tensor_pb2,
)

from gradproof_server.engine.types import (
    Catalog,
    CatalogEntry,
    Comparison,
    Diagnosis,
    Finding,
    Limits,
    Localization,
    TensorId,
    UpdateComparison,
    WorstElement,
)
from gradproof_server.serving import wire

_DTYPES: Mapping[torch.dtype, tensor_pb2.Dtype] = {
    torch.float64: tensor_pb2.DTYPE_FLOAT64,
    torch.float32: tensor_pb2.DTYPE_FLOAT32,
    torch.float16: tensor_pb2.DTYPE_FLOAT16,
    torch.bfloat16: tensor_pb2.DTYPE_BFLOAT16,
    torch.int64: tensor_pb2.DTYPE_INT64,
    torch.int32: tensor_pb2.DTYPE_INT32,
    torch.bool: tensor_pb2.DTYPE_BOOL,
}


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


def tensor_to_message(tensor: torch.Tensor) -> tensor_pb2.Tensor:
    """A Tensor message, for tensors that are small enough to be copied once more."""
    data = tensor_to_bytes(tensor).tobytes()
    return tensor_pb2.Tensor(dtype=_DTYPES[tensor.dtype], shape=tensor.shape, data=data)


def named_tensor_to_chunks(id: TensorId, value: torch.Tensor) -> wire.Chunks:
    """A NamedTensor message."""
    return [
        *wire.field(tensor_pb2.NamedTensor.ID_FIELD_NUMBER, [id_to_message(id).SerializeToString()]),
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


def id_to_message(id: TensorId) -> tensor_pb2.TensorId:
    """A tensor's name."""
    return tensor_pb2.TensorId(quantity=f"QUANTITY_{id.quantity.name}", name=id.name, step=id.step)


def comparison_to_message(comparison: Comparison) -> comparison_pb2.Comparison:
    """What came of one claimed tensor."""
    return comparison_pb2.Comparison(
        id=id_to_message(comparison.id),
        verdict=f"VERDICT_{comparison.verdict.name}",
        elements=comparison.elements,
        disagreeing=comparison.disagreeing,
        worst=_worst_to_message(comparison.worst),
        tolerance_source=f"TOLERANCE_SOURCE_{comparison.tolerance_source.name}",
        tolerance=comparison.tolerance,
        update=_update_to_message(comparison.update),
        note=comparison.note,
    )


def _worst_to_message(worst: WorstElement | None) -> comparison_pb2.WorstElement | None:
    return None if worst is None else comparison_pb2.WorstElement(**vars(worst))


def _update_to_message(update: UpdateComparison | None) -> comparison_pb2.UpdateComparison | None:
    if update is None:
        return None
    return comparison_pb2.UpdateComparison(
        disagreeing=update.disagreeing, worst=_worst_to_message(update.worst), tolerance=update.tolerance
    )


def diagnosis_to_message(diagnosis: Diagnosis) -> diagnosis_pb2.Diagnosis:
    """Where a claim goes wrong and why."""
    return diagnosis_pb2.Diagnosis(
        findings=[_finding_to_message(finding) for finding in diagnosis.findings],
        localization=_localization_to_message(diagnosis.localization),
        caution=diagnosis.caution,
        variants_tried=diagnosis.variants_tried,
        budget_exhausted=diagnosis.budget_exhausted,
        seconds=diagnosis.seconds,
    )


def _finding_to_message(finding: Finding) -> diagnosis_pb2.Finding:
    fields = vars(finding) | {"reproduction": diagnosis_pb2.Reproduction(**vars(finding.reproduction))}
    return diagnosis_pb2.Finding(**fields)


def _localization_to_message(localization: Localization | None) -> diagnosis_pb2.Localization | None:
    if localization is None:
        return None
    names = {key: [id_to_message(id) for id in getattr(localization, key)] for key in ("agreeing", "disagreeing")}
    return diagnosis_pb2.Localization(**vars(localization) | names)


def catalog_to_message(catalog: Catalog) -> gradient_service_pb2.ListCatalogResponse:
    """What can be built, and what is left out; without limits, environment and devices."""
    response = gradient_service_pb2.ListCatalogResponse(
        omissions=[catalog_pb2.CatalogOmission(name=n, reason=r) for n, r in catalog.omissions.items()]
    )
    for kind in ("layers", "functions", "losses", "optimizers", "schedules"):
        getattr(response, kind).extend(map(_entry_to_message, getattr(catalog, kind)))
    return response


def _entry_to_message(entry: CatalogEntry) -> catalog_pb2.CatalogEntry:
    arguments = [catalog_pb2.CatalogArgument(**vars(argument)) for argument in entry.arguments]
    return catalog_pb2.CatalogEntry(**vars(entry) | {"arguments": arguments})


def environment_to_message(device: str, dtype: torch.dtype) -> catalog_pb2.Environment:
    """By what it was computed, in this process."""
    return catalog_pb2.Environment(
        gradproof_version=__version__,
        torch_version=torch.__version__,
        device=device,
        dtype=str(dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
    )


def limits_to_message(limits: Limits) -> catalog_pb2.Limits:
    """What a request may ask for."""
    return catalog_pb2.Limits(**vars(limits))
