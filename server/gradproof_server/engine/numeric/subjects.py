"""Whose derivatives are held against the numerical ones: PyTorch's, and the caller's, each with its own precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from ..compare import looks_truncated
from ..run import run
from ..tolerance import Calibration, tolerance_of
from ..training import Training
from ..types import Claim, ClaimedTensor, ComputedIn, ShouldStop, TensorId
from ..wanted import Wanted
from .base import Base
from .slopes import EPS
from .types import Subject

ROUNDING_SAFETY = 8.0
UNITS = (3.0, -5.0)
"""Units in the last place by which all data are scaled to see what float64's own rounding does to the gradients."""
FLIPPED = 1e-6
"""Share of a tensor's largest gradient above which a change under that is a kink's, and none of rounding."""
Tensor = torch.Tensor


@dataclass(frozen=True)
class Stating:
    """A subject's derivatives by tensor, and how far each element may be off; shapes of the tensors, float64."""

    subject: Subject
    dtype: torch.dtype
    values: Mapping[TensorId, Tensor]
    tolerances: Mapping[TensorId, Tensor]


def subjects_of(base: Base, training: Training, claim: Claim, should_stop: ShouldStop) -> tuple[Stating, ...]:
    """The reference, in the dtype of the training, and the claim if there is one."""
    slack = rounding_of(base, should_stop)
    exact = {id: gradient.double() for id, gradient in base.gradients.items()}
    calibration = Calibration(base.training, exact, should_stop)
    if training.dtype is torch.float64:
        subjects = [Stating(Subject.REFERENCE, torch.float64, exact, slack)]
    else:
        outcome = run(training, Wanted(ids=frozenset(exact)), should_stop)
        own = tuple(ClaimedTensor(id, outcome.tensors[id], ComputedIn(training.dtype)) for id in exact)
        subjects = [_claimed(Subject.REFERENCE, training.dtype, own, exact, slack, calibration)]
    if claim:
        subjects.append(_claimed(Subject.CLAIM, claim[0].value.dtype, claim, exact, slack, calibration))
    return tuple(subjects)


def _claimed(
    subject: Subject,
    dtype: torch.dtype,
    claim: Claim,
    exact: Mapping[TensorId, Tensor],
    slack: Mapping[TensorId, Tensor],
    calibration: Calibration,
) -> Stating:
    values, tolerances = {}, {}
    for tensor in claim:
        reference, value = exact[tensor.id], tensor.value.double()
        truncated = looks_truncated(tensor, value, reference)
        allowed = tolerance_of(tensor.precision, tensor.id, reference, calibration, truncated)
        values[tensor.id], tolerances[tensor.id] = value, allowed.values + slack[tensor.id]
    return Stating(subject, dtype, values, tolerances)


def rounding_of(base: Base, should_stop: ShouldStop) -> dict[TensorId, Tensor]:
    """How far float64's own rounding may move each gradient: measured, with all data scaled alike, so that what is
    equal stays equal."""
    moved = {id: torch.zeros(t.shape, dtype=torch.float64) for id, t in base.gradients.items()}
    for units in UNITS:
        outcome = run(_scaled(base.training, 1 + units * EPS), Wanted(ids=frozenset(moved)), should_stop)
        for id, most in moved.items():
            reference = base.gradients[id].double()
            gap = (outcome.tensors[id].double() - reference).abs().nan_to_num(0.0, 0.0)
            size = reference.abs().max() if reference.numel() else reference
            moved[id] = torch.maximum(most, torch.where(gap > FLIPPED * size, 0.0, gap))
    return {id: ROUNDING_SAFETY * (_at_least_typical(m) + EPS * _finite(base.gradients[id])) for id, m in moved.items()}


def _at_least_typical(errors: Tensor) -> Tensor:
    return torch.maximum(errors, errors.square().mean().sqrt()) if errors.numel() else errors


def _finite(gradient: Tensor) -> Tensor:
    return gradient.double().abs().nan_to_num(0.0, 0.0)


def _scaled(training: Training, factor: float) -> Training:
    def scaled(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: t.double() * factor if t.is_floating_point() else t for name, t in tensors.items()}

    steps = tuple(replace(step, inputs=scaled(step.inputs)) for step in training.steps)
    return replace(training, parameters_before=scaled(training.parameters_before), steps=steps)
