"""Variants of what is told: weights for gradients, optimizer state, rounded numbers, elements in other orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from typing import Any

import torch

from ...network import Node
from ...types import PrintedDecimals, Quantity, TensorId
from ..case import Case
from ..plan import Plan, Report, same
from ..recurrent import kind_of
from ..rules import ordinary, rewire
from ..variant import Proposal, Stage, Variant
from .gates import order_text
from .gru import ORDERS as GRU_ORDERS
from .layouts import changed_reports, convolutions, in_gradient
from .lstm import ORDERS as LSTM_ORDERS
from .recurrences import recurrent_nodes
from .sites import MOST_SINGLES, Inputs, Tensors, parameter_of, shape

Tensor = torch.Tensor
Change = Callable[[Tensor], Tensor]
GRADIENT = frozenset({Quantity.GRADIENT})

MOST_DECIMALS = 6
SIGNIFICANT = (2, 3, 4, 5, 6)
NARROW = (("float16", torch.float16), ("bfloat16", torch.bfloat16))


def taken_for(wrong: Quantity, source: Quantity, name: str = "{}") -> Report:
    """One quantity of each parameter told as another; `name` of the source is made from the parameter's."""

    def report(id: TensorId) -> tuple[TensorId, Change]:
        return (replace(id, quantity=source, name=name.format(id.name)), same) if id.quantity is wrong else (id, same)

    return report


OF_PARAMETERS = frozenset({Quantity.GRADIENT, Quantity.UPDATED})


def where_parameters_are_claimed(propose: Callable[[Case], Iterator[Proposal]]) -> Callable[[Case], Iterator[Proposal]]:
    """The same proposals, but none where neither gradients nor new weights are claimed."""
    return lambda case: propose(case) if case.claimed_quantities & OF_PARAMETERS else iter(())


def _with(report: Report) -> Callable[[Plan], Plan]:
    return lambda plan: plan.with_report(report)


def _gradient_as_weights(case: Case) -> Iterator[Proposal]:
    if Quantity.UPDATED in case.claimed_quantities:
        yield Proposal(_with(taken_for(Quantity.UPDATED, Quantity.GRADIENT)))


def _weights_as_gradient(case: Case) -> Iterator[Proposal]:
    if Quantity.GRADIENT not in case.claimed_quantities:
        return
    before = case.training.parameters_before

    def report(id: TensorId) -> tuple[TensorId, Change]:
        if id.quantity is not Quantity.GRADIENT:
            return id, same
        return id, lambda tensor: before[id.name].to(tensor)

    yield Proposal(_with(report), texts={"which": "the weights themselves"})
    if case.training.optimizer is not None:
        updated = taken_for(Quantity.GRADIENT, Quantity.UPDATED)
        yield Proposal(_with(updated), texts={"which": "the weights after the step"}, rank=2)


def _state_as_gradient(case: Case) -> Iterator[Proposal]:
    if Quantity.GRADIENT not in case.claimed_quantities:
        return
    arguments = case.optimizer_arguments
    if case.optimizer_type == "SGD" and arguments["momentum"]:
        report = taken_for(Quantity.GRADIENT, Quantity.STATE, "{}.momentum_buffer")
        yield Proposal(_with(report), texts={"which": "momentum buffer"})
    if case.optimizer_type in ("Adam", "AdamW", "NAdam", "RAdam", "Adamax"):
        report = taken_for(Quantity.GRADIENT, Quantity.STATE, "{}.exp_avg")
        yield Proposal(_with(report), texts={"which": "first moment m"})


def everything(change: Change) -> Callable[[Plan], Plan]:
    """All that is told changed the same way."""
    return _with(lambda id: (id, change))


def to_decimals(digits: int) -> Change:
    """Rounded to so many digits after the point."""
    return lambda tensor: torch.round(tensor, decimals=digits)


def cut_to_decimals(digits: int) -> Change:
    """Further digits after the point left out."""
    return lambda tensor: torch.trunc(tensor * 10.0**digits) / 10.0**digits


def to_significant(digits: int) -> Change:
    """Rounded to so many significant digits."""

    def change(tensor: Tensor) -> Tensor:
        exponent = torch.floor(torch.log10(tensor.abs().clamp_min(1e-300)))
        unit = 10.0 ** (exponent - (digits - 1))
        return torch.where(tensor == 0, tensor, torch.round(tensor / unit) * unit)

    return change


