"""Variants of multi-head attention and of Transformer layers: scale, masks, axes, order of norms, activation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..rules import ordinary, rewire
from ..variant import Proposal, Stage, Variant
from .sites import at_each, by_module, module_of, passed

LAYERS = ("TransformerEncoderLayer", "TransformerDecoderLayer")
STACKS = ("TransformerEncoder", "TransformerDecoder", "Transformer")
WITH_ATTENTION = ("MultiheadAttention", *LAYERS, *STACKS)


@dataclass(frozen=True)
class Switches:
    """How attention is computed; the default is PyTorch's way.

    scale: the exponent of the head's width in the factor of the scores, or, as `of_embedding`, of the whole width.
    masks: "keep", "invert" or "ignore". axis: the dimension of (N, heads, L, S) along which softmax is taken.
    diagonal: the Jacobian of softmax has its diagonal only. interleaved: the width is split as (d, heads). causal: a
    causal mask is added. order: which third of the projection is query, key and value. project: the output projection.
    """

    power: float = -0.5
    of_embedding: bool = False
    masks: str = "keep"
    axis: int = -1
    diagonal: bool = False
    interleaved: bool = False
    causal: bool = False
    order: tuple[int, int, int] = (0, 1, 2)
    project: bool = True


class Attention(nn.MultiheadAttention):
    """Multi-head attention with switches; takes the place of a torch.nn.MultiheadAttention that is there."""

    switches: Switches

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """As torch.nn.MultiheadAttention.forward."""
        given = (query, key, value)
        batched = query.dim() == 3
        given = given if batched else tuple(x.unsqueeze(0 if self.batch_first else 1) for x in given)  # type: ignore[assignment]
        q, k, v = (x if self.batch_first else x.transpose(0, 1) for x in given)
        heads = [self._split(x) for x in self._projected(q, k, v)]
        scores = heads[0] @ heads[1].mT * self._scale() + self._bias(heads[0], heads[1], attn_mask, key_padding_mask)
        weights = self._softmax(scores)
        y = self._joined(weights @ heads[2])
        y = F.linear(y, self.out_proj.weight, self.out_proj.bias) if self.switches.project else y
        y = y if self.batch_first else y.transpose(0, 1)
        told = weights.mean(1) if average_attn_weights else weights
        if not batched:
            y, told = y.squeeze(0 if self.batch_first else 1), told.squeeze(0)
        return y, told if need_weights else None

    def _projected(self, *given: torch.Tensor) -> list[torch.Tensor]:
        if self._qkv_same_embed_dim:
            weights = self.in_proj_weight.chunk(3)
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases = self.in_proj_bias.chunk(3) if self.in_proj_bias is not None else (None, None, None)
        order = self.switches.order
        return [F.linear(x, weights[i], biases[i]) for x, i in zip(given, order, strict=True)]

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        if self.switches.interleaved:
            return x.reshape(*x.shape[:-1], self.head_dim, self.num_heads).permute(0, 3, 1, 2)
        return x.reshape(*x.shape[:-1], self.num_heads, self.head_dim).transpose(1, 2)

    def _joined(self, y: torch.Tensor) -> torch.Tensor:
        return y.permute(0, 2, 3, 1).flatten(2) if self.switches.interleaved else y.transpose(1, 2).flatten(2)

    def _scale(self) -> float:
        width = self.embed_dim if self.switches.of_embedding else self.head_dim
        return float(width**self.switches.power)

    def _bias(
        self, q: torch.Tensor, k: torch.Tensor, attn_mask: torch.Tensor | None, padding: torch.Tensor | None
    ) -> torch.Tensor:
        n, h, length, keys = q.shape[0], q.shape[1], q.shape[2], k.shape[2]
        bias = q.new_zeros(n, h, length, keys)
        if attn_mask is not None:
            mask = self._additive(attn_mask, q)
            bias = bias + (mask.reshape(n, h, length, keys) if mask.dim() == 3 else mask)
        if padding is not None:
            mask = self._additive(padding, q)
            bias = bias + (mask if mask.dim() == 2 else mask[None])[:, None, None, :]
        if self.switches.causal:
            ones = torch.ones(length, keys, dtype=torch.bool, device=q.device).triu(1)
            bias = bias.masked_fill(ones, float("-inf"))
        return bias

    def _additive(self, mask: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        hidden = mask if mask.dtype == torch.bool else mask == float("-inf")
        if self.switches.masks == "ignore":
            return like.new_zeros(mask.shape)
        if self.switches.masks == "invert":
            return like.new_zeros(mask.shape).masked_fill(~hidden, float("-inf"))
        return (
            mask.to(like.dtype)
            if mask.dtype != torch.bool
            else like.new_zeros(mask.shape).masked_fill(hidden, float("-inf"))
        )

    def _softmax(self, scores: torch.Tensor) -> torch.Tensor:
        p = scores.softmax(self.switches.axis)
        if not self.switches.diagonal:
            return p
        fixed = p.detach()
        return rewire(p, (scores,), lambda u: (u * fixed * (1 - fixed),))


def altered(node: Node, change: Callable[[nn.Module], None]) -> NodeCall:
    """The rule of a layer of which a copy was changed."""
    assert node.operation.module is not None
    module = copy.deepcopy(node.operation.module.module)
    change(module)
    return by_module(node, module)


def switched(switches: Switches) -> Callable[[nn.Module], None]:
    """Puts switches into every attention of a module."""

    def change(module: nn.Module) -> None:
        for part in module.modules():
            if type(part) is nn.MultiheadAttention:
                part.__class__ = Attention
                part.switches = switches  # type: ignore[assignment]

    return change


def can_switch(case: Case, node: Node) -> bool:
    """Whether our own attention covers what the layer's does: no dropout, no added keys."""
    parts = [part for part in module_of(node).modules() if type(part) is nn.MultiheadAttention]
    fine = all(p.bias_k is None and not p.add_zero_attn and not (case.training.train and p.dropout) for p in parts)
    return bool(parts) and fine


