"""RMSprop, Adagrad, Adadelta, Rprop and LBFGS taken otherwise."""

from __future__ import annotations

from ..stepping.adaptive import (
    AdadeltaSwitches,
    AdagradSwitches,
    Decrease,
    MeanSquare,
    RmspropSwitches,
    Root,
    adadelta,
    adagrad,
    rmsprop,
)
from ..stepping.propose import (
    Condition,
    Propose,
    always,
    both,
    by_arguments,
    by_rule,
    continued,
    has,
    lacks,
    rates_change,
)
from ..variant import Stage, Variant

RMS = "PyTorch keeps s = α·s + (1−α)·g² from s = 0 and takes w ← w − η·g/(√s + ε)."
ADA = "PyTorch adds s = s + g² and takes w ← w − η/(1 + (t−1)·d)·g/(√s + ε)."
DELTA = "PyTorch takes Δ = √(a + ε)/√(s + ε)·g, then a = ρ·a + (1−ρ)·Δ², and w ← w − η·Δ."


def row(code: str, title: str, explanation: str, advice: str, propose: Propose, **fields: object) -> Variant:
    """A row of this file."""
    return Variant(f"optimizer.{code}", Stage.UPDATE, title, explanation, advice, propose, **fields)  # type: ignore[arg-type]


def rms(when: Condition = always, **switches: object) -> Propose:
    """RMSprop with other switches."""
    return by_rule(("RMSprop",), rmsprop(RmspropSwitches(**switches)), when)  # type: ignore[arg-type]


def ada(when: Condition = always, **switches: object) -> Propose:
    """Adagrad with other switches."""
    return by_rule(("Adagrad",), adagrad(AdagradSwitches(**switches)), when)  # type: ignore[arg-type]


def delta(when: Condition = always, **switches: bool) -> Propose:
    """Adadelta with other switches."""
    return by_rule(("Adadelta",), adadelta(AdadeltaSwitches(**switches)), when)


