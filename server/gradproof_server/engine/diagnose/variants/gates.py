"""Derivatives of gates taken wrongly, and orders of gates: what GRU and LSTM have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import permutations

import torch

from ...network import Node
from ..case import Case
from ..recurrent import SIGMOIDS, Activation, Tensor, Unrolling, derived, reordered
from ..variant import Proposal, Stage, Variant
from .recurrences import unrolled_by

NAMES: Mapping[str, str] = {
    "r": "reset gate r",
    "z": "update gate z",
    "n": "candidate n",
    "i": "input gate i",
    "f": "forget gate f",
    "g": "candidate g",
    "o": "output gate o",
    "c": "tanh of the cell state",
}

Factor = Callable[[Tensor, Tensor], Tensor]
"""f'(z) from the pre-activation z and the activation a."""


def missing(z: Tensor, a: Tensor) -> Tensor:
    """1."""
    return torch.ones_like(a)


def sigmoid_at_preactivation(z: Tensor, a: Tensor) -> Tensor:
    """z (1 - z)."""
    return z * (1 - z)


def sigmoid_twice(z: Tensor, a: Tensor) -> Tensor:
    """σ(a) (1 - σ(a))."""
    return torch.sigmoid(a) * (1 - torch.sigmoid(a))


def of_sigmoid(z: Tensor, a: Tensor) -> Tensor:
    """a (1 - a)."""
    return a * (1 - a)


def of_tanh(z: Tensor, a: Tensor) -> Tensor:
    """1 - a²."""
    return 1 - a * a


def tanh_at_preactivation(z: Tensor, a: Tensor) -> Tensor:
    """1 - z²."""
    return 1 - z * z


def tanh_twice(z: Tensor, a: Tensor) -> Tensor:
    """1 - tanh²(a)."""
    return 1 - torch.tanh(a) ** 2


def not_squared(z: Tensor, a: Tensor) -> Tensor:
    """1 - a."""
    return 1 - a


def gate_derivative(kind: str, gates: str, *factors: Factor) -> Callable[[Case], Iterable[Proposal]]:
    """Proposals for each gate with a wrong derivative, and for all of these gates.

    `factors`: one for all gates, or one for sigmoid gates and one for tanh gates.
    """

    def ways(case: Case, nodes: list[Node]) -> Iterator[tuple[Unrolling, dict[str, str], int]]:
        chosen = {gate: derived(factors[0 if gate in SIGMOIDS else -1]) for gate in gates}
        if len(gates) > 1:
            yield Unrolling(activations=chosen), {"gate": named(gates)}, 0
        for gate in gates:
            yield Unrolling(activations={gate: chosen[gate]}), {"gate": NAMES[gate]}, 5

    return unrolled_by(ways, (kind,))


def gate_derivative_rows(kind: str, gates: str, candidate: str) -> tuple[Variant, ...]:
    """The rows of wrong derivatives of the gates of a GRU or an LSTM; `candidate` is the gate with tanh."""
    family = kind.lower()
    return (
        Variant(
            code=f"{family}.gate_derivative_missing",
            stage=Stage.BACKWARD,
            title=f"The derivative of {{gate}} is missing in the backward pass of the {kind} {{sites}}.",
            explanation="Behind a gate a = σ(·) the error is multiplied by a(1 − a), behind the candidate "
            f"{candidate} = tanh(·) by 1 − {candidate}². The numbers are those without this factor at {{gate}}.",
            advice=f"Multiply by a(1 − a) or 1 − {candidate}².",
            propose=gate_derivative(kind, gates, missing),
            rank=12,
        ),
        Variant(
            code=f"{family}.gate_derivative_at_preactivation",
            stage=Stage.BACKWARD,
            title=f"The derivative of {{gate}} in the {kind} {{sites}} is computed from the pre-activation.",
            explanation="σ′ = a(1 − a) and tanh′ = 1 − a² take the activation a. The numbers have the pre-activation "
            "in its place.",
            advice="Put the output of σ or tanh into the formula.",
            propose=gate_derivative(kind, gates, sigmoid_at_preactivation, tanh_at_preactivation),
            rank=15,
        ),
        Variant(
            code=f"{family}.gate_derivative_twice",
            stage=Stage.BACKWARD,
            title=f"The function is applied twice in the derivative of {{gate}} of the {kind} {{sites}}.",
            explanation="The numbers are those of σ(a)(1 − σ(a)), or 1 − tanh²(a), where a is already the activation.",
            advice="Use a(1 − a) and 1 − a² with the activation, or σ(z)(1 − σ(z)) and 1 − tanh²(z) with the "
            "pre-activation.",
            propose=gate_derivative(kind, gates, sigmoid_twice, tanh_twice),
            rank=25,
        ),
    )


def named(gates: str) -> str:
    """ "reset gate r, update gate z and candidate n"."""
    names = [NAMES[gate] for gate in gates]
    return " and ".join([", ".join(names[:-1]), names[-1]])


def gate_orders(
    kind: str, gates: str, known: Mapping[str, str], names: Mapping[str, str]
) -> Callable[[Case], Iterable[Proposal]]:
    """Proposals for every other order of the gates' blocks; `known`: who has it so, `names`: other letters of gates."""

    def ways(case: Case, nodes: list[Node]) -> Iterator[tuple[Unrolling, dict[str, str], int]]:
        for order in map("".join, permutations(gates)):
            if order != gates:
                yield (
                    Unrolling(weights=reordered(order, gates)),
                    {"order": order_text(order, known, names)},
                    (0 if order in known else 30),
                )

    return unrolled_by(ways, (kind,))


def order_text(order: str, known: Mapping[str, str], names: Mapping[str, str]) -> str:
    """ "i, o, f, c (ONNX)"."""
    text = ", ".join(names.get(gate, gate) for gate in order)
    return f"{text} ({known[order]})" if order in known else text


def hard_sigmoid(usual: Activation) -> Activation:
    """min(1, max(0, 0.2 x + 0.5))."""
    return lambda x: torch.clamp(0.2 * x + 0.5, 0, 1)


def with_function(function: Activation) -> Callable[[Activation], Activation]:
    """Another function in place of the usual one."""
    return lambda usual: function
