"""Inputs, targets and initial states: which tensors a file gives, and which of them are integers.

Numbers written without a point stay integers where integers are what is taken there: class indices and lengths for a
loss, the indices of an Embedding, inputs with a name from `INTEGER_NAMES`. Everywhere else they are made float64.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gradproof.problem_file.arrays import WrittenArray, is_stated, read_array
from gradproof.problem_file.context import Context, shown
from gradproof.problem_file.nodes import INITIAL_STATE, NetworkDraft, NodeDraft
from gradproof.problem_file.paths import child
from gradproof.tensors import numpy_to_tensor
from gradproof.v1 import losses_pb2, tensor_pb2

INTEGER_NAMES = frozenset(
    {"index", "indices", "offsets", "ids", "tokens", "lengths", "input_lengths", "target_lengths"}
)
"""Names of inputs that hold integers."""

INTEGER_TARGETS: Mapping[str, tuple[int, ...]] = {
    "AdaptiveLogSoftmaxWithLoss": (1,),
    "CTCLoss": (1, 2, 3),
    "CrossEntropyLoss": (1,),
    "LinearCrossEntropyLoss": (1,),
    "MultiLabelMarginLoss": (1,),
    "MultiMarginLoss": (1,),
    "NLLLoss": (1,),
}
"""For losses that take class indices or lengths: the positions of those among the loss's inputs."""

INTEGER_INPUTS: Mapping[str, tuple[int, ...]] = {
    "Embedding": (0,),
    "EmbeddingBag": (0, 1),
    "Gather": (1,),
    "MaxUnpool1d": (1,),
    "MaxUnpool2d": (1,),
    "MaxUnpool3d": (1,),
}
"""For layers and functions that take integers: the positions of those among the node's inputs."""

MAIN_INPUT = "input"
MOST_STATE_ELEMENTS = 10_000_000


def loss_name(loss: losses_pb2.Loss | None) -> str:
    """The class of a loss; "" for none."""
    kind = loss.WhichOneof("kind") if loss is not None else None
    return str(getattr(loss, kind).DESCRIPTOR.name) if kind else ""


def target_name(loss: losses_pb2.Loss | None) -> str:
    """The name under which the loss takes its only target."""
    return "targets" if loss_name(loss) == "CTCLoss" else "target"


def integers_of_loss(loss: losses_pb2.Loss | None) -> frozenset[str]:
    """Names of the targets, and of inputs that the loss takes, which are class indices or lengths."""
    positions = INTEGER_TARGETS.get(loss_name(loss), ())
    if not positions or loss is None:
        return frozenset()
    if loss.inputs:
        return frozenset(loss.inputs[i] for i in positions if i < len(loss.inputs))
    return frozenset({target_name(loss)} | ({"input_lengths", "target_lengths"} if len(positions) > 1 else set()))


def integers_of_network(network: NetworkDraft) -> frozenset[str]:
    """Names of inputs that a node takes where integers are needed."""
    found = set(INTEGER_NAMES)
    for i, node in enumerate(network.nodes):
        positions = INTEGER_INPUTS.get(network.class_of(node), ())
        names = list(node.message.inputs) or ([MAIN_INPUT] if i == 0 else [])
        found |= {names[p] for p in positions if p < len(names)}
        found |= {name for key, name in node.message.named_inputs.items() if key in INTEGER_NAMES}
    return frozenset(found)


@dataclass(frozen=True)
class Section:
    """A kind of data in the file: the key for one tensor, the key for several, the request's field, the integers."""

    one: str
    many: str
    request: str
    default: str
    integers: frozenset[str]


def read_section(
    ctx: Context, section: Section, values: Mapping[str, Any], path: str = "", request: str = "problem"
) -> dict[str, WrittenArray]:
    """The tensors of a section, by name: `input: [...]`, or `inputs: {name: [...]}`, or both."""
    result: dict[str, WrittenArray] = {}
    for name, value, place in _entries(ctx, section, values, path):
        if name in result:
            ctx.complain(place, "GIVEN_TWICE", f"{name!r} is given by `{section.one}` and by `{section.many}`")
        array = read_array(ctx, value, place)
        if array is not None:
            result[name] = array
            ctx.origin(f'{request}.{section.request}["{name}"]', place)
    return result


def _entries(ctx: Context, section: Section, values: Mapping[str, Any], path: str) -> list[tuple[str, Any, str]]:
    entries: list[tuple[str, Any, str]] = []
    one, many = values.get(section.one), values.get(section.many)
    if isinstance(one, dict) and not is_stated(one):
        text = f"{shown(one)} is not one tensor; for several by name write `{section.many}`"
        ctx.complain(child(path, section.one), "WRONG_TYPE", text)
    elif one is not None:
        entries.append((section.default, one, child(path, section.one)))
    place = child(path, section.many)
    named = ctx.mapping(many, place, f"{{{section.default}: [1.0]}}; for one alone write `{section.one}`")
    return entries + [(name, value, child(place, name)) for name, value in named.items()]


def to_tensors(
    ctx: Context, section: Section, arrays: Mapping[str, WrittenArray], path: str = ""
) -> dict[str, tensor_pb2.Tensor]:
    """The messages of a section's tensors; integers stay where the section wants them."""
    tensors = {}
    for name, array in arrays.items():
        with ctx.violations.at(child(child(path, section.many), name)):
            tensors[name] = array.tensor("int64" if array.whole and name in section.integers else None)
    return tensors


