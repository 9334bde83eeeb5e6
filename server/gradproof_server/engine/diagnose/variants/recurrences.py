"""Where recurrent variants can act, and what a case knows of a recurrent node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ...layers import RECURRENT
from ...network import Node
from ..case import Case
from ..recurrent import Unrolling, is_cell, module_of
from ..variant import Proposal
from .sites import at_each

Condition = Callable[[Case, Node], bool]


def always(case: Case, node: Node) -> bool:
    """Anywhere."""
    return True


def recurrent_nodes(case: Case, kinds: Iterable[str], when: Condition = always) -> list[Node]:
    """Layers and cells of these kinds ("RNN", "GRU", "LSTM") that fulfil the condition."""
    types = [name for kind in kinds for name in (kind, f"{kind}Cell")]
    return [node for node in case.nodes(*types) if when(case, node)]


def unrolled(
    way: Unrolling, kinds: tuple[str, ...] = RECURRENT, when: Condition = always, rank: int = 0
) -> Callable[[Case], Iterable[Proposal]]:
    """Proposals that unroll recurrent nodes that way."""
    return lambda case: at_each(recurrent_nodes(case, kinds, when), way.rule(), rank=rank)


def unrolled_by(
    ways: Callable[[Case, list[Node]], Iterable[tuple[Unrolling, dict[str, str], int]]],
    kinds: tuple[str, ...] = RECURRENT,
    when: Condition = always,
) -> Callable[[Case], Iterable[Proposal]]:
    """Proposals for several ways, each with its texts and its rank; `ways` is asked where there is a node at all."""

    def propose(case: Case) -> Iterator[Proposal]:
        nodes = recurrent_nodes(case, kinds, when)
        for way, texts, rank in ways(case, nodes) if nodes else ():
            yield from at_each(nodes, way.rule(), texts, rank)

    return propose


def both(*conditions: Condition) -> Condition:
    """All of the conditions."""
    return lambda case, node: all(condition(case, node) for condition in conditions)


def time_steps(case: Case, node: Node) -> int:
    """T, the length of the sequence; 1 of a cell."""
    if is_cell(node):
        return 1
    shape = case.value(node.inputs[0]).shape
    batch_first = len(shape) == 3 and module_of(node).batch_first
    return int(shape[1 if batch_first else 0])


def batch_size(case: Case, node: Node) -> int:
    """N of a layer's input, 1 where it has no batch."""
    shape = case.value(node.inputs[0]).shape
    if len(shape) != 3:
        return 1
    return int(shape[0 if module_of(node).batch_first else 1])


def has_several_steps(case: Case, node: Node) -> bool:
    """Whether the layer takes more than one step."""
    return time_steps(case, node) > 1


def recurs(case: Case, node: Node) -> bool:
    """Whether the hidden state matters: several steps, or an initial state that is not zero."""
    return has_several_steps(case, node) or has_initial_state(case, node)


def has_bias(case: Case, node: Node) -> bool:
    """Whether the node has biases."""
    return bool(module_of(node).bias)


def is_bidirectional(case: Case, node: Node) -> bool:
    """Whether a layer runs in both directions."""
    return not is_cell(node) and bool(module_of(node).bidirectional)


def initial_keys(node: Node) -> tuple[str, ...]:
    """Keys of the initial states that the node is given."""
    return (*node.inputs[1:], *(key for _, key in node.named_inputs))


def has_initial_state(case: Case, node: Node) -> bool:
    """Whether the node is given an initial state that is not zero."""
    return any(bool(case.value(key).any()) for key in initial_keys(node))


def is_square(case: Case, node: Node) -> bool:
    """Whether W_ih has the shape of W_hh, in the first layer."""
    module = module_of(node)
    return not getattr(module, "proj_size", 0) and module.input_size == module.hidden_size and _one_layer(node)


def _one_layer(node: Node) -> bool:
    return is_cell(node) or (module_of(node).num_layers == 1 or not module_of(node).bidirectional)


def has_square_hidden(case: Case, node: Node) -> bool:
    """Whether a block of W_hh is a square matrix of more than one element."""
    module = module_of(node)
    return not getattr(module, "proj_size", 0) and module.hidden_size > 1


def used_outputs(case: Case, node: Node) -> frozenset[str]:
    """Which outputs of a node are taken by other nodes, by the loss or as the network's outputs."""
    program = case.training.program
    taken = {key for other in program.nodes for key in (*other.inputs, *(k for _, k in other.named_inputs))}
    taken.update(program.outputs)
    if program.loss is not None:
        taken.update(argument.key for argument in program.loss.arguments if not argument.is_target)
    return frozenset(output for output in node.operation.signature.outputs if node.key(output) in taken)


def gives(*outputs: str) -> Condition:
    """Whether a layer is asked for one of these outputs."""
    return lambda case, node: not is_cell(node) and bool(used_outputs(case, node) & set(outputs))
