"""Adam and AdamW taken otherwise: moments, bias correction, ε, AMSGrad, decay."""

from __future__ import annotations

from ..stepping.adam import AdamSwitches, Clock, Correction, Decay, Epsilon, First, Maximum, Second, adam
from ..stepping.propose import Condition, Propose, always, both, by_arguments, by_rule, continued, has, lacks
from ..variant import Stage, Variant

ADAM = ("Adam", "AdamW")
RULE = "PyTorch takes w ← w − η·m̂/(√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ) and t = 1, 2, 3, ..."
MOMENTS = "PyTorch keeps m = β₁·m + (1−β₁)·g and v = β₂·v + (1−β₂)·g²."
STEPS = "Claim the weights after each of three steps with different gradients."
TINY = "Use a larger ε, say 0.01, or gradients as small as √ε: then the place of ε shows."


def switched(when: Condition = always, **switches: object) -> Propose:
    """Adam's rule with other switches."""
    return by_rule(ADAM, adam(AdamSwitches(**switches)), when)  # type: ignore[arg-type]


def row(code: str, title: str, explanation: str, advice: str, propose: Propose, **fields: object) -> Variant:
    """A row of Adam and AdamW."""
    return Variant(f"optimizer.adam.{code}", Stage.UPDATE, title, explanation, advice, propose, **fields)  # type: ignore[arg-type]