def with_switches(*options: tuple[str, Switches, int]) -> Callable[[Case], Iterator[Proposal]]:
    """Proposes switches (text {used}, switches, added rank) at each layer with attention."""

    def propose(case: Case) -> Iterator[Proposal]:
        for node in case.nodes(*WITH_ATTENTION):
            if can_switch(case, node):
                for used, switches, rank in options:
                    rule = altered(node, switched(switches))
                    yield from at_each([node], rule, {"used": used}, rank)

    return propose


def masked(node: Node) -> bool:
    """Whether the layer is given a mask."""
    return len(node.inputs) > 3 or bool(node.named_inputs)


def masks(case: Case) -> Iterator[Proposal]:
    """Masks inverted or ignored, or a causal one where none is given."""
    for node in case.nodes(*WITH_ATTENTION):
        if not can_switch(case, node):
            continue
        options: tuple[tuple[str, Switches, int], ...]
        if masked(node):
            options = (
                ("the mask inverted: True as 'may attend'", Switches(masks="invert"), 0),
                ("no mask", Switches(masks="ignore"), 2),
            )
        else:
            options = (("a causal mask", Switches(causal=True), 15),)
        for used, switches, rank in options:
            yield from at_each([node], altered(node, switched(switches)), {"used": used}, rank)


