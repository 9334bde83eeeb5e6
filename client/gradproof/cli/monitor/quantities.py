"""Quantities as short texts; "-" where they are not known."""

from __future__ import annotations

from collections.abc import Callable

UNKNOWN = "-"


def known(value: float | None, text: Callable[[float], str]) -> str:
    """The text of a value, or "-"."""
    return UNKNOWN if value is None else text(value)


def seconds(value: float) -> str:
    """A short time: "0.5 ms", "12 ms", "1.25 s"."""
    milliseconds = value * 1000
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 999.5 else f"{value:.{2 if value < 9.995 else 1}f} s"


def duration(value: float) -> str:
    """A long time by its two greatest units: "42s", "3m05s", "7h20m", "12d04h"."""
    whole = int(value)
    for unit, below, length, part in (("d", "h", 86400, 3600), ("h", "m", 3600, 60), ("m", "s", 60, 1)):
        if whole >= length:
            return f"{whole // length}{unit}{whole % length // part:02d}{below}"
    return f"{whole}s"


def rate(value: float) -> str:
    """How often per time: "0.4", "120", "12.5k"."""
    return f"{value:.1f}" if value < 99.95 else count(value)


def count(value: float) -> str:
    """A number of things: "312", "45.1k", "2.3M"."""
    for suffix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= 10 * size or (suffix != "k" and value >= size):
            return f"{value / size:.1f}{suffix}"
    return f"{value:.0f}"


def size(value: float) -> str:
    """Bytes: "312 MiB", "1.5 GiB"."""
    return f"{value / 2**30:.1f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"


def share(value: float) -> str:
    """A part of a whole: "0%", "0.4%", "12%"."""
    percent = value * 100
    return f"{percent:.1f}%" if 0 < percent < 9.95 else f"{percent:.0f}%"
