"""VerifyGradients: modes, selections, later steps, both orders, budgets; wrong claims are seen wherever they are."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import gradproof as gp
import pytest
import torch
from gradproof_server.engine.numeric import verify
from gradproof_server.engine.numeric.types import (
    Cause,
    Mode,
    Selection,
    Subject,
    TensorWitness,
    WitnessEstimate,
    WitnessOptions,
    WitnessProgress,
    WitnessReport,
)
from gradproof_server.engine.run import never
from gradproof_server.engine.types import InvalidProblemError, Quantity, StoppedError, TensorId, Verdict
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.witnessed import (
    WEIGHT,
    altered,
    judgement_of,
    numbers,
    only,
    own_claim,
    perceptron,
    report_of,
    tensor_of,
    training_of,
)

INPUT = TensorId(0, Quantity.INPUT_GRADIENT, "input")


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.ELEMENTS, Mode.DIRECTIONS])
def test_a_right_network_agrees_in_every_mode(mode: Mode) -> None:
    """All parameters and the input; its Taylor remainders are of order 2."""
    report = report_of(perceptron(), mode=mode)
    assert report.verdict is report.reference_verdict is Verdict.AGREES
    assert report.claim_verdict is None
    assert {t.id.name for t in report.tensors} == {"0.weight", "0.bias", "2.weight", "2.bias", "input"}
    assert tensor_of(report, WEIGHT).taylor_order == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("mode", [Mode.ELEMENTS, Mode.DIRECTIONS])
@pytest.mark.parametrize("error", [1e-6, 0.5, -2.0])
def test_one_wrong_element_of_a_claim_disagrees(mode: Mode, error: float) -> None:
    """Of 256, by a millionth too; PyTorch's own side stays confirmed, and the element is named."""
    training = perceptron(width=16)
    report = report_of(training, altered(training, WEIGHT, 77, 1 + error), mode=mode, only=only(WEIGHT))
    claimed = judgement_of(report, WEIGHT, Subject.CLAIM)
    assert (report.reference_verdict, report.claim_verdict) == (Verdict.AGREES, Verdict.DISAGREES)
    assert claimed.cause is Cause.WRONG_DERIVATIVE
    if mode is Mode.ELEMENTS:
        assert claimed.disagreeing == 1
        assert claimed.worst is not None
        assert claimed.worst.index == (4, 13)


def test_a_claim_wrong_by_less_than_what_is_detectable_is_not_called_wrong() -> None:
    """And by three times that it is."""
    training = perceptron()
    tensor = tensor_of(report_of(training, only=only(WEIGHT)), WEIGHT)
    gradient = own_claim(training)[0].value.view(-1)
    place = int(gradient.abs().argmax())
    share = tensor.detectable / float(gradient[place].abs())
    assert report_of(training, altered(training, WEIGHT, place, 1 + share / 50)).claim_verdict is Verdict.AGREES
    assert report_of(training, altered(training, WEIGHT, place, 1 + 3 * share)).claim_verdict is Verdict.DISAGREES


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_right_gradients_of_smaller_dtypes_agree(dtype: torch.dtype) -> None:
    """Differences are taken in float64; a claim with a flipped sign disagrees all the same."""
    training = replace(perceptron(), dtype=dtype)
    assert report_of(training, own_claim(training)).verdict is Verdict.AGREES
    assert report_of(training, altered(training, WEIGHT, 3, -1.0)).claim_verdict is Verdict.DISAGREES


def test_a_loss_with_a_large_constant_agrees() -> None:
    """The output is 1e8 more than it would be; a claim off by a hundredth disagrees."""
    layers = [gp.Linear(3, 1, weight=numbers(1, 3), bias=[1e8])]
    training = training_of(layers, numbers(2, 3), gp.L1Loss(), [[0.0], [0.0]])
    assert report_of(training, own_claim(training)).verdict is Verdict.AGREES
    assert report_of(training, altered(training, WEIGHT, 1, 1.01)).claim_verdict is Verdict.DISAGREES


