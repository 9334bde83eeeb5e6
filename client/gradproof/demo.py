"""`gradproof demo`: one famous wrong weight, answered over gRPC by a real server.

A tutorial that differentiates half a squared error, followed by somebody who declared L1Loss. The demonstration checks
its own numbers, so that it also says whether an installation works.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import numpy as np

import gradproof as gp
from gradproof.cli import status
from gradproof.cli.output import print_error
from gradproof.errors import GradproofError
from gradproof.results import Reference, Report, Verdict

FIRST, LAST = [[0.11, 0.21], [0.12, 0.08]], [[0.14, 0.15]]
CLAIMED = [[0.174, 0.169]]
GRADIENTS = {"0.weight": ("[[-0.28, -0.42], [-0.30, -0.45]]", 2), "1.weight": ("[[-0.85, -0.48]]", 2)}
UPDATED = {"0.weight": ("[[0.1240, 0.2310], [0.1350, 0.1025]]", 4), "1.weight": ("[[0.1825, 0.1740]]", 4)}
"""What PyTorch prints, with the number of decimals, by parameter."""

PROBLEM_TEXT = """\
A network of two linear layers without bias, one training step:

    weights   0.weight [[0.11, 0.21], [0.12, 0.08]]    1.weight [[0.14, 0.15]]
    input     [2, 3]       target [1]
    loss      L1Loss       optimizer SGD, learning rate 0.05
"""


def founding_problem() -> gp.Problem:
    """The problem that the demonstration asks about."""
    return gp.Problem(
        network=[gp.Linear(2, 2, bias=False, weight=FIRST), gp.Linear(2, 1, bias=False, weight=LAST)],
        input=[2.0, 3.0],
        target=[1.0],
        loss=gp.L1Loss(),
        optimizer=gp.SGD(lr=0.05),
    )


@click.command()
def demo() -> int:
    """Answer one famous wrong weight through a real server, and check every number of the answer."""
    try:
        with gp.Client.embedded() as client:
            problem = founding_problem()
            reference = client.compute(problem)
            report = client.check(problem, gp.Claim(updated={"1.weight": CLAIMED}))
    except GradproofError as error:
        print_error("demo", error)
        return status.FAILED
    click.echo("\n".join(_story(reference, report)))
    wrong = list(failures(reference, report))
    for line in wrong:
        click.echo(f"not as it should be: {line}", err=True)
    return status.FAILED if wrong else status.AGREES


def _story(reference: Reference, report: Report) -> Iterator[str]:
    yield PROBLEM_TEXT
    yield f"PyTorch {reference.environment.torch_version}, asked over gRPC:\n"
    for label, stated, tensors in _sections(reference):
        for name, (_, decimals) in stated.items():
            yield f"    {label:<10}{name}  {printed(tensors[name], decimals)}"
    yield f"\nThe author expected 1.weight to become {printed(np.array(CLAIMED), 3)}.\n"
    yield str(report)


def _sections(reference: Reference) -> tuple[tuple[str, dict[str, tuple[str, int]], Any], ...]:
    return ("gradient", GRADIENTS, reference.gradients), ("updated", UPDATED, reference.updated)


def printed(values: Any, decimals: int) -> str:
    """An array with a fixed number of decimals, on one line: [[0.1825, 0.1740]]."""
    if np.ndim(values) == 0:
        return f"{float(values):.{decimals}f}"
    return f"[{', '.join(printed(item, decimals) for item in values)}]"


def failures(reference: Reference, report: Report) -> Iterator[str]:
    """What of the answer is not what PyTorch is known to print for this problem; nothing where all is well."""
    for label, stated, tensors in _sections(reference):
        for name, (expected, decimals) in stated.items():
            found = printed(tensors[name], decimals) if name in tensors else "missing"
            if found != expected:
                yield f"{label} of {name} is {found}, not {expected}"
    if report.verdict is not Verdict.DISAGREES:
        yield f"the verdict is {report.verdict}, not DISAGREES"
