"""`python -m fuzz [TARGET]...`: fuzzes by coverage, each target in a process of its own, one after the other.

Without atheris (extra `fuzz`), which Linux alone has, nothing works but the replay of the corpus by tests/fuzz.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import random
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from types import ModuleType

import atheris

from fuzz.archive import input_name, write_folder
from fuzz.memory import MemoryWatch

_MAX_BYTES = 8_192
_TIMEOUT_SECONDS = 30
_TOLD = 5_000
"""Messages after each of which the log tells the memory."""
_SHOWN = 20
_BYTEWISE = 20
"""Every so manieth mutation is libFuzzer's own, which knows what the code compares bytes with."""


def main() -> None:
    """Ends with status 1 where a target has a finding; its input lies in the folder of findings."""
    arguments = _parser().parse_args()
    warnings.simplefilter("error")
    instrumented = atheris.instrument_imports(include=["gradproof", "gradproof_server"], exclude=["gradproof.v1"])
    with contextlib.redirect_stderr(io.StringIO()), instrumented:  # it tells the name of every module
        targets = importlib.import_module("fuzz.targets")
    names = arguments.targets or list(targets.TARGETS)
    if unknown := set(names) - set(targets.TARGETS):
        sys.exit(f"there is no target {', '.join(sorted(unknown))}; there are {', '.join(targets.TARGETS)}")
    arguments.findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        arguments.unpacked = Path(scratch) / "unpacked"
        arguments.corpus = arguments.corpus or Path(scratch) / "new"
        found = [name for name in names if not _in_child(name, targets, arguments)]
    if found:
        sys.exit(f"findings in {', '.join(found)}: their inputs are in {arguments.findings}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=2, help="for each target, times its share (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    parser.add_argument("--corpus", type=Path, help="folder that keeps new inputs (default: none does)")
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"), help="(default: %(default)s)")
    return parser


def _in_child(name: str, targets: ModuleType, arguments: argparse.Namespace) -> bool:
    """Whether a target went without findings. A child has the instrumented code at once, and libFuzzer to itself."""
    log = arguments.findings / f"{name}.log"
    if (child := os.fork()) == 0:
        try:
            os.dup2(os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644), sys.stderr.fileno())
            _fuzz(name, targets, arguments)
        except BaseException:
            traceback.print_exc()
        os._exit(1)  # libFuzzer ends the process itself, with status 0 where nothing was found
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    print(f"{name:18} {_figures(lines)}", flush=True)
    if status:
        print("\n".join(_finding(lines)), flush=True)
    return status == 0


def _finding(lines: list[str]) -> list[str]:
    """What a log says of an exception, without the middle of a long traceback; else its end."""
    start = next((i for i, line in enumerate(lines) if "Uncaught Python exception" in line), len(lines) - 2 * _SHOWN)
    told = lines[max(0, start) :]
    return told if len(told) <= 2 * _SHOWN else [*told[:_SHOWN], "  ...", *told[-_SHOWN:]]


def _figures(lines: list[str]) -> str:
    """Last figures of libFuzzer (executions, edges covered, features, corpus, executions per second), and of memory."""
    figures = [line for line in reversed(lines) if line.startswith("#") and " cov: " in line]
    memory = [line for line in reversed(lines) if line.startswith("memory: ")]
    return "  ".join(figures[:1] + memory[:1]) or "did not start"


def _fuzz(name: str, targets: ModuleType, arguments: argparse.Namespace) -> None:
    """Fuzzes until the time is over or something is found; ends the process."""
    target, kept, watch = targets.TARGETS[name], targets.corpus(name), MemoryWatch()
    others = [b"", *kept]
    drawn = random.Random(arguments.seed)

    def run(data: bytes) -> None:
        try:
            target.run(data)
        except BaseException:  # libFuzzer itself writes only inputs that end the process, or take too long
            (arguments.findings / f"{name}-{input_name(data)}").write_bytes(data)
            raise
        watch.message_done()
        if watch.messages % _TOLD == 0:
            print(watch, file=sys.stderr, flush=True)

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        if seed % _BYTEWISE == 0:
            return atheris.Mutate(data, max_size)
        return target.mutate(data, drawn.choice(others), max_size, seed)

    def cross(data: bytes, other: bytes, max_size: int, seed: int) -> bytes:
        return target.mutate(data, other, max_size, seed)

    new, old = arguments.corpus / name, arguments.unpacked / name
    write_folder(new, ())
    write_folder(old, kept)
    flags = {
        "max_total_time": arguments.seconds * target.share,
        "seed": arguments.seed,
        "max_len": _MAX_BYTES,
        "len_control": 0,
        "timeout": _TIMEOUT_SECONDS,
        "rss_limit_mb": 4096,
        "artifact_prefix": f"{arguments.findings}/{name}-",
    }
    options = [f"-{flag}={value}" for flag, value in flags.items()]
    # libFuzzer writes to the first folder.
    atheris.Setup(["fuzz", *options, str(new), str(old)], run, custom_mutator=mutate, custom_crossover=cross)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
