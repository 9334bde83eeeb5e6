"""Access: who calls, by token or certificate, what is allowed, and what is kept of whom."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from gradproof_server.serving.admission import Bounds
from gradproof_server.serving.callers import caller as caller_module
from gradproof_server.serving.callers.access import KnownCallersOnly, OpenAccess, Shown, access_of, address_of
from gradproof_server.serving.callers.caller import Callers
from gradproof_server.serving.callers.callers_file import read_callers
from gradproof_server.serving.errors import (
    CallerUnknownError,
    MethodNotAllowedError,
    QuotaExceededError,
    TokenInvalidError,
    TokenMissingError,
)
from gradproof_server.serving.logs import Level, make_logger
from gradproof_server.serving.watched_files import Watch, WatchedFiles

METHODS = ("CheckGradients", "ListCatalog")
PEER = "ipv4:10.0.0.1:4711"


def entry(name: str, token: str, more: str = "") -> str:
    """A caller in TOML."""
    return f'[[caller]]\nname = "{name}"\ntoken_sha256 = ["{hashlib.sha256(token.encode()).hexdigest()}"]\n{more}\n'


def with_token(token: str, *subjects: str) -> Shown:
    """What a call with a bearer token shows."""
    return Shown(PEER, (f"Bearer {token}",), subjects)


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Known:
    """Access by a file, on a clock."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.clock, self.log = path, Clock(), io.StringIO()
        path.write_text(text)
        self.access = KnownCallersOnly(
            WatchedFiles(
                "callers",
                lambda: read_callers(path, METHODS),
                lambda _: (path,),
                Watch(5.0, make_logger(Level("debug"), "json", self.log)),
                self.clock,
            ),
            self.clock,
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "callers.toml"


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.1:4711", "10.0.0.1"),
        ("ipv6:%5B::1%5D:4711", "::1"),
        ("ipv6:[2001:db8::2]:4711", "2001:db8::2"),
        ("ipv6:%5Bfe80::1%25eth0%5D:4711", "fe80::1%eth0"),
        ("unix:/tmp/socket", "unix"),
        ("unix:", "unix"),
    ],
)
def test_without_a_file_everybody_may_call_and_is_an_address(peer: str, address: str) -> None:
    """The port is left out, because each connection has another."""
    access = access_of(None, METHODS, Watch(5.0, make_logger(Level("error"), "json", io.StringIO())))
    assert address_of(peer) == access.admit(Shown(peer), "CheckGradients") == access.identify(Shown(peer)) == address
    assert isinstance(access, OpenAccess)
    assert access.bounds_of(address, Bounds(1, 2)) == Bounds(1, 2)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_says_who_calls(path: Path, scheme: str) -> None:
    """Whatever else the call shows; the scheme's case does not matter (RFC 7235)."""
    known = Known(path, entry("a", "one") + entry("b", "two", 'subjects = ["b.example.org"]'))
    assert known.access.identify(Shown(PEER, (f"{scheme} one",), ("b.example.org",))) == "a"
    assert known.access.admit(with_token("two"), "CheckGradients") == "b"


@pytest.mark.parametrize(
    ("shown", "error"),
    [
        (Shown(PEER), TokenMissingError),
        (with_token("three"), TokenInvalidError),
        (with_token(""), TokenInvalidError),
        (with_token(" one"), TokenInvalidError),
        (Shown(PEER, ("one",)), TokenInvalidError),
        (Shown(PEER, ("Basic one",)), TokenInvalidError),
        (Shown(PEER, ("",)), TokenInvalidError),
        (Shown(PEER, ("Bearer one", "Bearer two")), TokenInvalidError),
        # A wrong token is not mended by a certificate.
        (with_token("three", "b.example.org"), TokenInvalidError),
        (Shown(PEER, (), ("c.example.org",)), CallerUnknownError),
        (with_token(hashlib.sha256(b"one").hexdigest()), TokenInvalidError),
    ],
)
def test_others_are_not_admitted(path: Path, shown: Shown, error: type[Exception]) -> None:
    """Neither to methods nor to reflection; the digest of a token is no token."""
    known = Known(path, entry("a", "one") + entry("b", "two", 'subjects = ["b.example.org"]'))
    with pytest.raises(error):
        known.access.admit(shown, "CheckGradients")
    with pytest.raises(error):
        known.access.identify(shown)


