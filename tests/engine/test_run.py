"""Runs: graphs, steps, states, modes and seeds as in plain PyTorch, the same bits each time, nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from gradproof import catalog, tensors
from gradproof.v1 import functions_pb2, problem_pb2, tensor_pb2
from gradproof_server.engine import Rules, Wanted, read_problem, run
from gradproof_server.engine.functions import ROWS
from gradproof_server.engine.types import InvalidProblemError, LimitExceededError, Quantity, StoppedError, TensorId

from tests.support.briefly import LIMITS, double, outcome_of, problem_of

A, B = (
    torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3),
    torch.linspace(0.2, 2, 6, dtype=torch.float64).reshape(2, 3),
)
X = torch.linspace(-1, 1, 8, dtype=torch.float64).reshape(4, 2)
Y = torch.linspace(1, -1, 4, dtype=torch.float64).reshape(4, 1)
W, V = double([[0.3, -0.4], [0.6, 0.2]]), double([[0.7, -0.5]])


def of(outcome: object, quantity: Quantity, name: str = "", step: int = 0) -> torch.Tensor:
    """One tensor of an outcome."""
    return outcome.tensors[TensorId(step, quantity, name)]  # type: ignore[attr-defined]


FUNCTIONS = [
    ("add", {"alpha": 2.0}, lambda a, b: torch.add(a, b, alpha=2.0)),
    ("add", {}, torch.add),
    ("subtract", {}, torch.sub),
    ("multiply", {}, torch.mul),
    ("divide", {}, torch.div),
    ("maximum", {}, torch.maximum),
    ("minimum", {}, torch.minimum),
    ("concatenate", {"dim": 1}, lambda a, b: torch.cat((a, b), 1)),
    ("stack", {"dim": -1}, lambda a, b: torch.stack((a, b), -1)),
    ("einsum", {"equation": "ij,kj->ik"}, lambda a, b: torch.einsum("ij,kj->ik", a, b)),
    ("reshape", {"shape": [3, -1]}, lambda a: a.reshape(3, -1)),
    ("permute", {"dims": [1, 0]}, lambda a: a.permute(1, 0)),
    ("transpose", {}, lambda a: a.transpose(-2, -1)),
    ("unsqueeze", {"dim": 1}, lambda a: a.unsqueeze(1)),
    ("expand", {"shape": [4, 2, 3]}, lambda a: a.expand(4, 2, 3)),
    ("power", {"exponent": 3.0}, lambda a: a**3),
    ("clamp", {"min": -0.5, "max": 0.7}, lambda a: a.clamp(-0.5, 0.7)),
    ("affine", {"scale": 2.0, "shift": -1.0}, lambda a: a * 2.0 - 1.0),
    ("cumulative_sum", {"dim": 1}, lambda a: a.cumsum(1)),
    ("normalize", {}, lambda a: F.normalize(a)),
    *(
        ("reduce", {"reducer": f"REDUCER_{name}", "dims": [1], "keepdim": True}, function)
        for name, function in (
            ("SUM", lambda a: a.sum(1, True)),
            ("MEAN", lambda a: a.mean(1, True)),
            ("AMAX", lambda a: a.amax(1, True)),
            ("MAX", lambda a: a.max(1, True).values),
            ("PROD", lambda a: a.prod(1, True)),
            ("VAR", lambda a: a.var(1, keepdim=True)),
            ("STD", lambda a: a.std(1, keepdim=True)),
            ("NORM", lambda a: a.norm(dim=1, keepdim=True)),
            ("LOGSUMEXP", lambda a: a.logsumexp(1, True)),
            ("MEDIAN", lambda a: a.median(1, True).values),
        )
    ),
    ("index", {"dim": 1, "select": 2}, lambda a: a[:, 2]),
    ("index", {"dim": 1, "slice": {"start": 0, "step": 2}}, lambda a: a[:, 0::2]),
    ("index", {"dim": 0, "list": {"values": [1, 1, 0]}}, lambda a: a[[1, 1, 0]]),
    *(
        ("elementwise", {"function": f"ELEMENTWISE_FUNCTION_{name}"}, getattr(torch, name.lower()))
        for name in functions_pb2.ElementwiseFunction.keys()  # noqa: SIM118
        if not name.endswith("UNSPECIFIED")
        for name in (name.removeprefix("ELEMENTWISE_FUNCTION_"),)
    ),
]


@pytest.mark.parametrize(
    ("field", "arguments", "function"), FUNCTIONS, ids=lambda x: str(x) if isinstance(x, str) else ""
)
def test_function_equals_torch(field: str, arguments: dict[str, object], function: object) -> None:
    """Values and input gradients of each function of a graph are those of torch."""
    count = 2 if ROWS[field].least == 2 or field in ("concatenate", "stack", "einsum") else 1
    given = {"a": B if field == "elementwise" or count == 1 else A, "b": B}
    problem = problem_pb2.Problem()
    node = problem.network.nodes.add(name="f", inputs=["a", "b"][:count])
    from google.protobuf import json_format

    json_format.ParseDict(arguments, getattr(node.function, field))
    getattr(node.function, field).SetInParent()
    leaves = [value.clone().requires_grad_() for value in list(given.values())[:count]]
    expected = function(*leaves)  # type: ignore[operator]
    for name, value in list(given.items())[:count]:
        problem.inputs[name].CopyFrom(tensors.as_tensor(value))
    problem.loss.mse_loss.SetInParent()
    problem.targets["target"].CopyFrom(tensors.as_tensor(torch.zeros_like(expected).detach()))
    F.mse_loss(expected, torch.zeros_like(expected)).backward()
    _, outcome = outcome_of(problem)
    assert torch.equal(of(outcome, Quantity.OUTPUT, "f").nan_to_num(9), expected.detach().nan_to_num(9))
    for name, leaf in zip("ab", leaves, strict=False):
        gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        assert torch.equal(of(outcome, Quantity.INPUT_GRADIENT, name).nan_to_num(9), gradient.nan_to_num(9))


def test_every_function_is_tested() -> None:
    """The functions that are not in the table above have tests of their own below."""
    below = {"split", "unbind", "matmul", "gather", "constant", "detach", "where", "squeeze"}
    assert {field for field, _, _ in FUNCTIONS} | below == set(ROWS)


def test_split_unbind_where_gather_constant_and_detach() -> None:
    """A graph with several outputs per node, a constant and a stopped gradient is what torch makes of it."""
    problem = problem_of([], {}, {"x": X, "i": torch.tensor([[0], [1], [1], [0]])}, Y)
    add = problem.network.nodes.add
    add(name="parts", inputs=["x"]).function.split.sizes.append(2)
    add(name="rows", inputs=["x"]).function.unbind.dim = 1
    add(name="gathered", inputs=["x", "i"]).function.gather.dim = 1
    add(name="three").function.constant.value.CopyFrom(tensors.as_tensor(3.0))
    add(name="stopped", inputs=["x"]).function.detach.SetInParent()
    add(name="one", inputs=["parts:1", "three"]).function.multiply.SetInParent()
    add(name="mixed", inputs=["parts", "one"]).function.concatenate.dim = 0
    add(name="product", inputs=["mixed", "stopped"]).function.multiply.SetInParent()
    add(name="summed", inputs=["product"]).function.reduce.CopyFrom(
        functions_pb2.Reduce(reducer=functions_pb2.REDUCER_SUM, dims=[1], keepdim=True)
    )
    add(name="column", inputs=["rows:1"]).function.unsqueeze.dim = 1
    add(name="all", inputs=["summed", "gathered"]).function.add.SetInParent()
    add(name="end", inputs=["all", "column"]).function.add.SetInParent()
    x = X.clone().requires_grad_()
    mixed = torch.cat((x[:2], x[2:] * 3.0))
    end = (mixed * x.detach()).sum(1, keepdim=True) + x.gather(1, torch.tensor([[0], [1], [1], [0]])) + x[:, 1:]
    F.mse_loss(end, Y).backward()
    _, outcome = outcome_of(problem)
    assert torch.allclose(of(outcome, Quantity.OUTPUT, "end"), end.detach(), rtol=1e-15, atol=0)
    assert torch.allclose(of(outcome, Quantity.INPUT_GRADIENT, "x"), x.grad, rtol=1e-14, atol=1e-16)


def test_residual_shared_and_tied_layers() -> None:
    """A residual, a layer used twice and a tied weight add up their gradients as in PyTorch."""
    layers = [
        ("Linear", 2, 2, {"bias": False, "name": "first"}),
        ("Tanh", {"name": "bend"}),
        ("shared", {"shared": "first", "name": "again"}),
        ("Add", {"name": "sum", "inputs": ["again", "input"]}),
        ("Linear", 2, 2, {"bias": False, "name": "tied"}),
        ("Linear", 2, 1, {"bias": False, "name": "last"}),
    ]
    problem = problem_of(layers, {"first.weight": W, "last.weight": V}, {"input": X}, Y)
    problem.network.tied_parameters["tied.weight"] = "first.weight"
    w, v = W.clone().requires_grad_(), V.clone().requires_grad_()
    hidden = torch.tanh(X @ w.T) @ w.T + X
    F.mse_loss(hidden @ w.T @ v.T, Y).backward()
    _, outcome = outcome_of(problem)
    assert torch.allclose(of(outcome, Quantity.GRADIENT, "first.weight"), w.grad, rtol=1e-14)
    assert torch.allclose(of(outcome, Quantity.GRADIENT, "last.weight"), v.grad, rtol=1e-14)
    assert torch.allclose(of(outcome, Quantity.UPDATED, "first.weight"), W - 0.1 * w.grad, rtol=1e-14)
    assert torch.allclose(of(outcome, Quantity.NODE_VALUE, "sum"), hidden.detach(), rtol=1e-15)


def mlp(**changes: object) -> problem_pb2.Problem:
    """Two linear layers with a tanh between, four samples."""
    layers = [("Linear", 2, 2, {"bias": False}), ("Tanh",), ("Linear", 2, 1, {"bias": False})]
    return problem_of(layers, {"0.weight": W, "2.weight": V}, {"input": X}, Y, **changes)  # type: ignore[arg-type]


def test_steps_with_their_own_data_and_learning_rate() -> None:
    """Two steps on different batches with different rates are those of a plain loop; a rate holds for its step only."""
    problem = mlp()
    problem.steps.add()
    problem.steps.add(lr=0.5).inputs["input"].CopyFrom(tensors.as_tensor(2 * X))
    problem.steps.add()
    w, v = W.clone().requires_grad_(), V.clone().requires_grad_()
    optimizer = torch.optim.SGD([w, v], lr=0.1)
    training, outcome = outcome_of(problem)
    for step, (data, rate) in enumerate(((X, 0.1), (2 * X, 0.5), (X, 0.1))):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        F.mse_loss(torch.tanh(data @ w.T) @ v.T, Y).backward()
        assert torch.equal(of(outcome, Quantity.GRADIENT, "0.weight", step), w.grad)
        optimizer.step()
        assert torch.equal(of(outcome, Quantity.UPDATED, "2.weight", step), v.detach())
    assert outcome.learning_rates == (0.1, 0.5, 0.1)
    assert training.last_step == 2


def test_clipping_by_norm_and_by_value() -> None:
    """The reported gradient is the one before clipping, the step is taken with the clipped one."""
    problem = mlp()
    problem.clip_grad_norm.max_norm = 0.1
    problem.clip_grad_value.clip_value = 0.05
    w, v = W.clone().requires_grad_(), V.clone().requires_grad_()
    F.mse_loss(torch.tanh(X @ w.T) @ v.T, Y).backward()
    raw = w.grad.clone()
    torch.nn.utils.clip_grad_norm_([w, v], 0.1)
    torch.nn.utils.clip_grad_value_([w, v], 0.05)
    _, outcome = outcome_of(problem)
    assert torch.equal(of(outcome, Quantity.GRADIENT, "0.weight"), raw)
    assert torch.allclose(of(outcome, Quantity.UPDATED, "0.weight"), W - 0.1 * w.grad, rtol=1e-15)


def test_frozen_parameters_and_groups() -> None:
    """A frozen parameter stays and its gradient is zero; a group has a rate of its own."""
    problem = mlp()
    problem.frozen.append("0.weight")
    group = problem.optimizer.groups.add(parameters=["2.weight"])
    group.overrides.sgd.lr = 1.0
    v = V.clone().requires_grad_()
    F.mse_loss(torch.tanh(X @ W.T) @ v.T, Y).backward()
    _, outcome = outcome_of(problem)
    assert not of(outcome, Quantity.GRADIENT, "0.weight").any()
    assert torch.equal(of(outcome, Quantity.UPDATED, "0.weight"), W)
    assert torch.equal(of(outcome, Quantity.UPDATED, "2.weight"), V - v.grad)


def test_a_stated_state_goes_on() -> None:
    """Step two of Adam from the state after step one is step two of two."""
    whole = mlp(lr=None)
    whole.optimizer.adam.lr = 0.1
    whole.steps.add()
    whole.steps.add()
    _, both = outcome_of(whole)
    second = mlp(lr=None)
    second.optimizer.adam.lr = 0.1
    for name in ("0.weight", "2.weight"):
        second.parameters[name].CopyFrom(tensors.as_tensor(of(both, Quantity.UPDATED, name)))
        for key in ("step", "exp_avg", "exp_avg_sq"):
            second.state[f"{name}.{key}"].CopyFrom(tensors.as_tensor(of(both, Quantity.STATE, f"{name}.{key}")))
    _, outcome = outcome_of(second)
    assert torch.equal(of(outcome, Quantity.UPDATED, "0.weight"), of(both, Quantity.UPDATED, "0.weight", 1))


def test_eval_mode_and_seeds() -> None:
    """Dropout is the identity in eval mode; in train mode the seed decides, and the same seed gives the same bits."""
    problem = problem_of([("Dropout", 0.5)], {}, {"input": X}, X, lr=None)
    first, again = outcome_of(problem)[1], outcome_of(problem)[1]
    assert torch.equal(of(first, Quantity.OUTPUT, "0"), of(again, Quantity.OUTPUT, "0"))
    problem.seed = 7
    assert not torch.equal(of(first, Quantity.OUTPUT, "0"), of(outcome_of(problem)[1], Quantity.OUTPUT, "0"))
    problem.mode = problem_pb2.MODE_EVAL
    assert torch.equal(of(outcome_of(problem)[1], Quantity.OUTPUT, "0"), X)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_other_dtypes(dtype: str) -> None:
    """The reference in another dtype is PyTorch's in that dtype."""
    problem = mlp()
    problem.dtype = tensor_pb2.Dtype.Value(f"DTYPE_{dtype.upper()}")
    kind = getattr(torch, dtype)
    w, v = W.to(kind).requires_grad_(), V.to(kind).requires_grad_()
    F.mse_loss(F.linear(torch.tanh(F.linear(X.to(kind), w)), v), Y.to(kind)).backward()
    _, outcome = outcome_of(problem)
    assert of(outcome, Quantity.GRADIENT, "0.weight").dtype is kind
    assert torch.equal(of(outcome, Quantity.GRADIENT, "0.weight"), w.grad)


