"""The near miss of a name: what the caller probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near_miss(name: str, known: Iterable[str], most: int = 8) -> str:
    """A phrase for the end of an error: what was probably meant, else what is valid; empty where nothing is."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:most])
    return f"; valid are {shown}" + (", ..." if len(names) > most else "")
