"""Paths in a problem file, as its author would write them: network[1].Linear, claim.updated["1.weight"]."""

from __future__ import annotations

import json
import re

PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
LAST_STEP = re.compile(r'(?:\["(?:[^"\\]|\\.)*"\]|\[\d+\]|\.?[A-Za-z_][A-Za-z0-9_]*)\Z')


def child(path: str, step: str | int) -> str:
    """The path of an entry: a key of a mapping, or a position in a list."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    if not PLAIN_KEY.match(step):
        return f"{path}[{json.dumps(step, ensure_ascii=False)}]"
    return f"{path}.{step}" if path else step


def parent(path: str) -> str:
    """The path of what contains the entry; "" for a key of the file itself."""
    return LAST_STEP.sub("", path)
