"""What a PromQL expression asks for: names of metrics and of the labels that select their series."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_SELECTOR = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)\s*(?:{(?P<matchers>[^}]*)}|(?P<call>\())?")
_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
_RANGE = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Selector:
    """A metric and the labels that its matchers name."""

    metric: str
    labels: frozenset[str]


def selectors(expression: str) -> Iterator[Selector]:
    """All selectors of an expression, which must be valid."""
    bare = _GROUPING.sub("", _RANGE.sub("", _STRING.sub('""', expression)))
    for match in _SELECTOR.finditer(re.sub(r"(?<![\w:])[\d.]+(?:e[+-]?\d+)?", "", bare)):
        if match["call"] is None and match["name"].lower() not in _WORDS:
            yield Selector(match["name"], frozenset(re.findall(r"(\w+)\s*[=!]", match["matchers"] or "")))