def test_a_run_leaves_no_trace() -> None:
    """The random generator and PyTorch's switches are as before a run, and the caller's tensors are untouched."""
    problem = problem_of(
        [("Dropout", 0.5), ("BatchNorm1d", 2)], {"1.weight": [1.0, 1.0], "1.bias": [0.0, 0.0]}, {"input": X}, X
    )
    training = read_problem(problem, LIMITS)
    before = torch.get_rng_state(), torch.are_deterministic_algorithms_enabled()
    buffer = training.buffers_before["1.running_mean"].clone()
    run(training, Wanted(frozenset(Quantity)))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.are_deterministic_algorithms_enabled() == before[1]
    assert torch.equal(training.buffers_before["1.running_mean"], buffer)


def test_a_loss_is_optional_where_the_output_is_one_number() -> None:
    """Without a loss the single output is differentiated; an output of several numbers is refused with its shape."""
    problem = problem_of([("Linear", 2, 1, {"bias": False})], {"0.weight": V}, {"input": [1.0, 2.0]}, lr=None)
    _, outcome = outcome_of(problem)
    assert of(outcome, Quantity.GRADIENT, "0.weight").tolist() == [[1.0, 2.0]]
    problem.inputs["input"].CopyFrom(tensors.as_tensor(X))
    with pytest.raises(InvalidProblemError, match=r"\(4, 1\)"):
        read_problem(problem, LIMITS)


