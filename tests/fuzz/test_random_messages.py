"""Random messages through the whole path: bytes in, an answer or a stated refusal out, never a fault of the server."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import requests
from fuzz.dialogues import FunctionRequests
from fuzz.maker import Maker

SEEDS = st.integers(0, 2**64 - 1)
RUNS = settings(
    deadline=None, max_examples=500, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
WITNESS_RUNS = settings(RUNS, max_examples=150)


@RUNS
@given(seed=SEEDS)
def test_random_problems_are_computed_or_refused(seed: int) -> None:
    """ComputeGradients answers any problem, or says what is wrong with it."""
    requests.compute(Maker(seed).compute().SerializeToString())


@RUNS
@given(seed=SEEDS)
def test_random_claims_are_checked_or_refused(seed: int) -> None:
    """CheckGradients answers any claim about any problem, or says what is wrong with it."""
    requests.check(Maker(seed).check().SerializeToString())


@WITNESS_RUNS
@given(seed=SEEDS)
def test_random_verifications_are_answered_or_refused(seed: int) -> None:
    """VerifyGradients answers any options for any problem, or says what is wrong."""
    requests.verify(Maker(seed).verification().SerializeToString())


@WITNESS_RUNS
@given(seed=SEEDS)
def test_random_functions_are_checked_or_refused(seed: int) -> None:
    """CheckFunction takes any claim and any values, or says what is wrong with them."""
    maker = Maker(seed)
    dialogue = FunctionRequests(messages=[maker.function_start()])
    for _ in range(4):
        dialogue.messages.add().values.values.CopyFrom(maker.tensor())
    requests.function(dialogue.SerializeToString())
