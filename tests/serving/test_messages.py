"""Messages: what is joined from chunks is what the generated classes would write."""

from __future__ import annotations

import dataclasses
import struct

import pytest
import torch
from gradproof.codec import encode
from gradproof.v1 import catalog_pb2, claim_pb2, comparison_pb2, diagnosis_pb2, gradient_service_pb2, tensor_pb2
from gradproof_server.engine import catalog, types
from gradproof_server.engine.types import Quantity, TensorId
from gradproof_server.serving import messages, wire
from hypothesis import given
from hypothesis import strategies as st

DTYPES = {
    torch.float64: "DTYPE_FLOAT64",
    torch.float32: "DTYPE_FLOAT32",
    torch.float16: "DTYPE_FLOAT16",
    torch.bfloat16: "DTYPE_BFLOAT16",
    torch.int64: "DTYPE_INT64",
    torch.int32: "DTYPE_INT32",
    torch.bool: "DTYPE_BOOL",
}
SHAPES = st.lists(st.integers(0, 4), max_size=4)


def tensors(shape: list[int], dtype: torch.dtype) -> torch.Tensor:
    """A tensor with different elements."""
    return (torch.arange(torch.Size(shape).numel()).reshape(shape) % 7 - 3).to(dtype)


@given(SHAPES, st.sampled_from(list(DTYPES)))
def test_a_tensor_is_what_the_generated_class_writes(shape: list[int], dtype: torch.dtype) -> None:
    """Joined chunks parse to the same Tensor, and are its serialized bytes but for an empty field of two bytes."""
    tensor = tensors(shape, dtype)
    data = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    expected = tensor_pb2.Tensor(dtype=DTYPES[dtype], shape=shape, data=data)
    joined = b"".join(messages.tensor_to_chunks(tensor))
    assert tensor_pb2.Tensor.FromString(joined) == expected
    assert joined == expected.SerializeToString() + (b"" if data else b"\x1a\x00")


def test_a_single_element_may_have_any_stride() -> None:
    """What is left of a broadcast tensor counts as contiguous, with a stride of 0."""
    tensor = torch.tensor(2.5).expand(1)
    assert tensor.stride() == (0,)
    assert bytes(messages.tensor_to_bytes(tensor)) == struct.pack("<f", 2.5)


@given(st.lists(st.tuples(SHAPES, st.sampled_from(list(DTYPES))), max_size=4), st.text(max_size=200))
def test_a_response_is_what_the_generated_class_writes(specs: list[tuple[list[int], torch.dtype]], name: str) -> None:
    """A whole CheckGradientsResponse from chunks parses to the message that was meant."""
    given_tensors = {TensorId(i, Quantity.GRADIENT, name): tensors(*spec) for i, spec in enumerate(specs)}
    rest = gradient_service_pb2.Reference(learning_rates=[0.5], parameters=3)
    expected = gradient_service_pb2.CheckGradientsResponse(
        verdict=1, comparisons=[comparison_pb2.Comparison(note=name)]
    )
    head = expected.SerializeToString()
    expected.reference.CopyFrom(rest)
    for id, value in given_tensors.items():
        named = expected.reference.tensors.add(id=encode(id, tensor_pb2.TensorId))
        named.value.ParseFromString(b"".join(messages.tensor_to_chunks(value)))
    chunks = messages.check_response_to_chunks(
        gradient_service_pb2.CheckGradientsResponse.FromString(head), messages.reference_to_chunks(given_tensors, rest)
    )
    joined = b"".join(chunks)
    assert gradient_service_pb2.CheckGradientsResponse.FromString(joined) == expected
    assert len(joined) == wire.size(chunks)


def test_bfloat16_keeps_its_two_bytes() -> None:
    """1.0 in bfloat16 is 0x3F80, little-endian."""
    assert bytes(messages.tensor_to_bytes(torch.ones(1, dtype=torch.bfloat16))) == b"\x80\x3f"


def test_a_transposed_tensor_is_written_row_by_row() -> None:
    """The bytes follow the shape and not the memory of the tensor."""
    tensor = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64).T
    assert list(messages.tensor_to_bytes(tensor).cast("d")) == [1.0, 3.0, 2.0, 4.0]


def test_a_contiguous_tensor_is_not_copied() -> None:
    """The bytes are the tensor's own memory, a parameter's included."""
    tensor = torch.zeros(1000, requires_grad=True)
    view = messages.tensor_to_bytes(tensor)
    tensor.data.fill_(1.0)
    assert view[:4] == b"\x00\x00\x80\x3f"


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, 2**63 - 1])
def test_a_varint_is_what_protobuf_reads(value: int) -> None:
    """Seven bits a byte, as the parser of the runtime reads them."""
    message = gradient_service_pb2.Reference.FromString(b"\x20" + wire.varint(value))
    assert message.parameters == value


@pytest.mark.parametrize(
    ("enum", "message", "prefix"),
    [
        (types.Quantity, tensor_pb2.Quantity, "QUANTITY"),
        (types.Verdict, comparison_pb2.Verdict, "VERDICT"),
        (types.ToleranceSource, comparison_pb2.ToleranceSource, "TOLERANCE_SOURCE"),
    ],
    ids=("quantity", "verdict", "tolerance_source"),
)
def test_enums_of_engine_and_contract_agree(enum: type, message: object, prefix: str) -> None:
    """Each value of the engine has its number and name in the contract, and the contract has no other but zero."""
    named = {f"{prefix}_{value.name}": value.value for value in enum}
    assert dict(message.items()) == {f"{prefix}_UNSPECIFIED": 0} | named


