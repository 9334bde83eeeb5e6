"""Places where variants act: which nodes are activations, which one is the output, and proposals for one or for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from inspect import getclosurevars
from typing import Any

import torch
from torch import nn

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..rules import ordinary, rewire
from ..variant import Proposal

Tensors = dict[str, torch.Tensor]
Inputs = tuple[torch.Tensor, ...]
Factor = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

MOST_SINGLES = 24
"""Most nodes that are each proposed alone; in larger networks the later ones are proposed only together."""

ACTIVATIONS = frozenset({
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid", "Mish",
    "PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink",
    "Threshold",
})  # fmt: skip
"""Layers that act element by element."""

AS_LAYER = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU"}
"""Elementwise functions that are a layer too."""

NO_ACTIVATION = frozenset({"", "neg", "sign", "floor", "round"})
SHAPES_ONLY = frozenset({"Flatten", "Unflatten", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Permute", "Transpose"})


def activation(node: Node) -> str:
    """Which activation a node is, by the name of its layer, or of the function where there is no layer; else ""."""
    operation = node.operation
    if operation.type_name in ACTIVATIONS:
        return operation.type_name
    if operation.type_name != "Elementwise":
        return ""
    name = str(getattr(operation.function, "__name__", ""))
    return AS_LAYER.get(name, "" if name in NO_ACTIVATION else name)


def activations(case: Case, kinds: Iterable[str] = ()) -> list[Node]:
    """The nodes that are activations, of these kinds or of any."""
    wanted = frozenset(kinds)
    return [node for node in case.nodes() if activation(node) and (not wanted or activation(node) in wanted)]


def module_of(node: Node) -> Any:
    """The layer as a module of torch.nn, a template whose attributes are its arguments."""
    assert node.operation.module is not None
    return node.operation.module.module


def by_module(node: Node, module: nn.Module) -> NodeCall:
    """The rule of a layer whose place another module takes, in the mode, train or eval, of the run."""
    assert node.operation.module is not None
    built = replace(node.operation.module, module=module)

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        module.train(module_of(node).training)
        outputs = built.call(tensors, inputs, named)
        return outputs if len(outputs) > 1 else outputs[0]

    return rule


def captured(node: Node) -> Mapping[str, Any]:
    """What the function of a node was made from: its arguments by name."""
    function = node.operation.function
    return getclosurevars(function).nonlocals if function is not None and hasattr(function, "__closure__") else {}


def output_node(case: Case) -> Node | None:
    """The node that makes the prediction, nodes that only change its shape passed over; None where it is an input."""
    program = case.training.program
    key = program.loss.arguments[0].key if program.loss else program.outputs[0]
    by_key = {node.key(node.output): node for node in program.nodes}
    node = by_key.get(key)
    while node is not None and node.operation.type_name in SHAPES_ONLY and node.inputs:
        node = by_key.get(node.inputs[0])
    return node


def producer(case: Case, key: str) -> Node | None:
    """The node that makes the value of that key; None for an input of the network."""
    name = key.partition(":")[0]
    return next((node for node in case.nodes() if node.name == name), None)


def parameter_of(case: Case, node: Node, inner: str) -> str:
    """The name in the problem of a parameter of a node, ties resolved; "" where the node has none of that name."""
    outer = node.tensors.get(inner, "")
    return case.training.program.tied.get(outer, outer)


def shape(case: Case, node: Node, inner: str = "weight") -> torch.Size:
    """The shape of a parameter of a node; empty where it has none of that name."""
    tensor = case.training.program.parameters.get(parameter_of(case, node, inner))
    return tensor.shape if tensor is not None else torch.Size()


def is_square(case: Case, node: Node, inner: str = "weight") -> bool:
    """Whether a parameter of a node is a matrix of as many rows as columns, more than one."""
    found = shape(case, node, inner)
    return len(found) == 2 and found[0] == found[1] > 1


def at_nodes(nodes: Sequence[Node], rule: NodeCall, texts: Mapping[str, str] | None = None, rank: int = 0) -> Proposal:
    """One rule at some nodes together."""
    rules = {node.name: rule for node in nodes}
    return Proposal(lambda plan: plan.with_nodes(rules), tuple(rules), texts or {}, rank)


def at_each(
    nodes: Sequence[Node],
    rule: NodeCall,
    texts: Callable[[Sequence[Node]], Mapping[str, str]] | Mapping[str, str] | None = None,
    rank: int = 0,
    together: int = -5,
) -> Iterator[Proposal]:
    """One rule at all nodes together, where there are several, and at each alone; `together` adds to the first rank."""

    def made(some: Sequence[Node]) -> Mapping[str, str]:
        return texts(some) if callable(texts) else (texts or {})

    if len(nodes) > 1:
        yield at_nodes(nodes, rule, made(nodes), rank + together)
    for node in nodes[:MOST_SINGLES]:
        yield at_nodes([node], rule, made([node]), rank)


def passed(value: torch.Tensor, *paths: torch.Tensor) -> torch.Tensor:
    """`value` in the forward pass; each path gets the upstream gradient, as if the value were their sum."""
    return rewire(value, paths, lambda upstream: (upstream,) * len(paths))


def slope(function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The derivative of an elementwise function at x."""
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        (found,) = torch.autograd.grad(function(at).sum(), at)
    return found


def own_slope(node: Node, tensors: Tensors, named: Any, at: torch.Tensor) -> torch.Tensor:
    """The derivative of a node's elementwise function."""
    fixed = {name: tensor.detach() for name, tensor in tensors.items()}
    return slope(lambda x: ordinary(node, fixed, (x,), named), at)


def with_factor(factor: Callable[[Node, Tensors, Any, torch.Tensor, torch.Tensor], torch.Tensor]) -> NodeCall:
    """The rule of an elementwise node whose local derivative is `factor(node, tensors, named, x, y)`.

    The gradient of a parameter of the node (of PReLU) stays as it is.
    """

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        x = inputs[0]
        y = ordinary(node, tensors, inputs, named)
        own = (ordinary(node, tensors, (x.detach(),), named),) if node.tensors else ()
        derivative = factor(node, tensors, named, x.detach(), y.detach())
        return rewire(y, (x, *own), lambda u: (u * derivative, *(u for _ in own)))

    return rule


def times_upstream(factor: Callable[[torch.Tensor], torch.Tensor | float]) -> NodeCall:
    """The rule of a node that multiplies the gradient coming in from above by `factor(y)`, its value unchanged."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        outputs = ordinary(node, tensors, inputs, named)
        y = outputs[0] if isinstance(outputs, tuple) else outputs
        first = rewire(y, (y,), lambda u: (u * factor(y.detach()),))
        return (first, *outputs[1:]) if isinstance(outputs, tuple) else first

    return rule
