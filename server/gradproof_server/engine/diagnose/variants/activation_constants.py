"""Variants of the constants of activations: slopes, bounds, α and β of other frameworks and papers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch.nn import functional as F

from ...network import Node
from ..case import Case
from ..rules import with_forward
from ..variant import Proposal, Stage, Variant
from .activations import Function, joined, replaced
from .sites import at_each, at_nodes, module_of

SIX = 6.0


def constants(kind: str, attribute: str, values: Iterable[float], make: Callable[[Any, float], Function]) -> Any:
    """Proposes other values of an argument of a layer: make(module, value) is the function with it."""

    def propose(case: Case) -> Iterator[Proposal]:
        for rank, value in enumerate(values):
            nodes = [
                n
                for n in case.nodes(kind)
                if abs(float(getattr(module_of(n), attribute)) - value) > 1e-12 * (1 + abs(value))
            ]
            groups = [nodes] if len(nodes) > 1 else []
            for group in [*groups, *([node] for node in nodes)]:
                rules = {node.name: with_forward(make(module_of(node), value)) for node in group}
                texts = {"value": f"{value:g}", "declared": f"{float(getattr(module_of(group[0]), attribute)):g}"}
                yield Proposal(
                    lambda plan, rules=rules: plan.with_nodes(rules),  # type: ignore[misc]
                    tuple(rules),
                    texts,
                    2 * rank - (5 if len(group) > 1 else 0),
                )

    return propose


def elu(module: Any, alpha: float) -> Function:
    """α(exp(x) - 1) on the left."""
    return lambda x: F.elu(x, alpha)


def prelu(case: Case) -> Iterator[Proposal]:
    """The initial slope instead of the given one."""

    def rule(
        node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any
    ) -> torch.Tensor:
        w = tensors["weight"]
        return F.prelu(inputs[0], w - w.detach() + 0.25)

    yield from at_each(case.nodes("PReLU"), rule, {"value": "0.25"})
    zero = at_each(case.nodes("PReLU"), with_forward(F.relu), {"value": "0 (ReLU)"}, 10)
    yield from zero


def softplus(module: Any, beta: float) -> Function:
    """With another β."""
    return lambda x: F.softplus(x, beta, module.threshold)


def silu_betas(case: Case) -> Iterator[Proposal]:
    """z σ(βz) with other β."""
    for rank, beta in enumerate((1.702, 2.0, 0.5)):
        rule = with_forward(lambda x, b=beta: x * torch.sigmoid(b * x))  # type: ignore[misc]
        yield from at_each(case.nodes("SiLU"), rule, {"value": f"{beta:g}"}, 4 * rank)


def hard_sigmoids(case: Case) -> Iterator[Proposal]:
    """Slopes of other frameworks."""
    for rank, (scale, shift, used) in enumerate(
        ((0.2, 0.5, "0.2z + 0.5"), (0.25, 0.5, "z/4 + ½"), (0.5, 0.5, "(z + 1)/2"), (1.0, 0.0, "z"))
    ):
        rule = with_forward(lambda x, a=scale, b=shift: (a * x + b).clamp(0, 1))  # type: ignore[misc]
        yield from at_each(case.nodes("Hardsigmoid"), rule, {"used": used}, 5 * rank)


def hardtanh(case: Case) -> Iterator[Proposal]:
    """Other bounds."""
    for rank, (low, high) in enumerate(((-1.0, 1.0), (0.0, 1.0), (0.0, SIX), (-2.0, 2.0))):
        for node in case.nodes("Hardtanh"):
            module = module_of(node)
            if (module.min_val, module.max_val) != (low, high):
                texts = {"used": f"[{low:g}, {high:g}]", "declared": f"[{module.min_val:g}, {module.max_val:g}]"}
                yield at_nodes([node], with_forward(lambda x, a=low, b=high: F.hardtanh(x, a, b)), texts, 4 * rank)  # type: ignore[misc]


def softplus_scale(case: Case) -> Iterator[Proposal]:
    """log(1 + exp(βz)) without the division by β."""
    for node in case.nodes("Softplus"):
        beta = module_of(node).beta
        if beta != 1:
            rule = with_forward(lambda x, b=beta: F.softplus(b * x))  # type: ignore[misc]
            texts = {"value": f"{beta:g} but without the division by β", "declared": f"{beta:g}"}
            yield at_nodes([node], rule, texts, 5)


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="activation.leaky_slope",
        stage=Stage.FORWARD,
        title="LeakyReLU was used with slope {value} at {sites}; declared is {declared}.",
        explanation="LeakyReLU is z where z > 0 and slope·z elsewhere. PyTorch's default slope is 0.01; Keras has 0.3, "
        "TensorFlow 0.2, some papers 0.1, 0.2 or 0.05.",
        advice="Declare negative_slope={value}, or use {declared}.",
        propose=constants(
            "LeakyReLU",
            "negative_slope",
            (0.01, 0.3, 0.2, 0.1, 0.05, 0.25, 0.0, 0.02, 0.001),
            lambda module, value: lambda x: F.leaky_relu(x, value),
        ),
        rank=8,
        convention=True,
    ),
    Variant(
        code="activation.prelu_slope",
        stage=Stage.FORWARD,
        title="PReLU was used with slope {value} at {sites} instead of the given weight.",
        explanation=(
            "The slope of PReLU is a parameter of the network; your numbers follow with {value}, where PyTorch starts."
        ),
        advice="Use the weight that the problem gives.",
        propose=prelu,
        rank=20,
    ),
    Variant(
        code="activation.elu_alpha",
        stage=Stage.FORWARD,
        title="ELU was used with α = {value} at {sites}; declared is {declared}.",
        explanation="ELU is α(exp(z) − 1) where z < 0. SELU's α is 1.6733.",
        advice="Declare alpha={value}, or use {declared}.",
        propose=constants("ELU", "alpha", (1.0, 1.6732632423543772, 0.5, 0.1), elu),
        rank=12,
    ),
    Variant(
        code="activation.silu_beta",
        stage=Stage.FORWARD,
        title="SiLU was computed as z·σ({value}z) at {sites}.",
        explanation=(
            "SiLU is z·σ(z), Swish with β = 1. Your numbers follow with β = {value}; 1.702 is that of quick GELU."
        ),
        advice="Use β = 1.",
        propose=lambda case: silu_betas(case),
        rank=15,
    ),
    Variant(
        code="activation.hard_sigmoid_slope",
        stage=Stage.FORWARD,
        title="Hardsigmoid was computed as {used}, clipped to [0, 1], at {sites}.",
        explanation=(
            "PyTorch's Hardsigmoid is z/6 + ½ clipped to [0, 1], as in Keras 3; Keras 2 and Theano have 0.2z + 0.5."
        ),
        advice="Use z/6 + ½.",
        propose=lambda case: hard_sigmoids(case),
        rank=8,
        convention=True,
    ),
    Variant(
        code="activation.hardtanh_bounds",
        stage=Stage.FORWARD,
        title="Hardtanh was used with the bounds {used} at {sites}.",
        explanation="Hardtanh is z between its bounds and the bound outside. Your numbers follow with {used} instead "
        "of the "
        "declared {declared}.",
        advice="Declare these bounds, or use those declared.",
        propose=lambda case: hardtanh(case),
        rank=20,
    ),
    Variant(
        code="activation.softplus_beta",
        stage=Stage.FORWARD,
        title="Softplus was used with β = {value} at {sites}; declared is {declared}.",
        explanation="Softplus is log(1 + exp(βz))/β.",
        advice="Declare beta={value}, or use {declared}.",
        propose=joined(
            constants("Softplus", "beta", (1.0,), softplus),
            lambda case: softplus_scale(case),
        ),
        rank=15,
    ),
    Variant(
        code="activation.relu_bound",
        stage=Stage.FORWARD,
        title="{used} was used at {sites} where the network has {declared}.",
        explanation="ReLU6 is ReLU cut off at 6. Your numbers follow with {used}.",
        advice="Use {declared}, or declare {used}.",
        propose=joined(
            replaced(("ReLU",), ("ReLU6", F.relu6), ("ReLU cut off at 1", lambda x: x.clamp(0, 1))),
            replaced(("ReLU6",), ("ReLU", torch.relu), ("ReLU cut off at 1", lambda x: x.clamp(0, 1))),
            replaced(("Threshold",), ("ReLU", torch.relu)),
            replaced(("ReLU",), ("|z|", torch.abs), ("−ReLU(−z)", lambda x: -torch.relu(-x))),
        ),
        rank=25,
    ),
)
