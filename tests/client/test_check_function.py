"""`check_function` of both clients against a server that takes central differences: structures, kinds, errors."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gradproof as gp
import grpc
import numpy as np
import pytest
import torch
from gradproof.black_box import BlackBox
from gradproof.tensors import DTYPE_NAMES, as_tensor, tensor_to_numpy
from gradproof.v1 import comparison_pb2, tensor_pb2, witness_pb2
from gradproof.v1.gradient_service_pb2 import CheckFunctionResponse as Response

from tests.client.clients import Run
from tests.support.processes import wait_until

STEP = 2.0**-10


@pytest.fixture
def run(run: Run) -> Run:
    """A call of check_function."""
    return lambda target, *args, **kwargs: run(target, "check_function", *args, **kwargs)


def points_around(name: str, point: Any) -> witness_pb2.PointBatch:
    """x + h and x - h for each element of one tensor of the point; the others stay where they are."""
    arrays = {other: tensor_to_numpy(tensor) for other, tensor in point.items()}
    number = 2 * arrays[name].size
    batch = witness_pb2.PointBatch(batch=1, points=number)
    for other, array in arrays.items():
        repeated = np.repeat(array[np.newaxis], number, axis=0)
        if other == name:
            steps = np.concatenate([np.eye(array.size), -np.eye(array.size)]) * STEP
            repeated = repeated + steps.reshape(repeated.shape).astype(repeated.dtype)
        batch.tensors[other].CopyFrom(as_tensor(repeated, DTYPE_NAMES[point[other].dtype]))
    return batch


def differences(requests: Iterator[Any], _context: grpc.ServicerContext) -> Iterator[Response]:
    """A run that holds a gradient against central differences, to 1 %."""
    claim = next(requests).start.claim
    yield Response(estimate=witness_pb2.WitnessEstimate(evaluations=2))
    report = witness_pb2.WitnessReport(complete=True, verdict=comparison_pb2.VERDICT_AGREES)
    for name, stated in sorted(claim.gradient.tensors.items()):
        yield Response(points=points_around(name, claim.point))
        values = tensor_to_numpy(next(requests).values.values).astype(np.float64)
        yield Response(progress=witness_pb2.WitnessProgress(evaluations=1, expected=2))
        plus, minus = values.reshape(2, -1)
        numeric, gradient = (plus - minus) / (2 * STEP), tensor_to_numpy(stated).ravel()
        right = np.allclose(numeric, gradient, rtol=0.01)
        verdict = comparison_pb2.VERDICT_AGREES if right else comparison_pb2.VERDICT_DISAGREES
        identity = tensor_pb2.TensorId(quantity=tensor_pb2.QUANTITY_GRADIENT, name=name)
        tensor = report.tensors.add(id=identity, mode=witness_pb2.WITNESS_MODE_ELEMENTS, elements=gradient.size)
        tensor.judgements.add(subject=witness_pb2.SUBJECT_REFERENCE, verdict=verdict)
        if not right:
            report.verdict = verdict
    yield Response(report=report)


def accepting(requests: Iterator[Any], _context: grpc.ServicerContext) -> Iterator[Response]:
    """A run that takes any claim and asks for nothing."""
    next(requests)
    yield Response(report=witness_pb2.WitnessReport(complete=True, verdict=comparison_pb2.VERDICT_AGREES))


X, Y = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([1.0, 3.0])


def squares(x: Any) -> Any:
    """The sum of squares, of any kind of array."""
    return (x * x).sum()


def scaled(x: Any, y: Any) -> Any:
    """Two arguments: the sum of x² y."""
    return (x * x * y).sum()


CASES: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "one array": (squares, X, 2 * X),
    "a list of numbers": (squares, [1, 2], [2.0, 4.0]),
    "a number": (math.sin, 0.5, math.cos(0.5)),
    "a scalar": (np.sin, np.float64(0.5), np.cos(0.5)),
    "a tuple": (scaled, (X, Y), (2 * X * Y, np.square(X).sum(axis=0))),
    "a list of arrays": (scaled, [X, Y], [2 * X * Y, np.square(X).sum(axis=0)]),
    "a tuple, part of it": (scaled, (X, Y), (2 * X * Y, None)),
    "a mapping": (lambda p: scaled(p["a"], p["b"]), {"a": X, "b": Y}, {"b": np.square(X).sum(axis=0)}),
    "a gradient as a function": (squares, X, lambda x: 2 * x),
    "a gradient as a function, of a list": (squares, [1.0, 2.0], lambda x: 2 * x),
    "float32": (squares, X.astype(np.float32), 2 * X.astype(np.float32)),
    "torch": (squares, torch.tensor(X, requires_grad=True), torch.tensor(2 * X)),
    "torch, float32": (squares, torch.tensor(X, dtype=torch.float32), torch.tensor(2 * X, dtype=torch.float32)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_right_gradient_agrees_and_one_off_by_two_percent_does_not(name: str, run: Run, fake: Any) -> None:
    """Whatever structure and kind the arguments have."""
    fake.answers["CheckFunction"] = differences
    function, x, gradient = CASES[name]
    assert run(fake.target, function, x, gradient=gradient).agrees
    assert run(fake.target, function, x, gradient=_off(gradient)).verdict == "DISAGREES"


def _off(gradient: Any) -> Any:
    if callable(gradient):
        return lambda x: 1.02 * gradient(x)
    if isinstance(gradient, dict):
        return {name: 1.02 * part for name, part in gradient.items()}
    if isinstance(gradient, (list, tuple)):
        return [part if part is None else 1.02 * part for part in gradient]
    return 1.02 * gradient


def test_a_batched_function_gets_all_points_at_once(run: Run, fake: Any) -> None:
    """With a leading axis; at first one point, to know what it gives."""
    fake.answers["CheckFunction"] = differences
    shapes: list[tuple[int, ...]] = []

    def function(x: Any) -> Any:
        shapes.append(x.shape)
        return (x * x).sum(axis=(1, 2))

    assert run(fake.target, function, X, gradient=2 * X, batched=True).agrees
    assert set(shapes[:-1]) == {(1, 2, 2)}
    assert shapes[-1] == (8, 2, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_torch_functions_get_torch_tensors(dtype: torch.dtype, run: Run, fake: Any) -> None:
    """Of the dtype that was given, on the CPU, without gradient; the dtype arrives in the claim."""
    fake.answers["CheckFunction"] = differences
    seen: list[Any] = []
    x = torch.tensor([1.0, 2.0], dtype=dtype, requires_grad=True)

    def function(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return (x * x).sum()

    run(fake.target, function, x, gradient=2 * x)
    assert {(type(given), given.dtype, given.requires_grad, given.shape) for given in seen} == {
        (torch.Tensor, dtype, False, x.shape)
    }
    claim = fake.requests[0].start.claim
    assert {claim.point["x"].dtype, claim.output.dtype, claim.gradient.tensors["x"].dtype} == {as_tensor(x).dtype}


def test_other_libraries_are_asked_for_their_own_arrays() -> None:
    """An array with `__array_namespace__`, as JAX and CuPy make them, is rebuilt by its library, in its dtype."""
    made: list[Any] = []

    class Foreign:
        dtype = "their float32"

        def __array__(self, *args: Any, **kwargs: Any) -> Any:
            return np.array([1.0, 2.0], np.float32)

        def __array_namespace__(self) -> Any:
            return SimpleNamespace(asarray=lambda values, dtype: made.append((values.tolist(), dtype)) or values)

    box = BlackBox(lambda x: x.sum(), Foreign())
    assert made == [([1.0, 2.0], "their float32")]
    assert DTYPE_NAMES[box.output.dtype] == "float32"


def test_functions_may_write_into_what_they_get(run: Run, fake: Any) -> None:
    """Every point is an array of its own; the caller's array stays as it is."""
    fake.answers["CheckFunction"] = differences
    x = X.copy()

    def function(x: Any) -> Any:
        x *= x
        return x.sum()

    assert run(fake.target, function, x, gradient=2 * X).agrees
    assert (x == X).all()


