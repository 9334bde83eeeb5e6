"""Variants of the gradients as a whole: sign, constant factors, accumulation, a graph that is cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from ...network import Node
from ...run import Moment, Named
from ...types import Quantity, TensorId
from ..case import Case
from ..loss_rules import Form, altered, times
from ..plan import same
from ..rules import ordinary
from ..variant import Alter, Proposal, Stage, Variant

MOST_SITES = 24


def scaled(factor: float, form: Form = Form.GRADIENT) -> Alter:
    """All gradients multiplied by a factor; the loss value too with Form.BOTH."""
    return altered(times(lambda given: factor), form)


def _propose_sign(case: Case) -> Iterator[Proposal]:
    only_updates = Quantity.GRADIENT not in case.claimed_quantities
    yield Proposal(scaled(-1.0), rank=20 if only_updates else 0)


def _propose_zero(case: Case) -> Iterator[Proposal]:
    yield Proposal(scaled(0.0))


def _propose_twice(case: Case) -> Iterator[Proposal]:
    yield Proposal(scaled(2.0))


def _loss(case: Case) -> float:
    return float(case.trace[TensorId(0, Quantity.LOSS)])


def _propose_times_loss(case: Case) -> Iterator[Proposal]:
    if _loss(case) not in (0.0, 1.0):
        yield Proposal(altered(lambda given: given.before().detach() * given.before(), Form.GRADIENT),
                       texts={"loss": f"{_loss(case):.6g}"})  # fmt: skip


def cut(node: Node, tensors: Any, inputs: tuple[torch.Tensor, ...], named: Any) -> Any:
    """The node's value, through which no gradient goes."""
    value = ordinary(node, tensors, inputs, named)
    return tuple(part.detach() for part in value) if isinstance(value, tuple) else value.detach()


def _propose_cut(case: Case) -> Iterator[Proposal]:
    nodes = [node for node in case.nodes() if _has_parameters(node)]
    for node in nodes[:-1][:MOST_SITES]:
        yield Proposal(lambda plan, name=node.name: plan.with_node(name, cut), (node.name,))  # type: ignore[misc]


def _has_parameters(node: Node) -> bool:
    module = node.operation.module
    return module is not None and any(True for _ in module.module.parameters())


def _propose_frozen(case: Case) -> Iterator[Proposal]:
    names = [name for name in case.training.program.parameters if name not in case.training.frozen]
    if len(names) < 2 or not case.claimed_quantities & {Quantity.GRADIENT, Quantity.UPDATED}:
        return
    kinds = {"bias": [n for n in names if n.endswith("bias")], "weight": [n for n in names if n.endswith("weight")]}
    for name in names[:MOST_SITES]:
        yield Proposal(_without((name,)), (name,))
    for group in kinds.values():
        if 1 < len(group) < len(names):
            yield Proposal(_without(tuple(group)), tuple(group), rank=5)


def _without(names: tuple[str, ...]) -> Alter:
    def rule(gradients: Named, moment: Moment) -> Named:
        return {name: gradient for name, gradient in gradients.items() if name not in names}

    return lambda plan: plan.with_gradients(rule)


def _propose_not_zeroed(case: Case) -> Iterator[Proposal]:
    if case.steps > 1:
        yield Proposal(lambda plan: plan.with_gradients(_accumulate))


def _accumulate(gradients: Named, moment: Moment) -> Named:
    total = moment.memory.setdefault("accumulated", {})
    for name, gradient in gradients.items():
        total[name] = total[name] + gradient if name in total else gradient.clone()
    return {name: tensor.clone() for name, tensor in total.items()}


def _propose_averaged(case: Case) -> Iterator[Proposal]:
    if case.steps > 1:
        yield Proposal(lambda plan: plan.with_gradients(_average))


def _average(gradients: Named, moment: Moment) -> Named:
    return {name: tensor / (moment.step + 1) for name, tensor in _accumulate(gradients, moment).items()}


def _propose_delayed(case: Case) -> Iterator[Proposal]:
    if case.steps > 1:
        yield Proposal(lambda plan: plan.with_gradients(_previous))


def _previous(gradients: Named, moment: Moment) -> Named:
    used: Named = moment.memory.get("previous", gradients)
    moment.memory["previous"] = {name: gradient.clone() for name, gradient in gradients.items()}
    return {name: gradient.clone() for name, gradient in used.items()}


def _propose_first_kept(case: Case) -> Iterator[Proposal]:
    if case.steps > 1:
        yield Proposal(lambda plan: plan.with_gradients(_first))


def _first(gradients: Named, moment: Moment) -> Named:
    kept = moment.memory.setdefault("first", {name: gradient.clone() for name, gradient in gradients.items()})
    return {name: gradient.clone() for name, gradient in kept.items()}


