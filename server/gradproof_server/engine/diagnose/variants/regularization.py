"""Weight decay taken otherwise: left out, of another size or form, or for other parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from ...run import Moment, Named
from ..case import Case
from ..plan import Plan
from ..stepping.propose import number_text, scaled_argument
from ..stepping.slots import after_step, before_step
from ..stepping.specs import (
    acts,
    biases,
    mapped,
    normalization_parameters,
    trained,
    uses,
    values_of,
    with_arguments,
    with_override,
    wraps,
)
from ..variant import Alter, Proposal, Stage, Variant

RULE = "weight_decay = λ adds λ·w to the gradient, the derivative of ½·λ·‖w‖²"
Term = Callable[[torch.Tensor], torch.Tensor]


def decays(case: Case) -> bool:
    """Whether a decay is declared that can be seen and whose rule can be altered."""
    return wraps(case) and uses(case, "weight_decay")


def decoupled(case: Case) -> bool:
    """Whether the decay does not go through the gradient."""
    return case.optimizer_type in ("AdamW", "Adafactor", "Muon") or uses(case, "decoupled_weight_decay")


def texts(case: Case) -> dict[str, str]:
    """Texts: {decay}."""
    return {"decay": number_text(next(iter(v for v in values_of(case, "weight_decay") if v), 0.0))}


def decay_of(case: Case, name: str) -> float:
    """λ of a parameter."""
    assert case.training.optimizer is not None
    return float(case.training.optimizer.arguments_of(name)["weight_decay"])


def ignored(case: Case) -> Iterator[Proposal]:
    """No decay at all."""
    if acts(case) and uses(case, "weight_decay"):
        yield Proposal(lambda plan: with_arguments(plan, weight_decay=0.0), texts=texts(case))


def only_some(names_of: Callable[[Case], list[str]]) -> Callable[[Case], Iterator[Proposal]]:
    """No decay for some parameters."""

    def propose(case: Case) -> Iterator[Proposal]:
        names = names_of(case) if acts(case) and uses(case, "weight_decay") else []
        if names and len(names) < len(trained(case)):
            yield Proposal(lambda plan: with_override(plan, names, weight_decay=0.0), tuple(names), texts(case))

    return propose


def no_decay_names(case: Case) -> list[str]:
    """Biases, and parameters of normalisations, where there are both kinds."""
    norms = normalization_parameters(case)
    both = [name for name in trained(case) if name in {*norms, *biases(case)}]
    return both if norms and set(both) != set(norms) and set(both) != set(biases(case)) else []


def weights_not_decayed(case: Case) -> list[str]:
    """Everything but biases."""
    left = set(biases(case))
    return [name for name in trained(case) if name not in left]


def another_term(term: Term, changes: Callable[[Case], bool] = decays) -> Callable[[Case], Iterator[Proposal]]:
    """λ·term(w) where λ·w belongs: in the gradient, or for a decoupled decay in the step."""

    def propose(case: Case) -> Iterator[Proposal]:
        if decays(case) and changes(case):
            alter = _in_step(case, term) if decoupled(case) else _in_gradient(case, term)
            yield Proposal(alter, texts=texts(case))

    return propose


def _in_gradient(case: Case, term: Term) -> Alter:
    def change(parameters: Named, gradients: Named, moment: Moment) -> Named:
        decay = _decays(moment)
        return {
            name: g + _sign(moment) * decay[name] * (term(parameters[name]) - parameters[name])
            for name, g in gradients.items()
        }

    return lambda plan: before_step(plan, change)


def _in_step(case: Case, term: Term) -> Alter:
    def change(old: Named, new: Named, gradients: Named, moment: Moment) -> Named:
        decay = _decays(moment)
        rates = moment.learning_rates
        return {n: w - rates[n] * decay[n] * (term(old[n]) - old[n]) if n in gradients else w for n, w in new.items()}

    return lambda plan: after_step(plan, change)


def _decays(moment: Moment) -> dict[str, float]:
    if "decays" not in moment.memory:
        spec = moment.training.optimizer
        assert spec is not None
        names = moment.learning_rates
        moment.memory["decays"] = {name: float(spec.arguments_of(name)["weight_decay"]) for name in names}
    found: dict[str, float] = moment.memory["decays"]
    return found


def _sign(moment: Moment) -> float:
    spec = moment.training.optimizer
    # maximize turns the gradient round before the decay is added, so an addition to the gradient must be turned too.
    return -1.0 if spec is not None and spec.arguments.get("maximize") else 1.0


def outside_gradient(with_lr: bool, after: bool = False) -> Callable[[Case], Iterator[Proposal]]:
    """The weights shrunk beside the step instead of through the gradient."""

    def propose(case: Case) -> Iterator[Proposal]:
        if not decays(case) or case.optimizer_type in ("Adam", "AdamW"):
            return
        plain = case.optimizer_type == "SGD" and not uses(case, "momentum")
        if with_lr and not after and (plain or decoupled(case)):
            return
        decay = {name: decay_of(case, name) for name in trained(case)}

        def change(old: Named, new: Named, gradients: Named, moment: Moment) -> Named:
            shrunk = {}
            for name, w in new.items():
                rate = decay[name] * (moment.learning_rates[name] if with_lr else 1.0)
                shrunk[name] = w - rate * (w if after else old[name]) if name in gradients else w
            return shrunk

        yield Proposal(lambda plan: after_step(with_arguments(plan, weight_decay=0.0), change), texts=texts(case))

    return propose


def in_claimed_gradient(case: Case) -> Iterator[Proposal]:
    """The term λ·w told as a part of the gradient; the step stays the same."""
    if not case.optimizer_type or not uses(case, "weight_decay") or decoupled(case):
        return
    decay = {name: decay_of(case, name) for name in trained(case)}

    def change(gradients: Named, moment: Moment) -> Named:
        sign = _sign(moment)
        return {n: g + sign * decay[n] * moment.parameters[n].detach() for n, g in gradients.items()}

    def alter(plan: Plan) -> Plan:
        return with_arguments(plan.with_gradients(change), weight_decay=0.0)

    yield Proposal(alter, texts=texts(case))


def times_lr(case: Case) -> Iterator[Proposal]:
    """λ·η where λ belongs."""
    if acts(case) and uses(case, "weight_decay") and "lr" in case.optimizer_arguments:
        rate = case.training.steps[0].lr or float(case.optimizer_arguments["lr"])
        if rate != 1.0:
            yield Proposal(lambda plan: mapped(plan, {"weight_decay": lambda old: old * rate}), texts=texts(case))


def row(code: str, title: str, explanation: str, advice: str, propose: Any, rank: int, **fields: Any) -> Variant:
    """A row of this file; the stage is that of the gradient where only arguments change."""
    stage = fields.pop("stage", Stage.GRADIENT)
    return Variant(f"regularization.{code}", stage, title, explanation, advice, propose, rank, **fields)


VARIANTS: tuple[Variant, ...] = (
    row(
        "weight_decay_ignored",
        "You left out the weight decay.",
        f"In PyTorch {RULE}; λ = {{decay}} here. Your step has the gradient of the loss alone.",
        "Add λ·w to the gradient, or declare no weight decay.",
        ignored,
        3,
    ),
    row(
        "l2_without_half",
        "Your L2 penalty is λ·‖w‖² without the ½, so its derivative is 2·λ·w.",
        f"In PyTorch {RULE}. λ·Σw², which Keras's l2 has, gives twice that: λ = {{declared}} acts like {{value}}.",
        "Use ½·λ·‖w‖², or declare weight_decay = {value}.",
        scaled_argument((), "weight_decay", lambda case: 2.0),
        2,
        convention=True,
        source="keras issue 4712",
    ),
    row(
        "halved",
        "Your weight decay is half of the declared one: ½·λ·w.",
        f"In PyTorch {RULE}, and the ½ is gone after the derivative. λ = {{declared}} acts like {{value}} with you.",
        "Add λ·w to the gradient.",
        scaled_argument((), "weight_decay", lambda case: 0.5),
        8,
    ),
    row(
        "divided_by_batch",
        "You divided the weight decay by the number of samples: λ/N·w.",
        f"Many courses have λ/(2N)·‖w‖² in the cost. In PyTorch {RULE}, whatever the batch size.",
        "Add λ·w, or declare weight_decay = {value}.",
        scaled_argument((), "weight_decay", lambda case: 1 / case.batch),
        6,
        convention=True,
    ),
    row(
        "twice_divided_by_batch",
        "Your weight decay is 2·λ/N·w.",
        f"λ/N·‖w‖² without the ½ has this derivative. In PyTorch {RULE}, whatever the batch size.",
        "Add λ·w, or declare weight_decay = {value}.",
        scaled_argument((), "weight_decay", lambda case: 2 / case.batch),
        25,
    ),
    row(
        "multiplied_by_batch",
        "You added the weight decay once for every sample: N·λ·w.",
        f"In PyTorch {RULE}, once in a step, whatever the batch size.",
        "Add λ·w once.",
        scaled_argument((), "weight_decay", lambda case: float(case.batch)),
        14,
    ),
    row(
        "scaled_by_lr_twice",
        "You multiplied the weight decay by the learning rate twice.",
        f"Your decay is η·λ inside the gradient, which the step multiplies by η again. In PyTorch {RULE}.",
        "Add λ·w to the gradient, without η.",
        times_lr,
        20,
    ),
    row(
        "bias_not_decayed",
        "You left the biases out of the weight decay ({sites}).",
        f"Leaving biases out is a common choice, but in PyTorch {RULE} for every parameter of the optimizer.",
        "Decay the biases too, or declare a parameter group for them with weight_decay = 0.",
        only_some(biases),
        4,
        convention=True,
        look_alikes=("regularization.only_matrices_decayed",),
    ),
    row(
        "normalization_not_decayed",
        "You left the parameters of normalisation layers out of the weight decay ({sites}).",
        f"A common choice, but in PyTorch {RULE} for every parameter of the optimizer.",
        "Decay them too, or declare a parameter group for them with weight_decay = 0.",
        only_some(normalization_parameters),
        8,
        convention=True,
    ),
    row(
        "only_matrices_decayed",
        "You left biases and normalisation layers out of the weight decay ({sites}).",
        f"A common choice for Transformers, but in PyTorch {RULE} for every parameter of the optimizer.",
        "Decay them too, or declare a parameter group for them with weight_decay = 0.",
        only_some(no_decay_names),
        6,
        convention=True,
    ),
    row(
        "only_biases_decayed",
        "You applied the weight decay to the biases only.",
        f"In PyTorch {RULE} for every parameter of the optimizer.",
        "Decay the weights too.",
        only_some(weights_not_decayed),
        35,
    ),
    row(
        "l1_instead_of_l2",
        "Your decay is that of an L1 penalty: λ·sign(w).",
        f"In PyTorch {RULE}. The derivative of λ·|w| is λ·sign(w).",
        "Add λ·w to the gradient; an L1 penalty must be a part of the loss.",
        another_term(torch.sign),
        6,
        stage=Stage.UPDATE,
    ),
    row(
        "norm_not_squared",
        "Your decay is that of the norm itself, not of its square: λ·w/‖w‖.",
        f"In PyTorch {RULE}. The derivative of λ·‖w‖ is λ·w/‖w‖, here with one norm for each tensor.",
        "Add λ·w to the gradient.",
        another_term(lambda w: w / w.norm().clamp_min(1e-300)),
        22,
        stage=Stage.UPDATE,
    ),
    row(
        "sign_flipped",
        "Your weight decay has the wrong sign: the weights grow.",
        f"In PyTorch {RULE}; the step subtracts it. You subtracted λ·w from the gradient.",
        "Add λ·w to the gradient.",
        another_term(torch.neg),
        8,
        stage=Stage.UPDATE,
    ),
    row(
        "decoupled",
        "You shrank the weights beside the step, as AdamW does: w ← w − η·λ·w.",
        f"In PyTorch's optimizer {RULE}, so the decay goes through momentum and scaling too.",
        "Add λ·w to the gradient before the moments are updated.",
        outside_gradient(with_lr=True),
        5,
        stage=Stage.UPDATE,
        convention=True,
    ),
    row(
        "not_scaled_by_lr",
        "You shrank the weights by λ instead of η·λ.",
        f"In PyTorch {RULE}, which the step multiplies by the learning rate. You took w ← w − λ·w beside the step.",
        "Add λ·w to the gradient, or multiply the decay by η.",
        outside_gradient(with_lr=False),
        7,
        stage=Stage.UPDATE,
    ),
    row(
        "decay_after_step",
        "You shrank the weights after the step: w ← (w − η·g)·(1 − η·λ).",
        f"In PyTorch {RULE}, so the old weights are shrunk. The difference is η²·λ·g.",
        "Add λ·w to the gradient.",
        outside_gradient(with_lr=True, after=True),
        12,
        stage=Stage.UPDATE,
    ),
    row(
        "in_claimed_gradient",
        "The gradients that you claim contain the weight decay: ∂L/∂w + λ·w.",
        "PyTorch's .grad is that of the loss alone; the optimizer adds λ·w (λ = {decay}) to it in its step.",
        "Compare the gradients before the decay is added, or put the penalty into the loss.",
        in_claimed_gradient,
        3,
        convention=True,
    ),
)
