"""Arguments: from Python values, as a torch constructor takes them, to the fields of a catalogue message."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from gradproof._violations import Violations, near_miss
from gradproof.contract import SET_BY_OTHERS, enum_texts, is_of_forward
from gradproof.errors import invalid
from gradproof.tensors import as_tensor

WITHOUT_EFFECT = frozenset({"device", "dtype", "foreach", "fused", "capturable", "differentiable"})
"""Arguments of torch constructors that do not change the numbers; they are accepted and dropped."""


@dataclass(frozen=True)
class Kind:
    """A class of the catalogue: the field of its wrapper message, and the descriptor of its own."""

    field: str
    descriptor: Descriptor

    @property
    def name(self) -> str:
        """The name of the class in torch."""
        return self.descriptor.name


def descriptor_of(message: Message | type[Message]) -> Descriptor:
    """The descriptor of a message or of its class."""
    return cast(Descriptor, message.DESCRIPTOR)


def positional_fields(descriptor: Descriptor) -> list[FieldDescriptor]:
    """The fields that positional arguments fill, in the order of torch's constructor."""
    return [field for field in descriptor.fields if field.name not in SET_BY_OTHERS and not is_of_forward(field)]


def find_field(descriptor: Descriptor, argument: str) -> FieldDescriptor | None:
    """The field of an argument, whatever its case ("T_max" is t_max); None where there is none."""
    folded = {field.name.lower(): field for field in descriptor.fields}
    return descriptor.fields_by_name.get(argument) or folded.get(argument.lower())


def kinds(wrapper: Descriptor) -> list[Kind]:
    """The classes of Layer, Function, Loss, Optimizer or Schedule: the fields of its oneof `kind`."""
    return [Kind(f.name, cast(Descriptor, f.message_type)) for f in wrapper.oneofs_by_name["kind"].fields]


def find_kind(wrapper: Descriptor, name: str, path: str) -> Kind:
    """The class of a name: as in torch ("Linear", "torch.nn.Linear"), else whatever its case, else by the field.

    Raises:
        InvalidProblemError: there is no such class; the near miss is named.
    """
    short = name.rsplit(".", 1)[-1]
    known = kinds(wrapper)
    exact = {kind.name: kind for kind in known}
    folded = {kind.name.lower(): kind for kind in known}
    by_field = {kind.field: kind for kind in known}
    found = exact.get(short) or folded.get(short.lower()) or by_field.get(short.lower())
    if found is None:
        text = f"there is no {name!r}{near_miss(short, exact)}"
        raise invalid(path or wrapper.name.lower(), f"UNKNOWN_{wrapper.name.upper()}", text)
    return found


