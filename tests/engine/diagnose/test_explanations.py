"""The numbers in an explanation are those of the step that it explains."""

from __future__ import annotations

import pytest
import torch
from gradproof.tensors import as_tensor
from gradproof.v1 import claim_pb2, problem_pb2
from gradproof_server.engine import compare, diagnose
from gradproof_server.engine.types import Quantity

from tests.support.briefly import claim_for, claim_of, problem_of


def founding() -> problem_pb2.Problem:
    """The founding case's last layer: x = [0.85, 0.48], target 1, L1Loss."""
    layers = [("Linear", 2, 1, {"bias": False})]
    return problem_of(layers, {"0.weight": [[0.14, 0.15]]}, {"input": [0.85, 0.48]}, [1.0], "L1Loss", lr=0.05)


def first_explanation(problem: problem_pb2.Problem, updated: list[list[float]]) -> str:
    """Of a claim of the updated weight to six decimals, which half a squared error gives."""
    training, outcome, claim = claim_for(problem, claim_of(Quantity.UPDATED, "0.weight", updated, digits=6))
    (finding, *_) = diagnose(training, outcome, claim, compare(training, outcome, claim)).findings
    assert finding.codes == ("loss.half_squared_error_instead_of_l1",)
    return finding.explanation


def stepped(rate: float) -> list[list[float]]:
    """w − η · (ŷ − t) · x."""
    return [[round(w + rate * 0.809 * x, 6) for w, x in ((0.14, 0.85), (0.15, 0.48))]]


def test_the_step_is_written_out() -> None:
    """Old weight, rate and gradient of the claim's own step stand in the text, with their result."""
    assert "0.14 − 0.05 · (−0.68765) = 0.174383" in first_explanation(founding(), stepped(0.05))


def test_the_rate_is_that_of_the_parameter_s_group() -> None:
    """A group's own learning rate is the one that is written out."""
    problem = founding()
    problem.optimizer.groups.add(parameters=["0.weight"]).overrides.sgd.lr = 0.2
    assert "0.14 − 0.2 · (−0.68765) = 0.27753" in first_explanation(problem, stepped(0.2))


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_no_formula_that_does_not_give_the_number(momentum: float) -> None:
    """With Nesterov momentum the step is not w − η·g, and no such formula is told."""
    problem = founding()
    problem.optimizer.sgd.momentum, problem.optimizer.sgd.nesterov = momentum, True
    assert "0.14 − " not in first_explanation(problem, stepped(0.05 * (1 + momentum)))


def test_numbers_of_another_batch_are_not_set_beside_each_other() -> None:
    """Two batches taken as one, and tanh's derivative missing: found, and explained without a comparison by node."""
    first, second = torch.tensor([[0.5], [-1.2]]).double(), torch.tensor([[0.8], [0.3]]).double()
    layers = [("Linear", 1, 1, {"bias": False}), ("Tanh",), ("Linear", 1, 1, {"bias": False})]
    problem = problem_of(layers, {"0.weight": [[0.7]], "2.weight": [[-0.4]]}, {"input": first}, [[1.0], [0.5]], lr=0.1)
    for inputs in (first, second):
        problem.steps.add().inputs["input"].CopyFrom(as_tensor(inputs))
    x, target = torch.cat([first, second]), torch.tensor([[1.0], [0.5]] * 2).double()
    hidden = torch.tanh(0.7 * x)
    delta = 2 * (-0.4 * hidden - target) / 4
    updated = {"0.weight": 0.7 - 0.1 * (delta * -0.4 * x).sum(), "2.weight": -0.4 - 0.1 * (delta * hidden).sum()}
    message = claim_pb2.Claim()
    for name, value in updated.items():
        part = claim_of(Quantity.UPDATED, name, [[float(value)]], digits=9).tensors[0]
        part.id.step = 1
        message.tensors.append(part)
    training, outcome, claim = claim_for(problem, message)
    found = diagnose(training, outcome, claim, compare(training, outcome, claim)).findings
    pair = {"backward.activation_derivative_missing", "update.one_batch"}
    (finding,) = [finding for finding in found if set(finding.codes) == pair]
    assert "Behind node" not in finding.explanation
