"""Violations: collecting all that is wrong with a value before it is said, and saying what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from gradproof.errors import InvalidProblemError, Violation
from gradproof.tensors import TensorError


class Violations:
    """Collects violations; `at` catches those of a block, `raise_if_any` raises them together."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, field: str, reason: str, description: str) -> None:
        """Notes one violation."""
        self._found.append(Violation(field, reason, description))

    @contextmanager
    def at(self, field: str) -> Iterator[None]:
        """Collects what the block raises; a TensorError is placed at `field`."""
        try:
            yield
        except InvalidProblemError as error:
            self._found.extend(error.violations)
        except TensorError as error:
            self.add(f"{field}{error.path}", error.reason, error.description)

    def raise_if_any(self) -> None:
        """Raises InvalidProblemError with all that was collected, if anything was."""
        if self._found:
            raise InvalidProblemError(violations=self._found)


def near_miss(name: str, known: Iterable[str], most: int = 12) -> str:
    """A phrase for the end of an error: what was probably meant, and what is valid."""
    names = list(dict.fromkeys(known))
    folded = {other.lower(): other for other in reversed(names)}
    close = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    guess = f"; did you mean {folded[close[0]]!r}?" if close else ""
    if not names:
        return guess
    shown = ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")
    return f"{guess} Valid are {shown}" if guess else f"; valid are {shown}"
