"""The catalogue: messages for the layers, functions, losses, optimizers and schedules, made as torch makes the objects.

    construct("Layer", "Linear", (2, 1), {"bias": False})
    construct("Loss", "CrossEntropyLoss", kwargs={"reduction": "sum", "ignore_index": -1})

Positional arguments are in the order of torch's constructor, without `size_average` and `reduce`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gradproof._arguments import (
    WITHOUT_EFFECT,
    call_arguments,
    descriptor_of,
    fill,
    find_field,
    find_kind,
    kinds,
    positional_fields,
)
from gradproof._violations import Violations, near_miss
from gradproof.errors import invalid
from gradproof.tensors import is_array_like
from gradproof.v1 import functions_pb2, layers_pb2, losses_pb2, optimizers_pb2, schedules_pb2

FAMILIES: Mapping[str, type[Message]] = MappingProxyType(
    {
        "Layer": layers_pb2.Layer,
        "Function": functions_pb2.Function,
        "Loss": losses_pb2.Loss,
        "Optimizer": optimizers_pb2.Optimizer,
        "Schedule": schedules_pb2.Schedule,
    }
)
"""The families and their wrapper messages; each has a oneof `kind` with one field per class."""

__all__ = [
    "FAMILIES",
    "argument_names",
    "call_arguments",
    "canonical_name",
    "coerce",
    "construct",
    "has_argument",
    "names",
    "split_tensors",
]


def names(family: str) -> tuple[str, ...]:
    """Names of the classes of a family, as in torch, in the contract's order."""
    return tuple(kind.name for kind in kinds(descriptor_of(_wrapper(family))))


def canonical_name(family: str, name: str, path: str = "") -> str:
    """The torch name of a class, whatever its case, or of its field: "linear" -> "Linear", "lp_pool1d" -> "LPPool1d".

    Raises:
        InvalidProblemError: the family has no such class; the near miss is named.
    """
    return find_kind(descriptor_of(_wrapper(family)), name, path).name


def argument_names(family: str, name: str) -> tuple[str, ...]:
    """Names of the positional arguments of a class, in their order."""
    kind = find_kind(descriptor_of(_wrapper(family)), name, "")
    return tuple(field.name for field in positional_fields(kind.descriptor))


def has_argument(family: str, name: str, argument: str) -> bool:
    """Whether the constructor of a class takes this argument, whatever its case."""
    return find_field(find_kind(descriptor_of(_wrapper(family)), name, "").descriptor, argument) is not None


