"""Networks: nodes with their operations and tensors, and lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from gradproof import catalog
from gradproof._violations import Violations
from gradproof.errors import invalid
from gradproof.tensors import as_tensor
from gradproof.v1 import functions_pb2, layers_pb2, network_pb2, tensor_pb2

BUFFERS = frozenset({"running_mean", "running_var", "num_batches_tracked"})
"""Tensors of layers that are buffers; all others are parameters."""

INITIAL_STATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "RNN": ("h0",),
        "GRU": ("h0",),
        "LSTM": ("h0", "c0"),
        "RNNCell": ("h",),
        "GRUCell": ("h",),
        "LSTMCell": ("h", "c"),
    }
)
"""Tensors of recurrent layers that are inputs: their initial states, in the order in which the layer takes them."""


@dataclass(frozen=True)
class Node:
    """One operation of a network, as `gp.Linear(2, 1)` makes it; `gp.Node(...)` gives one a name and inputs.

    Attributes:
        operation: a layer or function; another node, whose operation and tensors are taken; or the name of another
            node, whose layer with its parameters is used once more.
        name: unique in the network; None: its index in the list.
        inputs: names of nodes ("node:output" for another output than the first) or of inputs; None: the node before.
        named_inputs: further inputs by the name of the forward argument, as attn_mask.
        output: which output the bare name of the node means: "output", "h_n", "last", "hidden", "indices", "1", ...
        tensors: parameters and buffers by their names in the layer ("weight"), and initial states ("h0", "c0").
    """

    operation: layers_pb2.Layer | functions_pb2.Function | Node | str
    name: str | None = None
    inputs: str | Sequence[str] | None = None
    named_inputs: Mapping[str, str] | None = None
    output: str | int | None = None
    tensors: Mapping[str, tensor_pb2.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inner = self.operation
        if isinstance(inner, Node):
            for attribute in ("name", "inputs", "named_inputs", "output"):
                if getattr(self, attribute) is None:
                    object.__setattr__(self, attribute, getattr(inner, attribute))
            object.__setattr__(self, "tensors", {**inner.tensors, **self.tensors})
            object.__setattr__(self, "operation", inner.operation)
        elif not isinstance(inner, (layers_pb2.Layer, functions_pb2.Function, str)):
            raise invalid("operation", "WRONG_TYPE", f"{inner!r} is not a layer, a function or the name of a node")
        if self.inputs is not None:
            inputs = (self.inputs,) if isinstance(self.inputs, str) else tuple(self.inputs)
            object.__setattr__(self, "inputs", inputs)

    @property
    def class_name(self) -> str:
        """The torch name of the operation, as "Linear"; empty where it is another node's."""
        if isinstance(self.operation, (str, Node)):
            return ""
        kind = self.operation.WhichOneof("kind")
        return str(getattr(self.operation, kind).DESCRIPTOR.name) if kind else ""

    def to_proto(self, name: str | None = None) -> network_pb2.Node:
        """The node as a message; `name` is used where it has none. Its tensors are not part of it."""
        inputs, output = self.inputs or (), "" if self.output is None else str(self.output)
        own_name = self.name or name or ""
        message = network_pb2.Node(name=own_name, inputs=inputs, named_inputs=self.named_inputs or {}, output=output)
        if isinstance(self.operation, layers_pb2.Layer):
            message.layer.CopyFrom(self.operation)
        elif isinstance(self.operation, functions_pb2.Function):
            message.function.CopyFrom(self.operation)
        else:
            message.shared = str(self.operation)
        return message


@dataclass(frozen=True, init=False)
class Sequential:
    """Layers one after another, as torch.nn.Sequential; nested ones are named as there ("1.0.weight").

    `name` is used instead of the index where the whole is a part of another list. Names in `inputs` of a node are full
    names, those of nested nodes with their prefix ("block.conv").
    """

    layers: tuple[LayerLike, ...]
    name: str | None

    def __init__(self, *layers: LayerLike, name: str | None = None) -> None:
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "name", name)


LayerLike: TypeAlias = "Node | Sequential | layers_pb2.Layer | functions_pb2.Function | Sequence[LayerLike]"
"""What may stand in a list of layers; a list in a list is a Sequential."""

NetworkLike: TypeAlias = "network_pb2.Network | LayerLike"
"""What describes a network: a list of layers, a Sequential, one node, or a message."""


@dataclass(frozen=True)
class NetworkParts:
    """A network as a message, and the tensors that were given inline, by their full names."""

    network: network_pb2.Network
    parameters: Mapping[str, tensor_pb2.Tensor]
    buffers: Mapping[str, tensor_pb2.Tensor]
    inputs: Mapping[str, tensor_pb2.Tensor]