def test_a_stopped_run_ends() -> None:
    """A run whose caller is gone ends before the next step."""
    problem = mlp()
    for _ in range(3):
        problem.steps.add()
    asked = iter([False, True])
    with pytest.raises(StoppedError):
        run(read_problem(problem, LIMITS), Wanted(frozenset(Quantity)), lambda: next(asked))


def test_memory_that_runs_out_is_no_fault_of_the_problem() -> None:
    """A node for which memory is not enough ends in MemoryError with the node's path, not in a violation."""

    def greedy(*_: object) -> torch.Tensor:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte")

    training = read_problem(mlp(), LIMITS)
    with pytest.raises(MemoryError, match=r"problem\.network\.nodes\[1\].*allocate"):
        run(training, Wanted(frozenset(Quantity)), rules=Rules(nodes={"1": greedy}))


def test_a_known_network_is_held_to_the_limits_of_now() -> None:
    """A network that was built under wide limits is refused under narrow ones."""
    read_problem(mlp(), LIMITS)
    with pytest.raises(LimitExceededError, match="max_nodes is 2"):
        read_problem(mlp(), replace(LIMITS, max_nodes=2))
    with pytest.raises(LimitExceededError, match="max_parameters is 5"):
        read_problem(mlp(), replace(LIMITS, max_parameters=5))


