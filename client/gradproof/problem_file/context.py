"""What reading a problem file needs at hand: the document, its folder, and the violations found so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from gradproof._violations import Violations, near_miss
from gradproof.problem_file.document import Document, WrittenFloat, WrittenInt
from gradproof.problem_file.paths import child

T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """The state of one reading.

    Attributes:
        document: the file's content and lines.
        folder: what file references are relative to.
        violations: what is wrong so far.
        origins: paths of the request ("problem.network.nodes[1]") and the paths of the file that they come from.
    """

    document: Document
    folder: Path
    violations: Violations = field(default_factory=Violations)
    origins: dict[str, str] = field(default_factory=dict)

    def complain(self, path: str, reason: str, description: str) -> None:
        """Notes one violation; reading goes on."""
        self.violations.add(path, reason, description)

    def attempt(self, path: str, make: Callable[[], T]) -> T | None:
        """What `make` returns; None where it raises, with the violations that it raises."""
        result: T | None = None
        with self.violations.at(path):
            result = make()
        return result  # noqa: RET504 (`at` swallows what is raised)

    def complain_about_type(self, path: str, value: Any, wanted: str) -> None:
        """Notes that a value is of another kind than wanted."""
        self.complain(path, "WRONG_TYPE", f"{shown(value)} is not {wanted}")

    def origin(self, request_path: str, path: str) -> None:
        """Notes that a part of the request comes from a part of the file."""
        self.origins[request_path] = path

    def unknown_keys(self, value: Mapping[str, Any], known: Iterable[str], path: str, what: str = "key") -> None:
        """Notes a violation for each key that is not known, with the one that was probably meant."""
        names = list(known)
        for key in value:
            if key not in names:
                self.complain(child(path, key), "UNKNOWN_KEY", f"there is no {what} {key!r}{near_miss(key, names)}")

    def mapping(self, value: Any, path: str, wanted: str) -> dict[str, Any]:
        """The value where it is a mapping; an empty one, with a violation, where it is none. Nothing is empty."""
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.complain_about_type(path, value, f"a mapping, as {wanted}")
        return {}

    def names(self, value: Any, path: str, wanted: str) -> list[str]:
        """A list of names; one name alone is a list of one, and numbers are names as they are written."""
        items = value if isinstance(value, list) else [value]
        result = []
        for i, item in enumerate(items):
            name = name_of(item)
            if name is None:
                self.complain_about_type(child(path, i) if isinstance(value, list) else path, item, wanted)
            else:
                result.append(name)
        return result

    def name(self, value: Any, path: str, wanted: str = "a name") -> str:
        """One name; "" with a violation where it is none."""
        name = name_of(value)
        if name is None:
            self.complain_about_type(path, value, wanted)
        return name or ""

    def whole_number(self, value: Any, path: str, wanted: str, least: int = 0) -> int | None:
        """An integer of at least `least`, with a violation where it is none."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return int(value)
        self.complain_about_type(path, value, wanted)
        return None

    def one_of(self, value: Any, choices: Mapping[str, int], path: str, what: str) -> int:
        """The number of a named choice; 0 with a violation where there is none of that name."""
        if isinstance(value, str) and value in choices:
            return choices[value]
        guess = near_miss(value, choices) if isinstance(value, str) else f"; valid are {', '.join(choices)}"
        self.complain(path, "UNKNOWN_VALUE", f"{shown(value)} is no {what}{guess}")
        return 0


def name_of(value: Any) -> str | None:
    """A name as written; numbers are taken as their text. None for anything else."""
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.text
    return value if isinstance(value, str) and value else None


def shown(value: Any) -> str:
    """A value of the file, short, as its author wrote it."""
    if value is None:
        return "nothing"
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.text
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f"the mapping {text}" if isinstance(value, dict) else f"the list {text}" if isinstance(value, list) else text
