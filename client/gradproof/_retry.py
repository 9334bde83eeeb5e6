"""Repeating calls: which failures are worth it, after what time, and how often. The pure core of both clients; no I/O.

One layer repeats all calls, and gRPC's own retries are off, so that tries never multiply. gRPC's cannot repeat a stream
that has begun, nor a large request without keeping a second copy of it.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from types import TracebackType

import grpc

from gradproof._tracing import UNTRACED, CallSpan
from gradproof.errors import CallError, DeadlineError

_ALLOWANCE = 1000.0
_PER_ANSWER = 0.1
_BROKEN_STREAM = ("RST_STREAM", "Stream removed", "GOAWAY")
"""What gRPC says where a connection broke under a call, with the codes INTERNAL and UNKNOWN."""


@dataclass(frozen=True)
class Retry:
    """How calls are repeated that no server answered, or that a server asked to repeat later. All calls may be repeated
    safely, and all attempts share the call's timeout.

    Attributes:
        attempts: how often a call is tried in all; 1: no retries.
        initial_seconds: most seconds before the first repetition; the wait is drawn at random below it.
        multiplier: factor of that bound from one repetition to the next.
        max_seconds: the bound's own bound.
    """

    attempts: int = 6
    initial_seconds: float = 0.1
    multiplier: float = 2.0
    max_seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}; it must be at least 1")
        if min(self.initial_seconds, self.multiplier, self.max_seconds) <= 0:
            raise ValueError("initial_seconds, multiplier and max_seconds must be above 0")

    def bound(self, failed: int) -> float:
        """Most seconds of the wait after so many attempts, without what a server asks for."""
        return min(self.max_seconds, self.initial_seconds * self.multiplier ** (failed - 1))


def is_repeatable(error: CallError) -> bool:
    """Whether no answer was given for a reason that can have passed at the next attempt.

    A call that is cancelled by its own caller ends otherwise: with the error of asyncio, or on a closed client.
    """
    if error.retry_forbidden:
        return False
    if error.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return True
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return error.retry_after is not None  # without it the request itself is too large
    broken = error.code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN) and not error.reason
    return broken and any(words in str(error) for words in _BROKEN_STREAM)


class Allowance:
    """How many repetitions a client may make: each takes one, each answer gives a tenth of one back. So a server that
    fails for long gets hardly more calls than one that does not. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = _ALLOWANCE

    def take(self) -> bool:
        """Whether there is one more."""
        with self._lock:
            there = self._left >= 1
            self._left -= there
            return there

    def give(self) -> None:
        """Counts an answer."""
        with self._lock:
            self._left = min(_ALLOWANCE, self._left + _PER_ANSWER)


class Attempts:
    """The attempts of one call, which share its deadline and its span. To be used in `with`, which ends the span.

    Args:
        retry: how often, and after what time.
        allowance: of the client.
        seconds: that all attempts together may take; None: no limit.
        span: of the call.
    """

    def __init__(self, retry: Retry, allowance: Allowance, seconds: float | None, span: CallSpan = UNTRACED) -> None:
        self._retry, self._allowance, self.span = retry, allowance, span
        self._until = None if seconds is None else time.monotonic() + seconds
        self._failed = 0

    def __enter__(self) -> Attempts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.span.end(error)

    @property
    def seconds(self) -> float | None:
        """That are left for the next attempt; None: no limit."""
        return None if self._until is None else self._until - time.monotonic()

    def pause(self, error: CallError) -> float | None:
        """Seconds to wait before the next attempt; None: the error stands. Raises DeadlineError where another attempt
        would have been worth it, and the time is over."""
        pause = self._next_pause(error)
        if pause is not None:
            self.span.repeated(error, pause)
        return pause

    def _next_pause(self, error: CallError) -> float | None:
        self._failed += 1
        if self._failed >= self._retry.attempts or not is_repeatable(error):
            return None
        # Drawn at random, so that callers who failed together do not come back together.
        jitter, left = random.uniform(0.0, self._retry.bound(self._failed)), self.seconds
        if left is not None and left <= 0:
            text = f"the time is over; the last attempt failed: {error}"
            raise DeadlineError(text, code=grpc.StatusCode.DEADLINE_EXCEEDED, request_id=error.request_id)
        if error.retry_after is None:
            pause = jitter if left is None else min(jitter, left / 2)
            return pause if self._allowance.take() else None
        pause = error.retry_after + jitter
        return pause if left is None or pause < left else None

    def succeeded(self) -> None:
        """The answer came."""
        self._allowance.give()
