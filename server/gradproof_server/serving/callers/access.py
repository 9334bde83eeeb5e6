"""Access: who makes a call, by what it shows before its first message is read, and whether it may."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from gradproof_server.serving.admission import Bounds
from gradproof_server.serving.callers.caller import Caller, Callers
from gradproof_server.serving.callers.callers_file import read_callers
from gradproof_server.serving.callers.rate import Rate
from gradproof_server.serving.errors import (
    CallerUnknownError,
    MethodNotAllowedError,
    QuotaExceededError,
    TokenInvalidError,
    TokenMissingError,
)
from gradproof_server.serving.watched_files import Watch, WatchedFiles

_SCHEME = "bearer"


@dataclass(frozen=True)
class Shown:
    """What a call shows of who makes it.

    Attributes:
        peer: the address that it comes from, as gRPC writes it.
        authorizations: values of the metadata `authorization`.
        subjects: names in the client's certificate, which TLS has checked.
    """

    peer: str
    authorizations: tuple[str, ...] = field(default=(), repr=False)
    subjects: tuple[str, ...] = ()


class Access(Protocol):
    """Decides who may call."""

    def identify(self, shown: Shown) -> str:
        """Who calls. Raises TokenMissingError, TokenInvalidError, CallerUnknownError."""

    def admit(self, shown: Shown, method: str) -> str:
        """Who calls this method of GradientService. Raises what `identify` raises, and MethodNotAllowedError,
        QuotaExceededError."""

    def bounds_of(self, caller: str, default: Bounds) -> Bounds:
        """How much of a caller may wait or run at once, where `default` is for those of whom nothing is said."""

    def refresh(self) -> None:
        """Looks at its files now."""


class OpenAccess:
    """Everybody may call, and is called by the address without its port."""

    def identify(self, shown: Shown) -> str:
        """The address."""
        return address_of(shown.peer)

    def admit(self, shown: Shown, method: str) -> str:  # noqa: ARG002 (all are allowed)
        """The address."""
        return address_of(shown.peer)

    def bounds_of(self, caller: str, default: Bounds) -> Bounds:  # noqa: ARG002 (all are alike)
        """The same for all."""
        return default

    def refresh(self) -> None:
        """There are no files."""


class KnownCallersOnly:
    """Callers of a callers' file may call, and are called by their names.

    It keeps a rate for each caller of the file that has one, and nothing of anybody else.
    """

    def __init__(self, callers: WatchedFiles[Callers], clock: Callable[[], float] = time.monotonic) -> None:
        self._callers, self._clock = callers, clock
        self._rates: dict[str, Rate] = {}
        self._rates_are_of: Callers | None = None

    def identify(self, shown: Shown) -> str:
        """The caller's name."""
        return _caller(self._callers.value, shown).name

    def admit(self, shown: Shown, method: str) -> str:
        """The caller's name; the call counts for its rate."""
        callers = self._callers.value
        caller = _caller(callers, shown)
        if not caller.may_call(method):
            raise MethodNotAllowedError(f"{caller.name} may not call {method}; it may call {_listed(caller.methods)}")
        if caller.calls_per_minute is not None and (seconds := self._rate(callers, caller.name).take()):
            text = f"{caller.name} may make {caller.calls_per_minute:g} calls a minute, and made more"
            raise QuotaExceededError(text, seconds)
        return caller.name

    def bounds_of(self, caller: str, default: Bounds) -> Bounds:
        """Those of the caller's entry in the file. May be called on any thread."""
        known = self._callers.value.names.get(caller)
        if known is None:
            return default
        return Bounds(known.max_calls or default.max_tasks, known.max_bytes or default.max_bytes)

    def refresh(self) -> None:
        """Looks at the file now."""
        self._callers.refresh()

    def _rate(self, callers: Callers, name: str) -> Rate:
        if self._rates_are_of is not callers:
            self._rates_are_of = callers
            self._rates = {
                caller.name: self._kept(caller.name, caller.calls_per_minute)
                for caller in callers.names.values()
                if caller.calls_per_minute is not None
            }
        return self._rates[name]

    def _kept(self, name: str, per_minute: float) -> Rate:
        rate = self._rates.get(name)
        return rate if rate is not None and rate.per_minute == per_minute else Rate(per_minute, self._clock)


def _caller(callers: Callers, shown: Shown) -> Caller:
    # Who shows a token wants to be called by it: a wrong one is not mended by a certificate.
    if shown.authorizations:
        return _of_token(callers, shown.authorizations)
    if not shown.subjects:
        raise TokenMissingError("this server wants a token: the metadata `authorization: Bearer ...` is not there")
    if (caller := callers.of_subjects(shown.subjects)) is None:
        raise CallerUnknownError("nobody who may call has the names of this certificate")
    return caller


def _of_token(callers: Callers, authorizations: tuple[str, ...]) -> Caller:
    scheme, _, token = authorizations[0].partition(" ")
    if len(authorizations) > 1 or scheme.lower() != _SCHEME or not token:
        raise TokenInvalidError("the metadata `authorization` must be there once, as `Bearer ` and a token")
    if (caller := callers.of_token(token)) is not None:
        return caller
    if callers.signed is None:
        raise TokenInvalidError("the token is not known to this server")
    if (caller := callers.of_subjects([callers.signed.subject(token)])) is None:
        raise CallerUnknownError("nobody who may call is the subject of this token")
    return caller


def _listed(methods: Iterable[str] | None) -> str:
    return ", ".join(sorted(methods or ()))


def access_of(path: Path | None, methods: Iterable[str], watch: Watch) -> Access:
    """Who may call by a callers' file, which is followed as it changes; everybody, where there is none.

    Raises OSError, SettingsError where the file cannot be used.
    """
    if path is None:
        return OpenAccess()
    names = frozenset(methods)
    return KnownCallersOnly(
        WatchedFiles(
            "callers",
            lambda: read_callers(path, names),
            lambda callers: (path, *(callers.signed.files if callers.signed else ())),
            watch,
        )
    )


def address_of(peer: str) -> str:
    """A peer of gRPC without its port: ipv4:10.0.0.1:4711 is 10.0.0.1, ipv6:[::1]:4711 is ::1, a socket is unix."""
    scheme, _, rest = peer.partition(":")
    if scheme not in ("ipv4", "ipv6"):
        return scheme
    return unquote(rest).rpartition(":")[0].strip("[]")
