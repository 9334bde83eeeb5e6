"""What every recurrent layer can get wrong in its backward pass: truncation, single steps, detached states, tanh'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch.nn import functional as F

from ...network import Node
from ..case import Case
from ..recurrent import CELLS, TENSORS, Cell, Parts, State, Tensor, Unrolling, Weights, derived, is_cell, module_of
from ..rules import rewire
from ..variant import Stage, Variant
from .recurrences import (
    both,
    has_bias,
    has_initial_state,
    has_several_steps,
    has_square_hidden,
    initial_keys,
    recurs,
    time_steps,
    unrolled,
    unrolled_by,
)

B = Stage.BACKWARD
Ways = Iterator[tuple[Unrolling, dict[str, str], int]]

MOST_STEPS = 8
"""Truncation after more steps is not proposed."""


def detached(state: State) -> State:
    """The state without its history."""
    return tuple(s.detach() for s in state)


def frozen(w: Weights, *names: str) -> Weights:
    """Weights without gradient; all of them where no names are given."""
    return w.changed(names or TENSORS, lambda tensor: tensor.detach())


def _every(k: int) -> Callable[[State, int, int], State]:
    return lambda state, t, steps: detached(state) if t and t % k == 0 else state


def _last(k: int) -> Callable[[State, int, int], State]:
    return lambda state, t, steps: detached(state) if t == steps - k else state


def _longest(case: Case, nodes: list[Node]) -> int:
    return max(time_steps(case, node) for node in nodes)


def _truncated(case: Case, nodes: list[Node]) -> Ways:
    for k in range(1, min(_longest(case, nodes) - 1, MOST_STEPS) + 1):
        yield Unrolling(state_at=_every(k)), {"steps": "1 step" if k == 1 else f"{k} steps"}, 0 if k == 1 else 10


def _window(case: Case, nodes: list[Node]) -> Ways:
    for k in range(2, min(_longest(case, nodes) - 1, MOST_STEPS) + 1):
        yield Unrolling(state_at=_last(k)), {"steps": str(k)}, 0


def _only(step: Callable[[int, int], bool], *names: str) -> Unrolling:
    return Unrolling(weights_at=lambda w, t, steps: w if step(t, steps) else frozen(w, *names))


def _is_last(t: int, steps: int) -> bool:
    return t == steps - 1


def _is_first(t: int, steps: int) -> bool:
    return t == 0


def _divided(w: Weights, t: int, steps: int) -> Weights:
    return w.changed(TENSORS, lambda tensor: rewire(tensor, (tensor,), lambda u: (u / steps,)))


def _new_hidden(kind: str) -> Cell:
    usual = CELLS[kind]

    def cell(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
        with torch.no_grad():
            new = usual(w, x, state, parts)[0]

        def product(h: Tensor, matrix: Tensor) -> Tensor:
            value = F.linear(h, matrix)
            return rewire(value, (h, matrix), lambda u: (u @ matrix.detach(), u.mT @ new))

        return usual(w, x, state, replace(parts, hidden_product=product))

    return cell


def _not_transposed(h: Tensor, matrix: Tensor) -> Tensor:
    blocks = matrix.detach().reshape(-1, matrix.shape[1], matrix.shape[1])

    def back(u: Tensor) -> tuple[Tensor, Tensor]:
        by_gate = u.reshape(u.shape[0], blocks.shape[0], -1)
        return torch.einsum("bgi,gji->bj", by_gate, blocks), u.mT @ h.detach()

    return rewire(F.linear(h, matrix), (h, matrix), back)


def _bias_once(case: Case, nodes: list[Node]) -> Ways:
    for without, other, rank in (("b_hh", "b_ih", 0), ("b_ih", "b_hh", 5)):
        way = Unrolling(weights=lambda w, name=without: frozen(w, name))  # type: ignore[misc]
        yield way, {"bias": without, "other": other}, rank


def _takes_a_state(case: Case, node: Node) -> bool:
    made = {n.name for n in case.nodes()}
    return is_cell(node) and any(key.partition(":")[0] in made for key in initial_keys(node))


def _has_layer_below(case: Case, node: Node) -> bool:
    return node.inputs[0] not in case.training.program.inputs


def _is_tanh(case: Case, node: Node) -> bool:
    return str(module_of(node).nonlinearity) == "tanh"


def _is_relu(case: Case, node: Node) -> bool:
    return not _is_tanh(case, node)


def _input_detached(x: Tensor, matrix: Tensor) -> Tensor:
    return F.linear(x.detach(), matrix)


def act(factor: Callable[[Tensor, Tensor], Tensor]) -> Unrolling:
    """tanh or ReLU of an RNN with another derivative."""
    return Unrolling(activations={"h": derived(factor)})


LOOKS = "The size of the error tells them apart: vary the pre-activations between small and large."

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="rnn.truncated_backpropagation",
        stage=B,
        title="Your backpropagation through time in {sites} is cut after {steps}: the hidden state is detached.",
        explanation="PyTorch follows hₜ₋₁ back through the whole sequence. The numbers are those with the state "
        "detached every {steps}, so that ∂hₜ/∂W = ∂hₜ/∂W|direct and the path through earlier states is left out there.",
        advice="Carry ∂L/∂hₜ₋₁ on to step t − 1 until the first step, or give the problem the shorter sequence.",
        propose=unrolled_by(_truncated, when=has_several_steps),
        rank=10,
        look_alikes=("rnn.last_step_only", "rnn.truncated_to_last_steps", "rnn.recurrent_gradient_of_last_step_only"),
        probe="Claim the gradient of the input, and use a loss over all time steps.",
    ),
    Variant(
        code="rnn.truncated_to_last_steps",
        stage=B,
        title="Your backpropagation through time in {sites} follows only the last {steps} steps.",
        explanation="PyTorch follows the states back to the first step. The numbers are those with the state detached "
        "before the last {steps} steps.",
        advice="Go back to the first step, or detach the state in the problem too.",
        propose=unrolled_by(_window, when=has_several_steps),
        rank=25,
        look_alikes=("rnn.truncated_backpropagation",),
        probe="Use a sequence whose length is no multiple of the truncation.",
    ),
    Variant(
        code="rnn.last_step_only",
        stage=B,
        title="The weight gradients of {sites} are those of the last time step only.",
        explanation="The weights are used in every step, so ∂L/∂W = Σₜ δₜ xₜᵀ (and Σₜ δₜ hₜ₋₁ᵀ). The numbers are the "
        "summand of t = T alone: an = where a += belongs, or a loop that ends too early.",
        advice="Add the contributions of all time steps.",
        propose=unrolled(_only(_is_last), when=has_several_steps),
        rank=18,
        look_alikes=("rnn.truncated_backpropagation", "rnn.recurrent_gradient_of_last_step_only"),
        probe="Claim the gradient of the input, or use a loss over all time steps.",
    ),
    Variant(
        code="rnn.first_step_only",
        stage=B,
        title="The weight gradients of {sites} are those of the first time step only.",
        explanation="∂L/∂W = Σₜ δₜ xₜᵀ has a summand for every time step. The numbers are that of t = 1 alone: going "
        "backwards it is computed last, and an = in place of += keeps it.",
        advice="Add the contributions of all time steps.",
        propose=unrolled(_only(_is_first), when=has_several_steps),
        rank=22,
    ),
    Variant(
        code="rnn.recurrent_gradient_of_last_step_only",
        stage=B,
        title="The gradient of W_hh in {sites} is that of the last time step only.",
        explanation="∂L/∂W_hh = Σₜ δₜ hₜ₋₁ᵀ. The numbers are the summand of t = T alone; the other gradients are "
        "complete.",
        advice="Add the contributions of all time steps to W_hh too.",
        propose=unrolled(_only(_is_last, "w_hh"), when=has_several_steps),
        rank=32,
        look_alikes=("rnn.last_step_only",),
    ),
    Variant(
        code="rnn.recurrent_gradient_of_first_step_only",
        stage=B,
        title="The gradient of W_hh in {sites} is that of the first time step only.",
        explanation="∂L/∂W_hh = Σₜ δₜ hₜ₋₁ᵀ. The numbers are the summand of t = 1 alone (zero where the sequence "
        "starts from zeros); the other gradients are complete.",
        advice="Add the contributions of all time steps to W_hh too.",
        propose=unrolled(_only(_is_first, "w_hh"), when=has_several_steps),
        rank=38,
    ),
    Variant(
        code="rnn.averaged_over_time",
        stage=B,
        title="The weight gradients of {sites} are averaged over the time steps instead of added.",
        explanation="A weight that is used T times gets the sum of T contributions. The numbers are Σₜ δₜ xₜᵀ / T.",
        advice="Leave out the division by T, or average the loss over time in the problem.",
        propose=unrolled(Unrolling(weights_at=_divided), when=has_several_steps),
        rank=28,
    ),
    Variant(
        code="rnn.new_hidden_in_gradient",
        stage=B,
        title="The gradient of W_hh in {sites} uses hₜ where hₜ₋₁ belongs.",
        explanation="W_hh multiplies the previous state, so its gradient is Σₜ δₜ hₜ₋₁ᵀ. The numbers are Σₜ δₜ hₜᵀ.",
        advice="Take the state before the step.",
        propose=unrolled(Unrolling(cell=_new_hidden)),
        rank=20,
    ),
    Variant(
        code="rnn.hidden_weight_not_transposed_in_backward",
        stage=B,
        title="The error goes back through W_hh instead of W_hhᵀ in {sites}.",
        explanation="Forward is W_hh hₜ₋₁, so backward is W_hhᵀ δₜ. The numbers are those of W_hh δₜ; the square "
        "shape hides it.",
        advice="Transpose W_hh on the way back.",
        propose=unrolled(Unrolling(hidden_product=_not_transposed), when=both(has_square_hidden, recurs)),
        rank=20,
        look_alikes=("rnn.hidden_weight_transposed",),
    ),
    Variant(
        code="rnn.initial_state_gradient_forgotten",
        stage=B,
        title="The gradient of the initial state of {sites} is missing.",
        explanation="The first step depends on h₀, so ∂L/∂h₀ = W_hhᵀ δ₁ (plus the direct path of a gate). The numbers "
        "are those with h₀ detached.",
        advice="Take the last step of the way back too: from step 1 to h₀.",
        propose=unrolled(Unrolling(initial=detached), when=has_initial_state),
        rank=30,
    ),
    Variant(
        code="rnn.state_detached",
        stage=B,
        title="The state that the cell {sites} is given is detached: nothing flows back to the step before.",
        explanation="In the problem the cell's state comes from another node, and PyTorch passes the gradient back to "
        "it. The numbers are those with the state taken as a constant.",
        advice="Pass the gradient of the state back, or put a Detach node before the cell.",
        propose=unrolled(Unrolling(initial=detached), when=_takes_a_state),
        rank=10,
        look_alikes=("rnn.initial_state_gradient_forgotten",),
    ),
    Variant(
        code="rnn.input_gradient_forgotten",
        stage=B,
        title="Nothing flows from {sites} back to the layer below.",
        explanation="The gradient of the layer's input is Σ W_ihᵀ δₜ. The numbers are those with zero in its place, "
        "so layers below get no gradient from it.",
        advice="Pass W_ihᵀ δₜ on to the layer below, for every time step.",
        propose=unrolled(Unrolling(input_product=_input_detached), when=_has_layer_below),
        rank=40,
    ),
    Variant(
        code="rnn.bias_gradient_given_to_one",
        stage=B,
        title="Only {other} gets the gradient of the biases of {sites}; {bias} gets none.",
        explanation="PyTorch adds two biases, b_ih + b_hh, and both get a gradient (the same one in an RNN and an "
        "LSTM). The numbers have zero for {bias}.",
        advice="Give both biases their gradient, or freeze {bias} in the problem.",
        propose=unrolled_by(_bias_once, when=has_bias),
        rank=15,
    ),
    Variant(
        code="rnn.tanh_derivative_at_preactivation",
        stage=B,
        title="You took 1 − z² with the pre-activation z for the derivative of tanh in {sites}.",
        explanation="With h = tanh(z) the derivative is 1 − tanh²(z) = 1 − h². The formula 1 − (·)² belongs on the "
        "activation h; the numbers are those with the pre-activation z = W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh in it.",
        advice="Put hₜ, the output of tanh, into 1 − h².",
        propose=unrolled(act(lambda z, a: 1 - z * z), ("RNN",), _is_tanh),
        rank=5,
        probe=LOOKS,
    ),
    Variant(
        code="rnn.tanh_derivative_missing",
        stage=B,
        title="The derivative of the activation is missing in the backward pass of {sites}.",
        explanation="δₜ = (∂L/∂hₜ) · f′(zₜ), with f′ = 1 − hₜ² for tanh. The numbers are those with f′ = 1.",
        advice="Multiply by 1 − hₜ² (tanh), or by 1 where z > 0 and 0 elsewhere (ReLU).",
        propose=unrolled(act(lambda z, a: torch.ones_like(a)), ("RNN",)),
        rank=8,
        look_alikes=("rnn.no_activation",),
    ),
    Variant(
        code="rnn.tanh_derivative_not_squared",
        stage=B,
        title="You took 1 − h for the derivative of tanh in {sites}: the square is missing.",
        explanation="The derivative of h = tanh(z) is 1 − h². The numbers are those of 1 − h.",
        advice="Square h.",
        propose=unrolled(act(lambda z, a: 1 - a), ("RNN",), _is_tanh),
        rank=15,
    ),
    Variant(
        code="rnn.sigmoid_derivative_for_tanh",
        stage=B,
        title="You took h(1 − h), the derivative of the sigmoid, for that of tanh in {sites}.",
        explanation="The derivative of tanh is 1 − h²; h(1 − h) belongs to the sigmoid.",
        advice="Use 1 − h² for tanh.",
        propose=unrolled(act(lambda z, a: a * (1 - a)), ("RNN",), _is_tanh),
        rank=12,
    ),
    Variant(
        code="rnn.tanh_derivative_at_activation",
        stage=B,
        title="You applied tanh twice in the derivative of {sites}: 1 − tanh²(h) in place of 1 − h².",
        explanation="The derivative is 1 − tanh²(z) of the pre-activation, or 1 − h² of the activation h = tanh(z). "
        "The numbers are those of 1 − tanh²(h).",
        advice="Put z into 1 − tanh²(·), or h into 1 − (·)².",
        propose=unrolled(act(lambda z, a: 1 - torch.tanh(a) ** 2), ("RNN",), _is_tanh),
        rank=15,
    ),
    Variant(
        code="rnn.tanh_derivative_for_relu",
        stage=B,
        title="You took 1 − h², the derivative of tanh, in {sites}; the layer has ReLU.",
        explanation="The derivative of ReLU is 1 where z > 0 and 0 elsewhere.",
        advice="Use the derivative of ReLU.",
        propose=unrolled(act(lambda z, a: 1 - a * a), ("RNN",), _is_relu),
        rank=25,
    ),
)
