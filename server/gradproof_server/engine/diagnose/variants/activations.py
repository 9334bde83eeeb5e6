"""Variants of the forward pass through activations: a sibling in its place, or another constant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch.nn import functional as F

from ...network import Node
from ..case import Case
from ..rules import with_forward
from ..variant import Proposal, Stage, Variant
from .sites import activation, activations, at_each, at_nodes, module_of

Function = Callable[[torch.Tensor], torch.Tensor]
Make = Callable[[Any], Function]


def identity(x: torch.Tensor) -> torch.Tensor:
    """x."""
    return x.clone()


def replaced(kinds: Iterable[str], *options: tuple[str, Function]) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes other functions, (name, function), in the place of activations of some kinds."""

    def propose(case: Case) -> Iterator[Proposal]:
        for rank, (name, function) in enumerate(options):
            nodes = [node for node in activations(case, kinds) if activation(node) != name]
            yield from at_each(nodes, with_forward(function), lambda some, name=name: names(some, name), 2 * rank)  # type: ignore[misc]

    return propose


def names(nodes: Iterable[Node], other: str) -> Mapping[str, str]:
    """Texts: which activations are declared, and which one was used."""
    return {"declared": ", ".join(dict.fromkeys(activation(node) for node in nodes)), "used": other}


def joined(*proposers: Callable[[Case], Iterator[Proposal]]) -> Callable[[Case], Iterator[Proposal]]:
    """The proposals of several."""

    def propose(case: Case) -> Iterator[Proposal]:
        for proposer in proposers:
            yield from proposer(case)

    return propose


def omitted(case: Case) -> Iterator[Proposal]:
    """The activation left out, a softmax too."""
    nodes = activations(case)
    yield from at_each(nodes, with_forward(identity), lambda some: names(some, "nothing"))
    for node in case.nodes("Softmax", "LogSoftmax", "Softmin", "Softmax2d"):
        yield at_nodes([node], with_forward(identity), {"declared": node.operation.type_name, "used": "nothing"}, 5)


def gelu_sigmoid(x: torch.Tensor) -> torch.Tensor:
    """x σ(1.702 x)."""
    return x * torch.sigmoid(1.702 * x)


def gelu_form(wanted: str, form: str) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes GELU's form `form` where `wanted` is declared."""
    rule = with_forward(lambda x: F.gelu(x, approximate=form))
    return lambda case: at_each([n for n in case.nodes("GELU") if module_of(n).approximate == wanted], rule)


