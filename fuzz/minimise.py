"""`python -m fuzz.minimise FOLDER`: adds the inputs in FOLDER/TARGET that take new steps to the corpus, and thins it.

The smallest input that takes a step from line to line stays; inputs that are findings do not. It needs no atheris, and
gives the same corpus for the same inputs, save for what depends on time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fuzz.archive import input_name, read_folder, write_archive
from fuzz.targets import TARGETS, Target, archive_of, corpus

_PACKAGES = ("/gradproof/", "/gradproof_server/")
_MOST_BYTES = 2_048
"""Inputs above are left out: the corpus is a part of the repository."""
Step = tuple[str, int, int]
"""From a line of a file to another one; from 0 where a function begins."""


def main() -> None:
    """Minimises the corpus of all targets, or of those that are named after the folder."""
    source = Path(sys.argv[1])
    for name in sys.argv[2:] or TARGETS:
        old = corpus(name) if archive_of(name).is_file() else []
        inputs = {*old, *read_folder(source / name)}
        kept = _kept(TARGETS[name], [data for data in inputs if len(data) <= _MOST_BYTES])
        write_archive(archive_of(name), kept)
        print(f"{name}: {len(kept)} of {len(inputs)}, {sum(map(len, kept))} bytes", flush=True)


def _kept(target: Target, inputs: Iterable[bytes]) -> list[bytes]:
    """Those that take steps which no smaller one does."""
    seen: set[Step] = set()
    kept = []
    for data in sorted(inputs, key=lambda data: (len(data), input_name(data))):
        new = _steps(lambda data=data: target.run(data)) - seen
        if new:
            seen |= new
            kept.append(data)
    return kept


def _steps(run: Callable[[], None]) -> set[Step]:
    """Steps that a call takes in our packages; none where it raises, as findings do."""
    taken: set[Step] = set()
    ours: dict[CodeType, bool] = {}

    def trace(frame: FrameType, _event: str, _argument: Any) -> Any:
        code, last = frame.f_code, 0
        if code not in ours:
            ours[code] = any(package in code.co_filename for package in _PACKAGES)

        def trace_line(frame: FrameType, event: str, _argument: Any) -> Any:
            nonlocal last
            if event == "line":
                taken.add((code.co_filename, last, frame.f_lineno))
                last = frame.f_lineno
            return trace_line

        return trace_line if ours[code] else None

    sys.settrace(trace)
    try:
        run()
    except Exception:
        return set()
    finally:
        sys.settrace(None)
    return taken


if __name__ == "__main__":
    main()
