"""The catalogue: torch-like arguments to messages, over every entry."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import gradproof as gp
import numpy as np
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from gradproof import catalog, functions
from gradproof._arguments import descriptor_of, enum_texts, kinds, positional_fields
from gradproof.errors import InvalidProblemError
from gradproof.tensors import as_tensor
from gradproof.v1 import functions_pb2, layers_pb2, losses_pb2, optimizers_pb2, schedules_pb2

ENTRIES = [(family, name) for family in catalog.FAMILIES for name in catalog.names(family)]
ROWS = pytest.mark.parametrize(("family", "name"), ENTRIES, ids=[f"{family}-{name}" for family, name in ENTRIES])


def descriptor(family: str, name: str) -> Descriptor:
    """The descriptor of an entry."""
    wrapper = descriptor_of(catalog.FAMILIES[family])
    return next(kind.descriptor for kind in kinds(wrapper) if kind.name == name)


def sample(field: FieldDescriptor) -> tuple[Any, Any]:
    """A value for a field as torch takes it, and what the message must hold."""
    value, held = sample_one(field)
    return ([value, value], [held, held]) if field.is_repeated else (value, held)


def sample_one(field: FieldDescriptor) -> tuple[Any, Any]:
    """One item of a field."""
    if field.message_type is not None:
        return sample_message(field.message_type)
    if field.enum_type is not None:
        text, number = list(enum_texts(field.enum_type).items())[-1]
        return text, number
    values = {"INT64": 3, "DOUBLE": 0.25, "BOOL": True, "STRING": "ij->ji"}
    value = values[next(k for k in values if getattr(FieldDescriptor, f"CPPTYPE_{k}") == field.cpp_type)]
    return value, value


def sample_message(message: Descriptor) -> tuple[Any, Any]:
    """A nested object."""
    samples: dict[str, tuple[Any, Any]] = {
        "Tensor": ([1.0], as_tensor([1.0])),
        "LayerNorm": ({"LayerNorm": [4]}, layers_pb2.LayerNorm(normalized_shape=[4])),
        "TransformerEncoderLayer": ([4, 2], layers_pb2.TransformerEncoderLayer(d_model=4, nhead=2)),
        "TransformerDecoderLayer": ([4, 2], layers_pb2.TransformerDecoderLayer(d_model=4, nhead=2)),
        "Schedule": ({"StepLR": 3}, schedules_pb2.Schedule(step_lr=schedules_pb2.StepLR(step_size=3))),
        "Slice": (slice(1, 2), functions_pb2.Slice(start=1, stop=2)),
        "Positions": ([1, 2], functions_pb2.Positions(values=[1, 2])),
    }
    return samples[message.name]


def fields(family: str, name: str) -> Iterator[FieldDescriptor]:
    """The fields of an entry, without alternatives of one that came before."""
    seen: set[str] = set()
    for field in descriptor(family, name).fields:
        oneof = field.containing_oneof
        if oneof is None or oneof.name not in seen:
            yield field
        seen.update([oneof.name] if oneof else [])


@ROWS
def test_every_argument_reaches_its_field(family: str, name: str) -> None:
    """Numbers, strings, enum texts, arrays, lists and nested objects end in the field of their name."""
    given = {field.name: sample(field) for field in fields(family, name)}
    wrapper = catalog.construct(family, name, kwargs={key: value for key, (value, _) in given.items()})
    message = getattr(wrapper, wrapper.WhichOneof("kind"))
    for key, (_, held) in given.items():
        actual = getattr(message, key)
        assert (list(actual) if isinstance(held, list) else actual) == held, key


@ROWS
def test_positional_arguments_are_keyword_arguments_in_order(family: str, name: str) -> None:
    """Both ways give the same message."""
    positional = positional_fields(descriptor(family, name))
    if any(field.containing_oneof and len(field.containing_oneof.fields) > 1 for field in positional):
        positional = positional[:2]
    values = [sample(field)[0] for field in positional]
    by_keyword = dict(zip((field.name for field in positional), values, strict=True))
    assert catalog.construct(family, name, values) == catalog.construct(family, name, kwargs=by_keyword)


WITH_SIGNATURE = [row for row in ENTRIES if row[0] != "Function" and row[1] not in ("RNN", "GRU", "LSTM")]
"""Entries that are classes of torch whose constructor has a signature that can be read."""


@pytest.mark.parametrize(("family", "name"), WITH_SIGNATURE)
def test_order_of_arguments_is_torchs(family: str, name: str) -> None:
    """Positional arguments come in the order of torch's constructor, as far as the contract has them."""
    torch = pytest.importorskip("torch")
    homes = {"Layer": [torch.nn], "Loss": [torch.nn], "Optimizer": [torch.optim]}
    homes["Schedule"] = [torch.optim.lr_scheduler, torch.optim.swa_utils]
    cls = next(getattr(home, name) for home in homes[family] if hasattr(home, name))
    order = [parameter.lower() for parameter in inspect.signature(cls).parameters]
    ours = catalog.argument_names(family, name)
    assert list(ours) == [parameter for parameter in order if parameter in ours]