def along(other: Callable[[torch.Tensor, int], torch.Tensor], *kinds: str) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes a softmax along each other dimension, or along all."""

    def propose(case: Case) -> Iterator[Proposal]:
        for node in case.nodes(*kinds):
            x = case.value(node.inputs[0])
            dim = module_of(node).dim
            used = dim % x.dim() if dim is not None else (0 if x.dim() in (0, 1, 3) else 1)
            for d in range(x.dim()):
                if d != used and x.numel() > 1:
                    rule = with_forward(lambda x, d=d: other(x, d))  # type: ignore[misc]
                    yield at_nodes([node], rule, {"used": f"dimension {d}", "declared": f"dimension {used}"})
            if x.dim() > 1:
                flat = with_forward(lambda x: other(x.reshape(-1), 0).reshape(x.shape))
                yield at_nodes([node], flat, {"used": "all dimensions at once", "declared": f"dimension {used}"}, 4)

    return propose


def softmax_sign(case: Case) -> Iterator[Proposal]:
    """Softmin for softmax and the reverse."""
    for node in case.nodes("Softmax", "Softmin"):
        dim = module_of(node).dim
        if dim is not None:
            sign = -1 if node.operation.type_name == "Softmax" else 1
            texts = {"declared": node.operation.type_name, "used": "Softmin" if sign < 0 else "Softmax"}
            yield at_nodes([node], with_forward(lambda x, d=dim, s=sign: (s * x).softmax(d)), texts)  # type: ignore[misc]


def softmax_kind(case: Case) -> Iterator[Proposal]:
    """Softmax for log-softmax and the reverse, sigmoids for softmax."""
    for node in case.nodes("Softmax", "LogSoftmax"):
        dim = module_of(node).dim
        if dim is None:
            continue
        declared = node.operation.type_name
        other = "LogSoftmax" if declared == "Softmax" else "Softmax"
        function: Function = (
            (lambda x, d=dim: x.log_softmax(d)) if other == "LogSoftmax" else (lambda x, d=dim: x.softmax(d))  # type: ignore[misc]
        )
        yield at_nodes([node], with_forward(function), {"declared": declared, "used": other})
        if declared == "Softmax":
            yield at_nodes([node], with_forward(torch.sigmoid), {"declared": declared, "used": "Sigmoid"}, 6)


CORE: tuple[tuple[str, Function], ...] = (
    ("Sigmoid", torch.sigmoid),
    ("Tanh", torch.tanh),
    ("ReLU", torch.relu),
)
MORE: tuple[tuple[str, Function], ...] = (
    ("LeakyReLU", lambda x: F.leaky_relu(x, 0.01)),
    ("Softplus", F.softplus),
    ("SiLU", F.silu),
    ("GELU", F.gelu),
    ("ELU", F.elu),
    ("Softsign", F.softsign),
    ("tanh with outputs in (0, 1), (1 + tanh z)/2", lambda x: (1 + torch.tanh(x)) / 2),
    ("LeCun's tanh, 1.7159·tanh(2z/3)", lambda x: 1.7159 * torch.tanh(2 * x / 3)),
)
VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="activation.omitted",
        stage=Stage.FORWARD,
        title="The activation {declared} was left out at {sites}.",
        explanation=(
            "The network has {declared} there; your numbers follow without it, in the forward and the backward pass."
        ),
        advice="Apply {declared}, or take it out of the network.",
        propose=omitted,
        rank=10,
    ),
    Variant(
        code="activation.swapped",
        stage=Stage.FORWARD,
        title="{used} was used at {sites} where the network has {declared}.",
        explanation="Your numbers follow with {used} in the forward and the backward pass.",
        advice="Use {declared}, or declare {used}.",
        propose=joined(
            replaced(("Sigmoid", "Tanh", "ReLU", "LeakyReLU", "GELU", "SiLU", "ELU", "Softplus", "Softsign"), *CORE),
            lambda case: (
                Proposal(p.alter, p.sites, p.texts, p.rank + 15)
                for p in replaced(("Sigmoid", "Tanh", "ReLU", "GELU", "SiLU", "ELU"), *MORE)(case)
            ),
        ),
        rank=12,
    ),
    Variant(
        code="activation.exponential_sibling",
        stage=Stage.FORWARD,
        title="{used} was used at {sites} where the network has {declared}.",
        explanation="ELU is α(exp(z) − 1) for negative z, CELU α(exp(z/α) − 1), SELU an ELU with α = 1.6733, all of it "
        "times "
        "1.0507. Your numbers follow with {used}.",
        advice="Use {declared}, or declare {used}.",
        propose=joined(
            replaced(("SELU", "CELU"), ("ELU", F.elu)),
            replaced(("ELU", "CELU"), ("SELU", F.selu)),
            replaced(("SELU",), ("SELU without the factor 1.0507", lambda x: F.elu(x, 1.6732632423543772))),
            lambda case: formula_swapped(case),
        ),
        rank=20,
    ),
    Variant(
        code="activation.gelu_tanh_approximation",
        stage=Stage.FORWARD,
        title="GELU was computed with the tanh approximation at {sites}; PyTorch's default is exact.",
        explanation="nn.GELU() is z·Φ(z), with erf. Your numbers follow with ½z(1 + tanh(√(2/π)(z + 0.044715z³))), as "
        "GPT-2, "
        "BERT's first code and jax.nn.gelu have it.",
        advice="Declare approximate='tanh', or use erf.",
        propose=gelu_form("none", "tanh"),
        rank=3,
        convention=True,
        source="github.com/tinygrad/tinygrad/pull/16162",
    ),
    Variant(
        code="activation.gelu_exact",
        stage=Stage.FORWARD,
        title="GELU was computed exactly, with erf, at {sites}; declared is the tanh approximation.",
        explanation=(
            "With approximate='tanh' GELU is ½z(1 + tanh(√(2/π)(z + 0.044715z³))). Your numbers follow with z·Φ(z)."
        ),
        advice="Declare GELU without approximate, or use the approximation.",
        propose=gelu_form("tanh", "none"),
        rank=3,
        convention=True,
    ),
    Variant(
        code="activation.gelu_sigmoid_approximation",
        stage=Stage.FORWARD,
        title="GELU was computed as z·σ(1.702z) at {sites}.",
        explanation="This approximation ('quick GELU') is in the paper and in CLIP; PyTorch has the exact form and the "
        "one "
        "with tanh.",
        advice="Use the declared form.",
        propose=lambda case: at_each(case.nodes("GELU"), with_forward(gelu_sigmoid)),
        rank=6,
        convention=True,
    ),
    Variant(
        code="activation.hard_sibling",
        stage=Stage.FORWARD,
        title="{used} was used at {sites} where the network has {declared}.",
        explanation="Hard and smooth activations look alike and differ: Hardswish is z·min(max(z + 3, 0), 6)/6, SiLU "
        "z·σ(z); "
        "Hardsigmoid is min(max(z/6 + ½, 0), 1). Your numbers follow with {used}.",
        advice="Use {declared}, or declare {used}.",
        propose=joined(
            replaced(("SiLU",), ("Hardswish", F.hardswish), ("Mish", F.mish)),
            replaced(("Hardswish",), ("SiLU", F.silu), ("Hardsigmoid", F.hardsigmoid)),
            replaced(("Mish",), ("SiLU", F.silu)),
            replaced(("Sigmoid",), ("Hardsigmoid", F.hardsigmoid)),
            replaced(("Tanh",), ("Hardtanh", F.hardtanh)),
            replaced(("Hardtanh",), ("Tanh", torch.tanh)),
            replaced(("Hardsigmoid",), ("Sigmoid", torch.sigmoid)),
            replaced(("Softshrink",), ("Hardshrink", F.hardshrink)),
            replaced(("Hardshrink",), ("Softshrink", F.softshrink)),
            replaced(("Softsign",), ("Tanh", torch.tanh)),
            replaced(("LogSigmoid",), ("Sigmoid", torch.sigmoid)),
            replaced(("Sigmoid",), ("LogSigmoid", F.logsigmoid)),
        ),
        rank=20,
    ),
    Variant(
        code="activation.softmax_dimension",
        stage=Stage.FORWARD,
        title="Softmax was taken along {used} at {sites}; declared is {declared}.",
        explanation="Softmax makes the numbers along one dimension sum to 1. Your numbers follow along {used}.",
        advice="Take it along the classes of one sample, or declare the dimension that you want.",
        propose=joined(
            along(lambda x, d: x.softmax(d), "Softmax"),
            along(lambda x, d: (-x).softmax(d), "Softmin"),
            along(lambda x, d: x.log_softmax(d), "LogSoftmax"),
        ),
        rank=10,
    ),
    Variant(
        code="activation.softmax_sign",
        stage=Stage.FORWARD,
        title="{used} was used at {sites} where the network has {declared}.",
        explanation="Softmin is the softmax of −z.",
        advice="Check the sign of the exponent.",
        propose=softmax_sign,
        rank=25,
    ),
    Variant(
        code="activation.softmax_kind",
        stage=Stage.FORWARD,
        title="{used} was used at {sites} where the network has {declared}.",
        explanation=(
            "LogSoftmax is the logarithm of Softmax; NLLLoss wants the logarithm, squared errors mostly do not."
        ),
        advice="Use {declared}, or declare {used}.",
        propose=softmax_kind,
        rank=12,
    ),
)


def formula_swapped(case: Case) -> Iterator[Proposal]:
    """CELU for ELU and the reverse with the same α, where α is not 1."""
    for kind, function, other in (("ELU", F.celu, "CELU"), ("CELU", F.elu, "ELU")):
        for node in case.nodes(kind):
            alpha = module_of(node).alpha
            if alpha != 1:
                rule = with_forward(lambda x, f=function, a=alpha: f(x, a))  # type: ignore[misc]
                yield at_nodes([node], rule, {"declared": kind, "used": f"{other} with the same α"})