def test_selected_elements_alone_are_looked_at() -> None:
    """A wrong one beside them is not seen; their numbers are given in order."""
    training = perceptron()
    selection = (Selection(WEIGHT, (2, 7, 11)),)
    report = report_of(training, altered(training, WEIGHT, 3, 2.0), only=selection, include_values=True)
    tensor = tensor_of(report, WEIGHT)
    assert (tensor.elements, tensor.elements_checked, tensor.positions) == (16, 3, (2, 7, 11))
    assert report.verdict is Verdict.AGREES
    assert tensor.numeric is not None
    assert tensor.stated is not None
    assert torch.allclose(tensor.numeric.reshape(-1), tensor.stated.reshape(-1), rtol=1e-9)


def test_what_a_selection_names_must_be_there() -> None:
    """Tensors, elements, steps: all that is wrong of them is told."""
    unknown = (Selection(replace(WEIGHT, name="9.weight")), Selection(WEIGHT, (16,)))
    with pytest.raises(InvalidProblemError) as raised:
        report_of(perceptron(), only=unknown)
    assert [v.reason for v in raised.value.violations] == ["UNKNOWN_TENSOR", "OUT_OF_RANGE"]
    with pytest.raises(InvalidProblemError, match=r"options\.step"):
        report_of(perceptron(), step=1)


def test_a_later_step_is_looked_at_where_its_parameters_are() -> None:
    """The gradient of step 2 agrees at step 2; that of step 0, claimed for step 2, does not."""
    training = perceptron(optimizer=gp.SGD(lr=0.5), steps=3)
    later = replace(WEIGHT, step=2)
    assert report_of(training, own_claim(training, 2), step=2).verdict is Verdict.AGREES
    stale = tuple(replace(t, id=replace(t.id, step=2)) for t in own_claim(training, 0) if t.id == WEIGHT)
    report = report_of(training, stale, step=2, only=only(later))
    assert (report.reference_verdict, report.claim_verdict) == (Verdict.AGREES, Verdict.DISAGREES)


def test_frozen_parameters_are_left_alone_though_claimed() -> None:
    """Their gradient is 0 by definition, not by the loss."""
    training = replace(perceptron(), frozen=frozenset({"0.weight"}))
    report = report_of(training, own_claim(training))
    assert report.verdict is Verdict.AGREES
    assert WEIGHT not in {t.id for t in report.tensors}


def test_both_modes_and_both_orders_of_pytorch_are_confirmed() -> None:
    """Reverse, forward, and reverse over reverse."""
    report = report_of(perceptron(), second_order=True)
    subjects = {j.subject for j in tensor_of(report, WEIGHT).judgements}
    assert report.verdict is Verdict.AGREES
    assert subjects == {Subject.REFERENCE, Subject.FORWARD_MODE, Subject.SECOND_ORDER}


def test_pytorchs_second_derivative_of_bce_is_caught() -> None:
    """It adds 1e-12 to probabilities; its first derivative is right."""
    layers = [gp.Linear(3, 2, weight=numbers(2, 3), bias=numbers(2)), gp.Sigmoid()]
    training = training_of(layers, numbers(4, 3, seed=1), gp.BCELoss(), (numbers(4, 2, seed=2) > 0).double())
    report = report_of(training, second_order=True)
    first = judgement_of(report, WEIGHT, Subject.REFERENCE)
    second = judgement_of(report, WEIGHT, Subject.SECOND_ORDER)
    assert first.verdict is Verdict.AGREES
    assert second.verdict is Verdict.DISAGREES
    assert "adds 1e-12" in second.explanation