def test_jacobian_vjp_and_jvp_arrive(run: Run, fake: Any) -> None:
    """Each in its field, with its options; whole numbers in lists become float64."""
    fake.answers["CheckFunction"] = accepting
    jacobian = np.eye(2) * 2 * Y
    run(fake.target, np.square, Y, jacobian=lambda y: np.eye(2) * 2 * y, rtol=0.125, seed=3, max_evaluations=50)
    run(fake.target, np.square, Y, vjp=([1, 0], [2, 0]))
    run(fake.target, lambda a, b: a * b, (Y, Y), jvp=((Y, None), Y * Y))
    first, second, third = (request.start for request in fake.requests)
    assert tensor_to_numpy(first.claim.jacobian.tensors["x"]).tolist() == jacobian.tolist()
    assert (first.claim.relative_tolerance, first.options.seed, first.options.max_evaluations) == (0.125, 3, 50)
    assert list(first.claim.output.shape) == [2]
    assert tensor_to_numpy(second.claim.vjp.cotangent).tolist() == [1.0, 0.0]
    assert tensor_to_numpy(second.claim.vjp.result.tensors["x"]).dtype == np.float64
    assert list(third.claim.jvp.tangent.tensors) == ["0"]
    assert tensor_to_numpy(third.claim.jvp.result).tolist() == (Y * Y).tolist()


