"""What every recurrent layer can get wrong in its forward pass: states, biases, time, batch, directions, outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from ...network import Node
from ..case import Case
from ..recurrent import Activation, Outputs, State, Tensor, Unrolling, Weights, is_cell, module_of
from ..variant import Stage, Variant
from .recurrences import (
    batch_size,
    both,
    gives,
    has_bias,
    has_initial_state,
    has_several_steps,
    has_square_hidden,
    is_bidirectional,
    is_square,
    recurs,
    time_steps,
    unrolled,
    unrolled_by,
    used_outputs,
)

F = Stage.FORWARD


def zeros(state: State) -> State:
    """An initial state of zeros."""
    return tuple(torch.zeros_like(s) for s in state)


def _without(*names: str) -> Callable[[Weights], Weights]:
    return lambda w: w.changed(names, lambda bias: None)


def _swapped(w: Weights) -> Weights:
    return replace(w, w_ih=w.w_hh, w_hh=w.w_ih) if w.w_ih.shape == w.w_hh.shape else w


def _blocks_transposed(matrix: Tensor) -> Tensor:
    size = matrix.shape[1]
    return matrix.reshape(-1, size, size).transpose(1, 2).reshape(matrix.shape)


def _hidden_transposed(w: Weights) -> Weights:
    return replace(w, w_hh=_blocks_transposed(w.w_hh))


def _input_transposed(w: Weights) -> Weights:
    return replace(w, w_ih=_blocks_transposed(w.w_ih)) if w.w_ih.shape == w.w_hh.shape else w


def _activated(function: Activation) -> Unrolling:
    return Unrolling(activations={"h": lambda usual: function})


def _nonlinearity(name: str) -> Callable[[Case, Node], bool]:
    return lambda case, node: module_of(node).nonlinearity == name


def _at_time(pick: Callable[[Tensor, int], Tensor]) -> Unrolling:
    def outputs(given: Outputs, node: Node) -> Outputs:
        sequence = given["output"]
        time = 0 if sequence.dim() == 2 or not module_of(node).batch_first else 1
        picked = pick(sequence, time)
        changed = {"last": picked, "hidden": picked}
        if not module_of(node).bidirectional and module_of(node).num_layers == 1:
            changed["h_n"] = picked.reshape(given["h_n"].shape)
        return {**given, **{name: value for name, value in changed.items() if value.shape == given[name].shape}}

    return Unrolling(outputs=outputs)


def _exchanged(first: str, second: str) -> Unrolling:
    return Unrolling(outputs=lambda given, node: {**given, first: given[second], second: given[first]})


def _top_of_first_layer(given: Outputs, node: Node) -> Outputs:
    directions = 2 if module_of(node).bidirectional else 1
    return {**given, "hidden": torch.cat(tuple(given["h_n"][:directions]), -1)}


def _sides_exchanged(given: Outputs, node: Node) -> Outputs:
    def exchanged(value: Tensor) -> Tensor:
        forward, reverse = value.chunk(2, -1)
        return torch.cat((reverse, forward), -1)

    return {**given, **{name: exchanged(given[name]) for name in ("output", "last", "hidden")}}


def _has_layers(case: Case, node: Node) -> bool:
    return not is_cell(node) and module_of(node).num_layers > 1


def _batch_swappable(case: Case, node: Node) -> bool:
    if is_cell(node) or case.value(node.inputs[0]).dim() != 3:
        return False
    length, batch = time_steps(case, node), batch_size(case, node)
    only_sequence = used_outputs(case, node) == {"output"}
    return length == batch > 1 or (only_sequence and len(node.inputs) == 1 and max(length, batch) > 1)


def _biases(case: Case, nodes: list[Node]) -> Iterator[tuple[Unrolling, dict[str, str], int]]:
    for names, rank in ((("b_hh",), 0), (("b_ih",), 3), (("b_ih", "b_hh"), 10)):
        yield Unrolling(weights=_without(*names)), {"bias": " and ".join(names)}, rank


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="rnn.relu_instead_of_tanh",
        stage=F,
        title="Your recurrent layer {sites} uses ReLU where the declared one uses tanh.",
        explanation="The numbers are those of hₜ = max(0, W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh). nn.RNN takes tanh "
        "unless nonlinearity='relu' is given.",
        advice="Use tanh, or declare nonlinearity='relu'.",
        propose=unrolled(_activated(torch.relu), ("RNN",), _nonlinearity("tanh")),
        rank=20,
        probe="Pre-activations of both signs tell ReLU from a linear layer.",
    ),
    Variant(
        code="rnn.tanh_instead_of_relu",
        stage=F,
        title="Your recurrent layer {sites} uses tanh where the declared one uses ReLU.",
        explanation="The numbers are those of hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh); the layer was declared "
        "with nonlinearity='relu', which is max(0, ·).",
        advice="Use ReLU, or leave nonlinearity out: tanh is the default.",
        propose=unrolled(_activated(torch.tanh), ("RNN",), _nonlinearity("relu")),
        rank=15,
    ),
    Variant(
        code="rnn.sigmoid_activation",
        stage=F,
        title="Your recurrent layer {sites} uses the sigmoid; nn.RNN has tanh or ReLU.",
        explanation="The numbers are those of hₜ = σ(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh). Some textbooks write the "
        "recurrent network so; nn.RNN uses tanh (default) or ReLU.",
        advice="Use tanh, or write the cell with Linear and Sigmoid nodes.",
        propose=unrolled(_activated(torch.sigmoid), ("RNN",)),
        rank=25,
    ),
    Variant(
        code="rnn.no_activation",
        stage=F,
        title="Your recurrent layer {sites} has no activation.",
        explanation="The numbers are those of hₜ = W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh, without tanh or ReLU around it.",
        advice="Apply the activation in every step, or write the linear recurrence with Linear nodes.",
        propose=unrolled(_activated(lambda z: z), ("RNN",)),
        rank=35,
        look_alikes=("rnn.tanh_derivative_missing",),
        probe="The loss and the output tell them apart: only here are they different from PyTorch's.",
    ),
    Variant(
        code="rnn.initial_state_ignored",
        stage=F,
        title="Your recurrence {sites} starts from zeros; the problem gives an initial state.",
        explanation="The first step was h₁ = f(x₁, 0) where the declared one is h₁ = f(x₁, h₀). PyTorch takes zeros "
        "only where no initial state is given.",
        advice="Start from the given h₀ (and c₀), or leave them out of the problem.",
        propose=unrolled(Unrolling(initial=zeros), when=has_initial_state),
        rank=10,
    ),
    Variant(
        code="rnn.state_not_carried",
        stage=F,
        title="Every step of {sites} starts from zeros: the hidden state is not carried on.",
        explanation="The numbers are those of hₜ = f(xₜ, 0) in every step; the recurrence is hₜ = f(xₜ, hₜ₋₁).",
        advice="Pass the state of one step to the next.",
        propose=unrolled(Unrolling(state_at=lambda s, t, steps: s if t == 0 else zeros(s)), when=has_several_steps),
        rank=35,
    ),
    Variant(
        code="rnn.bias_ignored",
        stage=F,
        title="You leave out {bias} of the recurrent layer {sites}.",
        explanation="PyTorch adds two biases in every gate, b_ih and b_hh. The numbers are those without {bias}; in "
        "textbooks and in Keras there is only one.",
        advice="Add both biases, or set the second one to zero in the problem.",
        propose=unrolled_by(_biases, when=has_bias),
        rank=18,
        convention=True,
        source="Keras has one bias per gate (two in a GRU with reset_after=True).",
    ),
    Variant(
        code="rnn.first_output_instead_of_last",
        stage=F,
        title="You take the output of the first time step of {sites}, not of the last.",
        explanation="What goes on is h₁; the problem says that the output of the last step, h_T, goes on. Often this "
        "is the time and the batch dimension taken one for the other.",
        advice="Take output[:, -1] with batch_first=True, output[-1] without.",
        propose=unrolled(
            _at_time(lambda x, dim: x.select(dim, 0)), when=both(gives("last", "hidden", "h_n"), has_several_steps)
        ),
        rank=20,
    ),
    Variant(
        code="rnn.mean_over_time",
        stage=F,
        title="You average the outputs of {sites} over time instead of taking the last.",
        explanation="What goes on is (h₁ + ... + h_T)/T; the problem says h_T.",
        advice="Take the last output, or declare the layer's output and a Reduce node with MEAN over time.",
        propose=unrolled(_at_time(lambda x, dim: x.mean(dim)), when=both(gives("last", "hidden"), has_several_steps)),
        rank=40,
    ),
    Variant(
        code="rnn.sum_over_time",
        stage=F,
        title="You add the outputs of {sites} over time instead of taking the last.",
        explanation="What goes on is h₁ + ... + h_T; the problem says h_T.",
        advice="Take the last output, or declare the layer's output and a Reduce node with SUM over time.",
        propose=unrolled(_at_time(lambda x, dim: x.sum(dim)), when=both(gives("last", "hidden"), has_several_steps)),
        rank=50,
    ),
    Variant(
        code="rnn.maximum_over_time",
        stage=F,
        title="You take the maximum over time of the outputs of {sites} instead of the last.",
        explanation="What goes on is max(h₁, ..., h_T), unit by unit; the problem says h_T.",
        advice="Take the last output, or declare the layer's output and a Reduce node with AMAX over time.",
        propose=unrolled(_at_time(lambda x, dim: x.amax(dim)), when=both(gives("last", "hidden"), has_several_steps)),
        rank=55,
    ),
    Variant(
        code="rnn.time_reversed",
        stage=F,
        title="Your sequence runs backwards through {sites}.",
        explanation="The numbers are those of the sequence x_T, ..., x₁; PyTorch starts with x₁.",
        advice="Start with the first element, or give the problem the reversed sequence.",
        propose=unrolled(Unrolling(sequence=lambda x: x.flip(0)), when=has_several_steps),
        rank=30,
    ),
    Variant(
        code="rnn.batch_and_time_swapped",
        stage=F,
        title="Time and batch are swapped in {sites}: batch_first is taken the other way.",
        explanation="With batch_first=False, PyTorch's default, an input has the shape (time, batch, features), with "
        "batch_first=True (batch, time, features). The numbers are those of the other reading, so the recurrence runs "
        "over the samples.",
        advice="Declare batch_first as your code has it, or transpose the input.",
        propose=unrolled(Unrolling(swap_batch=True), when=_batch_swappable),
        rank=12,
    ),
    Variant(
        code="rnn.weights_swapped",
        stage=F,
        title="W_ih and W_hh of {sites} are swapped.",
        explanation="The numbers are those of W_hh xₜ + W_ih hₜ₋₁; PyTorch computes W_ih xₜ + W_hh hₜ₋₁. Both have "
        "the same shape here, so nothing fails.",
        advice="Multiply the input with weight_ih and the hidden state with weight_hh.",
        propose=unrolled(Unrolling(weights=_swapped), when=is_square),
        rank=40,
    ),
    Variant(
        code="rnn.hidden_weight_transposed",
        stage=F,
        title="You multiply with W_hh the other way round in {sites}: h W_hh, not h W_hhᵀ.",
        explanation="PyTorch keeps weight_hh as (gates · hidden, hidden) and computes W_hh h for a column, h W_hhᵀ "
        "for rows. The numbers are those with each gate's square block transposed, the layout of Keras and of most "
        "NumPy code.",
        advice="Transpose W_hh, or give the problem the transposed blocks.",
        propose=unrolled(Unrolling(weights=_hidden_transposed), when=both(has_square_hidden, recurs)),
        rank=22,
        convention=True,
        look_alikes=("rnn.hidden_weight_not_transposed_in_backward",),
        probe="The output tells them apart: only here it differs from PyTorch's.",
    ),
    Variant(
        code="rnn.input_weight_transposed",
        stage=F,
        title="You multiply with W_ih the other way round in {sites}: x W_ih, not x W_ihᵀ.",
        explanation="PyTorch keeps weight_ih as (gates · hidden, input) and computes x W_ihᵀ. The numbers are those "
        "with each gate's square block transposed.",
        advice="Transpose W_ih, or give the problem the transposed blocks.",
        propose=unrolled(Unrolling(weights=_input_transposed), when=both(is_square, has_square_hidden)),
        rank=25,
        convention=True,
    ),
    Variant(
        code="rnn.both_weights_transposed",
        stage=F,
        title="You multiply with W_ih and W_hh the other way round in {sites}: x W_ih + h W_hh.",
        explanation="PyTorch computes x W_ihᵀ + h W_hhᵀ. The numbers are those with each gate's square block "
        "transposed in both weights.",
        advice="Transpose both weights, or give the problem the transposed blocks.",
        propose=unrolled(
            Unrolling(weights=lambda w: _hidden_transposed(_input_transposed(w))),
            when=both(is_square, has_square_hidden, recurs),
        ),
        rank=24,
        convention=True,
    ),
    Variant(
        code="rnn.hidden_of_first_layer",
        stage=F,
        title="You take the final hidden state of the first layer of {sites}, not of the last.",
        explanation="h_n holds one state for each layer and direction; the problem says that the one of the last "
        "layer goes on, h_n[-1]. The numbers are those of h_n[0].",
        advice="Take h_n[-1], and both directions of the last layer where there are two.",
        propose=unrolled(Unrolling(outputs=_top_of_first_layer), when=both(_has_layers, gives("hidden"))),
        rank=20,
    ),
    Variant(
        code="rnn.directions_swapped",
        stage=F,
        title="The two directions of {sites} are joined in the other order.",
        explanation="PyTorch joins them as [forward, reverse] along the features; the numbers are those of [reverse, "
        "forward].",
        advice="Join the forward direction first.",
        propose=unrolled(
            Unrolling(outputs=_sides_exchanged), when=both(is_bidirectional, gives("output", "last", "hidden"))
        ),
        rank=35,
    ),
    Variant(
        code="rnn.reverse_outputs_not_turned",
        stage=F,
        title="The outputs of the reverse direction of {sites} are left in the order in which they were computed.",
        explanation="The reverse direction reads x_T first. PyTorch turns its outputs round again, so that output[t] "
        "of both directions belongs to xₜ; the numbers are those without that.",
        advice="Turn the outputs of the reverse direction round before joining them.",
        propose=unrolled(Unrolling(keep_reversed=True), when=both(is_bidirectional, has_several_steps)),
        rank=25,
        look_alikes=("rnn.final_state_instead_of_last_output",),
    ),
    Variant(
        code="rnn.final_state_instead_of_last_output",
        stage=F,
        title="You join the final states of both directions of {sites}; declared is the output at the last time step.",
        explanation="The reverse direction ends at x₁. At the last time step, output[T], it has seen x_T only; its "
        "final state, in h_n, has seen everything. The numbers are those of the final states.",
        advice="Declare the layer's output as 'hidden', or take output[:, -1].",
        propose=unrolled(_exchanged("last", "hidden"), when=both(is_bidirectional, has_several_steps, gives("last"))),
        rank=15,
        convention=True,
        source="Keras's Bidirectional gives the final states of both directions.",
    ),
    Variant(
        code="rnn.last_output_instead_of_final_state",
        stage=F,
        title="You take the output of {sites} at the last time step; declared are the final states of both directions.",
        explanation="At the last time step the reverse direction has seen x_T only. The numbers are those of "
        "output[T]; h_n holds the states after the whole sequence.",
        advice="Join h_n[-2] and h_n[-1], or declare the layer's output as 'last'.",
        propose=unrolled(_exchanged("last", "hidden"), when=both(is_bidirectional, has_several_steps, gives("hidden"))),
        rank=12,
    ),
    Variant(
        code="rnn.reverse_shares_weights",
        stage=F,
        title="Both directions of {sites} use the weights of the forward direction.",
        explanation="A bidirectional layer has weights of its own for the reverse direction (..._reverse). The "
        "numbers are those of the forward weights in both.",
        advice="Use the _reverse weights for the reverse direction.",
        propose=unrolled(Unrolling(reverse_like_forward=True), when=is_bidirectional),
        rank=45,
    ),
)
