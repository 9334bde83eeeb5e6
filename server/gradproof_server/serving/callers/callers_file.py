"""The callers' file: TOML that says who may call, as `Callers`. docs/server.md describes it."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from gradproof_server.serving.callers import signed_tokens
from gradproof_server.serving.callers.caller import Caller, Callers
from gradproof_server.settings import SettingsError

_NAME = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_Problems: TypeAlias = list[str]
_Table: TypeAlias = Mapping[str, Any]


def read_callers(path: Path, methods: Iterable[str]) -> Callers:
    """The callers in a file.

    Args:
        path: the file; the path of its JWKS is relative to its folder.
        methods: names of the methods that there are.

    Raises:
        OSError: a file cannot be read.
        SettingsError: with everything that is wrong, and what would be valid.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise SettingsError([f"{path}: is not TOML: {error}"]) from None
    problems: _Problems = []
    callers = _read(content, path.parent, frozenset(methods), problems)
    if problems:
        raise SettingsError([f"{path}: {problem}" for problem in problems])
    return callers


def _read(content: _Table, folder: Path, methods: frozenset[str], problems: _Problems) -> Callers:
    _check_keys(content, {"caller": _check_tables, "jwt": _check_table}, "the file", problems)
    entries = content.get("caller", [])
    entries = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    if not entries:
        problems.append("has no [[caller]], so that nobody could call")
    for number, entry in enumerate(entries, 1):
        _check_caller(entry, f"caller {number}", methods, problems)
    for key, what in (("token_sha256", "token"), ("subjects", "subject")):
        _check_unique((value for entry in entries for value in _texts(entry.get(key))), what, problems)
    _check_unique((entry["name"] for entry in entries if isinstance(entry.get("name"), str)), "name", problems)
    section = content.get("jwt")
    signed = signed_tokens.read(section, folder, problems) if isinstance(section, dict) else None
    if problems:
        return Callers({})
    callers = [_caller(entry) for entry in entries]
    return Callers(
        {caller.name: caller for caller in callers},
        tuple(
            (bytes.fromhex(digest), caller)
            for entry, caller in zip(entries, callers, strict=True)
            for digest in entry.get("token_sha256", ())
        ),
        {
            subject: caller
            for entry, caller in zip(entries, callers, strict=True)
            for subject in entry.get("subjects", ())
        },
        signed,
    )


def _caller(entry: _Table) -> Caller:
    methods = entry.get("methods")
    return Caller(
        entry["name"],
        None if methods is None else frozenset(methods),
        entry.get("max_calls"),
        entry.get("max_bytes"),
        entry.get("calls_per_minute"),
    )


def _check_caller(entry: _Table, where: str, methods: frozenset[str], problems: _Problems) -> None:
    name = entry.get("name")
    if isinstance(name, str):
        where = f"caller {name!r}"
    if "name" not in entry:
        problems.append(f"{where}: has no name")
    if not entry.get("token_sha256") and not entry.get("subjects"):
        problems.append(f"{where}: has neither token_sha256 nor subjects, so that nobody is it")
    _check_keys(entry, _CALLER_KEYS, where, problems)
    for method in _texts(entry.get("methods")):
        if method not in methods:
            problems.append(f"{where}: methods: there is no {method!r}{_near(method, methods)}")


def _check_keys(table: _Table, checks: Mapping[str, _Check], where: str, problems: _Problems) -> None:
    for key, value in table.items():
        if key not in checks:
            problems.append(f"{where}: there is no key {key!r}{_near(key, checks)}")
        elif wanted := checks[key](value):
            # What is in place of a digest can be the token itself: of values only numbers are repeated.
            shown = f", not {value!r}" if isinstance(value, int | float) else ""
            problems.append(f"{where}: {key} must be {wanted}{shown}")


_Check: TypeAlias = Callable[[Any], str]
"""What a value must be, in words; empty where it is."""


def _check_tables(value: Any) -> str:
    good = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return "" if good else "tables, [[caller]]"


def _check_table(value: Any) -> str:
    return "" if isinstance(value, dict) else "a table, [jwt]"


def _check_name(value: Any) -> str:
    return "" if isinstance(value, str) and _NAME.fullmatch(value) else f"text of the form {_NAME.pattern}"


def _check_digests(value: Any) -> str:
    good = _is_texts(value) and all(_DIGEST.fullmatch(item) for item in value)
    return "" if good else "a list of SHA-256 digests, each of 64 digits 0-9 a-f"


def _check_texts(value: Any) -> str:
    return "" if _is_texts(value) and all(value) else "a list of texts that are not empty"


def _check_count(value: Any) -> str:
    return "" if type(value) is int and value >= 1 else "a whole number of at least 1"


def _check_rate(value: Any) -> str:
    return "" if type(value) in (int, float) and 0 < value < float("inf") else "a number above 0"


_CALLER_KEYS: Mapping[str, _Check] = {
    "name": _check_name,
    "token_sha256": _check_digests,
    "subjects": _check_texts,
    "methods": _check_texts,
    "max_calls": _check_count,
    "max_bytes": _check_count,
    "calls_per_minute": _check_rate,
}


def _check_unique(values: Iterable[str], what: str, problems: _Problems) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            shown = f"{value[:8]}..." if what == "token" else repr(value)
            problems.append(f"the {what} {shown} is there {count} times; it must be one caller's")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _texts(value: Any) -> list[str]:
    return value if _is_texts(value) else []


def _near(name: str, valid: Iterable[str]) -> str:
    names = sorted(valid)
    match = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {match[0]!r}?" if match else f"; there are {', '.join(names)}"
