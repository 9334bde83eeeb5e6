"""Pages of metrics in Prometheus' text format, and sums and rates of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

_LABEL = r'[a-zA-Z_]\w*\s*=\s*"(?:[^"\\]|\\.)*"'
_LABELS = rf"\s*(?:{_LABEL}(?:\s*,\s*{_LABEL})*\s*,?\s*)?"
# What may follow a value, a timestamp or an exemplar, says nothing of it.
_SAMPLE = re.compile(rf"\s*([a-zA-Z_:][\w:]*)\s*(?:\{{({_LABELS})\}})?\s+(\S+)(?:\s.*)?", re.ASCII)
_PAIR = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_COUNTERS = ("_total", "_count", "_sum", "_bucket")

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values of labels, sorted."""


@dataclass(frozen=True)
class Page:
    """The samples of a page, by name, then by labels."""

    samples: Mapping[str, Mapping[Labels, float]]

    def total(self, *names: str) -> float | None:
        """The sum of all samples of these names; None where there are none."""
        found = [value for name in names for value in self.samples.get(name, {}).values()]
        return sum(found) if found else None

    def by(self, label: str, name: str, **fixed: str) -> dict[str, float]:
        """Sums of the samples of a name, by the value of a label; `fixed` are values that other labels must have."""
        sums: dict[str, float] = {}
        for labels, value in self.samples.get(name, {}).items():
            named = dict(labels)
            if label in named and fixed.items() <= named.items():
                sums[named[label]] = sums.get(named[label], 0.0) + value
        return sums


def parse(text: str) -> Page:
    """Reads a page; what is no finite number is not known, as if it was missing.

    Raises ValueError where a line is none of such a page, or nothing is left.
    """
    samples: dict[str, dict[Labels, float]] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _SAMPLE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a line of metrics: {line[:60]!r}")
        labels = tuple(sorted((name, _unescaped(value)) for name, value in _PAIR.findall(match[2] or "")))
        value = float(match[3])
        if math.isfinite(value):
            samples.setdefault(match[1], {})[labels] = value
    if not samples:
        raise ValueError("a page without metrics")
    return Page(samples)


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], value)


def added(pages: Iterable[Page]) -> Page:
    """The sum of pages, sample by sample."""
    sums: dict[str, dict[Labels, float]] = {}
    for page in pages:
        for name, found in page.samples.items():
            into = sums.setdefault(name, {})
            for labels, value in found.items():
                into[labels] = into.get(labels, 0.0) + value
    return Page(sums)


def rates(later: Page, earlier: Page, seconds: float) -> Page:
    """What the counters of a server grew by per second, between two pages that lie so many seconds apart.

    A server that began again in between counts from 0: all of its counters, since those of one histogram belong
    together.
    """
    base = {} if _began_again(later, earlier) else earlier.samples
    return Page(
        {
            name: {labels: (value - base.get(name, {}).get(labels, 0.0)) / seconds for labels, value in found.items()}
            for name, found in later.samples.items()
            if name.endswith(_COUNTERS)
        }
    )


def _began_again(later: Page, earlier: Page) -> bool:
    start = "process_start_time_seconds"
    return later.total(start) != earlier.total(start) or any(
        value < earlier.samples.get(name, {}).get(labels, 0.0)
        for name, found in later.samples.items()
        if name.endswith(_COUNTERS)
        for labels, value in found.items()
    )
