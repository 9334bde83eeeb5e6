"""How a GRU is computed otherwise: reset before the product, z and 1 - z swapped, order of gates, wrong derivatives."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ..recurrent import Cell, Parts, State, Tensor, Unrolling, Weights, added, derived, gru_gates
from ..rules import rewire
from ..variant import Stage, Variant
from .gates import (
    gate_derivative,
    gate_derivative_rows,
    gate_orders,
    hard_sigmoid,
    not_squared,
    of_sigmoid,
    of_tanh,
    with_function,
)
from .recurrences import has_bias, recurs, unrolled

ORDERS = {"zrn": "Keras, ONNX"}


def _mixed(z: Tensor, n: Tensor, h: Tensor) -> State:
    return ((1 - z) * n + z * h,)


def _block(tensor: Tensor | None, i: int) -> Tensor | None:
    return None if tensor is None else tensor.chunk(3, 0)[i]


def _reset_before(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, x_n, _ = gru_gates(w, x, state[0], parts)
    of_hidden = added(F.linear(r * state[0], w.w_hh.chunk(3, 0)[2]), _block(w.b_hh, 2))
    return _mixed(z, parts.activations["n"](x_n + of_hidden), state[0])


def _reset_before_one_bias(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    return _reset_before(w.changed(("b_hh",), lambda bias: None), x, state, parts)


def _update_swapped(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, x_n, h_n = gru_gates(w, x, state[0], parts)
    return _mixed(1 - z, parts.activations["n"](x_n + r * h_n), state[0])


def _both_swapped(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, x_n, _ = gru_gates(w, x, state[0], parts)
    of_hidden = added(F.linear(r * state[0], w.w_hh.chunk(3, 0)[2]), _block(w.b_hh, 2))
    return _mixed(1 - z, parts.activations["n"](x_n + of_hidden), state[0])


def _bias_outside(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, x_n, _ = gru_gates(w, x, state[0], parts)
    product = F.linear(state[0], w.w_hh.chunk(3, 0)[2])
    return _mixed(z, parts.activations["n"](added(x_n + r * product, _block(w.b_hh, 2))), state[0])


def _no_reset(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    _, z, x_n, h_n = gru_gates(w, x, state[0], parts)
    return _mixed(z, parts.activations["n"](x_n + h_n), state[0])


def _no_update(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, _, x_n, h_n = gru_gates(w, x, state[0], parts)
    return (parts.activations["n"](x_n + r * h_n),)


def _reset_on_everything(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, x_n, h_n = gru_gates(w, x, state[0], parts)
    return _mixed(z, parts.activations["n"](r * (x_n + h_n)), state[0])


def _direct_forgotten(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, x_n, h_n = gru_gates(w, x, state[0], parts)
    n = parts.activations["n"](x_n + r * h_n)
    return ((1 - z) * n + z * state[0].detach(),)


def _gates_forgotten(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, _, _ = gru_gates(w, x, state[0].detach(), parts)
    _, _, x_n, h_n = gru_gates(w, x, state[0], parts)
    return _mixed(z, parts.activations["n"](x_n + r * h_n), state[0])


def _candidate_forgotten(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, _, _ = gru_gates(w, x, state[0], parts)
    _, _, x_n, h_n = gru_gates(w, x, state[0].detach(), parts)
    return _mixed(z, parts.activations["n"](x_n + r * h_n), state[0])


def _reset_factor_forgotten(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, x_n, h_n = gru_gates(w, x, state[0], parts)
    product = rewire(r * h_n, (r, h_n), lambda u: (u * h_n.detach(), u))
    return _mixed(z, parts.activations["n"](x_n + product), state[0])


def _reset_gradient_forgotten(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, x_n, h_n = gru_gates(w, x, state[0], parts)
    return _mixed(z, parts.activations["n"](x_n + r.detach() * h_n), state[0])


def _update_sign(w: Weights, x: Tensor, state: State, parts: Parts) -> State:
    r, z, x_n, h_n = gru_gates(w, x, state[0], parts)
    n, h = parts.activations["n"](x_n + r * h_n), state[0]
    back = rewire(z, (z,), lambda u: (-u,))
    return ((1 - back) * n + back * h,)


def _gru(cell: Cell) -> Unrolling:
    return Unrolling(cell=lambda kind: cell)


KINDS = ("GRU",)
FORWARD, BACKWARD = Stage.FORWARD, Stage.BACKWARD
TORCH = "PyTorch computes n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)) and h′ = (1 − z) ⊙ n + z ⊙ h."

VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="gru.reset_before_product",
        stage=FORWARD,
        title="In your GRU {sites} the reset gate acts before the matrix product, as in the paper.",
        explanation="The numbers are those of n = tanh(W_in x + b_in + W_hn (r ⊙ h) + b_hn), the GRU of Cho et al. "
        "and of Keras with reset_after=False. " + TORCH,
        advice="Multiply by r after the product with W_hn, or write the paper's cell out of Linear and Multiply nodes.",
        propose=unrolled(_gru(_reset_before), KINDS, recurs),
        rank=5,
        convention=True,
        look_alikes=("gru.reset_before_product_one_bias",),
        source="Cho et al. 2014; Keras GRU(reset_after=False); ONNX linear_before_reset=0.",
    ),
    Variant(
        code="gru.reset_before_product_one_bias",
        stage=FORWARD,
        title="Your GRU {sites} is that of the paper: reset before the matrix product, and one bias for each gate.",
        explanation="The numbers are those of n = tanh(W_in x + b_in + W_hn (r ⊙ h)) without b_hh in any gate. "
        + TORCH,
        advice="Multiply by r after the product with W_hn and add both biases, or set b_hh to zero in the problem.",
        propose=unrolled(
            _gru(_reset_before_one_bias), KINDS, lambda case, node: recurs(case, node) and has_bias(case, node)
        ),
        rank=20,
        convention=True,
        look_alikes=("gru.reset_before_product",),
        source="Cho et al. 2014; Keras GRU(reset_after=False).",
    ),
    Variant(
        code="gru.update_gate_swapped",
        stage=FORWARD,
        title="In your GRU {sites} the update gate weighs the candidate, z ⊙ n + (1 − z) ⊙ h; PyTorch's weighs the "
        "old state.",
        explanation="Papers differ here: the numbers are those of h′ = (1 − z) ⊙ h + z ⊙ n. " + TORCH,
        advice="Exchange z and 1 − z, or negate the z blocks of weights and biases in the problem: σ(−a) = 1 − σ(a).",
        propose=unrolled(_gru(_update_swapped), KINDS),
        rank=8,
        convention=True,
        source="Chung et al. 2014 write (1 − z) h + z n; Cho et al. 2014, PyTorch, Keras and ONNX the other way.",
    ),
    Variant(
        code="gru.paper_form",
        stage=FORWARD,
        title="Your GRU {sites} is that of Chung et al.: reset before the product and (1 − z) ⊙ h + z ⊙ n.",
        explanation="The numbers are those of n = tanh(W_in x + b_in + W_hn (r ⊙ h) + b_hn) and h′ = (1 − z) ⊙ h + "
        "z ⊙ n. " + TORCH,
        advice="Multiply by r after the product with W_hn, and exchange z and 1 − z.",
        propose=unrolled(_gru(_both_swapped), KINDS, recurs),
        rank=14,
        convention=True,
        look_alikes=("gru.update_gate_swapped", "gru.reset_before_product"),
        source="Chung et al. 2014.",
    ),
    Variant(
        code="gru.gate_order",
        stage=FORWARD,
        title="You read the gates of the GRU {sites} in the order {order}; PyTorch stacks them as r, z, n.",
        explanation="The three blocks of rows of weight_ih, weight_hh and of the biases belong to the reset gate, the "
        "update gate and the candidate, in this order. The numbers, gradients included, are those of the order "
        "{order}.",
        advice="Rearrange the blocks to r, z, n when weights move from one framework to the other, and back for "
        "gradients.",
        propose=gate_orders("GRU", "rzn", ORDERS, {}),
        rank=10,
        convention=True,
        probe="Use weights whose blocks differ clearly.",
        source="Keras and ONNX: z, r, n.",
    ),
    Variant(
        code="gru.bias_outside_reset",
        stage=FORWARD,
        title="In your GRU {sites} the bias b_hn stands outside the reset gate.",
        explanation="The numbers are those of n = tanh(W_in x + b_in + b_hn + r ⊙ (W_hn h)). " + TORCH,
        advice="Multiply b_hn by r too.",
        propose=unrolled(_gru(_bias_outside), KINDS, has_bias),
        rank=12,
        convention=True,
    ),
    Variant(
        code="gru.no_reset_gate",
        stage=FORWARD,
        title="Your GRU {sites} has no reset gate.",
        explanation="The numbers are those of r = 1: n = tanh(W_in x + b_in + W_hn h + b_hn). " + TORCH,
        advice="Multiply W_hn h + b_hn by r = σ(W_ir x + b_ir + W_hr h + b_hr).",
        propose=unrolled(_gru(_no_reset), KINDS),
        rank=22,
    ),
    Variant(
        code="gru.no_update_gate",
        stage=FORWARD,
        title="Your GRU {sites} has no update gate: the candidate is the new state.",
        explanation="The numbers are those of h′ = n. " + TORCH,
        advice="Mix the candidate with the old state by z.",
        propose=unrolled(_gru(_no_update), KINDS),
        rank=35,
    ),
    Variant(
        code="gru.reset_on_input_too",
        stage=FORWARD,
        title="In your GRU {sites} the reset gate acts on the input's part too.",
        explanation="The numbers are those of n = tanh(r ⊙ (W_in x + b_in + W_hn h + b_hn)). " + TORCH,
        advice="Multiply only W_hn h + b_hn by r.",
        propose=unrolled(_gru(_reset_on_everything), KINDS),
        rank=40,
    ),
    Variant(
        code="gru.candidate_sigmoid",
        stage=FORWARD,
        title="The candidate of your GRU {sites} has σ in place of tanh.",
        explanation="The numbers are those of n = σ(...). " + TORCH,
        advice="Use tanh for the candidate; σ belongs to the gates r and z.",
        propose=unrolled(Unrolling(activations={"n": with_function(torch.sigmoid)}), KINDS),
        rank=20,
    ),
    Variant(
        code="gru.candidate_relu",
        stage=FORWARD,
        title="The candidate of your GRU {sites} has ReLU in place of tanh.",
        explanation="The numbers are those of n = max(0, ...). " + TORCH,
        advice="Use tanh for the candidate.",
        propose=unrolled(Unrolling(activations={"n": with_function(torch.relu)}), KINDS),
        rank=45,
    ),
    Variant(
        code="gru.hard_sigmoid",
        stage=FORWARD,
        title="The gates of your GRU {sites} have the hard sigmoid in place of σ.",
        explanation="The numbers are those of min(1, max(0, 0.2 x + 0.5)) in r and z, the recurrent activation of "
        "early Keras; PyTorch has σ(x) = 1/(1 + e⁻ˣ).",
        advice="Set recurrent_activation='sigmoid'.",
        propose=unrolled(Unrolling(activations={"r": hard_sigmoid, "z": hard_sigmoid}), KINDS),
        rank=40,
        convention=True,
        source="Keras before 2.3.",
    ),
    *gate_derivative_rows("GRU", "rzn", "n"),
    Variant(
        code="gru.candidate_derivative_of_sigmoid",
        stage=BACKWARD,
        title="You took n(1 − n), the derivative of σ, for the candidate of the GRU {sites}.",
        explanation="The candidate n is a tanh, whose derivative is 1 − n².",
        advice="Use 1 − n² at the candidate.",
        propose=unrolled(Unrolling(activations={"n": derived(of_sigmoid)}), KINDS),
        rank=20,
    ),
    Variant(
        code="gru.candidate_derivative_not_squared",
        stage=BACKWARD,
        title="You took 1 − n for the derivative of the candidate of the GRU {sites}: the square is missing.",
        explanation="The derivative of n = tanh(·) is 1 − n².",
        advice="Square n.",
        propose=unrolled(Unrolling(activations={"n": derived(not_squared)}), KINDS),
        rank=22,
    ),
    Variant(
        code="gru.gate_derivative_of_tanh",
        stage=BACKWARD,
        title="You took 1 − a², the derivative of tanh, for {gate} of the GRU {sites}.",
        explanation="The gates are σ, whose derivative is a(1 − a).",
        advice="Use a(1 − a) at the gates.",
        propose=gate_derivative("GRU", "rz", of_tanh),
        rank=25,
    ),
    Variant(
        code="gru.direct_path_forgotten",
        stage=BACKWARD,
        title="The direct path z ⊙ ∂L/∂h′ back to the old state is forgotten in the GRU {sites}.",
        explanation="h′ = (1 − z) ⊙ n + z ⊙ h depends on h directly, besides its way through gates and candidate. The "
        "numbers leave the summand z ⊙ ∂L/∂h′ out of ∂L/∂h.",
        advice="Add z ⊙ ∂L/∂h′.",
        propose=unrolled(_gru(_direct_forgotten), KINDS, recurs),
        rank=20,
        look_alikes=("rnn.truncated_backpropagation",),
    ),
    Variant(
        code="gru.path_through_gates_forgotten",
        stage=BACKWARD,
        title="The path back to the old state through the gates r and z is forgotten in the GRU {sites}.",
        explanation="r and z depend on h through W_hr and W_hz. The numbers treat h as a constant there.",
        advice="Add W_hrᵀ δ_r + W_hzᵀ δ_z to ∂L/∂h.",
        propose=unrolled(_gru(_gates_forgotten), KINDS, recurs),
        rank=25,
    ),
    Variant(
        code="gru.path_through_candidate_forgotten",
        stage=BACKWARD,
        title="The path back to the old state through the candidate is forgotten in the GRU {sites}.",
        explanation="n depends on h through r ⊙ (W_hn h + b_hn). The numbers treat h as a constant there.",
        advice="Add W_hnᵀ (r ⊙ δ_n) to ∂L/∂h.",
        propose=unrolled(_gru(_candidate_forgotten), KINDS, recurs),
        rank=28,
    ),
    Variant(
        code="gru.reset_factor_forgotten",
        stage=BACKWARD,
        title="The factor r is forgotten on the way back through the candidate of the GRU {sites}.",
        explanation="The candidate has r ⊙ (W_hn h + b_hn), so δ_n ⊙ r goes back to W_hn, b_hn and h. The numbers "
        "have δ_n.",
        advice="Multiply δ_n by r before it goes into the gradients of W_hn, b_hn and h.",
        propose=unrolled(_gru(_reset_factor_forgotten), KINDS),
        rank=18,
    ),
    Variant(
        code="gru.reset_gradient_forgotten",
        stage=BACKWARD,
        title="The reset gate of the GRU {sites} gets no gradient.",
        explanation="r acts on the candidate, so δ_r = δ_n ⊙ (W_hn h + b_hn) ⊙ r(1 − r). The numbers have zero in its "
        "place.",
        advice="Pass the error on to the reset gate too.",
        propose=unrolled(_gru(_reset_gradient_forgotten), KINDS),
        rank=28,
    ),
    Variant(
        code="gru.update_gradient_sign",
        stage=BACKWARD,
        title="The gradient of the update gate of the GRU {sites} has the wrong sign.",
        explanation="∂h′/∂z = h − n, as h′ = (1 − z) ⊙ n + z ⊙ h. The numbers have n − h.",
        advice="Use h − n.",
        propose=unrolled(_gru(_update_sign), KINDS),
        rank=18,
    ),
)
