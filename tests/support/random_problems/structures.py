"""Rarer networks: paths that part and join, tied weights, functions, values on kinks and ties, dropout, images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .blueprints import Blueprint, Node, activation, elementwise, given, linear, shape_after
from .draw import Draw
from .targets import ANY_NUMBER, EXACT


def function(kind: str, *inputs: str, **kwargs: Any) -> Node:
    """A function of some nodes."""
    return Node(kind, (), kwargs, inputs, function=True)


def residual(draw: Draw) -> Blueprint:
    """A layer with a path around it, or two, or twice as long."""
    batch, wide, size, width = draw.integer(1, 4), draw.integer(1, 3), draw.integer(2, 4), draw.integer(1, 3)
    nodes = [linear(draw, wide, size), linear(draw, size, size), activation(draw), function("Add", "0", "2")]
    if draw.often(0.4):
        nodes.append(function("Add", "3", "0"))
    if draw.often(0.3):
        nodes[-1] = function("Concatenate", *nodes[-1].inputs, dim=1)
        size *= 2
    nodes.append(linear(draw, size, width))
    return Blueprint(tuple(nodes), given(batch, wide), (batch, width))


def joined(draw: Draw) -> Blueprint:
    """Two layers of the same input whose outputs are subtracted, multiplied, divided or compared."""
    batch, wide, size, width = draw.integer(1, 4), draw.integer(1, 3), draw.integer(2, 3), draw.integer(1, 3)
    kind = draw.choice(("Subtract", "Multiply", "Divide", "Maximum", "Minimum"))
    second = Node("Linear", (wide, size), inputs=("input",))
    nodes = [linear(draw, wide, size), second, function(kind, "0", "1"), linear(draw, size, width)]
    if kind == "Divide":
        nodes[1:3] = [second, Node("Sigmoid"), function(kind, "0", "2")]
    return Blueprint(tuple(nodes), given(batch, wide), (batch, width))


def products(draw: Draw) -> Blueprint:
    """Outputs of two layers multiplied as square matrices."""
    batch, size, width = draw.integer(1, 3), draw.integer(2, 3), draw.integer(1, 2)
    first, second = (Node("Linear", (2, size), inputs=("input",)) for _ in range(2))
    nodes = [first, second, function("MatMul", "0", "1"), Node("Flatten"), Node("Linear", (size * size, width))]
    return Blueprint(tuple(nodes), given(batch, size, 2), (batch, width))


FUNCTIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    *(("Elementwise", {"function": name}) for name in ("exp", "square", "sin", "cos", "atan", "sigmoid", "tanh")),
    ("Normalize", {"dim": 1}),
    ("Normalize", {"dim": 1}),
    ("Power", {"exponent": 3.0}),
    ("Affine", {"scale": 2.0, "shift": 0.5}),
)


def functional(draw: Draw) -> Blueprint:
    """A function between two layers."""
    batch, wide, size, width = draw.integer(1, 4), draw.integer(1, 3), draw.integer(2, 3), draw.integer(1, 3)
    kind, kwargs = draw.choice(FUNCTIONS)
    nodes = (linear(draw, wide, size), Node(kind, (), kwargs, function=True), linear(draw, size, width))
    return Blueprint(nodes, given(batch, wide), (batch, width))


def tied(draw: Draw) -> Blueprint:
    """A square layer used twice, or a layer with the parameters of another."""
    batch, size, width = draw.integer(1, 4), draw.integer(2, 3), draw.integer(1, 3)
    first, last = Node("Linear", (size, size)), Node("Linear", (size, width))
    if draw.often(0.5):
        nodes = (first, activation(draw), Node("Linear", shared="0"), activation(draw), last)
        return Blueprint(nodes, given(batch, size), (batch, width))
    nodes = (first, activation(draw), Node("Linear", (size, size)), last)
    return Blueprint(nodes, given(batch, size), (batch, width), tied={"2.weight": "0.weight"})


KINKED: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("ReLU", {}),
    ("LeakyReLU", {"negative_slope": 0.25}),
    ("PReLU", {}),
    ("ReLU6", {}),
    ("Hardtanh", {}),
    ("Hardsigmoid", {}),
    ("Hardswish", {}),
    ("ELU", {"alpha": 0.5}),
    ("SELU", {}),
    ("Softshrink", {"lambd": 1.0}),
    ("Hardshrink", {"lambd": 1.0}),
    ("Threshold", {"threshold": 1.0, "value": 0.5}),
)


def kinks(draw: Draw) -> Blueprint:
    """Integers, so that activations are met at their kinks."""
    batch, wide, size, width = draw.integer(1, 4), draw.integer(2, 3), draw.integer(2, 4), draw.integer(1, 3)
    kind, kwargs = draw.choice(KINKED)
    nodes = (Node("Linear", (wide, size)), Node(kind, (), kwargs), Node("Linear", (size, width)))
    return Blueprint(nodes, given(batch, wide), (batch, width), exact=True)


def function_kinks(draw: Draw) -> Blueprint:
    """Integers, so that functions are met at their kinks."""
    batch, wide, size, width = draw.integer(1, 4), draw.integer(2, 3), draw.integer(2, 4), draw.integer(1, 3)
    absolute, root = function("Elementwise", function="abs"), function("Elementwise", function="sqrt")
    clamps = [function("Clamp", min=-1.0, max=1.0)], [function("Clamp", min=0.0)]
    between = draw.choice(([absolute], [absolute, root], *clamps))
    nodes = (Node("Linear", (wide, size)), *between, Node("Linear", (size, width)))
    return Blueprint(nodes, given(batch, wide), (batch, width), ANY_NUMBER, exact=True)


def residual_kinks(draw: Draw) -> Blueprint:
    """Integers under losses, so that these are met at their kinks."""
    batch, wide, width = draw.integer(1, 4), draw.integer(1, 3), draw.integer(1, 3)
    loss = draw.choice(EXACT)
    width = max(width, 3) if loss.kind == "MultiMarginLoss" else width
    return Blueprint((Node("Linear", (wide, width)),), given(batch, wide), (batch, width), (loss,), exact=True)


def ties(draw: Draw) -> Blueprint:
    """Integers of which the largest is taken, along a dimension or of two layers."""
    batch, wide, size, width = draw.integer(1, 3), draw.integer(2, 3), draw.integer(2, 4), draw.integer(1, 2)
    first = Node("Linear", (wide, size))
    if draw.often(0.4):
        kind = draw.choice(("Maximum", "Minimum"))
        second = Node("Linear", (wide, size), inputs=("input",))
        nodes = (first, second, function(kind, "0", "1"), Node("Linear", (size, width)))
    else:
        reducer = draw.choice(("amax", "amin", "max", "min"))
        nodes = (first, function("Reduce", reducer=reducer, dims=[1], keepdim=True), Node("Linear", (1, width)))
    return Blueprint(nodes, given(batch, wide), (batch, width), exact=True)


def pooled_ties(draw: Draw) -> Blueprint:
    """Integers under max pooling."""
    dims, batch, width = draw.choice((1, 2)), draw.integer(1, 2), draw.integer(1, 2)
    pool = Node(f"MaxPool{dims}d", (2,), {"stride": draw.choice((1, 2))})
    nodes = [Node(f"Conv{dims}d", (1, 2, 2)), pool, Node("Flatten")]
    shape = (batch, 1) + (5,) * dims
    nodes.append(Node("Linear", (shape_after(nodes, shape)[1], width)))
    return Blueprint(tuple(nodes), given(*shape), (batch, width), exact=True)


def dropping(draw: Draw) -> Blueprint:
    """A perceptron with dropout, now and then in evaluation mode."""
    batch, wide, size, width = draw.integer(2, 4), draw.integer(1, 3), draw.integer(3, 5), draw.integer(1, 3)
    drop = Node("Dropout", (draw.choice((0.3, 0.5)),))
    nodes = (linear(draw, wide, size), activation(draw), drop, linear(draw, size, width))
    return Blueprint(nodes, given(batch, wide), (batch, width), train=draw.often(0.65))


def stacked(draw: Draw) -> Blueprint:
    """Two convolutions one after the other."""
    batch, channels, width = draw.integer(1, 2), draw.integer(2, 3), draw.integer(1, 2)
    nodes = [Node("Conv1d", (1, 2, 2)), elementwise(draw), Node("Conv1d", (2, channels, 2)), Node("Flatten")]
    nodes.append(Node("Linear", (channels * 4, width)))
    return Blueprint(tuple(nodes), given(batch, 1, 6), (batch, width))


def unrolled(draw: Draw) -> Blueprint:
    """A recurrent cell used at two time steps."""
    kind, batch, width = draw.choice(("RNNCell", "GRUCell")), draw.integer(1, 3), draw.integer(1, 2)
    first, second = Node(kind, (2, 2), inputs=("input", "h0")), Node(kind, inputs=("then", "0"), shared="0")
    inputs = {name: lambda d: d.values(batch, 2) for name in ("input", "then", "h0")}
    return Blueprint((first, second, linear(draw, 2, width)), inputs, (batch, width))


def tokens(draw: Draw) -> Blueprint:
    """A recurrence over embedded words."""
    batch, time, width = draw.integer(1, 3), draw.integer(2, 4), draw.integer(1, 2)
    kind = draw.choice(("RNN", "LSTM", "GRU"))
    recurrence = Node(kind, (2, 2), {"batch_first": True}, output="last")
    nodes = (Node("Embedding", (4, 2)), recurrence, linear(draw, 2, width))
    return Blueprint(nodes, {"input": lambda d: d.integers(4, batch, time)}, (batch, width))


RESIZED: tuple[tuple[str, tuple[Any, ...], Mapping[str, Any]], ...] = (
    ("Upsample", (), {"scale_factor": 2}),
    ("Upsample", (), {"scale_factor": 2, "mode": "bilinear"}),
    ("Upsample", (), {"scale_factor": 2, "mode": "bilinear", "align_corners": True}),
    ("UpsamplingBilinear2d", (), {"scale_factor": 2}),
    ("UpsamplingNearest2d", (), {"scale_factor": 2}),
    ("PixelShuffle", (2,), {}),
    ("PixelUnshuffle", (3,), {}),
    ("ChannelShuffle", (2,), {}),
    ("ReflectionPad2d", (1,), {}),
    ("ConstantPad2d", (1, 0.5), {}),
)


def images(draw: Draw) -> Blueprint:
    """A convolution, resized, shuffled or padded, then flattened."""
    batch, width = draw.integer(1, 2), draw.integer(1, 2)
    kind, args, kwargs = draw.choice(RESIZED)
    nodes = [Node("Conv2d", (1, 4, 2)), elementwise(draw), Node(kind, args, kwargs), Node("Flatten")]
    shape = (batch, 1, 4, 4)
    nodes.append(Node("Linear", (shape_after(nodes, shape)[1], width)))
    return Blueprint(tuple(nodes), given(*shape), (batch, width))


STRUCTURES: Mapping[str, Callable[[Draw], Blueprint]] = {
    "residual": residual,
    "joined": joined,
    "products": products,
    "functional": functional,
    "tied": tied,
    "kinks": kinks,
    "function kinks": function_kinks,
    "residual kinks": residual_kinks,
    "ties": ties,
    "pooled ties": pooled_ties,
    "dropping": dropping,
    "images": images,
    "stacked": stacked,
    "unrolled": unrolled,
    "tokens": tokens,
}
