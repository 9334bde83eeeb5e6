"""Variants of the threshold between the quadratic and the linear part of Huber's and the smooth L1 loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from ..case import Case
from ..loss_rules import propose_formula
from ..variant import Proposal, Stage, Variant
from .losses import Elements, elementwise, huber, smooth, threshold


def _propose_no_half(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "HuberLoss":
        d = threshold(case)
        inside = elementwise(lambda y, t: torch.where((y - t).abs() <= d, (y - t) ** 2, d * ((y - t).abs() - d / 2)))
        yield from propose_formula(case, inside)
    if case.loss_type == "SmoothL1Loss" and threshold(case) > 0:
        b = threshold(case)
        inside = elementwise(lambda y, t: torch.where((y - t).abs() < b, (y - t) ** 2 / b, (y - t).abs() - b / 2))
        yield from propose_formula(case, inside)


def _propose_beta_undivided(case: Case) -> Iterator[Proposal]:
    b = threshold(case)
    if case.loss_type == "SmoothL1Loss" and b not in (0.0, 1.0):
        inside = elementwise(lambda y, t: torch.where((y - t).abs() < b, (y - t) ** 2 / 2, (y - t).abs() - b / 2))
        yield from propose_formula(case, inside)


def _propose_other_threshold(case: Case) -> Iterator[Proposal]:
    kinds: dict[str, tuple[Callable[[float], Elements], tuple[float, ...]]] = {
        "SmoothL1Loss": (smooth, (1.0, 1 / 9, 0.5, 0.1)),
        "HuberLoss": (huber, (1.0, 1.345, 1.35, 0.5, 1.5)),
    }
    if case.loss_type in kinds:
        kind, values = kinds[case.loss_type]
        for position, value in enumerate(values):
            if value != threshold(case):
                texts = {"value": f"{value:.4g}", "declared": f"{threshold(case):g}"}
                yield from propose_formula(case, elementwise(kind(value)), texts, 3 * position)


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="loss.quadratic_part_without_half",
        stage=Stage.LOSS,
        title="The ½ of the quadratic part is missing in your Huber or smooth L1 loss{only}.",
        explanation="For small residuals you used e² (derivative 2e); PyTorch has ½e² there (derivative e, for "
        "smooth L1 e/β), "
        "so that value and slope are continuous at the threshold.",
        advice="Put the ½ into the quadratic part.",
        propose=_propose_no_half,
        rank=20,
        probe="Use residuals below and above the threshold.",
    ),
    Variant(
        code="loss.smooth_l1_beta_not_divided",
        stage=Stage.LOSS,
        title="The quadratic part of your smooth L1 loss is not divided by β{only}.",
        explanation="For |e| < β you used ½e² (derivative e); SmoothL1Loss has e²/(2β) (derivative e/β), which meets "
        "the slope "
        "±1 of the linear part.",
        advice="Divide the quadratic part by β.",
        propose=_propose_beta_undivided,
        rank=15,
        look_alikes=("loss.huber_instead_of_smooth_l1",),
        probe="Use residuals below and above β.",
    ),
    Variant(
        code="loss.other_threshold",
        stage=Stage.LOSS,
        title="You used the threshold {value}, declared is {declared}{only}.",
        explanation="The threshold (β of SmoothL1Loss, δ of HuberLoss) parts the quadratic from the linear part. "
        "Frameworks "
        "have other defaults: PyTorch has 1; detection code often has 1/9; robust regression 1.345 or 1.35.",
        advice="Declare beta={value} (or delta={value}), or use {declared} in your computation.",
        propose=_propose_other_threshold,
        rank=25,
        convention=True,
        look_alikes=(
            "loss.beta_ignored",
            "loss.delta_ignored",
            "loss.huber_instead_of_smooth_l1",
            "loss.smooth_l1_instead_of_huber",
            "loss.half_squared_error_instead_of_smooth_l1",
            "loss.half_squared_error_instead_of_huber",
        ),
    ),
)