RMSPROP: tuple[Variant, ...] = (
    row(
        "rmsprop.eps_inside_root",
        "Your ε stands under the root: √(s + ε), as in TensorFlow and Optax.",
        "You took w ← w − η·g/√(s + ε). " + RMS,
        "Add ε after the root.",
        rms(has("eps"), root=Root.EPS_INSIDE),
        rank=4,
        convention=True,
        probe="Use a larger ε, say 0.01, or tiny gradients.",
        source="pytorch issue 23796",
    ),
    row(
        "rmsprop.root_forgotten",
        "You divided by s instead of its root.",
        "You took w ← w − η·g/(s + ε). " + RMS,
        "Take the root of s.",
        rms(root=Root.NONE),
        rank=9,
    ),
    row(
        "rmsprop.centered_ignored",
        "Your numbers are those of RMSprop that is not centred.",
        "You took √s, where √(s − ḡ²) was declared, ḡ being the average of the gradients. " + RMS,
        "Subtract ḡ² under the root, or declare centered=False.",
        by_arguments(("RMSprop",), has("centered"), centered=False),
        rank=5,
    ),
    row(
        "rmsprop.centered_undeclared",
        "Your numbers are those of centred RMSprop.",
        "You took √(s − ḡ²), ḡ being the average of the gradients. " + RMS,
        "Leave ḡ² out, or declare centered=True.",
        by_arguments(("RMSprop",), lacks("centered"), centered=True),
        rank=14,
    ),
    row(
        "rmsprop.momentum_ignored",
        "Your numbers are those of RMSprop without momentum.",
        "You took w ← w − η·g/(√s + ε), where b = μ·b + g/(√s + ε) and w ← w − η·b was declared.",
        "Keep the buffer b, or declare momentum=0.",
        by_arguments(("RMSprop",), both(has("momentum"), continued), momentum=0.0),
        rank=6,
    ),
    row(
        "rmsprop.lr_inside_buffer",
        "Your momentum buffer contains the learning rate, as in TensorFlow.",
        "You took b = μ·b + η·g/(√s + ε) and w ← w − b. It differs from PyTorch's b = μ·b + g/(√s + ε), w ← w − η·b, "
        "after the learning rate has changed.",
        "Multiply the whole buffer by the present learning rate.",
        rms(both(has("momentum"), continued, rates_change), lr_inside_buffer=True),
        rank=4,
        convention=True,
        probe="Change the learning rate between two steps.",
        source="pytorch issue 32545",
    ),
    row(
        "rmsprop.starts_at_one",
        "Your mean square starts at 1, as in older TensorFlow.",
        "Then the first steps are about η·g instead of η·sign(g)/√(1−α). " + RMS,
        "Start with s = 0.",
        rms(lambda case: not case.training.state, square=MeanSquare.FROM_ONE),
        rank=8,
        convention=True,
        source="optax issue 49",
    ),
    row(
        "rmsprop.starts_at_first_square",
        "Your mean square starts as the first g².",
        "You took s = g² in the first step, without the factor 1−α. " + RMS,
        "Start with s = 0.",
        rms(lambda case: not case.training.state, square=MeanSquare.FROM_FIRST),
        rank=10,
        look_alikes=("optimizer.rmsprop.bias_corrected",),
        probe="Claim the weights after each of three steps.",
    ),
    row(
        "rmsprop.bias_corrected",
        "You corrected the mean square for its start at zero: s/(1−αᵗ).",
        "Adam does this, RMSprop does not. " + RMS,
        "Use s itself.",
        rms(square=MeanSquare.CORRECTED),
        rank=12,
        look_alikes=("optimizer.rmsprop.starts_at_first_square",),
        probe="Claim the weights after each of three steps.",
    ),
    row(
        "rmsprop.alpha_swapped",
        "You swapped α and 1−α: s = (1−α)·s + α·g².",
        "Your average forgets at once what it should keep. " + RMS,
        "Give the old average the weight α.",
        rms(lambda case: case.optimizer_arguments["alpha"] != 0.5, square=MeanSquare.SWAPPED),
        rank=8,
    ),
    row(
        "rmsprop.decaying_sum",
        "Your mean square adds the square whole: s = α·s + g².",
        "The factor 1−α is missing. " + RMS,
        "Multiply g² by 1−α.",
        rms(square=MeanSquare.DECAYING_SUM),
        rank=12,
        look_alikes=("optimizer.rmsprop.sum",),
    ),
    row(
        "rmsprop.sum",
        "You added all squares up, as Adagrad does: s = s + g².",
        "Nothing of the sum is forgotten. " + RMS,
        "Use the average, or declare Adagrad.",
        rms(square=MeanSquare.SUM),
        rank=13,
        look_alikes=("optimizer.rmsprop.decaying_sum", "optimizer.adagrad_instead_of_rmsprop"),
    ),
)
ADAGRAD: tuple[Variant, ...] = (
    row(
        "adagrad.eps_inside_root",
        "Your ε stands under the root: √(s + ε).",
        "You took w ← w − η·g/√(s + ε). " + ADA,
        "Add ε after the root.",
        ada(has("eps"), root=Root.EPS_INSIDE),
        rank=4,
        convention=True,
        probe="Use a larger ε, say 0.01, or tiny gradients.",
    ),
    row(
        "adagrad.root_forgotten",
        "You divided by the sum of squares instead of its root.",
        "You took w ← w − η·g/(s + ε). " + ADA,
        "Take the root of the sum.",
        ada(root=Root.NONE),
        rank=8,
    ),
    row(
        "adagrad.sum_forgotten",
        "You divided by the root of the present square only.",
        "You did not add the squares of the earlier steps. " + ADA,
        "Keep the sum from step to step.",
        ada(lambda case: continued(case) or has("initial_accumulator_value")(case), summed=False),
        rank=12,
    ),
    row(
        "adagrad.square_added_late",
        "You added the present square to the sum after the step.",
        "You divided by the root of the squares before this step. " + ADA,
        "Add g² first.",
        ada(lambda case: continued(case) or has("initial_accumulator_value")(case), late=True),
        rank=20,
    ),
    row(
        "adagrad.lr_decay_ignored",
        "You left out Adagrad's decrease of the learning rate.",
        "You took η in every step, where η/(1 + (t−1)·d) was declared. " + ADA,
        "Divide η by 1 + (t−1)·lr_decay, or declare lr_decay=0.",
        by_arguments(("Adagrad",), both(has("lr_decay"), continued), lr_decay=0.0),
        rank=5,
    ),
    row(
        "adagrad.lr_decay_one_early",
        "Your learning rate falls one step too early: η/(1 + t·d).",
        "PyTorch's first step has the full learning rate. " + ADA,
        "Count from 0 in the decrease.",
        ada(has("lr_decay"), decrease=Decrease.FROM_FIRST),
        rank=6,
    ),
    row(
        "adagrad.lr_decay_geometric",
        "Your learning rate falls by a factor: η·(1−d)^(t−1).",
        "PyTorch divides by a growing number. " + ADA,
        "Use η/(1 + (t−1)·lr_decay).",
        ada(both(has("lr_decay"), continued), decrease=Decrease.GEOMETRIC),
        rank=20,
    ),
)
ADADELTA: tuple[Variant, ...] = (
    row(
        "adadelta.eps_outside_root",
        "Your ε stands outside the roots: (√a + ε)/(√s + ε).",
        "Both stand under the root in the paper and in PyTorch. " + DELTA,
        "Add ε before the root is taken.",
        delta(has("eps"), eps_outside=True),
        rank=6,
    ),
    row(
        "adadelta.accumulates_gradients",
        "You averaged the squared gradients where the squared updates belong.",
        "You took a = ρ·a + (1−ρ)·g². " + DELTA,
        "Average Δ².",
        delta(continued, accumulates_gradients=True),
        rank=8,
    ),
    row(
        "adadelta.accumulates_scaled_updates",
        "You averaged the squared updates with the learning rate in them.",
        "You took a = ρ·a + (1−ρ)·(η·Δ)². " + DELTA,
        "Average Δ² before η is applied.",
        delta(both(continued, lambda case: case.optimizer_arguments["lr"] != 1.0), accumulates_scaled=True),
        rank=10,
    ),
    row(
        "adadelta.no_numerator",
        "You left out the numerator √(a + ε).",
        "You took w ← w − η·g/√(s + ε), which is RMSprop. " + DELTA,
        "Multiply by √(a + ε).",
        delta(numerator=False),
        rank=10,
        look_alikes=("optimizer.rmsprop_instead_of_adadelta",),
    ),
)
VARIANTS: tuple[Variant, ...] = RMSPROP + ADAGRAD + ADADELTA