def call_arguments(value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments from data: [2, 1, {"bias": False}] -> (2, 1), {"bias": False}.

    A dict holds keywords, a list positional arguments and perhaps a dict of keywords at its end, None nothing, anything
    else is the only positional argument.
    """
    if value is None:
        return (), {}
    if isinstance(value, Mapping):
        return (), {str(key): item for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[-1], Mapping):
            return tuple(value[:-1]), {str(key): item for key, item in value[-1].items()}
        return tuple(value), {}
    return (value,), {}


def fill(message: Message, args: Sequence[Any], kwargs: Mapping[str, Any], path: str, found: Violations) -> None:
    """Sets the fields of a message from arguments; what is wrong with them goes to `found`."""
    descriptor = descriptor_of(message)
    fields = positional_fields(descriptor)
    if len(args) > len(fields):
        text = f"{descriptor.name} takes at most {len(fields)} positional argument(s), {len(args)} given"
        found.add(path, "TOO_MANY_ARGUMENTS", text)
    given: dict[str, Any] = {}
    for field, value in zip(fields, args, strict=False):
        given[field.name] = value
        set_argument(message, field, value, f"{path}.{field.name}", found)
    for name, value in kwargs.items():
        field_of_name = find_field(descriptor, name)
        if field_of_name is None:
            _refuse_unknown(descriptor, name, path, found)
        elif field_of_name.name in given:
            found.add(f"{path}.{name}", "GIVEN_TWICE", f"{descriptor.name} got several values for {name}")
        else:
            given[field_of_name.name] = value
            set_argument(message, field_of_name, value, f"{path}.{name}", found)
    _refuse_alternatives(descriptor, [name for name, value in given.items() if value is not None], path, found)


def _refuse_unknown(descriptor: Descriptor, name: str, path: str, found: Violations) -> None:
    if name not in WITHOUT_EFFECT:
        text = f"{descriptor.name} has no argument {name!r}" + near_miss(name, (f.name for f in descriptor.fields))
        found.add(f"{path}.{name}", "UNKNOWN_ARGUMENT", text)


def _refuse_alternatives(descriptor: Descriptor, given: Sequence[str], path: str, found: Violations) -> None:
    for oneof in descriptor.oneofs:
        both = [field.name for field in oneof.fields if field.name in given]
        if len(both) > 1:
            found.add(path, "ALTERNATIVES", f"only one of {', '.join(both)} can be given")


def set_argument(message: Message, field: FieldDescriptor, value: Any, path: str, found: Violations) -> None:
    """Sets one field from an argument. None leaves it unset, but where torch gives None a meaning of its own."""
    with found.at(path):
        special = _SPECIAL.get(field.name)
        if special is None or not special(message, value, path):
            _set_field(message, field, value, path)


def _set_padding_keyword(message: Message, value: Any, path: str) -> bool:
    keyword = descriptor_of(message).fields_by_name.get("padding_keyword")
    if keyword is None or not isinstance(value, str):
        return False
    _set_field(message, keyword, value, path)
    return True


def _set_momentum_none(message: Message, value: Any, path: str) -> bool:
    descriptor = descriptor_of(message)
    if value is None and descriptor.name.startswith("InstanceNorm"):
        raise invalid(path, "UNSUPPORTED_VALUE", f"{descriptor.name} cannot have momentum=None here")
    if value is not None or "momentum_none" not in descriptor.fields_by_name:
        return False
    message.momentum_none = True  # type: ignore[attr-defined]
    return True


_SPECIAL: dict[str, Callable[[Message, Any, str], bool]] = {
    "padding": _set_padding_keyword,
    "momentum": _set_momentum_none,
}
"""Arguments that may fill another field than their own; each says whether it did."""


def _set_field(message: Message, field: FieldDescriptor, value: Any, path: str) -> None:
    if value is None:
        return
    if field.is_repeated:
        items = [_convert(field, item, where) for item, where in _items(message, field, value, path)]
        getattr(message, field.name).extend(items)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(_to_message(field, value, path))
    else:
        setattr(message, field.name, _convert(field, value, path))


def _items(message: Message, field: FieldDescriptor, value: Any, path: str) -> list[tuple[Any, str]]:
    """The items of a repeated field with their paths: one value stands for a list of it; None in a size means -1."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        return [(value, path)]
    items = [(item, f"{path}[{i}]") for i, item in enumerate(value)]
    if field.name == "output_size":
        return [(-1 if item is None else item, where) for item, where in items]
    # Adafactor: None for the first eps is its default, and the field then holds the second alone.
    if descriptor_of(message).name == "Adafactor" and field.name == "eps" and len(items) == 2 and items[0][0] is None:
        return items[1:]
    return items


def _convert(field: FieldDescriptor, value: Any, path: str) -> Any:
    if field.message_type is not None:
        return _to_message(field, value, path)
    if field.enum_type is not None:
        return _to_enum(field.enum_type, value, path)
    return _SCALARS[field.cpp_type](value, path)


def _to_int(value: Any, path: str, low: int = -(2**63), high: int = 2**63 - 1) -> int:
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise invalid(path, "WRONG_TYPE", f"{value!r} is not an integer")
    try:
        number = operator.index(value)
    except TypeError:
        raise invalid(path, "WRONG_TYPE", f"{value!r} is not an integer") from None
    if not low <= number <= high:
        raise invalid(path, "OUT_OF_RANGE", f"{number} is out of range; valid are {low} to {high}")
    return number


def _to_float(value: Any, path: str) -> float:
    if isinstance(value, (bool, np.bool_, str)) or not hasattr(value, "__float__"):
        raise invalid(path, "WRONG_TYPE", f"{value!r} is not a number")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise invalid(path, "WRONG_TYPE", f"{value!r} is not a number") from None


def _to_bool(value: Any, path: str) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise invalid(path, "WRONG_TYPE", f"{value!r} is neither True nor False")
    return bool(value)


def _to_text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise invalid(path, "WRONG_TYPE", f"{value!r} is not a string")
    return value


_SCALARS: dict[int, Callable[[Any, str], Any]] = {
    FieldDescriptor.CPPTYPE_INT64: _to_int,
    FieldDescriptor.CPPTYPE_UINT32: partial(_to_int, low=0, high=2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: partial(_to_int, low=0, high=2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: _to_float,
    FieldDescriptor.CPPTYPE_BOOL: _to_bool,
    FieldDescriptor.CPPTYPE_STRING: _to_text,
}


def _to_enum(enum: EnumDescriptor, value: Any, path: str) -> int:
    """The number for a string, the name of a value, its number, or a function with such a name (F.relu)."""
    texts = enum_texts(enum)
    if isinstance(value, int) and not isinstance(value, bool) and value in texts.values():
        return int(value)
    text = value if isinstance(value, str) else getattr(value, "__name__", None)
    if text is None:
        raise invalid(path, "WRONG_TYPE", f"{value!r} is not one of {', '.join(texts)}")
    named = enum.values_by_name.get(text)
    if named is not None and named.number:
        return int(named.number)
    plain = {spelling.replace("-", "_"): number for spelling, number in texts.items()}
    number = plain.get(text.lower().replace("-", "_"))
    if number is None:
        raise invalid(path, "UNKNOWN_VALUE", f"{text!r} is not a value of {enum.name}{near_miss(text, texts)}")
    return number


def _to_message(field: FieldDescriptor, value: Any, path: str) -> Message:
    descriptor = cast(Descriptor, field.message_type)
    if descriptor.name == "Tensor":
        return as_tensor(value)
    made = _unwrap(descriptor, value, path)
    if made is not None:
        return made
    message = new_message(descriptor)
    if "kind" in descriptor.oneofs_by_name:
        fill_wrapper(message, value, path)
    else:
        _fill_nested(message, value, path)
    return message


def new_message(descriptor: Descriptor) -> Message:
    """An empty message of this type."""
    return message_factory.GetMessageClass(descriptor)()


def _unwrap(descriptor: Descriptor, value: Any, path: str) -> Message | None:
    """The message in a value that already is one: the type itself, its wrapper (Layer), or a node of a network."""
    if getattr(value, "tensors", None):
        text = "the parameters of a nested layer are given by their names, in Problem(parameters=...)"
        raise invalid(path, "UNSUPPORTED_VALUE", text)
    message = getattr(value, "operation", value)
    if not isinstance(message, Message):
        return None
    given = descriptor_of(message)
    if given.name != descriptor.name and "kind" in given.oneofs_by_name and message.WhichOneof("kind"):
        message = cast(Message, getattr(message, str(message.WhichOneof("kind"))))
        given = descriptor_of(message)
    if given.name != descriptor.name:
        raise invalid(path, "WRONG_TYPE", f"a {descriptor.name} is needed here, not a {given.name}")
    return message


def fill_wrapper(message: Message, value: Any, path: str) -> None:
    """Sets a Layer, Function, Loss, Optimizer or Schedule from data: "ReLU", or {"Linear": [2, 1, {"bias": False}]}."""
    wrapper = descriptor_of(message)
    name, arguments = (value, None) if isinstance(value, str) else _only_item(wrapper, value, path)
    kind = find_kind(wrapper, name, path)
    args, kwargs = call_arguments(arguments)
    found = Violations()
    getattr(message, kind.field).SetInParent()
    fill(getattr(message, kind.field), args, kwargs, f"{path}.{name}", found)
    found.raise_if_any()


def _only_item(wrapper: Descriptor, value: Any, path: str) -> tuple[str, Any]:
    if not isinstance(value, Mapping) or len(value) != 1:
        text = f"a {wrapper.name} is given as its name, or as {{name: arguments}}; {value!r} is neither"
        raise invalid(path, "WRONG_TYPE", text)
    name, arguments = next(iter(value.items()))
    return str(name), arguments


def _fill_nested(message: Message, value: Any, path: str) -> None:
    """Sets a message of one known type: from a slice, its arguments, or {"LayerNorm": arguments}."""
    descriptor = descriptor_of(message)
    if isinstance(value, slice):
        value = {"start": value.start, "stop": value.stop, "step": value.step}
    elif isinstance(value, Mapping) and list(value) == [descriptor.name]:
        value = value[descriptor.name]
    takes_list = len(descriptor.fields) == 1 and descriptor.fields[0].is_repeated and not isinstance(value, Mapping)
    args, kwargs = ((value,), {}) if takes_list else call_arguments(value)
    found = Violations()
    fill(message, args, kwargs, path, found)
    found.raise_if_any()
