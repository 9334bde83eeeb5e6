"""Variants of the arguments of the loss: one of them ignored."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from ..case import Case
from ..loss_rules import call, propose_formula, with_attributes
from ..variant import Proposal, Stage, Variant

MEANING = {
    "label_smoothing": "spreads a part of the target over all classes",
    "weight": "multiplies the loss of each class or element",
    "pos_weight": "multiplies the loss of positive targets",
    "ignore_index": "leaves samples with that target out",
    "beta": "is where the smooth L1 loss turns linear",
    "delta": "is where Huber's loss turns linear",
    "margin": "is the distance from which pairs have no loss",
    "full": "adds the constant, or Stirling, term",
    "p": "is the power of the norm, or of the hinge",
    "swap": "takes the nearer of two negative distances",
    "eps": "keeps a logarithm or a division away from zero",
    "zero_infinity": "sets infinite losses to zero",
    "blank": "is the class of no symbol",
}


LOOK_ALIKES = {
    "beta": ("loss.other_threshold", "loss.half_squared_error_instead_of_smooth_l1", "loss.huber_instead_of_smooth_l1"),
    "delta": ("loss.other_threshold", "loss.half_squared_error_instead_of_huber", "loss.smooth_l1_instead_of_huber"),
    "margin": ("loss.other_margin", "loss.margin_sign"),
}


def default(cls: type[Any], argument: str) -> Any:
    """PyTorch's default of an argument; inspect.Parameter.empty where there is none."""
    parameter = inspect.signature(cls.__init__).parameters.get(argument)
    return parameter.default if parameter is not None else inspect.Parameter.empty


def is_default(module: nn.Module, argument: str) -> bool:
    """Whether an argument of the loss is as without stating it; True where it has no such argument."""
    value = default(type(module), argument)
    if value is inspect.Parameter.empty or not hasattr(module, argument):
        return True
    stated = getattr(module, argument)
    return stated is None if isinstance(stated, torch.Tensor) or value is None else bool(stated == value)


def _ignored(argument: str) -> Callable[[Case], Iterator[Proposal]]:
    def propose(case: Case) -> Iterator[Proposal]:
        module = case.loss_module
        if module is None or any(True for _ in module.parameters()) or is_default(module, argument):
            return
        value = default(type(module), argument)
        plain = with_attributes(module, **{argument: value})
        stated = getattr(module, argument)
        texts = {
            "stated": "the given tensor" if isinstance(stated, torch.Tensor) else f"{stated}",
            "default": "none" if value is None else f"{value}",
            "loss": case.loss_type,
        }
        yield from propose_formula(case, lambda g: call(plain, *g.arguments), texts)

    return propose


VARIANTS: tuple[Variant, ...] = tuple(
    Variant(
        code=f"loss.{argument}_ignored",
        stage=Stage.LOSS,
        title=f"Your numbers are those of {{loss}} without {argument}={{stated}}{{only}}.",
        explanation=f"The declared loss has {argument}={{stated}}, which {meaning}; you used the default, {{default}}.",
        advice=f"Take {argument} into your derivation, or leave it out of the declared loss.",
        propose=_ignored(argument),
        rank=4,
        look_alikes=LOOK_ALIKES.get(argument, ()),
    )
    for argument, meaning in MEANING.items()
)