@ROWS
def test_none_leaves_every_argument_unset(family: str, name: str) -> None:
    """None is PyTorch's default, but for `momentum`, where torch gives it a meaning."""
    arguments = {field.name: None for field in descriptor(family, name).fields if field.name != "momentum"}
    assert catalog.construct(family, name, kwargs=arguments) == catalog.construct(family, name)


@ROWS
def test_unknown_arguments_are_refused_with_the_near_miss(family: str, name: str) -> None:
    """A letter too many in the name of an argument is told together with what was meant."""
    for field in descriptor(family, name).fields:
        with pytest.raises(InvalidProblemError) as caught:
            catalog.construct(family, name, kwargs={f"{field.name}s_": 1}, path="problem.here")
        (violation,) = caught.value.violations
        assert violation.field == f"problem.here.{field.name}s_"
        assert violation.reason == "UNKNOWN_ARGUMENT"
        assert "valid are" in violation.description.lower()


@ROWS
def test_builders_give_the_same_as_construct(family: str, name: str) -> None:
    """gp.Linear(...) and construct("Layer", "Linear", ...) give one message, for every entry and all its arguments."""
    hidden = {"padding_keyword", "momentum_none"}
    torch_names = {"t_max": "T_max", "t_0": "T_0", "t_mult": "T_mult"}
    values = {
        torch_names.get(field.name, field.name): sample(field)[0]
        for field in fields(family, name)
        if field.name not in hidden
    }
    made = getattr(functions if family == "Function" else gp, name)(**values)
    expected = catalog.construct(family, name, kwargs=values)
    assert (made.operation if isinstance(made, gp.Node) else made) == expected


@ROWS
def test_names_are_found_in_any_case_and_by_their_field(family: str, name: str) -> None:
    """Linear, linear, LINEAR and torch.nn.Linear are one; so is the name of the field."""
    wrapper = descriptor_of(catalog.FAMILIES[family])
    field = next(kind.field for kind in kinds(wrapper) if kind.name == name)
    for spelling in (name, name.lower(), name.upper(), field, f"torch.nn.{name}"):
        assert catalog.canonical_name(family, spelling) == name


def test_no_two_names_differ_in_case_alone() -> None:
    """Otherwise one of them could not be found without its case."""
    for family in catalog.FAMILIES:
        names = [name.lower() for name in catalog.names(family)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("family", "name", "guess"),
    [("Layer", "Lineer", "Linear"), ("Loss", "MSE", "MSELoss"), ("Optimizer", "Adm", "Adam")],
)
def test_unknown_classes_are_refused_with_the_near_miss(family: str, name: str, guess: str) -> None:
    """The path, the name and what was probably meant."""
    with pytest.raises(InvalidProblemError, match=f"did you mean '{guess}'") as caught:
        catalog.construct(family, name, path="problem.loss")
    assert caught.value.violations[0].field == "problem.loss"
    assert caught.value.violations[0].reason == f"UNKNOWN_{family.upper()}"


