"""A problem file's text: YAML or JSON in, plain Python values out, with the digits and the lines of the source.

Numbers keep the text they were written as, because 0.170 says more than 0.17. Of YAML it reads what `yaml.safe_load`
reads, with these differences: 1e-5 is a number, 1:30 and 010 mean no other base, dates and yes, no, on, off stay text,
keys are always text, a key may appear once, and tags are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gradproof.errors import InvalidProblemError, invalid
from gradproof.problem_file.paths import child, parent

WHOLE = re.compile(r"[-+]?(?:0x[0-9a-fA-F]+|[0-9][0-9_]*)\Z")
DECIMAL = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?\Z")
SPECIAL = re.compile(r"([-+]?)\.?(inf|nan)\Z", re.IGNORECASE)
BOOLEANS = {"true": True, "false": False}
NOTHING = frozenset({"", "~", "null"})
MERGE = "<<"
NEEDS_YAML = 'YAML files need PyYAML, JSON files need nothing: pip install "gradproof[cli]"'
MOST_VALUES = 5_000_000
MOST_DEPTH = 48
MOST_DIGITS = 250
"""Of a whole number; so many are below the largest float64, in base 16 too."""


class WrittenFloat(float):
    """A number that remembers the text it was written as."""

    text: str

    def __new__(cls, text: str) -> WrittenFloat:
        """The number that `text` says; underscores in it say nothing."""
        number = super().__new__(cls, _without_dot(text).replace("_", ""))
        number.text = text
        return number


class WrittenInt(int):
    """A whole number that remembers the text it was written as."""

    text: str

    def __new__(cls, text: str) -> WrittenInt:
        """The number that `text` says, in base 10, or 16 after 0x; underscores in it say nothing.

        Raises InvalidProblemError where it may be above every float64.
        """
        if len(text) > MOST_DIGITS:
            raise not_readable(f"a whole number has {len(text)} digits; {MOST_DIGITS} are read at most")
        number = super().__new__(cls, text.replace("_", ""), 16 if "x" in text else 10)
        number.text = text
        return number


Number: TypeAlias = WrittenFloat | WrittenInt


@dataclass(frozen=True)
class Document:
    """What a file says, and where.

    Attributes:
        value: mappings, lists, text, booleans, None, `WrittenFloat` and `WrittenInt`.
        lines: lines by path, counted from 1; empty for JSON.
    """

    value: Any
    lines: dict[str, int] = field(default_factory=dict)

    def line_of(self, path: str) -> int | None:
        """The line of an entry, or of the nearest entry around it that is known."""
        while path:
            if path in self.lines:
                return self.lines[path]
            outer = parent(path)
            path = outer if outer != path else ""
        return None


def parse_document(text: str, name: str = "") -> Document:
    """The content of a problem file called `name`: JSON where it ends in .json or is a JSON object, else YAML.

    Raises:
        InvalidProblemError: it is neither; the message has the line and the column.
    """
    if name.endswith(".json"):
        return parse_json(text)
    if text.lstrip().startswith("{"):
        try:
            return parse_json(text)
        except InvalidProblemError:
            return parse_yaml(text)
    return parse_yaml(text)


def parse_json(text: str) -> Document:
    """The content of a JSON text.

    Raises:
        InvalidProblemError: it is not JSON, or a key appears twice in an object.
    """
    try:
        value = json.loads(text, parse_float=WrittenFloat, parse_int=WrittenInt, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise not_readable(f"line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}") from None
    except RecursionError:
        raise not_readable("this JSON is nested too deeply") from None
    return Document(value)


def parse_yaml(text: str) -> Document:
    """The content of a YAML text of one document.

    Raises:
        InvalidProblemError: it is not YAML, a key appears twice in a mapping, or it uses tags.
    """
    try:
        import yaml
    except ImportError:
        raise not_readable(NEEDS_YAML) from None
    try:
        return _YamlReader(yaml.parse(text, Loader=_yaml_loader(yaml))).document()
    except yaml.YAMLError as error:
        raise not_readable(_yaml_message(error)) from None


def not_readable(description: str) -> InvalidProblemError:
    """The error for a file whose text cannot be read at all."""
    return invalid("", "NOT_READABLE", description)


def scalar_from_text(text: str) -> Any:
    """What an unquoted YAML scalar means: a number, true or false, nothing, or text."""
    if WHOLE.match(text):
        return WrittenInt(text)
    if DECIMAL.match(text):
        return WrittenFloat(text)
    lower = text.lower()
    if lower in NOTHING:
        return None
    if lower in BOOLEANS:
        return BOOLEANS[lower]
    return WrittenFloat(text) if lower.lstrip("+-") in (".inf", ".nan") else text


def number_from_word(word: str) -> WrittenFloat | None:
    """Infinity or NaN, however it is written (inf, -inf, .nan, Infinity); None for any other text."""
    match = SPECIAL.match(word.strip().lower().replace("infinity", "inf"))
    return WrittenFloat(match.group(0)) if match else None


def _without_dot(text: str) -> str:
    match = SPECIAL.match(text)
    return match.group(1) + match.group(2) if match else text


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise not_readable(f"the key {key!r} appears twice in one object; each key may appear once")
        result[key] = value
    return result


def _yaml_loader(yaml: Any) -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _yaml_message(error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    if mark is None:
        return f"this is not YAML: {problem}"
    return f"line {mark.line + 1}, column {mark.column + 1}: this is not YAML: {problem}"


class _YamlReader:
    """Values from the events of a YAML parser."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.lines: dict[str, int] = {}
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.values = 0

    def document(self) -> Document:
        value: Any = None
        documents = 0
        for event in self.events:
            if type(event).__name__ == "DocumentStartEvent":
                documents += 1
                self._refuse(event, documents > 1, "a second document begins; a problem file holds one")
                value = self._value(next(self.events), "", 0)
        return Document(value, self.lines)

    def _value(self, event: Any, path: str, depth: int) -> Any:
        self.values += 1
        self._refuse(
            event, self.values > MOST_VALUES, f"more than {MOST_VALUES} values; put large tensors in .npy files"
        )
        self._refuse(event, depth > MOST_DEPTH, f"nested more than {MOST_DEPTH} deep")
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event)
        self._refuse(event, _has_tag(event), f"the tag {event.tag} is not read; write the value without it")
        before = self.values
        value = self._READERS[kind](self, event, path, depth)
        if not isinstance(value, float | int):
            self.lines.setdefault(path, event.start_mark.line + 1)
        if event.anchor:
            self.anchors[event.anchor] = value, self.values - before
        return value

    def _alias(self, event: Any) -> Any:
        self._refuse(event, event.anchor not in self.anchors, f"*{event.anchor} has no &{event.anchor} before it")
        value, size = self.anchors[event.anchor]
        self.values += size
        return value

    def _scalar(self, event: Any, _path: str, _depth: int) -> Any:
        return scalar_from_text(event.value) if event.implicit[0] else event.value

    def _sequence(self, _event: Any, path: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while type(event := next(self.events)).__name__ != "SequenceEndEvent":
            items.append(self._value(event, child(path, len(items)), depth + 1))
        return items

    def _mapping(self, _event: Any, path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[Any] = []
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            self._refuse(event, type(event).__name__ != "ScalarEvent", "a key must be a plain word or number")
            key = event.value
            self._refuse(event, key in result, f"the key {key!r} appears twice; each key may appear once")
            place = child(path, key)
            self.lines[place] = event.start_mark.line + 1
            value = self._value(next(self.events), place, depth + 1)
            if key == MERGE and event.implicit[0]:
                merged += value if isinstance(value, list) else [value]
            else:
                result[key] = value
        return self._merge(merged, result)

    def _merge(self, merged: list[Any], own: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for mapping in reversed(merged):
            if not isinstance(mapping, dict):
                raise not_readable("`<<` takes a mapping, or a list of mappings, by their aliases")
            result |= mapping
        return result | own

    def _refuse(self, event: Any, wrong: bool, description: str) -> None:
        if wrong:
            mark = event.start_mark
            raise not_readable(f"line {mark.line + 1}, column {mark.column + 1}: {description}")

    _READERS = {"ScalarEvent": _scalar, "SequenceStartEvent": _sequence, "MappingStartEvent": _mapping}  # noqa: RUF012


def _has_tag(event: Any) -> bool:
    if event.tag is None:
        return False
    implicit = event.implicit
    return not (any(implicit) if isinstance(implicit, tuple) else implicit)
