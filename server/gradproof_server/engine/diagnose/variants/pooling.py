"""Variants of pooling and resizing: padding counted or not, gradients spread or undivided, maximum for mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import torch
from torch.nn import functional as F

from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..rules import ordinary, rewire
from ..variant import Proposal, Stage, Variant
from .sites import at_each, at_nodes, module_of, passed

Tensors = dict[str, torch.Tensor]
Inputs = tuple[torch.Tensor, ...]
AVERAGE: tuple[Any, ...] = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
MAXIMUM: tuple[Any, ...] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
AVG = ("AvgPool1d", "AvgPool2d", "AvgPool3d")
MAX = ("MaxPool1d", "MaxPool2d", "MaxPool3d")
ADAPTIVE_AVG = tuple(f"AdaptiveAvgPool{d}d" for d in (1, 2, 3))
ADAPTIVE_MAX = tuple(f"AdaptiveMaxPool{d}d" for d in (1, 2, 3))


def space(node: Node) -> int:
    """Number of spatial dimensions."""
    return int(node.operation.type_name[-2])


def each(value: Any, d: int) -> tuple[int, ...]:
    """An argument for each spatial dimension."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,)
    return tuple(int(v) for v in (values if len(values) == d else values * d))


def window(node: Node) -> tuple[int, ...]:
    """Sizes of the window."""
    return each(module_of(node).kernel_size, space(node))


def cells(node: Node) -> int:
    """Number of cells of a whole window."""
    return prod(window(node))


def padding(node: Node) -> tuple[int, ...]:
    """Padding on both sides."""
    return each(module_of(node).padding, space(node))


def average(node: Node, x: torch.Tensor, count_padding: bool, divisor: int | None = None) -> torch.Tensor:
    """The mean over the layer's windows; with a divisor the sum over them, padding counted, divided by it."""
    module, d = module_of(node), space(node)
    stride = each(module.stride if module.stride is not None else module.kernel_size, d)
    made: torch.Tensor = AVERAGE[d - 1](x, window(node), stride, padding(node), bool(module.ceil_mode), count_padding)
    return made if divisor is None else made * (cells(node) / divisor)


def maximum(node: Node, x: torch.Tensor) -> torch.Tensor:
    """The maximum over the layer's windows."""
    module, d = module_of(node), space(node)
    stride = each(module.stride if module.stride is not None else module.kernel_size, d)
    dilation = each(getattr(module, "dilation", 1), d)
    made: torch.Tensor = MAXIMUM[d - 1](x, window(node), stride, padding(node), dilation, bool(module.ceil_mode))
    return made


def undilated(node: Node) -> bool:
    """Whether a maximum pooling has a mean over the same windows."""
    module = module_of(node)
    return not module.return_indices and all(v == 1 for v in each(module.dilation, space(node)))


def with_rule(function: Callable[[Node, torch.Tensor], torch.Tensor]) -> NodeCall:
    """The rule of a layer that computes another function of its input."""
    return lambda node, tensors, inputs, named: function(node, inputs[0])


