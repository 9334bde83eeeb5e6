"""`python -m fuzz.minimise FROM`: of the inputs in FROM, by target, copies to the corpus those that take new steps.

The smallest input that takes a step from line to line stays; inputs that are findings do not. It needs no atheris, and
gives the same corpus for the same inputs, save for what depends on time.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fuzz.targets import CORPUS, TARGETS, Target, corpus

_PACKAGES = ("/gradproof/", "/gradproof_server/")
_MOST_BYTES = 2_048
"""Inputs above are left out: the corpus is a part of the repository."""
Step = tuple[str, int, int]
"""From a line of a file to another one; from 0 where a function begins."""


def main() -> None:
    """Minimises the corpus of all targets, or of those that are named after the folder."""
    source = Path(sys.argv[1])
    for name in sys.argv[2:] or TARGETS:
        inputs = {file.name: file.read_bytes() for file in (*corpus(name), *corpus(name, source))}
        kept = _kept(TARGETS[name], {n: data for n, data in inputs.items() if len(data) <= _MOST_BYTES})
        shutil.rmtree(CORPUS / name, ignore_errors=True)
        (CORPUS / name).mkdir(parents=True)
        for file in kept:
            (CORPUS / name / file).write_bytes(inputs[file])
        print(f"{name}: {len(kept)} of {len(inputs)}, {sum(len(inputs[file]) for file in kept)} bytes", flush=True)


def _kept(target: Target, inputs: dict[str, bytes]) -> list[str]:
    """Names of those that take steps which no smaller one does."""
    seen: set[Step] = set()
    kept = []
    for name, data in sorted(inputs.items(), key=lambda item: (len(item[1]), item[0])):
        new = _steps(lambda data=data: target.run(data)) - seen
        if new:
            seen |= new
            kept.append(name)
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
