"""The networks of the tests of recurrent variants, and their loss written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from gradproof import catalog
from gradproof.v1 import problem_pb2
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.variants import gru, lstm, lstm_backward, rnn, rnn_backward
from gradproof_server.engine.training import read_problem
from gradproof_server.engine.types import Limits

from tests.engine.plain import tensor_message
from tests.engine.recurrent_problems import case_of, drawn, training_of

TABLE = rnn.VARIANTS + rnn_backward.VARIANTS + gru.VARIANTS + lstm.VARIANTS + lstm_backward.VARIANTS
Tensor = torch.Tensor
Named = dict[str, Tensor]
X = drawn(2, 3, 2, seed=3)
TARGET = drawn(2, 1, seed=4)
TARGETS = drawn(2, 3, 1, seed=4)
H0, C0 = drawn(1, 2, 2, seed=5), drawn(1, 2, 2, seed=6)


def network(kind: str, output: str = "last", states: bool = True, **kwargs: Any) -> Case:
    """A batch of two sequences of three steps, a recurrent layer of two units with initial states, a linear layer."""
    given = {"h0": H0} | ({"c0": C0} if kind == "LSTM" else {}) if states else {}
    wide = 4 if kwargs.get("bidirectional") else 2
    layers = [(kind, (2, 2), {"batch_first": True, **kwargs}), ("Linear", (wide, 1), {})]
    return case_of(training_of(layers, {"x": X, **given}, TARGETS if output == "output" else TARGET, output))


def two_layers(kind: str, **kwargs: Any) -> Case:
    """Two layers or directions."""
    return network(kind, states=False, **kwargs)


def over_a_linear(kind: str) -> Case:
    """A recurrent layer over a linear one, without a batch."""
    layers = [("Linear", (2, 2), {}), (kind, (2, 2), {}), ("Linear", (2, 1), {})]
    return case_of(training_of(layers, {"x": X[0]}, drawn(3, 1)))


def cells(kind: str) -> Case:
    """A cell whose state comes from a linear layer."""
    problem = problem_pb2.Problem()
    problem.network.nodes.add(name="0", inputs=["x"]).layer.CopyFrom(catalog.construct("Layer", "Linear", (2, 2), {}))
    states = ["0", "0"] if kind == "LSTMCell" else ["0"]
    node = problem.network.nodes.add(name="1", inputs=["x", *states])
    node.layer.CopyFrom(catalog.construct("Layer", kind, (2, 2), {}))
    for i, (name, cls) in enumerate((("0", torch.nn.Linear), ("1", getattr(torch.nn, kind)))):
        for j, (key, value) in enumerate(cls(2, 2).named_parameters()):
            problem.parameters[f"{name}.{key}"].CopyFrom(tensor_message(drawn(*value.shape, seed=10 * i + j)))
    problem.inputs["x"].CopyFrom(tensor_message(drawn(3, 2, seed=30)))
    problem.targets["target"].CopyFrom(tensor_message(drawn(3, 2, seed=31)))
    problem.loss.mse_loss.SetInParent()
    return case_of(read_problem(problem, Limits()))


Step = Callable[[Tensor, tuple[Tensor, ...], Named], tuple[Tensor, ...]]


def loss_of(leaves: Named, step: Step, states: tuple[Tensor, ...], x: Tensor = X, picked: int = -1) -> Tensor:
    """The mean squared error of the linear layer on a chosen output of the recurrence."""
    w = {name.removeprefix("0."): tensor for name, tensor in leaves.items()}
    outputs, state = [], states
    for t in range(x.shape[1]):
        state = step(x[:, t], state, w)
        outputs.append(state[0])
    prediction = outputs[picked] @ leaves["1.weight"].T + leaves["1.bias"]
    return ((prediction - TARGET) ** 2).mean()


def sums(x: Tensor, h: Tensor, w: Named) -> tuple[Tensor, Tensor]:
    """W_ih x + b_ih and W_hh h + b_hh."""
    return x @ w["weight_ih_l0"].T + w["bias_ih_l0"], h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
