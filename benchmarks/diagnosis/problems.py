"""Random training problems from a seed: networks of many kinds under many losses, optimizers, steps and schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
from gradproof import catalog, tensors
from gradproof.v1 import problem_pb2
from gradproof_server.engine import Training, read_problem
from gradproof_server.engine.types import Limits
from torch import nn

T = TypeVar("T")
Tensor = torch.Tensor


class Draw:
    """Random choices of one seed."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, float64."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1), float64."""
        return torch.rand(shape, generator=self.generator, dtype=torch.float64)

    def integer(self, low: int, high: int) -> int:
        """From low to high, both possible."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def integers(self, high: int, *shape: int) -> Tensor:
        """From 0 to high - 1, int64."""
        return torch.randint(0, high, shape, generator=self.generator)

    def choice(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[self.integer(0, len(options) - 1)]

    def often(self, share: float) -> bool:
        """True with that probability."""
        return float(self.uniform()) < share


@dataclass(frozen=True)
class Node:
    """A layer or function: its class, arguments, and how it stands in the network."""

    kind: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    output: str = ""
    function: bool = False


@dataclass(frozen=True)
class Blueprint:
    """A problem before its numbers: nodes in order, inputs of a step, and the shape (N, K) of what comes out."""

    nodes: tuple[Node, ...]
    inputs: Callable[[Draw], Tensor]
    batch: int
    width: int
    classes: bool = False


ACTIVATIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("Tanh", {}),
    ("ReLU", {}),
    ("Sigmoid", {}),
    ("LeakyReLU", {}),
    ("LeakyReLU", {"negative_slope": 0.2}),
    ("ELU", {}),
    ("SELU", {}),
    ("GELU", {}),
    ("GELU", {"approximate": "tanh"}),
    ("SiLU", {}),
    ("Softplus", {}),
    ("Mish", {}),
    ("Hardtanh", {}),
    ("Hardsigmoid", {}),
    ("Hardswish", {}),
    ("ReLU6", {}),
    ("CELU", {}),
    ("Softsign", {}),
    ("Tanhshrink", {}),
    ("Softshrink", {}),
    ("Hardshrink", {}),
    ("LogSigmoid", {}),
    ("PReLU", {}),
    ("Softmax", {"dim": 1}),
)
COMMON = ACTIVATIONS[:4]


def activation(draw: Draw) -> Node:
    """A common one half of the time."""
    kind, kwargs = draw.choice(COMMON if draw.often(0.5) else ACTIVATIONS)
    return Node(kind, (), kwargs)


def linear(draw: Draw, wide: int, narrow: int) -> Node:
    """With a bias most of the time."""
    return Node("Linear", (wide, narrow), {} if draw.often(0.85) else {"bias": False})


def mlp(draw: Draw) -> Blueprint:
    """One to three layers; square ones now and then."""
    batch, wide, width = draw.choice((1, 2, 3, 4, 8)), draw.integer(1, 5), draw.integer(1, 4)
    hidden = [draw.choice((wide, draw.integer(2, 5))) for _ in range(draw.integer(0, 2))]
    nodes: list[Node] = []
    for size in hidden:
        nodes += [linear(draw, wide if not nodes else nodes[-2].args[1], size), activation(draw)]
    nodes.append(linear(draw, nodes[-2].args[1] if nodes else wide, width))
    if draw.often(0.2):
        nodes.append(activation(draw))
    return Blueprint(tuple(nodes), lambda d: d.normal(batch, wide), batch, width)


def classifier(draw: Draw) -> Blueprint:
    """An MLP with classes."""
    blueprint = mlp(draw)
    nodes = blueprint.nodes if blueprint.nodes[-1].kind == "Linear" else blueprint.nodes[:-1]
    width = max(blueprint.width, 3)
    last = replace(nodes[-1], args=(nodes[-1].args[0], width))
    return replace(blueprint, nodes=(*nodes[:-1], last), width=width, classes=True)


