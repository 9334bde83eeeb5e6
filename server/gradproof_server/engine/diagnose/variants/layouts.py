"""Variants of how weights are laid out: transposed, reshaped, reversed, and tensors taken for one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import torch
from torch.nn import functional as F

from ...network import Node
from ...run import Moment, Named
from ...types import Quantity, TensorId
from ..case import Case
from ..plan import Plan, Report, same
from ..rules import ordinary
from ..variant import Proposal, Stage, Variant
from .sites import MOST_SINGLES, at_each, is_square, parameter_of, shape

Change = Callable[[torch.Tensor], torch.Tensor]

MOST_PAIRS = 60
"""Most pairs of parameters that are proposed as swapped."""


def transposed_forward(
    node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any
) -> Any:
    """x W + b."""
    return F.linear(inputs[0], tensors["weight"].mT, tensors.get("bias"))


def reshaped_forward(node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any) -> Any:
    """x V + b, V being the numbers of W in order as a matrix (in, out)."""
    w = tensors["weight"]
    return F.linear(inputs[0], w.reshape(w.shape[1], w.shape[0]).mT, tensors.get("bias"))


def channels_forward(node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any) -> Any:
    """A convolution with input and output channels of its kernel exchanged."""
    return ordinary(node, {**tensors, "weight": tensors["weight"].transpose(0, 1)}, inputs, named)


def kernel_forward(node: Node, tensors: dict[str, torch.Tensor], inputs: tuple[torch.Tensor, ...], named: Any) -> Any:
    """A convolution with height and width of its kernel exchanged."""
    return ordinary(node, {**tensors, "weight": tensors["weight"].transpose(-1, -2)}, inputs, named)


def square_linear(case: Case) -> list[Node]:
    """Linear layers with a square weight."""
    return [node for node in case.nodes("Linear") if is_square(case, node)]


def convolutions(case: Case) -> list[Node]:
    """Convolutions of any kind."""
    return case.nodes(*(f"Conv{kind}{d}d" for kind in ("", "Transpose") for d in (1, 2, 3)))


def weight_transposed(case: Case) -> Iterator[Proposal]:
    """W used as (in, out)."""
    return at_each(square_linear(case), transposed_forward)


def weight_reshaped(case: Case) -> Iterator[Proposal]:
    """W used as (in, out) in the order of its numbers."""
    nodes = [node for node in case.nodes("Linear") if not is_square(case, node) and min(shape(case, node)) > 1]
    return at_each(nodes, reshaped_forward)


def channels_swapped(case: Case) -> Iterator[Proposal]:
    """Kernels with as many input as output channels."""
    nodes = [n for n in convolutions(case) if len(shape(case, n)) > 2 and shape(case, n)[0] == shape(case, n)[1] > 1]
    return at_each(nodes, channels_forward)


def kernel_transposed(case: Case) -> Iterator[Proposal]:
    """Kernels as high as wide."""
    nodes = [n for n in convolutions(case) if len(shape(case, n)) > 3 and shape(case, n)[-1] == shape(case, n)[-2] > 1]
    return at_each(nodes, kernel_forward)


def changed_gradients(names: tuple[str, ...], change: Change) -> Callable[[Plan], Plan]:
    """The gradients of some parameters changed, and the step taken with them."""

    def rule(gradients: Named, moment: Moment) -> Named:
        return {name: change(g).contiguous() if name in names else g for name, g in gradients.items()}

    return lambda plan: plan.with_gradients(rule)


def changed_reports(names: tuple[str, ...], quantities: frozenset[Quantity], change: Change) -> Callable[[Plan], Plan]:
    """Only what is told of some parameters changed."""

    def report(id: TensorId) -> tuple[TensorId, Change]:
        return id, change if id.quantity in quantities and id.name in names else same

    return lambda plan: plan.with_report(report)


def in_gradient(
    names: list[str], change: Change, rank: int = 0, used: str = "", only_built_on: bool = False
) -> Iterator[Proposal]:
    """A change of the gradients of all these parameters, and of each; with the step built on it, or only as told."""
    groups = ([tuple(names)] if len(names) > 1 else []) + [(name,) for name in names[:MOST_SINGLES]]
    for group in groups:
        less = -5 if len(group) > 1 else 0
        told = "The update is built on it too."
        yield Proposal(changed_gradients(group, change), group, {"used": used, "told": told}, rank + less)
    for group in () if only_built_on else groups:
        less = -5 if len(group) > 1 else 0
        gradient = frozenset({Quantity.GRADIENT})
        everything = frozenset({Quantity.GRADIENT, Quantity.UPDATED})
        told = "The update is right; only the gradient is told this way."
        yield Proposal(changed_reports(group, gradient, change), group, {"used": used, "told": told}, rank + less + 5)
        told = "Gradient and updated weight are told this way."
        yield Proposal(changed_reports(group, everything, change), group, {"used": used, "told": told}, rank + less + 6)


def transposed(tensor: torch.Tensor) -> torch.Tensor:
    """The transposed matrix."""
    return tensor.mT


def square_parameters(case: Case) -> list[str]:
    """Parameters that are square matrices, those of Linear and Bilinear first."""
    shapes = case.training.program.parameters.items()
    return [name for name, like in shapes if like.dim() == 2 and like.shape[0] == like.shape[1] > 1]


def gradient_transposed(case: Case) -> Iterator[Proposal]:
    """Square weights."""
    return in_gradient(square_parameters(case), transposed)


def gradient_reshaped(case: Case) -> Iterator[Proposal]:
    """Weights that are not square: the transposed gradient written into the shape of the weight."""
    shapes = case.training.program.parameters.items()
    names = [name for name, t in shapes if t.dim() == 2 and t.shape[0] != t.shape[1] and min(t.shape) > 1]
    return in_gradient(names, lambda g: g.mT.reshape(g.shape))


def channels_of_gradient(case: Case) -> Iterator[Proposal]:
    """Kernels: channels exchanged."""
    names = [
        parameter_of(case, n, "weight")
        for n in convolutions(case)
        if len(shape(case, n)) > 2 and shape(case, n)[0] == shape(case, n)[1] > 1
    ]
    return in_gradient(names, lambda g: g.transpose(0, 1))


def spatial_gradient(case: Case) -> Iterator[Proposal]:
    """Kernels: height and width exchanged."""
    names = [
        parameter_of(case, n, "weight")
        for n in convolutions(case)
        if len(shape(case, n)) > 3 and shape(case, n)[-1] == shape(case, n)[-2] > 1
    ]
    return in_gradient(names, lambda g: g.transpose(-1, -2))


def reversed_units(case: Case) -> Iterator[Proposal]:
    """Rows, columns, or both in reverse order."""
    shapes = dict(case.training.program.parameters)
    matrices = [name for name, t in shapes.items() if t.dim() == 2]
    rows = [name for name, t in shapes.items() if t.dim() >= 1 and t.shape[0] > 1]
    columns = [name for name in matrices if shapes[name].shape[1] > 1]
    yield from in_gradient(rows, lambda g: g.flip(0), 0, "output units", True)
    yield from in_gradient(columns, lambda g: g.flip(1), 2, "input units", True)
    both = [name for name in columns if shapes[name].shape[0] > 1]
    yield from in_gradient(both, lambda g: g.flip(0, 1), 8, "input and output units", True)


def shifted_units(case: Case) -> Iterator[Proposal]:
    """Rows or columns moved by one."""
    shapes = dict(case.training.program.parameters)
    for dim, used in ((0, "output units"), (1, "input units")):
        names = [name for name, t in shapes.items() if t.dim() > dim and t.shape[dim] > 2]
        for by in (1, -1):
            yield from in_gradient(names, lambda g, by=by, dim=dim: g.roll(by, dim), 0, used, True)  # type: ignore[misc]


def swapped(first: str, second: str, quantities: frozenset[Quantity]) -> Report:
    """Tells one parameter's numbers under the other's name, both ways."""
    other = {first: second, second: first}

    def report(id: TensorId) -> tuple[TensorId, Change]:
        if id.quantity not in quantities or id.name not in other:
            return id, same
        return TensorId(id.step, id.quantity, other[id.name]), same

    return report


def tensors_swapped(case: Case) -> Iterator[Proposal]:
    """Pairs of parameters of one shape."""
    shapes = case.training.program.parameters
    pairs = [pair for pair in combinations(shapes, 2) if shapes[pair[0]].shape == shapes[pair[1]].shape]
    for first, second in pairs[:MOST_PAIRS]:
        gradient = frozenset({Quantity.GRADIENT})
        texts = {"first": first, "second": second}
        both = swapped(first, second, gradient | {Quantity.UPDATED, Quantity.STATE})
        yield Proposal(lambda plan, r=both: plan.with_report(r), (first, second), texts)  # type: ignore[misc]
        only = swapped(first, second, gradient)
        yield Proposal(lambda plan, r=only: plan.with_report(r), (first, second), texts, 4)  # type: ignore[misc]
        yield Proposal(exchanged(first, second), (first, second), texts, 6)


def exchanged(first: str, second: str) -> Callable[[Plan], Plan]:
    """Each parameter moved by the other's gradient."""

    def rule(gradients: Named, moment: Moment) -> Named:
        if first not in gradients or second not in gradients:
            return gradients
        return {**gradients, first: gradients[second].clone(), second: gradients[first].clone()}

    return lambda plan: plan.with_gradients(rule)