CORRECTIONS: tuple[Variant, ...] = (
    row(
        "no_bias_correction",
        "You left out Adam's bias correction.",
        "You took w ← w − η·m/(√v + ε). Both moments start at zero and are too small at first; without the correction "
        "the first step is (1−β₁)/√(1−β₂) times as long, 3.16 times with the usual β. " + RULE,
        "Divide m by 1−β₁ᵗ and v by 1−β₂ᵗ before the step.",
        switched(first_correction=Correction.NONE, second_correction=Correction.NONE),
        rank=2,
        source="tinygrad pull request 20",
    ),
    row(
        "second_moment_uncorrected",
        "You corrected Adam's first moment for its start at zero, but not the second.",
        "You used v where v̂ = v/(1−β₂ᵗ) belongs, so the first step is 1/√(1−β₂) times too long. " + RULE,
        "Divide v by 1−β₂ᵗ too.",
        switched(second_correction=Correction.NONE),
        rank=9,
    ),
    row(
        "first_moment_uncorrected",
        "You corrected Adam's second moment for its start at zero, but not the first.",
        "You used m where m̂ = m/(1−β₁ᵗ) belongs, so the first step is only 1−β₁ times as long. " + RULE,
        "Divide m by 1−β₁ᵗ too.",
        switched(first_correction=Correction.NONE),
        rank=9,
        look_alikes=("update.learning_rate_scaled",),
    ),
    row(
        "beta_without_power",
        "You divided by 1−β₁ and 1−β₂ in every step, without the power t.",
        "The first step is right, the later ones are corrected too strongly. " + RULE,
        "Use β₁ᵗ and β₂ᵗ, t being the number of the step.",
        switched(continued, first_correction=Correction.BASE, second_correction=Correction.BASE),
        rank=7,
        look_alikes=("optimizer.adam.step_count_stands",),
        source="eriklindernoren/ML-From-Scratch issue 35",
    ),
    row(
        "step_count_stands",
        "Your step count t stays at 1.",
        "Every step is corrected as the first one: by 1−β₁ and 1−β₂. " + RULE,
        "Increase t by one in every step.",
        switched(continued, clock=Clock.STANDING),
        rank=10,
        look_alikes=("optimizer.adam.beta_without_power",),
    ),
    row(
        "step_count_one_ahead",
        "Your step count t is one too large: it is 2 in the first step.",
        "The corrections are 1−β₁² and 1−β₂² in the first step. " + RULE,
        "Start with t = 0 and increase it once, before the first correction.",
        switched(clock=Clock.FROM_TWO),
        rank=10,
    ),
    row(
        "step_count_from_zero",
        "Your step count t starts at 0 instead of 1.",
        "Then 1−βᵗ is 0 in the first step, a division by zero, and the later steps are corrected too strongly. " + RULE,
        "Increase t before the correction.",
        switched(continued, clock=Clock.FROM_ZERO),
        rank=15,
    ),
    row(
        "step_count_per_tensor",
        "Your step count t grows with every parameter tensor instead of every step.",
        "One counter is shared by all tensors and grows inside the loop over them, so only the first tensor of the "
        "first step is corrected rightly. " + RULE,
        "Increase t once in a step, outside the loop over the parameters.",
        by_rule(
            ADAM, adam(AdamSwitches(clock=Clock.PER_TENSOR)), lambda case: len(case.training.parameters_before) > 1
        ),
        rank=8,
        source="tensorflow issue 35444",
    ),
    row(
        "corrections_swapped",
        "You corrected each moment with the other one's β.",
        "You took m/(1−β₂ᵗ) and v/(1−β₁ᵗ). " + RULE,
        "Divide m by 1−β₁ᵗ and v by 1−β₂ᵗ.",
        switched(first_correction=Correction.OTHER, second_correction=Correction.OTHER),
        rank=18,
    ),
    row(
        "root_of_first_correction",
        "You took a root of the first moment's correction.",
        "You took m/√(1−β₁ᵗ). The root belongs to the second moment only. " + RULE,
        "Divide m by 1−β₁ᵗ.",
        switched(first_correction=Correction.ROOT),
        rank=25,
    ),
    row(
        "second_correction_outside_root",
        "You took the root of v before you corrected it: √v/(1−β₂ᵗ).",
        "The correction belongs under the root: √(v/(1−β₂ᵗ)). " + RULE,
        "Correct v first, then take the root.",
        switched(second_correction=Correction.ROOT),
        rank=16,
    ),
)
EPSILONS: tuple[Variant, ...] = (
    row(
        "eps_inside_root",
        "Your ε stands under the root: √(v̂ + ε).",
        "You took w ← w − η·m̂/√(v̂ + ε). " + RULE,
        "Add ε after the root.",
        switched(has("eps"), epsilon=Epsilon.INSIDE),
        rank=4,
        look_alikes=("optimizer.adam.eps_hat",),
        probe=TINY,
        source="pytorch issue 41477",
    ),
    row(
        "eps_squared_inside_root",
        "Your ε stands squared under the root: √(v̂ + ε²).",
        "You took w ← w − η·m̂/√(v̂ + ε²). " + RULE,
        "Add ε after the root.",
        switched(has("eps"), epsilon=Epsilon.INSIDE_SQUARED),
        rank=30,
        probe=TINY,
    ),
    row(
        "eps_hat",
        "Keras and TensorFlow add ε to the root of the uncorrected moment, as your numbers do.",
        "They take w ← w − η·√(1−β₂ᵗ)/(1−β₁ᵗ) · m/(√v + ε), the second form of the paper, in which ε weighs "
        "1/√(1−β₂ᵗ) times as much: 32 times in the first step. " + RULE,
        "Correct v before ε is added, or compare with ε·√(1−β₂ᵗ).",
        switched(has("eps"), epsilon=Epsilon.HAT),
        rank=5,
        convention=True,
        look_alikes=("optimizer.adam.eps_inside_root",),
        probe=TINY,
        source="tensorflow issue 9047",
    ),
    row(
        "eps_in_moment",
        "You added ε to the second moment and kept it there.",
        "Then ε adds up from step to step, as in AdaBelief. " + RULE,
        "Add ε to √v̂, and to nothing that is kept.",
        switched(has("eps"), epsilon=Epsilon.IN_MOMENT),
        rank=30,
        probe=TINY,
    ),
)
MOMENT_ROWS: tuple[Variant, ...] = (
    row(
        "first_moment_unused",
        "Your step takes the gradient itself where Adam takes its average m.",
        "You took w ← w − η·g/(√v̂ + ε), which is RMSprop with a correction. " + MOMENTS,
        "Put m̂ above the fraction bar.",
        switched(continued, first=First.GRADIENT),
        rank=18,
        look_alikes=("optimizer.adam.beta1_sibling",),
    ),
    row(
        "first_moment_sum",
        "Your first moment adds the gradient whole: m = β₁·m + g.",
        "The factor 1−β₁ is missing, so m is 1/(1−β₁) times too large. " + MOMENTS,
        "Multiply g by 1−β₁.",
        switched(first=First.SUM),
        rank=14,
    ),
    row(
        "second_moment_sum",
        "Your second moment adds the square whole: v = β₂·v + g².",
        "The factor 1−β₂ is missing, so v is 1/(1−β₂) times too large. " + MOMENTS,
        "Multiply g² by 1−β₂.",
        switched(second=Second.SUM),
        rank=14,
    ),
    row(
        "beta1_decays",
        "Your β₁ becomes β₁ᵗ inside the average: m = β₁ᵗ·m + (1−β₁ᵗ)·g.",
        "The power belongs to the correction only. " + MOMENTS,
        "Use β₁ itself in the average.",
        switched(continued, first=First.DECAYING),
        rank=25,
        source="mila-iqia/blocks issue 1144",
    ),
    row(
        "nesterov_moment",
        "You mixed the gradient in once more: β₁·m + (1−β₁)·g above the fraction bar.",
        "That is a simple form of NAdam. " + MOMENTS,
        "Put m̂ above the fraction bar, or declare NAdam.",
        switched(first=First.NESTEROV),
        rank=30,
    ),
    row(
        "second_moment_unused",
        "You left out the division by √v̂.",
        "You took w ← w − η·m̂. " + RULE,
        "Divide by √v̂ + ε.",
        switched(second=Second.ONE),
        rank=20,
        look_alikes=("optimizer.sgd_instead_of_adam", "optimizer.sgd_instead_of_adamw"),
        probe=STEPS,
    ),
    row(
        "root_forgotten",
        "You divided by v̂ instead of its root.",
        "You took w ← w − η·m̂/(v̂ + ε). " + RULE,
        "Take the root of v̂.",
        switched(second=Second.NO_ROOT),
        rank=10,
    ),
    row(
        "second_moment_of_gradient",
        "Your second moment averages g instead of g².",
        "You took v = β₂·v + (1−β₂)·g, whose root does not exist where gradients are negative. " + MOMENTS,
        "Square the gradient.",
        switched(second=Second.GRADIENTS),
        rank=22,
    ),
    row(
        "second_moment_of_first",
        "Your second moment averages m² instead of g².",
        "You took v = β₂·v + (1−β₂)·m². " + MOMENTS,
        "Square the gradient, not its average.",
        switched(second=Second.MOMENTS),
        rank=25,
    ),
    row(
        "second_moment_centered",
        "Your second moment averages (g−m)² instead of g².",
        "That is AdaBelief's moment. " + MOMENTS,
        "Square the gradient itself.",
        switched(second=Second.CENTERED),
        rank=40,
        convention=True,
    ),
    row(
        "amsgrad_ignored",
        "Your numbers are those of Adam without AMSGrad.",
        "You used v̂ itself, where the largest v so far was declared. " + RULE,
        "Keep the largest v, or declare amsgrad=False.",
        by_arguments(ADAM, both(has("amsgrad"), continued), amsgrad=False),
        rank=6,
        probe=STEPS,
    ),
    row(
        "amsgrad_undeclared",
        "Your numbers are those of Adam with AMSGrad, which was not declared.",
        "You divided by the root of the largest v so far. " + RULE,
        "Use the present v, or declare amsgrad=True.",
        by_arguments(ADAM, both(lacks("amsgrad"), continued), amsgrad=True),
        rank=20,
        probe=STEPS,
    ),
    row(
        "amsgrad_after_correction",
        "You took AMSGrad's maximum after the bias correction.",
        "You kept the largest v̂; PyTorch keeps the largest v and corrects that. At first v̂ is larger than v by "
        "1/(1−β₂ᵗ), so the two maxima differ.",
        "Take the maximum of v, then divide by 1−β₂ᵗ.",
        switched(both(has("amsgrad"), continued), maximum=Maximum.CORRECTED),
        rank=8,
        convention=True,
        probe=STEPS,
    ),
    row(
        "decay_without_lr",
        "You shrank the weights by λ instead of η·λ.",
        "You took w ← w − λ·w − η·m̂/(√v̂ + ε). PyTorch's AdamW takes w ← w − η·λ·w first, and its Adam adds λ·w to "
        "the gradient.",
        "Multiply the decay by the learning rate.",
        switched(has("weight_decay"), decay=Decay.WITHOUT_LR),
        rank=10,
        source="joennlae/tensorli issue 1",
    ),
    row(
        "decay_after_step",
        "You shrank the weights after the step, not before it.",
        "You took the step first and then w ← w·(1 − η·λ), which shrinks the step too. PyTorch's AdamW shrinks the old "
        "weights. The difference is η²·λ·m̂/√v̂.",
        "Shrink the weights before the step.",
        switched(has("weight_decay"), decay=Decay.AFTER),
        rank=8,
        convention=True,
        probe="Use a large λ and a large η: the forms differ by η²·λ.",
        source="bitsandbytes issue 2010",
    ),
)
VARIANTS: tuple[Variant, ...] = CORRECTIONS + EPSILONS + MOMENT_ROWS
