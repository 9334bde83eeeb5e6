"""What the witness says arrives in the message, field by field."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from gradproof.codec import encode
from gradproof.v1 import gradient_service_pb2, witness_pb2
from gradproof_server.engine.numeric import types
from gradproof_server.engine.numeric.types import (
    Cause,
    Judgement,
    Kink,
    Mode,
    PointBatch,
    Subject,
    Sweep,
    TensorEstimate,
    TensorWitness,
    WitnessedValue,
    WitnessEstimate,
    WitnessProgress,
    WitnessReport,
)
from gradproof_server.engine.tensors import tensor_to_torch
from gradproof_server.engine.types import Quantity, TensorId, Verdict
from gradproof_server.serving import messages

ID = TensorId(2, Quantity.INPUT_GRADIENT, "input")
ESTIMATE = WitnessEstimate((TensorEstimate(ID, Mode.DIRECTIONS, 100, 20, 141, 3e6),), 142, 4e8, 0.5)
PROGRESS = WitnessProgress(17, 142, 0.25, ID)
WORST = WitnessedValue((1, 2), 3, 0.5, 0.25, 1e-9, 1e-7, 0.25, 1e6, 1e-5, 1e-3, 0.125, 0.375, (4,))
JUDGEMENT = Judgement(Subject.CLAIM, Verdict.DISAGREES, 5, 6, WORST, Cause.KINK_OUTSIDE, "outside")
TENSOR = TensorWitness(
    id=ID,
    mode=Mode.ELEMENTS,
    elements=6,
    elements_checked=2,
    directions_checked=1,
    judgements=(JUDGEMENT,),
    kinks=(Kink("1", "ReLU", (0, 3), 1e-18, 1.0, 2.0, 3.0, "a kink"),),
    detectable=1e-8,
    detectable_relative=float("inf"),
    note="a note",
    sweep=Sweep((1, 2), 3, (0.1, 0.01), (0.5, 0.6), (1e-9, 1e-8), 0.7),
    positions=(0, 5),
    numeric=torch.tensor([1.0, float("nan")], dtype=torch.float64),
    bars=torch.tensor([0.5, float("inf")], dtype=torch.float64),
    stated=torch.tensor([1.5, 2.5], dtype=torch.float64),
    taylor_order=1.75,
    shape=(2, 3),
)
REPORT = WitnessReport(
    verdict=Verdict.DISAGREES,
    reference_verdict=Verdict.AGREES,
    claim_verdict=Verdict.INCONCLUSIVE,
    tensors=(TENSOR,),
    not_reached=(ID,),
    complete=True,
    evaluations=142,
    seconds=0.75,
    value=0.809,
    rounding_noise=1e-17,
    repeat_noise=1e-3,
    summary="a summary",
    seed=2**64 - 1,
    device="cuda:0 (name)",
    directions="signs",
)
NAMES = {"device", "seed", "directions"}  # of a report, which its message has in `reproducer`


def same(data: Any, message: Any) -> None:
    """Holds data and message equal, all the way down."""
    if isinstance(data, torch.Tensor):
        assert torch.equal(tensor_to_torch(message).nan_to_num(-7.0), data.nan_to_num(-7.0))
    elif isinstance(data, TensorId):
        assert (message.quantity, message.name, message.step) == (data.quantity, data.name, data.step)
    elif isinstance(data, tuple):
        assert len(message) == len(data) > 0
        for one, other in zip(data, message, strict=True):
            same(one, other)
    elif dataclasses.is_dataclass(data):
        for field in dataclasses.fields(data):
            if not (isinstance(data, WitnessReport) and field.name in NAMES):
                same(getattr(data, field.name), getattr(message, field.name))
    else:
        assert message == data


@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("estimate", ESTIMATE),
        ("progress", PROGRESS),
        ("tensor", TENSOR),
        ("report", REPORT),
    ],
)
def test_every_field_arrives(field: str, data: Any) -> None:
    """No field of the specimens, each with a value of its own, is lost or exchanged."""
    response = gradient_service_pb2.VerifyGradientsResponse.FromString(
        messages.event_to_bytes(data, gradient_service_pb2.VerifyGradientsResponse)
    )
    assert response.WhichOneof("event") == field
    message = getattr(response, field)
    same(data, message)
    unset = {f.name for f in message.DESCRIPTOR.fields} - {f.name for f, _ in message.ListFields()}
    assert unset == set()


def test_what_is_needed_to_repeat_a_run_is_in_the_report() -> None:
    """Seed, device and the way in which directions are made."""
    reproducer = messages.report_to_message(REPORT).reproducer
    assert (reproducer.seed, reproducer.directions) == (2**64 - 1, "signs")
    environment = reproducer.environment
    assert (environment.device, environment.dtype) == ("cuda:0 (name)", "float64")
    assert environment.torch_version == torch.__version__


def test_what_is_none_is_unset() -> None:
    """A report without a claim has no verdict of it; a tensor without values has none; a scalar has no position."""
    bare = dataclasses.replace(
        TENSOR, sweep=None, numeric=None, bars=None, stated=None, taylor_order=None, judgements=()
    )
    report = dataclasses.replace(REPORT, claim_verdict=None, tensors=(bare,))
    message = messages.report_to_message(report)
    assert message.claim_verdict == 0
    assert not any(message.tensors[0].HasField(name) for name in ("sweep", "numeric", "bars", "stated", "taylor_order"))
    assert not encode(dataclasses.replace(PROGRESS, tensor=None), witness_pb2.WitnessProgress).HasField("tensor")


def test_points_keep_their_dtypes() -> None:
    """A batch of points has shape [points, ...] and the bits of the point's own dtype."""
    points = {"x": torch.tensor([[1.5], [2.5]], dtype=torch.bfloat16), "y": torch.zeros(2, 0, 3)}
    response = gradient_service_pb2.CheckFunctionResponse.FromString(
        messages.event_to_bytes(PointBatch(7, 2, points), gradient_service_pb2.CheckFunctionResponse)
    )
    assert (response.points.batch, response.points.points) == (7, 2)
    for name, tensor in points.items():
        back = tensor_to_torch(response.points.tensors[name])
        assert back.dtype == tensor.dtype
        assert torch.equal(back, tensor)


@pytest.mark.parametrize("name", ["Mode", "Subject", "Cause"])
def test_enums_are_numbered_as_in_the_contract(name: str) -> None:
    """Every value has the contract's name and number, and none is missing."""
    enum = getattr(types, name)
    message = {"Mode": witness_pb2.WitnessMode, "Subject": witness_pb2.Subject, "Cause": witness_pb2.Cause}[name]
    prefix = {"Mode": "WITNESS_MODE_", "Subject": "SUBJECT_", "Cause": "CAUSE_"}[name]
    of_contract = {key.removeprefix(prefix): number for key, number in message.items()}
    assert {member.name: int(member) for member in enum} | {"UNSPECIFIED": 0} == of_contract
