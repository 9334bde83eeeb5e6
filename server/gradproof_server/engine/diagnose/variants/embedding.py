"""Variants of embeddings: repeated indices, the padding row, scales, the way of a bag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..rules import ordinary, rewire
from ..variant import Proposal, Stage, Variant
from .attention import altered
from .sites import at_each, module_of

Tensors = dict[str, torch.Tensor]
Inputs = tuple[torch.Tensor, ...]
Gradient = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def with_gradient(gradient: Gradient) -> NodeCall:
    """The rule of an Embedding whose table gets `gradient(indices (n), upstream (n, d), table)`."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        value = ordinary(node, tensors, inputs, named)
        table, at = tensors["weight"], inputs[0].reshape(-1)
        skipped = module_of(node).padding_idx

        def vjp(u: torch.Tensor) -> tuple[torch.Tensor]:
            made = gradient(at, u.reshape(-1, u.shape[-1]), table.detach())
            if skipped is not None and gradient is not added:
                made = made.clone()
                made[skipped] = 0
            return (made,)

        return rewire(value, (table,), vjp)

    return rule


def added(at: torch.Tensor, u: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """The sum over all uses of each row, the padding row as the others."""
    return torch.zeros_like(table).index_add(0, at, u)


def summed(at: torch.Tensor, u: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """The sum over all uses of each row."""
    return torch.zeros_like(table).index_add(0, at, u)


def assigned(last: bool) -> Gradient:
    """The last, or the first, use of each row alone."""

    def gradient(at: torch.Tensor, u: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        order = torch.arange(at.numel(), device=at.device)
        chosen = torch.zeros(table.shape[0], dtype=order.dtype, device=at.device)
        chosen = chosen.scatter_reduce(0, at, order, "amax" if last else "amin", include_self=False)
        return added(at, u * (chosen[at] == order)[:, None].to(u.dtype), table)

    return gradient


def averaged(at: torch.Tensor, u: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """The mean over the uses of each row."""
    count = torch.bincount(at, minlength=table.shape[0]).clamp_min(1).to(u.dtype)
    return added(at, u, table) / count[:, None]


def repeated(case: Case) -> list[Node]:
    """Embeddings that are given an index more than once."""
    nodes = case.nodes("Embedding")
    return [n for n in nodes if case.value(n.inputs[0]).unique().numel() < case.value(n.inputs[0]).numel()]  # type: ignore[no-untyped-call]


def overwritten(case: Case) -> Iterator[Proposal]:
    """One use of a repeated index."""
    yield from at_each(repeated(case), with_gradient(assigned(True)), {"used": "last"})
    yield from at_each(repeated(case), with_gradient(assigned(False)), {"used": "first"}, 8)


def mean_of_uses(case: Case) -> Iterator[Proposal]:
    """The mean, where the sum is declared."""
    nodes = [node for node in repeated(case) if not module_of(node).scale_grad_by_freq]
    return at_each(nodes, with_gradient(averaged))


def frequency_ignored(case: Case) -> Iterator[Proposal]:
    """The sum, where division by the number of uses is declared."""
    nodes = [node for node in repeated(case) if module_of(node).scale_grad_by_freq]
    return at_each(nodes, with_gradient(summed))


def padded(case: Case) -> list[Node]:
    """Embeddings that are given their padding index."""
    nodes = [node for node in case.nodes("Embedding") if module_of(node).padding_idx is not None]
    return [node for node in nodes if bool((case.value(node.inputs[0]) == module_of(node).padding_idx).any())]


def padding_zero(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
    """Zeros for the padding index, whatever the table holds."""
    value = ordinary(node, tensors, inputs, named)
    made: torch.Tensor = value * (inputs[0] != module_of(node).padding_idx).unsqueeze(-1).to(value.dtype)
    return made


def scaled(power: float, backward_only: bool = False) -> NodeCall:
    """The value, or its gradient alone, times a power of the width."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        value: torch.Tensor = ordinary(node, tensors, inputs, named)
        by = float(value.shape[-1]) ** power
        return rewire(value, (value,), lambda u: (u * by,)) if backward_only else value * by

    return rule


def scales(case: Case) -> Iterator[Proposal]:
    """√d, as in the Transformer, and its inverse."""
    nodes = [node for node in case.nodes("Embedding") if module_of(node).embedding_dim > 1]
    yield from at_each(nodes, scaled(0.5), {"used": "√d"})
    yield from at_each(nodes, scaled(-0.5), {"used": "1/√d"}, 8)


def shifted(case: Case) -> Iterator[Proposal]:
    """Indices counted from 1."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        rows = module_of(node).num_embeddings
        return ordinary(node, tensors, ((inputs[0] - 1) % rows, *inputs[1:]), named)

    return at_each(case.nodes("Embedding", "EmbeddingBag"), rule)


def bag_ways(case: Case) -> Iterator[Proposal]:
    """Sum, mean and maximum exchanged."""

    def change(mode: str) -> Callable[[Any], None]:
        return lambda module: setattr(module, "mode", mode)

    for node in case.nodes("EmbeddingBag"):
        for mode in ("sum", "mean", "max"):
            declared = module_of(node).mode
            if mode != declared:
                yield from at_each([node], altered(node, change(mode)), {"used": mode, "declared": declared})


ROWS = "The gradient of row i of the table is the sum of the upstream gradients of all places where index i stands. "

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="embedding.duplicates_overwritten",
        stage=Stage.BACKWARD,
        title="Of an index that occurs several times only the {used} occurrence counts in the gradient of {sites}.",
        explanation=ROWS
        + "Your numbers hold the {used} one: grad[index] = u, or grad[index] += u in NumPy, keeps one of "
        "several equal indices.",
        advice="Use np.add.at, or index_add_.",
        propose=overwritten,
        rank=4,
    ),
    Variant(
        code="embedding.duplicates_averaged",
        stage=Stage.BACKWARD,
        title="The gradients of repeated indices were averaged at {sites}.",
        explanation=ROWS + "Your numbers divide by the number of occurrences, as scale_grad_by_freq=True does.",
        advice="Declare scale_grad_by_freq=True, or add.",
        propose=mean_of_uses,
        rank=10,
    ),
    Variant(
        code="embedding.frequency_ignored",
        stage=Stage.BACKWARD,
        title="The gradients of repeated indices were added at {sites}, although scale_grad_by_freq is declared.",
        explanation=(
            "scale_grad_by_freq=True divides the gradient of a row by the number of its occurrences in the batch."
        ),
        advice="Divide, or do not declare it.",
        propose=frequency_ignored,
        rank=6,
    ),
    Variant(
        code="embedding.padding_row_updated",
        stage=Stage.BACKWARD,
        title="The padding row of {sites} got a gradient.",
        explanation=ROWS
        + "The row padding_idx is left out: its gradient is zero. Your numbers treat it as the others.",
        advice="Set the gradient of that row to zero, or do not declare padding_idx.",
        propose=lambda case: at_each(padded(case), with_gradient(added)),
        rank=5,
    ),
    Variant(
        code="embedding.padding_row_zero",
        stage=Stage.FORWARD,
        title="The padding index gave zeros at {sites}, although its row in the table is not zero.",
        explanation="padding_idx only stops the gradient; the row is read as any other. PyTorch starts it with zeros, "
        "but here "
        "it has other values.",
        advice="Send a table whose padding row is zero, or read the row.",
        propose=lambda case: at_each(padded(case), padding_zero),
        rank=10,
    ),
    Variant(
        code="embedding.scaled",
        stage=Stage.FORWARD,
        title="The embedding {sites} was multiplied by {used}.",
        explanation=(
            "The Transformer's paper multiplies embeddings by √d; nn.Embedding does not. Your numbers need {used}."
        ),
        advice="Add the factor to the network, or leave it out.",
        propose=scales,
        rank=8,
        convention=True,
    ),
    Variant(
        code="embedding.scale_in_backward_only",
        stage=Stage.BACKWARD,
        title="The gradient of {sites} was multiplied by √d.",
        explanation="The forward pass has no factor √d; your gradient has one.",
        advice="Use the factor in both passes or in none.",
        propose=lambda case: at_each(case.nodes("Embedding"), scaled(0.5, backward_only=True)),
        rank=35,
    ),
    Variant(
        code="embedding.index_from_one",
        stage=Stage.FORWARD,
        title="The indices of {sites} were counted from 1.",
        explanation="Index 0 is the first row of the table. Your numbers follow if index 1 is.",
        advice="Subtract 1 from the indices that you send, or add it in your code.",
        propose=shifted,
        rank=25,
    ),
    Variant(
        code="embedding.bag_mode",
        stage=Stage.FORWARD,
        title="The bag {sites} was joined by {used}; declared is {declared}.",
        explanation=(
            "EmbeddingBag joins the rows of a bag by mean (the default), sum or max. Your numbers follow with {used}."
        ),
        advice="Declare mode='{used}', or use {declared}.",
        propose=bag_ways,
        rank=6,
    ),
)
