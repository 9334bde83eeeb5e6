"""Random trainings of what is written here: all widths, batches and scales that a float32 kernel meets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from gradproof import catalog, tensors
from gradproof.v1 import problem_pb2
from gradproof_server.engine import Training, read_problem
from gradproof_server.engine.types import Limits
from torch import nn

from tests.support.random_problems.draw import Draw

Tensor = torch.Tensor
Layer = tuple[str, tuple[Any, ...], dict[str, Any]]
WIDTHS = (1, 2, 3, 5, 8, 16, 33, 64, 128, 300)
BATCHES = (2, 3, 4, 8, 16, 33, 64)
ACTIVATIONS: tuple[Layer, ...] = (
    *((kind, (), {}) for kind in ("Tanh", "ReLU", "Sigmoid", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU")),
    *((kind, (), {}) for kind in ("Mish", "Softplus", "Softsign", "Hardtanh", "Hardswish", "Hardsigmoid", "ReLU6")),
    *((kind, (), {}) for kind in ("Tanhshrink", "Softshrink", "Hardshrink", "LogSigmoid", "PReLU")),
    ("GELU", (), {"approximate": "tanh"}),
    ("LeakyReLU", (), {"negative_slope": 0.2}),
    ("Softplus", (), {"beta": 2.0}),
    ("Softmax", (), {"dim": -1}),
)


@dataclass(frozen=True)
class Sketch:
    """Layers in order, the shape of the input, and the shape (N, K) of what comes out; tokens: of how many words."""

    layers: tuple[Layer, ...]
    shape: tuple[int, ...]
    out: tuple[int, int]
    tokens: int = 0


def scale_of(draw: Draw) -> float:
    """1 one half of the time, otherwise from 1e-4 to 1e4."""
    return 1.0 if draw.often(0.5) else float(10 ** (8 * draw.uniform() - 4))


def perceptron(draw: Draw) -> Sketch:
    """One to four linear layers with activations, maybe normalised."""
    batch = draw.choice(BATCHES)
    widths = [draw.choice(WIDTHS) for _ in range(draw.integer(2, 4))]
    layers: list[Layer] = []
    for wide, narrow in pairwise(widths):
        layers.append(("Linear", (wide, narrow), {} if draw.often(0.85) else {"bias": False}))
        norms: tuple[Layer, ...] = (("BatchNorm1d", (narrow,), {}), ("LayerNorm", (narrow,), {}))
        layers += [draw.choice(norms)] if narrow > 1 and draw.often(0.3) else []
        layers.append(draw.choice(ACTIVATIONS))
    out = draw.choice(WIDTHS[:7])
    return Sketch((*layers, ("Linear", (widths[-1], out), {})), (batch, widths[0]), (batch, out))


def images(draw: Draw) -> Sketch:
    """A convolution in one or two dimensions, maybe normalised and pooled, then flattened."""
    dims, channels, made = draw.choice((1, 2)), draw.integer(1, 4), draw.choice((1, 2, 4, 8))
    shape = (draw.choice(BATCHES[:5]), channels) + (draw.integer(6, 10),) * dims
    kwargs = {"padding": draw.integer(0, 1), "stride": draw.integer(1, 2)}
    layers: list[Layer] = [(f"Conv{dims}d", (channels, made, draw.integer(1, 3)), kwargs)]
    if draw.often(0.4):
        layers.append((f"BatchNorm{dims}d", (made,), {}))
    layers.append(draw.choice(ACTIVATIONS))
    if draw.often(0.6):
        kind = f"{draw.choice(('Max', 'Avg'))}Pool{dims}d"
        layers.append((kind, (2,), {"stride": draw.integer(1, 2), "padding": draw.integer(0, 1)}))
    layers.append(("Flatten", (), {}))
    with torch.no_grad():
        flat = nn.Sequential(*map(module_of, layers))(torch.zeros(shape)).shape[1]
    out = draw.choice(WIDTHS[:5])
    return Sketch((*layers, ("Linear", (flat, out), {})), shape, (shape[0], out))


def sequence(draw: Draw) -> Sketch:
    """RNN, LSTM or GRU, and a linear layer on its last output."""
    shape = draw.choice(BATCHES), draw.integer(1, 8), draw.choice(WIDTHS[:7])
    units, out = draw.choice(WIDTHS[:7]), draw.choice(WIDTHS[:4])
    layers: tuple[Layer, ...] = ((draw.choice(("RNN", "LSTM", "GRU")), (shape[2], units), {"batch_first": True}),)
    return Sketch((*layers, ("Linear", (units, out), {})), shape, (shape[0], out))


def attention(draw: Draw) -> Sketch:
    """Self-attention, maybe normalised, then flattened."""
    heads, size, time = draw.choice((1, 2, 4)), draw.choice((2, 4, 8)), draw.integer(2, 6)
    shape, out = (draw.choice(BATCHES[:5]), time, heads * size), draw.choice(WIDTHS[:5])
    layers: list[Layer] = [("MultiheadAttention", (heads * size, heads), {"batch_first": True})]
    if draw.often(0.5):
        layers.append(("LayerNorm", (heads * size,), {}))
    layers += [("Flatten", (), {}), ("Linear", (time * heads * size, out), {})]
    return Sketch(tuple(layers), shape, (shape[0], out))


def embedding(draw: Draw) -> Sketch:
    """Tokens looked up, then flattened."""
    words, wide, time = draw.integer(2, 20), draw.choice(WIDTHS[1:6]), draw.integer(1, 6)
    batch, out = draw.choice(BATCHES), draw.choice(WIDTHS[:6])
    table: Layer = ("Embedding", (words, wide), draw.choice(({}, {"padding_idx": 0})))
    layers: tuple[Layer, ...] = (
        table,
        ("Flatten", (), {}),
        draw.choice(ACTIVATIONS),
        ("Linear", (time * wide, out), {}),
    )
    return Sketch(layers, (batch, time), (batch, out), words)


FAMILIES: Mapping[str, Callable[[Draw], Sketch]] = {
    "perceptron": perceptron,
    "images": images,
    "sequence": sequence,
    "attention": attention,
    "embedding": embedding,
}
ORDER = ("perceptron", "images", "perceptron", "sequence", "perceptron", "attention", "images", "embedding")
Target = Callable[[Draw, int, int], Tensor]
Arguments = tuple[str, dict[str, Any]]
Loss = tuple[str, dict[str, Any], Target, tuple[Layer, ...]]
"""The loss, its arguments ("weight" for random ones of the classes), its target, and layers that stand before it."""


def real(draw: Draw, n: int, k: int) -> Tensor:
    """Normal numbers of any scale."""
    return scale_of(draw) * draw.normal(n, k)


def bits(draw: Draw, n: int, k: int) -> Tensor:
    """0 and 1."""
    return draw.integers(2, n, k).double()


def signs(draw: Draw, n: int, k: int) -> Tensor:
    """-1 and 1."""
    return 2 * bits(draw, n, k) - 1


def counts(draw: Draw, n: int, k: int) -> Tensor:
    """0 to 4."""
    return draw.integers(5, n, k).double()


def labels(draw: Draw, n: int, k: int) -> Tensor:
    """Classes."""
    return draw.integers(k, n)


def shares(draw: Draw, n: int, k: int) -> Tensor:
    """Probabilities of the classes."""
    return draw.normal(n, k).softmax(1)


SIGMOID: Layer = ("Sigmoid", (), {})
LOG_SOFTMAX: Layer = ("LogSoftmax", (), {"dim": 1})
LOSSES: tuple[Loss, ...] = (
    ("MSELoss", {}, real, ()),
    ("L1Loss", {}, real, ()),
    ("SmoothL1Loss", {"beta": 0.5}, real, ()),
    ("HuberLoss", {"delta": 0.5}, real, ()),
    ("BCEWithLogitsLoss", {}, bits, ()),
    ("BCELoss", {}, bits, (SIGMOID,)),
    ("PoissonNLLLoss", {}, counts, (("Tanh", (), {}),)),
    ("SoftMarginLoss", {}, signs, ()),
    ("HingeEmbeddingLoss", {}, signs, ()),
    ("MultiLabelSoftMarginLoss", {}, bits, ()),
    ("CrossEntropyLoss", {}, labels, ()),
    ("CrossEntropyLoss", {"label_smoothing": 0.1}, labels, ()),
    ("CrossEntropyLoss", {"weight": True}, labels, ()),
    ("CrossEntropyLoss", {}, shares, ()),
    ("NLLLoss", {"weight": True}, labels, (LOG_SOFTMAX,)),
    ("KLDivLoss", {"reduction": "batchmean"}, shares, (LOG_SOFTMAX,)),
    ("MultiMarginLoss", {}, labels, ()),
    ("MultiMarginLoss", {"p": 2}, labels, ()),
)
OPTIMIZERS: tuple[Arguments, ...] = (
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    ("Adadelta", {"lr": 0.5}),
    ("Adamax", {"lr": 0.01}),
    ("NAdam", {"lr": 0.01}),
    ("RAdam", {"lr": 0.01}),
)
SCHEDULES: tuple[Arguments, ...] = (
    ("StepLR", {"step_size": 2, "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 4}),
    ("LinearLR", {"start_factor": 0.5, "total_iters": 3}),
)


def module_of(layer: Layer) -> nn.Module:
    """The layer in PyTorch, for its shapes."""
    kind, args, kwargs = layer
    module: nn.Module = getattr(nn, kind)(*args, **kwargs)
    return module


def independent_problem(seed: int) -> Training:
    """The training of that seed; its family follows from the seed."""
    draw = Draw(seed)
    sketch = FAMILIES[ORDER[seed % len(ORDER)]](draw)
    kind, kwargs, target, before = draw.choice(LOSSES)
    if "reduction" not in kwargs and draw.often(0.3):
        kwargs = {**kwargs, "reduction": "sum"}
    steps = draw.choice((1, 1, 2, 4))
    schedule = draw.choice(SCHEDULES) if steps > 1 and draw.often(0.3) else None
    clipping = draw.choice(({}, {}, {}, {"max_norm": 0.3}, {"clip_value": 0.1}))
    loss, optimizer = (kind, kwargs, target, before), draw.choice(OPTIMIZERS)
    return training_of(sketch, loss, optimizer, steps, draw, scale_of(draw), schedule, clipping)


def training_of(
    sketch: Sketch,
    loss: Loss,
    optimizer: Arguments,
    steps: int,
    draw: Draw,
    scale: float = 1.0,
    schedule: Arguments | None = None,
    clipping: Mapping[str, float] | None = None,
) -> Training:
    """So many steps of the sketched network on inputs of that scale."""
    kind, kwargs, target, before = loss
    message = problem_pb2.Problem()
    for i, layer in enumerate((*sketch.layers, *before)):
        _write_layer(message, str(i), layer, draw)
    weighted = {**kwargs, "weight": 0.5 + draw.uniform(sketch.out[1])} if "weight" in kwargs else kwargs
    message.loss.CopyFrom(catalog.construct("Loss", kind, (), weighted))
    message.optimizer.CopyFrom(catalog.construct("Optimizer", optimizer[0], (), optimizer[1]))
    if schedule is not None:
        message.schedule.CopyFrom(catalog.construct("Schedule", schedule[0], (), schedule[1]))
    for name, value in (clipping or {}).items():
        setattr(message.clip_grad_norm if name == "max_norm" else message.clip_grad_value, name, value)
    for _ in range(steps):
        step = message.steps.add()
        x = draw.integers(sketch.tokens, *sketch.shape) if sketch.tokens else scale * draw.normal(*sketch.shape)
        step.inputs["input"].CopyFrom(tensors.as_tensor(x))
        step.targets["target"].CopyFrom(tensors.as_tensor(target(draw, *sketch.out)))
    return read_problem(message, Limits())


def _write_layer(message: problem_pb2.Problem, name: str, layer: Layer, draw: Draw) -> None:
    kind, args, kwargs = layer
    node = message.network.nodes.add(name=name)
    node.layer.CopyFrom(catalog.construct("Layer", kind, args, kwargs))
    if kind == "MultiheadAttention":
        node.inputs.extend(["input"] * 3)
    elif kind in ("RNN", "LSTM", "GRU"):
        node.output = "last"
    for inner, like in module_of(layer).named_parameters():
        value = draw.normal(*like.shape) / max(1, like[0].numel()) ** 0.5
        if "Norm" in kind and inner == "weight":
            value = 1 + 0.3 * value
        message.parameters[f"{name}.{inner}"].CopyFrom(tensors.as_tensor(value))
