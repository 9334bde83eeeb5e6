"""Adamax, NAdam and RAdam taken otherwise."""

from __future__ import annotations

from ..stepping.adam_family import (
    AdamaxSwitches,
    Below,
    MaximumEpsilon,
    NadamForm,
    NadamSwitches,
    RadamSwitches,
    adamax,
    nadam,
    radam,
)
from ..stepping.propose import by_rule, has
from ..variant import Stage, Variant

ADAMAX = "PyTorch takes u = max(β₂·u, |g| + ε) and w ← w − η/(1−β₁ᵗ)·m/u."
NADAM = "PyTorch's NAdam weighs the gradient and the average with μₜ = β₁·(1 − ½·0.96^(t·ψ)), as Dozat's paper."
RADAM = "PyTorch takes the adaptive step where ρₜ > 5, with the factor r, and w ← w − η·m̂ before that."

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="optimizer.adamax.eps_outside_maximum",
        stage=Stage.UPDATE,
        title="You added ε after the maximum: max(β₂·u, |g|) + ε.",
        explanation="Keras and others divide by u + ε. " + ADAMAX,
        advice="Add ε to |g| before the maximum is taken.",
        propose=by_rule(("Adamax",), adamax(AdamaxSwitches(epsilon=MaximumEpsilon.ON_NORM)), has("eps")),
        rank=6,
        convention=True,
        probe="Use a larger ε, say 0.01, and two steps of which the second has the smaller gradient.",
    ),
    Variant(
        code="optimizer.adamax.eps_missing",
        stage=Stage.UPDATE,
        title="You left out ε: u = max(β₂·u, |g|).",
        explanation="This is the paper's form. " + ADAMAX,
        advice="Add ε to |g| before the maximum is taken.",
        propose=by_rule(("Adamax",), adamax(AdamaxSwitches(epsilon=MaximumEpsilon.NONE)), has("eps")),
        rank=10,
        convention=True,
    ),
    Variant(
        code="optimizer.adamax.no_bias_correction",
        stage=Stage.UPDATE,
        title="You left out Adamax's bias correction 1/(1−β₁ᵗ).",
        explanation="The first step is only 1−β₁ times as long. " + ADAMAX,
        advice="Divide the learning rate by 1−β₁ᵗ.",
        propose=by_rule(("Adamax",), adamax(AdamaxSwitches(corrected=False))),
        rank=4,
    ),
    Variant(
        code="optimizer.adamax.norm_corrected",
        stage=Stage.UPDATE,
        title="You corrected the maximum u as if it were an average.",
        explanation="You divided u by 1−β₂ᵗ. A maximum does not start too small, so it needs no correction. " + ADAMAX,
        advice="Use u as it is.",
        propose=by_rule(("Adamax",), adamax(AdamaxSwitches(second_corrected=True))),
        rank=12,
    ),
    Variant(
        code="optimizer.nadam.constant_momentum",
        stage=Stage.UPDATE,
        title="Your NAdam has a constant β₁, without the momentum schedule.",
        explanation="You took β₁·m/(1−β₁ᵗ⁺¹) + (1−β₁)·g/(1−β₁ᵗ) above the fraction bar, as Optax does. " + NADAM,
        advice="Use the schedule μₜ.",
        propose=by_rule(("NAdam",), nadam(NadamSwitches(NadamForm.CONSTANT))),
        rank=4,
        convention=True,
    ),
    Variant(
        code="optimizer.nadam.simple_form",
        stage=Stage.UPDATE,
        title="Your NAdam takes β₁·m̂ + (1−β₁)·g/(1−β₁ᵗ), without the momentum schedule.",
        explanation="This short form is in many overviews of optimizers. " + NADAM,
        advice="Use the schedule μₜ.",
        propose=by_rule(("NAdam",), nadam(NadamSwitches(NadamForm.SIMPLE))),
        rank=5,
        convention=True,
    ),
    Variant(
        code="optimizer.radam.not_rectified",
        stage=Stage.UPDATE,
        title="You left out RAdam's rectification r.",
        explanation="Where ρₜ > 5 you took Adam's step itself. " + RADAM,
        advice="Multiply the adaptive step by r.",
        propose=by_rule(("RAdam",), radam(RadamSwitches(rectified=False))),
        rank=6,
    ),
    Variant(
        code="optimizer.radam.threshold_four",
        stage=Stage.UPDATE,
        title="Your RAdam becomes adaptive where ρₜ > 4.",
        explanation="So it stands in the paper; PyTorch, Keras and the authors' program wait for 5. " + RADAM,
        advice="Use the threshold 5.",
        propose=by_rule(("RAdam",), radam(RadamSwitches(threshold=4.0))),
        rank=6,
        convention=True,
    ),
    Variant(
        code="optimizer.radam.no_step_at_first",
        stage=Stage.UPDATE,
        title="Your RAdam does not move while the variance cannot be rectified.",
        explanation="You took no step where ρₜ ≤ 5. " + RADAM,
        advice="Take w ← w − η·m̂ there.",
        propose=by_rule(("RAdam",), radam(RadamSwitches(below=Below.NOTHING))),
        rank=10,
        convention=True,
    ),
    Variant(
        code="optimizer.radam.adam_at_first",
        stage=Stage.UPDATE,
        title="Your RAdam takes Adam's step while the variance cannot be rectified.",
        explanation="You divided by √v̂ where ρₜ ≤ 5 too. " + RADAM,
        advice="Take w ← w − η·m̂ there.",
        propose=by_rule(("RAdam",), radam(RadamSwitches(below=Below.ADAM))),
        rank=8,
        look_alikes=("optimizer.adam_instead_of_radam",),
    ),
)
