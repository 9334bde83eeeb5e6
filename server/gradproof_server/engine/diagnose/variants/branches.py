"""Variants where paths join: gradients of one path dropped, averaged or stopped, and tied weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import torch

from ...forward import NodeCall
from ...network import Node
from ...run import Moment, Named
from ..case import Case
from ..plan import Plan
from ..rules import ordinary, rewire
from ..variant import Proposal, Stage, Variant
from .sites import MOST_SINGLES, at_each, at_nodes, captured, output_node, passed, times_upstream

Tensors = dict[str, torch.Tensor]
Inputs = tuple[torch.Tensor, ...]


def cut(*slots: int) -> NodeCall:
    """The ordinary rule of a node that passes no gradient to some of its inputs."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        given = tuple(x.detach() if i in slots else x for i, x in enumerate(inputs))
        return ordinary(node, tensors, given, named)

    return rule


def stopped(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
    """The ordinary value without a gradient."""
    outputs = ordinary(node, tensors, inputs, named)
    return tuple(y.detach() for y in outputs) if isinstance(outputs, tuple) else outputs.detach()


def uses(case: Case) -> dict[str, list[tuple[Node, int]]]:
    """By the key of a value made by a node, the nodes and slots that take it, where there are several."""
    found: dict[str, list[tuple[Node, int]]] = defaultdict(list)
    for node in case.nodes():
        for slot, key in enumerate(node.inputs):
            found[key].append((node, slot))
    return {key: taken for key, taken in found.items() if len(taken) > 1 and key not in case.training.program.inputs}


def cutting(slots: list[tuple[Node, int]]) -> Callable[[Plan], Plan]:
    """No gradient through these inputs of nodes."""
    by_node: dict[str, list[int]] = defaultdict(list)
    for node, slot in slots:
        by_node[node.name].append(slot)
    rules = {name: cut(*taken) for name, taken in by_node.items()}
    return lambda plan: plan.with_nodes(rules)


def paths_dropped(case: Case) -> Iterator[Proposal]:
    """At each value used several times: all paths but one, or one path, without a gradient."""
    for key, taken in list(uses(case).items())[:MOST_SINGLES]:
        for kept in taken:
            others = [one for one in taken if one is not kept]
            texts = {"value": key, "kept": f"only the path through {kept[0].name}"}
            yield Proposal(cutting(others), (key,), texts)
        if len(taken) > 2:
            for one in taken:
                yield Proposal(
                    cutting([one]), (key,), {"value": key, "kept": f"all paths but that through {one[0].name}"}, 3
                )


def paths_averaged(case: Case) -> Iterator[Proposal]:
    """The mean over the paths."""
    for key, taken in list(uses(case).items())[:MOST_SINGLES]:
        name, _, output = key.partition(":")
        if not output:
            share = 1.0 / len(taken)
            node = case.training.program.node(name)
            yield at_nodes([node], times_upstream(lambda y, s=share: s), {"value": key, "count": str(len(taken))})  # type: ignore[misc]


def inputs_dropped(case: Case, *types: str) -> Iterator[Proposal]:
    """Nodes that join values: no gradient to one of their inputs."""
    for node in case.nodes(*types)[:MOST_SINGLES]:
        for slot, key in enumerate(node.inputs[:8]):
            if len(node.inputs) > 1:
                yield at_nodes([node], cut(slot), {"value": key})


def inputs_left_out(case: Case) -> Iterator[Proposal]:
    """Additions of which one term is forgotten in both passes."""

    def only(slot: int) -> NodeCall:
        return lambda node, tensors, inputs, named: inputs[slot].clone()

    for node in case.nodes("Add")[:MOST_SINGLES]:
        for slot in range(2):
            yield at_nodes([node], only(slot), {"value": node.inputs[1 - slot]})


def stopping(case: Case) -> Iterator[Proposal]:
    """Nodes whose value is taken without its gradient."""
    output = output_node(case)
    for node in case.nodes()[: 2 * MOST_SINGLES]:
        if output is None or node.name != output.name:
            yield at_nodes([node], stopped)


def gradient_rule(change: Callable[[tuple[torch.Tensor, ...]], tuple[torch.Tensor, ...]]) -> NodeCall:
    """The ordinary value; the gradients of the inputs changed."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        value = ordinary(node, tensors, inputs, named)
        doubles = tuple(rewire(x, (x,), lambda u: (u,)) for x in inputs)
        live = ordinary(node, tensors, change(doubles), named)
        return passed(value, live)

    return rule


def factor(slot: int, by: float) -> NodeCall:
    """The gradient of one input multiplied by a number."""

    def change(inputs: Inputs) -> Inputs:
        return tuple(rewire(x, (x,), lambda u: (u * by,)) if i == slot else x for i, x in enumerate(inputs))

    return gradient_rule(change)


def second_sign(case: Case) -> Iterator[Proposal]:
    """Subtract and Divide: the other sign for the second input."""
    yield from at_each(case.nodes("Subtract", "Divide"), factor(1, -1.0))


def product_terms(case: Case) -> Iterator[Proposal]:
    """Multiply and MatMul: one term of the product rule, or the factor forgotten."""
    yield from inputs_dropped(case, "Multiply", "MatMul", "Divide", "Einsum")

    def unscaled(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        a, b = inputs
        return passed(ordinary(node, tensors, inputs, named), a + b)

    def own(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        a, b = inputs
        value = ordinary(node, tensors, inputs, named)
        return passed(value, a * a.detach() + b * b.detach())

    for node in case.nodes("Multiply")[:MOST_SINGLES]:
        first, second = node.inputs
        yield at_nodes(
            [node], unscaled, {"value": f"{first} and {second}, each taking the upstream gradient alone,"}, 4
        )
        if first != second:
            yield at_nodes([node], own, {"value": f"{first} and {second}, each multiplied by itself,"}, 8)


def matrix_transposes(case: Case) -> Iterator[Proposal]:
    """MatMul of square matrices: a factor not transposed on the way back."""

    def rule(slot: int) -> NodeCall:
        def made(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
            a, b = inputs
            value = ordinary(node, tensors, inputs, named)
            first = a @ (b.detach().mT if slot == 0 else b.detach())
            second = (a.detach().mT if slot == 1 else a.detach()) @ b
            return passed(value, *(path for path in (first, second) if path.requires_grad))

        return made

    for node in case.nodes("MatMul")[:MOST_SINGLES]:
        for slot in range(2):
            other = case.value(node.inputs[1 - slot])
            if other.dim() >= 2 and other.shape[-1] == other.shape[-2] > 1:
                yield at_nodes([node], rule(slot), {"value": node.inputs[1 - slot]})


def projection(case: Case) -> Iterator[Proposal]:
    """Normalize: the norm as a constant."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        given, x = captured(node), inputs[0]
        norm = torch.linalg.vector_norm(x, given["p"], given["dim"], keepdim=True).clamp_min(given["eps"]).detach()
        return passed(ordinary(node, tensors, inputs, named), x / norm)

    return at_each(case.nodes("Normalize"), rule)


def tied_uses(case: Case) -> dict[str, list[tuple[Node, str]]]:
    """By parameter, the nodes that use it and their own name of it, where there are several."""
    found: dict[str, list[tuple[Node, str]]] = defaultdict(list)
    tied = case.training.program.tied
    for node in case.nodes():
        for inner, outer in node.tensors.items():
            name = tied.get(outer, outer)
            if name in case.training.program.parameters:
                found[name].append((node, inner))
    return {name: taken for name, taken in found.items() if len(taken) > 1}


def without(slots: list[tuple[Node, str]]) -> Callable[[Plan], Plan]:
    """These uses of a parameter give it no gradient."""
    by_node: dict[str, set[str]] = defaultdict(set)
    for node, inner in slots:
        by_node[node.name].add(inner)

    def rule(constant: set[str]) -> NodeCall:
        def made(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
            own = {name: t.detach() if name in constant else t for name, t in tensors.items()}
            return ordinary(node, own, inputs, named)

        return made

    rules = {name: rule(constant) for name, constant in by_node.items()}
    return lambda plan: plan.with_nodes(rules)


def groups_of_ties(case: Case) -> dict[tuple[str, ...], dict[str, list[tuple[Node, str]]]]:
    """Tied parameters, grouped by the nodes that share them."""
    groups: dict[tuple[str, ...], dict[str, list[tuple[Node, str]]]] = defaultdict(dict)
    for name, taken in tied_uses(case).items():
        groups[tuple(node.name for node, _ in taken)][name] = taken
    return groups


def one_use(case: Case) -> Iterator[Proposal]:
    """Shared parameters with the gradient of one use."""
    for nodes, parameters in groups_of_ties(case).items():
        for kept, node in enumerate(nodes[:MOST_SINGLES]):
            slots = [use for taken in parameters.values() for i, use in enumerate(taken) if i != kept]
            rank = 0 if kept in (0, len(nodes) - 1) else 5
            yield Proposal(without(slots), tuple(parameters), {"kept": node}, rank)


def averaged_uses(case: Case) -> Iterator[Proposal]:
    """Shared parameters with the mean over their uses."""
    for nodes, parameters in groups_of_ties(case).items():
        share = 1.0 / len(nodes)
        chosen = tuple(parameters)

        def rule(gradients: Named, moment: Moment, share: float = share, chosen: tuple[str, ...] = chosen) -> Named:
            return {name: g * share if name in chosen else g for name, g in gradients.items()}

        yield Proposal(lambda plan, r=rule: plan.with_gradients(r), chosen, {"count": str(len(nodes))})  # type: ignore[misc]


SUM = "A value that is used in several places gets the sum of the gradients that come back from all of them. "

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="backward.path_dropped",
        stage=Stage.BACKWARD,
        title="Of the paths that start at {value}, {kept} was differentiated.",
        explanation=SUM + "Your numbers hold {kept}: the others are overwritten or forgotten.",
        advice="Add the gradients of all uses: += instead of =.",
        propose=paths_dropped,
        rank=10,
        look_alikes=("backward.residual_path_dropped", "backward.product_rule_term_missing", "backward.detached"),
        source="github.com/karpathy/micrograd/issues/25",
    ),
    Variant(
        code="backward.paths_averaged",
        stage=Stage.BACKWARD,
        title="The gradients of the {count} paths that start at {value} were averaged instead of added.",
        explanation=SUM + "Your numbers need their mean.",
        advice="Add them.",
        propose=paths_averaged,
        rank=25,
    ),
    Variant(
        code="backward.residual_path_dropped",
        stage=Stage.BACKWARD,
        title="No gradient went back from {sites} to {value}.",
        explanation="A sum, or a concatenation, passes the gradient to each of its inputs. Your numbers leave out "
        "{value}, one "
        "arm of the branch.",
        advice="Send the gradient into every arm.",
        propose=lambda case: inputs_dropped(
            case, "Add", "Subtract", "Concatenate", "Stack", "Maximum", "Minimum", "Where"
        ),
        rank=10,
        look_alikes=("backward.path_dropped", "backward.detached"),
    ),
    Variant(
        code="layer.residual_left_out",
        stage=Stage.FORWARD,
        title="{value} was not added at {sites}.",
        explanation="The network adds two values there. Your numbers follow without {value}, in both passes.",
        advice="Add it, or take the addition out of the network.",
        propose=inputs_left_out,
        rank=15,
    ),
    Variant(
        code="backward.product_rule_term_missing",
        stage=Stage.BACKWARD,
        title="The product rule at {sites} lacks a term: {value} gets a wrong gradient.",
        explanation="(a·b)′ = a′·b + a·b′: a gets the upstream gradient times b, b gets it times a; a quotient has two "
        "terms "
        "as well. Your numbers leave out, or change, what goes to {value}.",
        advice="Differentiate with respect to both factors.",
        propose=product_terms,
        rank=14,
        look_alikes=("backward.path_dropped", "backward.detached"),
    ),
    Variant(
        code="backward.second_input_sign",
        stage=Stage.BACKWARD,
        title="The gradient of the second input of {sites} has the wrong sign.",
        explanation="(a − b)′ is −1 with respect to b, (a/b)′ is −a/b². Your numbers have it without the minus.",
        advice="Put the minus in.",
        propose=second_sign,
        rank=12,
    ),
    Variant(
        code="backward.matrix_not_transposed",
        stage=Stage.BACKWARD,
        title="{value} was not transposed in the backward pass of the matrix product {sites}.",
        explanation="For C = A·B the gradients are ∂L/∂A = U·Bᵀ and ∂L/∂B = Aᵀ·U. Your numbers use {value} as it is, "
        "which "
        "no shape forbids for a square matrix.",
        advice="Transpose it.",
        propose=matrix_transposes,
        rank=12,
    ),
    Variant(
        code="backward.normalize_projection_dropped",
        stage=Stage.BACKWARD,
        title="The norm was treated as a constant in the backward pass of {sites}.",
        explanation=(
            "x̂ = x/‖x‖ depends on x through the norm too: ∂L/∂x = (u − x̂·⟨x̂, u⟩)/‖x‖. Your numbers need u/‖x‖."
        ),
        advice="Subtract the projection on x̂.",
        propose=projection,
        rank=8,
        source="github.com/wy1iu/sphereface/issues/24",
    ),
    Variant(
        code="backward.tied_weight_one_use",
        stage=Stage.BACKWARD,
        title="{sites} is used several times; only the use in {kept} was differentiated.",
        explanation=SUM + "A shared weight is such a value. Your numbers hold the gradient of its use in {kept} alone.",
        advice="Add the gradients of all uses.",
        propose=one_use,
        rank=8,
    ),
    Variant(
        code="backward.tied_weight_averaged",
        stage=Stage.BACKWARD,
        title="The gradients of the {count} uses of {sites} were averaged instead of added.",
        explanation=SUM + "A shared weight is such a value. Your numbers need the mean.",
        advice="Add them.",
        propose=averaged_uses,
        rank=15,
    ),
    Variant(
        code="backward.detached",
        stage=Stage.BACKWARD,
        title="The gradient stops at {sites}.",
        explanation="Your numbers have no gradient behind {sites}, as after .detach(), .data, torch.no_grad() or a "
        "trip through NumPy.",
        advice="Let the gradient through, or declare what is behind as frozen.",
        propose=stopping,
        rank=22,
        look_alikes=("backward.path_dropped", "backward.residual_path_dropped"),
    ),
)