def main_input(arrays: Mapping[str, WrittenArray]) -> str:
    """The input that the first node takes where it names none: the only one, or the one named "input"."""
    return next(iter(arrays)) if len(arrays) == 1 else MAIN_INPUT


def connect_initial_states(
    ctx: Context, network: NetworkDraft, arrays: Mapping[str, WrittenArray]
) -> dict[str, tensor_pb2.Tensor]:
    """Inputs "<node>.h0" and "<node>.c0" for the initial states of recurrent nodes, which then take them."""
    tensors: dict[str, tensor_pb2.Tensor] = {}
    for i, node in enumerate(network.nodes):
        if not node.initial or node.class_name not in INITIAL_STATE:
            continue
        source = list(node.message.inputs)[:1] or [network.nodes[i - 1].name if i else main_input(arrays)]
        states = _fitted_states(ctx, node, _shape_at(network, arrays, source[0], len(network.nodes)))
        del node.message.inputs[:]
        node.message.inputs.extend([*source, *(f"{node.name}.{key}" for key in states)])
        for key, values in states.items():
            tensors[f"{node.name}.{key}"] = numpy_to_tensor(values)
            ctx.origin(f'problem.inputs["{node.name}.{key}"]', child(node.path, key))
    if tensors and not network.nodes[0].message.inputs:
        network.nodes[0].message.inputs.append(main_input(arrays))
    return tensors


def _shape_at(
    network: NetworkDraft, arrays: Mapping[str, WrittenArray], name: str, most: int
) -> tuple[int, ...] | None:
    """The leading sizes of a node's input, from the input of the problem that it comes from; None where unknown."""
    if name in arrays:
        return tuple(arrays[name].values.shape)
    node = network.find(name)
    if node is None or most == 0:
        return None
    position = network.nodes.index(node)
    before = network.nodes[position - 1].name if position else main_input(arrays)
    shape = _shape_at(network, arrays, next(iter(node.message.inputs), before), most - 1)
    return (*shape, 0) if shape is not None and network.class_of(node) == "Embedding" else shape


def _fitted_states(ctx: Context, node: NodeDraft, shape: tuple[int, ...] | None) -> dict[str, npt.NDArray[Any]]:
    """The states of a node in the order of its inputs; of an LSTM with one of them given, the other is zero."""
    layer = getattr(node.message.layer, str(node.message.layer.WhichOneof("kind")))
    wanted = {key: state_shape(node.class_name, layer, key, shape) for key in INITIAL_STATE[node.class_name]}
    if not all(map(_is_possible, wanted.values())):
        text = f"states of the shapes {list(wanted.values())}; at most {MOST_STATE_ELEMENTS} elements are possible"
        ctx.complain(node.path, "OUT_OF_RANGE", text)
        return {}
    fitted = {key: _fitted(ctx, node, key, array, wanted[key]) for key, array in node.initial.items()}
    states = {key: values for key, values in fitted.items() if values is not None}
    shapes = {key: sizes or next(iter(states.values())).shape for key, sizes in wanted.items() if states}
    return {key: states[key] if key in states else np.zeros(sizes) for key, sizes in shapes.items()}


def _is_possible(sizes: tuple[int, ...] | None) -> bool:
    return sizes is None or (min(sizes) >= 0 and math.prod(sizes) <= MOST_STATE_ELEMENTS)


def _fitted(
    ctx: Context, node: NodeDraft, key: str, array: WrittenArray, wanted: tuple[int, ...] | None
) -> npt.NDArray[Any] | None:
    fitted = fit_state(array.values, wanted) if wanted is not None else array.values
    if fitted is None:
        text = f"shape {array.values.shape} does not fit {wanted}, which is {state_words(node.class_name)}"
        ctx.complain(child(node.path, key), "SHAPE_MISMATCH", text)
        return None
    return np.ascontiguousarray(fitted, dtype=np.float64 if array.dtype is None else None)


def state_words(class_name: str) -> str:
    """The dimensions of an initial state in words."""
    return "(N, hidden)" if class_name.endswith("Cell") else "(layers * directions, N, hidden)"


def state_shape(class_name: str, layer: Any, key: str, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The shape of an initial state for an input of a given shape; None where that is unknown."""
    cell, hidden = class_name.endswith("Cell"), layer.hidden_size
    if shape is None or len(shape) not in ((1, 2) if cell else (2, 3)):
        return None
    if cell:
        return (*shape[:-1], hidden)
    if class_name == "LSTM" and key == "h0" and layer.proj_size:
        hidden = layer.proj_size
    layers = (layer.num_layers or 1) * (2 if layer.bidirectional else 1)
    return (layers, hidden) if len(shape) == 2 else (layers, shape[0 if layer.batch_first else 1], hidden)


def fit_state(values: npt.NDArray[Any], wanted: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """An initial state in the shape wanted, (layers, N, hidden), where leading dimensions are left out in the file.

    (hidden) is used for all layers and samples. Of two dimensions the first counts the samples where there is one
    layer, else the layers. None where it does not fit.
    """
    if values.shape[-1:] != wanted[-1:]:
        return None
    if values.ndim == 2 and len(wanted) == 3 and wanted[0] > 1:
        values = values[:, None, :]
    try:
        return np.broadcast_to(values, wanted)
    except ValueError:
        return None
