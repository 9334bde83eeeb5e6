"""What is told otherwise: weights for gradients, state, rounding, other orders of elements and gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gradproof import catalog
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.variants import bookkeeping
from gradproof_server.engine.types import ClaimedTensor, PrintedDecimals, Quantity, TensorId

from tests.engine.recurrent_problems import CLAIMED, all_proposals, case_of, differs, drawn, proposed, told, training_of

TABLE = bookkeeping.VARIANTS
X, TARGET = drawn(3, 2), drawn(3, 1, seed=9)
MLP: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Linear", (2, 3), {}),
    ("Tanh", (), {}),
    ("Linear", (3, 1), {}),
]
WITH_STEP = CLAIMED | {Quantity.UPDATED}


def mlp(optimizer: str = "SGD", **arguments: Any) -> Case:
    """Two linear layers and one step."""
    message = catalog.construct("Optimizer", optimizer, (), {"lr": 0.1, **arguments})
    return case_of(training_of(MLP, {"x": X}, TARGET, optimizer=message), WITH_STEP)


def convolution() -> Case:
    """A kernel whose sizes all differ."""
    layers = [("Conv2d", (2, 3, (4, 5)), {})]
    return case_of(training_of(layers, {"x": drawn(1, 2, 5, 6)}, drawn(1, 3, 2, 2)), WITH_STEP)


def one_input() -> Case:
    """As many weights as biases."""
    return case_of(training_of([("Linear", (1, 3), {})], {"x": X[:, :1]}, drawn(3, 3)))


def recurrent(kind: str) -> Case:
    """One recurrent layer."""
    return case_of(training_of([(kind, (2, 2), {})], {"x": X}, drawn(3, 2)))


CASES = (mlp, lambda: mlp("Adam"), lambda: mlp("SGD", momentum=0.9, weight_decay=0.1), convolution, one_input,
         lambda: recurrent("GRU"), lambda: recurrent("LSTM"))  # fmt: skip


def test_every_row_runs_and_changes_something() -> None:
    """Each code is proposed in one of these problems, can be formatted, and tells something else."""
    silent = {variant.code for variant in TABLE}
    for make in CASES:
        case = make()
        for variant, proposal in all_proposals(TABLE, case):
            texts = {"sites": ", ".join(proposal.sites), **proposal.texts}
            assert all("{" not in text.format(**texts) for text in (variant.title, variant.explanation, variant.advice))
            if differs(case, proposal.alter(Plan(case.training)).tell(case.ids)):
                silent.discard(variant.code)
    assert silent == set()


def test_gradient_told_as_weights() -> None:
    """The claimed new weights are the gradients; nothing else changes."""
    case = mlp()
    for id, tensor in told(TABLE, "layout.gradient_told_as_weights", case).items():
        source = case.gradient(id.name) if id.quantity is Quantity.UPDATED else case.reference[id]
        assert torch.equal(tensor, source.double())


@pytest.mark.parametrize("which", ["the weights themselves", "the weights after the step"])
def test_weights_told_as_gradient(which: str) -> None:
    """The claimed gradients are the weights before or after the step."""
    case = mlp()
    before = case.training.parameters_before
    for id, tensor in told(TABLE, "layout.weights_told_as_gradient", case, {"which": which}).items():
        if id.quantity is Quantity.GRADIENT:
            step = 0.1 * case.gradient(id.name) if "after" in which else 0.0
            torch.testing.assert_close(tensor, before[id.name] - step)


def test_state_told_as_gradient() -> None:
    """Adam's first moment is a tenth of the first gradient; plain gradient descent has no state."""
    case = mlp("Adam")
    for id, tensor in told(TABLE, "layout.state_told_as_gradient", case).items():
        if id.quantity is Quantity.GRADIENT:
            torch.testing.assert_close(tensor, 0.1 * case.gradient(id.name))
    assert proposed(TABLE, "layout.state_told_as_gradient", mlp()) == []


@pytest.mark.parametrize(
    ("how", "what"),
    [("rounded to", "2 decimal(s)"), ("cut to", "3 decimal(s)"), ("rounded to", "3 significant digits")],
)
def test_rounded(how: str, what: str) -> None:
    """As NumPy rounds, cuts, or prints."""
    case = mlp()
    for id, tensor in told(TABLE, "layout.rounded", case, {"how": how, "what": what}).items():
        digits = int(what[0])
        exact = case.reference[id].double().numpy()
        if "significant" in what:
            expected = np.array([float(f"{x:.{digits - 1}e}") for x in exact.reshape(-1)]).reshape(exact.shape)
        else:
            expected = np.round(exact, digits) if how == "rounded to" else np.trunc(exact * 10**digits) / 10**digits
        np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-12, atol=1e-15)


