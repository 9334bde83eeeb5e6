"""Runs that share a first evaluation start from the parameters that it left."""

from __future__ import annotations

from typing import Any

import torch
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.runs import Runs

from tests.engine.plain import tensor_message
from tests.engine.training_problems import case_of, optimizer_message, training_of


def use_words(problem: Any) -> None:
    """Two words in place of numbers."""
    for step in problem.steps:
        step.inputs["input"].CopyFrom(tensor_message(torch.tensor([0, 2])))
        step.targets["target"].CopyFrom(tensor_message(torch.ones(2, 1, dtype=torch.float64)))


def test_weights_that_the_forward_pass_scales_down_are_shared() -> None:
    """max_norm of an Embedding changes its weight in the forward pass; a shared run tells what a whole one does."""
    layers = (("Embedding", (3, 2), {"max_norm": 0.1}), ("Linear", (2, 1), {}))
    case = case_of(training_of(optimizer_message("Adam", lr=0.1), layers=layers, change=use_words))
    runs = Runs(case)
    plan = Plan(case.training).with_update(lambda old, gradients, moment: dict(old))
    whole, shared = plan.tell(case.ids), runs.tell(plan, runs.reference, case.ids)
    assert whole.keys() == shared.keys()
    assert all(torch.equal(whole[id], shared[id]) for id in case.ids)