def _printed(case: Case) -> int:
    """The least number of decimals that the claim says it has, 99 for types of floating-point numbers."""
    given = [t.precision.digits for t in case.claim if isinstance(t.precision, PrintedDecimals)]
    return min(given) if given and len(given) == len(case.claim) else 99


def _survives(case: Case, change: Change) -> bool:
    """Whether some number of a disagreeing tensor is not zero afterwards."""
    names = case.disagreeing or case.ids
    return any(bool(change(case.reference[id].double()).any()) for id in names if id in case.reference)


def _rounded(case: Case) -> Iterator[Proposal]:
    printed = _printed(case)
    for digits in range(min(MOST_DECIMALS, printed - 1), -1, -1):
        more = 5 * (MOST_DECIMALS - digits)
        for how, change, rank in (("rounded to", to_decimals(digits), 0), ("cut to", cut_to_decimals(digits), 3)):
            if _survives(case, change):
                texts = {"how": how, "what": "whole numbers" if digits == 0 else f"{digits} decimal(s)"}
                yield Proposal(everything(change), texts=texts, rank=more + rank)
    for digits in SIGNIFICANT:
        texts = {"how": "rounded to", "what": f"{digits} significant digits"}
        yield Proposal(everything(to_significant(digits)), texts=texts, rank=5 * (7 - digits))


def _narrow(case: Case) -> Iterator[Proposal]:
    for name, dtype in NARROW:
        change: Change = lambda tensor, dtype=dtype: tensor.to(dtype).double()  # type: ignore[misc]  # noqa: E731
        yield Proposal(everything(change), texts={"dtype": name})


def rounding_at_nodes(digits: int, backward: bool) -> Callable[..., Any]:
    """The rule of a node whose values, and perhaps whose upstream gradients, are rounded to so many decimals."""

    def rounded(value: Tensor) -> Tensor:
        if not value.is_floating_point():
            return value
        told = torch.round(value.detach(), decimals=digits)
        return rewire(told, (value,), lambda u: (torch.round(u, decimals=digits) if backward else u,))

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        outputs = ordinary(node, tensors, inputs, named)
        return tuple(map(rounded, outputs)) if isinstance(outputs, tuple) else rounded(outputs)

    return rule


def _rounded_on_the_way(case: Case) -> Iterator[Proposal]:
    names = [node.name for node in case.nodes() if node.operation.constant is None]
    for digits in (4, 3, 2, 1):
        for backward in (False, True):
            rule = rounding_at_nodes(digits, backward)
            texts = {"digits": str(digits), "which": "values and errors" if backward else "values"}
            rules = dict.fromkeys(names, rule)
            rank = 5 * (4 - digits) + backward
            yield Proposal(lambda plan, rules=rules: plan.with_nodes(rules), texts=texts, rank=rank)  # type: ignore[misc]


GATES: Mapping[str, tuple[str, Mapping[str, str], Mapping[str, str]]] = {
    "GRU": ("rzn", GRU_ORDERS, {}),
    "LSTM": ("ifgo", LSTM_ORDERS, {"g": "c"}),
}


def arranged(order: str, gates: str) -> Change:
    """Blocks in torch's order `gates` told in another."""
    places = [gates.index(gate) for gate in order]

    def change(tensor: Tensor) -> Tensor:
        parts = tensor.chunk(len(gates), 0)
        return torch.cat([parts[place] for place in places])

    return change


def _gate_blocks(case: Case) -> Iterator[Proposal]:
    for kind, (gates, known, names) in GATES.items():
        nodes = recurrent_nodes(case, (kind,))
        parameters = tuple(
            parameter_of(case, node, inner)
            for node in nodes
            for inner in node.tensors
            if not inner.startswith("weight_hr")
        )
        if not parameters:
            continue
        for order in map("".join, permutations(gates)):
            if order == gates:
                continue
            texts = {"order": order_text(order, known, names), "kind": kind_of(nodes[0])}
            sites, change, rank = (
                tuple(node.name for node in nodes),
                arranged(order, gates),
                0 if order in known else 25,
            )
            yield Proposal(changed_reports(parameters, GRADIENT, change), sites, texts, rank)
            if Quantity.UPDATED in case.claimed_quantities:
                both = GRADIENT | {Quantity.UPDATED}
                yield Proposal(changed_reports(parameters, both, change), sites, texts, rank + 1)


