"""Networks of random problems: perceptrons, classifiers, convolutions, recurrences, attention, embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from .draw import Draw, Tensor
from .targets import CLASSES, POSITIONS, REGRESSION, ROWS, SEQUENCES, Loss

Make = Callable[[Draw], Tensor]


@dataclass(frozen=True)
class Node:
    """A layer, a function, or an earlier node used once more; and how it stands in the network."""

    kind: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    function: bool = False
    shared: str = ""

    def module(self) -> nn.Module:
        """The layer in PyTorch."""
        made: nn.Module = getattr(nn, self.kind)(*self.args, **self.kwargs)
        return made


@dataclass(frozen=True)
class Blueprint:
    """A problem before its numbers: nodes in order, inputs of a step, the shape of what comes out, losses for it.

    exact: weights and data are small integers. tied: parameters that are others. train: the mode.
    """

    nodes: tuple[Node, ...]
    inputs: Mapping[str, Make]
    shape: tuple[int, ...]
    losses: Sequence[Loss] = REGRESSION
    exact: bool = False
    tied: Mapping[str, str] = field(default_factory=dict)
    train: bool = True


ACTIVATIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("Tanh", {}),
    ("ReLU", {}),
    ("Sigmoid", {}),
    ("LeakyReLU", {}),
    ("LeakyReLU", {"negative_slope": 0.2}),
    ("ELU", {}),
    ("ELU", {"alpha": 0.5}),
    ("SELU", {}),
    ("GELU", {}),
    ("GELU", {"approximate": "tanh"}),
    ("SiLU", {}),
    ("Softplus", {}),
    ("Softplus", {"beta": 2.0}),
    ("Mish", {}),
    ("Hardtanh", {}),
    ("Hardtanh", {"min_val": -0.5, "max_val": 0.7}),
    ("Hardsigmoid", {}),
    ("Hardswish", {}),
    ("ReLU6", {}),
    ("CELU", {"alpha": 1.5}),
    ("Softsign", {}),
    ("Tanhshrink", {}),
    ("Softshrink", {}),
    ("Hardshrink", {}),
    ("LogSigmoid", {}),
    ("PReLU", {}),
    ("Softmax", {"dim": 1}),
    ("LogSoftmax", {"dim": 1}),
)
COMMON = ACTIVATIONS[:4]


def activation(draw: Draw) -> Node:
    """A common one half of the time."""
    kind, kwargs = draw.choice(COMMON if draw.often(0.5) else ACTIVATIONS)
    return Node(kind, (), kwargs)


def elementwise(draw: Draw) -> Node:
    """An activation that takes any shape."""
    node = activation(draw)
    return Node("ReLU") if "Softmax" in node.kind else node


def linear(draw: Draw, wide: int, narrow: int) -> Node:
    """With a bias most of the time."""
    return Node("Linear", (wide, narrow), {} if draw.often(0.85) else {"bias": False})


def given(*shape: int) -> dict[str, Make]:
    """The only input, of that shape."""
    return {"input": lambda draw: draw.values(*shape)}


def shape_after(nodes: Sequence[Node], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that layers, one after the other, make of an input."""
    module = nn.Sequential(*(node.module() for node in nodes)).eval()
    with torch.no_grad():
        return tuple(module(torch.zeros(shape)).shape)


def layers(draw: Draw, wide: int, width: int) -> list[Node]:
    """One to three linear layers with activations between them; square ones now and then."""
    hidden = [draw.choice((wide, draw.integer(2, 5))) for _ in range(draw.integer(0, 2))]
    nodes: list[Node] = []
    for size in hidden:
        nodes += [linear(draw, wide, size), activation(draw)]
        wide = size
    return [*nodes, linear(draw, wide, width)]


def mlp(draw: Draw) -> Blueprint:
    """A perceptron of one to three layers."""
    batch, wide, width = draw.choice((1, 2, 3, 4, 8)), draw.integer(1, 5), draw.integer(1, 4)
    nodes = layers(draw, wide, width)
    if draw.often(0.2):
        nodes.append(activation(draw))
    return Blueprint(tuple(nodes), given(batch, wide), (batch, width))


