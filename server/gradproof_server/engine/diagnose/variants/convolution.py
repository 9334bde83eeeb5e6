"""Variants of convolutions: flipped kernels, padding on the other side, gradients of kernel and bias."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn import functional as F

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..rules import ordinary, rewire
from ..variant import Proposal, Stage, Variant
from .layouts import convolutions, in_gradient
from .sites import at_each, at_nodes, module_of, parameter_of, passed, shape

Tensors = dict[str, torch.Tensor]
Inputs = tuple[torch.Tensor, ...]
CONVOLVE: tuple[Any, ...] = (F.conv1d, F.conv2d, F.conv3d)


def space(node: Node) -> int:
    """Number of spatial dimensions."""
    return int(node.operation.type_name[-2])


def flipped(tensors: Tensors) -> Tensors:
    """With the kernel turned round in all spatial dimensions."""
    weight = tensors["weight"]
    return {**tensors, "weight": weight.flip(tuple(range(2, weight.dim())))}


def larger(case: Case) -> list[Node]:
    """Convolutions whose kernels have more than one position."""
    return [node for node in convolutions(case) if any(k > 1 for k in module_of(node).kernel_size)]


def flipped_forward(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
    """The convolution of mathematics."""
    return ordinary(node, flipped(tensors), inputs, named)


def unflipped_backward(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
    """The gradient of the input made with the kernel not turned round."""
    value = ordinary(node, tensors, inputs, named)
    fixed = {name: tensor.detach() for name, tensor in tensors.items()}
    to_input = ordinary(node, flipped(fixed), inputs, named)
    to_parameters = ordinary(node, tensors, (inputs[0].detach(),), named)
    return passed(value, *(path for path in (to_input, to_parameters) if path.requires_grad))


def kernel_gradient_flipped(case: Case) -> Iterator[Proposal]:
    """∂L/∂K turned round."""
    names = [parameter_of(case, node, "weight") for node in larger(case)]
    return in_gradient(names, lambda g: g.flip(tuple(range(2, g.dim()))))


def padded_other_side(case: Case) -> Iterator[Proposal]:
    """padding="same" with the odd cell on the left."""
    for node in case.nodes("Conv1d", "Conv2d", "Conv3d"):
        module = module_of(node)
        totals = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        if module.padding == "same" and any(total % 2 for total in totals):
            sides = [(total - total // 2, total // 2) for total in totals]
            yield at_nodes([node], padded(sides), {"used": "the odd cell at the beginning"})


def padded(sides: list[tuple[int, int]]) -> NodeCall:
    """A convolution of an input padded by (before, after) in each spatial dimension."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        module, d = module_of(node), space(node)
        around = [size for before, after in reversed(sides) for size in (before, after)]
        mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
        x = F.pad(inputs[0], around, mode=mode)
        made: torch.Tensor = CONVOLVE[d - 1](
            x, tensors["weight"], tensors.get("bias"), module.stride, 0, module.dilation, module.groups
        )
        return made

    return rule