def convolution(draw: Draw) -> Blueprint:
    """A convolution in one or two dimensions, maybe normalised and pooled, then flattened."""
    dims, batch, channels, out = draw.choice((1, 2)), draw.integer(1, 3), draw.integer(1, 2), draw.integer(2, 3)
    size, kernel = 6, draw.choice((2, 3))
    kwargs: dict[str, Any] = {"padding": draw.choice((0, 1)), "stride": draw.choice((1, 1, 2))}
    if draw.often(0.2) and channels == 2:
        kwargs, out = {**kwargs, "groups": 2}, 2
    nodes = [Node(f"Conv{dims}d", (channels, out, kernel), kwargs)]
    if draw.often(0.3):
        nodes.append(Node(f"BatchNorm{dims}d", (out,)))
    nodes.append(activation(draw) if draw.often(0.8) else Node("ReLU"))
    nodes = [Node("ReLU") if node.kind == "Softmax" else node for node in nodes]
    if draw.often(0.6):
        pooling = (2,), {"padding": draw.choice((0, 1)), "stride": draw.choice((1, 2))}
        nodes.append(Node(f"{draw.choice(('Max', 'Avg'))}Pool{dims}d", *pooling))
    shape = (batch, channels) + (size,) * dims
    with torch.no_grad():
        module = nn.Sequential(*(getattr(nn, node.kind)(*node.args, **node.kwargs) for node in nodes))
        flat = module(torch.zeros(shape)).flatten(1).shape[1] if batch > 1 else _flat(module, shape)
    width = draw.integer(1, 3)
    nodes += [Node("Flatten"), Node("Linear", (flat, width))]
    return Blueprint(tuple(nodes), lambda d: d.normal(*shape), batch, width)


def _flat(module: nn.Module, shape: tuple[int, ...]) -> int:
    return int(module.eval()(torch.zeros(shape)).flatten(1).shape[1])


def normalized(draw: Draw) -> Blueprint:
    """An MLP with a normalisation in it."""
    batch, wide, hidden, width = draw.integer(3, 6), draw.integer(2, 4), 4, draw.integer(1, 3)
    norms = (
        Node("BatchNorm1d", (hidden,)),
        Node("BatchNorm1d", (hidden,), {"momentum": 0.3}),
        Node("LayerNorm", (hidden,)),
        Node("RMSNorm", (hidden,)),
        Node("GroupNorm", (2, hidden)),
    )
    nodes = [linear(draw, wide, hidden), draw.choice(norms), activation(draw), linear(draw, hidden, width)]
    return Blueprint(tuple(nodes), lambda d: d.normal(batch, wide), batch, width)


def recurrent(draw: Draw) -> Blueprint:
    """RNN, LSTM or GRU, and a linear layer on its last output."""
    kind = draw.choice(("RNN", "LSTM", "GRU"))
    batch, time, wide, units, width = draw.integer(1, 3), draw.integer(2, 4), draw.integer(1, 3), 2, draw.integer(1, 2)
    kwargs: dict[str, Any] = {"batch_first": True}
    if draw.often(0.2):
        kwargs["num_layers"] = 2
    if draw.often(0.2):
        kwargs["bidirectional"] = True
    ways = 2 if "bidirectional" in kwargs else 1
    nodes = (Node(kind, (wide, units), kwargs, output="last"), Node("Linear", (ways * units, width)))
    return Blueprint(nodes, lambda d: d.normal(batch, time, wide), batch, width)


def attention(draw: Draw) -> Blueprint:
    """Self-attention, maybe with a residual and a norm, then flattened."""
    batch, time, wide, width = draw.integer(1, 3), draw.integer(2, 3), 4, draw.integer(1, 2)
    heads = draw.choice((1, 2))
    nodes = [Node("MultiheadAttention", (wide, heads), {"batch_first": True}, inputs=("input", "input", "input"))]
    if draw.often(0.5):
        nodes.append(Node("LayerNorm", (wide,)))
    nodes += [Node("Flatten"), Node("Linear", (time * wide, width))]
    return Blueprint(tuple(nodes), lambda d: d.normal(batch, time, wide), batch, width)


