"""The callers' file: what it says is read, and everything that is wrong with it is told at once, without secrets."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from gradproof_server.serving.callers import callers_file
from gradproof_server.serving.callers.caller import Caller, Callers
from gradproof_server.serving.callers.callers_file import read_callers
from gradproof_server.settings import SettingsError
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

METHODS = ("CheckGradients", "ComputeGradients", "ListCatalog")
DIGEST = hashlib.sha256(b"secret").hexdigest()


def read(folder: Path, text: str) -> Callers:
    """The callers of a file with this text."""
    path = folder / "callers.toml"
    path.write_text(text)
    return read_callers(path, METHODS)


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with it, without the file's path."""
    with pytest.raises(SettingsError) as caught:
        read(folder, text)
    assert all(problem.startswith(f"{folder}/callers.toml: ") for problem in caught.value.problems)
    return [problem.removeprefix(f"{folder}/callers.toml: ") for problem in caught.value.problems]


def test_everything_that_can_be_said_is_read(tmp_path: Path) -> None:
    """Names, tokens, subjects, methods, bounds and rates; what is not said is the server's."""
    callers = read(
        tmp_path,
        f"""
        [[caller]]
        name = "ci"
        token_sha256 = ["{DIGEST}", "{"0" * 64}"]
        methods = ["CheckGradients"]
        max_calls = 8
        max_bytes = 1_000_000
        calls_per_minute = 0.5

        [[caller]]
        name = "kernels"
        subjects = ["spiffe://example.org/kernels"]
        """,
    )
    ci = Caller("ci", frozenset({"CheckGradients"}), 8, 1_000_000, 0.5)
    assert callers.names == {"ci": ci, "kernels": Caller("kernels")}
    assert callers.of_token("secret") == ci
    assert callers.of_token("Secret") is None
    assert callers.of_subjects(["other", "spiffe://example.org/kernels"]) == Caller("kernels")
    assert [ci.may_call(method) for method in METHODS] == [True, False, False]
    assert all(Caller("kernels").may_call(method) for method in METHODS)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Each with the entry, the key, what would be valid, and the near miss."""
    found = problems(
        tmp_path,
        f"""
        callers = 1

        [[caller]]
        name = "a b"
        token_sha256 = ["{DIGEST}"]

        [[caller]]
        token_sha256 = ["{DIGEST}"]
        method = []

        [[caller]]
        name = "c"
        subjects = ["me", ""]
        methods = ["CheckGradient"]
        max_calls = 0
        max_bytes = true
        calls_per_minute = -1.5

        [[caller]]
        name = "c"

        [jwt]
        issuer = ""
        algorithms = ["HS256", "none"]
        leeway_seconds = 1000
        """,
    )
    assert found == [
        "the file: there is no key 'callers'; did you mean 'caller'?",
        "caller 'a b': name must be text of the form [A-Za-z0-9._:/@+-]{1,128}",
        "caller 2: has no name",
        "caller 2: there is no key 'method'; did you mean 'methods'?",
        "caller 'c': subjects must be a list of texts that are not empty",
        "caller 'c': max_calls must be a whole number of at least 1, not 0",
        "caller 'c': max_bytes must be a whole number of at least 1, not True",
        "caller 'c': calls_per_minute must be a number above 0, not -1.5",
        "caller 'c': methods: there is no 'CheckGradient'; did you mean 'CheckGradients'?",
        "caller 'c': has neither token_sha256 nor subjects, so that nobody is it",
        f"the token {DIGEST[:8]}... is there 2 times; it must be one caller's",
        "the name 'c' is there 2 times; it must be one caller's",
        "[jwt]: jwks_file must be given, as text",
        "[jwt]: issuer must be given, as text",
        "[jwt]: audience must be given, as text",
        "[jwt]: algorithms must be a list of some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, "
        "EdDSA, not ['HS256', 'none']",
        "[jwt]: leeway_seconds must be a number from 0 to 300, not 1000",
    ]


@pytest.mark.parametrize("text", ["", "[jwt]\n", "caller = 3", "caller = [1]", "caller = []"])
def test_a_file_without_callers_is_wrong(tmp_path: Path, text: str) -> None:
    """An empty file must not open the server, nor close it silently."""
    assert "has no [[caller]], so that nobody could call" in problems(tmp_path, text)


def test_a_file_that_is_not_toml_is_wrong(tmp_path: Path) -> None:
    """It says where."""
    assert problems(tmp_path, "[[caller") == [
        "is not TOML: Expected ']]' at the end of an array declaration (at end of document)"
    ]
    (tmp_path / "callers.toml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="is not TOML"):
        read_callers(tmp_path / "callers.toml", METHODS)


def test_a_token_in_place_of_its_digest_is_not_repeated(tmp_path: Path) -> None:
    """Who writes the token itself by mistake does not find it in the log."""
    text = '[[caller]]\nname = "a"\ntoken_sha256 = ["hunter2-hunter2"]\n'
    assert problems(tmp_path, text) == [
        "caller 'a': token_sha256 must be a list of SHA-256 digests, each of 64 digits 0-9 a-f"
    ]


def test_digests_are_not_shown(tmp_path: Path) -> None:
    """Not in the text of the callers, which a traceback or a debugger may print."""
    callers = read(tmp_path, f'[[caller]]\nname = "a"\ntoken_sha256 = ["{DIGEST}"]\n')
    assert DIGEST not in repr(callers)
    assert str(bytes.fromhex(DIGEST)) not in repr(callers)


_scalars = st.one_of(st.integers(), st.booleans(), st.text("ab\"'", max_size=3), st.floats(allow_nan=False))
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner))
_keys = st.sampled_from(["name", "token_sha256", "subjects", "methods", "max_calls", "calls_per_minute", "x"])


def toml(value: object) -> str:
    """A value as TOML."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + value.replace('"', '\\"') + '"'
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    return str(value)


@given(st.lists(st.dictionaries(_keys, _values, max_size=5), max_size=3), st.none() | _values)
def test_whatever_is_written_there_it_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, entries: list[dict[str, object]], section: object
) -> None:
    """Values of any type in any place end in callers or in problems, and in nothing else."""
    text = "" if section is None else f"jwt = {toml(section)}\n"
    for entry in entries:
        text += "[[caller]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in entry.items())
    with contextlib.suppress(SettingsError):
        assert read(tmp_path_factory.getbasetemp(), text).names


def test_the_documented_file_is_read(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The example of docs/server.md has every key that there is."""
    (text,) = re.findall(
        r"^```toml\n(\[\[caller\]\].*?)```", (request.config.rootpath / "docs/server.md").read_text(), re.M | re.S
    )
    key = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [key]}))
    assert [*read(tmp_path, text).names] == ["ci", "kernels"]
    written = {key for entry in tomllib.loads(text)["caller"] for key in entry}
    assert written == callers_file._CALLER_KEYS.keys()
