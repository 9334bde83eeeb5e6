"""The call that is being served: its request id, and what its log line will say."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

from grpc import aio

from gradproof_server.serving.errors import StreamEndedError

REQUEST_ID = "x-request-id"
_CANCELLATION_SECONDS = 0.1
_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def _ignore(_size: int) -> None:
    """For calls that nobody counts for."""


@dataclass
class Call:
    """One call while it is served, with the messages that it has taken and sent. `caller` is who makes it: a name of
    the callers' file, else the address without its port. `notes` go into the log line as they are.
    `times` are its parts for the trace: name, begin and end by time.monotonic(), busy seconds between.
    trace_id: where a trace is kept. `keep` counts bytes of its answer from when they are there."""

    method: str
    request_id: str
    peer: str
    caller: str = ""
    keep: Callable[[int], None] = _ignore
    requests: int = 0
    request_bytes: int = 0
    responses: int = 0
    response_bytes: int = 0
    started: float = field(default_factory=time.monotonic)
    notes: dict[str, object] = field(default_factory=dict)
    times: list[tuple[str, float, float, float]] = field(default_factory=list)
    trace_id: str = ""

    @property
    def seconds(self) -> float:
        """Time since it began."""
        return time.monotonic() - self.started

    def received(self, size: int) -> None:
        """Counts a message of the caller."""
        self.requests += 1
        self.request_bytes += size

    def sent(self, size: int) -> None:
        """Counts a message to the caller."""
        self.responses += 1
        self.response_bytes += size


_current: ContextVar[Call] = ContextVar("call")


def begin(call: Call) -> None:
    """Makes it the current call of this task."""
    _current.set(call)


def admitted(caller: str, keep: Callable[[int], None]) -> None:
    """Says who makes the current call, and what counts the bytes of its answer that the caller may not have read."""
    if call := _current.get(None):
        call.caller, call.keep = caller, keep


def caller() -> str:
    """Who makes the current call; empty outside of a call."""
    call = _current.get(None)
    return "" if call is None else call.caller


def note(**notes: object) -> None:
    """Adds to the log line of the current call; outside of a call it does nothing."""
    if call := _current.get(None):
        call.notes.update(notes)


def timed(name: str, begin: float, end: float, seconds: float) -> None:
    """Adds a part to the trace of the current call: its begin and end by time.monotonic(), and the seconds between
    them in which it was done."""
    if call := _current.get(None):
        call.times.append((name, begin, end, seconds))


def received(size: int) -> None:
    """Counts a message of the caller of the current call."""
    if call := _current.get(None):
        call.received(size)


async def read(context: aio.ServicerContext[bytes, bytes]) -> bytes:
    """The next message of the caller of the current call. Raises StreamEndedError where there is none."""
    request: object = await context.read()
    if not isinstance(request, bytes):  # aio.EOF, which a cancelled call reads too, a moment before it is cancelled
        await asyncio.sleep(_CANCELLATION_SECONDS)
        raise StreamEndedError("the caller ended its side of the stream before it had sent all that was asked of it")
    received(len(request))
    return request


def kept(size: int) -> None:
    """Counts bytes that are there for the caller of the current call until it is over."""
    keeper()(size)


def keeper() -> Callable[[int], None]:
    """What `kept` does for the current call, to be called from outside of it."""
    call = _current.get(None)
    return _ignore if call is None else call.keep


def sent(size: int) -> None:
    """Counts a message to the caller of the current call."""
    if call := _current.get(None):
        call.sent(size)


def request_id_of(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """The caller's own request id, or a new one where it gave none or one that is not fit for logs and metadata."""
    given = next((value for key, value in metadata if key == REQUEST_ID), None)
    if isinstance(given, str) and _VALID_REQUEST_ID.fullmatch(given):
        return given
    return uuid.uuid4().hex
