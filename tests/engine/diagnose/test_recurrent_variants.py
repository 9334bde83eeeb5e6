"""Variants of every recurrent layer, and of RNN, against computations written out in the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.variant import Stage
from gradproof_server.engine.types import Quantity

from tests.engine.recurrent_cases import (
    H0,
    TABLE,
    TARGET,
    TARGETS,
    Named,
    Step,
    Tensor,
    X,
    cells,
    loss_of,
    network,
    over_a_linear,
    sums,
    two_layers,
)
from tests.engine.recurrent_problems import (
    all_proposals,
    case_of,
    check,
    differs,
    drawn,
    parameters_of,
    told,
    training_of,
)

CASES: dict[str, Callable[[], Case]] = {
    "rnn": lambda: network("RNN"),
    "relu": lambda: network("RNN", nonlinearity="relu"),
    "gru": lambda: network("GRU"),
    "lstm": lambda: network("LSTM"),
    "gru hidden": lambda: network("GRU", output="hidden", num_layers=2, states=False),
    "both directions": lambda: two_layers("RNN", bidirectional=True),
    "both final": lambda: network("LSTM", output="hidden", states=False, bidirectional=True),
    "sequence": lambda: network("GRU", output="output", states=False),
    "rnn over linear": lambda: over_a_linear("RNN"),
    "rnn cell": lambda: cells("RNNCell"),
    "gru cell": lambda: cells("GRUCell"),
    "lstm cell": lambda: cells("LSTMCell"),
}


@pytest.mark.parametrize("name", CASES)
def test_every_proposal_runs(name: str) -> None:
    """Its texts can be formatted, its numbers are finite, and a backward variant leaves every value as it is."""
    case = CASES[name]()
    for variant, proposal in all_proposals(TABLE, case):
        texts = {"sites": ", ".join(proposal.sites), **proposal.texts}
        assert all("{" not in text.format(**texts) for text in (variant.title, variant.explanation, variant.advice))
        numbers = proposal.alter(Plan(case.training)).tell(case.ids)
        assert all(tensor.isfinite().all() for tensor in numbers.values()), variant.code
        if variant.stage is Stage.BACKWARD:
            for id in case.ids:
                if id.quantity in (Quantity.LOSS, Quantity.OUTPUT):
                    torch.testing.assert_close(numbers[id], case.reference[id], rtol=1e-13, atol=0, msg=variant.code)


def test_every_row_changes_something_somewhere() -> None:
    """Each code is proposed in one of these problems and gives numbers that are not PyTorch's."""
    silent = {variant.code for variant in TABLE}
    for make in CASES.values():
        case = make()
        for variant, proposal in all_proposals(tuple(v for v in TABLE if v.code in silent), case):
            if differs(case, proposal.alter(Plan(case.training)).tell(case.ids)):
                silent.discard(variant.code)
    assert silent == set()


def test_codes_are_unique_and_look_alikes_exist() -> None:
    """A row's look-alikes are rows, and no code stands twice."""
    codes = [variant.code for variant in TABLE]
    assert len(set(codes)) == len(codes)
    assert {code for variant in TABLE for code in variant.look_alikes} <= set(codes)


def test_nothing_is_proposed_without_a_recurrent_layer() -> None:
    """A network of linear layers has none of these mistakes."""
    case = case_of(training_of([("Linear", (2, 1), {})], {"x": X[0]}, drawn(3, 1)))
    assert list(all_proposals(TABLE, case)) == []


def test_nothing_is_proposed_where_it_cannot_act() -> None:
    """One step needs no backpropagation through time; zeros are no given state; no bias, nothing to ignore."""
    layers = [("RNN", (2, 2), {"bias": False, "batch_first": True})]
    case = case_of(training_of(layers, {"x": X[:, :1], "h0": torch.zeros_like(H0)}, drawn(2, 2), "last"))
    codes = {variant.code for variant, _ in all_proposals(TABLE, case)}
    assert not codes & {
        "rnn.truncated_backpropagation",
        "rnn.truncated_to_last_steps",
        "rnn.last_step_only",
        "rnn.time_reversed",
        "rnn.initial_state_ignored",
        "rnn.bias_ignored",
        "rnn.bias_gradient_given_to_one",
        "rnn.directions_swapped",
        "rnn.hidden_of_first_layer",
        "rnn.tanh_instead_of_relu",
        "gru.gate_order",
        "lstm.gate_order",
    }


