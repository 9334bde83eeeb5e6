"""Every variant around the optimizer's step acts somewhere, and only where it can."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from gradproof import catalog
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.variant import Stage, Variant
from gradproof_server.engine.diagnose.variants import (
    adam,
    adam_family,
    adaptive,
    backward_order,
    clipping,
    learning_rates,
    optimizer_arguments,
    regularization,
    schedules,
    sgd,
    sibling_optimizers,
    updates,
)
from gradproof_server.engine.types import Quantity, TensorId

from tests.engine.training_problems import MLP, case_of, optimizer_message, proposals, told, training_of

MODULES = (
    adam,
    adam_family,
    adaptive,
    backward_order,
    clipping,
    learning_rates,
    optimizer_arguments,
    regularization,
    schedules,
    sgd,
    sibling_optimizers,
    updates,
)
TABLE: tuple[Variant, ...] = tuple(variant for module in MODULES for variant in module.VARIANTS)
RATES = (0.1, 0.1, 0.03)
NORMALIZED = (MLP[0], ("BatchNorm1d", (4,), {}), *MLP[1:])


def schedule(name: str, *args: Any) -> Any:
    """A change of the problem: a schedule."""
    return lambda problem: problem.schedule.CopyFrom(catalog.construct("Schedule", name, args, {}))


def clip_norm(problem: Any) -> None:
    """Clipping by norm, below the gradients' norm."""
    problem.clip_grad_norm.max_norm = 0.3


def clip_norm_high(problem: Any) -> None:
    """Clipping by norm, above the gradients' norm."""
    problem.clip_grad_norm.max_norm = 1e3


def clip_value(problem: Any) -> None:
    """Clipping by value."""
    problem.clip_grad_value.clip_value = 0.05


def clip_both(problem: Any) -> None:
    """Clipping by norm and by value."""
    clip_norm(problem)
    clip_value(problem)


def freeze(problem: Any) -> None:
    """The first weight frozen."""
    problem.frozen.append("0.weight")


def of(name: str, rates: Any = RATES, **arguments: Any) -> Any:
    """A training with this optimizer and three steps of different rates."""
    extra = {key: arguments.pop(key) for key in ("change", "layers", "batch", "groups") if key in arguments}
    groups = extra.pop("groups", None)
    return training_of(optimizer_message(name, groups, lr=0.1, **arguments), rates, **extra)


BETAS = {"betas": (0.8, 0.9)}
SITUATIONS: dict[str, Any] = {
    "sgd": lambda: of("SGD"),
    "sgd one step": lambda: of("SGD", (None,)),
    "momentum": lambda: of("SGD", momentum=0.9, weight_decay=0.1),
    "dampening": lambda: of("SGD", momentum=0.9, dampening=0.3),
    "nesterov": lambda: of("SGD", momentum=0.9, nesterov=True),
    "decay": lambda: of("SGD", weight_decay=0.1, layers=NORMALIZED),
    "maximize": lambda: of("SGD", maximize=True, weight_decay=0.1),
    "groups": lambda: of("SGD", (None,) * 2, groups={"0.weight": {"lr": 0.5}, "2.bias": {"lr": 0.01}}),
    "adam": lambda: of("Adam", eps=0.01, weight_decay=0.1, **BETAS),
    "amsgrad": lambda: of("Adam", amsgrad=True, **BETAS),
    "adamw": lambda: of("AdamW", eps=0.01, weight_decay=0.1),
    "adamax": lambda: of("Adamax", eps=0.01),
    "nadam": lambda: of("NAdam", eps=0.01, weight_decay=0.1),
    "radam": lambda: of("RAdam", (0.1,) * 7, eps=0.01, betas=(0.9, 0.9)),
    "radam slow": lambda: of("RAdam", (0.1,) * 7),
    "rmsprop": lambda: of("RMSprop", eps=0.01, momentum=0.5),
    "centered": lambda: of("RMSprop", centered=True),
    "adagrad": lambda: of("Adagrad", eps=0.01, lr_decay=0.2),
    "adadelta": lambda: of("Adadelta", eps=0.01),
    "rprop": lambda: of("Rprop", (None,) * 4),
    "asgd": lambda: of("ASGD", (None,) * 3),
    "lbfgs": lambda: of("LBFGS", (None,) * 2),
    "muon": lambda: of("Muon", layers=(("Linear", (3, 2), {"bias": False}),)),
    "adafactor": lambda: of("Adafactor"),
    "step schedule": lambda: of("SGD", (None,) * 5, change=schedule("StepLR", 2, 0.5)),
    "clip norm": lambda: of("SGD", change=clip_norm, weight_decay=0.1),
    "clip norm high": lambda: of("SGD", change=clip_norm_high),
    "clip value": lambda: of("SGD", change=clip_value),
    "clip both": lambda: of("SGD", change=clip_both),
    "frozen": lambda: of("SGD", change=freeze),
    "same rates": lambda: of("SGD", (None,) * 3, batch=1),
}