def _many_dimensional(case: Case) -> list[str]:
    shapes = case.training.program.parameters
    return [name for name, t in shapes.items() if t.dim() > 2 and sum(size > 1 for size in t.shape) > 1]


def column_major(tensor: Tensor) -> Tensor:
    """The elements in column-major order, written row by row."""
    return tensor.permute(*reversed(range(tensor.dim()))).reshape(tensor.shape)


def from_column_major(tensor: Tensor) -> Tensor:
    """The elements, taken as column-major."""
    return tensor.reshape(*reversed(tensor.shape)).permute(*reversed(range(tensor.dim())))


def _column_major(case: Case) -> Iterator[Proposal]:
    names = _many_dimensional(case)
    yield from in_gradient(names, column_major, 0, "written down column by column")
    shapes = case.training.program.parameters
    matrices = [n for n, t in shapes.items() if t.dim() == 2 and t.shape[0] != t.shape[1] and min(t.shape) > 1]
    yield from in_gradient(names + matrices, from_column_major, 3, "read column by column")


def _kernels(case: Case) -> list[str]:
    nodes = [n for n in convolutions(case) if shape(case, n).numel() > 1]
    return [parameter_of(case, node, "weight") for node in nodes][:MOST_SINGLES]


def _channels_last(case: Case) -> Iterator[Proposal]:
    def spatial_first(g: Tensor) -> Tensor:
        return g.permute(*range(2, g.dim()), 1, 0).reshape(g.shape)

    def channels_last(g: Tensor) -> Tensor:
        return g.permute(0, *range(2, g.dim()), 1).reshape(g.shape)

    yield from in_gradient(_kernels(case), spatial_first, 0, "(height, width, in, out), as in Keras and JAX")
    yield from in_gradient(_kernels(case), channels_last, 3, "(out, height, width, in)")


def _weight_for_bias(case: Case) -> Iterator[Proposal]:
    for node in case.nodes():
        weight, bias = parameter_of(case, node, "weight"), parameter_of(case, node, "bias")
        if not weight or not bias or shape(case, node, "weight").numel() != shape(case, node, "bias").numel():
            continue
        sizes = {weight: shape(case, node, "weight"), bias: shape(case, node, "bias")}
        if sizes[weight] != sizes[bias]:
            for quantities, rank in ((GRADIENT, 3), (GRADIENT | {Quantity.UPDATED}, 0)):
                yield Proposal(_with(_exchanged(weight, bias, sizes, quantities)), (weight, bias), rank=rank)


