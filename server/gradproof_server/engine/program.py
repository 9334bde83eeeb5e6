"""Network and loss: from messages to validated operations and their wiring, cached by structure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from gradproof.v1 import losses_pb2, network_pb2
from torch import nn

from .layers import BuiltModule, build_module
from .network import NetworkReader, Node
from .types import InvalidProblemError, LimitExceededError, Limits, Violation


@dataclass(frozen=True)
class LossArgument:
    """One argument of the loss: the key of a value (of a node or an input), or else the name of a target."""

    argument: str
    key: str
    is_target: bool
    required: bool


@dataclass(frozen=True)
class LossProgram:
    """The loss and where its arguments come from, in the order of its forward."""

    module: BuiltModule
    arguments: tuple[LossArgument, ...]
    path: str


@dataclass(frozen=True, eq=False)
class Program:
    """The structure of a problem: nodes in order, outputs, loss, and the shapes that parameters and buffers must have.

    Modules, `parameters` and `buffers` are on the meta device. A program holds no numbers of a problem but its
    constants. It must be used by one thread at a time.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    loss: LossProgram | None
    parameters: Mapping[str, torch.Tensor]
    buffers: Mapping[str, torch.Tensor]
    tied: Mapping[str, str]
    draws_random_numbers: bool
    path: str

    def node(self, name: str) -> Node:
        """The node of that name; KeyError if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)


class ProgramCache:
    """The last `size` programs, by their structure."""

    def __init__(self, size: int = 256, largest_bytes: int = 1 << 20) -> None:
        self._programs: OrderedDict[tuple[bytes, bytes, tuple[str, ...], str], Program] = OrderedDict()
        self._size, self._largest = size, largest_bytes

    def get(
        self,
        network: network_pb2.Network,
        loss: losses_pb2.Loss | None,
        inputs: tuple[str, ...],
        path: str,
        limits: Limits,
    ) -> Program:
        """The program for these messages, built if it is not at hand.

        Raises:
            InvalidProblemError: the network or the loss cannot be built; all reasons.
            LimitExceededError: it has too many nodes or parameters.
        """
        check_nodes(network, path, limits)
        written = b"-" if loss is None else loss.SerializeToString(deterministic=True)
        key = (network.SerializeToString(deterministic=True), written, inputs, path)
        program = self._programs.get(key)
        if program is not None:
            self._programs.move_to_end(key)
            check_size(program, limits)
            return program
        program = build_program(network, loss, inputs, path, limits)
        if len(key[0]) + len(key[1]) <= self._largest:
            self._programs[key] = program
            while len(self._programs) > self._size:
                self._programs.popitem(last=False)
        return program


def build_program(
    network: network_pb2.Network, loss: losses_pb2.Loss | None, inputs: tuple[str, ...], path: str, limits: Limits
) -> Program:
    """Validates the messages and builds the program; raises as `ProgramCache.get`."""
    check_nodes(network, path, limits)
    reader = NetworkReader(network, inputs, f"{path}.network", limits)
    reader.build_nodes()
    outputs = reader.read_outputs()
    module = _build_loss(loss, f"{path}.loss", reader.violations, limits) if loss is not None else None
    arguments = _loss_arguments(loss, module, reader, outputs, f"{path}.loss") if loss and module else ()
    parameters, buffers = reader.collect_tensors(module)
    tied = reader.read_ties(parameters)
    if reader.violations:
        raise InvalidProblemError(reader.violations)
    program = Program(
        nodes=tuple(reader.nodes.values()),
        inputs=inputs,
        outputs=outputs,
        loss=LossProgram(module, arguments, f"{path}.loss") if module else None,
        parameters={name: tensor for name, tensor in parameters.items() if name not in tied},
        buffers=buffers,
        tied=tied,
        draws_random_numbers=reader.draws_random_numbers(),
        path=path,
    )
    check_size(program, limits)
    return program


def check_nodes(network: network_pb2.Network, path: str, limits: Limits) -> None:
    """Raises LimitExceededError where the network has more nodes than the limits allow."""
    if len(network.nodes) > limits.max_nodes:
        raise LimitExceededError(f"{path}.network.nodes", "max_nodes", len(network.nodes), limits.max_nodes)


def check_size(program: Program, limits: Limits) -> None:
    """Raises LimitExceededError where the program has more parameters, with the buffers, than the limits allow."""
    total = sum(tensor.numel() for tensor in (*program.parameters.values(), *program.buffers.values()))
    if total > limits.max_parameters:
        raise LimitExceededError(f"{program.path}.network", "max_parameters", total, limits.max_parameters)


def _build_loss(loss: losses_pb2.Loss, path: str, violations: list[Violation], limits: Limits) -> BuiltModule | None:
    field = loss.WhichOneof("kind")
    if field is None:
        violations.append(Violation(path, "REQUIRED", "one kind of loss must be set, or no loss at all"))
        return None
    message, where = getattr(loss, field), f"{path}.{field}"
    if getattr(message, "reduction", 0) == losses_pb2.REDUCTION_NONE:
        text = "REDUCTION_NONE gives no single number to differentiate; valid are REDUCTION_MEAN and REDUCTION_SUM"
        violations.append(Violation(f"{where}.reduction", "NO_SCALAR", text))
        return None
    return build_module(getattr(nn, message.DESCRIPTOR.name), message, where, violations, limits)


def _loss_arguments(
    loss: losses_pb2.Loss, module: BuiltModule, reader: NetworkReader, outputs: tuple[str, ...], path: str
) -> tuple[LossArgument, ...]:
    names, least = module.signature.inputs, module.signature.least
    stated = tuple(loss.inputs)
    if len(stated or outputs) > len(names):
        text = f"{module.type_name} takes {len(names)} ({', '.join(names)}), {len(stated or outputs)} given"
        reader.fail(f"{path}.inputs", "WRONG_NUMBER_OF_INPUTS", text)
        return ()
    arguments = []
    for i, argument in enumerate(names):
        if stated:
            key = stated[i] if i < len(stated) else ""
            known = bool(key) and reader.knows(key)
            key = reader.resolve(key, f"{path}.inputs[{i}]", len(reader.network.nodes)) if known else key
        else:
            known = i < len(outputs)
            key = outputs[i] if known else argument
        arguments.append(LossArgument(argument, key or argument, not known, i < least))
    return tuple(arguments)
