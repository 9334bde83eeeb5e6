"""The network: from messages to validated nodes, with all that is wrong collected."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from google.protobuf.message import Message
from gradproof.v1 import functions_pb2, layers_pb2, network_pb2
from torch import nn

from .arguments import MOST_REPEATS, STACKS
from .functions import MANY, ROWS, Call, FunctionRow, is_given
from .layers import BuiltModule, Signature, build_module, draws_random_numbers
from .near import near_miss
from .tensors import shape_text, tensor_to_torch, tensor_violations
from .types import LimitExceededError, Limits, Violation

NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
LOSS = "loss"
"""Prefix of the parameters of a loss; no node may have this name."""


@dataclass(frozen=True)
class Operation:
    """What a node does: a module with parameters, or a function, or a constant."""

    type_name: str
    signature: Signature
    module: BuiltModule | None = None
    function: Call | None = None
    constant: torch.Tensor | None = None
    most_inputs: int = 1


@dataclass(frozen=True)
class Node:
    """An operation in the network.

    `inputs` and `named_inputs` are keys of values: "node", "node:output" or the name of an input. `tensors` maps the
    parameters and buffers of the operation (by their names in the module) to their names in the network.
    """

    name: str
    operation: Operation
    inputs: tuple[str, ...]
    named_inputs: tuple[tuple[str, str], ...]
    output: str
    tensors: Mapping[str, str]
    path: str

    def key(self, output: str) -> str:
        """The key of one of its outputs."""
        return self.name if output == self.output else f"{self.name}:{output}"


class NetworkReader:
    """Collects nodes and violations while a network is read."""

    def __init__(self, network: network_pb2.Network, inputs: tuple[str, ...], path: str, limits: Limits) -> None:
        self.network, self.path, self.limits = network, path, limits
        self.inputs = inputs
        self.nodes: OrderedDict[str, Node] = OrderedDict()
        self.violations: list[Violation] = []
        self.layers = 0
        self._positions = {node.name or str(i): i for i, node in enumerate(network.nodes)}

    def fail(self, path: str, reason: str, text: str) -> None:
        """Notes a violation."""
        self.violations.append(Violation(path, reason, text))

    def build_nodes(self) -> None:
        """Reads all nodes in order."""
        if not self.network.nodes:
            self.fail(f"{self.path}.nodes", "REQUIRED", "a network has at least one node")
        previous: str | None = None
        for i, message in enumerate(self.network.nodes):
            name = message.name or str(i)
            where = f"{self.path}.nodes[{i}]"
            if self._name_is_free(name, where):
                node = self._build_node(message, name, i, previous)
                if node is not None:
                    self.nodes[name] = node
            previous = name

    def _name_is_free(self, name: str, where: str) -> bool:
        if len(name) > 200 or not NAME.match(name):
            text = f"{name[:80]!r} is not a name; letters, digits, '_' and '-', parts joined by '.'"
            self.fail(f"{where}.name", "INVALID_NAME", text)
        elif name == LOSS:
            self.fail(f"{where}.name", "RESERVED_NAME", f"{name!r} is reserved for the parameters of the loss")
        elif name in self.nodes:
            self.fail(f"{where}.name", "DUPLICATE_NAME", f"{name!r} is already the name of another node")
        elif name in self.inputs:
            self.fail(f"{where}.name", "DUPLICATE_NAME", f"{name!r} is already the name of an input")
        else:
            return True
        return False

    def _build_node(self, message: network_pb2.Node, name: str, index: int, previous: str | None) -> Node | None:
        where = f"{self.path}.nodes[{index}]"
        operation = self._operation(message, where)
        if operation is None:
            return None
        inputs = tuple(message.inputs) or self._default_inputs(operation, previous, where)
        keys = [self.resolve(key, f"{where}.inputs[{i}]", index) for i, key in enumerate(inputs)]
        named = [
            (argument, self.resolve(key, f'{where}.named_inputs["{argument}"]', index))
            for argument, key in sorted(message.named_inputs.items())
        ]
        self._check_inputs(operation, len(inputs), [argument for argument, _ in named], where)
        output = self._default_output(operation, message.output, where)
        tensors = self.nodes[message.shared].tensors if message.shared else _tensor_names(operation, name)
        return Node(name, operation, tuple(keys), tuple(named), output, tensors, where)

    def _operation(self, message: network_pb2.Node, where: str) -> Operation | None:
        kind = message.WhichOneof("operation")
        if kind == "layer":
            return self._layer(message.layer, f"{where}.layer")
        if kind == "function":
            return self._function(message.function, f"{where}.function")
        if kind == "shared":
            return self._shared(message.shared, f"{where}.shared")
        self.fail(where, "REQUIRED", "one of layer, function and shared must be set")
        return None

    def _layer(self, message: layers_pb2.Layer, where: str) -> Operation | None:
        field = message.WhichOneof("kind")
        if field is None:
            self.fail(where, "REQUIRED", "one kind of layer must be set; ListCatalog lists them")
            return None
        inner = getattr(message, field)
        self._count_layers(inner, f"{where}.{field}")
        cls = getattr(nn, inner.DESCRIPTOR.name)
        built = build_module(cls, inner, f"{where}.{field}", self.violations, self.limits)
        if built is None:
            return None
        return Operation(built.type_name, built.signature, module=built, most_inputs=len(built.signature.inputs))

    def _count_layers(self, message: Message, where: str) -> None:
        """Stacked layers count as nodes, so that building many of them is refused before it takes time."""
        stacked = (value for field, value in message.ListFields() if field.name in STACKS)
        self.layers += sum(min(abs(value), MOST_REPEATS) for value in stacked)
        if self.layers > max(self.limits.max_nodes, MOST_REPEATS):
            raise LimitExceededError(where, "max_nodes", self.layers, self.limits.max_nodes)

    def _function(self, message: functions_pb2.Function, where: str) -> Operation | None:
        field = message.WhichOneof("kind")
        if field is None:
            self.fail(where, "REQUIRED", "one kind of function must be set; ListCatalog lists them")
            return None
        inner, row, inside = getattr(message, field), ROWS[field], f"{where}.{field}"
        missing = [name for name in row.required if not is_given(inner, name)]
        for name in missing:
            self.fail(f"{inside}.{name}", "REQUIRED", f"{inner.DESCRIPTOR.name} needs {name}")
        if missing:
            return None
        if field == "constant":
            return self._constant(inner, inside)
        return self._plain_function(inner, row, inside)

    def _plain_function(self, inner: object, row: FunctionRow, where: str) -> Operation | None:
        copy = type(inner)()
        copy.CopyFrom(inner)  # type: ignore[attr-defined]
        try:
            function = row.make(copy)
        except (ValueError, AttributeError, KeyError) as error:
            self.fail(where, "UNKNOWN_VALUE", str(error))
            return None
        kind = type(inner).__name__
        many = kind in ("Split", "Unbind")
        outputs = tuple(str(i) for i in range(MANY)) if many else ("output",)
        names = tuple(f"input{i}" for i in range(row.least))
        return Operation(kind, Signature(names, row.least, outputs), function=function, most_inputs=row.most)

    def _constant(self, inner: functions_pb2.Constant, where: str) -> Operation | None:
        found = tensor_violations(inner.value, f"{where}.value", self.limits)
        self.violations.extend(found)
        if found:
            return None
        value = tensor_to_torch(inner.value)
        return Operation("Constant", Signature((), 0, ("output",)), constant=value, most_inputs=0)

    def _shared(self, name: str, where: str) -> Operation | None:
        node = self.nodes.get(name)
        if node is None or node.operation.module is None:
            with_layers = [n.name for n in self.nodes.values() if n.operation.module]
            self.fail(where, "UNKNOWN_NODE", f"{name!r} is no earlier node with a layer{near_miss(name, with_layers)}")
            return None
        return node.operation

    def _default_inputs(self, operation: Operation, previous: str | None, where: str) -> tuple[str, ...]:
        if operation.most_inputs == 0:
            return ()
        if previous is not None:
            return (previous,)
        if len(self.inputs) == 1:
            return self.inputs
        if "input" in self.inputs:
            return ("input",)
        known = ", ".join(self.inputs) or "none is given"
        text = f"the first node names no inputs and the problem has not exactly one; its inputs: {known}"
        self.fail(f"{where}.inputs", "REQUIRED", text)
        return ()

    def knows(self, key: str) -> bool:
        """Whether `key` names an input or a node, whatever its output."""
        return key in self.inputs or key.partition(":")[0] in self._positions

    def resolve(self, key: str, where: str, index: int) -> str:
        """The key of a value that the node at `index` may take; violations where it may not."""
        if key in self.inputs:
            return key
        name, colon, output = key.partition(":")
        node = self.nodes.get(name)
        if node is not None:
            return self._resolve_output(node, output, key, where) if colon else key
        position = self._positions.get(name)
        if position is None:
            known = [*self.inputs, *self._positions]
            self.fail(where, "UNKNOWN_NODE", f"{key!r} is no node and no input{near_miss(key, known)}")
        elif position >= index:
            text = f"{key!r} is not before this node; nodes are listed after those that they take, without cycles"
            self.fail(where, "CYCLE_OR_ORDER", text)
        return key

    def _resolve_output(self, node: Node, output: str, key: str, where: str) -> str:
        outputs = node.operation.signature.outputs
        if output not in outputs:
            text = f"{key!r}: {node.operation.type_name} has no output {output!r}; it has {_list_outputs(outputs)}"
            self.fail(where, "UNKNOWN_OUTPUT", text)
            return key
        return node.key(output)

    def _check_inputs(self, operation: Operation, count: int, named: list[str], where: str) -> None:
        names, least, most = operation.signature.inputs, operation.signature.least, operation.most_inputs
        positional = names[:count]
        for argument in named:
            if operation.module is None or argument not in names:
                text = f"{operation.type_name} has no input {argument!r}{near_miss(argument, names)}"
                self.fail(f'{where}.named_inputs["{argument}"]', "UNKNOWN_INPUT", text)
            elif argument in positional:
                self.fail(f'{where}.named_inputs["{argument}"]', "GIVEN_TWICE", f"{argument!r} is among inputs too")
        given = set(positional) | set(named)
        if (
            count > most
            or (operation.module and not set(names[:least]) <= given)
            or (operation.module is None and count < least)
        ):
            wanted = f"{least}" if least == most else f"{least} to {most}"
            text = f"{operation.type_name} takes {wanted} input(s) ({', '.join(names)}), {count} given"
            self.fail(f"{where}.inputs", "WRONG_NUMBER_OF_INPUTS", text)

    def _default_output(self, operation: Operation, output: str, where: str) -> str:
        outputs = operation.signature.outputs
        if output and output not in outputs:
            text = f"{operation.type_name} has no output {output!r}; it has {_list_outputs(outputs)}"
            self.fail(f"{where}.output", "UNKNOWN_OUTPUT", text)
        return output if output in outputs else outputs[0]

    def read_outputs(self) -> tuple[str, ...]:
        """Keys of the network's outputs."""
        if self.network.outputs:
            outputs = self.network.outputs
            last = len(self.network.nodes)
            keys = [self.resolve(key, f"{self.path}.outputs[{i}]", last) for i, key in enumerate(outputs)]
            if len(set(keys)) < len(keys):
                self.fail(f"{self.path}.outputs", "DUPLICATE_NAME", "an output is named twice")
            return tuple(keys)
        return tuple(list(self.nodes)[-1:])

    def collect_tensors(self, loss: BuiltModule | None) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Parameters and buffers by name, as meta tensors."""
        parameters: dict[str, torch.Tensor] = {}
        buffers: dict[str, torch.Tensor] = {}
        for node in self.nodes.values():
            if node.operation.module is not None:
                _collect(node.operation.module.module, node.tensors, parameters, buffers)
        if loss is not None:
            module = loss.module
            names = {name: f"{LOSS}.{name}" for name, _ in module.named_parameters()}
            _collect(module, names, parameters, {})
        return parameters, buffers

    def read_ties(self, parameters: Mapping[str, torch.Tensor]) -> dict[str, str]:
        """Tied parameters, each with the one that it finally is."""
        ties = dict(self.network.tied_parameters)
        for alias, target in sorted(ties.items()):
            where = f'{self.path}.tied_parameters["{alias}"]'
            unknown = [name for name in (alias, target) if name not in parameters]
            if unknown:
                text = f"{unknown[0]!r} is no parameter{near_miss(unknown[0], parameters)}"
                self.fail(where, "UNKNOWN_PARAMETER", text)
            elif target in ties:
                self.fail(where, "TIED_TWICE", f"{target!r} is tied itself; name the parameter that has the value")
            elif parameters[alias].shape != parameters[target].shape:
                shapes = f"{shape_text(parameters[alias].shape)} and {shape_text(parameters[target].shape)}"
                self.fail(where, "SHAPE_MISMATCH", f"{alias!r} and {target!r} have different shapes, {shapes}")
        return ties

    def draws_random_numbers(self) -> bool:
        """Whether any node draws random numbers in train mode."""
        modules = (node.operation.module for node in self.nodes.values() if node.operation.module)
        return any(draws_random_numbers(built.module) for built in modules)


def _tensor_names(operation: Operation, owner: str) -> dict[str, str]:
    if operation.module is None:
        return {}
    module = operation.module.module
    names = [name for name, _ in module.named_parameters()] + [name for name, _ in module.named_buffers()]
    return {name: f"{owner}.{name}" for name in names}


def _collect(
    module: nn.Module, names: Mapping[str, str], parameters: dict[str, torch.Tensor], buffers: dict[str, torch.Tensor]
) -> None:
    for name, parameter in module.named_parameters():
        parameters[names[name]] = parameter.detach()
    for name, buffer in module.named_buffers():
        if name in names:
            buffers[names[name]] = buffer.detach()


def _list_outputs(outputs: tuple[str, ...]) -> str:
    return "0, 1, ..." if len(outputs) > 10 else ", ".join(outputs)