def test_roundings_agree() -> None:
    """The engine's UNKNOWN is the contract's zero."""
    numbers = dict(claim_pb2.Rounding.items())
    assert numbers == {"ROUNDING_UNSPECIFIED": 0, "ROUNDING_NEAREST": 1, "ROUNDING_TRUNCATED": 2}
    assert [rounding.value for rounding in types.Rounding] == [0, 1, 2]


WORST = types.WorstElement((1, 2), 1.0, 2.0, 1.0, 0.5, 4.0, 0.1)
ID = TensorId(2, Quantity.UPDATED, "0.weight")


def test_a_comparison_keeps_every_field() -> None:
    """Nothing of the engine's comparison is lost or swapped."""
    update = types.UpdateComparison(3, dataclasses.replace(WORST, claimed=7.0), "update")
    comparison = types.Comparison(
        ID, types.Verdict.DISAGREES, 9, 4, WORST, types.ToleranceSource.EXPLICIT, "tolerance", update, "note"
    )
    message = encode(comparison, comparison_pb2.Comparison)
    assert (message.id.quantity, message.id.name, message.id.step) == (tensor_pb2.QUANTITY_UPDATED, "0.weight", 2)
    assert (message.verdict, message.elements, message.disagreeing) == (comparison_pb2.VERDICT_DISAGREES, 9, 4)
    assert (message.tolerance_source, message.tolerance, message.note) == (4, "tolerance", "note")
    assert list(message.worst.index) == [1, 2]
    assert (message.worst.claimed, message.worst.reference, message.worst.absolute) == (1.0, 2.0, 1.0)
    assert (message.worst.relative, message.worst.ulps, message.worst.tolerance) == (0.5, 4.0, 0.1)
    assert (message.update.disagreeing, message.update.worst.claimed, message.update.tolerance) == (3, 7.0, "update")


def test_a_comparison_without_elements_has_no_worst_one() -> None:
    """What the engine leaves out is unset in the message."""
    comparison = types.Comparison(ID, types.Verdict.AGREES, 0, 0, None, types.ToleranceSource.PRINTED, "")
    message = encode(comparison, comparison_pb2.Comparison)
    assert not message.HasField("worst")
    assert not message.HasField("update")


def test_a_diagnosis_keeps_every_field() -> None:
    """Nothing of the engine's diagnosis is lost or swapped."""
    finding = types.Finding(
        codes=("a", "b"),
        title="title",
        explanation="explanation",
        advice="advice",
        convention=True,
        sites=("0",),
        reproduction=types.Reproduction(3, 4, 0.25),
        probe="probe",
    )
    localization = types.Localization("summary", (ID,), (ID, ID), "1", ("ratio",))
    message = messages.diagnosis_to_message(
        types.Diagnosis((finding,), localization, "caution", 5, True, 1.5), "https://host/"
    )
    reproduction = diagnosis_pb2.Reproduction(reproduced=3, claimed=4, largest_distance=0.25)
    expected = diagnosis_pb2.Finding(
        codes=["a", "b"],
        title="title",
        explanation="explanation",
        advice="advice",
        convention=True,
        sites=["0"],
        reproduction=reproduction,
        probe="probe",
        documentation_urls=["https://host/a.html", "https://host/b.html"],
    )
    assert list(message.findings) == [expected]
    assert (message.localization.summary, message.localization.enters_at) == ("summary", "1")
    assert (len(message.localization.agreeing), len(message.localization.disagreeing)) == (1, 2)
    assert list(message.localization.observations) == ["ratio"]
    assert (message.caution, message.variants_tried, message.budget_exhausted, message.seconds) == (
        "caution",
        5,
        True,
        1.5,
    )


def test_the_catalogue_keeps_every_entry_and_argument() -> None:
    """All entries arrive in the engine's order with all their fields."""
    source, message = catalog(), encode(catalog(), gradient_service_pb2.ListCatalogResponse)
    for kind in ("layers", "functions", "losses", "optimizers", "schedules"):
        sent = [
            (e.name, e.field, e.doc, [(a.name, a.type, a.required, a.default, a.doc) for a in e.arguments])
            for e in getattr(message, kind)
        ]
        kept = [(e.name, e.field, e.doc, [dataclasses.astuple(a) for a in e.arguments]) for e in getattr(source, kind)]
        assert sent == kept
        flows = [(tuple(e.inputs), tuple(e.outputs), e.random) for e in getattr(message, kind)]
        assert flows == [(e.inputs, e.outputs, e.random) for e in getattr(source, kind)]
    assert {o.name: o.reason for o in message.omissions} == dict(source.omissions)


def test_limits_keep_every_field() -> None:
    """Each limit arrives under its own name."""
    limits = types.Limits(1, 2, 3, 4, 5, 6, 7)
    message = encode(limits, catalog_pb2.Limits)
    assert {f.name: getattr(message, f.name) for f in dataclasses.fields(limits)} == dataclasses.asdict(limits)
