"""Arguments of optimizers as other frameworks and papers have them: β, ε, α, ρ, and others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..case import Case
from ..stepping.propose import Condition, always, continued, number_text, siblings
from ..stepping.specs import acts, mapped, values_of
from ..variant import Alter, Proposal, Stage, Variant

BETAS = ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")


def row(code: str, key: str, name: str, values: Mapping[Any, str], when: Condition = always, rank: int = 14) -> Variant:
    """Another value of an argument of one optimizer."""
    kind = code.split(".")[0]
    types = {"adam": ("Adam", "AdamW"), "rmsprop": ("RMSprop",)}.get(kind, (PROPER.get(kind, kind),))
    return Variant(
        code=f"optimizer.{code}",
        stage=Stage.SCHEDULE,
        title=f"Your numbers are those of {name} = {{value}}, and {{declared}} was declared.",
        explanation=f"{{value}} is the {name} of {{home}}; the problem has {name} = {{declared}}, which is PyTorch's "
        "default where nothing is stated. All else is as declared.",
        advice=f"Use {name} = {{declared}}, or declare {key} = {{value}}.",
        propose=siblings(types, key, values, when),
        rank=rank,
        convention=True,
        probe="Claim the weights after each of three steps, and let the gradients differ in size.",
    )


PROPER = {"adamax": "Adamax", "nadam": "NAdam", "radam": "RAdam", "adagrad": "Adagrad", "adadelta": "Adadelta"}
EPSILONS = {
    1e-7: "Keras",
    1e-8: "the papers",
    1e-6: "some programs",
    1e-10: "older TensorFlow",
    1e-5: "some programs",
    0.0: "a rule without ε",
}


def swapped_betas(case: Case) -> Iterator[Proposal]:
    """β₁ and β₂ exchanged."""
    if acts(case, *BETAS) and any(first != second for first, second in values_of(case, "betas")):
        yield Proposal(lambda plan: mapped(plan, {"betas": lambda betas: (betas[1], betas[0])}))


def one_beta(index: int, values: Mapping[float, str]) -> Any:
    """One of the two β replaced. Texts: {declared}, {value}, {home}."""

    def propose(case: Case) -> Iterator[Proposal]:
        if not acts(case, *BETAS):
            return
        for rank, (value, home) in enumerate(values.items()):
            declared = [betas[index] for betas in values_of(case, "betas")]
            if any(value != own for own in declared):
                texts = {"declared": number_text(declared[0]), "value": number_text(value), "home": home}
                yield Proposal(_with_beta(index, value), texts=texts, rank=rank)

    return propose


def _with_beta(index: int, value: float) -> Alter:
    def change(betas: tuple[float, float]) -> tuple[float, float]:
        return (value, betas[1]) if index == 0 else (betas[0], value)

    return lambda plan: mapped(plan, {"betas": change})


BETA_ADVICE = "Use {declared}, or declare betas with {value}."
BETA_TEXT = "{value} is the value of {home}; the problem has {declared}. All else is as declared."
VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="optimizer.adam.betas_swapped",
        stage=Stage.SCHEDULE,
        title="You swapped β₁ and β₂.",
        explanation="You averaged the gradients with β₂ and their squares with β₁. In the first step the bias "
        "correction hides this; from the second on the numbers differ.",
        advice="Average the gradients with β₁ (usually 0.9) and their squares with β₂ (usually 0.999).",
        propose=swapped_betas,
        rank=5,
        probe="Claim the weights after each of three steps with different gradients.",
    ),
    Variant(
        code="optimizer.adam.beta1_sibling",
        stage=Stage.SCHEDULE,
        title="Your numbers are those of β₁ = {value}, and {declared} was declared.",
        explanation=BETA_TEXT,
        advice=BETA_ADVICE,
        propose=one_beta(
            0,
            {
                0.0: "a rule without the first average",
                0.9: "the paper",
                0.5: "many GANs",
                0.95: "some programs",
                0.99: "some programs",
                0.8: "some programs",
            },
        ),
        rank=16,
        convention=True,
        look_alikes=("optimizer.adam.first_moment_unused",),
        probe="Claim the weights after each of three steps with different gradients.",
    ),
    Variant(
        code="optimizer.adam.beta2_sibling",
        stage=Stage.SCHEDULE,
        title="Your numbers are those of β₂ = {value}, and {declared} was declared.",
        explanation=BETA_TEXT,
        advice=BETA_ADVICE,
        propose=one_beta(
            1,
            {
                0.99: "many programs",
                0.999: "the paper",
                0.98: "the Transformer",
                0.95: "large language models",
                0.9: "some programs",
                0.9999: "some programs",
            },
        ),
        rank=14,
        convention=True,
        probe="Claim the weights after each of three steps with different gradients.",
    ),
    row("adam.eps_sibling", "eps", "ε", EPSILONS),
    row("adamax.eps_sibling", "eps", "ε", EPSILONS),
    row("nadam.eps_sibling", "eps", "ε", EPSILONS),
    row("radam.eps_sibling", "eps", "ε", EPSILONS),
    row("rmsprop.eps_sibling", "eps", "ε", EPSILONS),
    row(
        "adagrad.eps_sibling",
        "eps",
        "ε",
        {
            1e-7: "Keras",
            1e-8: "many programs",
            1e-10: "PyTorch",
            1e-6: "some programs",
            1e-5: "some programs",
            0.0: "a rule without ε",
        },
    ),
    row(
        "adadelta.eps_sibling",
        "eps",
        "ε",
        {1e-7: "Keras", 1e-6: "the paper", 1e-8: "TensorFlow", 0.0: "a rule without ε"},
    ),
    row(
        "rmsprop.alpha_sibling",
        "alpha",
        "α",
        {0.9: "Hinton's lecture and Keras", 0.99: "PyTorch", 0.95: "Graves's paper", 0.999: "some programs"},
        rank=8,
    ),
    row(
        "adagrad.initial_accumulator_sibling",
        "initial_accumulator_value",
        "initial accumulator",
        {0.1: "TensorFlow and Keras", 0.0: "PyTorch", 1.0: "some programs"},
        rank=6,
    ),
    row(
        "adadelta.rho_sibling", "rho", "ρ", {0.95: "the paper and Keras", 0.9: "PyTorch", 0.99: "some programs"}, rank=6
    ),
    row("nadam.momentum_decay_sibling", "momentum_decay", "ψ", {0.004: "the paper", 0.0: "a rule without schedule"}),
    Variant(
        code="optimizer.rprop.etas_sibling",
        stage=Stage.SCHEDULE,
        title="Your Rprop changes its step sizes by {value}, and {declared} was declared.",
        explanation="{home}: step sizes shrink by the first factor where a gradient changes its sign and grow by the "
        "second where it does not.",
        advice="Use {declared}, or declare etas={value}.",
        propose=siblings(
            ("Rprop",),
            "etas",
            {
                (0.5, 1.2): "The paper has these factors",
                (0.5, 1.5): "Some programs have these factors",
            },
            continued,
        ),
        rank=14,
        convention=True,
    ),
)
