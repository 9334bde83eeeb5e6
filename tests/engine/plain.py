"""Problems from specimens, and the same training in plain PyTorch as the oracle."""

from __future__ import annotations

import copy
import inspect
import warnings
from dataclasses import dataclass, field
from typing import Any

import torch
from gradproof import catalog, tensors
from gradproof.v1 import problem_pb2
from torch import nn

from tests.engine.specimens import Specimen


def tensor_message(value: torch.Tensor) -> Any:
    """The encoded tensor."""
    return tensors.as_tensor(value.detach())


def plain_argument(value: Any) -> Any:
    """Lists that stand for tensors become tensors."""
    return torch.tensor(value, dtype=torch.float64) if isinstance(value, list) else value


def plain_module(specimen: Specimen, dtype: torch.dtype = torch.float64) -> nn.Module:
    """The module as a user of PyTorch builds it."""
    cls = getattr(nn, specimen.name)
    args, kwargs = list(specimen.args), dict(specimen.kwargs)
    if specimen.name in ("TransformerEncoder", "TransformerDecoder"):
        layer = getattr(nn, f"{specimen.name}Layer")
        args[0] = layer(**args[0])
        if len(args) > 2:
            args[2] = nn.LayerNorm(**args[2])
    if "cutoffs" not in kwargs and specimen.name != "AdaptiveLogSoftmaxWithLoss":
        kwargs = {name: plain_argument(value) for name, value in kwargs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cls(*args, **kwargs).to(dtype)


def call_plain(module: nn.Module, inputs: list[torch.Tensor], named: dict[str, torch.Tensor]) -> torch.Tensor:
    """Its first output."""
    if isinstance(module, nn.LSTM | nn.LSTMCell) and len(inputs) == 3:
        result = module(inputs[0], (inputs[1], inputs[2]))
    else:
        result = module(*inputs, **named)
    return result[0] if isinstance(result, tuple) else result


@dataclass
class Expectation:
    """What plain PyTorch gives, by the names of the contract."""

    output: torch.Tensor
    loss: torch.Tensor
    gradients: dict[str, torch.Tensor]
    input_gradients: dict[str, torch.Tensor]
    updated: dict[str, torch.Tensor] = field(default_factory=dict)
    buffers: dict[str, torch.Tensor] = field(default_factory=dict)


def train_plain(
    module: nn.Module, inputs: dict[str, torch.Tensor], named: dict[str, torch.Tensor], target: Any
) -> Expectation:
    """One step of MSELoss and SGD(lr=0.1), seeded with 0 before the forward pass."""
    module = copy.deepcopy(module)
    leaves = {k: v.clone().requires_grad_() if v.is_floating_point() else v for k, v in inputs.items()}
    parameters = dict(module.named_parameters())
    optimizer = torch.optim.SGD(parameters.values(), lr=0.1) if parameters else None
    torch.manual_seed(0)
    output = call_plain(module, list(leaves.values()), named)
    loss = nn.MSELoss()(output, target(output))
    loss.backward()
    gradients = {name: p.grad.clone() for name, p in parameters.items() if p.grad is not None}
    if optimizer:
        optimizer.step()
    return Expectation(
        output.detach(),
        loss.detach(),
        gradients,
        {k: v.grad for k, v in leaves.items() if v.is_floating_point() and v.grad is not None},
        {name: p.detach() for name, p in parameters.items()},
        dict(module.named_buffers()),
    )


def layer_problem(
    specimen: Specimen, module: nn.Module, inputs: dict[str, torch.Tensor], named: dict[str, torch.Tensor], target: Any
) -> problem_pb2.Problem:
    """One node with the specimen's layer, MSELoss and SGD(lr=0.1)."""
    problem = problem_pb2.Problem()
    node = problem.network.nodes.add(name="layer", inputs=list(inputs))
    node.layer.CopyFrom(catalog.construct("Layer", specimen.name, specimen.args, specimen.kwargs))
    for name, value in {**inputs, **named}.items():
        problem.inputs[name].CopyFrom(tensor_message(value))
    for name in named:
        node.named_inputs[name] = name
    for name, value in module.named_parameters():
        problem.parameters[f"layer.{name}"].CopyFrom(tensor_message(value))
    problem.loss.mse_loss.SetInParent()
    problem.targets["target"].CopyFrom(tensor_message(target))
    problem.optimizer.sgd.lr = 0.1
    return problem


def loss_problem(specimen: Specimen, module: nn.Module, given: list[torch.Tensor]) -> problem_pb2.Problem:
    """An identity network in front of the loss; floating second inputs of several-input losses are targets."""
    problem = problem_pb2.Problem()
    problem.network.nodes.add(name="same").layer.identity.SetInParent()
    problem.inputs["x"].CopyFrom(tensor_message(given[0]))
    problem.loss.CopyFrom(catalog.construct("Loss", specimen.name, specimen.args, specimen.kwargs))
    names = [p for p in inspect.signature(module.forward).parameters if p != "options"]
    for name, value in zip(names[1:], given[1:], strict=True):
        problem.targets[name.rstrip("_")].CopyFrom(tensor_message(value))
    for name, parameter in module.named_parameters():
        problem.parameters[f"loss.{name}"].CopyFrom(tensor_message(parameter))
    return problem
