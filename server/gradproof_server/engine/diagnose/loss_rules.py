"""Tools for writing variants of the loss: other formulas, in the value, in the gradient, or in both."""

from __future__ import annotations

import copy
import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from ..forward import loss_arguments, loss_value
from ..types import Quantity
from .case import Case
from .plan import Plan
from .variant import Alter, Proposal

ELEMENTWISE = frozenset(
    {"MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BCELoss", "BCEWithLogitsLoss", "KLDivLoss", "PoissonNLLLoss",
     "GaussianNLLLoss", "SoftMarginLoss", "HingeEmbeddingLoss", "MarginRankingLoss"}
)  # fmt: skip
"""Losses that have a value for each element and average over all of them."""

REGRESSION = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")


class Form(enum.Enum):
    """Where another formula is used: in the loss value and its gradient, or in one of them."""

    BOTH = ""
    GRADIENT = " (in the gradient only; the loss value is that of PyTorch)"
    VALUE = " (in the loss value only; the gradients are those of PyTorch)"


@dataclass(frozen=True)
class Given:
    """What a formula of the loss may use: the module, its arguments in order, and the loss without the alteration."""

    module: Any
    arguments: tuple[torch.Tensor, ...]
    before: Callable[[], torch.Tensor]

    @property
    def prediction(self) -> torch.Tensor:
        """The first argument."""
        return self.arguments[0]

    @property
    def target(self) -> torch.Tensor:
        """The second argument."""
        return self.arguments[1]

    @property
    def residual(self) -> torch.Tensor:
        """Prediction minus target."""
        return self.arguments[0] - self.arguments[1]


Formula: TypeAlias = Callable[[Given], torch.Tensor]


