"""Problems: a training step, or several, as a caller writes it down, and the message that says the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from gradproof import catalog
from gradproof._arguments import descriptor_of, set_argument
from gradproof._violations import Violations
from gradproof.network import NetworkLike, NetworkParts, Node, Sequential, network_to_proto, weight_tensor
from gradproof.tensors import as_tensor, dtype_number
from gradproof.v1 import losses_pb2, network_pb2, optimizers_pb2, problem_pb2, schedules_pb2, tensor_pb2

Arrays: TypeAlias = Mapping[str, Any]
"""Array-likes by name."""

INPUT, TARGET = "input", "target"
"""Names of the only input and of the only target."""

INTEGER_LAYERS = frozenset({"Embedding", "EmbeddingBag", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"})
"""Layers that take integers. To every other layer a list of integers means floating-point numbers."""

INTEGER_TARGETS = frozenset(
    {
        "AdaptiveLogSoftmaxWithLoss",
        "CTCLoss",
        "CrossEntropyLoss",
        "LinearCrossEntropyLoss",
        "MultiLabelMarginLoss",
        "MultiMarginLoss",
        "NLLLoss",
    }
)
"""Losses whose targets are class indices. To every other loss a list of integers means floating-point numbers."""

__all__ = ["INPUT", "TARGET", "Node", "Problem", "Sequential", "Step", "problem_to_proto"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One training step of several.

    Attributes:
        input: the input of this step; None: the problem's.
        inputs: inputs that differ from the problem's, by name.
        target: the target of this step; None: the problem's.
        targets: targets that differ from the problem's, by name.
        lr: learning rate of this step; None: the optimizer's, or the schedule's.
    """

    input: Any = None
    inputs: Arrays | None = None
    target: Any = None
    targets: Arrays | None = None
    lr: float | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """A training step, or several: network, data, loss and optimizer.

    Array-likes are lists, scalars, NumPy arrays, torch tensors and whatever has `__array__` or `__dlpack__`. In lists,
    integers mean floating-point numbers where a layer or loss takes those.

    Attributes:
        network: a list of layers, a Sequential, one layer, or a `gradproof.v1.Network`.
        input: the only input; its name is "input".
        inputs: several inputs by name, instead.
        target: the only target; its name is "target".
        targets: several targets by the names of the loss's forward arguments, instead.
        loss: as `gp.L1Loss()`, its name, or {name: arguments}; None: the network's output is the loss.
        optimizer: as `gp.SGD(lr=0.05)`, its name, or {name: arguments}; None: no step is taken.
        parameters: values by state_dict names ("0.weight"), beside those that the layers have inline.
        buffers: values of buffers by state_dict names; others start as PyTorch initialises them.
        steps: training steps, or how many times the same one is taken; None: one.
        schedule: of the learning rate, as `gp.StepLR(10)`.
        clip_grad_norm: largest total norm of the gradients, or (norm, p of the norm).
        clip_grad_value: largest absolute value of an element of the gradients.
        mode: "train" or "eval"; None: train.
        frozen: names of the parameters that get no gradient and no step.
        seed: of everything random; None: 0.
        dtype: in which the reference is computed; None: "float64".
        device: "auto", "cpu" or "cuda"; None: auto.
        outputs: names of the nodes that are the network's outputs; None: the last.
        tied_parameters: the name of a parameter and the name of the one that it is.
        state: tensors of the optimizer's state before the first step, by "parameter.key" ("0.weight.exp_avg").
    """

    network: NetworkLike
    input: Any = None
    target: Any = None
    loss: losses_pb2.Loss | str | Mapping[str, Any] | None = None
    optimizer: optimizers_pb2.Optimizer | str | Mapping[str, Any] | None = None
    inputs: Arrays | None = None
    targets: Arrays | None = None
    parameters: Arrays | None = None
    buffers: Arrays | None = None
    steps: int | Sequence[Step] | None = None
    schedule: schedules_pb2.Schedule | str | Mapping[str, Any] | None = None
    clip_grad_norm: float | tuple[float, float] | None = None
    clip_grad_value: float | None = None
    mode: str | None = None
    frozen: Sequence[str] | None = None
    seed: int | None = None
    dtype: str | None = None
    device: str | None = None
    outputs: str | Sequence[str] | None = None
    tied_parameters: Mapping[str, str] | None = None
    state: Arrays | None = None

    def to_proto(self) -> problem_pb2.Problem:
        """The problem as a message.

        Raises:
            InvalidProblemError: something is of the wrong type or unknown; everything that is wrong is listed.
        """
        found = Violations()
        parts = _network(self, found)
        message = problem_pb2.Problem(network=parts.network)
        for family in ("loss", "optimizer", "schedule"):
            _set_family(message, family, getattr(self, family), found)
        _set_tensors(message.parameters, {**parts.parameters}, self.parameters, "problem.parameters", found)
        _set_tensors(message.buffers, {**parts.buffers}, self.buffers, "problem.buffers", found)
        _set_tensors(message.state, {}, self.state, "problem.state", found)
        for name, tensor in parts.inputs.items():
            message.inputs[name].CopyFrom(tensor)
        floats = _floats(message, _first_input(self))
        _set_data(message, self, floats, "problem", found)
        _set_steps(message, self.steps, floats, found)
        _set_plain(message, self, found)
        found.raise_if_any()
        return message


def problem_to_proto(problem: Problem | problem_pb2.Problem) -> problem_pb2.Problem:
    """The message of a problem; a message passes through."""
    return problem if isinstance(problem, problem_pb2.Problem) else problem.to_proto()


