"""Fingerprints of answers: equal where two answers say the same, to the last bit."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

TIMING = frozenset({"seconds"})
"""Fields that say how long something took."""
_COPIES = frozenset({"message"})  # the answer as it came: what it says is in the other fields


def fingerprint(answer: object) -> str:
    """A hash of everything that an answer of the SDK says, without the times that it took."""
    digest = hashlib.sha256()
    for piece in _pieces(answer):
        digest.update(len(piece).to_bytes(8, "little"))
        digest.update(piece)
    return digest.hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    if isinstance(value, np.ndarray):
        yield from (value.dtype.str.encode(), repr(value.shape).encode(), np.ascontiguousarray(value).tobytes())
    elif dataclasses.is_dataclass(value):
        yield type(value).__name__.encode()
        for field in dataclasses.fields(value):
            if field.name not in TIMING | _COPIES:
                yield field.name.encode()
                yield from _pieces(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from _pieces(list(value.items()))
    elif isinstance(value, (tuple, list)):
        yield len(value).to_bytes(8, "little")
        for item in value:
            yield from _pieces(item)
    else:
        yield repr(value).encode()  # of a float: all of its digits
