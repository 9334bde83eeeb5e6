"""The network of a problem file: a list of nodes, each a layer or a function with its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gradproof._violations import near_miss
from gradproof.problem_file.arrays import WrittenArray, read_array
from gradproof.problem_file.context import Context, shown
from gradproof.problem_file.operations import Operation, find_operation, operation_names, read_operation
from gradproof.problem_file.paths import child
from gradproof.v1 import network_pb2, tensor_pb2

BESIDE = ("name", "inputs", "named_inputs", "output", "shared", "h0", "c0")
"""Keys that may stand beside the layer of a node."""

INITIAL_STATE: dict[str, tuple[str, ...]] = {"RNN": ("h0",), "GRU": ("h0",), "RNNCell": ("h0",), "GRUCell": ("h0",)}
INITIAL_STATE |= {"LSTM": ("h0", "c0"), "LSTMCell": ("h0", "c0")}
"""Which initial states the recurrent layers take, in the order of their inputs."""

NODE = "the name of a layer, as ReLU, or a mapping, as {Linear: [2, 1]}"


@dataclass
class NodeDraft:
    """A node as read: its message, the name it goes by, its class, and its initial states still to be fitted."""

    name: str
    path: str
    message: network_pb2.Node
    class_name: str = ""
    initial: dict[str, WrittenArray] = field(default_factory=dict)


@dataclass
class NetworkDraft:
    """The nodes in order, and the parameters and buffers that stand among their arguments."""

    nodes: list[NodeDraft] = field(default_factory=list)
    parameters: dict[str, tensor_pb2.Tensor] = field(default_factory=dict)
    buffers: dict[str, tensor_pb2.Tensor] = field(default_factory=dict)

    def find(self, name: str) -> NodeDraft | None:
        """The node that a name, or "node:output", means."""
        bare = name.partition(":")[0]
        return next((node for node in self.nodes if node.name == bare), None)

    def class_of(self, node: NodeDraft) -> str:
        """The class of a node's layer, or that of the node that it shares."""
        owner = self.find(node.message.shared) if node.message.shared else None
        return owner.class_name if owner else node.class_name


def read_nodes(ctx: Context, value: Any) -> NetworkDraft:
    """The nodes of `network`; what is wrong with them is noted."""
    draft = NetworkDraft()
    if not isinstance(value, list) or not value:
        what = "`network` is missing; it is" if value is None else f"{shown(value)} is not"
        ctx.complain("network", "REQUIRED", f"{what} a list of layers, as [{{Linear: [2, 1]}}, ReLU]")
        return draft
    for i, item in enumerate(value):
        _read_node(ctx, draft, item, i)
    return draft


def _read_node(ctx: Context, draft: NetworkDraft, item: Any, index: int) -> None:
    path = child("network", index)
    ctx.origin(f"problem.network.nodes[{index}]", path)
    entry = {item: None} if isinstance(item, str) else item
    if not isinstance(entry, dict) or not entry:
        ctx.complain_about_type(path, item, NODE)
        return
    beside = {key: value for key, value in entry.items() if key in BESIDE}
    name = ctx.name(beside["name"], child(path, "name")) if "name" in beside else str(index)
    node = NodeDraft(name, path, network_pb2.Node(name=name if "name" in beside else ""))
    draft.nodes.append(node)
    _read_wiring(ctx, node, beside)
    rest = {key: value for key, value in entry.items() if key not in BESIDE}
    key = _pick_operation(ctx, rest, "shared" in beside, path)
    if key is not None:
        _read_layer(ctx, draft, node, key, rest[key], child(path, key) if isinstance(item, dict) else path)
    _read_initial_states(ctx, node, beside)


def _pick_operation(ctx: Context, rest: Mapping[str, Any], shared: bool, path: str) -> str | None:
    """The key that names the node's layer or function; None where there is none or, with a violation, more than one."""
    if not rest and not shared:
        ctx.complain(path, "REQUIRED", f"the layer or function is missing; a node is {NODE}")
    candidates = [key for key in rest if find_operation(key)]
    only = len(rest) == 1 and not shared
    for key in rest:
        if key not in candidates:
            known = operation_names() if only and not near_miss(key, BESIDE).startswith("; did") else BESIDE
            what = "layer or function" if known is not BESIDE else "key"
            ctx.complain(child(path, key), "UNKNOWN_KEY", f"there is no {what} {key!r}{near_miss(key, known)}")
    if len(candidates) + shared > 1:
        both = ", ".join([*candidates, *(["shared"] if shared else [])])
        ctx.complain(path, "ALTERNATIVES", f"{both} in one node; each is a node, with a `-` of its own")
        return None
    return candidates[0] if candidates else None


def _read_wiring(ctx: Context, node: NodeDraft, beside: Mapping[str, Any]) -> None:
    if beside.get("inputs") is not None:
        node.message.inputs.extend(
            ctx.names(beside["inputs"], child(node.path, "inputs"), "the name of a node or input")
        )
    named = child(node.path, "named_inputs")
    for key, value in ctx.mapping(beside.get("named_inputs"), named, "{attn_mask: mask}").items():
        node.message.named_inputs[key] = ctx.name(value, child(named, key), "the name of a node or input")
    if beside.get("output") is not None:
        output = ctx.name(beside["output"], child(node.path, "output"), "the name of an output")
        node.message.output = "" if output == "sequence" else output
    if "shared" in beside:
        node.message.shared = ctx.name(beside["shared"], child(node.path, "shared"), "the name of another node")


def _read_layer(ctx: Context, draft: NetworkDraft, node: NodeDraft, key: str, arguments: Any, path: str) -> None:
    kind = find_operation(key)
    operation = read_operation(ctx, kind, arguments, path) if kind else None
    if kind is None or operation is None:
        return
    node.class_name = kind.name
    field_name = kind.family.lower()
    getattr(node.message, field_name).CopyFrom(operation.message)
    inner = operation.message.WhichOneof("kind")
    ctx.origin(f"{_request_path(node)}.{field_name}.{inner}", path)
    ctx.origin(f"{_request_path(node)}.{field_name}", path)
    _take_tensors(ctx, draft, node.name, operation)


def _request_path(node: NodeDraft) -> str:
    return node.path.replace("network[", "problem.network.nodes[", 1)


def _take_tensors(ctx: Context, draft: NetworkDraft, name: str, operation: Operation) -> None:
    for target, tensors in ((draft.parameters, operation.parameters), (draft.buffers, operation.buffers)):
        for key, tensor in tensors.items():
            target[f"{name}.{key}"] = tensor
            what = "parameters" if target is draft.parameters else "buffers"
            ctx.origin(f'problem.{what}["{name}.{key}"]', operation.places[key])


def _read_initial_states(ctx: Context, node: NodeDraft, beside: Mapping[str, Any]) -> None:
    for key in ("h0", "c0"):
        if beside.get(key) is None:
            continue
        path = child(node.path, key)
        if node.class_name and key not in INITIAL_STATE.get(node.class_name, ()):
            takers = ", ".join(name for name, states in INITIAL_STATE.items() if key in states)
            ctx.complain(path, "UNSUPPORTED_VALUE", f"{node.class_name} has no initial state {key}; {takers} have")
            continue
        array = read_array(ctx, beside[key], path)
        if array is not None:
            node.initial[key] = array