def rnn_step(x: Tensor, state: tuple[Tensor, ...], w: Named) -> tuple[Tensor, ...]:
    """tanh."""
    a, b = sums(x, state[0], w)
    return (torch.tanh(a + b),)


def z_of(x: Tensor, h: Tensor, w: Named) -> Tensor:
    """The pre-activation of an RNN."""
    a, b = sums(x, h, w)
    return a + b


FORWARD_RNN: dict[str, Step] = {
    "rnn.relu_instead_of_tanh": lambda x, s, w: (z_of(x, s[0], w).clamp_min(0),),
    "rnn.sigmoid_activation": lambda x, s, w: (1 / (1 + torch.exp(-z_of(x, s[0], w))),),
    "rnn.no_activation": lambda x, s, w: (z_of(x, s[0], w),),
    "rnn.weights_swapped": lambda x, s, w: (
        torch.tanh(x @ w["weight_hh_l0"].T + s[0] @ w["weight_ih_l0"].T + w["bias_ih_l0"] + w["bias_hh_l0"]),
    ),
    "rnn.hidden_weight_transposed": lambda x, s, w: (
        torch.tanh(x @ w["weight_ih_l0"].T + s[0] @ w["weight_hh_l0"] + w["bias_ih_l0"] + w["bias_hh_l0"]),
    ),
    "rnn.input_weight_transposed": lambda x, s, w: (
        torch.tanh(x @ w["weight_ih_l0"] + s[0] @ w["weight_hh_l0"].T + w["bias_ih_l0"] + w["bias_hh_l0"]),
    ),
    "rnn.truncated_backpropagation": lambda x, s, w: rnn_step(x, (s[0].detach(),), w),
}


@pytest.mark.parametrize("code", sorted(set(FORWARD_RNN) - {"rnn.truncated_backpropagation"}))
def test_rnn_step(code: str) -> None:
    """Another formula for the step, differentiated."""
    case = network("RNN")
    leaves = parameters_of(case)
    check(case, told(TABLE, code, case), loss_of(leaves, FORWARD_RNN[code], (H0[0],)), leaves)


def test_initial_state_ignored() -> None:
    """Zeros in place of h0."""
    case = network("RNN")
    leaves = parameters_of(case)
    loss = loss_of(leaves, rnn_step, (torch.zeros(2, 2, dtype=torch.float64),))
    check(case, told(TABLE, "rnn.initial_state_ignored", case), loss, leaves)


def test_first_output_and_reversed_time() -> None:
    """The output of the first step; and the sequence from its end."""
    case = network("RNN")
    leaves = parameters_of(case)
    first = loss_of(leaves, rnn_step, (H0[0],), picked=0)
    check(case, told(TABLE, "rnn.first_output_instead_of_last", case), first, leaves)
    reverse = loss_of(leaves, rnn_step, (H0[0],), x=X.flip(1))
    check(case, told(TABLE, "rnn.time_reversed", case), reverse, leaves)


@pytest.mark.parametrize("bias", ["b_hh", "b_ih"])
def test_bias_ignored(bias: str) -> None:
    """Without one of the biases, in value and gradient."""
    case = network("RNN")
    leaves = parameters_of(case)
    name = f"0.bias_{bias[2:]}_l0"
    dropped = {**leaves, name: torch.zeros(2, dtype=torch.float64)}
    check(case, told(TABLE, "rnn.bias_ignored", case, {"bias": bias}), loss_of(dropped, rnn_step, (H0[0],)), leaves)


def test_batch_and_time_swapped() -> None:
    """A sequence layer that reads (batch, time) as (time, batch)."""
    case = network("RNN", output="output", states=False)
    leaves = parameters_of(case)
    w = {name.removeprefix("0."): t for name, t in leaves.items()}
    h, rows = torch.zeros(3, 2, dtype=torch.float64), []
    for n in range(2):
        (h,) = rnn_step(X[n], (h,), w)
        rows.append(h)
    prediction = torch.stack(rows) @ leaves["1.weight"].T + leaves["1.bias"]
    loss = ((prediction - TARGETS) ** 2).mean()
    check(case, told(TABLE, "rnn.batch_and_time_swapped", case), loss, leaves)


