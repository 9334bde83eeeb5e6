"""Derivatives at a kink: functions of one variable whose slope jumps, at a value that sits exactly there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch

from ...network import Node
from ..case import Case
from ..variant import Proposal, Stage, Variant
from .sites import activation, at_each, captured, module_of, own_slope, with_factor

Tensor = torch.Tensor


@dataclass(frozen=True)
class Kink:
    """Where the slope jumps, and the slopes on its left and right; `low` for the lower of two bounds."""

    point: float
    left: float
    right: float
    own: float
    low: bool

    @property
    def half(self) -> float:
        """The mean of both slopes."""
        return (self.left + self.right) / 2

    @property
    def inside(self) -> float:
        """The slope on the side of the other bound."""
        return self.right if self.low else self.left

    @property
    def outside(self) -> float:
        """The slope on the side away from the other bound."""
        return self.left if self.low else self.right


Choice = Callable[[Kink], float]


def kind_of(node: Node) -> str:
    """The activation, or the function."""
    return activation(node) or node.operation.type_name


def _both_sides(at: float) -> tuple[float, ...]:
    return (-at, at) if at else (0.0,)


def points(node: Node) -> tuple[float, ...]:
    """Where the slope of a node's function jumps, in ascending order."""
    kind = kind_of(node)
    if kind == "Clamp":
        found = captured(node)
        return tuple(found[name] for name in ("low", "high") if found.get(name) is not None)
    if kind in ("Softshrink", "Hardshrink"):
        return _both_sides(float(module_of(node).lambd))
    if kind == "Hardtanh":
        return float(module_of(node).min_val), float(module_of(node).max_val)
    if kind == "Threshold":
        return (float(module_of(node).threshold),)
    return {"ReLU6": (0.0, 6.0), "Hardsigmoid": (-3.0, 3.0), "Hardswish": (-3.0, 3.0)}.get(kind, (0.0,))


def kinks(case: Case, node: Node) -> list[Kink]:
    """The kinks on which values sit in the first step."""
    value = case.value(node.inputs[0]).double()
    at = points(node)
    return [_kink(case, node, p, i == 0 and len(at) > 1) for i, p in enumerate(at) if bool((value == p).any())]


def _kink(case: Case, node: Node, point: float, low: bool) -> Kink:
    tensors = {name: tensor.double().mean().reshape(1) for name, tensor in _parameters(case, node).items()}
    below, above = math.nextafter(point, -math.inf), math.nextafter(point, math.inf)
    at = torch.tensor([[below], [point], [above]], dtype=torch.float64)
    left, own, right = own_slope(node, tensors, {}, at).flatten().tolist()
    return Kink(point, left, right, own, low)


def _parameters(case: Case, node: Node) -> Mapping[str, Tensor]:
    before = case.training.parameters_before
    return {inner: before[outer] for inner, outer in node.tensors.items() if outer in before}


def proposals(kind: str, choice: Choice) -> Callable[[Case], Iterator[Proposal]]:
    """Proposals for the nodes of a kind that have values on a kink where the chosen derivative is not PyTorch's."""

    def propose(case: Case) -> Iterator[Proposal]:
        found = {}
        for node in (n for n in case.nodes() if kind_of(n) == kind and n.inputs):
            differing = [kink for kink in kinks(case, node) if choice(kink) != kink.own]
            if differing:
                found[node.name] = (node, differing)
        nodes = [node for node, _ in found.values()]
        values = {name: {kink.point: choice(kink) for kink in on} for name, (_, on) in found.items()}
        yield from at_each(
            nodes,
            with_factor(_factor(values)),
            lambda some: _texts([kink for node in some for kink in found[node.name][1]], choice),
        )

    return propose


def _texts(found: list[Kink], choice: Choice) -> dict[str, str]:
    return {
        "point": _listed(kink.point for kink in found),
        "value": _listed(choice(kink) for kink in found),
        "own": _listed(kink.own for kink in found),
    }


def _listed(values: Iterable[float]) -> str:
    return " and ".join(dict.fromkeys(f"{value:.6g}".replace("-", "−") for value in values))


def _factor(found: Mapping[str, Mapping[float, float]]) -> Callable[..., Tensor]:
    def factor(node: Node, tensors: dict[str, Tensor], named: object, x: Tensor, y: Tensor) -> Tensor:
        slope = own_slope(node, tensors, named, x)
        for point, value in found[node.name].items():
            slope = torch.where(x == point, torch.full_like(slope, value), slope)
        return slope

    return factor


def _row(kind: str, code: str, what: str, choice: Choice, who: str, rank: int) -> Variant:
    return Variant(
        code=f"subgradient.{code}",
        stage=Stage.BACKWARD,
        title=f"A value sits exactly on the kink of {what} in {{sites}}; you take {{value}} for the derivative there.",
        explanation=f"At x = {{point}} {what} has no derivative, only one from the left and one from the right. "
        f"PyTorch takes {{own}}; the numbers are those of {{value}}. {who}",
        advice="Both are right in their own framework. Move the value off the kink to compare, or take PyTorch's "
        "choice.",
        propose=proposals(kind, choice),
        rank=rank,
        convention=True,
        probe="Shift the values a little: off the kink all conventions agree.",
        source=who,
    )


