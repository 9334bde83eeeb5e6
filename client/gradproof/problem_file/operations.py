"""Classes of the catalogue as a file names them, with their arguments, and the weights that stand among these."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from gradproof._arguments import descriptor_of, find_field, find_kind, positional_fields
from gradproof._violations import near_miss
from gradproof.catalog import FAMILIES, call_arguments, canonical_name, construct, names
from gradproof.contract import enum_texts
from gradproof.problem_file.arrays import is_stated, read_tensor
from gradproof.problem_file.context import Context, shown
from gradproof.problem_file.paths import child
from gradproof.v1 import functions_pb2, tensor_pb2

OWN_TENSOR = re.compile(
    r"(?:weight|bias|(?:weight|bias)_(?:ih|hh|hr)(?:_l\d+(?:_reverse)?)?|(?:in|q|k|v)_proj_weight|in_proj_bias|bias_[kv]"
    r"|running_mean|running_var|num_batches_tracked|.+\..+)\Z"
)
"""Names that parameters and buffers of PyTorch's layers have; those of nested layers have a dot."""

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
ELEMENTWISE = enum_texts(functions_pb2.ElementwiseFunction.DESCRIPTOR)
REDUCERS = enum_texts(functions_pb2.Reducer.DESCRIPTOR)


@dataclass(frozen=True)
class Kind:
    """What a name of the file stands for: a class of a family, with the arguments that the name itself gives."""

    family: str
    name: str
    first: tuple[Any, ...] = ()


@dataclass
class Operation:
    """A catalogue message, with the parameters and buffers that stand among its arguments, by their names in it."""

    message: Any
    parameters: dict[str, tensor_pb2.Tensor] = field(default_factory=dict)
    buffers: dict[str, tensor_pb2.Tensor] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


def find_operation(name: str) -> Kind | None:
    """The layer or function of a name: as in torch, `exp` and the like, `mean` and the like; None where it is none."""
    short = name.rsplit(".", 1)[-1]
    for family in ("Layer", "Function"):
        if short in names(family):
            return Kind(family, short)
    if short in ELEMENTWISE:
        return Kind("Function", "Elementwise", (short,))
    if short in REDUCERS:
        return Kind("Function", "Reduce", (short,))
    return next((Kind(f, n) for f in ("Layer", "Function") for n in names(f) if n.lower() == short.lower()), None)


def operation_names() -> list[str]:
    """All names that a node may be given by."""
    return [*names("Layer"), *names("Function"), *ELEMENTWISE, *REDUCERS]


def find_class(ctx: Context, family: str, name: str, path: str) -> Kind | None:
    """The loss, optimizer or schedule of a name; None, with a violation, where there is none."""
    return ctx.attempt(path, lambda: Kind(family, canonical_name(family, name, path)))


def read_operation(ctx: Context, kind: Kind, arguments: Any, path: str) -> Operation | None:
    """The message of a class with its arguments, and the tensors among them; None, with violations, if it is wrong."""
    args, kwargs = _split_arguments(kind, arguments)
    result = Operation(None)
    own = {key: value for key, value in kwargs.items() if _is_own_tensor(kind, key, value)}
    for key, value in own.items():
        _read_own_tensors(ctx, key, value, child(path, key), result)
    rest = {key: value for key, value in kwargs.items() if key not in own and _is_known(ctx, kind, key, path)}
    fields = positional_fields(_descriptor(kind))
    positional = [_argument(ctx, f, value, f"{path}.{f.name}") for f, value in zip(fields, args, strict=False)]
    named = {key: _argument(ctx, _field(kind, key), value, child(path, key)) for key, value in rest.items()}
    given = (*positional, *args[len(positional) :])
    result.message = ctx.attempt(path, lambda: construct(kind.family, kind.name, given, named, path))
    return result if result.message is not None else None


def _split_arguments(kind: Kind, arguments: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    fields = positional_fields(_descriptor(kind))
    # Constant: [[2.0, 3.0]] is one tensor and not an argument list.
    if is_stated(arguments) or (isinstance(arguments, list) and len(fields) == 1 and _is_tensor(fields[0])):
        return (*kind.first, arguments), {}
    args, kwargs = call_arguments(arguments)
    if is_stated(kwargs):
        args, kwargs = (*args, kwargs), {}
    # Reshape: [2, 3] is one shape and not two arguments.
    if len(fields) == 1 and len(args) > 1 and fields[0].is_repeated:
        args = (list(args),)
    return (*kind.first, *args), kwargs


def _descriptor(kind: Kind) -> Any:
    return find_kind(descriptor_of(FAMILIES[kind.family]), kind.name, "").descriptor


def _field(kind: Kind, key: str) -> FieldDescriptor | None:
    return find_field(_descriptor(kind), key)


def _is_tensor(argument: FieldDescriptor | None) -> bool:
    return argument is not None and argument.message_type is not None and argument.message_type.name == "Tensor"


def _is_own_tensor(kind: Kind, key: str, value: Any) -> bool:
    """Whether an argument is a parameter or buffer: `bias: [0.1]` is one, `bias: false` is none."""
    argument = _field(kind, key)
    many = isinstance(value, list) or is_stated(value)
    if argument is not None:
        return many and not argument.is_repeated and not _is_tensor(argument) and bool(OWN_TENSOR.match(key))
    nested = isinstance(value, dict) and kind.family in ("Layer", "Loss")
    return nested or (bool(OWN_TENSOR.match(key)) and not isinstance(value, bool | str))


def _is_known(ctx: Context, kind: Kind, key: str, path: str) -> bool:
    if _field(kind, key) is not None:
        return True
    known = [f.name for f in positional_fields(_descriptor(kind))]
    own = ["weight", "bias"] if kind.family == "Layer" else []
    text = f"{kind.name} has no argument {key!r}{near_miss(key, dict.fromkeys(known + own))}"
    ctx.complain(child(path, key), "UNKNOWN_ARGUMENT", text)
    return False


def _argument(ctx: Context, argument: FieldDescriptor | None, value: Any, path: str) -> Any:
    """The value as `construct` takes it; where a tensor is wanted, with the digits' rules of the file."""
    if value is None or not _is_tensor(argument):
        return value
    return read_tensor(ctx, value, path)


def _read_own_tensors(ctx: Context, name: str, value: Any, path: str, result: Operation) -> None:
    for full, item, place in flat_tensors(ctx, name, value, path):
        tensor = read_tensor(ctx, item, place, integers=full.endswith("num_batches_tracked"))
        if tensor is not None:
            (result.buffers if full.endswith(BUFFERS) else result.parameters)[full] = tensor
            result.places[full] = place


def flat_tensors(ctx: Context, name: str, value: Any, path: str) -> list[tuple[str, Any, str]]:
    """Name, value and path of each tensor; {attn: {bias: ...}} is the same as {attn.bias: ...}."""
    if not isinstance(value, dict) or is_stated(value):
        return [(name, value, path)]
    if not value:
        ctx.complain(path, "REQUIRED", f"{shown(value)} holds no tensor")
    prefix = f"{name}." if name else ""
    return [entry for key, item in value.items() for entry in flat_tensors(ctx, prefix + key, item, child(path, key))]
