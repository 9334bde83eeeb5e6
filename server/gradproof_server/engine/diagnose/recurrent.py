"""RNN, GRU and LSTM unrolled step by step, every part replaceable; by default the numbers are those of torch.nn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import torch
from torch.nn import functional as F

from ..forward import NodeCall
from ..layers import recurrent_outputs
from ..network import Node
from .rules import rewire

Tensor = torch.Tensor
State: TypeAlias = tuple[Tensor, ...]
"""(h,) of RNN and GRU, (h, c) of LSTM; each (batch, hidden)."""
Activation: TypeAlias = Callable[[Tensor], Tensor]
Product: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""x of shape (batch, n) and W of shape (m, n) -> x Wᵀ."""


@dataclass(frozen=True)
class Weights:
    """The tensors of one layer in one direction; gates are blocks of rows: r, z, n (GRU), i, f, g, o (LSTM)."""

    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor | None = None
    b_hh: Tensor | None = None
    w_hr: Tensor | None = None

    def changed(self, names: Iterable[str], change: Callable[[Tensor], Tensor | None]) -> Weights:
        """Some tensors changed, where they exist; None drops a bias."""
        tensors = {name: getattr(self, name) for name in names}
        changes: dict[str, Any] = {n: None if tensor is None else change(tensor) for n, tensor in tensors.items()}
        return replace(self, **changes)


TENSORS = ("w_ih", "w_hh", "b_ih", "b_hh", "w_hr")
GATED = TENSORS[:4]
"""The tensors whose rows are blocks of gates."""


