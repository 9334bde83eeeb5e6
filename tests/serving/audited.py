"""A program that answers random requests and prints what Python's audit hooks saw meanwhile, as JSON.

Audit hooks cannot be taken away, and so they are set in a process of its own:
python -m tests.serving.audited SEED COUNT
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gradproof.problem_file import load
from gradproof.v1 import claim_pb2, problem_pb2
from gradproof.v1 import gradient_service_pb2 as messages
from gradproof_server.engine.types import Limits
from gradproof_server.serving.methods import DirectContext, Methods, Task
from gradproof_server.serving.warmup import warm_up

from fuzz import maker as random_messages
from fuzz.requests import ENGINE

CASES = Path(__file__).parent.parent / "cases"
# Of Python's own workings, without effect outside of the process.
HARMLESS = {
    *("object.__getattr__", "object.__setattr__", "object.__delattr__", "sys._getframe", "builtins.id"),
    *("gc.get_objects", "gc.get_referrers", "gc.get_referents", "code.__new__", "function.__new__", "array.__new__"),
}
HOSTILE = (
    *("/etc/passwd", "../../../../etc/shadow", "file:///etc/hosts", "http://127.0.0.1:9/", "\\\\127.0.0.1\\share"),
    *("os.system", "torch.hub", "__import__('os')", "{0.__class__}", "$(touch /tmp/owned)", "a;b", "%n%s"),
)


def requests(seed: int, count: int) -> Iterator[Task]:
    """Random requests, most of them wrong, and all cases, in which many a name is one that a careless program would
    open, import, run or fetch."""
    random_messages.NAMES = (*random_messages.NAMES, *HOSTILE)
    for number in range(seed, seed + count):
        maker = random_messages.Maker(number)
        make = maker.any_of((maker.compute, maker.check, maker.verification))
        yield _task(make())
    for number, path in enumerate(sorted(CASES.glob("*.yaml"))):
        for name in ("", HOSTILE[number % len(HOSTILE)]):
            file = load(path)
            problem, claim = file.problem, file.claim
            _rename_first_node(problem, claim, name)
            yield _task(messages.ComputeGradientsRequest(problem=problem))
            yield _task(messages.CheckGradientsRequest(problem=problem, claim=claim))
            yield _task(messages.VerifyGradientsRequest(problem=problem, options={"max_seconds": 0.05}))


def _task(request: Any) -> Task:
    return Task(type(request).__name__.removesuffix("Request"), request.SerializeToString())


def _rename_first_node(problem: problem_pb2.Problem, claim: claim_pb2.Claim | None, name: str) -> None:
    if not name:
        return
    problem.network.nodes[0].name = name
    for old in [old for old in problem.parameters if old.startswith("0.")]:
        problem.parameters[name + old[1:]].CopyFrom(problem.parameters.pop(old))
    for tensor in claim.tensors if claim else ():
        if tensor.id.name.startswith("0."):
            tensor.id.name = name + tensor.id.name[1:]


def main(seed: int, count: int) -> None:
    """Answers them twice: what a library loads at its first use, it has loaded at the second."""
    engine = ENGINE
    warm_up(Methods(Limits(), 1 << 24, "cpu"))
    tasks = list(requests(seed, count))
    rounds: list[set[tuple[str, ...]]] = [set(), set()]
    seen: set[tuple[str, ...]] = set()
    watching = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event not in HARMLESS:
            seen.add((event, *(str(argument) for argument in arguments)))

    sys.addaudithook(hook)
    seen = control = set()
    Path(os.devnull).read_bytes()
    seen = rounds[0]
    answered = [engine(task, DirectContext()).failure is None for task in tasks]
    seen = rounds[1]
    again = [engine(task, DirectContext()).failure is None for task in tasks]
    watching = False
    events = {"control": sorted(control), "first": sorted(rounds[0]), "second": sorted(rounds[1])}
    json.dump({"answered": sum(answered), "again": sum(again), **events}, sys.stdout)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
