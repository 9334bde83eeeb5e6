"""Rules with their default switches are PyTorch's optimizers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gradproof import catalog
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.stepping.adam import adam
from gradproof_server.engine.diagnose.stepping.adam_family import adamax, nadam, radam
from gradproof_server.engine.diagnose.stepping.adaptive import adadelta, adagrad, rmsprop
from gradproof_server.engine.diagnose.stepping.sgd import sgd
from gradproof_server.engine.diagnose.stepping.slots import each, torch_step
from gradproof_server.engine.types import Quantity

from tests.engine.training_problems import EVERYTHING, optimizer_message, training_of

RULES = {
    "SGD": sgd(),
    "Adam": adam(),
    "AdamW": adam(),
    "Adamax": adamax(),
    "NAdam": nadam(),
    "RAdam": radam(),
    "RMSprop": rmsprop(),
    "Adagrad": adagrad(),
    "Adadelta": adadelta(),
}
CONFIGURATIONS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.2, "maximize": True}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3, "amsgrad": True, "weight_decay": 0.3, "maximize": True}),
    ("AdamW", {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3, "amsgrad": True, "weight_decay": 0.3}),
    ("Adamax", {"lr": 0.1, "weight_decay": 0.2}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.2}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "momentum_decay": 0.1}),
    ("RAdam", {"lr": 0.1, "betas": (0.9, 0.95), "weight_decay": 0.2}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True}),
    ("RMSprop", {"lr": 0.1, "weight_decay": 0.2}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.8, "centered": True, "alpha": 0.9, "eps": 1e-3}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.3, "weight_decay": 0.2, "initial_accumulator_value": 0.1}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.2}),
]
RATES = (0.1, 0.1, 0.02, None, 0.3, 0.1, 0.1)


def assert_same_run(training: Any, update: Any) -> None:
    """The altered run tells what PyTorch tells, within 1e-12, named state included."""
    expected = Plan(training).outcome(EVERYTHING).tensors
    actual = Plan(training).with_update(update).outcome(EVERYTHING).tensors
    assert any(id.quantity is Quantity.STATE for id in expected) == any(id.quantity is Quantity.STATE for id in actual)
    for id, tensor in expected.items():
        torch.testing.assert_close(actual[id].double(), tensor.double(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "arguments"), CONFIGURATIONS)
def test_default_switches_are_pytorch(name: str, arguments: dict[str, Any]) -> None:
    """Weights and state after steps with different learning rates and a group of its own equal PyTorch's."""
    groups = {"2.weight": {**arguments, "lr": 0.3, "weight_decay": 0.05}}
    training = training_of(optimizer_message(name, groups, **arguments), RATES)
    assert_same_run(training, each(RULES[name]))


@pytest.mark.parametrize(("name", "arguments"), CONFIGURATIONS)
def test_wrapped_step_is_pytorch(name: str, arguments: dict[str, Any]) -> None:
    """PyTorch's step as a rule gives what PyTorch gives."""
    training = training_of(optimizer_message(name, **arguments), RATES)
    assert_same_run(training, torch_step)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_schedules_move_momentum_too(name: str) -> None:
    """Under OneCycleLR, which cycles momentum or β₁, rules and the wrapped step still equal PyTorch's."""
    arguments: dict[str, Any] = {"lr": 0.1} | ({"momentum": 0.9} if name in ("SGD", "RMSprop") else {})

    def change(problem: Any) -> None:
        problem.schedule.CopyFrom(catalog.construct("Schedule", "OneCycleLR", (0.1, 6), {}))

    training = training_of(optimizer_message(name, **arguments), (None,) * 5, change=change)
    assert_same_run(training, each(RULES[name]))
    assert_same_run(training, torch_step)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad"])
def test_given_state_is_taken_up(name: str) -> None:
    """A stated momentum, mean square and step count go on from where they are."""
    arguments: dict[str, Any] = {"lr": 0.1} | ({"momentum": 0.9} if name in ("SGD", "RMSprop") else {})
    first = training_of(optimizer_message(name, **arguments), (None,) * 2)
    state = {
        id.name: tensor
        for id, tensor in Plan(first).outcome(EVERYTHING).tensors.items()
        if id.quantity is Quantity.STATE and id.step == 1
    }
    plan = Plan(first).with_training(state=state)
    assert state
    assert_same_run(plan.training, each(RULES[name]))
    assert_same_run(plan.training, torch_step)
