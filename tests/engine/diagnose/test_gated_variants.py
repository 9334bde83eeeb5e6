"""Variants of GRU and LSTM against steps written out in the test."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gradproof_server.engine.types import Quantity

from tests.engine.recurrent_cases import C0, H0, TABLE, Named, Step, Tensor, X, cells, loss_of, network, sums
from tests.engine.recurrent_problems import check, parameters_of, proposed, told


def gru_parts(x: Tensor, h: Tensor, w: Named) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """r, z, W_in x + b_in, W_hn h + b_hn."""
    a, b = sums(x, h, w)
    return torch.sigmoid(a[:, :2] + b[:, :2]), torch.sigmoid(a[:, 2:4] + b[:, 2:4]), a[:, 4:], b[:, 4:]


def gru_reset_before(x: Tensor, s: tuple[Tensor, ...], w: Named) -> tuple[Tensor, ...]:
    """n = tanh(W_in x + b_in + W_hn (r h) + b_hn)."""
    r, z, a, _ = gru_parts(x, s[0], w)
    n = torch.tanh(a + (r * s[0]) @ w["weight_hh_l0"][4:].T + w["bias_hh_l0"][4:])
    return ((1 - z) * n + z * s[0],)


def gru_swapped(x: Tensor, s: tuple[Tensor, ...], w: Named) -> tuple[Tensor, ...]:
    """(1 - z) h + z n."""
    r, z, a, b = gru_parts(x, s[0], w)
    return (z * torch.tanh(a + r * b) + (1 - z) * s[0],)


def gru_bias_outside(x: Tensor, s: tuple[Tensor, ...], w: Named) -> tuple[Tensor, ...]:
    """n = tanh(W_in x + b_in + b_hn + r (W_hn h))."""
    r, z, a, b = gru_parts(x, s[0], w)
    n = torch.tanh(a + w["bias_hh_l0"][4:] + r * (b - w["bias_hh_l0"][4:]))
    return ((1 - z) * n + z * s[0],)


def gru_zrn(x: Tensor, s: tuple[Tensor, ...], w: Named) -> tuple[Tensor, ...]:
    """The first block is z, the second r."""
    second, first, a, b = gru_parts(x, s[0], w)
    r, z = first, second
    return ((1 - z) * torch.tanh(a + r * b) + z * s[0],)


def gru_sigmoid(x: Tensor, s: tuple[Tensor, ...], w: Named) -> tuple[Tensor, ...]:
    """n = σ(...)."""
    r, z, a, b = gru_parts(x, s[0], w)
    return ((1 - z) * torch.sigmoid(a + r * b) + z * s[0],)


def gru_no_reset(x: Tensor, s: tuple[Tensor, ...], w: Named) -> tuple[Tensor, ...]:
    """r = 1."""
    _, z, a, b = gru_parts(x, s[0], w)
    return ((1 - z) * torch.tanh(a + b) + z * s[0],)


GRU_STEPS: dict[str, tuple[Step, dict[str, str]]] = {
    "gru.reset_before_product": (gru_reset_before, {}),
    "gru.update_gate_swapped": (gru_swapped, {}),
    "gru.bias_outside_reset": (gru_bias_outside, {}),
    "gru.gate_order": (gru_zrn, {"order": "z, r, n (Keras, ONNX)"}),
    "gru.candidate_sigmoid": (gru_sigmoid, {}),
    "gru.no_reset_gate": (gru_no_reset, {}),
}


@pytest.mark.parametrize("code", GRU_STEPS)
def test_gru_step(code: str) -> None:
    """Another formula for the step, differentiated."""
    case = network("GRU")
    step, texts = GRU_STEPS[code]
    leaves = parameters_of(case)
    check(case, told(TABLE, code, case, texts), loss_of(leaves, step, (H0[0],)), leaves)


def lstm_blocks(x: Tensor, h: Tensor, w: Named) -> list[Tensor]:
    """The four blocks of pre-activations."""
    a, b = sums(x, h, w)
    return list((a + b).split(2, 1))


def lstm_step(order: str = "ifgo", forget_bias: float = 0.0, tanh_out: bool = True, **how: Any) -> Step:
    """An LSTM with switches."""

    def step(x: Tensor, s: tuple[Tensor, ...], w: Named) -> tuple[Tensor, ...]:
        named = dict(zip(order, lstm_blocks(x, s[0], w), strict=True))
        i, o = torch.sigmoid(named["i"]), torch.sigmoid(named["o"])
        f = torch.sigmoid(named["f"] + forget_bias)
        g = torch.sigmoid(named["g"]) if how.get("sigmoid") else torch.tanh(named["g"])
        if how.get("no_forget"):
            f = torch.ones_like(f)
        if how.get("coupled"):
            i = 1 - f
        cut = how.get("cell_detached") and not torch.equal(x, X[:, 0])
        c = f * (s[1].detach() if cut else s[1]) + i * g
        return (o * (torch.tanh(c) if tanh_out else c), c)

    return step


LSTM_STEPS: dict[str, tuple[Step, dict[str, str]]] = {
    "lstm.gate_order": (lstm_step("iofg"), {"order": "i, o, f, c (ONNX)"}),
    "lstm.forget_bias_one": (lstm_step(forget_bias=1.0), {}),
    "lstm.output_without_tanh": (lstm_step(tanh_out=False), {}),
    "lstm.candidate_sigmoid": (lstm_step(sigmoid=True), {}),
    "lstm.no_forget_gate": (lstm_step(no_forget=True), {}),
    "lstm.coupled_input_gate": (lstm_step(coupled=True), {}),
    "lstm.cell_state_detached": (lstm_step(cell_detached=True), {}),
}


@pytest.mark.parametrize("code", LSTM_STEPS)
def test_lstm_step(code: str) -> None:
    """Another formula for the step, differentiated."""
    case = network("LSTM")
    step, texts = LSTM_STEPS[code]
    leaves = parameters_of(case)
    check(case, told(TABLE, code, case, texts), loss_of(leaves, step, (H0[0], C0[0])), leaves)


def test_all_orders_of_gates_are_proposed() -> None:
    """5 of a GRU and 23 of an LSTM, each once, a known framework's before the others."""
    for kind, code, count in (("GRU", "gru.gate_order", 5), ("LSTM", "lstm.gate_order", 23)):
        proposals = proposed(TABLE, code, network(kind))
        assert len({proposal.texts["order"] for proposal in proposals}) == len(proposals) == count
        assert all((proposal.rank == 0) == ("(" in proposal.texts["order"]) for proposal in proposals)