@pytest.mark.parametrize("name", ["weight", "pos_weight"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_of_a_loss_are_of_the_dtype_of_the_run(name: str, dtype: torch.dtype) -> None:
    """A loss with weights runs in every dtype, and gives numbers of that dtype."""
    stated = problem_of(
        [("Linear", 2, 1, {})], {"0.weight": V, "0.bias": double([0.1])}, {"input": X}, (Y > 0).double()
    )
    stated.loss.CopyFrom(catalog.construct("Loss", "BCEWithLogitsLoss", (), {name: double([0.3])}))
    outcome = run(
        replace(read_problem(stated, LIMITS), dtype=dtype), Wanted(ids=frozenset({TensorId(0, Quantity.LOSS)}))
    )
    loss = of(outcome, Quantity.LOSS)
    weight = double([0.3])
    expected = F.binary_cross_entropy_with_logits(X @ V.T + 0.1, (Y > 0).double(), **{name: weight})
    assert loss.dtype is dtype
    assert float((loss.double() - expected).abs()) < 4 * torch.finfo(dtype).eps


@pytest.mark.e2e
def test_cublas_has_a_workspace_before_its_first_use() -> None:
    """Without it PyTorch refuses matrix products on CUDA while deterministic algorithms are asked for."""
    program = "import os; os.environ.pop('CUBLAS_WORKSPACE_CONFIG', None); import gradproof_server.engine; "
    program += "print(os.environ['CUBLAS_WORKSPACE_CONFIG'])"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == ":4096:8"