def test_progress_is_told(run: Run, fake: Any) -> None:
    """As for verify."""
    fake.answers["CheckFunction"] = differences
    seen: list[gp.Progress] = []
    run(fake.target, squares, X, gradient=2 * X, on_progress=seen.append)
    assert [progress.fraction for progress in seen] == [0.5]


def test_a_function_that_raises_ends_the_run(run: Run, fake: Any) -> None:
    """Its own error, with the point in a note; the server is told by the end of the stream."""
    gone = threading.Event()

    def answers(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Response]:
        context.add_callback(gone.set)
        return differences(requests, context)

    fake.answers["CheckFunction"] = answers

    def function(x: Any) -> float:
        if x[0] > 1.0:
            raise OSError("the instrument is off")
        return float(x[0])

    with pytest.raises(OSError, match="the instrument is off") as caught:
        run(fake.target, function, np.array([1.0]), gradient=[1.0])
    assert caught.value.__notes__ == ["raised by the function at x = [1.0009765625]"]
    assert gone.wait(10)


def test_a_run_that_breaks_begins_again(run: Run, fake: Any) -> None:
    """All points are evaluated anew; the caller hears of nothing but the end, and of progress."""

    def answers(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Response]:
        for number, answer in enumerate(differences(requests, context)):
            if number == 3 and len(fake.metadata) == 1:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")
            yield answer

    fake.answers["CheckFunction"] = answers
    seen: list[gp.Progress] = []
    assert run(fake.target, squares, X, gradient=2 * X, on_progress=seen.append).agrees
    first, second = (index for index, request in enumerate(fake.requests) if request.HasField("start"))
    assert (first, second, len(fake.requests)) == (0, 2, 4)
    assert fake.requests[1] == fake.requests[3]
    assert [progress.fraction for progress in seen] == [0.5, 0.5]


def test_an_iterator_that_ends_in_a_function_ends_the_run(run: Run, fake: Any) -> None:
    """StopIteration, which asyncio would wait after for ever, is the RuntimeError that it is in generators."""
    fake.answers["CheckFunction"] = differences
    factors = iter([1.0])
    with pytest.raises(RuntimeError, match="the function raised StopIteration") as caught:
        run(fake.target, lambda x: next(factors) * x.sum(), np.array([1.0]), gradient=[1.0])
    assert caught.value.__notes__ == ["raised by the function at x = [1.0009765625]"]


