"""Shapes, memory and work of a problem, known before anything is computed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch.utils.flop_counter import FlopCounterMode

from .forward import Values, forward, loss_value
from .program import Program
from .tensors import shape_text
from .types import Cost, InvalidProblemError, LimitExceededError, Limits, Violation

MOST_STATE_PER_PARAMETER = 3
"""Tensors of a parameter's size that any optimizer of torch keeps at most (Adam with amsgrad), LBFGS aside."""


@dataclass(frozen=True)
class Shapes:
    """Shapes of all values by key, None where PyTorch cannot know them before running; and the work of one forward."""

    values: Mapping[str, torch.Size] | None
    flops: int
    value_elements: int


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
    tensors = {name: _meta(tensor, dtype) for name, tensor in {**program.parameters, **program.buffers}.items()}
    set_mode(program, train)
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given = {name: _meta(tensor, dtype) for name, tensor in inputs.items()}
            values = forward(program, tensors, given, dtype)
            if program.loss is not None:
                loss_value(program.loss, tensors, values, {name: _meta(t, dtype) for name, t in targets.items()})
    except InvalidProblemError as error:
        if any("meta" in violation.description.lower() for violation in error.violations):
            return Shapes(None, 0, 0)
        raise
    elements = sum(value.numel() for value in values.values())
    return Shapes({key: value.shape for key, value in values.items()}, counter.get_total_flops() + elements, elements)


def _meta(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=dtype if tensor.is_floating_point() else tensor.dtype, device="meta")


def set_mode(program: Program, train: bool) -> None:
    """Puts all modules in train or eval mode."""
    for node in program.nodes:
        if node.operation.module is not None:
            node.operation.module.module.train(train)


def check_values(shapes: Shapes, program: Program, limits: Limits) -> None:
    """Raises LimitExceededError where a value has more elements than the limits allow."""
    for key, shape in (shapes.values or {}).items():
        if shape.numel() > limits.max_elements:
            name = key.partition(":")[0]
            path = next((node.path for node in program.nodes if node.name == name), f'{program.path}.inputs["{key}"]')
            raise LimitExceededError(path, "max_elements", shape.numel(), limits.max_elements)


def estimate_cost(program: Program, shapes: Shapes, steps: int, itemsize: int) -> Cost:
    """What a training run takes, before anything is allocated.

    Memory: parameters, their gradients, the optimizer's state and two copies (before and after), and values with their
    gradients. Work: one forward and twice as much for the backward pass, per step.
    """
    parameters = sum(tensor.numel() for tensor in program.parameters.values())
    memory = itemsize * (parameters * (2 + MOST_STATE_PER_PARAMETER) + 2 * shapes.value_elements)
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
    shape = (shapes.values or {}).get(program.outputs[0])
    if shape is not None and shape.numel() != 1:
        text = f"without a loss the output must be one number, and it has shape {shape_text(shape)}"
        raise InvalidProblemError([Violation(f"{program.path}.loss", "REQUIRED", text)])