@cache
def situation(name: str) -> Case:
    """The case of that name: gradients and updated weights of all steps are claimed."""
    return case_of(SITUATIONS[name]())


def differs(case: Case, tensors: dict[TensorId, torch.Tensor]) -> bool:
    """Whether anything that is claimed is altered."""
    return any(not torch.equal(tensors[id], case.reference[id].double()) for id in case.ids)


@pytest.mark.parametrize("variant", TABLE, ids=lambda variant: variant.code)
def test_variant_acts_somewhere(variant: Variant) -> None:
    """In at least one situation the variant is proposed, runs, and gives other finite numbers than PyTorch."""
    for name in SITUATIONS:
        case = situation(name)
        for proposal in proposals(variant, case):
            try:
                tensors = told(case, proposal)
            except (RuntimeError, ValueError):
                continue
            if differs(case, tensors):
                return
    pytest.fail("acts nowhere")


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_proposal_runs(name: str) -> None:
    """What is proposed can be run, and its first gradients are PyTorch's unless it alters them openly."""
    case = situation(name)
    for variant in TABLE:
        for proposal in proposals(variant, case):
            tensors = told(case, proposal)
            assert set(tensors) == set(case.ids), variant.code
            if variant.stage in (Stage.UPDATE, Stage.SCHEDULE, Stage.CLIP) and variant.code not in RESAMPLED:
                for id in case.ids:
                    if id.step == 0 and id.quantity is Quantity.GRADIENT:
                        assert torch.equal(tensors[id], case.reference[id].double()), variant.code


RESAMPLED = {"update.per_sample", "update.one_batch"}


def test_few_proposals_change_nothing() -> None:
    """At most a tenth of all proposals alters nothing, so that no time is lost on them."""
    idle = []
    total = 0
    for name in SITUATIONS:
        case = situation(name)
        for variant in TABLE:
            for proposal in proposals(variant, case):
                total += 1
                if not differs(case, told(case, proposal)):
                    idle.append((name, variant.code))
    assert len(idle) <= total / 10, idle


def test_nothing_of_the_step_is_proposed_for_gradients_alone() -> None:
    """Where only gradients of one step are claimed, no variant of the optimizer's step is proposed."""
    case = case_of(of("Adam", (None,), weight_decay=0.1, change=clip_norm), (Quantity.GRADIENT,))
    found = {variant.code for variant in TABLE if proposals(variant, case)}
    assert found == {
        "update.backward_used_updated_weights",
        "regularization.in_claimed_gradient",
        "clipping.in_claimed_gradient",
    }


def test_nothing_is_proposed_without_an_optimizer() -> None:
    """Without an optimizer no variant of this table is proposed."""
    training = of("SGD", (None,), change=lambda problem: problem.ClearField("optimizer"))
    case = case_of(training, (Quantity.GRADIENT,))
    assert not [variant.code for variant in TABLE if proposals(variant, case)]


def test_codes_are_unique_and_look_alikes_exist() -> None:
    """No code is twice in these modules; those named as look-alikes within them exist."""
    codes = [variant.code for variant in TABLE]
    assert len(set(codes)) == len(codes)
    families = ("optimizer.", "regularization.", "clipping.", "schedule.", "update.")
    named = {code for variant in TABLE for code in variant.look_alikes if code.startswith(families)}
    assert named <= set(codes)