def learning_rate(case: Case, name: str) -> float | None:
    """The learning rate of a parameter in the first step; None where the optimizer has none."""
    if case.training.optimizer is None:
        return None
    stated = case.training.steps[0].lr
    rate = stated if stated is not None else case.training.optimizer.arguments_of(name).get("lr")
    return float(rate) if isinstance(rate, int | float | torch.Tensor) else None


def _propose_learning_rate(case: Case) -> Iterator[Proposal]:
    if Quantity.GRADIENT not in case.claimed_quantities or learning_rate(case, "") is None:
        return
    for position, (words, sign) in enumerate((("η·∂L/∂w", 1.0), ("−η·∂L/∂w, the step itself", -1.0))):
        yield Proposal(_told_times_rate(case, sign), texts={"what": words}, rank=3 * position)


def _told_times_rate(case: Case, sign: float) -> Alter:
    def report(id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        rate = learning_rate(case, id.name) if id.quantity is Quantity.GRADIENT else None
        return id, same if rate is None else lambda tensor: sign * rate * tensor

    return lambda plan: plan.with_report(report)


def _constants(case: Case) -> Iterator[tuple[float, str]]:
    """Factors that occur in training steps, by name, the likeliest first."""
    n, k, steps = case.batch, case.width, case.steps
    yield 2.0, "2"
    yield 0.5, "½"
    for size, name in ((n * k, "the number of outputs, N·K"), (n, "the batch size N"), (k, "the outputs of a sample, "
                                                                                           "K"),
                       (steps, "the number of steps"), (n - 1, "N − 1")):  # fmt: skip
        if size > 1:
            yield float(size), f"{size}, {name}"
            yield 1 / size, f"1/{size}, one over {name}"
    if n > 1:
        yield n / (n - 1), "N/(N − 1)"
        yield (n - 1) / n, "(N − 1)/N"
    rate = learning_rate(case, "")
    if rate:
        yield rate, f"{rate:g}, the learning rate"
        yield 1 / rate, f"1/{rate:g}, one over the learning rate"
    if _loss(case) > 0:
        yield 1 / _loss(case), "1/L, one over the loss value: the derivative of ln L"
        yield 1 / (2 * math.sqrt(_loss(case))), "1/(2√L): the derivative of √L"
    yield from _FIXED


_FIXED = (
    (4.0, "4"), (0.25, "¼"), (math.log(2), "ln 2"), (1 / math.log(2), "1/ln 2: a logarithm to base 2"),
    (1 / math.log(10), "1/ln 10: a logarithm to base 10"), (3.0, "3"), (1 / 3, "⅓"), (8.0, "8"), (1 / 8, "⅛"),
    (10.0, "10"), (0.1, "1/10"), (100.0, "100"), (0.01, "1/100"),
    *((2.0**p, f"2^{p}, a loss scale that was not taken out again") for p in (16, 15, 10, 9, 8, 7)),
    *((2.0**-p, f"2^−{p}, a loss scale that was taken out twice") for p in (16, 10, 8)),
)  # fmt: skip


def _propose_constant(case: Case) -> Iterator[Proposal]:
    seen = {1.0, 0.0}
    for rank, (factor, words) in enumerate(_constants(case)):
        if factor not in seen and math.isfinite(factor):
            seen.add(factor)
            yield Proposal(scaled(factor), texts={"factor": words, "only": ""}, rank=min(rank, 30))
            if Quantity.LOSS in case.claimed_quantities and len(case.claimed_quantities) > 1:
                texts = {"factor": words, "only": ", and so is the loss"}
                yield Proposal(scaled(factor, Form.BOTH), texts=texts, rank=min(rank, 30))


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="gradient.sign_flipped",
        stage=Stage.GRADIENT,
        title="Your gradients have the wrong sign.",
        explanation="Every gradient is −1 times PyTorch's, as with the residual taken as t − ŷ: the derivative of (ŷ "
        "− t)² with respect to ŷ is 2(ŷ − t). Descent subtracts the gradient; with t − ŷ it has to add.",
        advice="Use ŷ − t (p − y) and subtract the gradient, or keep t − ŷ and call it the negative gradient.",
        propose=_propose_sign,
        rank=5,
        look_alikes=("update.sign_flipped",),
        probe="Claim the gradients and the new weights: the sign is wrong in both, or in the update only.",
        source="t − o in textbooks' delta rules",
    ),
    Variant(
        code="gradient.all_zeros",
        stage=Stage.GRADIENT,
        title="No gradient reaches anything in your numbers: all are zero.",
        explanation="Something cuts the loss off from the parameters: detach(), .data, no_grad(), a conversion to "
        "NumPy or to integers, argmax or rounding. PyTorch's gradients are not zero here.",
        advice="Compute the loss from the network's outputs with differentiable operations only.",
        propose=_propose_zero,
        rank=15,
        look_alikes=("gradient.graph_cut", "update.weights_before_step"),
        probe="Claim the gradients and the new weights.",
    ),
    Variant(
        code="gradient.graph_cut",
        stage=Stage.BACKWARD,
        title="The gradient stops behind {sites}: it is zero there and in all that comes before.",
        explanation="Back-propagation goes through {sites} in PyTorch. In your numbers its output counts as a "
        "constant, as after detach(), .data, no_grad() or a conversion to NumPy.",
        advice="Pass ∂L/∂a on to {sites} and the layers before it.",
        propose=_propose_cut,
        rank=15,
        look_alikes=("gradient.parameter_frozen",),
    ),
    Variant(
        code="gradient.parameter_frozen",
        stage=Stage.GRADIENT,
        title="{sites}: no gradient there in your numbers, as if frozen.",
        explanation="The declared problem trains {sites}, and its gradient is not zero. In your numbers it has none "
        "and stays as it is.",
        advice="Compute that gradient too, or declare the parameter as frozen.",
        propose=_propose_frozen,
        rank=22,
        look_alikes=("gradient.graph_cut", "backward.bias_gradient_missing", "update.layer_not_updated"),
    ),
    Variant(
        code="gradient.not_zeroed",
        stage=Stage.GRADIENT,
        title="The gradients were not set to zero between the steps: they add up.",
        explanation="backward() adds to .grad. Without zero_grad() step k uses g₁ + g₂ + … + gₖ, where only gₖ "
        "belongs.",
        advice="Call optimizer.zero_grad() before each backward().",
        propose=_propose_not_zeroed,
        rank=3,
        probe="Claim the gradients of the second step.",
        source="github.com/karpathy/micrograd#53",
    ),
    Variant(
        code="gradient.averaged_over_steps",
        stage=Stage.GRADIENT,
        title="The gradients are averaged over the steps so far.",
        explanation="Step k uses (g₁ + … + gₖ)/k in your numbers. The declared training uses gₖ alone in each step.",
        advice="Use each step's own gradient, or declare one step whose batch holds all samples.",
        propose=_propose_averaged,
        rank=30,
    ),
    Variant(
        code="gradient.of_previous_step",
        stage=Stage.GRADIENT,
        title="Each update uses the gradient of the step before.",
        explanation="The gradient is one step late: the parameters have moved since it was computed.",
        advice="Compute the gradient at the current parameters before each update.",
        propose=_propose_delayed,
        rank=30,
        look_alikes=("gradient.computed_once",),
    ),
    Variant(
        code="gradient.computed_once",
        stage=Stage.GRADIENT,
        title="All updates use the gradient of the first step.",
        explanation="The gradient was not computed again after the parameters had changed.",
        advice="Run the forward and the backward pass again in every step.",
        propose=_propose_first_kept,
        rank=25,
        look_alikes=("gradient.of_previous_step",),
    ),
    Variant(
        code="gradient.backward_twice",
        stage=Stage.GRADIENT,
        title="All gradients are doubled, as after two backward passes.",
        explanation="backward() adds to .grad: calling it twice for one loss (retain_graph=True) gives 2·∂L/∂w.",
        advice="Call backward() once, or set the gradients to zero in between.",
        propose=_propose_twice,
        rank=40,
        look_alikes=("gradient.scaled_by_constant", "reduction.sum_instead_of_mean", "reduction.batch_mean_only"),
    ),
    Variant(
        code="gradient.multiplied_by_loss",
        stage=Stage.GRADIENT,
        title="Your gradients are multiplied by the value of the loss, {loss}.",
        explanation="You have L·∂L/∂w, which is the gradient of ½L². The loss value itself does not stand in the "
        "gradient.",
        advice="Drop the factor: back-propagation starts with ∂L/∂L = 1.",
        propose=_propose_times_loss,
        rank=28,
        look_alikes=("gradient.scaled_by_constant",),
    ),
    Variant(
        code="gradient.learning_rate_included",
        stage=Stage.GRADIENT,
        title="What you call the gradient is {what}: the learning rate is in it.",
        explanation="You gave {what}. PyTorch's .grad holds ∂L/∂w; the learning rate η comes in with the step, w ← w "
        "− η·∂L/∂w.",
        advice="Divide by the learning rate, or claim new weights instead of gradients.",
        propose=_propose_learning_rate,
        rank=10,
        look_alikes=("gradient.scaled_by_constant",),
    ),
    Variant(
        code="gradient.scaled_by_constant",
        stage=Stage.GRADIENT,
        title="All your gradients are PyTorch's times {factor}{only}.",
        explanation="One constant factor explains every number: {factor}. It comes from the loss, from the mean over "
        "samples or outputs, or from a factor that is applied to the gradient afterwards.",
        advice="Look for that factor in the derivative of the loss first.",
        propose=_propose_constant,
        rank=60,
        look_alikes=("gradient.backward_twice", "gradient.multiplied_by_loss", "gradient.learning_rate_included"),
        probe="Claim the loss value beside the gradients, and use another batch size.",
    ),
)