def joined(value: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """The number of one loss with the gradient of another."""
    return value.detach() + (gradient - gradient.detach())


def altered(formula: Formula, form: Form = Form.BOTH) -> Alter:
    """The alteration that computes the loss by a formula, on top of what a plan alters already."""

    def alter(plan: Plan) -> Plan:
        inner, output = plan.loss, plan.training.program.outputs[0]

        def rule(loss: Any, tensors: Any, values: Any, targets: Any) -> torch.Tensor:
            def before() -> torch.Tensor:
                if inner is not None:
                    return inner(loss, tensors, values, targets)
                return loss_value(loss, tensors, values, targets) if loss else values[output].reshape(())

            arguments = loss_arguments(loss, values, targets) if loss else (values[output],)
            new = formula(Given(loss.module.module if loss else None, arguments, before)).reshape(())
            if form is Form.BOTH:
                return new
            return joined(before(), new) if form is Form.GRADIENT else joined(new, before())

        return plan.with_loss(rule)

    return alter


def rearranged(change: Callable[[Given], tuple[torch.Tensor, ...]]) -> Alter:
    """The alteration that gives other arguments to whatever loss a plan has."""

    def alter(plan: Plan) -> Plan:
        inner = plan.loss

        def rule(loss: Any, tensors: Any, values: Any, targets: Any) -> torch.Tensor:
            given = Given(loss.module.module, loss_arguments(loss, values, targets), lambda: torch.zeros(()))
            values, targets = dict(values), dict(targets)
            for argument, tensor in zip(loss.arguments, change(given), strict=False):
                (targets if argument.is_target else values)[argument.key] = tensor
            return (inner or loss_value)(loss, tensors, values, targets)

        return plan.with_loss(rule)

    return alter


def forms(case: Case) -> tuple[Form, ...]:
    """The forms that the claim could tell apart: one, unless the loss is claimed beside other numbers."""
    if Quantity.LOSS not in case.claimed_quantities:
        return (Form.BOTH,)
    return (Form.BOTH,) if case.claimed_quantities == {Quantity.LOSS} else tuple(Form)


RANK_OF_FORM = {Form.BOTH: 0, Form.GRADIENT: 2, Form.VALUE: 8}


def propose_formula(
    case: Case, formula: Formula, texts: Mapping[str, str] | None = None, rank: int = 0
) -> Iterator[Proposal]:
    """One proposal for each form; "{only}" in the texts says which."""
    for form in forms(case):
        told = {"only": form.value, **(texts or {})}
        yield Proposal(altered(formula, form), texts=told, rank=rank + RANK_OF_FORM[form])


def propose_gradient(formula: Formula, texts: Mapping[str, str] | None = None, rank: int = 0) -> Proposal:
    """A formula for the gradient; the value stays."""
    return Proposal(altered(formula, Form.GRADIENT), texts=dict(texts or {}), rank=rank)


def times(factor: Callable[[Given], float]) -> Formula:
    """The loss multiplied by a factor."""
    return lambda given: given.before() * factor(given)


def given_of(case: Case) -> Given:
    """The loss's module and arguments of the first step, to decide what can be proposed."""
    return Given(case.loss_module, case.loss_arguments, lambda: torch.zeros((), dtype=torch.float64))


def reduced(elements: torch.Tensor, module: Any) -> torch.Tensor:
    """Elements summed or averaged as the declared loss does."""
    reduction = getattr(module, "reduction", "mean")
    if reduction == "batchmean":
        return elements.sum() / samples(elements)
    return elements.sum() if reduction == "sum" else elements.mean()


def samples(prediction: torch.Tensor) -> int:
    """N: the first size; 1 where there is only one dimension or none."""
    return int(prediction.shape[0]) if prediction.dim() > 1 else 1


def with_attributes(module: Any, **attributes: Any) -> Any:
    """A copy of the loss with other arguments."""
    copied = copy.deepcopy(module)
    for name, value in attributes.items():
        setattr(copied, name, value)
    return copied


def call(module: Any, *arguments: torch.Tensor) -> torch.Tensor:
    """The loss of these arguments."""
    result: torch.Tensor = module(*arguments)
    return result


def upstream(given: Given) -> torch.Tensor:
    """∂L/∂(prediction), as PyTorch has it, detached."""
    leaf = given.prediction.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(call(given.module, leaf, *given.arguments[1:]), leaf)
    return gradient


def passing(gradient: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """A number whose gradient with respect to the prediction is the given tensor."""
    return (gradient.detach() * prediction).sum()


def source_type(case: Case) -> str:
    """The type of the node that the loss takes its first argument from; empty for an input or without a loss."""
    node = source_node(case)
    return case.training.program.node(node).operation.type_name if node else ""


def source_node(case: Case) -> str:
    """The name of that node; empty for an input or without a loss."""
    loss = case.training.program.loss
    name = loss.arguments[0].key.partition(":")[0] if loss else ""
    return name if any(node.name == name for node in case.training.program.nodes) else ""


def class_dimension(prediction: torch.Tensor) -> int:
    """The dimension of the classes, as the classification losses have it."""
    return 0 if prediction.dim() == 1 else 1


def divisor(given: Given) -> float:
    """What the mean of the declared loss divides the sum by."""
    module = given.module
    name = type(module).__name__
    if name in ELEMENTWISE:
        shape = torch.broadcast_shapes(given.prediction.shape, given.target.shape)  # type: ignore[no-untyped-call]
        return float(shape.numel())
    if name in ("CrossEntropyLoss", "NLLLoss", "LinearCrossEntropyLoss") and not given.target.is_floating_point():
        ignored = module.ignore_index if module.ignore_index is not None else -100
        kept = given.target[given.target != ignored]
        return float(module.weight[kept].sum()) if module.weight is not None else float(kept.numel())
    return float(rows(given))


def rows(given: Given) -> int:
    """Number of rows that have a loss value each, in a loss that has one per sample."""
    name, prediction = type(given.module).__name__, given.prediction
    if name == "CosineEmbeddingLoss":
        return given.arguments[2].numel()
    if name.startswith("TripletMargin"):
        return prediction.numel() // max(prediction.shape[-1], 1)
    if name in ("AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss"):
        return given.target.numel()
    return prediction.numel() // max(prediction.shape[class_dimension(prediction)], 1)