def values_swapped(case: Case) -> Iterator[Proposal]:
    """Pairs of parameters of one shape whose values were exchanged before the step."""
    values = case.training.parameters_before
    pairs = [pair for pair in combinations(values, 2) if values[pair[0]].shape == values[pair[1]].shape]
    for first, second in pairs[:MOST_PAIRS]:
        if not torch.equal(values[first], values[second]):
            yield Proposal(with_values_exchanged(first, second), (first, second), {"first": first, "second": second})


def with_values_exchanged(first: str, second: str) -> Callable[[Plan], Plan]:
    """The step from exchanged values, each told under the name whose value it was."""

    def alter(plan: Plan) -> Plan:
        before = plan.training.parameters_before
        changed = {**before, first: before[second], second: before[first]}
        return plan.with_training(parameters_before=changed)

    return alter


OUT_IN = (
    "PyTorch keeps the weight of a linear layer as (out, in) and computes y = x·Wᵀ + b; Keras, JAX and many "
    "texts keep (in, out) and compute x·W. "
)
GRADIENT = "The gradient of a weight has the weight's layout, (out, in): ∂L/∂W = δᵀ·x for rows as samples. "

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="layout.weight_transposed",
        stage=Stage.LAYOUT,
        title="The weight of {sites} was used as (in, out), that is, transposed.",
        explanation=OUT_IN + "Your numbers need x·W; for a square weight no shape tells the difference.",
        advice="Send the transposed weight, or compute x·Wᵀ.",
        propose=weight_transposed,
        rank=8,
        convention=True,
        source="qudata.com/ml/ru/NN_Base_Torch_NN_Ref.html",
    ),
    Variant(
        code="layout.weight_reshaped",
        stage=Stage.LAYOUT,
        title="The weight of {sites} was read as (in, out) in the same order of numbers.",
        explanation=OUT_IN + "Your numbers need the weight's numbers poured row by row into an (in, out) matrix.",
        advice="Transpose the weight instead of reshaping it.",
        propose=weight_reshaped,
        rank=45,
    ),
    Variant(
        code="layout.gradient_transposed",
        stage=Stage.LAYOUT,
        title="The gradient of {sites} is transposed.",
        explanation=GRADIENT + "Your numbers are its transpose, the outer product xᵀ·δ. {told}",
        advice="Transpose the gradient, or take the outer product the other way round.",
        propose=gradient_transposed,
        rank=6,
        convention=True,
        source="github.com/iamtrask/Grokking-Deep-Learning/issues/23",
    ),
    Variant(
        code="layout.gradient_reshaped",
        stage=Stage.LAYOUT,
        title="The gradient of {sites} was reshaped where it should have been transposed.",
        explanation=GRADIENT
        + "Your numbers are those of the (in, out) gradient poured into the shape (out, in). {told}",
        advice="Use a transpose; a reshape keeps the order of the numbers and mixes rows with columns.",
        propose=gradient_reshaped,
        rank=25,
    ),
    Variant(
        code="layout.channels_swapped",
        stage=Stage.LAYOUT,
        title="Input and output channels of the kernel of {sites} are exchanged.",
        explanation="PyTorch keeps the kernel of a convolution as (out, in, height, width), that of a transposed one "
        "as (in, "
        "out, height, width). Your numbers exchange the first two.",
        advice="Permute the kernel before sending it.",
        propose=channels_swapped,
        rank=25,
        convention=True,
    ),
    Variant(
        code="layout.kernel_transposed",
        stage=Stage.LAYOUT,
        title="Height and width of the kernel of {sites} are exchanged.",
        explanation="PyTorch keeps a kernel as (out, in, height, width). Your numbers exchange height and width.",
        advice="Transpose the last two dimensions.",
        propose=kernel_transposed,
        rank=30,
    ),
    Variant(
        code="layout.gradient_channels_swapped",
        stage=Stage.LAYOUT,
        title="Input and output channels are exchanged in the gradient of {sites}.",
        explanation=(
            "The gradient of a kernel has the kernel's layout. Your numbers exchange its first two dimensions. {told}"
        ),
        advice="Permute the gradient.",
        propose=channels_of_gradient,
        rank=35,
    ),
    Variant(
        code="layout.gradient_kernel_transposed",
        stage=Stage.LAYOUT,
        title="Height and width are exchanged in the gradient of {sites}.",
        explanation="The gradient of a kernel has the kernel's layout. Your numbers exchange height and width. {told}",
        advice="Transpose the last two dimensions of the gradient.",
        propose=spatial_gradient,
        rank=35,
    ),
    Variant(
        code="layout.gradient_reversed",
        stage=Stage.LAYOUT,
        title="The {used} are in reverse order in the gradient of {sites}.",
        explanation="Row i of a weight's gradient belongs to output unit i, column j to input j. Your numbers have "
        "them in "
        "reverse order. {told}",
        advice="Put the units in the network's order.",
        propose=reversed_units,
        rank=40,
    ),
    Variant(
        code="layout.gradient_shifted",
        stage=Stage.LAYOUT,
        title="The {used} are shifted by one in the gradient of {sites}.",
        explanation="Row i of a weight's gradient belongs to output unit i, column j to input j. Your numbers are "
        "moved by one "
        "place. {told}",
        advice="Check the first index: counting from 0 or from 1.",
        propose=shifted_units,
        rank=60,
    ),
    Variant(
        code="layout.tensors_swapped",
        stage=Stage.LAYOUT,
        title="The numbers of {first} and {second} are exchanged.",
        explanation=(
            "Both have the same shape. What you give for {first} is right for {second}, and the other way round."
        ),
        advice="Exchange the two names.",
        propose=tensors_swapped,
        rank=10,
    ),
    Variant(
        code="layout.values_swapped",
        stage=Stage.LAYOUT,
        title="The values of {first} and {second} were exchanged before the step.",
        explanation="Both have the same shape. Your numbers follow if {first} starts with the value of {second}, and "
        "the other way round.",
        advice="Exchange the two values in the problem or in your code.",
        propose=values_swapped,
        rank=30,
    ),
)