def _right(kink: Kink) -> float:
    return kink.right


def _left(kink: Kink) -> float:
    return kink.left


def _half(kink: Kink) -> float:
    return kink.half


def _inside(kink: Kink) -> float:
    return kink.inside


def _outside(kink: Kink) -> float:
    return kink.outside


def _zero(kink: Kink) -> float:
    return 0.0


MAX_FORM = "ReLU written as a maximum of x and 0 shares the gradient at a tie: jnp.maximum and torch.maximum do so."
NUMPY = "NumPy code with >= in place of > does so."
AVERAGE = "It is the mean of both sides, the choice of a symmetric difference quotient."
JAX_CLIP = "jax.numpy.clip takes the mean of both sides."
OTHER_SIDE = "Code that compares with the other one of < and <= does so."

VARIANTS: tuple[Variant, ...] = (
    _row("ReLU", "relu_at_zero_half", "ReLU", _half, MAX_FORM, 5),
    _row("ReLU", "relu_at_zero_one", "ReLU", _right, NUMPY, 5),
    _row("LeakyReLU", "leaky_relu_at_zero_one", "the leaky ReLU", _right, "JAX's leaky_relu takes 1.", 5),
    _row("LeakyReLU", "leaky_relu_at_zero_half", "the leaky ReLU", _half, AVERAGE, 12),
    _row(
        "LeakyReLU", "leaky_relu_at_zero_zero", "the leaky ReLU", _zero, "Code that multiplies by sign(x) does so.", 25
    ),
    _row("PReLU", "prelu_at_zero_one", "PReLU", _right, NUMPY, 5),
    _row("PReLU", "prelu_at_zero_half", "PReLU", _half, AVERAGE, 12),
    _row("PReLU", "prelu_at_zero_zero", "PReLU", _zero, "Code that multiplies by sign(x) does so.", 25),
    _row("ReLU6", "relu6_at_bound_one", "ReLU6", _inside, NUMPY, 5),
    _row("ReLU6", "relu6_at_bound_half", "ReLU6", _half, JAX_CLIP, 10),
    _row("Hardtanh", "hardtanh_at_bound_one", "the hard tanh", _inside, "torch.clamp takes 1 at its bounds.", 5),
    _row("Hardtanh", "hardtanh_at_bound_half", "the hard tanh", _half, JAX_CLIP, 6),
    _row("Hardsigmoid", "hardsigmoid_at_bound_inside", "the hard sigmoid", _inside, OTHER_SIDE, 7),
    _row("Hardsigmoid", "hardsigmoid_at_bound_half", "the hard sigmoid", _half, JAX_CLIP, 10),
    _row("Hardswish", "hardswish_at_bound_inside", "hardswish", _inside, OTHER_SIDE, 7),
    _row("Hardswish", "hardswish_at_bound_half", "hardswish", _half, JAX_CLIP, 12),
    _row("ELU", "elu_at_zero_right", "ELU", _right, OTHER_SIDE, 7),
    _row("ELU", "elu_at_zero_half", "ELU", _half, AVERAGE, 15),
    _row("SELU", "selu_at_zero_right", "SELU", _right, OTHER_SIDE, 7),
    _row("SELU", "selu_at_zero_half", "SELU", _half, AVERAGE, 15),
    _row("Softshrink", "softshrink_at_threshold_one", "soft shrinkage", _outside, OTHER_SIDE, 7),
    _row("Softshrink", "softshrink_at_threshold_half", "soft shrinkage", _half, AVERAGE, 12),
    _row("Hardshrink", "hardshrink_at_threshold_one", "hard shrinkage", _outside, OTHER_SIDE, 7),
    _row("Hardshrink", "hardshrink_at_threshold_half", "hard shrinkage", _half, AVERAGE, 12),
    _row("Threshold", "threshold_at_threshold_one", "the threshold", _right, OTHER_SIDE, 7),
    _row("Threshold", "threshold_at_threshold_half", "the threshold", _half, AVERAGE, 12),
    _row("abs", "abs_at_zero_one", "|x|", _right, "JAX takes 1.", 5),
    _row("abs", "abs_at_zero_minus_one", "|x|", _left, "Code that takes 1 for x > 0 and −1 elsewhere does so.", 8),
    _row("sqrt", "sqrt_at_zero_zero", "the square root", _zero, "Code that guards the square root does so.", 15),
    _row("Clamp", "clamp_at_bound_zero", "clamping", _outside, "Code that masks with strict comparisons does so.", 8),
    _row("Clamp", "clamp_at_bound_half", "clamping", _half, JAX_CLIP, 5),
)
