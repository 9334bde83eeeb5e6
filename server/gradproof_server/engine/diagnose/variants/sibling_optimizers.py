"""Another optimizer than the declared one, with the same learning rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..case import Case
from ..plan import Plan
from ..stepping.specs import acts, uses, with_optimizer
from ..variant import Alter, Proposal, Stage, Variant

FORMULAS = {
    "SGD": "w ← w − η·g",
    "Adam": "w ← w − η·m̂/(√v̂ + ε), weight decay being added to the gradient",
    "AdamW": "w ← w·(1 − η·λ) − η·m̂/(√v̂ + ε)",
    "Adamax": "w ← w − η/(1−β₁ᵗ)·m/u with u = max(β₂·u, |g| + ε)",
    "NAdam": "Adam's step with Nesterov's momentum",
    "RAdam": "Adam's step times r, and w ← w − η·m̂ at first",
    "RMSprop": "w ← w − η·g/(√s + ε) with s = α·s + (1−α)·g²",
    "Adagrad": "w ← w − η·g/(√s + ε) with s = s + g²",
    "Adadelta": "w ← w − η·√(a + ε)/√(s + ε)·g",
    "Rprop": "steps of the sign of the gradient, whose sizes grow and shrink",
    "ASGD": "w ← w − η·g with a learning rate that falls",
    "LBFGS": "a step along −H·g, H being an estimate of the inverse Hessian",
    "Muon": "a step along the momentum made orthogonal",
    "Adafactor": "Adam's step with a factored second moment",
}
PAIRS: dict[str, tuple[str, ...]] = {
    "SGD": ("Adam", "AdamW", "RMSprop", "Adagrad"),
    "Adam": ("AdamW", "SGD", "RMSprop", "Adamax", "NAdam", "RAdam", "Adagrad"),
    "AdamW": ("Adam", "SGD"),
    "Adamax": ("Adam", "SGD"),
    "NAdam": ("Adam", "SGD", "AdamW"),
    "RAdam": ("Adam", "SGD", "AdamW"),
    "RMSprop": ("SGD", "Adam", "Adagrad", "Adadelta"),
    "Adagrad": ("SGD", "RMSprop", "Adam"),
    "Adadelta": ("SGD", "RMSprop", "Adagrad"),
    "Rprop": ("SGD",),
    "ASGD": ("SGD",),
    "LBFGS": ("SGD",),
    "Muon": ("SGD",),
    "Adafactor": ("SGD", "Adam"),
}
NEAR = {("Adam", "AdamW"): 2, ("AdamW", "Adam"): 3, ("LBFGS", "SGD"): 5}
"""Pairs that are taken for each other most often, with their ranks."""
DEFAULT_DECAY = 0.01
"""AdamW's weight decay in PyTorch where none is stated."""


def instead(declared: str, sibling: str) -> Any:
    """The sibling in the place of the declared optimizer."""

    def propose(case: Case) -> Iterator[Proposal]:
        if not acts(case, declared):
            return
        if sibling == "AdamW" and not uses(case, "weight_decay"):
            yield Proposal(_with(sibling, weight_decay=DEFAULT_DECAY), rank=12)
            return
        if {declared, sibling} == {"Adam", "AdamW"} and not uses(case, "weight_decay"):
            return
        yield Proposal(_with(sibling))

    return propose


def _with(sibling: str, **changes: Any) -> Alter:
    def alter(plan: Plan) -> Plan:
        return with_optimizer(plan, sibling, **(changes | ({"momentum": 0.0} if sibling == "SGD" else {})))

    return alter


def row(declared: str, sibling: str) -> Variant:
    """The row of one pair."""
    name = "plain gradient descent" if sibling == "SGD" else sibling
    return Variant(
        code=f"optimizer.{sibling.lower()}_instead_of_{declared.lower()}",
        stage=Stage.UPDATE,
        title=f"Your numbers are those of {name}, and {declared} was declared.",
        explanation=f"You took {FORMULAS[sibling]}, with the declared learning rate. {declared} takes "
        f"{FORMULAS[declared]}.",
        advice=f"Take {declared}'s step, or declare {sibling}.",
        propose=instead(declared, sibling),
        rank=NEAR.get((declared, sibling), 6 if sibling == "SGD" else 12),
        probe="Claim the weights after each of three steps.",
    )


VARIANTS: tuple[Variant, ...] = tuple(row(declared, sibling) for declared in PAIRS for sibling in PAIRS[declared])
