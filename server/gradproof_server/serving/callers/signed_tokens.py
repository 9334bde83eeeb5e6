"""Signed tokens: JSON Web Tokens (RFC 7519) that another party issues, with its public keys (JWKS) in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradproof_server.serving.errors import TokenInvalidError

if TYPE_CHECKING:
    import jwt

# Asymmetric ones only: with "none" anybody, and with HS* whoever may check a token, can make one.
ALGORITHMS = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "EdDSA",
)
_DEFAULT_ALGORITHMS = ("RS256", "ES256")
_MOST_LEEWAY_SECONDS = 300.0
_KEYS = ("jwks_file", "issuer", "audience", "algorithms", "leeway_seconds")


@dataclass(frozen=True)
class SignedTokens:
    """Which signed tokens are taken: those of one issuer, for one audience, that its keys have signed.

    Attributes:
        jwks: the keys as they were read, JSON.
        keys: the same by their ids.
        leeway_seconds: how far the issuer's clock may be from this one's.
    """

    file: Path
    jwks: str = field(repr=False)
    keys: Mapping[str | None, jwt.PyJWK] = field(compare=False, repr=False)
    issuer: str
    audience: str
    algorithms: Sequence[str]
    leeway_seconds: float

    @property
    def files(self) -> tuple[Path, ...]:
        """The file of the keys."""
        return (self.file,)

    def subject(self, token: str) -> str:
        """The `sub` of a token that is valid now. Raises TokenInvalidError for every other."""
        import jwt

        try:
            key = self._key_of(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=self.algorithms,
                issuer=self.issuer,
                audience=self.audience,
                leeway=self.leeway_seconds,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        # The texts of the library's errors can have parts of the token.
        except jwt.ExpiredSignatureError:
            raise TokenInvalidError("the token has expired") from None
        except jwt.ImmatureSignatureError:
            raise TokenInvalidError("the token is not valid yet") from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
            raise TokenInvalidError("the token is of another issuer, or for another audience") from None
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise TokenInvalidError("the token is not known to this server") from None
        subject: str = claims["sub"]
        return subject

    def _key_of(self, kid: str | None) -> jwt.PyJWK:
        """The key that a token says to be signed by; the only one where it says nothing."""
        if kid is None and len(self.keys) == 1:
            return next(iter(self.keys.values()))
        if kid not in self.keys:
            raise TokenInvalidError("the token is signed by a key that this server does not know")
        return self.keys[kid]


def read(section: Mapping[str, Any], folder: Path, problems: list[str]) -> SignedTokens | None:
    """The [jwt] of a callers' file in `folder`; None, with what is wrong in `problems`, where it cannot be used."""
    wrong = [f"there is no key {key!r}; there are {', '.join(_KEYS)}" for key in section if key not in _KEYS]
    for key in ("jwks_file", "issuer", "audience"):
        if not isinstance(section.get(key), str) or not section[key]:
            wrong.append(f"{key} must be given, as text")
    algorithms = section.get("algorithms", list(_DEFAULT_ALGORITHMS))
    if not isinstance(algorithms, list) or not algorithms or not all(a in ALGORITHMS for a in algorithms):
        wrong.append(f"algorithms must be a list of some of {', '.join(ALGORITHMS)}, not {algorithms!r}")
    leeway = section.get("leeway_seconds", 0)
    if type(leeway) not in (int, float) or not 0 <= leeway <= _MOST_LEEWAY_SECONDS:
        wrong.append(f"leeway_seconds must be a number from 0 to {_MOST_LEEWAY_SECONDS:g}, not {leeway!r}")
    file = folder / str(section.get("jwks_file", ""))
    text, keys = ("", {}) if wrong else _read_keys(file, wrong)
    problems.extend(f"[jwt]: {problem}" for problem in wrong)
    if wrong:
        return None
    return SignedTokens(file, text, keys, section["issuer"], section["audience"], tuple(algorithms), float(leeway))


def _read_keys(file: Path, wrong: list[str]) -> tuple[str, Mapping[str | None, jwt.PyJWK]]:
    try:
        import jwt
    except ImportError:
        wrong.append("needs PyJWT: pip install 'gradproof[jwt]'")
        return "", {}
    text = ""
    try:
        text = file.read_text(encoding="utf-8")
        keys = jwt.PyJWKSet.from_dict(json.loads(text)).keys
    except (OSError, ValueError, RecursionError, AttributeError, TypeError, jwt.PyJWTError) as error:
        wrong.append(f"jwks_file {str(file)!r}: {error}")
        return text, {}
    ids = [key.key_id for key in keys]
    if any(key.key_type == "oct" for key in keys):
        wrong.append(f"jwks_file {str(file)!r}: has a symmetric key (oct), with which whoever has it can make tokens")
    if len(set(ids)) < len(ids) or (None in ids and len(ids) > 1):
        wrong.append(f"jwks_file {str(file)!r}: each of several keys must have a kid of its own")
    return text, dict(zip(ids, keys, strict=True))
