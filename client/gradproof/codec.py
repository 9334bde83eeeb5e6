"""One codec between messages of the contract and dataclasses, by the names of fields.

A field of a dataclass is the field of the message that has its name, or the one that `wire` names. The annotation says
what a message's field becomes, and the message's descriptor what a value becomes:

    annotation              field of the message
    int, float, str, bool   a scalar
    an enum                 an enum of the contract; members have the names of its values without their prefix
    a dataclass             a message
    Array                   a Tensor, or repeated numbers; empty where there is no Tensor
    tuple[X, ...]           repeated
    Mapping                 repeated pairs; repeated messages by their `name`; or the set fields of a message
    X | None                None where the field is not set
    a type of message       the message itself that is decoded

How a dataclass is read and written is worked out once, at its first use.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import operator
import re
import typing
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gradproof.errors import ServerError
from gradproof.tensors import Array, TensorError, as_tensor, tensor_to_numpy
from gradproof.v1 import tensor_pb2

T = TypeVar("T")
M = TypeVar("M", bound=Message)
Convert: TypeAlias = Callable[[Any], Any]
_PATHS = "gradproof paths"
_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")


def wire(*paths: str) -> Mapping[str, Any]:
    """Metadata for a field of a dataclass whose message calls it otherwise: "id", or "reproduction.claimed" for a field
    of a field. Several paths make a tuple."""
    return {_PATHS: paths}


def decode(kind: type[T], message: Message, **more: Any) -> T:
    """The dataclass of a message; `more` are arguments that the message does not have.

    Raises:
        ServerError: an enum has a value that this SDK does not know, or a tensor's bytes do not fit its shape.
    """
    readers = _readers(kind, type(message))  # type: ignore[arg-type]  # mypy does not see that classes are hashable
    return kind(**{name: read(message) for name, read in readers}, **more)


def encode(value: Any, kind: type[M], without: tuple[str, ...] = (), **more: Any) -> M:
    """The message of a dataclass, whose tensors may be anything array-like. Fields that are None are not set.

    Args:
        value: the dataclass.
        kind: the type of the message.
        without: fields of the dataclass that the message does not have.
        more: fields of the message that the dataclass does not have.
    """
    fields = {}
    writers = _writers(type(value), kind, without)  # type: ignore[arg-type]
    for name, convert in writers:
        item = getattr(value, name)
        if item is not None:
            fields[name] = convert(item)
    return kind(**fields, **more)


@functools.cache
def enum_numbers(descriptor: EnumDescriptor) -> Mapping[str, int]:
    """The numbers of an enum of the contract by the names of its values, without the prefix that all of them have."""
    prefix = _WORD_START.sub("_", descriptor.name).upper() + "_"
    return {value.name.removeprefix(prefix): value.number for value in descriptor.values}


# Reading: from a message to the arguments of a dataclass.


@functools.cache
def _readers(kind: type[Any], message: type[Message]) -> tuple[tuple[str, Convert], ...]:
    """The names of the dataclass's fields, and what gives each of them, given the message."""
    hints, owner = typing.get_type_hints(kind), cast(Descriptor, message.DESCRIPTOR)
    return tuple(
        (field.name, _reader(hints[field.name], owner, field.metadata.get(_PATHS, (field.name,))))
        for field in dataclasses.fields(kind)
        if field.name in owner.fields_by_name or _PATHS in field.metadata or _is_message(hints[field.name])
    )


def _is_message(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Message)


def _reader(hint: Any, owner: Descriptor, paths: tuple[str, ...]) -> Convert:
    if _is_message(hint):
        return lambda message: message
    if len(paths) > 1:
        parts = [_reader(each, owner, (path,)) for each, path in zip(typing.get_args(hint), paths, strict=True)]
        return lambda message: tuple(read(message) for read in parts)
    name, _, rest = paths[0].partition(".")
    field: Any = owner.fields_by_name[name]
    if rest:
        inner = _reader(hint, field.message_type, (rest,))
        return lambda message: inner(getattr(message, name))
    return _field_reader(hint, field)