def padded_as_tensorflow(case: Case) -> Iterator[Proposal]:
    """Padding of SAME at a stride: more at the end, where PyTorch pads both sides."""
    for node in case.nodes("Conv1d", "Conv2d", "Conv3d"):
        module, d = module_of(node), space(node)
        if isinstance(module.padding, str) or all(s == 1 for s in module.stride):
            continue
        sizes, outputs = case.value(node.inputs[0]).shape[-d:], case.value(node.name).shape[-d:]
        if any(o != -(-n // s) for n, o, s in zip(sizes, outputs, module.stride, strict=True)):
            continue
        totals = [
            max((o - 1) * s + step * (k - 1) + 1 - n, 0)
            for n, o, s, step, k in zip(sizes, outputs, module.stride, module.dilation, module.kernel_size, strict=True)
        ]
        sides = [(total // 2, total - total // 2) for total in totals]
        if any(side != (p, p) for side, p in zip(sides, module.padding, strict=True)):
            yield at_nodes([node], padded(sides), {"used": "the padding of TensorFlow's SAME, more at the end"})


def padding_modes(case: Case) -> Iterator[Proposal]:
    """Other values at the border than the declared ones."""
    for node in case.nodes("Conv1d", "Conv2d", "Conv3d"):
        module = module_of(node)
        if isinstance(module.padding, str) or not any(module.padding):
            continue
        for mode in ("zeros", "reflect", "replicate", "circular"):
            if mode != module.padding_mode:
                yield at_nodes([node], padded_with(mode), {"used": mode, "declared": module.padding_mode})


def padded_with(mode: str) -> NodeCall:
    """A convolution with another padding mode."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        module, d = module_of(node), space(node)
        around = [p for p in reversed(module.padding) for _ in range(2)]
        x = F.pad(inputs[0], around, mode="constant" if mode == "zeros" else mode)
        made: torch.Tensor = CONVOLVE[d - 1](
            x, tensors["weight"], tensors.get("bias"), module.stride, 0, module.dilation, module.groups
        )
        return made

    return rule


def bias_rule(gradient: Callable[[torch.Tensor, int], torch.Tensor]) -> NodeCall:
    """Another gradient of the bias: gradient(upstream (N, C, ...), spatial dimensions) of shape (C)."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        value = ordinary(node, tensors, inputs, named)
        rest = ordinary(node, {**tensors, "bias": tensors["bias"].detach()}, inputs, named)
        d = space(node)

        def vjp(u: torch.Tensor) -> tuple[torch.Tensor, ...]:
            batched = u if u.dim() == d + 2 else u[None]
            return u, gradient(batched, d)

        return rewire(value, (rest, tensors["bias"]), vjp)

    return rule


def where(d: int, batch: bool) -> tuple[int, ...]:
    """All dimensions but that of the channels; without the batch's where asked."""
    positions = tuple(range(2, d + 2))
    return (0, *positions) if batch else positions


BIAS: tuple[tuple[str, Callable[[torch.Tensor, int], torch.Tensor], int], ...] = (
    ("the mean over batch and positions", lambda u, d: u.mean(where(d, True)), 0),
    ("the mean over the positions, summed over the batch", lambda u, d: u.mean(where(d, False)).sum(0), 2),
    ("the mean over the batch, summed over the positions", lambda u, d: u.sum(where(d, False)).mean(0), 2),
    ("the last sample alone", lambda u, d: u[-1:].sum(where(d, True)), 6),
    ("the first position alone", lambda u, d: u.flatten(2)[:, :, 0].sum(0), 8),
    ("the last position alone", lambda u, d: u.flatten(2)[:, :, -1].sum(0), 9),
    ("zero", lambda u, d: u.new_zeros(u.shape[1]), 10),
    ("one number, summed over the channels too", lambda u, d: u.sum().expand(u.shape[1]), 6),
)


def bias_gradient(case: Case) -> Iterator[Proposal]:
    """Means and parts of the sum."""
    nodes = [node for node in convolutions(case) if "bias" in node.tensors]
    for used, gradient, rank in BIAS:
        yield from at_each(nodes, bias_rule(gradient), {"used": used}, rank)


def kernel_divided(case: Case) -> Iterator[Proposal]:
    """∂L/∂K averaged over positions, or over the batch."""
    for node in convolutions(case):
        name = parameter_of(case, node, "weight")
        y, d = case.value(node.name), space(node)
        positions = y.shape[-d:].numel()
        batch = y.shape[0] if y.dim() == d + 2 else 1
        for used, divisor, rank in (("positions", positions, 0), ("samples", batch, 2), ("both", positions * batch, 4)):
            if divisor > 1 and (used != "both" or positions > 1 < batch):
                change: Callable[[torch.Tensor], torch.Tensor] = lambda g, n=divisor: g / n  # type: ignore[misc]  # noqa: E731
                yield next(iter(in_gradient([name], change, rank, f"{used} ({divisor})")))


def bias_ignored(case: Case) -> Iterator[Proposal]:
    """Without the bias in the forward pass."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        b = tensors["bias"]
        return ordinary(node, {**tensors, "bias": b - b.detach()}, inputs, named)

    return at_each([node for node in convolutions(case) if "bias" in node.tensors], rule, {"used": ""})


def first_channel_only(case: Case) -> Iterator[Proposal]:
    """The gradient of the input from one output channel."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        value = ordinary(node, tensors, inputs, named)
        fixed = {name: tensor.detach() for name, tensor in tensors.items()}
        to_input = ordinary(node, fixed, inputs, named)
        to_parameters = ordinary(node, tensors, (inputs[0].detach(),), named)
        mask = torch.zeros_like(value)
        mask.select(-1 - space(node), -1).fill_(1)
        return rewire(value, (to_input, to_parameters), lambda u: (u * mask, u))

    nodes = [n for n in convolutions(case) if n.inputs[0] not in case.training.program.inputs and shape(case, n)[0] > 1]
    return at_each(nodes, rule)


CONV = "PyTorch's convolution is a cross-correlation: y[i] = Σ x[i + j]·k[j], the kernel not turned round. "

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="convolution.kernel_flipped",
        stage=Stage.FORWARD,
        title="The kernel of {sites} was turned round: a convolution instead of a cross-correlation.",
        explanation=CONV
        + "Your numbers follow with k[−j], as mathematics, scipy.signal.convolve and MATLAB's conv2 have it.",
        advice="Turn the kernel round, or use a correlation.",
        propose=lambda case: at_each(larger(case), flipped_forward),
        rank=8,
        convention=True,
        source="github.com/keras-team/keras/issues/3015",
    ),
    Variant(
        code="convolution.kernel_not_flipped_backward",
        stage=Stage.BACKWARD,
        title="The gradient of the input of {sites} was made without turning the kernel round.",
        explanation=CONV
        + "Its gradient with respect to x is the full convolution of the upstream gradient with the kernel, "
        "turned round. Your numbers use the kernel as it is.",
        advice="Turn the kernel round in all spatial dimensions for ∂L/∂x.",
        propose=lambda case: at_each(larger(case), unflipped_backward),
        rank=8,
    ),
    Variant(
        code="convolution.kernel_gradient_flipped",
        stage=Stage.BACKWARD,
        title="The gradient of the kernel of {sites} is turned round.",
        explanation=CONV + "∂L/∂k[j] = Σ u[i]·x[i + j]. Your numbers have it in reverse order. {told}",
        advice="Correlate the input with the upstream gradient; do not turn the result round.",
        propose=kernel_gradient_flipped,
        rank=10,
    ),
    Variant(
        code="convolution.same_padding",
        stage=Stage.FORWARD,
        title="The input of {sites} was padded another way: {used}.",
        explanation="PyTorch pads both sides alike, and puts the odd cell of padding='same' at the end. TensorFlow's "
        "SAME "
        "depends on stride and size and pads more at the end. Your numbers follow with {used}.",
        advice="Pad by hand before the convolution, or use PyTorch's padding.",
        propose=lambda case: (p for make in (padded_as_tensorflow, padded_other_side) for p in make(case)),
        rank=12,
        convention=True,
    ),
    Variant(
        code="convolution.padding_mode",
        stage=Stage.FORWARD,
        title="The border of {sites} was filled another way: {used}, declared is {declared}.",
        explanation="padding_mode says what stands outside the input. Your numbers follow with {used}.",
        advice="Declare padding_mode='{used}', or use the declared one.",
        propose=padding_modes,
        rank=25,
    ),
    Variant(
        code="convolution.bias_gradient",
        stage=Stage.BACKWARD,
        title="The gradient of the bias of {sites} is {used}.",
        explanation="A channel's bias is added at every position of every sample, so ∂L/∂b is the sum of the upstream "
        "gradient over batch and positions. Your numbers need {used}.",
        advice="Sum over batch and positions.",
        propose=bias_gradient,
        rank=12,
    ),
    Variant(
        code="convolution.kernel_gradient_averaged",
        stage=Stage.BACKWARD,
        title="The gradient of the kernel of {sites} was divided by the number of {used}.",
        explanation="The kernel acts at every position of every sample, so its gradient is a sum over all of them. "
        "Your numbers divide by the number of {used}.",
        advice="Sum; a mean over the batch is in the loss already.",
        propose=kernel_divided,
        rank=20,
    ),
    Variant(
        code="convolution.bias_ignored",
        stage=Stage.FORWARD,
        title="The bias of {sites} was left out of the forward pass.",
        explanation="Each channel of the output has its bias added. Your numbers follow without{used}.",
        advice="Add the bias, or declare bias=False.",
        propose=bias_ignored,
        rank=20,
    ),
    Variant(
        code="convolution.one_channel_backward",
        stage=Stage.BACKWARD,
        title="The gradient of the input of {sites} comes from its last output channel alone.",
        explanation="Every output channel depends on the input, so their gradients are added. Your numbers hold the "
        "last one: "
        "each channel overwrites the one before.",
        advice="Add the gradients of all output channels.",
        propose=first_channel_only,
        rank=35,
    ),
)
