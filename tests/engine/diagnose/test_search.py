"""The search's shortcuts, held against the long way: samples against whole claims, groups against what is left out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from gradproof_server.engine import Training, Wanted, compare, run
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.combine import groups_in_order
from gradproof_server.engine.diagnose.fit import misses
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.runs import Told
from gradproof_server.engine.diagnose.sample import MOST_OF_A_TENSOR, Sample
from gradproof_server.engine.diagnose.search import TIE_RANK, Search
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.engine.errors import TORCH_ERRORS
from gradproof_server.engine.types import (
    ClaimedTensor,
    ComputedIn,
    DiagnosisOptions,
    Precision,
    PrintedDecimals,
    ProblemError,
    Quantity,
    Rounding,
    TensorId,
    Tolerances,
)

from tests.support.random_problems.problems import mlp_of, random_problem

ROWS = {variant.code: variant for variant in TABLE}
CLAIMED = frozenset({Quantity.GRADIENT, Quantity.UPDATED})
PRECISIONS: tuple[Precision, ...] = (
    PrintedDecimals(4),
    PrintedDecimals(3, Rounding.TRUNCATED),
    Tolerances(1e-4, 1e-3),
    ComputedIn(torch.float32),
    ComputedIn(torch.float64),
)


def stored(tensor: torch.Tensor, precision: Precision) -> torch.Tensor:
    """The numbers as they are written down at that precision, float64."""
    if isinstance(precision, PrintedDecimals):
        return (tensor * 10**precision.digits).round() / 10**precision.digits
    return tensor.to(precision.dtype).double() if isinstance(precision, ComputedIn) else tensor


def case_of(training: Training, told: Told, precision: Precision) -> Case:
    """A case in which these numbers are claimed."""
    claim = tuple(ClaimedTensor(id, stored(tensor, precision), precision) for id, tensor in told.items())
    outcome = run(training, Wanted(ids=frozenset(told)))
    return Case(training, claim, outcome.tensors, compare(training, outcome, claim))


def told_by(training: Training, *codes: str) -> Told:
    """Gradients and updates of the training with the first proposals of these rows."""
    reference = run(training, Wanted(CLAIMED)).tensors
    ids = frozenset(id for id in reference if id.quantity in CLAIMED)
    whole = Case(
        training, tuple(ClaimedTensor(id, reference[id], ComputedIn(torch.float64)) for id in ids), reference, ()
    )
    plan = Plan(training)
    for code in codes:
        plan = next(iter(ROWS[code].propose(whole))).alter(plan)
    return plan.tell(ids)


def altered(case: Case) -> Iterator[Told]:
    """What every alteration of the table tells that can be run here."""
    for variant in TABLE:
        try:
            for proposal in variant.propose(case):
                yield proposal.alter(Plan(case.training)).tell(case.ids)
        except (ProblemError, *TORCH_ERRORS):
            continue


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
def test_a_sample_of_a_small_claim_finds_what_whole_tensors_find(precision: Precision) -> None:
    """The flat comparison misses the tensors that the comparison one by one misses, for all alterations."""
    training = random_problem(2).training
    case = case_of(training, told_by(training, "loss.value_used_as_derivative"), precision)
    sample = Sample(case, case.ids)
    seen = set[bool]()
    for told in altered(case):
        wrong = {tensor.id for tensor in case.claim if misses(case, tensor, told[tensor.id])[0]}
        assert sample.look(told).missed == wrong
        seen.add(bool(wrong))
    assert seen == {True, False}


@pytest.mark.parametrize("precision", [PrintedDecimals(6), ComputedIn(torch.float32)], ids=str)
def test_one_wrong_number_of_many_is_in_the_sample(precision: Precision) -> None:
    """Of a large tensor the numbers that are farthest from the reference are looked at."""
    training = mlp_of(10_000).training
    told = told_by(training)
    large = max(told, key=lambda id: told[id].numel())
    assert told[large].numel() > MOST_OF_A_TENSOR
    told[large].view(-1)[4321] *= 1.01
    case = case_of(training, told, precision)
    look = Sample(case, case.ids).look({id: case.reference[id].double() for id in case.ids})
    assert look.missed == {large}
    assert Sample(case, case.ids).look(told).missed == frozenset()


def test_unlikelier_explanations_are_not_looked_for() -> None:
    """Once one stands, only those are tried that are hardly unlikelier."""
    training = mlp_of(10).training
    case = case_of(training, told_by(training, "reduction.sum_instead_of_mean"), PrintedDecimals(8))
    found = Search(case, TABLE, DiagnosisOptions()).run()
    ranks = [attempt.rank for attempt in found.complete]
    assert found.complete[0].codes == ("reduction.sum_instead_of_mean",)
    assert max(ranks) <= min(ranks) + TIE_RANK
    assert found.tried <= found.weighed < sum(len(list(row.propose(case))) for row in TABLE)


def test_groups_hold_the_pair_that_explains_and_none_that_spoils_what_agrees() -> None:
    """What one alteration of a group leaves wrong the other one can change."""
    training = mlp_of(10).training
    codes = ("backward.bias_gradient_averaged", "update.sign_flipped")
    told = told_by(training, *codes)
    case = case_of(training, told, PrintedDecimals(8))
    search = Search(case, TABLE, DiagnosisOptions(max_combination=2))
    found = search.run()
    assert found.complete[0].codes == codes
    groups = [group for _, group in groups_in_order(search.singles, search.sample, search.look, 2)]
    pairs = [{single.part.variant.code for single in group} for group in groups]
    assert set(codes) in pairs
    for group in groups:
        for one, other in (group, group[::-1]):
            assert one.look.missed <= search.look.missed
            assert one.start.plan.reports or one.look.missed <= other.touched


def test_ids_of_a_claim_are_told_in_rounds() -> None:
    """The first update divides what is told; no round is empty, and together they are the claim."""
    training = mlp_of(10).training
    case = case_of(training, told_by(training, "update.sign_flipped"), PrintedDecimals(6))
    rounds = [ids for ids, _ in Search(case, TABLE, DiagnosisOptions()).rounds]
    assert [{id.quantity for id in ids} for ids in rounds] == [{Quantity.GRADIENT}, {Quantity.UPDATED}]
    assert frozenset[TensorId]().union(*rounds) == case.ids
