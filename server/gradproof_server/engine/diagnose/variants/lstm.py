"""How an LSTM is computed otherwise: order of gates, forget bias, missing or coupled gates, other functions."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..recurrent import Cell, Outputs, Parts, State, Tensor, Unrolling, Weights, lstm_gates, module_of, projected
from ..variant import Stage, Variant
from .gates import gate_orders, hard_sigmoid, with_function
from .recurrences import gives, has_initial_state, initial_keys, recurs, unrolled

KINDS = ("LSTM",)
FORWARD = Stage.FORWARD
ORDERS = {
    "iofg": "ONNX",
    "igfo": "TensorFlow's BasicLSTMCell and its successors",
    "ifog": "Caffe and Karpathy's NumPy LSTM",
    "figo": "many NumPy tutorials",
    "fiog": "the sigmoids first",
    "fgio": "forget gate and candidate first",
}
LETTERS = {"g": "c"}
TORCH = "PyTorch computes c′ = f ⊙ c + i ⊙ g and h′ = o ⊙ tanh(c′), with i, f, o = σ(...) and g = tanh(...)."

Gates = tuple[Tensor, Tensor, Tensor, Tensor]


def _with_gates(change: Callable[[Gates], Gates]) -> Unrolling:
    """The gates i, f, g, o changed before they are used."""

    def cell(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
        i, f, g, o = change(lstm_gates(w, x, state[0], parts))
        c = f * state[1] + i * g
        return projected(w, o * parts.activations["c"](c)), c

    return _lstm(cell)


def _lstm(cell: Cell) -> Unrolling:
    return Unrolling(cell=lambda kind: cell)


def _with_forget_bias(amount: float) -> Unrolling:
    def shifted(bias: Tensor) -> Tensor:
        i, f, g, o = bias.chunk(4, 0)
        return torch.cat((i, f + amount, g, o))

    def weights(w: Weights) -> Weights:
        zeros = w.w_hh.new_zeros(w.w_hh.shape[0])
        return w.changed(("b_hh",), shifted) if w.b_hh is not None else _biased(w, shifted(zeros))

    return Unrolling(weights=weights)


def _biased(w: Weights, bias: Tensor) -> Weights:
    return Weights(w.w_ih, w.w_hh, w.b_ih, bias, w.w_hr)


def _no_tanh(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    i, f, g, o = lstm_gates(w, x, state[0], parts)
    c = f * state[1] + i * g
    return projected(w, o * c), c


def _old_cell_out(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    i, f, g, o = lstm_gates(w, x, state[0], parts)
    c = f * state[1] + i * g
    return projected(w, o * parts.activations["c"](state[1])), c


def _squashed_cell(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    i, f, g, o = lstm_gates(w, x, state[0], parts)
    c = torch.tanh(f * state[1] + i * g)
    return projected(w, o * c), c


def _ones(tensor: Tensor) -> Tensor:
    return torch.ones_like(tensor)


def _cell_goes_on(given: Outputs, node: object) -> Outputs:
    """The final cell state in place of the final hidden state, of a layer without projection."""
    if "c" in given:
        return {"h": given["c"], "c": given["h"]}
    if given["h_n"].shape != given["c_n"].shape:
        return given
    module = module_of(node)  # type: ignore[arg-type]
    directions = 2 if module.bidirectional else 1
    top = torch.cat(tuple(given["c_n"][-directions:]), -1)
    last = top if directions == 1 else given["last"]
    return {**given, "h_n": given["c_n"], "c_n": given["h_n"], "hidden": top, "last": last}


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="lstm.gate_order",
        stage=FORWARD,
        title="You read the gates of the LSTM {sites} in the order {order}; PyTorch stacks them as i, f, c, o.",
        explanation="The four blocks of rows of weight_ih, weight_hh and of the biases belong to the input gate i, "
        "the forget gate f, the candidate c (also g) and the output gate o, in this order; Keras has the same. The "
        "numbers, gradients included, are those of the order {order}.",
        advice="Rearrange the blocks to i, f, c, o when weights move from one framework to the other, and back for "
        "gradients.",
        propose=gate_orders("LSTM", "ifgo", ORDERS, LETTERS),
        rank=8,
        convention=True,
        probe="Use weights whose blocks differ clearly.",
        source="ONNX: i, o, f, c. TensorFlow's BasicLSTMCell: i, c, f, o.",
    ),
    Variant(
        code="lstm.forget_bias_one",
        stage=FORWARD,
        title="Your LSTM {sites} adds 1 to the bias of the forget gate.",
        explanation="The numbers are those of f = σ(... + 1). Some frameworks add this in the cell (forget_bias=1.0), "
        "Keras puts it into the initial bias; PyTorch uses the biases as they are.",
        advice="Leave the 1 out, or add it to the forget block of the bias in the problem.",
        propose=unrolled(_with_forget_bias(1.0), KINDS),
        rank=15,
        convention=True,
        source="TensorFlow's BasicLSTMCell(forget_bias=1.0); Keras unit_forget_bias=True.",
    ),
    Variant(
        code="lstm.output_without_tanh",
        stage=FORWARD,
        title="Your LSTM {sites} gives o ⊙ c in place of o ⊙ tanh(c).",
        explanation="The numbers are those of h′ = o ⊙ c′. " + TORCH,
        advice="Take the tanh of the cell state before the output gate.",
        propose=unrolled(_lstm(_no_tanh), KINDS),
        rank=12,
        look_alikes=("lstm.output_tanh_derivative_missing",),
    ),
    Variant(
        code="lstm.cell_squashed",
        stage=FORWARD,
        title="Your LSTM {sites} carries tanh of the cell state on.",
        explanation="The numbers are those of c′ = tanh(f ⊙ c + i ⊙ g), kept for the next step. " + TORCH,
        advice="Keep the cell state without tanh.",
        propose=unrolled(_lstm(_squashed_cell), KINDS),
        rank=35,
    ),
    Variant(
        code="lstm.output_of_old_cell",
        stage=FORWARD,
        title="Your LSTM {sites} computes its output from the cell state before the step.",
        explanation="The numbers are those of h′ = o ⊙ tanh(c), with the old c. " + TORCH,
        advice="Use the new cell state.",
        propose=unrolled(_lstm(_old_cell_out), KINDS, recurs),
        rank=40,
    ),
    Variant(
        code="lstm.no_forget_gate",
        stage=FORWARD,
        title="Your LSTM {sites} has no forget gate.",
        explanation="The numbers are those of c′ = c + i ⊙ g, the LSTM of 1997. " + TORCH,
        advice="Multiply the old cell state by f.",
        propose=unrolled(_with_gates(lambda s: (s[0], _ones(s[1]), s[2], s[3])), KINDS, recurs),
        rank=22,
        convention=True,
        source="Hochreiter and Schmidhuber 1997.",
    ),
    Variant(
        code="lstm.no_input_gate",
        stage=FORWARD,
        title="Your LSTM {sites} has no input gate.",
        explanation="The numbers are those of c′ = f ⊙ c + g. " + TORCH,
        advice="Multiply the candidate by i.",
        propose=unrolled(_with_gates(lambda s: (_ones(s[0]), s[1], s[2], s[3])), KINDS),
        rank=38,
    ),
    Variant(
        code="lstm.no_output_gate",
        stage=FORWARD,
        title="Your LSTM {sites} has no output gate.",
        explanation="The numbers are those of h′ = tanh(c′). " + TORCH,
        advice="Multiply by o.",
        propose=unrolled(_with_gates(lambda s: (s[0], s[1], s[2], _ones(s[3]))), KINDS),
        rank=36,
    ),
    Variant(
        code="lstm.coupled_input_gate",
        stage=FORWARD,
        title="Your LSTM {sites} couples its gates: the input gate is 1 − f.",
        explanation="The numbers are those of c′ = f ⊙ c + (1 − f) ⊙ g (CIFG). " + TORCH,
        advice="Use the input gate's own weights.",
        propose=unrolled(_with_gates(lambda s: (1 - s[1], s[1], s[2], s[3])), KINDS),
        rank=30,
        convention=True,
        source="Greff et al. 2017, coupled input and forget gate.",
    ),
    Variant(
        code="lstm.coupled_forget_gate",
        stage=FORWARD,
        title="Your LSTM {sites} couples its gates: the forget gate is 1 − i.",
        explanation="The numbers are those of c′ = (1 − i) ⊙ c + i ⊙ g. " + TORCH,
        advice="Use the forget gate's own weights.",
        propose=unrolled(_with_gates(lambda s: (s[0], 1 - s[0], s[2], s[3])), KINDS, recurs),
        rank=32,
        convention=True,
    ),
    Variant(
        code="lstm.candidate_sigmoid",
        stage=FORWARD,
        title="The candidate of your LSTM {sites} has σ in place of tanh.",
        explanation="The numbers are those of g = σ(...). " + TORCH,
        advice="Use tanh for the candidate; σ belongs to the gates i, f and o.",
        propose=unrolled(Unrolling(activations={"g": with_function(torch.sigmoid)}), KINDS),
        rank=18,
    ),
    Variant(
        code="lstm.candidate_relu",
        stage=FORWARD,
        title="The candidate of your LSTM {sites} has ReLU in place of tanh.",
        explanation="The numbers are those of g = max(0, ...). " + TORCH,
        advice="Use tanh for the candidate.",
        propose=unrolled(Unrolling(activations={"g": with_function(torch.relu)}), KINDS),
        rank=45,
    ),
    Variant(
        code="lstm.relu_activation",
        stage=FORWARD,
        title="Your LSTM {sites} has ReLU in place of tanh, for the candidate and for the output.",
        explanation="The numbers are those of g = max(0, ...) and h′ = o ⊙ max(0, c′), as with activation='relu' in "
        "Keras. " + TORCH,
        advice="Use tanh at both places.",
        propose=unrolled(
            Unrolling(activations={"g": with_function(torch.relu), "c": with_function(torch.relu)}), KINDS
        ),
        rank=40,
        convention=True,
        source="Keras LSTM(activation='relu').",
    ),
    Variant(
        code="lstm.hard_sigmoid",
        stage=FORWARD,
        title="The gates of your LSTM {sites} have the hard sigmoid in place of σ.",
        explanation="The numbers are those of min(1, max(0, 0.2 x + 0.5)) in i, f and o, the recurrent activation of "
        "early Keras; PyTorch has σ(x) = 1/(1 + e⁻ˣ).",
        advice="Set recurrent_activation='sigmoid'.",
        propose=unrolled(Unrolling(activations=dict.fromkeys("ifo", hard_sigmoid)), KINDS),
        rank=40,
        convention=True,
        source="Keras before 2.3.",
    ),
    Variant(
        code="lstm.cell_state_taken_for_hidden",
        stage=FORWARD,
        title="The cell state of your LSTM {sites} goes on where the hidden state belongs.",
        explanation="An LSTM has two states, h = o ⊙ tanh(c) and c. The numbers are those of the final c in the place "
        "of the final h: in nn.LSTM, c_n taken for h_n.",
        advice="Unpack output, (h_n, c_n) in this order and use h_n.",
        propose=unrolled(
            Unrolling(outputs=_cell_goes_on),
            KINDS,
            lambda case, node: (
                node.operation.type_name == "LSTMCell"
                or (not module_of(node).proj_size and gives("h_n", "c_n", "hidden", "last")(case, node))
            ),
        ),
        rank=15,
    ),
    Variant(
        code="lstm.initial_states_swapped",
        stage=FORWARD,
        title="h₀ and c₀ of the LSTM {sites} are swapped.",
        explanation="nn.LSTM takes (h_0, c_0); the numbers are those of (c_0, h_0).",
        advice="Pass the hidden state first.",
        propose=unrolled(
            Unrolling(initial=lambda state: (state[1], state[0])),
            KINDS,
            lambda case, node: (
                len(initial_keys(node)) == 2
                and has_initial_state(case, node)
                and not getattr(module_of(node), "proj_size", 0)
            ),
        ),
        rank=25,
    ),
    Variant(
        code="lstm.initial_cell_state_ignored",
        stage=FORWARD,
        title="The given initial cell state of the LSTM {sites} is ignored; only the hidden state is used.",
        explanation="The numbers are those of c₀ = 0 with the given h₀.",
        advice="Start from both states.",
        propose=unrolled(
            Unrolling(initial=lambda state: (state[0], torch.zeros_like(state[1]))),
            KINDS,
            lambda case, node: len(initial_keys(node)) == 2 and bool(case.value(initial_keys(node)[1]).any()),
        ),
        rank=25,
        look_alikes=("rnn.initial_state_ignored",),
    ),
)