def test_a_run_leaves_no_thread_behind(fake: Any) -> None:
    """The one that sends its values ends with it, whether it has a report or the function raises."""

    def function(x: Any) -> Any:
        return x.sum() if x[0] <= 1.0 else {}["absent"]

    fake.answers["CheckFunction"] = differences
    before, runs = threading.active_count(), 10  # more than the threads of the server
    with gp.Client(fake.target) as client:
        for _ in range(runs // 2):
            client.check_function(squares, X, gradient=2 * X)
            with pytest.raises(KeyError):
                client.check_function(function, np.ones(1), gradient=[1.0])
        wait_until(lambda: threading.active_count() - before < runs)


def test_nan_is_an_answer(run: Run, fake: Any) -> None:
    """Values that are not finite travel."""
    fake.answers["CheckFunction"] = differences
    run(fake.target, lambda x: np.sqrt(x) if x >= 1 else math.nan, 1.0, gradient=0.5)
    values = tensor_to_numpy(fake.requests[1].values.values)
    assert np.isnan(values).tolist() == [False, True]


def test_slow_functions_are_asked_for_less_at_a_time() -> None:
    """What takes a second is asked ten times at a time, what takes longer than a batch may, once."""
    box = BlackBox(squares, X)
    bounds = []
    for seconds in (1e-6, 1.0, 100.0):
        box.seconds = seconds
        bounds.append(box.max_batch)
    assert bounds == [None, 10, 1]


def test_a_slow_first_call_is_not_taken_for_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that compiles at its first call is timed at its second."""
    clock = iter([0.0, 3.0, 3.0, 3.25])
    monkeypatch.setattr("gradproof.black_box.time", SimpleNamespace(perf_counter=clock.__next__))
    assert BlackBox(squares, X).seconds == 0.25


@pytest.mark.parametrize(
    ("function", "x", "stated", "says"),
    [
        (squares, X, {}, "exactly one of gradient, jacobian, vjp, jvp is needed, not none"),
        (squares, X, {"gradient": X, "jacobian": X}, "exactly one of"),
        (squares, X, {"vjp": X}, r"vjp: \(cotangent, result\) is needed"),
        (squares, np.array([1, 2]), {"gradient": X}, r'x\["x"\]: int64 has no derivative'),
        (squares, "x", {"gradient": X}, "is not a number"),
        (scaled, (X, Y), {"gradient": X[0]}, "gradient: 2 arrays are needed"),
        (lambda p: p["a"].sum(), {"a": X}, {"gradient": X}, "arrays by name are needed, as x has them: a"),
        (squares, X, {"gradient": ["a"]}, r'gradient\["x"\]\[0\]'),
        (lambda x: "text", X, {"gradient": X}, r"f\(x\)"),
        (squares, X, {"gradient": X, "rtol": "much"}, "rtol: 'much' is not a number"),
        (squares, X, {"gradient": X, "batched": True}, r"gave shape \(\) for one point; its first axis must be 1"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    function: Any, x: Any, stated: dict[str, Any], says: str, run: Run, fake: Any
) -> None:
    """By name, before anything is sent."""
    with pytest.raises(gp.InvalidProblemError, match=says):
        run(fake.target, function, x, **stated)
    assert fake.requests == []


@pytest.mark.parametrize(
    ("function", "batched", "says"),
    [
        (lambda x: x[x > 1.0], False, r"gave shape \(0,\) at one point and \(1,\) at another"),
        (lambda x: np.zeros(1), True, r"gave shape \(1,\) for 2 points; \(2,\) is needed"),
    ],
)
def test_functions_that_change_their_shape_are_refused(function: Any, batched: bool, says: str) -> None:
    """From one point to another, or with the number of points."""
    box = BlackBox(function, np.array([1.0]), batched)
    batch = witness_pb2.PointBatch(batch=1, points=2, tensors={"x": as_tensor([[1.5], [0.5]])})
    with pytest.raises(gp.InvalidProblemError, match=says):
        box.values(batch)


def test_the_shortcut_uses_a_private_server(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """gp.check_function needs no client, and stops the server that it started."""
    stopped: list[bool] = []
    server = SimpleNamespace(target=fake.target, stop=lambda: stopped.append(True))
    monkeypatch.setattr("gradproof.client.start_embedded", lambda: server)
    fake.answers["CheckFunction"] = differences
    assert gp.check_function(squares, X, gradient=2 * X).agrees
    assert stopped == [True]