def test_every_digest_is_compared_whichever_matches(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a look-up does not tell where, or whether, the token was found."""
    known = Known(path, "".join(entry(f"caller-{i}", f"token-{i}") for i in range(20)))
    compared: list[bool] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append(a == b)
        return compared[-1]

    monkeypatch.setattr(caller_module.hmac, "compare_digest", compare)
    for token in ("token-0", "token-19"):
        compared.clear()
        known.access.identify(with_token(token))
        assert (len(compared), sum(compared)) == (20, 1)
    compared.clear()
    with pytest.raises(TokenInvalidError):
        known.access.identify(with_token("other"))
    assert compared == [False] * 20


def test_methods_are_those_of_the_entry(path: Path) -> None:
    """Others are refused with the names of those that are allowed; who may not call is known all the same."""
    known = Known(path, entry("a", "one", 'methods = ["ListCatalog"]'))
    assert known.access.admit(with_token("one"), "ListCatalog") == "a"
    with pytest.raises(MethodNotAllowedError, match="a may not call CheckGradients; it may call ListCatalog"):
        known.access.admit(with_token("one"), "CheckGradients")
    assert known.access.identify(with_token("one")) == "a"


def test_bounds_are_those_of_the_entry_else_of_the_server(path: Path) -> None:
    """Each for itself; of somebody who is not in the file, as an address, the server's."""
    known = Known(path, entry("a", "one", "max_calls = 3") + entry("b", "two", "max_bytes = 5"))
    bounds = {name: known.access.bounds_of(name, Bounds(10, 20)) for name in ("a", "b", "10.0.0.1")}
    assert bounds == {"a": Bounds(3, 20), "b": Bounds(10, 5), "10.0.0.1": Bounds(10, 20)}


def test_a_rate_holds_for_its_caller_alone_and_outlives_a_change(path: Path) -> None:
    """Neither another entry's change nor a second token gives a caller its calls anew; a new rate does."""
    limited = entry("a", "one", "calls_per_minute = 2")
    known = Known(path, limited + entry("b", "two"))
    for _ in range(2):
        known.access.admit(with_token("one"), "ListCatalog")
    with pytest.raises(QuotaExceededError, match="a may make 2 calls a minute") as caught:
        known.access.admit(with_token("one"), "ListCatalog")
    assert caught.value.seconds == pytest.approx(30)
    assert [known.access.admit(with_token("two"), "ListCatalog") for _ in range(9)] == ["b"] * 9

    path.write_text(limited + entry("c", "three"))
    known.clock.now = 6
    with pytest.raises(QuotaExceededError):
        known.access.admit(with_token("one"), "ListCatalog")
    with pytest.raises(TokenInvalidError):
        known.access.identify(with_token("two"))
    path.write_text(entry("a", "one", "calls_per_minute = 3"))
    known.clock.now = 12
    assert known.access.admit(with_token("one"), "ListCatalog") == "a"


def test_who_is_refused_leaves_nothing(path: Path) -> None:
    """However many strangers come, and callers whose method is not allowed, no state grows."""
    known = Known(path, entry("a", "one", 'methods = ["ListCatalog"]\ncalls_per_minute = 1'))
    for number in range(500):
        with pytest.raises(TokenInvalidError):
            known.access.admit(Shown(f"ipv4:10.0.{number}.1:1", (f"Bearer {number}",)), "ListCatalog")
        with pytest.raises(MethodNotAllowedError):
            known.access.admit(with_token("one"), f"Method{number}")
    assert known.access.admit(with_token("one"), "ListCatalog") == "a"
    assert list(known.access._rates) == ["a"]


def test_a_bad_file_keeps_the_callers(path: Path) -> None:
    """They may call, nobody else may, and the log says once what is wrong."""
    known = Known(path, entry("a", "one"))
    path.write_text(entry("b", "two", "max_calls = 0"))
    for now in (6, 12, 18):
        known.clock.now = now
        assert known.access.identify(with_token("one")) == "a"
        with pytest.raises(TokenInvalidError):
            known.access.identify(with_token("two"))
    (line,) = map(json.loads, known.log.getvalue().splitlines())
    assert (line["level"], line["files"]) == ("error", "callers")
    assert "caller 'b': max_calls must be a whole number of at least 1, not 0" in line["error"]
    path.write_text(entry("b", "two"))
    known.access.refresh()
    assert known.access.identify(with_token("two")) == "b"


def test_a_file_that_changes_in_the_middle_of_a_call_does_no_harm(path: Path) -> None:
    """A call is judged by one state of the file, though another one is there before it has been judged."""
    path.write_text(entry("a", "one", "calls_per_minute = 1"))
    before = read_callers(path, METHODS)
    path.write_text(entry("b", "two"))
    after = read_callers(path, METHODS)

    class Changing:
        values = iter([before, after, after])

        @property
        def value(self) -> Callers:
            return next(self.values)

    access = KnownCallersOnly(Changing())  # type: ignore[arg-type]
    assert access.admit(with_token("one"), "ListCatalog") == "a"
    assert access.admit(with_token("two"), "ListCatalog") == "b"