def transformer(draw: Draw) -> Blueprint:
    """An encoder layer without dropout."""
    batch, time, width = draw.integer(1, 2), 2, draw.integer(1, 2)
    kwargs = {"dim_feedforward": 3, "dropout": 0.0, "batch_first": True, "norm_first": draw.often(0.5)}
    kwargs["activation"] = draw.choice(("relu", "gelu"))
    nodes = (Node("TransformerEncoderLayer", (4, 2), kwargs), Node("Flatten"), Node("Linear", (4 * time, width)))
    return Blueprint(nodes, lambda d: d.normal(batch, time, 4), batch, width)


def embedding(draw: Draw) -> Blueprint:
    """Tokens looked up, flattened or averaged."""
    batch, time, words, wide, width = draw.integer(1, 4), 3, 5, draw.integer(2, 3), draw.integer(1, 3)
    kwargs = draw.choice(({}, {"padding_idx": 0}))
    if draw.often(0.4):
        bag = Node("EmbeddingBag", (words, wide), {"mode": draw.choice(("mean", "sum", "max"))})
        nodes = (bag, Node("Linear", (wide, width)))
    else:
        nodes = (Node("Embedding", (words, wide), kwargs), Node("Flatten"), Node("Linear", (time * wide, width)))
    return Blueprint(nodes, lambda d: d.integers(words, batch, time), batch, width)


FAMILIES: Mapping[str, Callable[[Draw], Blueprint]] = {
    "mlp": mlp,
    "classifier": classifier,
    "normalized": normalized,
    "convolution": convolution,
    "recurrent": recurrent,
    "attention": attention,
    "transformer": transformer,
    "embedding": embedding,
}
ORDER = ("mlp", "classifier", "mlp", "normalized", "mlp", "convolution", "mlp", "recurrent", "mlp", "classifier")
ORDER += ("mlp", "attention", "mlp", "embedding", "recurrent", "transformer")

Target = Callable[[Draw, int, int], Tensor]


def real(draw: Draw, batch: int, width: int) -> Tensor:
    """Normal numbers."""
    return draw.normal(batch, width)


def bits(draw: Draw, batch: int, width: int) -> Tensor:
    """0 and 1."""
    return draw.integers(2, batch, width).double()


def signs(draw: Draw, batch: int, width: int) -> Tensor:
    """-1 and 1."""
    return 2 * bits(draw, batch, width) - 1


def counts(draw: Draw, batch: int, width: int) -> Tensor:
    """0 to 4."""
    return draw.integers(5, batch, width).double()


def labels(draw: Draw, batch: int, width: int) -> Tensor:
    """Classes."""
    return draw.integers(width, batch)


def shares(draw: Draw, batch: int, width: int) -> Tensor:
    """Probabilities of the classes."""
    return draw.normal(batch, width).softmax(1)


@dataclass(frozen=True)
class Loss:
    """A loss, its arguments, its target, and the layer that must stand before it."""

    kind: str
    kwargs: Mapping[str, Any]
    target: Target
    before: Node | None = None


