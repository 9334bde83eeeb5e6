"""Callers: who may call which methods, how much at once and how often, and by what each is recognised."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Caller:
    """Somebody who calls. None means: all methods, the server's own bounds, as often as it likes.

    Attributes:
        name: as in logs and traces.
        methods: names of methods of GradientService.
        max_calls, max_bytes: most calls, and bytes of their requests, that wait or run at once.
        calls_per_minute: most calls in the long run; as many may come at once.
    """

    name: str
    methods: frozenset[str] | None = None
    max_calls: int | None = None
    max_bytes: int | None = None
    calls_per_minute: float | None = None

    def may_call(self, method: str) -> bool:
        """Whether a method of GradientService is allowed."""
        return self.methods is None or method in self.methods


class SubjectOfToken(Protocol):
    """Says whose a signed token is."""

    def subject(self, token: str) -> str:
        """The subject of a token that is valid now. Raises TokenInvalidError for every other."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that its keys are in."""


@dataclass(frozen=True)
class Callers:
    """All callers.

    Attributes:
        names: callers by name.
        digests: SHA-256 digests of tokens, with whose each is; the tokens themselves are nowhere.
        subjects: callers by the names in client certificates and signed tokens.
        signed: reads signed tokens (JWT); None: there are none.
    """

    names: Mapping[str, Caller]
    digests: tuple[tuple[bytes, Caller], ...] = field(default=(), repr=False)
    subjects: Mapping[str, Caller] = field(default_factory=dict)
    signed: SubjectOfToken | None = None

    def of_token(self, token: str) -> Caller | None:
        """Whose token it is. It takes as long whether one of all digests is that of the token, and which, or none."""
        digest = sha256(token.encode()).digest()
        found = [caller for known, caller in self.digests if hmac.compare_digest(known, digest)]
        return found[0] if found else None

    def of_subjects(self, subjects: Iterable[str]) -> Caller | None:
        """Who is named by the first of these names that is known."""
        return next((self.subjects[name] for name in subjects if name in self.subjects), None)