def classifier(draw: Draw) -> Blueprint:
    """A perceptron with classes."""
    batch, wide, width = draw.choice((1, 2, 3, 4, 8)), draw.integer(1, 5), draw.integer(3, 5)
    return Blueprint(tuple(layers(draw, wide, width)), given(batch, wide), (batch, width), CLASSES)


def rows(draw: Draw) -> Blueprint:
    """A perceptron whose outputs are compared with other rows."""
    batch, wide, width = draw.integer(2, 5), draw.integer(2, 4), draw.integer(2, 4)
    return Blueprint(tuple(layers(draw, wide, width)), given(batch, wide), (batch, width), ROWS)


def convolution(draw: Draw) -> Blueprint:
    """A convolution in one or two dimensions, maybe normalised and pooled, then flattened."""
    dims, batch, channels, out = draw.choice((1, 2)), draw.integer(1, 3), draw.integer(1, 2), draw.integer(2, 3)
    kwargs: dict[str, Any] = {"padding": draw.choice((0, 1)), "stride": draw.choice((1, 1, 2))}
    if draw.often(0.2):
        kwargs, out, channels = {**kwargs, "groups": 2}, 2, 2
    elif draw.often(0.2):
        kwargs["dilation"] = 2
    nodes = [Node(f"Conv{dims}d", (channels, out, draw.choice((2, 3))), kwargs)]
    if draw.often(0.3):
        nodes.append(Node(f"BatchNorm{dims}d", (out,)))
    nodes.append(elementwise(draw) if draw.often(0.8) else Node("ReLU"))
    if draw.often(0.6):
        nodes.append(_pooling(draw, dims))
    shape = (batch, channels) + (7,) * dims
    nodes.append(Node("Flatten"))
    width = draw.integer(1, 3)
    nodes.append(Node("Linear", (shape_after(nodes, shape)[1], width)))
    return Blueprint(tuple(nodes), given(*shape), (batch, width))


def _pooling(draw: Draw, dims: int) -> Node:
    kind = draw.choice(("Max", "Avg", "Avg", "LP", "AdaptiveAvg", "AdaptiveMax"))
    name = f"{kind}Pool{dims}d"
    if kind == "LP":
        return Node(name, (2, 2))
    if kind.startswith("Adaptive"):
        return Node(name, (2,))
    kwargs: dict[str, Any] = {"padding": draw.choice((0, 1)), "stride": draw.choice((1, 2))}
    if kind == "Avg" and draw.often(0.4):
        kwargs["count_include_pad"] = False
    return Node(name, (2,), kwargs)


def transposed(draw: Draw) -> Blueprint:
    """A transposed convolution, flattened."""
    dims, batch, channels, out = draw.choice((1, 2)), draw.integer(1, 2), 2, draw.integer(1, 2)
    kwargs = {"stride": draw.choice((1, 2)), "padding": draw.choice((0, 1))}
    nodes = [Node(f"ConvTranspose{dims}d", (channels, out, 3), kwargs), elementwise(draw), Node("Flatten")]
    shape, width = (batch, channels) + (3,) * dims, draw.integer(1, 2)
    nodes.append(Node("Linear", (shape_after(nodes, shape)[1], width)))
    return Blueprint(tuple(nodes), given(*shape), (batch, width))


def dense(draw: Draw) -> Blueprint:
    """A convolution whose outputs at all positions have a target each."""
    dims, batch, classes = draw.choice((1, 2)), draw.integer(1, 3), draw.integer(2, 3)
    nodes = [Node(f"Conv{dims}d", (2, classes, 3), {"padding": draw.choice((0, 1))})]
    shape = (batch, 2) + (4,) * dims
    return Blueprint(tuple(nodes), given(*shape), shape_after(nodes, shape), POSITIONS)


