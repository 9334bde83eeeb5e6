"""Mutations: bytes in, bytes out that are still a message of the contract, most of them one that means something."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from gradproof.v1 import problem_pb2, tensor_pb2

from fuzz.maker import DOUBLES, NAMES, Maker

_DAMAGE = 0.05
"""Share of mutations that change bytes and not the message."""
_MOST_TRIES = 10
_REFIT = 0.4
"""Share of altered problems that get the parameters that their network has."""
_WIDTHS = {1: 8, 2: 4, 3: 2, 4: 2, 5: 8, 6: 4, 7: 1}


def mutated(data: bytes, other: bytes, kind: type[Message], max_size: int, seed: int) -> bytes:
    """`data`, the bytes of a message of this kind, altered in a few places.

    Args:
        data: what is altered; where it is no such message, its bytes are.
        other: of the same kind; parts of it may be taken.
        kind: the message's type.
        max_size: most bytes of the result.
        seed: the same one gives the same result.
    """
    maker = Maker(seed)
    message, donor = _parsed(data, kind), _parsed(other, kind)
    if message is None or maker.chance(_DAMAGE):
        return damaged(data, maker)[:max_size]
    mutation = _Mutation(maker, message, donor or message)
    result = data
    for _ in range(_MOST_TRIES):  # an alteration may put something in its own place
        for _ in range(maker.any_of((1, 1, 1, 2, 3, 5))):
            mutation.alter()
        mutation.refit()
        if (result := message.SerializeToString(deterministic=True)) != data:
            break
    return result if len(result) <= max_size else data


def damaged(data: bytes, maker: Maker) -> bytes:
    """The bytes with a few of them changed, cut out or doubled."""
    changed = bytearray(data or b"\0")
    for _ in range(maker.any_of((1, 1, 2, 4))):
        at = maker.random.randrange(len(changed))
        kind = maker.random.randrange(4)
        if kind == 0:
            changed[at] = maker.random.randrange(256)
        elif kind == 1:
            changed[at] ^= 1 << maker.random.randrange(8)
        elif kind == 2 and len(changed) > 8:
            del changed[at : at + maker.any_of((1, 2, 8))]
        else:
            changed[at:at] = changed[at : at + maker.any_of((1, 2, 30))]
    return bytes(changed)


def _parsed(data: bytes, kind: type[Message]) -> Message | None:
    try:
        return kind.FromString(data)
    except DecodeError:
        return None


def _messages(message: Message) -> Iterator[Message]:
    """A message and all that are in it, of maps the values."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if _is_map(field):
            parts = list(value.values()) if field.message_type.fields_by_name["value"].message_type else []
        else:
            parts = list(value) if field.is_repeated else [value]
        for part in parts:
            yield from _messages(part)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


