"""Optimizers, parameter groups, clipping, schedules and steps, as random problems declare them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradproof import catalog
from gradproof.v1 import problem_pb2

from .draw import Draw

Arguments = Mapping[str, Any]
OPTIMIZERS: tuple[tuple[str, Arguments], ...] = (
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.01, "centered": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.2}),
    ("Adadelta", {"lr": 0.5}),
    ("Adamax", {"lr": 0.01}),
    ("NAdam", {"lr": 0.01}),
    ("RAdam", {"lr": 0.01}),
    ("Rprop", {"lr": 0.01}),
    ("ASGD", {"lr": 0.1}),
    ("Adafactor", {"lr": 0.1}),
    ("LBFGS", {"lr": 0.5, "max_iter": 2}),
    ("Muon", {"lr": 0.1}),
)
DECAYING = frozenset({"Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam"})
"""Optimizers that are given a weight decay now and then, besides those above that have it."""
MAXIMIZING = DECAYING | {"SGD", "AdamW", "Rprop", "ASGD"}
WHOLE = frozenset({"LBFGS", "Muon"})
"""Optimizers that take no parameter groups here."""
SCHEDULES: tuple[tuple[str, Arguments], ...] = (
    ("StepLR", {"step_size": 2, "gamma": 0.5}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [1, 3], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 4}),
    ("LinearLR", {"start_factor": 0.5, "total_iters": 3}),
)
COMMON = 6
"""So many optimizers, the first ones, are drawn most often."""
UNTIL_RECTIFIED = 7
"""Steps after which RAdam has taken its rectified ones, with the usual β₂."""


def write_steps(message: problem_pb2.Problem, draw: Draw, matrices_only: bool) -> int:
    """Writes optimizer, groups, frozen parameters, clipping and schedule; how many steps are to be taken."""
    kind, arguments = draw.choice(OPTIMIZERS[:1] if draw.often(0.25) else OPTIMIZERS)
    while kind == "Muon" and not matrices_only:
        kind, arguments = draw.choice(OPTIMIZERS)
    message.optimizer.CopyFrom(catalog.construct("Optimizer", kind, (), _arguments(kind, arguments, draw)))
    first, *others = draw.shuffled(sorted(message.parameters))
    if others and kind not in WHOLE and draw.often(0.1):
        _write_group(message, kind, first, draw)
    if others and draw.often(0.1):
        message.frozen.append(others[0])
    _write_clipping(message, draw)
    steps = UNTIL_RECTIFIED if kind == "RAdam" and draw.often(0.5) else draw.choice((1, 1, 2, 3, 4))
    if steps > 1 and draw.often(0.3):
        name, kwargs = draw.choice(SCHEDULES)
        message.schedule.CopyFrom(catalog.construct("Schedule", name, (), dict(kwargs)))
    return steps


def _arguments(kind: str, arguments: Arguments, draw: Draw) -> dict[str, Any]:
    chosen = dict(arguments)
    if kind in DECAYING and draw.often(0.25):
        chosen["weight_decay"] = 0.1
    if kind in ("Adam", "NAdam", "RAdam") and "weight_decay" in chosen and draw.often(0.3):
        chosen["decoupled_weight_decay"] = True
    if kind in MAXIMIZING and draw.often(0.08):
        chosen["maximize"] = True
    if "betas" not in chosen and kind in ("Adam", "AdamW", "NAdam", "RAdam", "Adamax") and draw.often(0.2):
        chosen["betas"] = (0.8, 0.99)
    return chosen


def _write_group(message: problem_pb2.Problem, kind: str, name: str, draw: Draw) -> None:
    group = message.optimizer.groups.add(parameters=[name])
    overrides = draw.choice(({"lr": 0.03}, {"lr": 0.2}))
    group.overrides.CopyFrom(catalog.construct("Optimizer", kind, (), overrides))


def _write_clipping(message: problem_pb2.Problem, draw: Draw) -> None:
    if draw.often(0.15):
        message.clip_grad_norm.max_norm = 0.3
        if draw.often(0.2):
            message.clip_grad_norm.norm_type = draw.choice((1.0, float("inf")))
    if draw.often(0.1):
        message.clip_grad_value.clip_value = 0.1