def normalized(draw: Draw) -> Blueprint:
    """A perceptron with a normalisation in it, now and then in evaluation mode."""
    batch, wide, hidden, width = draw.integer(3, 6), draw.integer(2, 4), 4, draw.integer(1, 3)
    norms = (
        Node("BatchNorm1d", (hidden,)),
        Node("BatchNorm1d", (hidden,), {"momentum": 0.3}),
        Node("BatchNorm1d", (hidden,), {"eps": 0.1}),
        Node("LayerNorm", (hidden,)),
        Node("LayerNorm", (hidden,), {"eps": 0.1}),
        Node("RMSNorm", (hidden,)),
        Node("GroupNorm", (2, hidden)),
    )
    nodes = [linear(draw, wide, hidden), draw.choice(norms), activation(draw), linear(draw, hidden, width)]
    return Blueprint(tuple(nodes), given(batch, wide), (batch, width), train=draw.often(0.75))


def normalized_images(draw: Draw) -> Blueprint:
    """A convolution and a normalisation of images, flattened."""
    batch, channels, width = draw.integer(2, 3), 4, draw.integer(1, 2)
    norms = (
        Node("BatchNorm2d", (channels,)),
        Node("InstanceNorm2d", (channels,), {"affine": True}),
        Node("InstanceNorm2d", (channels,), {"affine": True, "track_running_stats": True}),
        Node("GroupNorm", (2, channels)),
        Node("LayerNorm", ((channels, 3, 3),)),
        Node("LocalResponseNorm", (2,)),
    )
    nodes = [Node("Conv2d", (1, channels, 2)), draw.choice(norms), elementwise(draw), Node("Flatten")]
    nodes.append(Node("Linear", (channels * 9, width)))
    return Blueprint(tuple(nodes), given(batch, 1, 4, 4), (batch, width), train=draw.often(0.75))


def recurrent(draw: Draw) -> Blueprint:
    """RNN, LSTM or GRU, and a linear layer on one of its outputs; now and then with an initial state."""
    kind = draw.choice(("RNN", "LSTM", "GRU"))
    batch, time, units, width = draw.integer(1, 3), draw.integer(2, 4), 2, draw.integer(1, 2)
    wide = draw.choice((1, units, units, 3))
    kwargs: dict[str, Any] = {"batch_first": True} if draw.often(0.8) else {}
    if kind == "RNN" and draw.often(0.4):
        kwargs["nonlinearity"] = "relu"
    if draw.often(0.25):
        kwargs["num_layers"] = 2
    if draw.often(0.2):
        kwargs["bidirectional"] = True
    ways = 2 if "bidirectional" in kwargs else 1
    shape = (batch, time, wide) if "batch_first" in kwargs else (time, batch, wide)
    inputs = given(*shape)
    if draw.often(0.35):
        state = (ways * kwargs.get("num_layers", 1), batch, units)
        names = ("h0", "c0") if kind == "LSTM" else ("h0",)
        inputs |= {name: lambda draw: draw.values(*state) for name in names}
    node = Node(kind, (wide, units), kwargs, tuple(inputs), output=draw.choice(("last", "last", "hidden")))
    return Blueprint((node, Node("Linear", (ways * units, width))), inputs, (batch, width))


def sequence(draw: Draw) -> Blueprint:
    """A recurrence of which all time steps have a target."""
    kind, batch, time = draw.choice(("RNN", "LSTM", "GRU")), draw.integer(1, 3), draw.integer(2, 3)
    kwargs: dict[str, Any] = {"batch_first": True} if draw.often(0.5) else {}
    if draw.often(0.3):
        kwargs["bidirectional"] = True
    ways, width = 2 if "bidirectional" in kwargs else 1, 1
    shape = (batch, time) if "batch_first" in kwargs else (time, batch)
    nodes = (Node(kind, (2, 2), kwargs), Node("Linear", (2 * ways, width)))
    return Blueprint(nodes, given(*shape, 2), (*shape, width), REGRESSION[:4])


