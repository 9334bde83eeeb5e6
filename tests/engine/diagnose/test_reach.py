"""What an alteration can change, and what runs may share, for every row of the table that acts in random problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from gradproof_server.engine import Wanted, run
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.reach import STEP, reach
from gradproof_server.engine.diagnose.runs import Runs, Told
from gradproof_server.engine.diagnose.variant import Stage, Variant
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.engine.errors import TORCH_ERRORS
from gradproof_server.engine.types import ClaimedTensor, ComputedIn, ProblemError, Quantity, TensorId

from tests.support.random_problems.problems import random_problem

EVERYTHING = frozenset(Quantity) - {Quantity.NODE_VALUE, Quantity.NODE_GRADIENT}


def case_of(seed: int) -> Case:
    """A random problem of which everything is claimed as it is."""
    training = random_problem(seed).training
    outcome = run(training, Wanted(EVERYTHING))
    reference = {id: tensor for id, tensor in outcome.tensors.items() if tensor.is_floating_point()}
    claim = tuple(ClaimedTensor(id, tensor, ComputedIn(torch.float64)) for id, tensor in reference.items())
    return Case(training, claim, reference, ())


def plans(case: Case, start: Plan) -> Iterator[tuple[Variant, Plan]]:
    """Every alteration that the table proposes here."""
    for variant in TABLE:
        try:
            yield from [(variant, proposal.alter(start)) for proposal in variant.propose(case)]
        except (ProblemError, *TORCH_ERRORS):
            continue


def told(tell: Callable[[], Told]) -> Told:
    """What is told, nothing where the altered step cannot be run."""
    try:
        return tell()
    except (ProblemError, *TORCH_ERRORS):
        return {}


def differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors differ by more than the rounding of float64."""
    return one.shape != other.shape or not torch.allclose(one, other, rtol=1e-12, atol=1e-14, equal_nan=True)


@pytest.mark.parametrize("seed", range(5))
def test_what_an_alteration_cannot_reach_stays_as_it_is(seed: int) -> None:
    """A tensor out of an alteration's reach is the reference's."""
    case = case_of(seed)
    for variant, plan in plans(case, Plan(case.training)):
        out_of_reach = case.ids - reach(case, plan, variant.stage is Stage.BACKWARD)
        result = told(lambda plan=plan: plan.tell(case.ids)) if out_of_reach else {}  # type: ignore[misc]
        changed = [id for id in out_of_reach & result.keys() if differ(result[id], case.reference[id].double())]
        assert changed == [], variant.code


@pytest.mark.parametrize("seed", range(5, 10))
def test_shared_runs_tell_the_same_bits(seed: int) -> None:
    """A run that goes on from what another one computed gives the bits of a whole run, or fails as it does."""
    case = case_of(seed)
    runs = Runs(case)
    for variant, plan in plans(case, runs.reference.plan):
        whole = told(lambda plan=plan: plan.tell(case.ids))  # type: ignore[misc]
        shared = told(lambda plan=plan: runs.tell(plan, runs.reference, case.ids))  # type: ignore[misc]
        assert whole.keys() == shared.keys(), variant.code
        same = [torch.equal(whole[id].nan_to_num(7.0), shared[id].nan_to_num(7.0)) for id in whole]
        assert all(same), variant.code


def test_the_reach_of_some_alterations() -> None:
    """An update rule reaches what follows the gradients; a gradient rule no loss; a factor of the loss the loss too."""
    case = case_of(1)
    first = frozenset(id for id in case.ids if not id.step)
    start, loss = Plan(case.training), TensorId(0, Quantity.LOSS)
    update = start.with_update(lambda old, gradients, moment: old)
    assert reach(case, start, False) == frozenset()
    assert reach(case, update, False) & first == {id for id in first if id.quantity in STEP}
    assert loss not in reach(case, start.with_gradients(lambda gradients, moment: gradients), False)
    assert loss in reach(case, start.scaled(2.0), False)
