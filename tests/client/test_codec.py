"""The codec: every field of a message arrives under its own name, both ways."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import gradproof as gp
import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from gradproof.codec import decode, encode, enum_numbers
from gradproof.tensors import as_tensor
from gradproof.v1 import catalog_pb2, comparison_pb2, diagnosis_pb2, gradient_service_pb2, tensor_pb2, witness_pb2
from hypothesis import given
from hypothesis import strategies as st

ENUMS = [
    (gp.Verdict, comparison_pb2.Verdict),
    (gp.Quantity, tensor_pb2.Quantity),
    (gp.ToleranceSource, comparison_pb2.ToleranceSource),
    (gp.Subject, witness_pb2.Subject),
    (gp.Cause, witness_pb2.Cause),
]


@pytest.mark.parametrize(("kind", "of_contract"), ENUMS)
def test_enums_have_the_names_of_the_contract(kind: type[enum.Enum], of_contract: Any) -> None:
    """No value of the contract is missing in the SDK, and the SDK has no other."""
    names = set(enum_numbers(of_contract.DESCRIPTOR))
    assert {member.name for member in kind} | {"UNSPECIFIED"} == names


def test_modes_are_the_contracts_without_auto() -> None:
    """An answer never says AUTO."""
    names = set(enum_numbers(witness_pb2.WitnessMode.DESCRIPTOR))
    assert {mode.name for mode in gp.WitnessMode} | {"UNSPECIFIED", "AUTO"} == names


def test_an_unknown_number_of_an_enum_is_an_error_with_its_name() -> None:
    """Never another value of the enum."""
    with pytest.raises(gp.ServerError, match="unknown verdict, 99; it may be newer than this SDK"):
        decode(gp.Report, gradient_service_pb2.CheckGradientsResponse(verdict=99))  # type: ignore[arg-type]
    with pytest.raises(gp.ServerError, match="unknown witness mode, 0"):
        decode(gp.TensorEstimate, witness_pb2.TensorEstimate(id=tensor_pb2.TensorId(quantity=1)))


@pytest.mark.parametrize("number", [0, 99])
def test_an_unknown_cause_is_unspecified(number: int) -> None:
    """The verdict stands without it."""
    message = witness_pb2.Judgement(subject=1, verdict=1, cause=number)  # type: ignore[arg-type]
    assert decode(gp.Judgement, message).cause is gp.Cause.UNSPECIFIED


def filled(message: Message, counter: list[int]) -> Message:
    """The message with a value of its own in each field, all the way down."""
    for field in message.DESCRIPTOR.fields:
        counter[0] += 1
        _fill(message, field, counter)
    return message


def _fill(message: Message, field: FieldDescriptor, counter: list[int]) -> None:
    many: Any = getattr(message, field.name) if field.is_repeated else None
    if field.message_type == tensor_pb2.Tensor.DESCRIPTOR:
        getattr(message, field.name).CopyFrom(as_tensor([float(counter[0])]))
    elif field.message_type is not None:
        filled(many.add() if field.is_repeated else getattr(message, field.name), counter)
    elif field.enum_type is not None:
        setattr(message, field.name, field.enum_type.values[-1].number)
    else:
        text = field.cpp_type == FieldDescriptor.CPPTYPE_STRING
        truth = field.cpp_type == FieldDescriptor.CPPTYPE_BOOL
        value: Any = f"text {counter[0]}" if text else truth or counter[0]
        many.append(value) if field.is_repeated else setattr(message, field.name, value)


def leaves(value: Any) -> list[Any]:
    """Numbers and texts anywhere in a message, a dataclass or a container; enums by name."""
    if isinstance(value, Message):
        return [leaf for field, item in value.ListFields() for leaf in leaves_of_field(field, item)]
    if isinstance(value, enum.Enum):
        return [value.name]
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return leaves([*value.items()])
    if isinstance(value, np.ndarray):
        return leaves(value.tolist())
    if hasattr(value, "__dataclass_fields__"):
        return [
            leaf for name, item in vars(value).items() if name not in ("message", "cut_off") for leaf in leaves(item)
        ]
    return [value]


def leaves_of_field(field: FieldDescriptor, item: Any) -> list[Any]:
    """The same of a field of a message."""
    if field.enum_type is not None:
        names = {number: name for name, number in enum_numbers(field.enum_type).items()}
        return [names[item]]
    if isinstance(item, tensor_pb2.Tensor):
        return list(np.frombuffer(item.data))
    return leaves(list(item) if field.is_repeated else item)


SAME = [
    (gp.Report, gradient_service_pb2.CheckGradientsResponse),
    (gp.Reference, gradient_service_pb2.Reference),
    (gp.Comparison, comparison_pb2.Comparison),
    (gp.Diagnosis, diagnosis_pb2.Diagnosis),
    (gp.Estimate, witness_pb2.WitnessEstimate),
    (gp.Progress, witness_pb2.WitnessProgress),
    (gp.TensorWitness, witness_pb2.TensorWitness),
    (gp.Verification, witness_pb2.WitnessReport),
]


@pytest.mark.parametrize(("kind", "message"), SAME)
def test_every_field_of_an_answer_arrives(kind: type[Any], message: type[Message]) -> None:
    """Each with a value of its own: none is lost, none is invented."""
    sent = filled(message(), [0])
    decoded = decode(kind, sent)
    assert sorted(map(str, leaves(decoded))) == sorted(map(str, leaves(sent)))
    assert getattr(decoded, "message", sent) is sent


def test_a_catalogue_is_by_name() -> None:
    """Entries, omissions and limits."""
    message = gradient_service_pb2.ListCatalogResponse(limits=catalog_pb2.Limits(max_nodes=7, max_call_seconds=0.5))
    message.layers.add(name="Linear", field="linear", doc="y = xA", inputs=["input"]).arguments.add(name="bias")
    message.omissions.add(name="torch.nn.Bilinear", reason="none")
    found = decode(gp.Catalog, message)
    assert found.layers["Linear"].arguments[0].name == "bias"
    assert (dict(found.omissions), dict(found.limits)) == (
        {"torch.nn.Bilinear": "none"},
        {"max_nodes": 7, "max_call_seconds": 0.5},
    )
    assert (found.losses, found.devices) == ({}, ())


def test_what_is_not_set_is_none_or_empty() -> None:
    """Presence decides, and not the value."""
    message = witness_pb2.TensorWitness(id=tensor_pb2.TensorId(quantity=3), mode="WITNESS_MODE_ELEMENTS")
    bare = decode(gp.TensorWitness, message)
    assert (bare.sweep, bare.taylor_order, bare.judgements) == (None, None, ())
    assert (bare.numeric.shape, bare.positions.dtype) == ((0,), np.int64)
    message.taylor_order = 0.0
    message.sweep.stated = 0.0
    assert decode(gp.TensorWitness, message).taylor_order == 0.0
    assert decode(gp.TensorWitness, message).sweep is not None
    report = witness_pb2.WitnessReport(verdict="VERDICT_AGREES")
    assert decode(gp.Verification, report).claim_verdict is None


def test_a_tensor_that_is_broken_or_missing_is_an_error_of_the_server() -> None:
    """With what is wrong."""
    message = gradient_service_pb2.Reference()
    message.tensors.add(id=tensor_pb2.TensorId(quantity=1))
    with pytest.raises(gp.ServerError, match="broken tensor: 0 is not a dtype"):
        decode(gp.Reference, message)


@dataclass(frozen=True)
class _Points:
    batch: int
    points: int
    tensors: dict[str, Any]


@given(st.dictionaries(st.text(max_size=5), st.lists(st.floats(), max_size=5), max_size=3))
def test_encoding_takes_whatever_is_array_like(tensors: dict[str, list[float]]) -> None:
    """A map of names to tensors has their bits."""
    message = encode(_Points(1, 2, tensors), witness_pb2.PointBatch)
    assert {name: tensor.data for name, tensor in message.tensors.items()} == {
        name: np.array(values, np.float64).tobytes() for name, values in tensors.items()
    }


@dataclass(frozen=True)
class _Environment:
    device: str
    place: str


def test_a_field_that_the_message_does_not_have_is_never_dropped_silently() -> None:
    """It is named with `without`, or an error."""
    with pytest.raises(KeyError, match="place"):
        encode(_Environment("cpu", "here"), catalog_pb2.Environment)
    message = encode(_Environment("cpu", "here"), catalog_pb2.Environment, without=("place",), threads=2)
    assert message == catalog_pb2.Environment(device="cpu", threads=2)
