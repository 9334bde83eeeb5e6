"""What the contract says of itself: the comments of the .proto files, with the defaults and requirements they state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

DESCRIPTORS = "contract.binpb"


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
