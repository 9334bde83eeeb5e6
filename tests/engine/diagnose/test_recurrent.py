"""The unrolled layers are those of torch.nn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.recurrent import Unrolling

from tests.engine.recurrent_problems import case_of, drawn, training_of

X = drawn(2, 5, 3)
X_CELL = drawn(2, 3)
LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("RNN", (3, 4), {}, "output"),
    ("RNN", (3, 4), {"nonlinearity": "relu", "batch_first": True}, "last"),
    ("RNN", (3, 4), {"bias": False, "num_layers": 2, "bidirectional": True}, "hidden"),
    ("GRU", (3, 4), {"num_layers": 2, "bidirectional": True, "batch_first": True}, "last"),
    ("GRU", (3, 4), {"bias": False}, "h_n"),
    ("GRU", (3, 4), {"num_layers": 3, "dropout": 0.5}, "output"),
    ("LSTM", (3, 4), {}, "output"),
    ("LSTM", (3, 4), {"proj_size": 2, "num_layers": 2, "bidirectional": True, "batch_first": True}, "hidden"),
    ("LSTM", (3, 4), {"num_layers": 2, "dropout": 0.3, "batch_first": True}, "c_n"),
]


def states_of(kind: str, kwargs: dict[str, Any], batch: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """Initial states that are not zero."""
    count = kwargs.get("num_layers", 1) * (2 if kwargs.get("bidirectional") else 1)
    sizes = {"h0": kwargs.get("proj_size", 4)} | ({"c0": 4} if kind == "LSTM" else {})
    return {name: drawn(count, *batch, size, seed=7) for name, size in sizes.items()}


def assert_unrolled_is_torch(training: Any) -> None:
    """All that is told, loss, outputs, gradients of parameters and inputs, is the same within 1e-12."""
    case = case_of(training)
    told = Plan(training).with_node("0", Unrolling().rule()).tell(case.ids)
    assert len(told) > 3
    for id in case.ids:
        torch.testing.assert_close(told[id], case.reference[id].double(), rtol=1e-12, atol=1e-12, msg=str(id))


@pytest.mark.parametrize("with_states", [False, True])
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize(("kind", "args", "kwargs", "output"), LAYERS)
def test_unrolled_layer_is_torch(
    kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], output: str, batched: bool, with_states: bool
) -> None:
    """Layers, directions, projections, dropout, given states: the numbers are PyTorch's."""
    x = X if batched else X[0]
    batch = (X.shape[0] if kwargs.get("batch_first") else X.shape[1],) if batched else ()
    inputs = {"x": x, **(states_of(kind, kwargs, batch) if with_states else {})}
    assert_unrolled_is_torch(training_of([(kind, args, kwargs)], inputs, drawn(1), output))


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("with_states", [False, True])
@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu", "bias": False}), ("GRUCell", {}), ("LSTMCell", {})],
)
def test_unrolled_cell_is_torch(kind: str, kwargs: dict[str, Any], batched: bool, with_states: bool) -> None:
    """A cell takes one step, with or without a batch and a state."""
    x = X_CELL if batched else X_CELL[0]
    state = drawn(2, 4, seed=8) if batched else drawn(4, seed=8)
    names = (("h", "c") if kind == "LSTMCell" else ("hx",)) if with_states else ()
    inputs = {"x": x, **{name: state * (i + 1) for i, name in enumerate(names)}}
    assert_unrolled_is_torch(training_of([(kind, (3, 4), kwargs)], inputs, drawn(1)))
