"""How the contract is read: its comments with the defaults that they state, and which argument a field stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

DESCRIPTORS = "contract.binpb"

SET_BY_OTHERS = frozenset({"padding_keyword", "momentum_none"})
"""Fields that another argument sets: padding="same", momentum=None."""

_OF_FORWARD = frozenset({("MaxUnpool", "output_size"), ("ConvTranspose", "output_size")})
_ARGUMENT_NAMES = {"t_max": "T_max", "t_0": "T_0", "t_mult": "T_mult"}


@dataclass(frozen=True)
class FieldText:
    """The comment of a field.

    Attributes:
        doc: what the field means.
        default: what an unset field means, as text; empty where the comment states none.
        required: whether the field must be set.
    """

    doc: str
    default: str
    required: bool


@dataclass(frozen=True)
class MessageText:
    """The comment of a message, and those of its fields by name."""

    doc: str
    fields: Mapping[str, FieldText]


@cache
def message_texts() -> Mapping[str, MessageText]:
    """The texts of all messages of the contract, by name.

    Raises:
        FileNotFoundError: the package was not built: a checkout of the sources that is not installed.
    """
    path = resources.files(__package__).joinpath("_generated", DESCRIPTORS)
    if not path.is_file():
        text = "is made when gradproof is installed; in a checkout `make protos` makes it, or, with grpcio-tools,"
        raise FileNotFoundError(f"{path} {text} `python protos/descriptors.py {path}`")
    return texts_of(FileDescriptorSet.FromString(path.read_bytes()))


def texts_of(contract: FileDescriptorSet) -> Mapping[str, MessageText]:
    """The texts of the messages in a set of descriptors with comments."""
    return {name: text for file in contract.file for name, text in _texts(file)}


def _texts(file: FileDescriptorProto) -> Iterator[tuple[str, MessageText]]:
    commented = (place for place in file.source_code_info.location if place.leading_comments)
    # A path is made of field numbers and positions in descriptor.proto: 4 is message_type, 2 in it is field.
    comments = {tuple(place.path): " ".join(place.leading_comments.split()) for place in commented}
    for i, message in enumerate(file.message_type):
        fields = {field.name: parse_comment(comments.get((4, i, 2, j), "")) for j, field in enumerate(message.field)}
        yield message.name, MessageText(comments.get((4, i), ""), fields)


def parse_comment(comment: str) -> FieldText:
    """A field's comment in its parts: "Bound, > 0. Unset: 1." has the doc "Bound, > 0." and the default "1"."""
    if comment.endswith("Required."):
        return FieldText(comment.removesuffix("Required.").strip(), "", True)
    doc, marker, default = comment.rpartition("Unset: ")
    return FieldText(doc.strip(), default.removesuffix("."), False) if marker else FieldText(comment, "", False)


def argument_name(field: FieldDescriptor) -> str:
    """PyTorch's name of the argument that a field stands for."""
    return _ARGUMENT_NAMES.get(field.name, field.name)


def message_of(field: FieldDescriptor) -> Descriptor:
    """The message that a field belongs to."""
    return cast(Descriptor, field.containing_type)


def is_of_forward(field: FieldDescriptor) -> bool:
    """Whether PyTorch takes the argument in forward instead of in the constructor."""
    return (message_of(field).name.rstrip("123d"), field.name) in _OF_FORWARD


@cache
def enum_texts(enum: EnumDescriptor) -> Mapping[str, int]:
    """The strings that PyTorch takes for an enum, with their numbers: "mean", "nearest-exact"."""
    prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
    texts = {value.name.removeprefix(prefix).lower(): value.number for value in enum.values[1:]}
    return {text.replace("nearest_exact", "nearest-exact"): number for text, number in texts.items()}
