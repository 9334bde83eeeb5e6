"""Random training problems from a seed: networks of many kinds under many losses, optimizers, steps and schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradproof import catalog, tensors
from gradproof.v1 import problem_pb2
from gradproof_server.engine import Training, read_problem
from gradproof_server.engine.types import Limits

from .blueprints import ARCHITECTURES, Blueprint, Node, given, with_layers
from .draw import Draw, Tensor
from .stepping import write_steps
from .structures import STRUCTURES
from .targets import Loss

FAMILIES = ARCHITECTURES | STRUCTURES
NAMES = tuple(FAMILIES)
ORDER = ("mlp", "classifier", *(name for other in NAMES[2:] for name in ("mlp", other)))
"""Families of successive seeds: every second problem is a perceptron."""


@dataclass(frozen=True)
class Problem:
    """A training and what it was made from."""

    seed: int
    family: str
    training: Training
    message: problem_pb2.Problem


def random_problem(seed: int, family: str = "") -> Problem:
    """The problem of that seed; the family follows from the seed where it is not given."""
    family = family or ORDER[seed % len(ORDER)]
    draw = Draw(seed)
    blueprint = FAMILIES[family](draw)
    draw.exact = blueprint.exact
    loss = draw.choice(blueprint.losses)
    blueprint = with_layers(blueprint, loss.before)
    message = problem_pb2.Problem()
    _write_nodes(message, blueprint, draw)
    message.loss.CopyFrom(catalog.construct("Loss", loss.kind, (), loss.arguments(draw, blueprint.shape)))
    steps = write_steps(message, draw, all(len(p.shape) == 2 for p in message.parameters.values()))
    _write_data(message, blueprint, loss, steps, draw)
    message.mode = problem_pb2.MODE_TRAIN if blueprint.train else problem_pb2.MODE_EVAL
    message.seed = seed
    return Problem(seed, family, read_problem(message, Limits()), message)


def _write_nodes(message: problem_pb2.Problem, blueprint: Blueprint, draw: Draw) -> None:
    message.network.tied_parameters.update(blueprint.tied)
    for i, node in enumerate(blueprint.nodes):
        written = message.network.nodes.add(name=str(i), inputs=node.inputs, output=node.output)
        written.named_inputs.update(node.named)
        if node.shared:
            written.shared = node.shared
        elif node.function:
            written.function.CopyFrom(catalog.construct("Function", node.kind, (), dict(node.kwargs)))
        else:
            written.layer.CopyFrom(catalog.construct("Layer", node.kind, node.args, dict(node.kwargs)))
            _write_numbers(message, str(i), node, blueprint, draw)


def _write_numbers(message: problem_pb2.Problem, name: str, node: Node, blueprint: Blueprint, draw: Draw) -> None:
    module = node.module()
    for inner, like in module.named_parameters():
        if f"{name}.{inner}" not in blueprint.tied:
            value = _parameter(node.kind, inner, draw.weights(*like.shape))
            message.parameters[f"{name}.{inner}"].CopyFrom(tensors.as_tensor(value))
    for inner, like in module.named_buffers():
        if like.is_floating_point() and not blueprint.train:
            value = 0.5 + draw.uniform(*like.shape) if "var" in inner else 0.3 * draw.normal(*like.shape)
            message.buffers[f"{name}.{inner}"].CopyFrom(tensors.as_tensor(value))


def _parameter(kind: str, inner: str, value: Tensor) -> Tensor:
    """Weights of a normalisation are near 1, the slope of PReLU is near a quarter."""
    if kind == "PReLU":
        return 0.25 + 0.1 * value
    return 1 + 0.5 * value if "Norm" in kind and inner == "weight" else value


def _write_data(message: problem_pb2.Problem, blueprint: Blueprint, loss: Loss, steps: int, draw: Draw) -> None:
    rates: Mapping[int, float] = {}
    if steps > 1 and not message.HasField("schedule") and draw.often(0.15):
        rates = {k: draw.choice((0.02, 0.05, 0.2)) for k in range(steps)}
    for k in range(steps):
        step = message.steps.add()
        if k in rates:
            step.lr = rates[k]
        for name, make in blueprint.inputs.items():
            step.inputs[name].CopyFrom(tensors.as_tensor(make(draw)))
        for name, value in loss.target(draw, blueprint.shape).items():
            step.targets[name].CopyFrom(tensors.as_tensor(value))


def mlp_of(parameters: int, seed: int = 1) -> Problem:
    """Linear, Tanh, Linear under MSELoss and SGD with about so many parameters, a batch of 8."""
    draw = Draw(seed)
    hidden = max(1, round((parameters / 2) ** 0.5))
    wide = max(1, round(parameters / hidden) - 2)
    nodes = (Node("Linear", (wide, hidden)), Node("Tanh"), Node("Linear", (hidden, 1)))
    message = problem_pb2.Problem()
    _write_nodes(message, Blueprint(nodes, given(8, wide), (8, 1)), draw)
    message.loss.mse_loss.SetInParent()
    message.optimizer.sgd.lr = 0.1
    message.inputs["input"].CopyFrom(tensors.as_tensor(draw.normal(8, wide)))
    message.targets["target"].CopyFrom(tensors.as_tensor(draw.normal(8, 1)))
    return Problem(seed, "mlp", read_problem(message, Limits()), message)