def make_layer(
    class_name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    name: str | None = None,
    inputs: str | Sequence[str] | None = None,
    named_inputs: Mapping[str, str] | None = None,
    output: str | int | None = None,
    path: str = "",
) -> Node:
    """A node for a layer of torch.nn.

    Args:
        class_name: as in torch.nn, "Linear".
        args: positional arguments of the constructor.
        kwargs: keyword arguments of the constructor, and parameters, buffers and initial states: whatever is array-like
            and no argument, or given for an argument that is True or False (`bias=[0.1, 0.2]`).
        name, inputs, named_inputs, output: see Node.
        path: of the layer in errors; the class name if empty.

    Raises:
        InvalidProblemError: the class, an argument or a tensor is wrong.
    """
    class_name = catalog.canonical_name("Layer", class_name, path)
    arguments, tensors = catalog.split_tensors("Layer", class_name, kwargs)
    found, where = Violations(), path or class_name
    converted: dict[str, tensor_pb2.Tensor] = {}
    operation = layers_pb2.Layer()
    with found.at(where):
        operation = catalog.construct("Layer", class_name, args, arguments, path)
    for key, value in tensors.items():
        with found.at(f"{where}.{key}"):
            converted[key] = weight_tensor(key, value)
    found.raise_if_any()
    return Node(operation, name, inputs, named_inputs, output, converted)


def make_function(
    class_name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    name: str | None = None,
    inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
    path: str = "",
) -> Node:
    """A node for a function without parameters, as "Add"; see `make_layer`."""
    return Node(catalog.construct("Function", class_name, args, kwargs, path), name, inputs, None, output)


def weight_tensor(name: str, value: Any) -> tensor_pb2.Tensor:
    """The tensor of a parameter, buffer or state: integers become float64, but for counters of batches.

    Raises:
        TensorError: the value is no array of numbers.
    """
    tensor = as_tensor(value)
    if name.endswith("num_batches_tracked") or tensor.dtype not in (tensor_pb2.DTYPE_INT64, tensor_pb2.DTYPE_INT32):
        return tensor
    return as_tensor(tensor, "float64")


def network_to_proto(network: NetworkLike, first_input: str = "input") -> NetworkParts:
    """The message of a network with every node named, and the inline tensors under their full names.

    `first_input` is what the first node takes where it names no inputs.

    Raises:
        InvalidProblemError: something in the list is no layer, or an initial state is incomplete.
    """
    if isinstance(network, network_pb2.Network):
        return NetworkParts(network, {}, {}, {})
    nodes = list(_flatten(network, "", "problem.network"))
    parameters: dict[str, tensor_pb2.Tensor] = {}
    buffers: dict[str, tensor_pb2.Tensor] = {}
    inputs: dict[str, tensor_pb2.Tensor] = {}
    message, previous = network_pb2.Network(), first_input
    for name, node in nodes:
        states = _initial_states(node, name)
        proto = node.to_proto()
        proto.name = name
        if states:
            proto.inputs[:] = [*(proto.inputs or [previous]), *states]
            inputs.update(states)
        message.nodes.append(proto)
        rest = {key: value for key, value in node.tensors.items() if not states or key not in _state_keys(node)}
        for key, value in rest.items():
            (buffers if key in BUFFERS else parameters)[f"{name}.{key}"] = value
        previous = name
    return NetworkParts(message, parameters, buffers, inputs)


def _flatten(network: Any, prefix: str, path: str) -> Iterable[tuple[str, Node]]:
    if isinstance(network, (layers_pb2.Layer, functions_pb2.Function, Node)):
        network = [network]
    layers = network.layers if isinstance(network, Sequential) else network
    if not isinstance(layers, (list, tuple)):
        raise invalid(path, "WRONG_TYPE", f"{layers!r} is not a layer or a list of layers{_hint(layers)}")
    for i, layer in enumerate(layers):
        if isinstance(layer, (layers_pb2.Layer, functions_pb2.Function)):
            layer = Node(layer)
        name = prefix + (getattr(layer, "name", None) or str(i))
        if isinstance(layer, Node):
            yield name, layer
        else:
            yield from _flatten(layer, f"{name}.", f"{path}[{i}]")


def _hint(value: Any) -> str:
    if callable(value) and getattr(value, "__name__", "") in catalog.names("Layer"):
        return f"; write {value.__name__}(...)"
    return "; torch modules are written as gp.Linear(...)" if hasattr(value, "state_dict") else ""


def _state_keys(node: Node) -> dict[str, str]:
    """Keys under which initial states may be given, and what they are: h0 is the h of a cell as well."""
    names = INITIAL_STATES.get(node.class_name, ())
    return {**{name: name for name in names}, **{f"{name[0]}0": name for name in names}}


def _initial_states(node: Node, name: str) -> dict[str, tensor_pb2.Tensor]:
    keys = _state_keys(node)
    given = {keys[key]: value for key, value in node.tensors.items() if key in keys}
    needed = INITIAL_STATES.get(node.class_name, ())
    missing = [key for key in needed if key not in given]
    if given and missing:
        raise invalid(
            f"problem.network.{name}.{missing[0]}", "REQUIRED", f"{node.class_name} needs {' and '.join(needed)}"
        )
    return {f"{name}.{key}": given[key] for key in needed} if given else {}