def transcription(draw: Draw) -> Blueprint:
    """A linear layer at each time step under CTC."""
    time, batch, classes = draw.integer(4, 5), draw.integer(1, 3), draw.integer(3, 4)
    return Blueprint((Node("Linear", (2, classes)),), given(time, batch, 2), (time, batch, classes), SEQUENCES)


def cell(draw: Draw) -> Blueprint:
    """One step of a recurrent cell from a given state."""
    kind, batch, wide, width = draw.choice(("RNNCell", "LSTMCell", "GRUCell")), draw.integer(1, 3), 2, 1
    inputs = given(batch, wide)
    for name in ("h0", "c0") if kind == "LSTMCell" else ("h0",):
        inputs[name] = lambda draw: draw.values(batch, 2)
    node = Node(kind, (wide, 2), inputs=tuple(inputs))
    return Blueprint((node, Node("Linear", (2, width))), inputs, (batch, width))


def attention(draw: Draw) -> Blueprint:
    """Self-attention, maybe with a mask or a norm, then flattened."""
    batch, time, wide, width = draw.integer(1, 3), draw.integer(2, 3), 4, draw.integer(1, 2)
    inputs, named = given(batch, time, wide), {}
    if draw.often(0.3):
        inputs["mask"] = lambda _: torch.ones(time, time, dtype=torch.bool).triu(1)
        named = {"attn_mask": "mask"}
    nodes = [Node("MultiheadAttention", (wide, draw.choice((1, 2, 2))), {"batch_first": True}, ("input",) * 3, named)]
    if draw.often(0.5):
        nodes.append(Node("LayerNorm", (wide,)))
    nodes += [Node("Flatten"), Node("Linear", (time * wide, width))]
    return Blueprint(tuple(nodes), inputs, (batch, width))


def transformer(draw: Draw) -> Blueprint:
    """An encoder layer, sometimes with dropout."""
    batch, time, width = draw.integer(1, 2), 2, draw.integer(1, 2)
    kwargs = {"dim_feedforward": 3, "dropout": draw.choice((0.0, 0.0, 0.3)), "batch_first": True}
    kwargs |= {"norm_first": draw.often(0.5), "activation": draw.choice(("relu", "gelu"))}
    nodes = (Node("TransformerEncoderLayer", (4, 2), kwargs), Node("Flatten"), Node("Linear", (4 * time, width)))
    return Blueprint(nodes, given(batch, time, 4), (batch, width))


def embedding(draw: Draw) -> Blueprint:
    """Tokens looked up, flattened or averaged; words occur several times."""
    batch, time, words, wide, width = draw.integer(1, 4), 3, 5, draw.integer(2, 3), draw.integer(1, 3)
    kwargs = draw.choice(({}, {"padding_idx": 0}, {"scale_grad_by_freq": True}, {"max_norm": 0.5}))
    if draw.often(0.4):
        bag = Node("EmbeddingBag", (words, wide), {"mode": draw.choice(("mean", "sum", "max"))})
        nodes = (bag, Node("Linear", (wide, width)))
    else:
        nodes = (Node("Embedding", (words, wide), kwargs), Node("Flatten"), Node("Linear", (time * wide, width)))
    return Blueprint(nodes, {"input": lambda draw: draw.integers(words, batch, time)}, (batch, width))


ARCHITECTURES: Mapping[str, Callable[[Draw], Blueprint]] = {
    "mlp": mlp,
    "classifier": classifier,
    "rows": rows,
    "normalized": normalized,
    "normalized images": normalized_images,
    "convolution": convolution,
    "transposed": transposed,
    "dense": dense,
    "recurrent": recurrent,
    "sequence": sequence,
    "transcription": transcription,
    "cell": cell,
    "attention": attention,
    "transformer": transformer,
    "embedding": embedding,
}


def with_layers(blueprint: Blueprint, before: Sequence[tuple[str, Mapping[str, Any]]]) -> Blueprint:
    """With the layers that a loss needs at the end."""
    return replace(blueprint, nodes=(*blueprint.nodes, *(Node(kind, (), kwargs) for kind, kwargs in before)))