def with_path(function: Callable[[Node, torch.Tensor], torch.Tensor]) -> NodeCall:
    """The rule of a layer whose gradient is that of another function."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        outputs = ordinary(node, tensors, inputs, named)
        first = outputs[0] if isinstance(outputs, tuple) else outputs
        return passed(first, function(node, inputs[0]))

    return rule


def padding_counted(case: Case, counted: bool) -> Iterator[Proposal]:
    """count_include_pad the other way, where there is padding."""
    nodes = [n for n in case.nodes(*AVG) if any(padding(n)) and bool(module_of(n).count_include_pad) is not counted]
    nodes = [n for n in nodes if getattr(module_of(n), "divisor_override", None) is None]
    return at_each(nodes, with_rule(lambda node, x: average(node, x, counted)))


def divisors(case: Case) -> Iterator[Proposal]:
    """Sums, and the declared divisor left out."""
    plain = [node for node in case.nodes(*AVG) if not module_of(node).ceil_mode and cells(node) > 1]
    usual = [node for node in plain if getattr(module_of(node), "divisor_override", None) != 1]
    yield from at_each(usual, with_rule(lambda node, x: average(node, x, True, 1)), {"used": "not divided at all"})
    overridden = [
        node for node in plain if getattr(module_of(node), "divisor_override", None) not in (None, cells(node))
    ]
    yield from at_each(overridden, with_rule(lambda n, x: average(n, x, True)), {"used": "the size of the window"})
    for node in plain:
        sides = set(window(node)) - {1}
        if len(sides) == 1 and space(node) > 1:
            side = sides.pop()
            rule = with_rule(lambda n, x, side=side: average(n, x, True, side))  # type: ignore[misc]
            yield at_nodes([node], rule, {"used": f"divided by the window's side, {side}"}, 8)
    adaptive = with_rule(summed)
    yield from at_each(case.nodes(*ADAPTIVE_AVG), adaptive, {"used": "not divided at all"}, 3)


def summed(node: Node, x: torch.Tensor) -> torch.Tensor:
    """The sum over the windows of an adaptive mean, where these are equally large."""
    d = space(node)
    y = ordinary(node, {}, (x,), {})
    made: torch.Tensor = y * (x.shape[-d:].numel() / y.shape[-d:].numel())
    return made


def gradient_undivided(case: Case) -> Iterator[Proposal]:
    """Each cell gets the whole upstream gradient of a mean."""

    def whole(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        y = ordinary(node, tensors, inputs, named)
        d = space(node)
        adaptive = node.operation.type_name in ADAPTIVE_AVG
        size = inputs[0].shape[-d:].numel() / y.shape[-d:].numel() if adaptive else cells(node)
        return rewire(y, (y,), lambda u: (u * size,))

    yield from at_each([node for node in case.nodes(*AVG) if cells(node) > 1], whole)
    yield from at_each(case.nodes(*ADAPTIVE_AVG), whole)


def maximum_spread(case: Case) -> Iterator[Proposal]:
    """The gradient of a maximum goes to the whole window, whole or shared."""
    nodes = [node for node in case.nodes(*MAX) if undilated(node) and cells(node) > 1]
    shared = with_path(lambda node, x: average(node, x, True))
    whole = with_path(lambda node, x: average(node, x, True) * cells(node))
    yield from at_each(nodes, shared, {"used": "an equal share of it"})
    yield from at_each(nodes, whole, {"used": "all of it"}, 2)


def swapped(case: Case) -> Iterator[Proposal]:
    """Mean for maximum and the reverse."""
    means = [n for n in case.nodes(*MAX) if undilated(n)]
    yield from at_each(
        means, with_rule(lambda node, x: average(node, x, True)), {"declared": "MaxPool", "used": "AvgPool"}
    )
    yield from at_each(case.nodes(*AVG), with_rule(maximum), {"declared": "AvgPool", "used": "MaxPool"})
    for kinds, other in ((ADAPTIVE_AVG, "adaptive_max_pool"), (ADAPTIVE_MAX, "adaptive_avg_pool")):
        nodes = [node for node in case.nodes(*kinds) if not getattr(module_of(node), "return_indices", False)]
        texts = {"declared": kinds[0][:-2], "used": other}
        yield from at_each(nodes, with_rule(adaptive(other)), texts)


def adaptive(name: str) -> Callable[[Node, torch.Tensor], torch.Tensor]:
    """An adaptive pooling of torch.nn.functional by name."""

    def pool(node: Node, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = getattr(F, f"{name}{space(node)}d")(x, module_of(node).output_size)
        return made

    return pool


def lp_without_root(case: Case) -> Iterator[Proposal]:
    """The sum of powers."""
    nodes = [node for node in case.nodes("LPPool1d", "LPPool2d", "LPPool3d") if module_of(node).norm_type != 1]

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        made: torch.Tensor = ordinary(node, tensors, inputs, named) ** module_of(node).norm_type
        return made

    return at_each(nodes, rule)


RESIZED = ("linear", "bilinear", "bicubic", "trilinear")


def resize(mode: str, corners: bool | None) -> NodeCall:
    """An Upsample with another mode, to the size that it makes."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        with torch.no_grad():
            size = ordinary(node, tensors, inputs, named).shape[2:]
        return F.interpolate(inputs[0], size=tuple(size), mode=mode, align_corners=corners)

    return rule


def corners_toggled(case: Case) -> Iterator[Proposal]:
    """align_corners the other way."""
    for node in case.nodes("Upsample", "UpsamplingBilinear2d"):
        module = module_of(node)
        if module.mode in RESIZED:
            declared = bool(module.align_corners)
            yield at_nodes(
                [node], resize(module.mode, not declared), {"used": str(not declared), "declared": str(declared)}
            )


def modes_swapped(case: Case) -> Iterator[Proposal]:
    """Nearest for linear and the reverse."""
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}
    for node in case.nodes("Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"):
        mode, d = module_of(node).mode, case.value(node.inputs[0]).dim() - 2
        others = ["nearest", "nearest-exact", linear.get(d, "linear"), *(["bicubic"] if d == 2 else [])]
        for rank, other in enumerate(other for other in others if other != mode):
            corners = False if other in RESIZED else None
            yield at_nodes([node], resize(other, corners), {"declared": mode, "used": other}, 3 * rank)


