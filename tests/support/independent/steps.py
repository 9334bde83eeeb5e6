"""A whole training in NumPy: forward, loss, backward, clipping and optimizer, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from gradproof_server.engine import Training
from gradproof_server.engine.network import Node
from gradproof_server.engine.types import Quantity, TensorId

from .arithmetic import Array, array_of, tensor_of
from .layers import LAYERS, Backward, Layer, Named
from .losses import LOSSES
from .optimizers import OPTIMIZERS, Memory, clipped
from .sequences import SEQUENCES

Told = dict[TensorId, torch.Tensor]
ALL_LAYERS: Mapping[str, Layer] = {**LAYERS, **SEQUENCES}
SCHEDULES: Mapping[str, Callable[[Mapping[str, Any], int], float]] = {
    "StepLR": lambda a, k: a["gamma"] ** (k // a["step_size"]),
    "ExponentialLR": lambda a, k: a["gamma"] ** k,
    "CosineAnnealingLR": lambda a, k: (1 + math.cos(math.pi * k / a["T_max"])) / 2,
    "LinearLR": lambda a, k: a["start_factor"] + (1 - a["start_factor"]) * min(k / a["total_iters"], 1),
}
"""The factor of the learning rate in step k, from the arguments."""


def compute(training: Training, dtype: torch.dtype) -> Told:
    """Loss, output, gradients, updated parameters and buffers of every step, float64, computed in that dtype."""
    parameters = {name: array_of(tensor, dtype) for name, tensor in training.parameters_before.items()}
    buffers = {name: array_of(tensor, dtype) for name, tensor in training.buffers_before.items()}
    memories: dict[str, Memory] = {name: {} for name in parameters}
    told: dict[TensorId, Array] = {}
    for k in range(len(training.steps)):
        evaluated, gradients = _differentiate(training, k, parameters, buffers, dtype)
        parameters = _updated(training, k, parameters, gradients, memories)
        told |= evaluated
        told |= {TensorId(k, Quantity.GRADIENT, name): value for name, value in gradients.items()}
        told |= {TensorId(k, Quantity.UPDATED, name): value for name, value in parameters.items()}
        told |= {TensorId(k, Quantity.BUFFER, name): value for name, value in buffers.items()}
    return {id: tensor_of(value) for id, value in told.items()}


def _differentiate(
    training: Training, k: int, parameters: Named, buffers: Named, dtype: torch.dtype
) -> tuple[dict[TensorId, Array], Named]:
    """Loss, output and gradient of the input; the gradients of the parameters. Buffers are brought up to date."""
    program, step = training.program, training.steps[k]
    name = program.inputs[0]
    x, rules = array_of(step.inputs[name], dtype), []
    for node in program.nodes:
        x, back = _forward(node, parameters, buffers, x)
        rules.append((node, back))
    assert program.loss is not None
    target = array_of(step.targets["target"], dtype)
    loss, dx = LOSSES[program.loss.module.type_name](program.loss.module.module, x, target)
    gradients: Named = {}
    for node, back in reversed(rules):
        dx, own = back(dx)
        gradients |= {node.tensors[inner]: gradient for inner, gradient in own.items()}
    told = {TensorId(k, Quantity.LOSS): loss, TensorId(k, Quantity.OUTPUT, program.outputs[0]): x}
    if step.inputs[name].is_floating_point():
        told[TensorId(k, Quantity.INPUT_GRADIENT, name)] = dx
    return told, gradients


def _forward(node: Node, parameters: Named, buffers: Named, x: Array) -> tuple[Array, Backward]:
    assert node.operation.module is not None
    own = {inner: {**parameters, **buffers}[outer] for inner, outer in node.tensors.items()}
    y, back = ALL_LAYERS[node.operation.type_name](node.operation.module.module, own, x)
    buffers.update({outer: own[inner] for inner, outer in node.tensors.items() if outer in buffers})
    return _last(y, back) if node.output == "last" else (y, back)


def _last(y: Array, back: Backward) -> tuple[Array, Backward]:
    """Only the last moment of a sequence."""

    def whole(dy: Array) -> tuple[Array, Named]:
        padded = y * 0
        padded[:, -1] = dy
        return back(padded)

    return y[:, -1], whole


def _updated(training: Training, k: int, parameters: Named, gradients: Named, memories: Mapping[str, Memory]) -> Named:
    if training.optimizer is None:
        return parameters
    gradients = clipped(gradients, training.clipping.max_norm, training.clipping.clip_value)
    step, schedule = OPTIMIZERS[training.optimizer.type_name], training.schedule
    new = {}
    for name, value in parameters.items():
        arguments = training.optimizer.arguments_of(name)
        factor = SCHEDULES[schedule.type_name](schedule.arguments, k) if schedule else 1.0
        new[name] = step({**arguments, "lr": arguments["lr"] * factor}, value, gradients[name], memories[name])
    return new