def _field_reader(hint: Any, field: FieldDescriptor) -> Convert:
    name, types_of_union = field.name, [each for each in typing.get_args(hint) if each is not NoneType]
    optional = NoneType in typing.get_args(hint)
    convert = _from_message(types_of_union[0] if optional else hint, field)
    if optional and not field.has_presence:
        return lambda message: convert(getattr(message, name)) if getattr(message, name) else None
    if optional or convert is _tensor_to_array:
        absent = None if optional else np.zeros(0)
        return lambda message: convert(getattr(message, name)) if message.HasField(name) else absent
    return operator.attrgetter(name) if convert is _same else lambda message: convert(getattr(message, name))


def _from_message(hint: Any, field: Any) -> Convert:
    """What makes a value of the annotated type from what the field of the message has."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        convert = _from_message(arguments[0], field)
        return tuple if convert is _same else lambda values: tuple(map(convert, values))
    if hint == Array and field.is_repeated:
        dtype = np.float64 if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE else np.int64
        return functools.partial(np.array, dtype=dtype)
    if hint == Array:
        return _tensor_to_array
    if origin is Mapping:
        return _mapping_reader(arguments[0], arguments[1], field)
    if field.enum_type is not None:
        return _enum_reader(hint, field.enum_type)
    return _same if field.message_type is None else functools.partial(decode, hint)


def _same(value: Any) -> Any:
    return value


def _tensor_to_array(tensor: tensor_pb2.Tensor) -> Array:
    try:
        return tensor_to_numpy(tensor)
    except TensorError as error:
        raise ServerError(f"the server answered with a broken tensor: {error}") from error


def _mapping_reader(key_hint: Any, value_hint: Any, field: Any) -> Convert:
    if not field.is_repeated:
        return lambda message: {each.name: value for each, value in message.ListFields()}
    fields = field.message_type.fields
    if len(fields) != 2:
        convert = _from_message(value_hint, field)
        return lambda messages: {message.name: convert(message) for message in messages}
    to_key, to_value = _from_message(key_hint, fields[0]), _from_message(value_hint, fields[1])
    key, value = fields[0].name, fields[1].name
    return lambda messages: {to_key(getattr(each, key)): to_value(getattr(each, value)) for each in messages}


def _enum_reader(kind: type[enum.Enum], descriptor: EnumDescriptor) -> Convert:
    """What a number means. One that this SDK does not know is UNSPECIFIED where that is a member, else an error."""
    numbers = enum_numbers(descriptor)
    members = {numbers[member.name]: member for member in kind}
    words = _WORD_START.sub(" ", descriptor.name).lower()

    def read(number: int) -> enum.Enum:
        member = members.get(number, members.get(0))
        if member is None:
            raise ServerError(f"the server answered with an unknown {words}, {number}; it may be newer than this SDK")
        return member

    return read


# Writing: from a dataclass to the arguments of a message.


@functools.cache
def _writers(kind: type[Any], message: type[Message], without: tuple[str, ...]) -> tuple[tuple[str, Convert], ...]:
    """The names of the fields that a dataclass and its message share, and what makes the latter from the former."""
    fields = message.DESCRIPTOR.fields_by_name
    names = [field.name for field in dataclasses.fields(kind) if field.name not in without]
    return tuple((name, _to_message(fields[name])) for name in names)


def _to_message(field: Any) -> Convert:
    kind = field.message_type
    if not field.is_repeated:
        return _item_to_message(field)
    if kind is not None and kind.GetOptions().map_entry:
        to_value = _item_to_message(kind.fields_by_name["value"])
        return lambda values: {key: to_value(value) for key, value in values.items()}
    convert = _item_to_message(field)

    def write(values: Any) -> Any:
        if isinstance(values, Mapping):
            (key, value), pair = (each.name for each in kind.fields), GetMessageClass(kind)
            return [pair(**{key: k, value: v}) for k, v in values.items()]
        return values if convert is _same else [convert(value) for value in values]

    return write


def _item_to_message(field: Any) -> Convert:
    if field.enum_type is not None:
        numbers = enum_numbers(field.enum_type)
        return lambda member: numbers[member.name]
    if field.message_type is None:
        return _same
    if field.message_type == tensor_pb2.Tensor.DESCRIPTOR:
        return as_tensor
    return functools.partial(encode, kind=GetMessageClass(field.message_type))