CONVERSIONS = [
    ("Layer", "Conv2d", (1, 2, 3), {"padding": "same"}, {"padding_keyword": layers_pb2.PADDING_KEYWORD_SAME}),
    ("Layer", "Conv2d", (1, 2, (3, 5)), {"stride": 2}, {"kernel_size": [3, 5], "stride": [2]}),
    (
        "Layer",
        "Conv2d",
        (1, 2, 3, 1, 1, 2, 1, False, "reflect"),
        {},
        {"dilation": [2], "padding_mode": 2, "bias": False},
    ),
    ("Layer", "BatchNorm1d", (3,), {"momentum": None}, {"momentum_none": True}),
    ("Layer", "BatchNorm1d", (3, 1e-3, None), {}, {"momentum_none": True, "eps": 1e-3}),
    ("Layer", "AdaptiveAvgPool2d", ((None, 7),), {}, {"output_size": [-1, 7]}),
    ("Layer", "MaxUnpool1d", (2,), {"output_size": [5]}, {"output_size": [5]}),
    ("Layer", "GELU", ("tanh",), {}, {"approximate": layers_pb2.GELU_APPROXIMATION_TANH}),
    ("Layer", "Upsample", (), {"mode": "nearest-exact"}, {"mode": layers_pb2.INTERPOLATION_MODE_NEAREST_EXACT}),
    ("Layer", "LayerNorm", (np.array([2, 3]),), {}, {"normalized_shape": [2, 3]}),
    ("Layer", "Linear", (np.int32(2), 1), {"dtype": "float32", "device": "cpu"}, {"in_features": 2}),
    ("Loss", "CrossEntropyLoss", (), {"reduction": "SUM"}, {"reduction": losses_pb2.REDUCTION_SUM}),
    ("Loss", "CrossEntropyLoss", (), {"reduction": losses_pb2.REDUCTION_SUM}, {"reduction": 2}),
    ("Loss", "CrossEntropyLoss", (), {"reduction": "REDUCTION_SUM"}, {"reduction": 2}),
    ("Optimizer", "Adafactor", (), {"eps": (None, 1e-3)}, {"eps": [1e-3]}),
    ("Optimizer", "Adafactor", (), {"eps": (1e-30, 1e-3)}, {"eps": [1e-30, 1e-3]}),
    ("Optimizer", "Adam", (1e-3,), {"fused": True, "foreach": None, "capturable": False}, {"lr": 1e-3}),
    ("Optimizer", "SGD", (), {"lr": 1, "momentum": None}, {"lr": 1.0, "momentum": 0.0}),
    ("Schedule", "CosineAnnealingLR", (), {"T_max": 3}, {"t_max": 3}),
]