def test_rounding_to_declared_decimals_is_no_mistake() -> None:
    """A claim of three decimals is not said to be rounded to three or more."""
    case = mlp()
    claim = tuple(ClaimedTensor(t.id, t.value, PrintedDecimals(3)) for t in case.claim)
    printed = Case(case.training, claim, case.reference, ())
    texts = {proposal.texts["what"] for proposal in proposed(TABLE, "layout.rounded", printed)}
    assert "2 decimal(s)" in texts
    assert not texts & {"3 decimal(s)", "4 decimal(s)"}


def test_narrow_type() -> None:
    """Through float16 and back."""
    case = mlp()
    for id, tensor in told(TABLE, "layout.narrow_type", case, {"dtype": "float16"}).items():
        assert torch.equal(tensor, case.reference[id].half().double())


def test_rounded_on_the_way() -> None:
    """Values of the layers rounded to two decimals, the errors exact: written out for two layers."""
    case = mlp()
    numbers = told(TABLE, "layout.rounded_on_the_way", case, {"digits": "2", "which": "values"})
    w = {name: p.double() for name, p in case.training.parameters_before.items()}
    z = torch.round(X @ w["0.weight"].T + w["0.bias"], decimals=2)
    h = torch.round(torch.tanh(z), decimals=2)
    y = torch.round(h @ w["2.weight"].T + w["2.bias"], decimals=2)
    error = 2 * (y - TARGET) / 3
    torch.testing.assert_close(numbers[TensorId(0, Quantity.GRADIENT, "2.weight")], error.T @ h)
    hidden = (error @ w["2.weight"]) * (1 - torch.tanh(z) ** 2)
    torch.testing.assert_close(numbers[TensorId(0, Quantity.GRADIENT, "0.weight")], hidden.T @ X)


def test_gate_blocks() -> None:
    """The gradient's blocks in Keras's order z, r, n; the loss is right."""
    case = recurrent("GRU")
    numbers = told(TABLE, "layout.gate_blocks", case, {"order": "z, r, n (Keras, ONNX)"})
    for id, tensor in numbers.items():
        exact = case.reference[id].double()
        if id.quantity is Quantity.GRADIENT:
            r, z, n = exact.chunk(3)
            exact = torch.cat((z, r, n))
        assert torch.equal(tensor, exact)
    assert len(proposed(TABLE, "layout.gate_blocks", recurrent("LSTM"))) == 23


def test_column_major() -> None:
    """NumPy's order='F', both ways."""
    case = convolution()
    exact = case.gradient("0.weight").numpy()
    id = TensorId(0, Quantity.GRADIENT, "0.weight")
    written = told(TABLE, "layout.column_major", case, {"used": "written down column by column"})[id]
    np.testing.assert_array_equal(written.numpy(), exact.flatten(order="F").reshape(exact.shape))
    read = told(TABLE, "layout.column_major", case, {"used": "read column by column"})[id]
    np.testing.assert_array_equal(read.numpy(), exact.flatten().reshape(exact.shape, order="F"))


def test_kernel_memory_order() -> None:
    """The numbers of a kernel kept as (height, width, in, out)."""
    case = convolution()
    exact = case.gradient("0.weight").numpy()
    numbers = told(TABLE, "layout.kernel_memory_order", case)[TensorId(0, Quantity.GRADIENT, "0.weight")]
    np.testing.assert_array_equal(numbers.numpy(), exact.transpose(2, 3, 1, 0).reshape(exact.shape))


def test_weight_and_bias_swapped() -> None:
    """A layer of one input: as many weights as biases."""
    case = one_input()
    numbers = told(TABLE, "layout.weight_and_bias_swapped", case)
    weight, bias = (TensorId(0, Quantity.GRADIENT, name) for name in ("0.weight", "0.bias"))
    assert torch.equal(numbers[weight].flatten(), case.gradient("0.bias"))
    assert torch.equal(numbers[bias], case.gradient("0.weight").flatten())
    assert proposed(TABLE, "layout.weight_and_bias_swapped", mlp()) == []


def test_nothing_where_nothing_is_claimed() -> None:
    """Only the loss is claimed: no gradient can have been exchanged for anything."""
    case = case_of(training_of(MLP, {"x": X}, TARGET), frozenset({Quantity.LOSS}))
    codes = {variant.code for variant, _ in all_proposals(TABLE, case)}
    assert codes <= {"layout.rounded", "layout.narrow_type", "layout.rounded_on_the_way"}
