"""Protobuf's length-delimited fields, joined without copying the tensors into messages first.

A message that holds another one is the bytes of its small fields, in any order, and for each large one a tag, a length
and the bytes: https://protobuf.dev/programming-guides/encoding. The generated classes would copy each tensor into the
message and again into the serialized response; here it is copied once, into the response. A test holds both equal.
"""

from __future__ import annotations

from typing import TypeAlias

Buffer: TypeAlias = bytes | memoryview
Chunks: TypeAlias = list[Buffer]

_LENGTH_DELIMITED = 2


def varint(value: int) -> bytes:
    """`value` >= 0, seven bits a byte, the least significant first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def size(chunks: Chunks) -> int:
    """Bytes of all chunks together."""
    return sum(map(len, chunks))


def field(number: int, chunks: Chunks) -> Chunks:
    """Field `number` of a message, of type bytes or message, whose content is the chunks."""
    return [varint(number << 3 | _LENGTH_DELIMITED) + varint(size(chunks)), *chunks]