def _exchanged(weight: str, bias: str, sizes: Mapping[str, torch.Size], quantities: frozenset[Quantity]) -> Report:
    other = {weight: bias, bias: weight}

    def report(id: TensorId) -> tuple[TensorId, Change]:
        if id.quantity not in quantities or id.name not in other:
            return id, same
        return replace(id, name=other[id.name]), lambda tensor: tensor.reshape(sizes[id.name])

    return report


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="layout.gradient_told_as_weights",
        stage=Stage.LAYOUT,
        title="What you call the new weights is the gradient.",
        explanation="New weights are w − η·∂L/∂w (with plain gradient descent). The numbers are ∂L/∂w itself.",
        advice="Claim them as gradients, or subtract η times the gradient from the weights.",
        propose=_gradient_as_weights,
        rank=25,
        look_alikes=("update.change_instead_of_weights",),
        probe="Use weights that are not zero and a learning rate other than 1.",
    ),
    Variant(
        code="layout.weights_told_as_gradient",
        stage=Stage.LAYOUT,
        title="What you call the gradient is {which}.",
        explanation="The numbers are those of the parameters, not of ∂L/∂w.",
        advice="Claim the gradient (in PyTorch w.grad), or claim these numbers as updated weights.",
        propose=_weights_as_gradient,
        rank=35,
    ),
    Variant(
        code="layout.state_told_as_gradient",
        stage=Stage.LAYOUT,
        title="What you call the gradient is the optimizer's {which}.",
        explanation="The optimizer keeps averages of gradients. The numbers are those of its {which} after the step; "
        "the gradient is what enters it.",
        advice="Claim the gradient before the optimizer takes it, or claim these numbers as the optimizer's state.",
        propose=_state_as_gradient,
        rank=25,
        look_alikes=("gradient.scaled_by_constant",),
        probe="In the second step the state is no multiple of the gradient any more.",
    ),
    Variant(
        code="layout.rounded",
        stage=Stage.LAYOUT,
        title="Your numbers are right, but {how} {what}; they are claimed to be more precise.",
        explanation="All of them are PyTorch's, {how} {what}. With fewer digits than declared they look wrong.",
        advice="Declare the precision that your numbers have, or print more digits.",
        propose=_rounded,
        rank=20,
        convention=True,
        look_alikes=("layout.narrow_type",),
        probe="Print the numbers with all their digits.",
    ),
    Variant(
        code="layout.narrow_type",
        stage=Stage.LAYOUT,
        title="Your numbers are right, but went through {dtype}; they are claimed to be more precise.",
        explanation="All of them are PyTorch's, rounded to {dtype} (float16 keeps 11 binary digits, bfloat16 8).",
        advice="Declare {dtype} as the type of the claim, or keep the numbers in float32 or float64.",
        propose=_narrow,
        rank=30,
        convention=True,
        look_alikes=("layout.rounded",),
    ),
    Variant(
        code="layout.rounded_on_the_way",
        stage=Stage.FORWARD,
        title="Your intermediate results are rounded to {digits} decimal(s): {which} of each layer.",
        explanation="The numbers are those of a computation that rounds the {which} of every node to {digits} "
        "decimal(s) and goes on with what is left, as one does with pencil and paper. PyTorch keeps all digits.",
        advice="Keep all digits until the end, or claim fewer decimals.",
        propose=_rounded_on_the_way,
        rank=45,
        probe="Repeat the computation without rounding in between.",
    ),
    Variant(
        code="layout.gate_blocks",
        stage=Stage.LAYOUT,
        title="The gradients of the {kind} {sites} are told with their gates in the order {order}.",
        explanation="PyTorch stacks the blocks of rows as r, z, n (GRU) and i, f, c, o (LSTM). Values and loss are "
        "right; the blocks of the gradient stand in the order {order}.",
        advice="Rearrange the blocks of the gradient.",
        propose=where_parameters_are_claimed(_gate_blocks),
        rank=15,
        convention=True,
        look_alikes=("gru.gate_order", "lstm.gate_order"),
        probe="Claim the loss too: weights read in another order change it.",
        source="Keras and ONNX have z, r, n for a GRU; ONNX has i, o, f, c for an LSTM.",
    ),
    Variant(
        code="layout.column_major",
        stage=Stage.LAYOUT,
        title="The elements of the gradient of {sites} are {used}.",
        explanation="PyTorch and NumPy write tensors row by row (the last index runs fastest), Fortran, MATLAB, R and "
        "Julia column by column. The numbers are right, their order is that of the other convention. {told}",
        advice="Reshape with order='F', or reverse the dimensions first.",
        propose=where_parameters_are_claimed(_column_major),
        rank=30,
        convention=True,
        look_alikes=("layout.gradient_reshaped", "layout.gradient_transposed"),
        source="MATLAB, R, Julia and Fortran store column by column.",
    ),
    Variant(
        code="layout.kernel_memory_order",
        stage=Stage.LAYOUT,
        title="The numbers of the kernel gradient of {sites} stand in the order {used}.",
        explanation="PyTorch keeps kernels as (out, in, height, width). The numbers are right, but run through the "
        "kernel in the order {used}. {told}",
        advice="Permute the dimensions before reshaping.",
        propose=where_parameters_are_claimed(_channels_last),
        rank=28,
        convention=True,
        source="Keras and JAX keep kernels as (height, width, in, out).",
    ),
    Variant(
        code="layout.weight_and_bias_swapped",
        stage=Stage.LAYOUT,
        title="The numbers of weight and bias are exchanged: {sites}.",
        explanation="Both have the same number of elements here. The numbers of one are told under the name of the "
        "other.",
        advice="Exchange the names.",
        propose=where_parameters_are_claimed(_weight_for_bias),
        rank=30,
        look_alikes=("layout.tensors_swapped",),
    ),
)
