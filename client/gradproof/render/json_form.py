"""Messages in protobuf's JSON form."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message


def message_to_data(message: Message) -> dict[str, Any]:
    """A message in protobuf's JSON form: keys as in the .proto files, all fields printed, 64-bit integers as texts."""
    data: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return data