def _first_input(problem: Problem) -> str:
    """What the first node takes where it names no inputs: the only input, or "input"."""
    steps = () if problem.steps is None or isinstance(problem.steps, int) else problem.steps
    parts: list[Problem | Step] = [problem, *(step for step in steps if isinstance(step, Step))]
    names = {name for part in parts for name in _named(part.input, part.inputs, INPUT)}
    return names.pop() if len(names) == 1 else INPUT


def _network(problem: Problem, found: Violations) -> NetworkParts:
    parts = NetworkParts(network_pb2.Network(), {}, {}, {})
    with found.at("problem.network"):
        parts = network_to_proto(problem.network, _first_input(problem))
    if problem.outputs is None and problem.tied_parameters is None:
        return parts
    network = network_pb2.Network()
    network.CopyFrom(parts.network)
    outputs = [problem.outputs] if isinstance(problem.outputs, str) else problem.outputs
    with found.at("problem.network"):
        if outputs is not None:
            network.outputs[:] = outputs
        network.tied_parameters.update(problem.tied_parameters or {})
    return replace(parts, network=network)


def _set_family(message: problem_pb2.Problem, field: str, value: Any, found: Violations) -> None:
    if value is not None:
        with found.at(f"problem.{field}"):
            getattr(message, field).CopyFrom(catalog.coerce(field.capitalize(), value, f"problem.{field}"))


def _set_tensors(target: Any, inline: Arrays, given: Arrays | None, path: str, found: Violations) -> None:
    """Fills a map of tensors from those of the layers and those of the problem."""
    for name, value in (given or {}).items():
        where = f'{path}["{name}"]'
        if name in inline:
            found.add(where, "GIVEN_TWICE", f"{name!r} is given at its layer as well")
            continue
        with found.at(where):
            target[name].CopyFrom(weight_tensor(name, value))
    for name, tensor in inline.items():
        target[name].CopyFrom(tensor)


def _named(single: Any, several: Arrays | None, name: str) -> Arrays:
    return {**({} if single is None else {name: single}), **(several or {})}


@dataclass(frozen=True)
class _Floats:
    """Where lists of integers mean floating-point numbers: names of inputs, and whether the targets."""

    inputs: frozenset[str]
    targets: bool


def _floats(problem: problem_pb2.Problem, first_input: str) -> _Floats:
    floats: set[str] = set()
    others: set[str] = set()
    for i, node in enumerate(problem.network.nodes):
        consumed = list(node.inputs) or ([first_input] if i == 0 else [])
        takes_floats = node.WhichOneof("operation") == "layer" and _class_name(node.layer) not in INTEGER_LAYERS
        (floats if takes_floats else others).update(consumed)
        others.update(node.named_inputs.values())
    return _Floats(frozenset(floats - others), _class_name(problem.loss) not in INTEGER_TARGETS)


def _set_data(message: Any, data: Problem | Step, floats: _Floats, path: str, found: Violations) -> None:
    """Fills the inputs and targets of a problem or a step."""
    for name, value in _named(data.input, data.inputs, INPUT).items():
        _set_array(message.inputs, name, value, name in floats.inputs, f'{path}.inputs["{name}"]', found)
    for name, value in _named(data.target, data.targets, TARGET).items():
        _set_array(message.targets, name, value, floats.targets, f'{path}.targets["{name}"]', found)


def _set_array(target: Any, name: str, value: Any, takes_floats: bool, path: str, found: Violations) -> None:
    with found.at(path):
        tensor = as_tensor(value)
        listed = isinstance(value, (list, tuple, int)) and tensor.dtype == tensor_pb2.DTYPE_INT64
        target[name].CopyFrom(as_tensor(tensor, "float64") if listed and takes_floats else tensor)


def _class_name(wrapper: Any) -> str:
    kind = wrapper.WhichOneof("kind")
    return str(getattr(wrapper, kind).DESCRIPTOR.name) if kind else ""


def _set_steps(
    message: problem_pb2.Problem, steps: int | Sequence[Step] | None, floats: _Floats, found: Violations
) -> None:
    for i, step in enumerate(_steps(steps, found)):
        made = message.steps.add()
        _set_data(made, step, floats, f"problem.steps[{i}]", found)
        set_argument(made, descriptor_of(made).fields_by_name["lr"], step.lr, f"problem.steps[{i}].lr", found)


def _steps(steps: int | Sequence[Step] | None, found: Violations) -> Iterable[Step]:
    if steps is None:
        return []
    if isinstance(steps, int):
        if isinstance(steps, bool) or steps < 1:
            found.add("problem.steps", "OUT_OF_RANGE", f"{steps} steps; at least 1 is needed")
        return [Step()] * steps
    wrong = [i for i, step in enumerate(steps) if not isinstance(step, Step)]
    for i in wrong:
        found.add(f"problem.steps[{i}]", "WRONG_TYPE", f"{steps[i]!r} is not a Step")
    return [] if wrong else steps


def _set_plain(message: problem_pb2.Problem, problem: Problem, found: Violations) -> None:
    """Sets the fields that need no more than their type."""
    fields = descriptor_of(message).fields_by_name
    for name in ("clip_grad_norm", "clip_grad_value", "mode", "frozen", "seed", "device"):
        set_argument(message, fields[name], getattr(problem, name), f"problem.{name}", found)
    if problem.dtype is not None:
        with found.at("problem.dtype"):
            message.dtype = dtype_number(problem.dtype)