SCORES = "Attention is softmax(Q·Kᵀ/√d)·V with d = embed_dim/num_heads, the width of one head. "

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="attention.scale",
        stage=Stage.FORWARD,
        title="The scores of the attention at {sites} were scaled another way: {used}.",
        explanation=SCORES + "Your numbers follow with {used}.",
        advice="Divide the scores once by the root of the head's width.",
        propose=with_switches(
            ("no division by √d", Switches(power=0.0), 0),
            ("√d of embed_dim instead of the head's width", Switches(of_embedding=True), 2),
            ("division by √d twice, that is by d", Switches(power=-1.0), 4),
            ("multiplication by √d", Switches(power=0.5), 12),
        ),
        rank=6,
    ),
    Variant(
        code="attention.mask",
        stage=Stage.FORWARD,
        title="The attention at {sites} used {used}.",
        explanation="In PyTorch's masks True, or −∞, means: may not attend. Keras and some others mean the opposite. "
        "Your "
        "numbers follow with {used}.",
        advice="Check what True means, and that every mask is passed on.",
        propose=masks,
        rank=8,
        convention=True,
    ),
    Variant(
        code="attention.softmax_axis",
        stage=Stage.FORWARD,
        title="Softmax was taken along {used} in the attention at {sites}.",
        explanation=SCORES
        + "The weights of each query sum to 1 over the keys. Your numbers need a softmax along {used}.",
        advice="Use the last dimension of the scores.",
        propose=with_switches(("the queries", Switches(axis=-2), 0), ("the heads", Switches(axis=1), 6)),
        rank=15,
    ),
    Variant(
        code="attention.softmax_diagonal_only",
        stage=Stage.BACKWARD,
        title="Only the diagonal of the softmax Jacobian was used in the attention at {sites}.",
        explanation="∂pᵢ/∂sⱼ = pᵢ(δᵢⱼ − pⱼ). Your numbers need uⱼpⱼ(1 − pⱼ).",
        advice="Use p ⊙ (u − Σ u ⊙ p).",
        propose=lambda case: diagonal_only(case),
        rank=10,
    ),
    Variant(
        code="attention.heads_interleaved",
        stage=Stage.FORWARD,
        title="The heads were taken from interleaved columns in the attention at {sites}.",
        explanation="PyTorch gives head h the columns h·d to (h + 1)·d. Your numbers follow when each head takes every "
        "num_heads-th column.",
        advice="Reshape to (heads, d), not to (d, heads).",
        propose=lambda case: interleaved(case),
        rank=20,
    ),
    Variant(
        code="attention.projection_order",
        stage=Stage.FORWARD,
        title="The parts of in_proj_weight were taken in the order {used} at {sites}.",
        explanation="PyTorch keeps the projections of query, key and value one below the other, in this order.",
        advice="Use the order query, key, value.",
        propose=with_switches(
            ("key, query, value", Switches(order=(1, 0, 2)), 0),
            ("value, key, query", Switches(order=(2, 1, 0)), 4),
            ("query, value, key", Switches(order=(0, 2, 1)), 4),
            ("key, value, query", Switches(order=(2, 0, 1)), 8),
            ("value, query, key", Switches(order=(1, 2, 0)), 8),
        ),
        rank=25,
    ),
    Variant(
        code="attention.output_projection_missing",
        stage=Stage.FORWARD,
        title="The output projection was left out of the attention at {sites}.",
        explanation="PyTorch multiplies the joined heads by out_proj. Your numbers follow without it.",
        advice="Apply out_proj.",
        propose=with_switches(("", Switches(project=False), 0)),
        rank=25,
    ),
)


def interleaved(case: Case) -> Iterator[Proposal]:
    """Layers with several heads of several columns."""
    for node in case.nodes(*WITH_ATTENTION):
        parts = [part for part in module_of(node).modules() if type(part) is nn.MultiheadAttention]
        if can_switch(case, node) and any(part.num_heads > 1 and part.head_dim > 1 for part in parts):
            yield from at_each([node], altered(node, switched(Switches(interleaved=True))), {"used": ""})


def diagonal_only(case: Case) -> Iterator[Proposal]:
    """PyTorch's values with the gradients of a softmax whose Jacobian is diagonal."""
    for node in case.nodes(*WITH_ATTENTION):
        if can_switch(case, node):
            yield from at_each([node], backward_of(altered(node, switched(Switches(diagonal=True)))))


def backward_of(other: NodeCall) -> NodeCall:
    """PyTorch's values with the gradients of another rule."""

    def rule(node: Node, tensors: Any, inputs: Any, named: Any) -> Any:
        values, paths = ordinary(node, tensors, inputs, named), other(node, tensors, inputs, named)
        if not isinstance(values, tuple):
            return passed(values, paths)  # type: ignore[arg-type]
        return tuple(passed(value, path) for value, path in zip(values, paths, strict=True))  # type: ignore[call-overload]

    return rule