def test_a_kink_is_named_by_node_and_unit() -> None:
    """Two units of a ReLU sit at 0; the convention agrees, and what lies outside does not."""
    layers = [gp.Linear(2, 2, weight=[[1.0, -1.0], [0.5, 1.0]], bias=[0.0, 1.0]), gp.ReLU()]
    training = training_of(layers, [[0.5, 0.5]], gp.MSELoss(), [[1.0, 1.0]])
    tensor = tensor_of(report_of(training), WEIGHT)
    assert tensor.judgements[0].cause is Cause.KINK_CONVENTION
    assert {(kink.node, kink.type, kink.index) for kink in tensor.kinks} == {("1", "ReLU", (0, 0))}
    outside = (replace(own_claim(training)[0], value=torch.full((2, 2), 0.25, dtype=torch.float64)),)
    report = report_of(training, outside, only=only(WEIGHT))
    assert judgement_of(report, WEIGHT, Subject.CLAIM).verdict is Verdict.DISAGREES


def test_rounding_that_a_loss_of_0_does_not_show_is_counted() -> None:
    """A hinge exactly at its corner, on ties of whole numbers: nothing is called wrong. Along the first direction the
    loss stands still, and the rounding of 1 + t before it shows nowhere."""
    layers = [
        gp.Conv1d(1, 2, 2, weight=[[[1.0, 0.0]], [[0.0, 0.0]]], bias=[-1.0, 0.0]),
        gp.MaxPool1d(2, stride=1),
        gp.Flatten(),
        gp.Linear(6, 1, weight=[[0.0, 0.0, 1.0, -1.0, 1.0, -1.0]], bias=[1.0]),
    ]
    corner = {"input2": [[2.0]], "target": [[-1.0]]}
    loss = gp.MarginRankingLoss(reduction="sum")
    report = report_of(training_of(layers, [[[1.0, -1.0, 2.0, -1.0, -1.0]]], loss, None, targets=corner))
    last = judgement_of(report, replace(WEIGHT, name="3.weight"), Subject.REFERENCE)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert (last.verdict, last.cause) == (Verdict.AGREES, Cause.KINK_CONVENTION)


def test_dead_tensors_and_optima_are_told() -> None:
    """A severed unit is dead; at an optimum the note says to displace the point."""
    dead = training_of(
        [gp.Linear(1, 1, weight=[[1.0]], bias=[-9.0]), gp.ReLU(), gp.Linear(1, 1, weight=[[2.0]], bias=[0.5])],
        [[1.0]],
        gp.MSELoss(),
        [[1.0]],
    )
    report = report_of(dead)
    assert judgement_of(report, WEIGHT, Subject.REFERENCE).cause is Cause.DEAD
    assert judgement_of(report, replace(WEIGHT, name="2.bias"), Subject.REFERENCE).cause is Cause.UNSPECIFIED
    layers = [gp.Linear(2, 1, weight=[[0.5, 0.25]], bias=[0.5])]
    optimum = report_of(training_of(layers, [[1.0, 2.0]], gp.MSELoss(), [[1.5]]))
    assert optimum.verdict is Verdict.INCONCLUSIVE
    assert "Displace" in tensor_of(optimum, WEIGHT).note


def test_dropout_and_batch_norm_in_train_mode_agree() -> None:
    """The same numbers are drawn for every point, and statistics of the batch are differentiated."""
    layers = [
        gp.Linear(4, 4, weight=numbers(4, 4), bias=numbers(4)),
        gp.BatchNorm1d(4, weight=1 + 0.1 * numbers(4, seed=1), bias=numbers(4, seed=2)),
        gp.Dropout(0.5),
    ]
    training = training_of(layers, numbers(6, 4, seed=3), gp.MSELoss(), numbers(6, 4, seed=4), mode="train")
    assert report_of(training, own_claim(training)).verdict is Verdict.AGREES
    assert report_of(training, altered(training, WEIGHT, 5, 1.001)).claim_verdict is Verdict.DISAGREES