def test_gate_derivative_of_an_lstm_cell() -> None:
    """δ = ∂L/∂o without o(1 − o): the output gate's rows of the bias gradient, written out."""
    case = cells("LSTMCell")
    numbers = told(TABLE, "lstm.gate_derivative_missing", case, {"gate": "output gate o"})
    by_name = {id.name: tensor for id, tensor in numbers.items() if id.quantity is Quantity.GRADIENT}
    w = {name: p.double() for name, p in case.training.parameters_before.items()}
    x = case.training.steps[0].inputs["x"]
    h = x @ w["0.weight"].T + w["0.bias"]
    blocks = x @ w["1.weight_ih"].T + w["1.bias_ih"] + h @ w["1.weight_hh"].T + w["1.bias_hh"]
    i, f, o = (torch.sigmoid(blocks[:, 2 * k : 2 * k + 2]) for k in (0, 1, 3))
    squashed = torch.tanh(f * h + i * torch.tanh(blocks[:, 4:6]))
    upstream = 2 * (o * squashed - case.training.steps[0].targets["target"]) / 6
    torch.testing.assert_close(by_name["1.bias_ih"][6:], (upstream * squashed).sum(0), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(by_name["1.bias_ih"][:6], case.gradient("1.bias_ih")[:6], rtol=1e-12, atol=1e-14)
