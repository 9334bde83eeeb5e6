"""The call that is being served: its request id, and what its log line will say."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

REQUEST_ID = "x-request-id"
_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


@dataclass
class Call:
    """One call while it is served. `notes` go into the log line as they are."""

    method: str
    request_id: str
    peer: str
    request_bytes: int
    started: float = field(default_factory=time.monotonic)
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Time since it began."""
        return time.monotonic() - self.started


_current: ContextVar[Call] = ContextVar("call")


def begin(call: Call) -> None:
    """Makes it the current call of this task."""
    _current.set(call)


def note(**notes: object) -> None:
    """Adds to the log line of the current call; outside of a call it does nothing."""
    if call := _current.get(None):
        call.notes.update(notes)


def request_id_of(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """The caller's own request id, or a new one where it gave none or one that is not fit for logs and metadata."""
    given = next((value for key, value in metadata if key == REQUEST_ID), None)
    if isinstance(given, str) and _VALID_REQUEST_ID.fullmatch(given):
        return given
    return uuid.uuid4().hex
