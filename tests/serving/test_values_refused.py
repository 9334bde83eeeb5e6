"""Values that only a run can refuse, or that would make one endless: refused by path, with what was wrong."""

from __future__ import annotations

import importlib

import pytest
import torch
from gradproof.v1 import gradient_service_pb2, problem_pb2
from gradproof_server.engine.types import Limits
from gradproof_server.serving.failures import Failure
from gradproof_server.serving.methods import Methods, Task

from tests.support.briefly import problem_of

catalog = importlib.import_module("gradproof.catalog")
ENGINE = Methods(Limits(), 1 << 24, "cpu")
WEIGHT = {"0.weight": [[0.3, -0.4], [0.6, 0.2]], "0.bias": [0.1, 0.2]}


def refused(problem: problem_pb2.Problem) -> Failure:
    """What ComputeGradients refuses the problem with; fails where it does not."""
    request = gradient_service_pb2.ComputeGradientsRequest(problem=problem)
    answer = ENGINE(Task("ComputeGradients", request.SerializeToString()))
    assert answer.failure is not None
    assert answer.failure.kind.reason == "INVALID_PROBLEM", answer.failure
    return answer.failure


def classified(target: list[int]) -> problem_pb2.Problem:
    """A linear classifier with two classes."""
    return problem_of([("Linear", 2, 2)], WEIGHT, {"input": [[1.0, 2.0]]}, target, "CrossEntropyLoss")


def embedded(indices: list[int]) -> problem_pb2.Problem:
    """An embedding of three rows."""
    rows = {"0.weight": [[1.0], [2.0], [3.0]]}
    return problem_of([("Embedding", 3, 1)], rows, {"input": torch.tensor(indices)}, [[0.0]] * len(indices))


def optimized(name: str, args: tuple[object, ...] = (), schedule: str = "", *more: object) -> problem_pb2.Problem:
    """A linear layer with that optimizer and schedule."""
    problem = problem_of([("Linear", 2, 2)], WEIGHT, {"input": [[1.0, 2.0]]}, [[0.0, 0.0]], lr=None)
    problem.optimizer.CopyFrom(catalog.construct("Optimizer", name, args))
    if schedule:
        problem.schedule.CopyFrom(catalog.construct("Schedule", schedule, more))
        problem.steps.add()
        problem.steps.add()
    return problem


def nested(depth: int) -> problem_pb2.Problem:
    """A schedule in a schedule in a schedule."""
    problem = optimized("SGD", (0.1,), "ConstantLR")
    for _ in range(depth):
        outer = problem_pb2.Problem().schedule
        outer.chained_scheduler.schedulers.add().CopyFrom(problem.schedule)
        problem.schedule.CopyFrom(outer)
    return problem


KINDS = {
    "class index too large": (classified([2]), "problem.loss"),
    "class index negative": (classified([-1]), "problem.loss"),
    "embedding index too large": (embedded([0, 3]), "problem.network.nodes[0]"),
    "embedding index negative": (embedded([-1]), "problem.network.nodes[0]"),
    "kernel larger than the input": (
        problem_of(
            [("Conv1d", 1, 1, 5, {"bias": False})], {"0.weight": [[[1.0] * 5]]}, {"input": [[[1.0, 2.0]]]}, [[[0.0]]]
        ),
        "problem.network.nodes[0]",
    ),
    "batch norm of one value": (
        problem_of([("BatchNorm1d", 1)], {"0.weight": [1.0], "0.bias": [0.0]}, {"input": [[1.0]]}, [[0.0]]),
        "problem.network.nodes[0]",
    ),
    "probabilities outside [0, 1]": (
        problem_of([("Linear", 2, 2)], WEIGHT, {"input": [[9.0, 9.0]]}, [[0.0, 1.0]], "BCELoss"),
        "problem.loss",
    ),
    "SparseAdam on dense gradients": (optimized("SparseAdam"), "problem.optimizer"),
    "Muon on a vector": (optimized("Muon"), "problem.optimizer.muon"),
    "a cycled momentum that is not there": (optimized("Adagrad", (0.1,), "OneCycleLR", 0.1, 5), "problem.schedule"),
    "schedules nested too deep": (nested(9), "problem.schedule"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_refused_by_path(kind: str) -> None:
    """The refusal names the field, or the node, and carries PyTorch's word on the value."""
    problem, path = KINDS[kind]
    failure = refused(problem)
    assert any(violation.path.startswith(path) for violation in failure.violations), failure.violations
    assert all(violation.description for violation in failure.violations)


def test_a_thousand_million_layers_are_refused_at_once() -> None:
    """num_layers of 10^9 is out of range, before anything is built."""
    problem = problem_of([("Identity",)], {}, {"input": [[1.0]]}, [[1.0]], lr=None)
    problem.network.nodes[0].layer.rnn.CopyFrom(catalog.construct("Layer", "RNN", (1, 1, 10**9)).rnn)
    (violation,) = refused(problem).violations
    assert violation.path == "problem.network.nodes[0].layer.rnn.num_layers"
    assert violation.reason == "OUT_OF_RANGE"


def test_the_right_neighbours_are_computed() -> None:
    """What stands just inside the bounds is answered: the table bites on values, not on kinds."""
    for problem in (classified([1]), embedded([0, 2]), optimized("Adam")):
        request = gradient_service_pb2.ComputeGradientsRequest(problem=problem)
        assert ENGINE(Task("ComputeGradients", request.SerializeToString())).failure is None
