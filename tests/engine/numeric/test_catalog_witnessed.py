"""Every layer and loss of the catalogue: PyTorch's gradients are confirmed, but where PyTorch departs by design."""

from __future__ import annotations

import pytest
import torch
from gradproof.v1 import problem_pb2
from gradproof_server.engine import read_problem
from gradproof_server.engine.numeric import verify
from gradproof_server.engine.numeric.types import Mode, Subject, WitnessOptions, WitnessReport
from gradproof_server.engine.run import never
from gradproof_server.engine.types import Limits, Verdict

from tests.engine.plain import layer_problem, loss_problem, plain_module, train_plain
from tests.engine.specimens import LAYERS, LOSSES, Specimen


def label(specimen: Specimen) -> str:
    """A name for the test's id."""
    return f"{specimen.name}{specimen.args or ''}{specimen.kwargs or ''}".replace(" ", "")


def problem_of(specimen: Specimen) -> problem_pb2.Problem:
    """The specimen with random numbers: a layer under MSELoss, or a loss of an identity."""
    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(2)
    module = plain_module(specimen)
    if specimen in LOSSES:
        return loss_problem(specimen, module, [make(generator) for make in specimen.inputs])
    inputs = {f"x{i}": make(generator) for i, make in enumerate(specimen.inputs)}
    named = {name: make(generator) for name, make in specimen.named.items()}
    targets: list[torch.Tensor] = []

    def target(output: torch.Tensor) -> torch.Tensor:
        targets.append(torch.randn(output.shape, generator=generator, dtype=torch.float64))
        return targets[0]

    train_plain(module, inputs, named, target)
    return layer_problem(specimen, module, inputs, named, targets[0])


def report_of(specimen: Specimen, options: WitnessOptions) -> WitnessReport:
    """What the witness says of the specimen."""
    last = list(verify(read_problem(problem_of(specimen), Limits()), (), options, never))[-1]
    assert isinstance(last, WitnessReport)
    return last


def departs(specimen: Specimen) -> bool:
    """Whether PyTorch's gradient is known not to be the derivative."""
    padded = specimen.kwargs.keys() & {"padding_idx", "scale_grad_by_freq"}
    return bool(padded) or specimen.name in ("CTCLoss", "Hardsigmoid", "CrossMapLRN2d") or specimen.args == (1.3,)


RIGHT = [s for s in (*LAYERS, *LOSSES) if not departs(s)]
DEPARTING = [s for s in (*LAYERS, *LOSSES) if departs(s)]


@pytest.mark.parametrize("specimen", RIGHT, ids=label)
def test_the_catalogue_is_confirmed(specimen: Specimen) -> None:
    """By elements, in reverse and forward mode and in the second order; nothing is left open."""
    report = report_of(specimen, WitnessOptions(second_order=True))
    assert report.verdict is Verdict.AGREES, report.summary
    assert report.complete


@pytest.mark.parametrize("specimen", DEPARTING, ids=label)
@pytest.mark.parametrize("mode", [Mode.ELEMENTS, Mode.DIRECTIONS], ids=lambda mode: mode.name)
def test_departures_are_caught_and_told_as_pytorchs_own(specimen: Specimen, mode: Mode) -> None:
    """The reference disagrees, and the explanation says that PyTorch is known for it."""
    report = report_of(specimen, WitnessOptions(mode=mode))
    told = [j for t in report.tensors for j in t.judgements if j.subject is Subject.REFERENCE]
    assert report.reference_verdict is Verdict.DISAGREES
    assert all("Known of PyTorch's" in j.explanation for j in told if j.verdict is Verdict.DISAGREES)
