"""Gradients at ties: maxima and minima that several elements share, and losses exactly at their margin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn import functional as F

from ...network import Node
from ..case import Case
from ..loss_rules import Given, propose_gradient, reduced
from ..rules import ordinary, rewire
from ..variant import Proposal, Stage, Variant
from .sites import Inputs, Tensors, at_each, captured, module_of

Tensor = torch.Tensor
Share = Callable[[Tensor], Tensor]
"""From where the extreme stands, (..., K) of bool, to how much of the gradient each element gets."""


def first(tied: Tensor) -> Tensor:
    """All to the first."""
    return (tied & (tied.cumsum(-1) == 1)).double()


def last(tied: Tensor) -> Tensor:
    """All to the last."""
    return first(tied.flip(-1)).flip(-1)


def shared(tied: Tensor) -> Tensor:
    """Evenly shared."""
    return tied.double() / tied.sum(-1, keepdim=True).clamp_min(1)


def to_all(tied: Tensor) -> Tensor:
    """All of it to each."""
    return tied.double()


def reducer(node: Node) -> str:
    """amax, amin, max or min of a Reduce node; "" for another reducer."""
    found = captured(node).get("reducer")
    names = found.__code__.co_names if found is not None else ()
    return next((name for name in names if name in ("amax", "amin", "max", "min")), "")


def _dims(node: Node, x: Tensor) -> tuple[int, ...]:
    dims = captured(node).get("dims") or tuple(range(x.dim()))
    return tuple(dim % x.dim() for dim in dims)


def _extreme(node: Node, x: Tensor) -> Tensor:
    kind = reducer(node)
    return x.amax(_dims(node, x), True) if kind.endswith("max") else x.amin(_dims(node, x), True)


def grouped(tied: Tensor, dims: tuple[int, ...], share: Share) -> Tensor:
    """`share` over the dimensions `dims` taken together, in row-major order."""
    kept = [dim for dim in range(tied.dim()) if dim not in dims]
    order = [*kept, *dims]
    arranged = tied.permute(order)
    flat = arranged.reshape(*(tied.shape[dim] for dim in kept), -1)
    back = [order.index(dim) for dim in range(tied.dim())]
    return share(flat).reshape(arranged.shape).permute(back)


def _reduced_by(share: Share) -> Callable[..., Tensor]:
    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Tensor:
        x = inputs[0].detach()
        extreme = _extreme(node, x)
        weights = grouped(x == extreme, _dims(node, x), share).to(x.dtype)
        y = ordinary(node, tensors, inputs, named)
        return rewire(y, (inputs[0],), lambda u: (u.reshape(extreme.shape) * weights,))

    return rule


def _has_reduce_tie(case: Case, node: Node) -> bool:
    if not reducer(node):
        return False
    x = case.value(node.inputs[0])
    tied = x == _extreme(node, x)
    return bool((tied.sum(_dims(node, x)) > 1).any())


def reduce_ties(kinds: tuple[str, ...], share: Share) -> Callable[[Case], Iterator[Proposal]]:
    """Proposals for Reduce nodes with ties."""

    def propose(case: Case) -> Iterator[Proposal]:
        nodes = [n for n in case.nodes("Reduce") if reducer(n) in kinds and _has_reduce_tie(case, n)]
        yield from at_each(nodes, _reduced_by(share))

    return propose


def windows(x: Tensor, module: Any, fill: float) -> tuple[Tensor, int]:
    """The elements under each window of max pooling, (..., outputs, K), and the number of spatial dimensions."""
    spatial = int(type(module).__name__[-2])
    sizes, strides, paddings = (_tuple(v, spatial) for v in (module.kernel_size, module.stride, module.padding))
    padded = F.pad(x, [p for padding in reversed(paddings) for p in (padding, padding)], value=fill)
    cut = padded
    for i in range(spatial):
        cut = cut.unfold(x.dim() - spatial + i, sizes[i], strides[i])
    return cut.flatten(-spatial), spatial


def _tuple(value: Any, length: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (int(value),) * length


def _plain_pools(case: Case) -> list[Node]:
    nodes = case.nodes("MaxPool1d", "MaxPool2d", "MaxPool3d")
    return [n for n in nodes if set(_tuple(module_of(n).dilation, 1)) == {1} and not module_of(n).ceil_mode]


def _has_pool_tie(case: Case, node: Node) -> bool:
    cut, _ = windows(case.value(node.inputs[0]).double(), module_of(node), float("-inf"))
    return bool(((cut == cut.amax(-1, keepdim=True)).sum(-1) > 1).any())


def _pooled_by(share: Share) -> Callable[..., Any]:
    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        cut, _ = windows(inputs[0], module_of(node), float("-inf"))
        weights = share(cut.detach() == cut.detach().amax(-1, keepdim=True)).to(cut.dtype)
        taken = torch.where(weights > 0, cut, torch.zeros_like(cut)) * weights
        path = taken.sum(-1)
        outputs = ordinary(node, tensors, inputs, named)
        y = outputs[0] if isinstance(outputs, tuple) else outputs
        value = rewire(y, (path,), lambda u: (u,))
        return (value, *outputs[1:]) if isinstance(outputs, tuple) else value

    return rule


def pool_ties(share: Share) -> Callable[[Case], Iterator[Proposal]]:
    """Proposals for max-pooling layers with ties."""
    return lambda case: at_each([n for n in _plain_pools(case) if _has_pool_tie(case, n)], _pooled_by(share))


def _pair_by(of_first: float, of_second: float) -> Callable[..., Tensor]:
    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Tensor:
        a, b = inputs
        larger = a > b if node.operation.type_name == "Maximum" else a < b
        tied = a == b
        y = ordinary(node, tensors, inputs, named)

        def back(u: Tensor) -> tuple[Tensor, Tensor]:
            to_a = torch.where(tied, u * of_first, u * larger)
            to_b = torch.where(tied, u * of_second, u * ~(larger | tied))
            return to_a.sum_to_size(a.shape), to_b.sum_to_size(b.shape)

        return rewire(y, (a, b), back)

    return rule


def pair_ties(of_first: float, of_second: float) -> Callable[[Case], Iterator[Proposal]]:
    """Proposals for Maximum and Minimum nodes with ties."""

    def propose(case: Case) -> Iterator[Proposal]:
        nodes = case.nodes("Maximum", "Minimum")
        tied = [n for n in nodes if bool((case.value(n.inputs[0]) == case.value(n.inputs[1])).any())]
        yield from at_each(tied, _pair_by(of_first, of_second))

    return propose


def hinged(s: Tensor, slope: float) -> Tensor:
    """max(0, s) with the derivative `slope` at s = 0."""
    return torch.where(s == 0, slope * s, F.relu(s))


def margins(given: Given) -> Tensor | None:
    """What stands in max(0, ·) of a loss; None for a loss without a margin."""
    module, arguments = given.module, given.arguments
    name = type(module).__name__
    if name == "MarginRankingLoss":
        ranked: Tensor = -arguments[2] * (arguments[0] - arguments[1]) + module.margin
        return ranked
    if name == "HingeEmbeddingLoss":
        return torch.where(arguments[1] == -1, module.margin - arguments[0], torch.ones_like(arguments[0]))
    if name == "CosineEmbeddingLoss":
        cosine = F.cosine_similarity(arguments[0], arguments[1], dim=-1)
        return torch.where(arguments[2] == -1, cosine - module.margin, torch.ones_like(cosine))
    if name == "TripletMarginLoss":
        return _triplet(module, *arguments)
    if name == "MultiMarginLoss" and module.p == 1:
        return _multi_margin(module, *arguments)
    return None


def _triplet(module: Any, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    near = F.pairwise_distance(anchor, positive, module.p, module.eps)
    far = F.pairwise_distance(anchor, negative, module.p, module.eps)
    if module.swap:
        far = torch.minimum(far, F.pairwise_distance(positive, negative, module.p, module.eps))
    s: Tensor = near - far + module.margin
    return s


def _multi_margin(module: Any, x: Tensor, target: Tensor) -> Tensor:
    rows, classes = x.reshape(-1, x.shape[-1]), target.reshape(-1, 1)
    s: Tensor = module.margin - rows.gather(1, classes) + rows
    return s.scatter(1, classes, -1.0)


def margin_formula(slope: float) -> Callable[[Given], Tensor]:
    """The loss with another derivative at its margin, as a formula for the gradient."""

    def formula(given: Given) -> Tensor:
        s = margins(given)
        assert s is not None
        value, module = hinged(s, slope), given.module
        name = type(module).__name__
        if name == "HingeEmbeddingLoss":
            value = torch.where(given.arguments[1] == 1, given.arguments[0], value)
        if name == "CosineEmbeddingLoss":
            cosine = F.cosine_similarity(given.arguments[0], given.arguments[1], dim=-1)
            value = torch.where(given.arguments[2] == 1, 1 - cosine, value)
        if name == "MultiMarginLoss":
            weight = module.weight[given.arguments[1]].reshape(-1) if module.weight is not None else 1.0
            value = value.sum(1) / value.shape[1] * weight
        return reduced(value, module)

    return formula


def margin_ties(slope: float) -> Callable[[Case], Iterator[Proposal]]:
    """A proposal where some sample is exactly at the margin."""

    def propose(case: Case) -> Iterator[Proposal]:
        given = Given(case.loss_module, case.loss_arguments, lambda: torch.zeros(()))
        s = margins(given) if case.loss_module is not None else None
        if s is not None and bool((s == 0).any()):
            yield propose_gradient(margin_formula(slope))

    return propose


def _absolute(slope: float) -> Callable[[Given], Tensor]:
    def formula(given: Given) -> Tensor:
        e = given.residual
        return reduced(torch.where(e == 0, slope * e, e.abs()), given.module)

    return formula


def absolute_ties(slope: float) -> Callable[[Case], Iterator[Proposal]]:
    """A proposal where some residual of an L1Loss is zero."""

    def propose(case: Case) -> Iterator[Proposal]:
        if case.loss_type == "L1Loss":
            prediction, target = case.loss_arguments[:2]
            if bool((prediction == target).any()):
                yield propose_gradient(_absolute(slope))

    return propose


PROBE = "Shift the values a little: without ties all conventions agree."


def _row(code: str, title: str, explanation: str, propose: Any, rank: int, source: str) -> Variant:
    return Variant(
        code=f"subgradient.{code}",
        stage=Stage.BACKWARD if "loss" not in title else Stage.LOSS,
        title=title,
        explanation=explanation,
        advice="Both are right in their own framework. Break the tie to compare, or take PyTorch's choice.",
        propose=propose,
        rank=rank,
        convention=True,
        probe=PROBE,
        source=source,
    )


OVER_DIM = ("max", "min")
OVER_MANY = ("amax", "amin")
REDUCE = "Several elements of {{sites}} are equally extreme. PyTorch's {} The numbers {}"
ALONG_A_DIMENSION = "max and min along a dimension give all of the gradient to the first of them."
EVENLY = "amax and amin share the gradient evenly among them."
POOL = "max pooling gives all of the gradient of a window to the first of them."
PAIR = "Both inputs of {{sites}} are equal somewhere. PyTorch gives each half of the gradient there; the numbers {}"

FIRST = ("You give the gradient to the first of tied elements in {sites}.", "give it to the first alone.")
LAST = ("You give the gradient to the last of tied elements in {sites}.", "give it to the last alone.")
ALL = ("You give all of the gradient to each of tied elements in {sites}.", "give all of it to each.")
SHARED = ("You share the gradient among tied elements in {sites}.", "share it evenly.")

BY_LAST = "Loops that compare with >= keep the last."
BY_MASK = "Masks of the form x == max(x) do so."


def _tie(code: str, texts: tuple[str, str], torch_does: str, propose: Any, rank: int, source: str) -> Variant:
    return _row(code, texts[0], REDUCE.format(torch_does, texts[1]), propose, rank, source)


VARIANTS: tuple[Variant, ...] = (
    _tie("max_tie_shared", SHARED, ALONG_A_DIMENSION, reduce_ties(OVER_DIM, shared), 5, "JAX shares among ties."),
    _tie("max_tie_to_last", LAST, ALONG_A_DIMENSION, reduce_ties(OVER_DIM, last), 10, BY_LAST),
    _tie("max_tie_to_all", ALL, ALONG_A_DIMENSION, reduce_ties(OVER_DIM, to_all), 10, BY_MASK),
    _tie("amax_tie_to_first", FIRST, EVENLY, reduce_ties(OVER_MANY, first), 5, "torch.max along a dimension does so."),
    _tie("amax_tie_to_last", LAST, EVENLY, reduce_ties(OVER_MANY, last), 12, BY_LAST),
    _tie("amax_tie_to_all", ALL, EVENLY, reduce_ties(OVER_MANY, to_all), 8, BY_MASK),
    _tie("max_pool_tie_to_last", LAST, POOL, pool_ties(last), 8, BY_LAST),
    _tie("max_pool_tie_to_all", ALL, POOL, pool_ties(to_all), 5, BY_MASK),
    _tie("max_pool_tie_shared", SHARED, POOL, pool_ties(shared), 8, "Pooling written with amax shares."),
    _row(
        "maximum_tie_to_first",
        "You give the gradient to the first input at a tie in {sites}.",
        PAIR.format("give it to the first input."),
        pair_ties(1, 0),
        8,
        "np.where(a >= b, ...) does so.",
    ),
    _row(
        "maximum_tie_to_second",
        "You give the gradient to the second input at a tie in {sites}.",
        PAIR.format("give it to the second input."),
        pair_ties(0, 1),
        8,
        "np.where(a > b, ...) does so.",
    ),
    _row(
        "maximum_tie_to_both",
        "You give all of the gradient to both inputs at a tie in {sites}.",
        PAIR.format("give all of it to both."),
        pair_ties(1, 1),
        15,
        "Masks with >= and <= do so.",
    ),
    _row(
        "maximum_tie_to_none",
        "You give no gradient to the inputs at a tie in {sites}.",
        PAIR.format("give none."),
        pair_ties(0, 0),
        18,
        "Masks with > and < do so.",
    ),
    _row(
        "l1_at_zero_one",
        "A residual is exactly 0, and you take 1 for the derivative of |e| in the loss.",
        "PyTorch takes 0 for the derivative of |e| at e = 0; the numbers are those of 1.",
        absolute_ties(1),
        8,
        "JAX takes 1; so does code with e >= 0.",
    ),
    _row(
        "l1_at_zero_minus_one",
        "A residual is exactly 0, and you take −1 for the derivative of |e| in the loss.",
        "PyTorch takes 0 for the derivative of |e| at e = 0; the numbers are those of −1.",
        absolute_ties(-1),
        8,
        "Code that takes 1 for e > 0 and −1 elsewhere does so.",
    ),
    _row(
        "margin_inactive",
        "A sample sits exactly at the margin, and you count the loss as inactive there.",
        "max(0, s) has no derivative at s = 0. The numbers are those of 0 there; PyTorch takes 1 where it clamps "
        "(MarginRanking, HingeEmbedding, CosineEmbedding and Triplet losses).",
        margin_ties(0),
        8,
        "Code with margin > 0 does so.",
    ),
    _row(
        "margin_active",
        "A sample sits exactly at the margin, and you count the loss as active there.",
        "max(0, s) has no derivative at s = 0. The numbers are those of 1 there; PyTorch takes 0 in MultiMarginLoss.",
        margin_ties(1),
        8,
        "Code with margin >= 0 does so.",
    ),
    _row(
        "margin_half",
        "A sample sits exactly at the margin, and you take ½ for the derivative of the loss there.",
        "max(0, s) has no derivative at s = 0. The numbers are those of ½ there, as a maximum of s and 0 shares it.",
        margin_ties(0.5),
        10,
        "jnp.maximum(0, s) does so.",
    ),
)
