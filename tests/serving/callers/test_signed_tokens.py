"""Signed tokens: those of the issuer, for this audience, signed by a key of the file and valid now; no others."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from gradproof_server.serving.callers import signed_tokens
from gradproof_server.serving.callers.signed_tokens import SignedTokens
from gradproof_server.serving.errors import TokenInvalidError
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
SECTION = {"jwks_file": "jwks.json", "issuer": "https://issuer.example.org", "audience": "gradproof"}


def jwks(**more: Any) -> dict[str, Any]:
    """Both public keys, by the ids "ec" and "rsa"."""
    keys = [
        {**ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "ec", "alg": "ES256"},
        {**RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True), "kid": "rsa", **more},
    ]
    return {"keys": keys}


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a token that is taken; None leaves one out."""
    now = int(time.time())
    good = {"iss": SECTION["issuer"], "aud": "gradproof", "sub": "me", "exp": now + 60, "nbf": now - 60}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(key: Any = EC_KEY, algorithm: str = "ES256", kid: str | None = "ec", **changes: Any) -> str:
    """A token."""
    return jwt.encode(claims(**changes), key, algorithm, headers={} if kid is None else {"kid": kid})


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., SignedTokens]:
    """Makes what reads tokens, from a section and the keys in a file."""

    def made(keys: Any = None, **section: Any) -> SignedTokens:
        (tmp_path / "jwks.json").write_text(json.dumps(jwks() if keys is None else keys))
        problems: list[str] = []
        found = signed_tokens.read(SECTION | section, tmp_path, problems)
        assert problems == []
        assert found is not None
        return found

    return made


def test_tokens_of_both_kinds_of_keys_are_taken(make: Callable[..., SignedTokens]) -> None:
    """And say whose they are."""
    tokens = make()
    assert tokens.subject(signed()) == "me"
    assert tokens.subject(signed(RSA_KEY, "RS256", "rsa", sub="you", aud=["other", "gradproof"])) == "you"


def unsigned() -> str:
    """A token that says that it needs no signature."""
    return jwt.encode(claims(), None, "none", headers={"kid": "ec"})


def signed_by_the_public_key(make_header: dict[str, str]) -> str:
    """A token with a symmetric signature, whose secret is the issuer's public key as everybody can read it."""
    public = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (make_header, claims())]
    message = b".".join(parts)
    signature = base64.urlsafe_b64encode(hmac.digest(public, message, "sha256")).rstrip(b"=")
    return (message + b"." + signature).decode()


def altered() -> str:
    """A good token in which somebody has made himself another."""
    header, _, signature = signed().split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims(sub="admin")).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


BAD = {
    "expired": lambda: signed(exp=int(time.time()) - 1),
    "not valid yet": lambda: signed(nbf=int(time.time()) + 100),
    "without an end": lambda: signed(exp=None),
    "without a subject": lambda: signed(sub=None),
    "of another issuer": lambda: signed(iss="https://evil.example.org"),
    "without an issuer": lambda: signed(iss=None),
    "for another audience": lambda: signed(aud="other"),
    "for nobody": lambda: signed(aud=None),
    "by a key that is not in the file": lambda: signed(ec.generate_private_key(ec.SECP256R1())),
    "with an unknown id": lambda: signed(kid="other"),
    "without an id, though there are two keys": lambda: signed(kid=None),
    "with an algorithm that is not allowed": lambda: signed(RSA_KEY, "PS256", "rsa"),
    "by the wrong one of two keys": lambda: signed(RSA_KEY, "RS256", "ec"),
    "unsigned": unsigned,
    "symmetric, with the public key": lambda: signed_by_the_public_key({"alg": "HS256", "typ": "JWT", "kid": "rsa"}),
    "altered": altered,
    "cut": lambda: signed()[:-10],
    "of a subject that is no text": lambda: signed(sub=["me"]),
    "nothing of the kind": lambda: "hunter2",
    "dots": lambda: "..",
    "deep": lambda: base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + ".e30.e30",
    "not ASCII": lambda: "ü.ü.ü",
}


@pytest.mark.parametrize("bad", BAD)
def test_no_other_token_is_taken(make: Callable[..., SignedTokens], bad: str) -> None:
    """And the error has no part of the token."""
    token = BAD[bad]()
    with pytest.raises(TokenInvalidError) as caught:
        make().subject(token)
    assert str(caught.value).startswith("the token ")
    assert not any(part in str(caught.value) for part in token.split(".") if len(part) > 3)


def test_one_key_needs_no_id(make: Callable[..., SignedTokens]) -> None:
    """A file with a single key without an id, and tokens without one."""
    key = ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True)
    assert make({"keys": [key]}).subject(signed(kid=None)) == "me"


def test_leeway_is_for_clocks_that_differ(make: Callable[..., SignedTokens]) -> None:
    """A token that has expired by less is taken."""
    assert make(leeway_seconds=30).subject(signed(exp=int(time.time()) - 10)) == "me"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        ("{", "Expecting property name"),
        ("[]", ""),
        ("{}", ""),
        ('{"keys": []}', ""),
        ('{"keys": [{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "alg": "HS256"}]}', "oct"),
        (json.dumps(jwks(kid="ec")), "kid of its own"),
    ],
)
def test_a_file_of_keys_that_cannot_be_used_is_told(tmp_path: Path, content: str | None, problem: str) -> None:
    """Symmetric keys are refused, and keys that cannot be told apart."""
    if content is not None:
        (tmp_path / "jwks.json").write_text(content)
    problems: list[str] = []
    assert signed_tokens.read(SECTION, tmp_path, problems) is None
    assert len(problems) == 1
    assert problems[0].startswith(f"[jwt]: jwks_file '{tmp_path}/jwks.json': ")
    assert problem in problems[0]


def test_without_the_library_the_section_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)
    problems: list[str] = []
    assert signed_tokens.read(SECTION, tmp_path, problems) is None
    assert problems == ["[jwt]: needs PyJWT: pip install 'gradproof[jwt]'"]
