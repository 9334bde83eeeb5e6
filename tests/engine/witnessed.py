"""Problems for the witness, written briefly, and what it says of them."""

from __future__ import annotations

from typing import Any

import gradproof as gp
import torch
from gradproof_server.engine import Training, Wanted, read_problem, run
from gradproof_server.engine.numeric import verify
from gradproof_server.engine.numeric.types import (
    Judgement,
    Selection,
    Subject,
    TensorWitness,
    WitnessOptions,
    WitnessReport,
)
from gradproof_server.engine.run import never
from gradproof_server.engine.types import Claim, ClaimedTensor, ComputedIn, Limits, Quantity, TensorId

GRADIENTS = frozenset({Quantity.GRADIENT, Quantity.INPUT_GRADIENT})
WEIGHT = TensorId(0, Quantity.GRADIENT, "0.weight")


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    """Standard normal, float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def training_of(layers: list[Any], input: Any, loss: Any, target: Any, **more: Any) -> Training:
    """Layers in a row under a loss, as the engine reads them."""
    return read_problem(gp.Problem(layers, input=input, loss=loss, target=target, **more).to_proto(), Limits())


def perceptron(width: int = 4, batch: int = 3, activation: Any = None, **more: Any) -> Training:
    """Linear, Tanh (or another activation), Linear under the mean of squares."""
    layers = [
        gp.Linear(width, width, weight=numbers(width, width, seed=1), bias=numbers(width, seed=2)),
        activation or gp.Tanh(),
        gp.Linear(width, 2, weight=numbers(2, width, seed=3), bias=numbers(2, seed=4)),
    ]
    return training_of(layers, numbers(batch, width, seed=5), gp.MSELoss(), numbers(batch, 2, seed=6), **more)


def report_of(training: Training, claim: Claim = (), **options: Any) -> WitnessReport:
    """The end of a run."""
    *_, last = verify(training, claim, WitnessOptions(**options), never)
    assert isinstance(last, WitnessReport)
    return last


def own_claim(training: Training, step: int = 0) -> Claim:
    """All gradients of a step, as PyTorch computes them in the training's dtype."""
    tensors = run(training, Wanted(GRADIENTS)).tensors
    return tuple(
        ClaimedTensor(id, tensor, ComputedIn(training.dtype))
        for id, tensor in tensors.items()
        if id.quantity in GRADIENTS and id.step == step
    )


def altered(training: Training, id: TensorId, position: int, factor: float) -> Claim:
    """The claim of one tensor with one element multiplied."""
    (tensor,) = (t for t in own_claim(training, id.step) if t.id == id)
    value = tensor.value.clone()
    value.view(-1)[position] *= factor
    return (ClaimedTensor(id, value, tensor.precision),)


def tensor_of(report: WitnessReport, id: TensorId) -> TensorWitness:
    """What a report says of one tensor."""
    return next(tensor for tensor in report.tensors if tensor.id == id)


def judgement_of(report: WitnessReport, id: TensorId, subject: Subject) -> Judgement:
    """What a report says of one subject's derivatives of a tensor."""
    return next(j for j in tensor_of(report, id).judgements if j.subject is subject)


def only(*ids: TensorId) -> tuple[Selection, ...]:
    """These tensors, whole."""
    return tuple(Selection(id) for id in ids)