def shuffle_order(case: Case) -> Iterator[Proposal]:
    """PixelShuffle with the blocks in front of the channels, as TensorFlow's depth_to_space."""

    def shuffled(node: Node, x: torch.Tensor) -> torch.Tensor:
        r = module_of(node).upscale_factor
        lead, (c, h, w) = x.shape[:-3], x.shape[-3:]
        blocks = x.reshape(-1, r, r, c // (r * r), h, w).permute(0, 3, 4, 1, 5, 2)
        return blocks.reshape(*lead, c // (r * r), h * r, w * r)

    def unshuffled(node: Node, x: torch.Tensor) -> torch.Tensor:
        r = module_of(node).downscale_factor
        lead, (c, h, w) = x.shape[:-3], x.shape[-3:]
        blocks = x.reshape(-1, c, h // r, r, w // r, r).permute(0, 3, 5, 1, 2, 4)
        return blocks.reshape(*lead, c * r * r, h // r, w // r)

    yield from at_each(case.nodes("PixelShuffle"), with_rule(shuffled))
    yield from at_each(case.nodes("PixelUnshuffle"), with_rule(unshuffled))


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="pooling.average_excludes_padding",
        stage=Stage.FORWARD,
        title="The mean at {sites} was taken over the real cells alone, without the padding.",
        explanation="PyTorch's average pooling counts the zeros of the padding (count_include_pad=True) and divides by "
        "the "
        "whole window; TensorFlow, Keras and Caffe2 divide by the number of real cells, as your numbers do.",
        advice="Declare count_include_pad=False, or count the padding.",
        propose=lambda case: padding_counted(case, False),
        rank=4,
        convention=True,
        source="github.com/apache/tvm/issues/1144",
    ),
    Variant(
        code="pooling.average_includes_padding",
        stage=Stage.FORWARD,
        title="The mean at {sites} counts the padding, although count_include_pad=False is declared.",
        explanation="With count_include_pad=False the sum is divided by the number of real cells; your numbers divide "
        "by the "
        "whole window.",
        advice="Declare count_include_pad=True, or divide by the real cells.",
        propose=lambda case: padding_counted(case, True),
        rank=4,
        convention=True,
    ),
    Variant(
        code="pooling.divisor",
        stage=Stage.FORWARD,
        title="The mean at {sites} has another divisor: {used}.",
        explanation="Average pooling divides the sum over a window by its size, or by divisor_override. Your numbers "
        "follow "
        "with: {used}.",
        advice="Divide by the declared number.",
        propose=divisors,
        rank=18,
    ),
    Variant(
        code="pooling.average_gradient_undivided",
        stage=Stage.BACKWARD,
        title="The gradient of the mean at {sites} was not divided by the size of the window.",
        explanation="A mean of k cells passes 1/k of the gradient to each. Your numbers pass all of it to each.",
        advice="Divide by the size of the window on the way back too.",
        propose=gradient_undivided,
        rank=10,
    ),
    Variant(
        code="pooling.max_gradient_spread",
        stage=Stage.BACKWARD,
        title="The gradient of the maximum at {sites} went to every cell of the window: {used}.",
        explanation="A maximum passes the gradient to the cell that held it, and nothing to the others. Your numbers "
        "give each "
        "cell {used}.",
        advice="Keep the position of the maximum and send the gradient there.",
        propose=maximum_spread,
        rank=10,
    ),
    Variant(
        code="pooling.swapped",
        stage=Stage.FORWARD,
        title="{used} was used at {sites} where the network has {declared}.",
        explanation="Your numbers follow with {used} in the forward and the backward pass.",
        advice="Use {declared}, or declare {used}.",
        propose=swapped,
        rank=15,
    ),
    Variant(
        code="pooling.power_without_root",
        stage=Stage.FORWARD,
        title="The root is missing at {sites}.",
        explanation="LPPool is (Σ xᵖ)^(1/p) over a window. Your numbers follow with Σ xᵖ.",
        advice="Take the p-th root of the sum.",
        propose=lp_without_root,
        rank=20,
    ),
    Variant(
        code="pooling.align_corners",
        stage=Stage.FORWARD,
        title="{sites} was resized with align_corners={used}; declared is {declared}.",
        explanation="With align_corners=True the corner pixels of input and output have the same centres; PyTorch's "
        "default is "
        "False, old versions and some other frameworks have True.",
        advice="Declare align_corners={used}, or use {declared}.",
        propose=corners_toggled,
        rank=6,
        convention=True,
    ),
    Variant(
        code="pooling.resize_mode",
        stage=Stage.FORWARD,
        title="{sites} was resized with mode {used}; declared is {declared}.",
        explanation="Your numbers follow with {used}.",
        advice="Declare mode='{used}', or use {declared}.",
        propose=modes_swapped,
        rank=15,
    ),
    Variant(
        code="pooling.shuffle_order",
        stage=Stage.FORWARD,
        title="The channels at {sites} were taken in the order of depth_to_space.",
        explanation="PixelShuffle reads the channels as (channel, row, column) of each block; TensorFlow's "
        "depth_to_space as "
        "(row, column, channel), as your numbers need.",
        advice="Permute the channels, or use PixelShuffle's order.",
        propose=shuffle_order,
        rank=12,
        convention=True,
    ),
)
