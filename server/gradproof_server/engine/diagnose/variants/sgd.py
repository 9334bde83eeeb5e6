"""SGD and its momentum taken otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from ...run import Moment, Named
from ...types import Quantity, TensorId
from ..case import Case
from ..plan import same
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
    siblings,
)
from ..stepping.sgd import Direction, SgdSwitches, Velocity, sgd
from ..stepping.slots import each
from ..stepping.specs import acts, values_of
from ..variant import Alter, Proposal, Stage, Variant

SGD = ("SGD",)
RULE = "PyTorch keeps b = μ·b + (1−τ)·g, at first b = g, and takes w ← w − η·b; with Nesterov w ← w − η·(g + μ·b)."


def momentum(when: Condition = continued, *, nesterov: bool | None = None, **switches: object) -> Propose:
    """The rule with other switches where momentum is declared; nesterov: only where it is, or is not, declared."""
    declared = [] if nesterov is None else [has("nesterov") if nesterov else lacks("nesterov")]
    rule = sgd(SgdSwitches(**switches))  # type: ignore[arg-type]
    return by_rule(SGD, rule, both(has("momentum"), when, *declared))


def look_ahead(case: Case) -> Iterator[Proposal]:
    """Nesterov's gradient taken at the point ahead, the weights told without the look-ahead."""
    if acts(case, *SGD) and all(values_of(case, "momentum")) and all(values_of(case, "nesterov")):
        kinds = (Velocity.TORCH, Velocity.LR_INSIDE) if rates_change(case) else (Velocity.LR_INSIDE,)
        for rank, kind in enumerate(reversed(kinds)):
            yield Proposal(_looking_ahead(kind, case.training.frozen), rank=5 * rank)


def _looking_ahead(kind: Velocity, frozen: frozenset[str]) -> Alter:
    rule = each(sgd(SgdSwitches(velocity=kind, direction=Direction.LOOK_AHEAD)))

    def update(parameters: Named, gradients: Named, moment: Moment) -> Named:
        new = rule(parameters, gradients, moment)
        for name, parameter in parameters.items():
            moment.memory["state"].setdefault(f"{name}.told", parameter.detach().clone())
        return new

    def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        if id.quantity is not Quantity.UPDATED or id.name in frozen:
            return id, same
        return TensorId(id.step, Quantity.STATE, f"{id.name}.told"), same

    return lambda plan: plan.with_update(update).with_report(report)


