"""Gradient clipping taken otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from ...run import Moment, Named
from ...training import Clipping
from ..case import Case
from ..plan import Plan
from ..stepping.propose import number_text
from ..stepping.slots import after_step
from ..stepping.specs import acts, biases, owners, trained, uses, wraps
from ..variant import Alter, Proposal, Stage, Variant

SMALL = 1e-6
"""What PyTorch adds to the norm."""
Groups = Sequence[Sequence[str]]
Coefficient = Callable[[torch.Tensor, float], torch.Tensor]
RULE = "PyTorch takes one norm over all gradients together and multiplies all by min(1, max_norm/(norm + 1e-6))."


def usual(norm: torch.Tensor, bound: float) -> torch.Tensor:
    """min(1, c/(n + 1e-6))."""
    return torch.clamp(bound / (norm + SMALL), max=1.0)


def norm_of(gradients: Sequence[torch.Tensor], p: float) -> torch.Tensor:
    """The p-norm of some tensors together."""
    each = torch.stack([torch.linalg.vector_norm(g, p) for g in gradients])
    whole: torch.Tensor = torch.linalg.vector_norm(each, p)
    return whole


def by_norm(gradients: Named, clipping: Clipping, groups: Groups, coefficient: Coefficient = usual) -> Named:
    """Gradients clipped with one norm for each group, then by value."""
    new = dict(gradients)
    if clipping.max_norm is not None:
        for group in groups:
            members = [name for name in group if name in gradients]
            if members:
                norm = norm_of([gradients[name] for name in members], clipping.norm_type)
                by = coefficient(norm, clipping.max_norm)
                new.update({name: gradients[name] * by for name in members})
    return by_value(new, clipping)


def by_value(gradients: Named, clipping: Clipping) -> Named:
    """Gradients clipped to [−c, c] where that is declared."""
    c = clipping.clip_value
    return gradients if c is None else {name: g.clamp(-c, c) for name, g in gradients.items()}


def clips_norm(case: Case) -> bool:
    """Whether clipping by norm is declared that can be seen."""
    return acts(case) and case.training.clipping.max_norm is not None


def clips_value(case: Case) -> bool:
    """Whether clipping by value is declared that can be seen."""
    return acts(case) and case.training.clipping.clip_value is not None


def bounds(case: Case) -> dict[str, str]:
    """Texts: {bound}."""
    clipping = case.training.clipping
    bound = clipping.max_norm if clipping.max_norm is not None else clipping.clip_value
    return {"bound": number_text(bound)}


def grouped(groups_of: Callable[[Case], Groups], coefficient: Coefficient = usual) -> Callable[[Case], Any]:
    """Norms of other groups, or another coefficient."""

    def propose(case: Case) -> Iterator[Proposal]:
        groups = groups_of(case) if clips_norm(case) else []
        if groups:
            yield Proposal(lambda plan: plan.with_clip(_rule(groups, coefficient)), texts=bounds(case))

    return propose


def _rule(groups: Groups, coefficient: Coefficient) -> Callable[[Named, Moment], Named]:
    return lambda gradients, moment: by_norm(gradients, moment.training.clipping, groups, coefficient)


def together(case: Case) -> Groups:
    """All parameters in one group."""
    return [trained(case)]


def single(case: Case) -> Groups:
    """Each parameter alone, where there are several."""
    names = trained(case)
    return [[name] for name in names] if len(names) > 1 else []


def by_layer(case: Case) -> Groups:
    """The parameters of each layer, where there are several layers, one of them with several parameters."""
    layers = [names for _, names in owners(case)]
    return layers if len(layers) > 1 and any(len(names) > 1 for names in layers) else []


def weights_only(case: Case) -> Groups:
    """Everything but the biases, which stay unclipped."""
    left = set(biases(case))
    names = [name for name in trained(case) if name not in left]
    return [names] if left and names else []


def replaced(change: Callable[[Clipping], Clipping | None]) -> Callable[[Case], Iterator[Proposal]]:
    """Another declaration of clipping; None where there is none to try."""

    def propose(case: Case) -> Iterator[Proposal]:
        if not clips_norm(case) and not clips_value(case):
            return
        other = change(case.training.clipping)
        if other is not None and other != case.training.clipping:
            yield Proposal(_with(other), texts=bounds(case))

    return propose


def _with(clipping: Clipping) -> Alter:
    return lambda plan: plan.with_training(clipping=clipping)


def ignored(case: Case) -> Iterator[Proposal]:
    """No clipping, or one of the two left out."""
    if not clips_norm(case) and not clips_value(case):
        return
    clipping = case.training.clipping
    yield Proposal(_with(Clipping()), texts=bounds(case))
    if clipping.max_norm is not None and clipping.clip_value is not None:
        yield Proposal(_with(Clipping(clipping.max_norm, clipping.norm_type)), texts=bounds(case), rank=2)
        yield Proposal(_with(Clipping(clip_value=clipping.clip_value)), texts=bounds(case), rank=2)


def value_for_norm(c: Clipping) -> Clipping | None:
    """The bound of the norm as a bound of the values."""
    return Clipping(clip_value=c.max_norm) if c.max_norm is not None and c.clip_value is None else None


def norm_for_value(c: Clipping) -> Clipping | None:
    """The bound of the values as a bound of the norm."""
    return Clipping(max_norm=c.clip_value) if c.clip_value is not None and c.max_norm is None else None


def other_norm(case: Case) -> Iterator[Proposal]:
    """Another p."""
    if not clips_norm(case):
        return
    c = case.training.clipping
    for p, name in ((2.0, "L2"), (1.0, "L1"), (float("inf"), "largest absolute value")):
        if p != c.norm_type:
            yield Proposal(_with(Clipping(c.max_norm, p, c.clip_value)), texts={**bounds(case), "norm": name})


def value_first(case: Case) -> Iterator[Proposal]:
    """By value, then by norm, where both are declared."""
    if clips_norm(case) and clips_value(case):
        names = together(case)

        def rule(gradients: Named, moment: Moment) -> Named:
            c = moment.training.clipping
            return by_norm(by_value(gradients, c), Clipping(c.max_norm, c.norm_type), names)

        yield Proposal(lambda plan: plan.with_clip(rule), texts=bounds(case))


def upper_only(case: Case) -> Iterator[Proposal]:
    """Only what is above the bound is clipped."""
    if clips_value(case) and case.training.clipping.max_norm is None:
        bound = case.training.clipping.clip_value
        rule = lambda gradients, moment: {name: g.clamp(max=bound) for name, g in gradients.items()}  # noqa: E731
        yield Proposal(lambda plan: plan.with_clip(rule), texts=bounds(case))


def update_clipped(case: Case) -> Iterator[Proposal]:
    """The change of the weights is clipped instead of the gradients."""
    if not (clips_norm(case) or clips_value(case)) or not wraps(case):
        return
    clipping, groups = case.training.clipping, together(case)

    def change(old: Named, new: Named, gradients: Named, moment: Moment) -> Named:
        clipped = by_norm({name: new[name] - old[name] for name in gradients}, clipping, groups)
        return {**new, **{name: old[name] + moved for name, moved in clipped.items()}}

    yield Proposal(lambda plan: after_step(plan.with_training(clipping=Clipping()), change), texts=bounds(case))


def decay_clipped(case: Case) -> Iterator[Proposal]:
    """λ·w is added to the gradient before clipping."""
    if not (clips_norm(case) or clips_value(case)) or not uses(case, "weight_decay"):
        return
    spec = case.training.optimizer
    if spec is None or case.optimizer_type == "AdamW" or uses(case, "decoupled_weight_decay") or uses(case, "maximize"):
        return
    decay = {name: spec.arguments_of(name)["weight_decay"] for name in trained(case)}
    groups = together(case)

    def rule(gradients: Named, moment: Moment) -> Named:
        added = {name: g + decay[name] * moment.parameters[name].detach() for name, g in gradients.items()}
        clipped = by_norm(added, moment.training.clipping, groups)
        return {name: g - decay[name] * moment.parameters[name].detach() for name, g in clipped.items()}

    yield Proposal(lambda plan: plan.with_clip(rule), texts=bounds(case))


def in_claimed_gradient(case: Case) -> Iterator[Proposal]:
    """The gradients are told after clipping; the step stays the same."""
    clipping = case.training.clipping
    if clipping == Clipping():
        return
    groups = together(case)

    def alter(plan: Plan) -> Plan:
        clipped = plan.with_gradients(lambda gradients, moment: by_norm(gradients, clipping, groups))
        return clipped.with_training(clipping=Clipping())

    yield Proposal(alter, texts=bounds(case))


def row(code: str, title: str, explanation: str, advice: str, propose: Any, rank: int, **fields: Any) -> Variant:
    """A row of this file."""
    stage = fields.pop("stage", Stage.CLIP)
    return Variant(f"clipping.{code}", stage, title, explanation, advice, propose, rank, **fields)


VARIANTS: tuple[Variant, ...] = (
    row(
        "ignored",
        "You did not clip the gradients before the step.",
        "Clipping to {bound} was declared. Clipping after the step, or on a copy, has no effect either. " + RULE,
        "Clip after the backward pass and before the step.",
        ignored,
        3,
    ),
    row(
        "per_tensor",
        "You clipped every parameter by its own norm.",
        "Each gradient was held to {bound} alone, so their relative sizes changed. " + RULE,
        "Take the norm over all gradients together.",
        grouped(single),
        3,
        convention=True,
        look_alikes=("clipping.per_layer",),
        source="keras issue 13575",
    ),
    row(
        "per_layer",
        "You clipped every layer by the norm of its own parameters.",
        "Weight and bias of a layer were held to {bound} together. " + RULE,
        "Take the norm over all gradients together.",
        grouped(by_layer),
        10,
        look_alikes=("clipping.per_tensor",),
    ),
    row(
        "biases_not_clipped",
        "You clipped the weights only, and left the biases out of the norm.",
        "The bound {bound} was applied to the weights' gradients. " + RULE,
        "Take the norm over all gradients together, biases included.",
        grouped(weights_only),
        14,
    ),
    row(
        "without_epsilon",
        "You multiplied by max_norm/norm, without the 1e-6 that PyTorch adds to the norm.",
        "TensorFlow and Optax have no such term. " + RULE,
        "Divide by norm + 1e-6, or compare with a tolerance of 1e-6/norm.",
        grouped(together, lambda norm, bound: (bound / norm).clamp(max=1.0)),
        4,
        convention=True,
    ),
    row(
        "always_scaled",
        "You scaled the gradients to the norm {bound} even where theirs was smaller.",
        "The coefficient max_norm/norm must not be above 1. " + RULE,
        "Clip only where the norm is above max_norm.",
        grouped(together, lambda norm, bound: bound / (norm + SMALL)),
        5,
    ),
    row(
        "squared_norm",
        "You divided by the squared norm.",
        "The root of the sum of squares was left out. " + RULE,
        "Take the root.",
        grouped(together, lambda norm, bound: (bound / (norm * norm + SMALL)).clamp(max=1.0)),
        12,
    ),
    row(
        "value_instead_of_norm",
        "You clipped every element to [−{bound}, {bound}], where the norm was to be clipped.",
        "That is clip_grad_value_; clip_grad_norm_ was declared. " + RULE,
        "Clip by the norm, or declare clip_grad_value.",
        replaced(value_for_norm),
        4,
    ),
    row(
        "norm_instead_of_value",
        "You clipped the norm to {bound}, where every element was to be clipped.",
        "That is clip_grad_norm_; clip_grad_value_ was declared, which clips each element to [−{bound}, {bound}].",
        "Clip by value, or declare clip_grad_norm.",
        replaced(norm_for_value),
        4,
    ),
    row(
        "other_norm",
        "You clipped by another norm ({norm}).",
        "The norm decides by how much all gradients are scaled. " + RULE,
        "Use the declared norm, or declare norm_type.",
        other_norm,
        8,
    ),
    row(
        "value_before_norm",
        "You clipped by value first and by norm afterwards.",
        "Both are declared; here the norm comes first, then the values.",
        "Exchange the two.",
        value_first,
        10,
    ),
    row(
        "upper_bound_only",
        "You clipped from above only: negative elements below −{bound} stayed.",
        "clip_grad_value_ clips to [−{bound}, {bound}].",
        "Clip from below too.",
        upper_only,
        10,
    ),
    row(
        "update_clipped",
        "You clipped the change of the weights instead of the gradients.",
        "The bound {bound} was applied to the step, learning rate included. " + RULE,
        "Clip the gradients before the optimizer's step.",
        update_clipped,
        14,
        stage=Stage.UPDATE,
    ),
    row(
        "decay_clipped_too",
        "You added the weight decay before clipping.",
        "You clipped ∂L/∂w + λ·w. In PyTorch the gradients are clipped first, and the optimizer adds λ·w afterwards.",
        "Clip the gradient of the loss alone.",
        decay_clipped,
        8,
    ),
    row(
        "in_claimed_gradient",
        "The gradients that you claim are those after clipping.",
        "Clipping to {bound} comes between the backward pass and the step; the gradient of the loss is the one before "
        "it. " + RULE,
        "Compare the gradients before clipping.",
        in_claimed_gradient,
        3,
        convention=True,
        stage=Stage.GRADIENT,
    ),
)