@dataclass(frozen=True)
class Parts:
    """What a step of a cell is made of: activations by gate (h; r, z, n; i, f, g, o, c), and its two products."""

    activations: Mapping[str, Activation]
    input_product: Product = F.linear
    hidden_product: Product = F.linear

    def sums(self, w: Weights, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """W_ih x + b_ih and W_hh h + b_hh."""
        return added(self.input_product(x, w.w_ih), w.b_ih), added(self.hidden_product(h, w.w_hh), w.b_hh)


Cell: TypeAlias = Callable[[Weights, Tensor, State, Parts], State]


def added(product: Tensor, bias: Tensor | None) -> Tensor:
    """With the bias, where there is one."""
    return product if bias is None else product + bias


def rnn_cell(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu."""
    of_input, of_hidden = parts.sums(w, x, state[0])
    return (parts.activations["h"](of_input + of_hidden),)


def gru_cell(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    """r, z = σ(...); n = tanh(W_in x + b_in + r * (W_hn h + b_hn)); h' = (1 - z) n + z h."""
    r, z, x_n, h_n = gru_gates(w, x, state[0], parts)
    n = parts.activations["n"](x_n + r * h_n)
    return ((1 - z) * n + z * state[0],)


def gru_gates(w: Weights, x: Tensor, h: Tensor, parts: Parts) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """r, z, and the two summands of the candidate, W_in x + b_in and W_hn h + b_hn."""
    of_input, of_hidden = parts.sums(w, x, h)
    (x_r, x_z, x_n), (h_r, h_z, h_n) = of_input.chunk(3, -1), of_hidden.chunk(3, -1)
    return parts.activations["r"](x_r + h_r), parts.activations["z"](x_z + h_z), x_n, h_n


def lstm_cell(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    """i, f, o = σ(...), g = tanh(...); c' = f c + i g; h' = o tanh(c'), projected where there is W_hr."""
    i, f, g, o = lstm_gates(w, x, state[0], parts)
    c = f * state[1] + i * g
    return projected(w, o * parts.activations["c"](c)), c


def lstm_gates(w: Weights, x: Tensor, h: Tensor, parts: Parts) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """i, f, g, o."""
    of_input, of_hidden = parts.sums(w, x, h)
    blocks = (of_input + of_hidden).chunk(4, -1)
    i, f, g, o = (parts.activations[gate](block) for gate, block in zip("ifgo", blocks, strict=True))
    return i, f, g, o


def projected(w: Weights, h: Tensor) -> Tensor:
    """h, or W_hr h."""
    return h if w.w_hr is None else F.linear(h, w.w_hr)


CELLS: Mapping[str, Cell] = {"RNN": rnn_cell, "GRU": gru_cell, "LSTM": lstm_cell}
GATES: Mapping[str, str] = {"RNN": "h", "GRU": "rzn", "LSTM": "ifgoc"}
SIGMOIDS = "rzifo"


def kind_of(node: Node) -> str:
    """RNN, GRU or LSTM, of a layer or of a cell."""
    return node.operation.type_name.removesuffix("Cell")


def is_cell(node: Node) -> bool:
    """Whether the node takes a single step."""
    return node.operation.type_name.endswith("Cell")


def module_of(node: Node) -> Any:
    """The layer as torch.nn's module, on the meta device: for its arguments."""
    assert node.operation.module is not None
    return node.operation.module.module


def usual_activation(node: Node, gate: str) -> Activation:
    """What torch.nn takes for a gate."""
    if gate in SIGMOIDS:
        return torch.sigmoid
    return torch.relu if gate == "h" and module_of(node).nonlinearity == "relu" else torch.tanh


Outputs = dict[str, Tensor]
"""output, h_n, (c_n,) last, hidden of a layer; h and c, or output, of a cell."""


@dataclass(frozen=True)
class Unrolling:
    """What is done differently from torch.nn.

    cell: another step, by kind. activations: by gate, made from the usual one. weights: changes the tensors of each
    layer and direction. weights_at, state_at: change weights and incoming state before step t of T (from 0, in the
    order of the direction). initial: changes h0 and c0. sequence: changes the input, (time, batch, features). outputs:
    changes what the node gives. swap_batch: batch_first is taken the other way. keep_reversed: outputs of the reverse
    direction stay in the order in which they were computed. reverse_like_forward: the reverse direction has the weights
    of the forward one. hidden_product, input_product: other products.
    """

    cell: Callable[[str], Cell] = CELLS.__getitem__
    activations: Mapping[str, Callable[[Activation], Activation]] = field(default_factory=dict)
    weights: Callable[[Weights], Weights] = lambda w: w
    weights_at: Callable[[Weights, int, int], Weights] = lambda w, t, steps: w
    state_at: Callable[[State, int, int], State] = lambda state, t, steps: state
    initial: Callable[[State], State] = lambda state: state
    sequence: Callable[[Tensor], Tensor] = lambda x: x
    outputs: Callable[[Outputs, Node], Outputs] = lambda outputs, node: outputs
    swap_batch: bool = False
    keep_reversed: bool = False
    reverse_like_forward: bool = False
    hidden_product: Product = F.linear
    input_product: Product = F.linear

    def rule(self) -> NodeCall:
        """The rule of a node: a layer or a cell."""
        return lambda node, tensors, inputs, named: _Run(self, node, tensors).run(inputs, named)


class _Run:
    """One forward pass of a node."""

    def __init__(self, way: Unrolling, node: Node, tensors: Mapping[str, Tensor]) -> None:
        self.way, self.node, self.tensors, self.module = way, node, tensors, module_of(node)
        kind = kind_of(node)
        usual = {gate: usual_activation(node, gate) for gate in GATES[kind]}
        chosen = {g: way.activations[g](act) if g in way.activations else act for g, act in usual.items()}
        self.parts = Parts(chosen, way.input_product, way.hidden_product)
        self.cell, self.states = way.cell(kind), 2 if kind == "LSTM" else 1

    def run(self, inputs: tuple[Tensor, ...], named: Mapping[str, Tensor]) -> object:
        """What the node gives, as from torch.nn."""
        given = [*inputs[1:], *(named[key] for key in ("hx", "h0", "h", "c0", "c") if key in named)]
        outputs = self._single(inputs[0], given) if is_cell(self.node) else self._layers(inputs[0], given)
        values = tuple(self.way.outputs(outputs, self.node).values())
        return values if len(values) > 1 else values[0]

    def _single(self, x: Tensor, given: list[Tensor]) -> Outputs:
        batched = x.dim() == 2
        rows = x if batched else x.unsqueeze(0)
        state = [s if batched else s.unsqueeze(0) for s in given]
        zeros = x.new_zeros(rows.shape[0], self.module.hidden_size)
        begun = tuple(state[i] if i < len(state) else zeros for i in range(self.states))
        begun = self.way.state_at(self.way.initial(begun), 0, 1)
        weights = self.way.weights_at(self._weights("", ""), 0, 1)
        new = self.cell(weights, rows, begun, self.parts)
        names = ("h", "c") if self.states == 2 else ("output",)
        return {name: s if batched else s.squeeze(0) for name, s in zip(names, new, strict=True)}

    def _weights(self, suffix: str, direction: str) -> Weights:
        get = self.tensors.get
        name = f"{suffix}{direction}"
        w = Weights(
            self.tensors[f"weight_ih{name}"],
            self.tensors[f"weight_hh{name}"],
            get(f"bias_ih{name}"),
            get(f"bias_hh{name}"),
            get(f"weight_hr{name}"),
        )
        return self.way.weights(w)

    def _layers(self, x: Tensor, given: list[Tensor]) -> Outputs:
        batched, time_first = x.dim() == 3, not self.module.batch_first
        if self.way.swap_batch:
            time_first = not time_first
        rows = x.unsqueeze(1) if not batched else x if time_first else x.transpose(0, 1)
        initial = self._initial(rows, [s if batched else s.unsqueeze(1) for s in given])
        sequence, finals = self._stack(self.way.sequence(rows), initial)
        states = tuple(torch.stack(parts) for parts in zip(*finals, strict=True))
        if not batched:
            sequence, states = sequence.squeeze(1), tuple(s.squeeze(1) for s in states)
        elif not time_first:
            sequence = sequence.transpose(0, 1)
        hidden: Any = states if len(states) > 1 else states[0]
        values = recurrent_outputs(self.module, sequence, hidden)
        assert self.node.operation.module is not None
        outputs = dict(zip(self.node.operation.signature.outputs, values, strict=True))
        if self.way.swap_batch and batched:
            outputs["last"] = sequence.select(0 if time_first else 1, -1)
        return outputs

    def _initial(self, rows: Tensor, given: list[Tensor]) -> State:
        module = self.module
        count = module.num_layers * (2 if module.bidirectional else 1)
        sizes = (module.proj_size or module.hidden_size, module.hidden_size)
        zeros = [rows.new_zeros(count, rows.shape[1], size) for size in sizes[: self.states]]
        return self.way.initial(tuple(given[i] if i < len(given) else zeros[i] for i in range(self.states)))

    def _stack(self, x: Tensor, initial: State) -> tuple[Tensor, list[State]]:
        """All layers: the outputs (time, batch, hidden of both directions) and the final state of each direction."""
        directions = ("", "_reverse") if self.module.bidirectional else ("",)
        finals: list[State] = []
        for layer in range(self.module.num_layers):
            made = []
            for direction in directions:
                begun = tuple(s[len(finals)] for s in initial)
                named = "" if self.way.reverse_like_forward else direction
                output, final = self._direction(x, begun, self._weights(f"_l{layer}", named), bool(direction))
                made.append(output)
                finals.append(final)
            x = torch.cat(made, -1)
            if layer < self.module.num_layers - 1 and self.module.dropout:
                x = F.dropout(x, self.module.dropout, self.module.training)
        return x, finals

    def _direction(self, x: Tensor, state: State, weights: Weights, reverse: bool) -> tuple[Tensor, State]:
        steps, outputs = x.shape[0], []
        for t in range(steps):
            state = self.way.state_at(state, t, steps)
            at = self.way.weights_at(weights, t, steps)
            state = self.cell(at, x[steps - 1 - t if reverse else t], state, self.parts)
            outputs.append(state[0])
        if reverse and not self.way.keep_reversed:
            outputs.reverse()
        return torch.stack(outputs), state


def derived(factor: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Activation], Activation]:
    """The same activation a = f(z) whose backward pass takes `factor(z, a)` for f'(z)."""

    def changed(activation: Activation) -> Activation:
        def call(z: Tensor) -> Tensor:
            a = activation(z).detach()
            return rewire(a, (z,), lambda u: (u * factor(z.detach(), a),))

        return call

    return changed


def reordered(order: str, gates: str) -> Callable[[Weights], Weights]:
    """The tensors of an author who reads block i as gate order[i], in torch's order `gates`."""
    places = [order.index(gate) for gate in gates]

    def blocks(tensor: Tensor) -> Tensor:
        parts = tensor.chunk(len(gates), 0)
        return torch.cat([parts[place] for place in places])

    return lambda w: w.changed(GATED, blocks)