def first_damped(case: Case) -> bool:
    """Whether dampening acts in a first step without a given state."""
    return not case.training.state


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="optimizer.sgd.momentum_ignored",
        stage=Stage.UPDATE,
        title="Your numbers are those of gradient descent without momentum.",
        explanation="You took w ← w − η·g in every step. " + RULE,
        advice="Keep the buffer b from step to step, or declare SGD without momentum.",
        propose=by_arguments(SGD, has("momentum"), momentum=0.0, nesterov=False),
        rank=8,
        look_alikes=("optimizer.sgd.nesterov_ignored",),
        probe="Claim the weights after the second and third step: the buffer b makes those steps longer.",
    ),
    Variant(
        code="optimizer.sgd.lr_inside_velocity",
        stage=Stage.UPDATE,
        title="Your velocity contains the learning rate: v = μ·v + η·g, then w ← w − v.",
        explanation="This is the form of Sutskever et al. and of Keras. It equals PyTorch's while η stays the same and "
        "differs after η changes, because the old part of v still has the old η. " + RULE,
        advice="For PyTorch's numbers multiply the whole buffer by the present learning rate: w ← w − η·(μ·b + g).",
        propose=momentum(both(continued, rates_change), velocity=Velocity.LR_INSIDE),
        rank=3,
        convention=True,
        look_alikes=("optimizer.sgd.look_ahead_nesterov",),
        probe="Change the learning rate between two steps: the forms differ only after such a change.",
        source="pytorch issues 1099 and 44917",
    ),
    Variant(
        code="optimizer.sgd.averaged_momentum",
        stage=Stage.UPDATE,
        title="Your momentum is a moving average of the gradients: b = μ·b + (1−μ)·g.",
        explanation="This average is common in courses; its steps are (1−μ) times as long as those of PyTorch, which "
        "adds the gradient whole. " + RULE,
        advice="Use b = μ·b + g, or multiply your learning rate by 1/(1−μ) where you compare.",
        propose=momentum(always, velocity=Velocity.AVERAGE),
        rank=6,
        convention=True,
        look_alikes=("optimizer.sgd.dampening_at_first_step", "update.learning_rate_scaled"),
        probe="Claim the weights after the first step: they moved by (1−μ)·η·g.",
        source="HIPS/autograd issue 289",
    ),
    Variant(
        code="optimizer.sgd.averaged_momentum_from_first",
        stage=Stage.UPDATE,
        title="Your momentum is an average that starts with the first gradient: b = g, then b = μ·b + (1−μ)·g.",
        explanation="That is a dampening of τ = μ, which was not declared. " + RULE,
        advice="Use b = μ·b + g, or declare dampening equal to the momentum.",
        propose=momentum(continued, velocity=Velocity.AVERAGE_FROM_FIRST),
        rank=14,
        convention=True,
        probe="Claim the weights after each of three steps: the first step is PyTorch's.",
    ),
    Variant(
        code="optimizer.sgd.dampening_at_first_step",
        stage=Stage.UPDATE,
        title="You damped the first gradient too: b = (1−τ)·g in the first step.",
        explanation="Dampening begins with the second step in PyTorch, because its buffer starts as the first gradient "
        "itself and not as zero. " + RULE,
        advice="Start the buffer with b = g.",
        propose=momentum(both(has("dampening"), first_damped), velocity=Velocity.DAMPED_AT_ONCE),
        rank=8,
        look_alikes=("optimizer.sgd.averaged_momentum",),
        probe="Use a dampening that differs from the momentum.",
    ),
    Variant(
        code="optimizer.sgd.dampening_ignored",
        stage=Stage.UPDATE,
        title="You left out the dampening τ: b = μ·b + g.",
        explanation="The gradient goes into the buffer whole, where it was declared to go in with the factor 1−τ. "
        + RULE,
        advice="Multiply the gradient by 1−τ from the second step on, or declare no dampening.",
        propose=by_arguments(SGD, both(has("momentum", "dampening"), continued), dampening=0.0),
        rank=8,
    ),
    Variant(
        code="optimizer.sgd.velocity_sign",
        stage=Stage.UPDATE,
        title="The old velocity enters with the wrong sign: b = g − μ·b.",
        explanation="Two sign conventions were mixed: v = μ·v − η·g belongs to w ← w + v, and b = μ·b + g to "
        "w ← w − η·b. " + RULE,
        advice="Use one of the two forms throughout.",
        propose=momentum(velocity=Velocity.SUBTRACTED),
        rank=16,
    ),
    Variant(
        code="optimizer.sgd.buffer_reset",
        stage=Stage.UPDATE,
        title="Your momentum buffer starts again in every step.",
        explanation="With b = g in every step, Nesterov's step is (1+μ)·g each time: nothing is carried over. " + RULE,
        advice="Keep b between the steps.",
        propose=momentum(nesterov=True, velocity=Velocity.RESET),
        rank=20,
    ),
    Variant(
        code="optimizer.sgd.nesterov_ignored",
        stage=Stage.UPDATE,
        title="Your numbers are those of classical momentum, without Nesterov.",
        explanation="You took w ← w − η·b, where Nesterov was declared. " + RULE,
        advice="Subtract η·(g + μ·b), or declare nesterov=False.",
        propose=by_arguments(SGD, has("momentum", "nesterov"), nesterov=False),
        rank=5,
        look_alikes=("optimizer.sgd.momentum_ignored", "optimizer.sgd.look_ahead_nesterov"),
        probe="Claim the weights after each of three steps.",
    ),
    Variant(
        code="optimizer.sgd.nesterov_undeclared",
        stage=Stage.UPDATE,
        title="Your numbers are those of Nesterov momentum, and classical momentum was declared.",
        explanation="You took w ← w − η·(g + μ·b). " + RULE,
        advice="Subtract η·b, or declare nesterov=True.",
        propose=by_arguments(SGD, both(has("momentum"), lacks("dampening")), nesterov=True),
        rank=8,
        look_alikes=("optimizer.sgd.gradient_and_buffer",),
        probe="Claim the weights after each of three steps.",
    ),
    Variant(
        code="optimizer.sgd.nesterov_with_lr_inside",
        stage=Stage.UPDATE,
        title="Your numbers are those of Nesterov momentum with the learning rate inside the velocity.",
        explanation="You took v = μ·v + η·g and w ← w − (η·g + μ·v), the form of Keras; classical momentum was "
        "declared. " + RULE,
        advice="Subtract η·b with b = μ·b + g, or declare nesterov=True.",
        propose=by_rule(
            SGD,
            sgd(SgdSwitches(velocity=Velocity.LR_INSIDE)),
            both(has("momentum"), lacks("dampening"), lacks("nesterov"), rates_change),
            nesterov=True,
        ),
        rank=20,
    ),
    Variant(
        code="optimizer.sgd.nesterov_twice",
        stage=Stage.UPDATE,
        title="You applied Nesterov's look-ahead twice: g + μ·(g + μ·b).",
        explanation="One factor μ and one gradient too many are in the step. " + RULE,
        advice="Subtract η·(g + μ·b).",
        propose=momentum(always, nesterov=True, direction=Direction.NESTEROV_TWICE),
        rank=30,
    ),
    Variant(
        code="optimizer.sgd.look_ahead_nesterov",
        stage=Stage.UPDATE,
        title="Your numbers are those of Nesterov's method with the gradient taken at the point ahead.",
        explanation="In the paper's form v = μ·v − η·∇L(w + μ·v), w ← w + v, the gradient is taken ahead and w is told "
        "without the look-ahead. PyTorch keeps the point ahead itself as the weights: w ← w − η·(g + μ·b). After the "
        "first step the paper's form has moved by η·g, PyTorch by η·(1+μ)·g.",
        advice="Compare w + μ·v with PyTorch's weights, or use PyTorch's form.",
        propose=look_ahead,
        rank=8,
        convention=True,
        look_alikes=("optimizer.sgd.nesterov_ignored", "optimizer.sgd.momentum_ignored"),
        probe="Claim the weights after each of three steps, and the gradients of the second step.",
        source="pytorch issue 5920",
    ),
    Variant(
        code="optimizer.sgd.gradient_and_buffer",
        stage=Stage.UPDATE,
        title="You subtracted the gradient and the momentum buffer, which contains that gradient already.",
        explanation="The step was η·(g + b), so the present gradient counts twice. " + RULE,
        advice="Subtract η·b alone.",
        propose=momentum(always, direction=Direction.GRADIENT_AND_BUFFER),
        rank=15,
        look_alikes=("optimizer.sgd.nesterov_undeclared",),
    ),
    Variant(
        code="optimizer.sgd.buffer_times_momentum",
        stage=Stage.UPDATE,
        title="You multiplied the whole buffer by the momentum before the step: w ← w − η·μ·b.",
        explanation="The factor μ belongs to the old part of the buffer only. " + RULE,
        advice="Subtract η·b.",
        propose=momentum(always, direction=Direction.BUFFER_TIMES_MOMENTUM),
        rank=25,
    ),
    Variant(
        code="optimizer.sgd.momentum_undeclared",
        stage=Stage.UPDATE,
        title="Your numbers are those of SGD with momentum {value}, and none was declared.",
        explanation="Your steps go on in the old direction. " + RULE + " Without momentum it is w ← w − η·g.",
        advice="Leave the buffer out, or declare momentum={value}.",
        propose=siblings(
            SGD, "momentum", {0.9: "most examples", 0.5: "old examples", 0.99: ""}, both(lacks("momentum"), continued)
        ),
        rank=25,
    ),
)
