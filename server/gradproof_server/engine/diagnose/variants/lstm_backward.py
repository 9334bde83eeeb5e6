"""What an LSTM can get wrong in its backward pass: detached states, derivatives of gates and of tanh(c), factors."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..recurrent import Cell, Parts, State, Tensor, Unrolling, Weights, derived, lstm_cell, lstm_gates, projected
from ..rules import rewire
from ..variant import Stage, Variant
from .gates import (
    gate_derivative,
    gate_derivative_rows,
    missing,
    not_squared,
    of_sigmoid,
    of_tanh,
    tanh_at_preactivation,
    tanh_twice,
)
from .recurrences import has_several_steps, recurs, unrolled

KINDS = ("LSTM",)
B = Stage.BACKWARD
TANH_OF_CELL = "∂L/∂c has the part ∂L/∂h ⊙ o ⊙ (1 − tanh²(c)), as h = o ⊙ tanh(c)."


def _cell_detached(state: State, t: int, steps: int) -> State:
    return (state[0], state[1].detach()) if t else state


def _hidden_detached(state: State, t: int, steps: int) -> State:
    return (state[0].detach(), state[1]) if t else state


def _lstm(cell: Cell) -> Unrolling:
    return Unrolling(cell=lambda kind: cell)


def _product(a: Tensor, b: Tensor, for_a: Tensor, for_b: Tensor) -> Tensor:
    """a ⊙ b whose backward pass multiplies by `for_a` on the way to a, by `for_b` on the way to b."""
    return rewire(a * b, (a, b), lambda u: (u * for_a.detach(), u * for_b.detach()))


def _output_gate_without_tanh(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    i, f, g, o = lstm_gates(w, x, state[0], parts)
    c = f * state[1] + i * g
    squashed = parts.activations["c"](c)
    return projected(w, _product(o, squashed, c, o)), c


def _forget_with_new_cell(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    with torch.no_grad():
        new = lstm_cell(w, x, state, parts)[1]
    i, f, g, o = lstm_gates(w, x, state[0], parts)
    c = _product(f, state[1], new, f) + i * g
    return projected(w, o * parts.activations["c"](c)), c


def _forget_factor_missing(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    i, f, g, o = lstm_gates(w, x, state[0], parts)
    c = _product(f, state[1], state[1], torch.ones_like(f)) + i * g
    return projected(w, o * parts.activations["c"](c)), c


def _output_factor_missing(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    i, f, g, o = lstm_gates(w, x, state[0], parts)
    c = f * state[1] + i * g
    squashed = parts.activations["c"](c)
    return projected(w, _product(o, squashed, squashed, torch.ones_like(o))), c


def _input_and_candidate_swapped(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    i, f, g, o = lstm_gates(w, x, state[0], parts)
    c = f * state[1] + _product(i, g, i, g)
    return projected(w, o * parts.activations["c"](c)), c


def _squashed_twice(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    doubled = replace(parts, activations={**parts.activations, "c": derived(tanh_twice)(parts.activations["c"])})
    return lstm_cell(w, x, state, doubled)


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="lstm.cell_state_detached",
        stage=B,
        title="The cell state of your LSTM {sites} is detached between the steps.",
        explanation="c′ = f ⊙ c + i ⊙ g carries the error back to the old cell state as f ⊙ ∂L/∂c′. The numbers leave "
        "this path out; the hidden state is followed back.",
        advice="Carry f ⊙ ∂L/∂c′ on to the step before.",
        propose=unrolled(Unrolling(state_at=_cell_detached), KINDS, has_several_steps),
        rank=15,
        look_alikes=("rnn.truncated_backpropagation",),
    ),
    Variant(
        code="lstm.hidden_state_detached",
        stage=B,
        title="The hidden state of your LSTM {sites} is detached between the steps; only the cell state is followed "
        "back.",
        explanation="The gates depend on the old h through W_hh, which carries W_hhᵀ δ back. The numbers leave this "
        "path out: the truncation of the LSTM of 1997.",
        advice="Add W_hhᵀ δ to ∂L/∂h of the step before.",
        propose=unrolled(Unrolling(state_at=_hidden_detached), KINDS, has_several_steps),
        rank=18,
        look_alikes=("rnn.truncated_backpropagation",),
        source="Hochreiter and Schmidhuber 1997 truncate so.",
    ),
    Variant(
        code="lstm.output_tanh_derivative_missing",
        stage=B,
        title="The derivative of tanh(c) is missing in the backward pass of the LSTM {sites}.",
        explanation=TANH_OF_CELL + " The numbers leave out the factor 1 − tanh²(c).",
        advice="Multiply by 1 − tanh²(c).",
        propose=unrolled(Unrolling(activations={"c": derived(missing)}), KINDS),
        rank=10,
        look_alikes=("lstm.output_without_tanh",),
    ),
    Variant(
        code="lstm.output_tanh_derivative_at_cell_state",
        stage=B,
        title="You took 1 − c² for the derivative of tanh(c) in the LSTM {sites}.",
        explanation=TANH_OF_CELL + " The numbers have 1 − c².",
        advice="Use 1 − tanh²(c).",
        propose=unrolled(Unrolling(activations={"c": derived(tanh_at_preactivation)}), KINDS),
        rank=10,
    ),
    Variant(
        code="lstm.output_tanh_derivative_twice",
        stage=B,
        title="You took 1 − tanh²(tanh(c)) for the derivative of tanh(c) in the LSTM {sites}.",
        explanation=TANH_OF_CELL + " The numbers apply tanh to tanh(c) once more.",
        advice="Use 1 − tanh²(c).",
        propose=unrolled(_lstm(_squashed_twice), KINDS),
        rank=22,
    ),
    *gate_derivative_rows("LSTM", "ifgo", "g"),
    Variant(
        code="lstm.candidate_derivative_of_sigmoid",
        stage=B,
        title="You took g(1 − g), the derivative of σ, for the candidate of the LSTM {sites}.",
        explanation="The candidate g is a tanh, whose derivative is 1 − g².",
        advice="Use 1 − g² at the candidate.",
        propose=unrolled(Unrolling(activations={"g": derived(of_sigmoid)}), KINDS),
        rank=18,
    ),
    Variant(
        code="lstm.candidate_derivative_not_squared",
        stage=B,
        title="You took 1 − g for the derivative of the candidate of the LSTM {sites}: the square is missing.",
        explanation="The derivative of g = tanh(·) is 1 − g².",
        advice="Square g.",
        propose=unrolled(Unrolling(activations={"g": derived(not_squared)}), KINDS),
        rank=22,
    ),
    Variant(
        code="lstm.gate_derivative_of_tanh",
        stage=B,
        title="You took 1 − a², the derivative of tanh, for {gate} of the LSTM {sites}.",
        explanation="The gates are σ, whose derivative is a(1 − a).",
        advice="Use a(1 − a) at the gates.",
        propose=gate_derivative("LSTM", "ifo", of_tanh),
        rank=25,
    ),
    Variant(
        code="lstm.output_gate_gradient_without_tanh",
        stage=B,
        title="The gradient of the output gate of the LSTM {sites} has c where tanh(c) belongs.",
        explanation="h = o ⊙ tanh(c), so ∂L/∂o = ∂L/∂h ⊙ tanh(c). The numbers have ∂L/∂h ⊙ c.",
        advice="Use tanh(c).",
        propose=unrolled(_lstm(_output_gate_without_tanh), KINDS),
        rank=15,
    ),
    Variant(
        code="lstm.forget_gradient_with_new_cell_state",
        stage=B,
        title="The gradient of the forget gate of the LSTM {sites} uses the new cell state.",
        explanation="c′ = f ⊙ c + i ⊙ g, so ∂L/∂f = ∂L/∂c′ ⊙ c with the state before the step. The numbers have c′.",
        advice="Keep the old cell state for the backward pass.",
        propose=unrolled(_lstm(_forget_with_new_cell), KINDS),
        rank=18,
    ),
    Variant(
        code="lstm.forget_factor_missing",
        stage=B,
        title="The factor f is missing where the error goes back to the old cell state of the LSTM {sites}.",
        explanation="c′ = f ⊙ c + i ⊙ g, so f ⊙ ∂L/∂c′ goes back to c. The numbers have ∂L/∂c′.",
        advice="Multiply by f.",
        propose=unrolled(_lstm(_forget_factor_missing), KINDS, recurs),
        rank=18,
    ),
    Variant(
        code="lstm.output_factor_missing",
        stage=B,
        title="The factor o is missing where the error goes from h to the cell state of the LSTM {sites}.",
        explanation=TANH_OF_CELL + " The numbers leave out o.",
        advice="Multiply by o.",
        propose=unrolled(_lstm(_output_factor_missing), KINDS),
        rank=22,
    ),
    Variant(
        code="lstm.input_and_candidate_factors_swapped",
        stage=B,
        title="The factors of input gate and candidate are swapped in the backward pass of the LSTM {sites}.",
        explanation="c′ has i ⊙ g, so ∂L/∂i = ∂L/∂c′ ⊙ g and ∂L/∂g = ∂L/∂c′ ⊙ i. The numbers have them the other way "
        "round.",
        advice="Multiply by the other factor of the product.",
        propose=unrolled(_lstm(_input_and_candidate_swapped), KINDS),
        rank=25,
    ),
)
