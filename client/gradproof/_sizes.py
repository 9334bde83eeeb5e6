"""Requests that are too large to be sent, and what in them is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gradproof.errors import ResourceExhaustedError, Violation
from gradproof.v1 import gradient_service_pb2, tensor_pb2


def too_large(path: str, request: bytes, most: int) -> ResourceExhaustedError:
    """The error for a request of the method at "/package.Service/Method" that has more than `most` bytes. It names the
    tensor, or other innermost part, that has most of them."""
    service, method = path.removeprefix("/").split("/")
    services = gradient_service_pb2.DESCRIPTOR.services_by_name
    kind = services[service.rpartition(".")[2]].methods_by_name[method].input_type
    field, size = max(_parts(message_factory.GetMessageClass(kind).FromString(request), ""), key=lambda part: part[1])
    text = f"has most of the request's bytes, {size:,} of {len(request):,}; max_message_bytes of the client"
    description = f"{text} is {most:,}, and max_request_bytes of the server must allow them too"
    return ResourceExhaustedError(violations=[Violation(field, "LIMIT_EXCEEDED", description)])


def _parts(message: Message, path: str) -> Iterator[tuple[str, int]]:
    """Paths and bytes of all tensors, and of what has no message in it."""
    children = [] if isinstance(message, tensor_pb2.Tensor) else list(_children(message, path))
    if not children:
        yield path, message.ByteSize()
    for child, name in children:
        yield from _parts(child, name)


def _children(message: Message, path: str) -> Iterator[tuple[Message, str]]:
    """Messages in the fields of a message, and their paths."""
    for field, value in message.ListFields():
        name = f"{path}.{field.name}" if path else field.name
        yield from ((child, name + index) for index, child in _entries(field, value) if isinstance(child, Message))


def _entries(field: FieldDescriptor, value: Any) -> Iterator[tuple[str, Any]]:
    """What a field holds, by index: of a map by key, of a list by position."""
    if isinstance(value, Mapping):
        yield from ((f'["{key}"]', child) for key, child in value.items())
    elif field.is_repeated:
        yield from ((f"[{position}]", child) for position, child in enumerate(value))
    else:
        yield "", value