def split_tensors(family: str, name: str, kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keywords of the constructor, and keywords that are parameter or buffer tensors ("weight", "running_mean").

    A tensor is what is array-like and no argument of the constructor, or given where that takes True or False, as the
    `bias` of Linear.
    """
    descriptor = find_kind(descriptor_of(_wrapper(family)), name, "").descriptor
    tensors = {key: value for key, value in kwargs.items() if is_array_like(value) and _names_tensor(descriptor, key)}
    return {key: value for key, value in kwargs.items() if key not in tensors}, tensors


def _names_tensor(descriptor: Descriptor, key: str) -> bool:
    field = find_field(descriptor, key)
    return key not in WITHOUT_EFFECT if field is None else field.cpp_type == FieldDescriptor.CPPTYPE_BOOL


def coerce(family: str, value: Any, path: str = "") -> Any:
    """The wrapper message from whatever describes it.

    A message passes; a name stands for the class with its defaults; {"HuberLoss": {"delta": 2.0}} gives arguments
    (a dict of keywords, a list of positional ones, or one value).

    Raises:
        InvalidProblemError: the value is none of these, or its arguments are wrong.
    """
    wrapper = _wrapper(family)
    if isinstance(value, wrapper):
        return value
    if isinstance(value, Mapping) and len(value) == 1:
        name, arguments = next(iter(value.items()))
        args, kwargs = call_arguments(arguments)
        return construct(
            family, canonical_name(family, str(name), path), args, kwargs, f"{path}.{name}" if path else ""
        )
    name = value if isinstance(value, str) else getattr(value, "__name__", None)
    if name is None:
        text = f"a {family.lower()} is given as its name, a message or {{name: arguments}}; {value!r} is none of these"
        raise invalid(path or family.lower(), "WRONG_TYPE", text)
    return construct(family, name, path=path)


def construct(
    family: str, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, path: str = ""
) -> Any:
    """The wrapper message (Layer, Function, Loss, Optimizer, Schedule) of a class with its arguments.

    Args:
        family: "Layer", "Function", "Loss", "Optimizer" or "Schedule".
        name: of the class in torch, in any case, or of the field: "Linear", "linear".
        args: positional arguments in the order of torch's constructor.
        kwargs: keyword arguments, named as in torch. None leaves PyTorch's default; an int stands for a tuple of it;
            strings stand for enum values; array-likes for tensors; dicts, lists and messages for nested layers and
            schedules. Arguments without effect on the numbers (device, dtype, foreach, fused, capturable,
            differentiable) are dropped. A loss also takes `inputs`, an optimizer `groups`.
        path: of the field in errors; the name of the class if empty.

    Raises:
        InvalidProblemError: the class or arguments are unknown or of the wrong type; everything wrong is listed.
    """
    message = _wrapper(family)()
    kind = find_kind(descriptor_of(message), name, path)
    found, path = Violations(), path or kind.name
    own, outer = _split_outer(message, kind.descriptor.fields_by_name, kwargs or {})
    inner = getattr(message, kind.field)
    inner.SetInParent()
    fill(inner, args, own, path, found)
    for key, value in outer.items():
        with found.at(f"{path}.{key}"):
            _OUTER[key](message, kind.name, value, f"{path}.{key}")
    found.raise_if_any()
    return message


def _wrapper(family: str) -> type[Message]:
    if family not in FAMILIES:
        raise invalid("family", "UNKNOWN_FAMILY", f"there is no {family!r}{near_miss(family, FAMILIES)}")
    return FAMILIES[family]


def _split_outer(
    message: Message, inner_names: Mapping[str, Any], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments of the class, and those of the wrapper around it (Loss.inputs, Optimizer.groups)."""
    outer = {k for k in kwargs if k in _OUTER and k in descriptor_of(message).fields_by_name and k not in inner_names}
    return {k: v for k, v in kwargs.items() if k not in outer}, {k: v for k, v in kwargs.items() if k in outer}


def _set_inputs(message: Any, _name: str, value: Any, path: str) -> None:
    names = [value] if isinstance(value, str) else list(value or ())
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise invalid(path, "WRONG_TYPE", f"{wrong[0]!r} is not the name of a node, an input or a target")
    message.inputs.extend(names)


def _set_groups(message: Any, name: str, value: Any, path: str) -> None:
    found = Violations()
    for i, group in enumerate(value or ()):
        with found.at(f"{path}[{i}]"):
            message.groups.append(_to_group(name, group, f"{path}[{i}]"))
    found.raise_if_any()


def _to_group(name: str, group: Any, path: str) -> optimizers_pb2.ParameterGroup:
    """A group from {"parameters": ["0.weight"], "lr": 0.1}, as torch's dicts, with names for the parameters."""
    if isinstance(group, optimizers_pb2.ParameterGroup):
        return group
    if not isinstance(group, Mapping):
        raise invalid(path, "WRONG_TYPE", f"a group is a dict with `parameters` and what differs, not {group!r}")
    rest = {str(key): value for key, value in group.items() if key not in ("parameters", "params")}
    listed = group.get("parameters", group.get("params", ()))
    parameters = [listed] if isinstance(listed, str) else list(listed)
    if not parameters or not all(isinstance(item, str) for item in parameters):
        raise invalid(f"{path}.parameters", "REQUIRED", "names of parameters are needed, as '0.weight'")
    overrides = construct("Optimizer", name, (), rest, path)
    return optimizers_pb2.ParameterGroup(parameters=parameters, overrides=overrides)


_OUTER = {"inputs": _set_inputs, "groups": _set_groups}