class _Mutation:
    """Alters a message in place; takes parts from itself and from a donor."""

    def __init__(self, maker: Maker, message: Message, donor: Message) -> None:
        self.maker, self.message = maker, message
        self.places = list(_messages(message))
        self.donor = list(_messages(donor))

    def alter(self) -> None:
        """One alteration, of one part."""
        owner = self.maker.any_of(self.places)
        if isinstance(owner, tensor_pb2.Tensor) and self.maker.chance(0.9):
            self._alter_tensor(owner)
        elif self.maker.chance(0.15):
            self._graft(owner)
        elif owner.DESCRIPTOR.fields and self.maker.chance(0.3):
            self.maker.field(owner, self.maker.any_of(owner.DESCRIPTOR.fields), 0.2, 4)
        elif fields := owner.ListFields():
            self._alter_field(owner, *self.maker.any_of(fields))
        self.places = list(_messages(self.message))

    def refit(self) -> None:
        """Now and then, gives problems the parameters of their networks: else hardly any would be run."""
        for part in self.places:
            if isinstance(part, problem_pb2.Problem) and self.maker.chance(_REFIT):
                with contextlib.suppress(Exception):  # a fault that shows here shows when the request is answered
                    self.maker.parameters(part)

    def _alter_field(self, owner: Message, field: FieldDescriptor, value: Any) -> None:
        if self.maker.chance(0.1):
            owner.ClearField(field.name)
        elif _is_map(field):
            self._alter_map(value)
        elif field.is_repeated:
            self._alter_list(field, value)
        elif field.message_type is None:
            setattr(owner, field.name, self._scalar(field, value))

    def _alter_map(self, entries: Any) -> None:
        name = self.maker.any_of(sorted(entries))
        new = self.maker.any_of((*NAMES, *sorted(entries), name + ".weight"))
        if self.maker.chance(0.4):
            del entries[name]
        elif isinstance(entries[name], Message):
            value = type(entries[name])()
            value.CopyFrom(entries[name])
            if self.maker.chance(0.5):
                del entries[name]
            entries[new].CopyFrom(value)
        else:
            entries[name] = new

    def _alter_list(self, field: FieldDescriptor, values: Any) -> None:
        at = self.maker.random.randrange(len(values))
        action = self.maker.random.randrange(4)
        items = list(values)
        if action == 0:
            del values[at]
        elif action == 1:
            items.insert(self.maker.random.randrange(len(items) + 1), items[at])
            self._replace(values, items)
        elif action == 2:
            self.maker.random.shuffle(items)
            self._replace(values, items)
        elif field.message_type is None:
            values[at] = self._scalar(field, values[at])

    @staticmethod
    def _replace(values: Any, items: list[Any]) -> None:
        items = [_copied(item) for item in items]
        del values[:]
        values.extend(items)

    def _scalar(self, field: FieldDescriptor, value: Any) -> Any:
        if field.type == field.TYPE_BYTES:
            return damaged(value, self.maker)
        if field.type == field.TYPE_STRING and self.maker.chance(0.3):
            return self.maker.any_of((value + self.maker.any_of(NAMES), value[1:], value * 3, value[:9] * 300))
        if field.type in (field.TYPE_DOUBLE, field.TYPE_FLOAT) and self.maker.chance(0.5):
            return self.maker.any_of((*DOUBLES, -value, 2 * value, 1 / value if value else 0.0))
        return self.maker.scalar(field)

    def _graft(self, owner: Message) -> None:
        """Another part of the same type in the place of this one."""
        same = [part for part in (*self.places, *self.donor) if part.DESCRIPTOR is owner.DESCRIPTOR]
        owner.CopyFrom(_copied(self.maker.any_of(same)))

    def _alter_tensor(self, tensor: tensor_pb2.Tensor) -> None:
        action = self.maker.random.randrange(6)
        if action == 0:
            tensor.CopyFrom(self.maker.tensor())
        elif action == 1:
            tensor.data = damaged(tensor.data, self.maker)
        elif action == 2:
            self.maker.random.shuffle(shape := list(tensor.shape))
            tensor.shape[:] = shape
        elif action == 3 and tensor.dtype in (1, 2):
            self._special_value(tensor)
        else:
            self._resize(tensor)

    def _special_value(self, tensor: tensor_pb2.Tensor) -> None:
        """An extreme number, an infinity or NaN among those of the tensor."""
        width = _WIDTHS[tensor.dtype]
        with np.errstate(over="ignore"):
            value = np.array(self.maker.any_of(DOUBLES)).astype(f"<f{width}").tobytes()
        at = width * self.maker.random.randrange(max(1, len(tensor.data) // width))
        tensor.data = tensor.data[:at] + value + tensor.data[at + width :]

    def _resize(self, tensor: tensor_pb2.Tensor) -> None:
        """Another size or dtype, and as many numbers as that has."""
        if self.maker.chance(0.7) and len(tensor.shape):
            tensor.shape[self.maker.random.randrange(len(tensor.shape))] = self.maker.any_of((0, 1, 2, 3, 4))
        elif self.maker.chance(0.5):
            tensor.shape.append(self.maker.any_of((1, 2)))
        else:
            tensor.dtype = self.maker.any_of(tuple(_WIDTHS))
        size = math.prod(tensor.shape) * _WIDTHS.get(tensor.dtype, 1)
        if 0 <= size <= 4096:
            data = tensor.data or b"\0"
            tensor.data = (data * (size // len(data) + 1))[:size]


def _copied(item: Any) -> Any:
    if not isinstance(item, Message):
        return item
    copy = type(item)()
    copy.CopyFrom(item)
    return copy