def test_the_estimate_comes_first_and_can_be_all() -> None:
    """Its evaluations are those of a run that refines nothing."""
    (estimate,) = verify(perceptron(), (), WitnessOptions(estimate_only=True), never)
    assert isinstance(estimate, WitnessEstimate)
    report = report_of(perceptron())
    assert estimate.evaluations <= report.evaluations <= 1.2 * estimate.evaluations


def test_a_budget_of_evaluations_leaves_a_partial_report() -> None:
    """What was done is told, what was not is named."""
    report = report_of(perceptron(), max_evaluations=150)
    assert not report.complete
    assert report.evaluations <= 150
    assert report.tensors
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.not_reached
    assert {t.id for t in report.tensors}.isdisjoint(report.not_reached)


def test_no_seconds_leave_nothing_but_names() -> None:
    """And nothing is confirmed."""
    report = report_of(perceptron(), max_seconds=1e-9)
    assert (report.complete, report.tensors, report.verdict) == (False, (), Verdict.INCONCLUSIVE)
    assert len(report.not_reached) == 5


def test_a_caller_who_leaves_ends_the_run() -> None:
    """At the next chunk."""
    asked = count()
    with pytest.raises(StoppedError):
        list(verify(perceptron(), (), WitnessOptions(), lambda: next(asked) > 6))
    assert next(asked) == 8


def test_tensors_come_as_they_are_done_and_again_in_the_report() -> None:
    """Estimate, tensors with progress between them, report."""
    events = list(verify(perceptron(), (), WitnessOptions(), never))
    report = events[-1]
    assert isinstance(report, WitnessReport)
    assert tuple(e for e in events if isinstance(e, TensorWitness)) == report.tensors
    assert all(isinstance(e, TensorWitness | WitnessProgress) for e in events[1:-1])


def test_the_same_seed_gives_the_same_directions_and_another_gives_others() -> None:
    """To the last bit."""
    tensor, again, other = (
        tensor_of(report_of(perceptron(), mode=Mode.DIRECTIONS, samples=0, seed=seed), WEIGHT) for seed in (1, 1, 2)
    )
    worst, same, different = (t.judgements[0].worst for t in (tensor, again, other))
    assert worst == same
    assert worst != different


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.sampled_from([2.0, -1.0, 1.001]), st.sampled_from([Mode.ELEMENTS, Mode.DIRECTIONS]))
def test_more_elements_never_hide_an_error(copies: int, factor: float, mode: Mode) -> None:
    """The input is tiled along the batch; one element of the first tile is wrong, and disagrees in any company."""
    x = numbers(2, 3).repeat(copies, 1)
    layers = [gp.Linear(3, 2, weight=numbers(2, 3, seed=1), bias=numbers(2, seed=2)), gp.Tanh()]
    training = training_of(layers, x, gp.MSELoss(), torch.zeros(2 * copies, 2))
    claim = altered(training, INPUT, 1, factor)
    assert report_of(training, claim, mode=mode, only=only(INPUT)).claim_verdict is Verdict.DISAGREES


def test_there_is_no_second_derivative_where_the_gradient_has_a_kink() -> None:
    """Ties of whole numbers in a maximum, far from a minimum: whatever PyTorch gives there is not called wrong."""
    layers = [
        gp.Conv2d(1, 2, 2, weight=[[[[0.0, -1.0], [-1.0, 0.0]]], [[[-1.0, 0.0], [0.0, -1.0]]]], bias=[-1.0, 0.0]),
        gp.MaxPool2d(2, stride=1),
    ]
    image = [[2.0, 0.0, 1.0], [1.0, 2.0, -2.0], [0.0, -2.0, 0.0]]
    training = training_of(layers, [[image]], gp.PoissonNLLLoss(reduction="sum"), [[[[1.0]], [[1.0]]]])
    report = report_of(training, second_order=True)
    second = [j for t in report.tensors for j in t.judgements if j.subject is Subject.SECOND_ORDER]
    assert second
    assert all(j.verdict is not Verdict.DISAGREES for j in second)
