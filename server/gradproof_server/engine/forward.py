"""The forward pass: a program applied to tensors, on any device, the meta device included."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from .errors import TORCH_ERRORS, as_problem_error
from .network import Node
from .program import LossProgram, Program
from .tensors import dtype_name, shape_text
from .types import InvalidProblemError, Violation

Values = dict[str, torch.Tensor]
Tensors = Mapping[str, torch.Tensor]
NodeCall = Callable[[Node, dict[str, torch.Tensor], tuple[torch.Tensor, ...], dict[str, torch.Tensor]], object]
"""Another rule for a node: (node, its tensors by their names in the module, inputs, named inputs) -> output(s)."""


def forward(
    program: Program,
    tensors: Tensors,
    inputs: Tensors,
    dtype: torch.dtype,
    rules: Mapping[str, NodeCall] | None = None,
    device: torch.device | None = None,
) -> Values:
    """Values of all nodes by their keys, and the inputs by their names.

    `tensors` holds parameters and buffers by their names in the network; `rules` replaces the rule of some nodes;
    `device` is where constants are, None: where the tensors are.

    Raises:
        InvalidProblemError: a node cannot be run on what it is given; names the node and the shapes.
        MemoryError: the memory of the device is not enough.
    """
    values: Values = dict(inputs)
    for node in program.nodes:
        given = tuple(_value(values, key, node) for key in node.inputs)
        named = {argument: _value(values, key, node) for argument, key in node.named_inputs}
        rule = (rules or {}).get(node.name)
        outputs = call_node(node, program, tensors, given, named, dtype, rule, device)
        for output, value in zip(node.operation.signature.outputs, outputs, strict=False):
            values[node.key(output)] = value
    _check_outputs(program, values)
    return values


def _check_outputs(program: Program, values: Values) -> None:
    """How many parts Split and Unbind make is known only here."""
    missing = [i for i, key in enumerate(program.outputs) if key not in values]
    if missing:
        where = f"{program.path}.network.outputs"
        texts = [f"{program.outputs[i]!r} does not exist; the node has fewer outputs" for i in missing]
        raise InvalidProblemError(
            [Violation(f"{where}[{i}]", "UNKNOWN_OUTPUT", text) for i, text in zip(missing, texts, strict=True)]
        )


def _value(values: Values, key: str, node: Node) -> torch.Tensor:
    if key not in values:
        name, _, output = key.partition(":")
        made = sum(1 for known in values if known == name or known.startswith(f"{name}:"))
        text = f"{key!r}: node {name!r} has {made} outputs, 0 to {made - 1}, and no {output!r}"
        raise InvalidProblemError([Violation(f"{node.path}.inputs", "UNKNOWN_OUTPUT", text)])
    return values[key]


def node_tensors(node: Node, program: Program, tensors: Tensors) -> dict[str, torch.Tensor]:
    """Parameters and buffers of a node by their names in its module, ties resolved."""
    return {inner: tensors[program.tied.get(outer, outer)] for inner, outer in node.tensors.items()}


def call_node(
    node: Node,
    program: Program,
    tensors: Tensors,
    given: tuple[torch.Tensor, ...],
    named: dict[str, torch.Tensor],
    dtype: torch.dtype,
    rule: NodeCall | None = None,
    device: torch.device | None = None,
) -> tuple[torch.Tensor, ...]:
    """Outputs of one node; errors as in `forward`."""
    operation = node.operation
    if operation.constant is not None:
        return (_constant(operation.constant, dtype, tensors, given, device),)
    own = node_tensors(node, program, tensors)
    try:
        if rule is not None:
            result = rule(node, own, given, named)
        elif operation.module is not None:
            result = operation.module.call(own, given, named)
        else:
            assert operation.function is not None
            result = operation.function(*given)
    except TORCH_ERRORS as error:
        raise as_problem_error(error, node.path, _described(node, given, named)) from error
    return result if isinstance(result, tuple) else (result,)


def _constant(
    constant: torch.Tensor,
    dtype: torch.dtype,
    tensors: Tensors,
    given: tuple[torch.Tensor, ...],
    device: torch.device | None,
) -> torch.Tensor:
    like = next(iter((*given, *tensors.values())), constant)
    device = device or like.device
    return constant.to(device, dtype if constant.is_floating_point() else constant.dtype)


def _described(node: Node, given: tuple[torch.Tensor, ...], named: dict[str, torch.Tensor]) -> str:
    shapes = [f"{shape_text(x.shape)} {dtype_name(x.dtype)}" for x in (*given, *named.values())]
    return f"node {node.name!r} ({node.operation.type_name}) cannot take {', '.join(shapes) or 'nothing'}"


def loss_value(loss: LossProgram, tensors: Tensors, values: Tensors, targets: Tensors) -> torch.Tensor:
    """The loss, a scalar.

    Raises:
        InvalidProblemError: the loss cannot be computed from what it is given, or is no single number.
    """
    given = loss_arguments(loss, values, targets)
    own = {name: tensors[f"loss.{name}"] for name, _ in loss.module.module.named_parameters()}
    own |= {name: weight.to(given[0]) for name, weight in loss.module.module.named_buffers()}
    try:
        result = loss.module.call(own, given, {})
    except TORCH_ERRORS as error:
        shapes = ", ".join(
            f"{a.argument} {shape_text(x.shape)} {dtype_name(x.dtype)}"
            for a, x in zip(loss.arguments, given, strict=False)
        )
        raise as_problem_error(error, loss.path, f"{loss.module.type_name} cannot take {shapes}") from error
    return _one_number(result[-1], loss.path)


def _one_number(value: torch.Tensor, path: str) -> torch.Tensor:
    if value.numel() != 1:
        text = f"the loss has shape {shape_text(value.shape)}; one number is needed to differentiate"
        raise InvalidProblemError([Violation(path, "NO_SCALAR", text)])
    return value


def loss_of(program: Program, tensors: Tensors, values: Tensors, targets: Tensors) -> torch.Tensor:
    """The program's loss, or its only output where it has none; raises as `loss_value`."""
    if program.loss is None:
        return _one_number(values[program.outputs[0]], f"{program.path}.loss").reshape(())
    return loss_value(program.loss, tensors, values, targets)


def loss_arguments(loss: LossProgram, values: Tensors, targets: Tensors) -> tuple[torch.Tensor, ...]:
    """What the loss takes, in order."""
    taken = []
    for argument in loss.arguments:
        source = targets if argument.is_target else values
        if argument.key not in source:
            if not argument.required:
                break
            where = "targets" if argument.is_target else "inputs"
            text = f"{loss.module.type_name} needs {argument.argument}, and there is no {argument.key!r} in {where}"
            raise InvalidProblemError([Violation(loss.path, "REQUIRED", text)])
        taken.append(source[argument.key])
    return tuple(taken)
