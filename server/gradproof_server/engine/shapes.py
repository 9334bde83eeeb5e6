"""Shapes, memory and work of a problem, known before anything is computed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from .forward import Values, forward, loss_value
from .program import LossProgram, Program
from .tensors import shape_text
from .types import Cost, InvalidProblemError, LimitExceededError, Limits, Violation

MOST_STATE_PER_PARAMETER = 3
"""Tensors of a parameter's size that any optimizer of torch keeps at most (Adam with amsgrad), LBFGS aside."""


@dataclass(frozen=True)
class Shapes:
    """Shapes of all values by key, the work of one forward, and the elements of all values and of the largest tensor on
    the way, those within a layer or a loss included."""

    values: Mapping[str, torch.Size]
    flops: int
    value_elements: int
    largest: int


class ShapeCache:
    """Shapes by program and by the shapes that it is given."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Program, dict[object, Shapes]] = WeakKeyDictionary()

    def get(
        self, program: Program, inputs: Values, targets: Values, train: bool, dtype: torch.dtype, limits: Limits
    ) -> Shapes:
        """Runs the program on the meta device, unless it was run on these shapes before.

        Raises:
            InvalidProblemError: shapes do not fit; names the node and the shapes.
            LimitExceededError: a value has too many elements.
        """
        known = self._known.setdefault(program, {})
        key = (_signature(inputs), _signature(targets), train, dtype)
        if key not in known:
            if len(known) > 64:
                known.clear()
            known[key] = infer_shapes(program, inputs, targets, train, dtype)
        check_values(known[key], program, limits)
        return known[key]


def _signature(tensors: Values) -> tuple[tuple[str, torch.Size, torch.dtype], ...]:
    return tuple((name, tensor.shape, tensor.dtype) for name, tensor in sorted(tensors.items()))


def infer_shapes(program: Program, inputs: Values, targets: Values, train: bool, dtype: torch.dtype) -> Shapes:
    """Shapes by a run on the meta device, which takes no memory and computes nothing."""
    tensors = {name: _stand_in(tensor, dtype) for name, tensor in {**program.parameters, **program.buffers}.items()}
    set_mode(program, train)
    counter, seen = FlopCounterMode(display=False), _Largest()
    with torch.no_grad(), counter, seen, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = {name: _meta(tensor, dtype) for name, tensor in inputs.items()}
        values = forward(program, tensors, given, dtype, device=torch.device("meta"))
        if program.loss is not None:
            _check_loss(program.loss, tensors, values, {name: _meta(t, dtype) for name, t in targets.items()})
    elements = sum(value.numel() for value in values.values())
    flops = counter.get_total_flops() + max(elements, seen.elements)
    return Shapes({key: value.shape for key, value in values.items()}, flops, elements, seen.elements)


class _Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes how many elements the largest result of an operation has."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for part in result if isinstance(result, tuple | list) else (result,):
            if isinstance(part, torch.Tensor):
                self.elements = max(self.elements, part.numel())
        return result


def _check_loss(loss: LossProgram, tensors: Values, values: Values, targets: Values) -> None:
    """Raises InvalidProblemError where the loss cannot take the shapes. Of some the meta device cannot say that."""
    try:
        loss_value(loss, tensors, values, targets)
    except InvalidProblemError as error:
        if not any("meta" in violation.description.lower() for violation in error.violations):
            raise


def _stand_in(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A parameter or buffer on the meta device; a counter, whose value modules ask for, as it is at first."""
    if tensor.dim() == 0 and not tensor.is_floating_point():
        return torch.zeros((), dtype=tensor.dtype)
    return _meta(tensor, dtype)


def _meta(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=dtype if tensor.is_floating_point() else tensor.dtype, device="meta")


def set_mode(program: Program, train: bool) -> None:
    """Puts all modules in train or eval mode."""
    for node in program.nodes:
        if node.operation.module is not None:
            node.operation.module.module.train(train)


def check_values(shapes: Shapes, program: Program, limits: Limits) -> None:
    """Raises LimitExceededError where a value, or what is computed on the way to it, has more elements than allowed."""
    for key, shape in shapes.values.items():
        if shape.numel() > limits.max_elements:
            name = key.partition(":")[0]
            path = next((node.path for node in program.nodes if node.name == name), f'{program.path}.inputs["{key}"]')
            raise LimitExceededError(path, "max_elements", shape.numel(), limits.max_elements)
    if shapes.largest > limits.max_elements:
        raise LimitExceededError(program.path, "max_elements", shapes.largest, limits.max_elements)


def estimate_cost(program: Program, shapes: Shapes, steps: int, itemsize: int) -> Cost:
    """What a training run takes, before anything is allocated.

    Memory: parameters, their gradients, the optimizer's state and two copies (before and after), buffers before and
    after, and values with their gradients, or what is larger on the way to them. Work: one forward and twice as much
    for the backward pass, per step.
    """
    parameters = sum(tensor.numel() for tensor in program.parameters.values())
    buffers = sum(tensor.numel() for tensor in program.buffers.values())
    values = max(shapes.value_elements, shapes.largest)
    memory = itemsize * (parameters * (2 + MOST_STATE_PER_PARAMETER) + 2 * buffers + 2 * values)
    return Cost(memory, 3 * shapes.flops * steps)


def check_cost(cost: Cost, path: str, limits: Limits) -> None:
    """Raises LimitExceededError, with the path of the network, where memory or work are above the limits."""
    for limit, value in (("max_memory_bytes", cost.memory_bytes), ("max_flops", cost.flops)):
        if value > (allowed := getattr(limits, limit)):
            raise LimitExceededError(path, limit, value, allowed)


def check_scalar_output(program: Program, shapes: Shapes) -> None:
    """Raises InvalidProblemError where there is no loss and the output is not one number."""
    if program.loss is not None:
        return
    if len(program.outputs) != 1:
        text = f"without a loss the network has one output, the loss; this one has {len(program.outputs)}"
        raise InvalidProblemError([Violation(f"{program.path}.loss", "REQUIRED", text)])
    shape = shapes.values.get(program.outputs[0])
    if shape is not None and shape.numel() != 1:
        text = f"without a loss the output must be one number, and it has shape {shape_text(shape)}"
        raise InvalidProblemError([Violation(f"{program.path}.loss", "REQUIRED", text)])
