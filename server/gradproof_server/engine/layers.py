"""Layers and losses: from a message of the catalogue to a torch module on the meta device, and how it is called."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from google.protobuf.message import Message
from torch import nn

from .arguments import read_arguments
from .tensors import tensor_to_torch, tensor_violations
from .types import Limits, Violation

Tensors = Mapping[str, torch.Tensor]
RECURRENT = ("RNN", "LSTM", "GRU")
CELLS = ("RNNCell", "LSTMCell", "GRUCell")
POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d,
         nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)  # fmt: skip
NOT_TENSORS = frozenset({"need_weights", "average_attn_weights", "is_causal", "tgt_is_causal", "memory_is_causal",
                         "src_is_causal", "output_size"})  # fmt: skip
RANDOM = frozenset({"Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "RReLU",
                    "FractionalMaxPool2d", "FractionalMaxPool3d"})  # fmt: skip
"""Layers that always draw random numbers in train mode; others do through an argument `dropout`."""


@dataclass(frozen=True)
class Signature:
    """What a module takes and gives: its inputs in order, of which the first `least` are needed, and its outputs."""

    inputs: tuple[str, ...]
    least: int
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class BuiltModule:
    """A module on the meta device, a template for `torch.func.functional_call`."""

    module: nn.Module
    signature: Signature
    forward: Mapping[str, Any]

    @property
    def type_name(self) -> str:
        """The name of the class in torch.nn."""
        return type(self.module).__name__

    def call(self, tensors: Tensors, inputs: tuple[torch.Tensor, ...], named: Tensors) -> tuple[torch.Tensor, ...]:
        """Its outputs in the order of `signature.outputs`, with `tensors` as its parameters and buffers."""
        arguments = inputs
        if self.type_name in ("LSTM", "LSTMCell") and len(inputs) == 3:
            arguments = (inputs[0], (inputs[1], inputs[2]))  # type: ignore[assignment]
        options = {**named, **self.forward}
        if self._is_plain:
            return self._outputs(_call_plain(self.module, tensors, arguments, options))
        return self._outputs(torch.func.functional_call(self.module, dict(tensors), arguments, options))

    @cached_property
    def _is_plain(self) -> bool:
        """Whether all its tensors are attributes of its own, and it keeps no other list of them."""
        return not any(self.module.children()) and not isinstance(self.module, nn.RNNBase)

    def _outputs(self, result: Any) -> tuple[torch.Tensor, ...]:
        if self.type_name in RECURRENT:
            return recurrent_outputs(self.module, *result)
        return result if isinstance(result, tuple) else (result,)


def _call_plain(module: nn.Module, tensors: Tensors, inputs: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """What `torch.func.functional_call` does for a module without children, in a third of the time."""
    own = module._parameters, module._buffers
    parameters, buffers = ({name: tensors.get(name, value) for name, value in known.items()} for known in own)
    try:
        module.__dict__.update(_parameters=parameters, _buffers=buffers)
        return module.forward(*inputs, **options)
    finally:
        module.__dict__.update(_parameters=own[0], _buffers=own[1])


def recurrent_outputs(module: nn.Module, output: torch.Tensor, hidden: Any) -> tuple[torch.Tensor, ...]:
    """output, h_n, (c_n,) last, hidden of a recurrent layer.

    `last` is the output at the last time step; `hidden` the final hidden state of the last layer, both directions
    side by side.
    """
    states = hidden if isinstance(hidden, tuple) else (hidden,)
    time = output.dim() - 2 if module.batch_first or output.dim() == 2 else 0
    directions = 2 if module.bidirectional else 1
    top = torch.cat(tuple(states[0][-directions:]), dim=-1)
    return (output, *states, output.select(time, -1), top)


def build_module(
    cls: type[nn.Module], message: Message, path: str, violations: list[Violation], limits: Limits
) -> BuiltModule | None:
    """The module that `message` describes, or None with the reasons appended to `violations`."""

    def nested(_: str, value: Any, where: str) -> Any:
        if value.DESCRIPTOR.name == "Tensor":
            return _loss_tensor(value, where, violations, limits)
        built = build_module(getattr(nn, value.DESCRIPTOR.name), value, where, violations, limits)
        return built.module if built else None

    before = len(violations)
    arguments = read_arguments(message, cls, path, violations, nested)
    if len(violations) > before:
        return None
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = cls(**arguments.constructor)
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError, OverflowError, ZeroDivisionError) as error:
        violations.append(Violation(path, "CANNOT_BUILD", f"torch.nn.{cls.__name__} refuses its arguments: {error}"))
        return None
    return BuiltModule(module, module_signature(module), arguments.forward)


def _loss_tensor(value: Any, path: str, violations: list[Violation], limits: Limits) -> torch.Tensor | None:
    found = tensor_violations(value, path, limits)
    violations.extend(found)
    return None if found else tensor_to_torch(value)


def module_signature(module: nn.Module) -> Signature:
    """Inputs and outputs of a module; they follow from its forward, a few classes aside."""
    name = type(module).__name__
    inputs, least = forward_inputs(type(module))
    return Signature(inputs, least, _outputs_of(module, name))


def forward_inputs(cls: type[nn.Module]) -> tuple[tuple[str, ...], int]:
    """Names of the tensors that forward takes, and how many of them are needed."""
    if cls.__name__ == "LSTM":
        return ("input", "h0", "c0"), 1
    if cls.__name__ == "LSTMCell":
        return ("input", "h", "c"), 1
    parameters = list(inspect.signature(cls.forward).parameters.values())[1:]
    tensors = [p for p in parameters if p.name not in NOT_TENSORS]
    return tuple(p.name.rstrip("_") for p in tensors), sum(p.default is p.empty for p in tensors)


def _outputs_of(module: nn.Module, name: str) -> tuple[str, ...]:
    if name in RECURRENT:
        states = ("h_n", "c_n") if name == "LSTM" else ("h_n",)
        return ("output", *states, "last", "hidden")
    if name == "LSTMCell":
        return ("h", "c")
    if name == "MultiheadAttention":
        return ("output", "weights")
    if isinstance(module, POOLS) and getattr(module, "return_indices", False):
        return ("output", "indices")
    return ("output",)


def draws_random_numbers(module: nn.Module) -> bool:
    """Whether the module, or a part of it, draws random numbers in train mode."""
    return any(_draws(part) for part in module.modules())


def _draws(part: nn.Module) -> bool:
    if type(part).__name__ in RANDOM:
        return float(getattr(part, "p", 1.0)) > 0
    share = getattr(part, "dropout", 0.0)
    return not isinstance(share, nn.Module) and float(share or 0.0) > 0


def initial_buffer(name: str, like: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A buffer as PyTorch initialises it: ones for running_var, zeros for the others."""
    kind = dtype if like.dtype.is_floating_point else like.dtype
    return torch.full(like.shape, 1 if name.endswith("running_var") else 0, dtype=kind)