@pytest.mark.parametrize(("family", "name", "args", "kwargs", "expected"), CONVERSIONS)
def test_torch_spellings_are_converted(
    family: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Strings, None, single numbers for tuples, and arguments that have no effect."""
    wrapper = catalog.construct(family, name, args, kwargs)
    message = getattr(wrapper, wrapper.WhichOneof("kind"))
    for key, held in expected.items():
        actual = getattr(message, key)
        assert (list(actual) if isinstance(held, list) else actual) == held


REFUSALS = [
    ("Layer", "Linear", (2, 1), {"in_features": 2}, "Linear.in_features", "GIVEN_TWICE"),
    ("Layer", "Linear", (2, 1, True, 4), {}, "Linear", "TOO_MANY_ARGUMENTS"),
    ("Layer", "Linear", (2.0, 1), {}, "Linear.in_features", "WRONG_TYPE"),
    ("Layer", "Linear", (True, 1), {}, "Linear.in_features", "WRONG_TYPE"),
    ("Layer", "Linear", (2**63, 1), {}, "Linear.in_features", "OUT_OF_RANGE"),
    ("Layer", "Linear", (2, 1), {"bias": 0}, "Linear.bias", "WRONG_TYPE"),
    ("Layer", "Conv2d", (1, 1, (3, 2.5)), {}, "Conv2d.kernel_size[1]", "WRONG_TYPE"),
    ("Layer", "Conv2d", (1, 1, 3), {"padding": "sane"}, "Conv2d.padding", "UNKNOWN_VALUE"),
    ("Layer", "InstanceNorm1d", (3,), {"momentum": None}, "InstanceNorm1d.momentum", "UNSUPPORTED_VALUE"),
    (
        "Layer",
        "TransformerEncoder",
        ({"nhaed": 2}, 2),
        {},
        "TransformerEncoder.encoder_layer.nhaed",
        "UNKNOWN_ARGUMENT",
    ),
    ("Layer", "TransformerEncoder", (gp.Linear(1, 1), 2), {}, "TransformerEncoder.encoder_layer", "WRONG_TYPE"),
    ("Loss", "MSELoss", (), {"reduction": "summ"}, "MSELoss.reduction", "UNKNOWN_VALUE"),
    ("Loss", "MSELoss", (), {"reduction": 0}, "MSELoss.reduction", "WRONG_TYPE"),
    ("Loss", "MSELoss", (), {"reduction": True}, "MSELoss.reduction", "WRONG_TYPE"),
    ("Loss", "MSELoss", (), {"inputs": [1]}, "MSELoss.inputs", "WRONG_TYPE"),
    ("Loss", "NLLLoss", ([[1.0], [1.0, 2.0]],), {}, "NLLLoss.weight[1]", "RAGGED"),
    ("Optimizer", "SGD", ("1e-3",), {}, "SGD.lr", "WRONG_TYPE"),
    ("Optimizer", "SGD", (True,), {}, "SGD.lr", "WRONG_TYPE"),
    ("Optimizer", "SGD", (), {"groups": [{"lr": 1}]}, "SGD.groups[0].parameters", "REQUIRED"),
    ("Optimizer", "SGD", (), {"groups": [{"params": ["w"], "betas": 1}]}, "SGD.groups[0].betas", "UNKNOWN_ARGUMENT"),
    ("Function", "Index", (0, 1), {"list": [1]}, "Index", "ALTERNATIVES"),
    ("Function", "Einsum", (3,), {}, "Einsum.equation", "WRONG_TYPE"),
]


@pytest.mark.parametrize(("family", "name", "args", "kwargs", "field", "reason"), REFUSALS)
def test_wrong_arguments_are_refused(
    family: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], field: str, reason: str
) -> None:
    """The violation names the argument and a stable reason."""
    with pytest.raises(InvalidProblemError) as caught:
        catalog.construct(family, name, args, kwargs)
    assert [(v.field, v.reason) for v in caught.value.violations] == [(field, reason)]


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Three mistakes give three violations."""
    with pytest.raises(InvalidProblemError) as caught:
        gp.Conv2d(1, "two", 3, stride=0.5, bais=True)  # type: ignore[arg-type]
    assert [v.field for v in caught.value.violations] == ["Conv2d.out_channels", "Conv2d.stride", "Conv2d.bais"]


def test_parameter_groups_hold_what_differs() -> None:
    """A group names its parameters and overrides arguments of the same optimizer."""
    made = gp.SGD(lr=0.1, groups=[{"params": ["0.weight"], "lr": 0.2, "foreach": True}])
    assert made.sgd.lr == 0.1
    assert list(made.groups[0].parameters) == ["0.weight"]
    assert made.groups[0].overrides == optimizers_pb2.Optimizer(sgd=optimizers_pb2.SGD(lr=0.2))


@pytest.mark.parametrize(
    "value",
    [
        gp.HuberLoss(delta=2.0),
        {"HuberLoss": {"delta": 2.0}},
        {"huber_loss": ["mean", 2.0]},
        {"HuberLoss": [{"delta": 2.0}]},
    ],
)
def test_coerce_takes_messages_and_data(value: Any) -> None:
    """A message, or a name with keyword or positional arguments."""
    assert catalog.coerce("Loss", value, "problem.loss").huber_loss.delta == 2.0


@pytest.mark.parametrize("value", ["MSELoss", "mse_loss", gp.MSELoss])
def test_coerce_takes_a_name_and_a_builder(value: Any) -> None:
    """With all arguments at their defaults."""
    assert catalog.coerce("Loss", value) == gp.MSELoss()


@pytest.mark.parametrize("value", [3, ["MSELoss"], {"MSELoss": None, "L1Loss": None}, gp.SGD(lr=1)])
def test_coerce_refuses_what_describes_nothing(value: Any) -> None:
    """Numbers, lists, two names at once, and a message of another family."""
    with pytest.raises(InvalidProblemError):
        catalog.coerce("Loss", value, "problem.loss")