REDUCTIONS = ({}, {}, {"reduction": "sum"})
REGRESSION = (
    Loss("MSELoss", {}, real),
    Loss("MSELoss", {}, real),
    Loss("L1Loss", {}, real),
    Loss("SmoothL1Loss", {}, real),
    Loss("SmoothL1Loss", {"beta": 0.5}, real),
    Loss("HuberLoss", {}, real),
    Loss("HuberLoss", {"delta": 0.5}, real),
    Loss("BCEWithLogitsLoss", {}, bits),
    Loss("BCELoss", {}, bits, Node("Sigmoid")),
    Loss("PoissonNLLLoss", {}, counts),
    Loss("SoftMarginLoss", {}, signs),
    Loss("HingeEmbeddingLoss", {}, signs),
)
CLASSES = (
    Loss("CrossEntropyLoss", {}, labels),
    Loss("CrossEntropyLoss", {"label_smoothing": 0.1}, labels),
    Loss("CrossEntropyLoss", {}, shares),
    Loss("NLLLoss", {}, labels, Node("LogSoftmax", (), {"dim": 1})),
    Loss("KLDivLoss", {"reduction": "batchmean"}, shares, Node("LogSoftmax", (), {"dim": 1})),
    Loss("MultiMarginLoss", {}, labels),
    Loss("MultiLabelSoftMarginLoss", {}, bits),
)
OPTIMIZERS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.01, "centered": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adadelta", {"lr": 0.5}),
    ("Adamax", {"lr": 0.01}),
    ("NAdam", {"lr": 0.01}),
    ("RAdam", {"lr": 0.01}),
    ("Rprop", {"lr": 0.01}),
)
SCHEDULES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("StepLR", {"step_size": 2, "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 4}),
    ("LinearLR", {"start_factor": 0.5, "total_iters": 3}),
)


@dataclass(frozen=True)
class Problem:
    """A training and what it was made from."""

    seed: int
    family: str
    training: Training
    message: problem_pb2.Problem


def random_problem(seed: int, family: str = "") -> Problem:
    """The problem of that seed; the family follows from the seed where it is not given."""
    draw = Draw(seed)
    family = family or ORDER[seed % len(ORDER)]
    blueprint = FAMILIES[family](draw)
    loss = draw.choice(CLASSES if blueprint.classes else REGRESSION)
    if loss.before is not None:
        blueprint = replace(blueprint, nodes=(*blueprint.nodes, loss.before))
    message = problem_pb2.Problem()
    _write_nodes(message, blueprint, draw)
    kwargs = dict(loss.kwargs) or draw.choice(REDUCTIONS)
    message.loss.CopyFrom(catalog.construct("Loss", loss.kind, (), kwargs))
    _write_steps(message, blueprint, loss, draw)
    message.seed = seed
    return Problem(seed, family, read_problem(message, Limits()), message)


def _write_nodes(message: problem_pb2.Problem, blueprint: Blueprint, draw: Draw) -> None:
    for i, node in enumerate(blueprint.nodes):
        written = message.network.nodes.add(name=str(i), inputs=node.inputs, output=node.output)
        written.layer.CopyFrom(catalog.construct("Layer", node.kind, node.args, dict(node.kwargs)))
        for name, like in getattr(nn, node.kind)(*node.args, **node.kwargs).named_parameters():
            value = 0.6 * draw.normal(*like.shape)
            if "Norm" in node.kind and name == "weight":
                value = 1 + 0.5 * value
            message.parameters[f"{i}.{name}"].CopyFrom(tensors.as_tensor(value))


def _write_steps(message: problem_pb2.Problem, blueprint: Blueprint, loss: Loss, draw: Draw) -> None:
    optimizer, arguments = draw.choice(OPTIMIZERS[:1] if draw.often(0.3) else OPTIMIZERS)
    message.optimizer.CopyFrom(catalog.construct("Optimizer", optimizer, (), dict(arguments)))
    if draw.often(0.15):
        message.clip_grad_norm.max_norm = 0.3
    elif draw.often(0.1):
        message.clip_grad_value.clip_value = 0.1
    steps = draw.choice((1, 1, 2, 3))
    if steps > 1 and draw.often(0.3):
        name, kwargs = draw.choice(SCHEDULES)
        message.schedule.CopyFrom(catalog.construct("Schedule", name, (), dict(kwargs)))
    for _ in range(steps):
        step = message.steps.add()
        step.inputs["input"].CopyFrom(tensors.as_tensor(blueprint.inputs(draw)))
        step.targets["target"].CopyFrom(tensors.as_tensor(loss.target(draw, blueprint.batch, blueprint.width)))


def mlp_of(parameters: int, seed: int = 1) -> Problem:
    """Linear, Tanh, Linear under MSELoss and SGD with about so many parameters, a batch of 8."""
    draw = Draw(seed)
    hidden = max(1, round((parameters / 2) ** 0.5))
    wide = max(1, round(parameters / hidden) - 2)
    nodes = (Node("Linear", (wide, hidden)), Node("Tanh"), Node("Linear", (hidden, 1)))
    blueprint = Blueprint(nodes, lambda d: d.normal(8, wide), 8, 1)
    message = problem_pb2.Problem()
    _write_nodes(message, blueprint, draw)
    message.loss.mse_loss.SetInParent()
    message.optimizer.sgd.lr = 0.1
    message.inputs["input"].CopyFrom(tensors.as_tensor(draw.normal(8, wide)))
    message.targets["target"].CopyFrom(tensors.as_tensor(draw.normal(8, 1)))
    return Problem(seed, "mlp", read_problem(message, Limits()), message)