def by_hand(case: Case, factor: Callable[[Tensor, Tensor], Tensor], keep: Callable[[int], bool], **how: Any) -> Named:
    """Backpropagation through time written out for an RNN: gradients by name.

    factor: f'(z) from z and h. keep: whether step t counts for the weights. cut: no path to earlier states.
    new_hidden: h_t for h_(t-1) in the gradient of W_hh. transposed: W_hh on the way back not transposed.
    """
    w = {name: p.double() for name, p in case.training.parameters_before.items()}
    hs, zs = [H0[0]], []
    for t in range(3):
        zs.append(z_of(X[:, t], hs[-1], {k.removeprefix("0."): v for k, v in w.items()}))
        hs.append(torch.tanh(zs[-1]))
    error = 2 * (hs[-1] @ w["1.weight"].T + w["1.bias"] - TARGET) / 2
    grads = {name: torch.zeros_like(p) for name, p in w.items()}
    grads["1.weight"], grads["1.bias"] = error.T @ hs[-1], error.sum(0)
    dh = error @ w["1.weight"]
    for t in (2, 1, 0):
        dz = dh * factor(zs[t], hs[t + 1])
        if keep(t):
            grads["0.weight_ih_l0"] += dz.T @ X[:, t]
            grads["0.weight_hh_l0"] += dz.T @ hs[t + 1 if how.get("new_hidden") else t]
            grads["0.bias_ih_l0"] += dz.sum(0)
            grads["0.bias_hh_l0"] += dz.sum(0)
        dh = dz @ (w["0.weight_hh_l0"].T if how.get("transposed") else w["0.weight_hh_l0"])
        if how.get("cut"):
            dh = torch.zeros_like(dh)
    return grads


def right(z: Tensor, h: Tensor) -> Tensor:
    """1 - h²."""
    return 1 - h * h


BACKWARD_RNN: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[int], bool], dict[str, Any]]] = {
    "rnn.tanh_derivative_at_preactivation": (lambda z, h: 1 - z * z, lambda t: True, {}),
    "rnn.tanh_derivative_missing": (lambda z, h: torch.ones_like(h), lambda t: True, {}),
    "rnn.tanh_derivative_not_squared": (lambda z, h: 1 - h, lambda t: True, {}),
    "rnn.sigmoid_derivative_for_tanh": (lambda z, h: h * (1 - h), lambda t: True, {}),
    "rnn.tanh_derivative_at_activation": (lambda z, h: 1 - torch.tanh(h) ** 2, lambda t: True, {}),
    "rnn.truncated_backpropagation": (right, lambda t: True, {"cut": True}),
    "rnn.last_step_only": (right, lambda t: t == 2, {}),
    "rnn.first_step_only": (right, lambda t: t == 0, {}),
    "rnn.new_hidden_in_gradient": (right, lambda t: True, {"new_hidden": True}),
    "rnn.hidden_weight_not_transposed_in_backward": (right, lambda t: True, {"transposed": True}),
}


def test_written_out_backpropagation_is_right() -> None:
    """Without a mistake the oracle of these tests gives PyTorch's gradients."""
    case = network("RNN")
    for name, gradient in by_hand(case, right, lambda t: True).items():
        torch.testing.assert_close(gradient, case.gradient(name), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("code", BACKWARD_RNN)
def test_rnn_backward(code: str) -> None:
    """The mistake made in backpropagation written out gives the same gradients."""
    case = network("RNN")
    factor, keep, how = BACKWARD_RNN[code]
    numbers = told(TABLE, code, case)
    by_name = {id.name: tensor for id, tensor in numbers.items() if id.quantity is Quantity.GRADIENT}
    for name, gradient in by_hand(case, factor, keep, **how).items():
        torch.testing.assert_close(by_name[name], gradient, rtol=1e-11, atol=1e-13)
    assert differs(case, numbers)


def test_bias_gradient_given_to_one() -> None:
    """One bias has zero, everything else is right."""
    case = network("RNN")
    numbers = told(TABLE, "rnn.bias_gradient_given_to_one", case, {"bias": "b_hh"})
    for id, tensor in numbers.items():
        wrong = id.quantity is Quantity.GRADIENT and id.name == "0.bias_hh_l0"
        torch.testing.assert_close(tensor, torch.zeros_like(tensor) if wrong else case.reference[id])
