"""Decay, clipping, schedules and the order of the update against formulas written once more by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from gradproof import catalog
from gradproof_server.engine import Wanted, run
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.variants import (
    backward_order,
    clipping,
    learning_rates,
    regularization,
    schedules,
    updates,
)
from gradproof_server.engine.types import Quantity, TensorId
from torch import nn

from tests.engine.training_problems import (
    MLP,
    case_of,
    gradients,
    optimizer_message,
    proposals,
    told,
    training_of,
    weights,
)

MODULES = (backward_order, clipping, learning_rates, regularization, schedules, updates)
ROWS = {variant.code: variant for module in MODULES for variant in module.VARIANTS}
LR, DECAY = 0.1, 0.4
Named = dict[str, torch.Tensor]


def sgd_case(rates: Any = (None,), layers: Any = MLP, change: Any = None, batch: int = 3, **arguments: Any) -> Any:
    """Gradients and weights of SGD are claimed."""
    return case_of(training_of(optimizer_message("SGD", lr=LR, **arguments), rates, layers, batch, change))


def first(case: Any, code: str, position: int = 0) -> dict[TensorId, torch.Tensor]:
    """What a proposal of the variant tells."""
    return told(case, proposals(ROWS[code], case)[position])


def assert_weights(actual: dict[TensorId, torch.Tensor], expected: Named, step: int = 0) -> None:
    """The updated weights are these."""
    found = weights(actual, step)
    assert set(found) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-10, atol=1e-12)


def start(case: Any) -> Named:
    """The weights before the first step."""
    return dict(case.training.parameters_before)


DECAYS = {
    "regularization.weight_decay_ignored": lambda name, w: 0 * w,
    "regularization.l2_without_half": lambda name, w: 2 * DECAY * w,
    "regularization.halved": lambda name, w: DECAY / 2 * w,
    "regularization.divided_by_batch": lambda name, w: DECAY / 3 * w,
    "regularization.multiplied_by_batch": lambda name, w: DECAY * 3 * w,
    "regularization.bias_not_decayed": lambda name, w: 0 * w if name.endswith("bias") else DECAY * w,
    "regularization.l1_instead_of_l2": lambda name, w: DECAY * w.sign(),
    "regularization.norm_not_squared": lambda name, w: DECAY * w / w.square().sum().sqrt(),
    "regularization.sign_flipped": lambda name, w: -DECAY * w,
    "regularization.not_scaled_by_lr": lambda name, w: DECAY / LR * w,
}


@pytest.mark.parametrize("code", DECAYS)
def test_weight_decay(code: str) -> None:
    """One step of SGD is w − η·(g + the variant's term)."""
    case = sgd_case(weight_decay=DECAY)
    g = gradients(case.reference, 0)
    expected = {name: w - LR * (g[name] + DECAYS[code](name, w)) for name, w in start(case).items()}
    assert_weights(first(case, code), expected)


def test_decay_in_claimed_gradient() -> None:
    """g + λ·w is told as the gradient and the weights stay PyTorch's."""
    case = sgd_case(weight_decay=DECAY)
    tensors = first(case, "regularization.in_claimed_gradient")
    for name, g in gradients(case.reference, 0).items():
        torch.testing.assert_close(gradients(tensors, 0)[name], g + DECAY * start(case)[name])
    assert_weights(tensors, weights(case.reference, 0))


def test_decoupled_decay_with_momentum() -> None:
    """The decay stays out of the momentum buffer: w − η·b − η·λ·w."""
    case = sgd_case((None,) * 2, layers=(("Linear", (3, 2), {}),), weight_decay=DECAY, momentum=0.9)
    tensors = first(case, "regularization.decoupled")
    w, b = start(case), {}
    for step in range(2):
        g = gradients(tensors, step)
        b = {name: 0.9 * b.get(name, 0) + g[name] for name in w}
        w = {name: w[name] - LR * b[name] - LR * DECAY * w[name] for name in w}
        assert_weights(tensors, w, step)


def clip_to(bound: float) -> Any:
    """A change of the problem: clipping by norm."""

    def change(problem: Any) -> None:
        problem.clip_grad_norm.max_norm = bound

    return change


def total(tensors: Named) -> torch.Tensor:
    """The norm of all together."""
    return torch.cat([t.flatten() for t in tensors.values()]).square().sum().sqrt()


CLIPS = {
    "clipping.ignored": lambda g: g,
    "clipping.per_tensor": lambda g: {n: t * min(1.0, 0.3 / (t.norm() + 1e-6)) for n, t in g.items()},
    "clipping.without_epsilon": lambda g: {n: t * 0.3 / total(g) for n, t in g.items()},
    "clipping.squared_norm": lambda g: {n: t * min(1.0, 0.3 / (total(g) ** 2 + 1e-6)) for n, t in g.items()},
    "clipping.value_instead_of_norm": lambda g: {n: t.clamp(-0.3, 0.3) for n, t in g.items()},
}


@pytest.mark.parametrize("code", CLIPS)
def test_clipping(code: str) -> None:
    """One step of SGD goes along the gradients that the variant's clipping leaves."""
    case = sgd_case(change=clip_to(0.3))
    g = gradients(case.reference, 0)
    assert total(g) > 0.3
    clipped = CLIPS[code](g)
    tensors = first(case, code)
    assert_weights(tensors, {name: w - LR * clipped[name] for name, w in start(case).items()})
    assert all(torch.equal(gradients(tensors, 0)[name], g[name]) for name in g)


def test_always_scaled_grows_small_gradients() -> None:
    """Gradients below the bound are scaled up to it."""
    case = sgd_case(change=clip_to(50.0))
    g = gradients(case.reference, 0)
    by = 50.0 / (total(g) + 1e-6)
    assert by > 1
    assert_weights(first(case, "clipping.always_scaled"), {n: w - LR * by * g[n] for n, w in start(case).items()})


def test_clipped_gradients_claimed() -> None:
    """The gradients are told after clipping; the weights stay PyTorch's."""
    case = sgd_case(change=clip_to(0.3))
    g = gradients(case.reference, 0)
    tensors = first(case, "clipping.in_claimed_gradient")
    torch.testing.assert_close(total(gradients(tensors, 0)), 0.3 * total(g) / (total(g) + 1e-6))
    assert_weights(tensors, weights(case.reference, 0))


RATES_BY_CODE = {
    "schedule.ignored": (0.1, 0.1, 0.1, 0.1, 0.1),
    "schedule.stepped_before_optimizer": (0.1, 0.05, 0.05, 0.025, 0.025),
    "schedule.stepped_late": (0.1, 0.1, 0.1, 0.05, 0.05),
    "schedule.stepped_twice": (0.1, 0.05, 0.025, 0.0125, 0.00625),
    "schedule.every_second_step": (0.1, 0.1, 0.1, 0.1, 0.05),
}


@pytest.mark.parametrize("code", RATES_BY_CODE)
def test_schedule(code: str) -> None:
    """The steps are those of the learning rates that the variant's StepLR(2, ½) has."""

    def change(problem: Any) -> None:
        problem.schedule.CopyFrom(catalog.construct("Schedule", "StepLR", (2, 0.5), {}))

    case = sgd_case((None,) * 5, change=change)
    tensors = first(case, code)
    w = start(case)
    for step, rate in enumerate(RATES_BY_CODE[code]):
        g = gradients(tensors, step)
        w = {name: w[name] - rate * g[name] for name in w}
        assert_weights(tensors, w, step)


SCALES = {
    "update.sign_flipped": -1.0,
    "update.learning_rate_forgotten": 1 / LR,
    "update.learning_rate_twice": LR,
    "update.learning_rate_scaled": 1 / 3,
}


@pytest.mark.parametrize("code", SCALES)
def test_scaled_step(code: str) -> None:
    """One step of SGD is the right one times the variant's factor."""
    case = sgd_case()
    g = gradients(case.reference, 0)
    assert_weights(first(case, code), {n: w - SCALES[code] * LR * g[n] for n, w in start(case).items()})


def test_bias_not_updated() -> None:
    """Biases keep their values, weights do not."""
    case = sgd_case()
    new = weights(case.reference, 0)
    expected = {n: w if n.endswith("bias") else new[n].double() for n, w in start(case).items()}
    assert_weights(first(case, "update.bias_not_updated"), expected)


def test_per_sample() -> None:
    """A batch of three becomes three steps of single samples, each from the weights before it."""
    case = sgd_case(layers=(("Linear", (3, 2), {}),))
    step = case.training.steps[0]
    w, b = (start(case)[f"0.{name}"] for name in ("weight", "bias"))
    for x, target in zip(step.inputs["input"], step.targets["target"], strict=True):
        delta = 2 * (w @ x + b - target) / 2
        w, b = w - LR * torch.outer(delta, x), b - LR * delta
    assert_weights(first(case, "update.per_sample"), {"0.weight": w, "0.bias": b})


def test_one_batch() -> None:
    """Three declared steps become one with the mean of their gradients at the first weights."""
    training = training_of(optimizer_message("SGD", lr=LR), (None,) * 3, (("Linear", (3, 2), {}),), batch=1)
    claimed = frozenset(TensorId(2, Quantity.UPDATED, name) for name in training.parameters_before)
    full = case_of(training, (Quantity.UPDATED,))
    case = type(full)(training, tuple(t for t in full.claim if t.id in claimed), full.reference, ())
    w, b = (start(case)[f"0.{name}"] for name in ("weight", "bias"))
    total_w, total_b = torch.zeros_like(w), torch.zeros_like(b)
    for step in training.steps:
        x, target = step.inputs["input"][0], step.targets["target"][0]
        delta = w @ x + b - target
        total_w, total_b = total_w + torch.outer(delta, x) / 3, total_b + delta / 3
    assert_weights(first(case, "update.one_batch"), {"0.weight": w - LR * total_w, "0.bias": b - LR * total_b}, 2)


DEEP = (("Linear", (3, 4), {}), ("Tanh", (), {}), ("Linear", (4, 3), {}), ("Sigmoid", (), {}), ("Linear", (3, 2), {}))


def sequential_step(w: Named, step: Any) -> tuple[Named, Named]:
    """One step in which each layer is updated before the error goes through it; new weights and gradients."""
    x, target = step.inputs["input"], step.targets["target"]
    a1 = torch.tanh(x @ w["0.weight"].T + w["0.bias"])
    a2 = torch.sigmoid(a1 @ w["2.weight"].T + w["2.bias"])
    y = a2 @ w["4.weight"].T + w["4.bias"]
    delta, g, new = 2 * (y - target) / y.numel(), {}, {}
    for layer, below, derivative in ((4, a2, a2 * (1 - a2)), (2, a1, 1 - a1**2), (0, x, None)):
        g[f"{layer}.weight"], g[f"{layer}.bias"] = delta.T @ below, delta.sum(0)
        for name in (f"{layer}.weight", f"{layer}.bias"):
            new[name] = w[name] - LR * g[name]
        if derivative is not None:
            delta = delta @ new[f"{layer}.weight"] * derivative
    return new, g


def test_backward_used_updated_weights() -> None:
    """Over several steps and layers, gradients and weights are those of an update from the last layer to the first."""
    case = sgd_case((None,) * 3, layers=DEEP)
    tensors = first(case, "update.backward_used_updated_weights")
    w = start(case)
    for step, data in enumerate(case.training.steps):
        w, g = sequential_step(w, data)
        assert_weights(tensors, w, step)
        for name, value in gradients(tensors, step).items():
            torch.testing.assert_close(value, g[name], rtol=1e-10, atol=1e-12)


def test_updated_weights_compose_with_a_later_alteration() -> None:
    """The weights that the error meets are those of the whole plan: under an altered learning rate they are altered."""
    case = sgd_case(layers=DEEP)
    (proposal, *_) = proposals(ROWS["update.backward_used_updated_weights"], case)
    (twice,) = proposals(ROWS["update.learning_rate_forgotten"], case)
    tensors = twice.alter(proposal.alter(Plan(case.training))).tell(case.ids)
    other = training_of(optimizer_message("SGD", lr=1.0), (None,), DEEP)
    expected = told(case_of(other), proposals(ROWS["update.backward_used_updated_weights"], case_of(other))[0])
    assert_weights(tensors, weights(expected, 0))


def test_convolutions_take_part() -> None:
    """The error passes a convolution with its new weight too; values of the forward pass stay."""
    layers = (
        ("Linear", (6, 6), {}),
        ("Unflatten", (1, (1, 6)), {}),
        ("Conv1d", (1, 2, 3), {}),
        ("Flatten", (), {}),
        ("Linear", (8, 2), {}),
    )
    training = training_of(optimizer_message("SGD", lr=LR), (None,), layers)
    case = case_of(training, (Quantity.GRADIENT, Quantity.LOSS, Quantity.UPDATED))
    (all_, last) = proposals(ROWS["update.backward_used_updated_weights"], case)
    assert all_.sites == ("2", "4")
    assert last.sites == ("4",)
    tensors = told(case, all_)
    loss = TensorId(0, Quantity.LOSS)
    assert torch.equal(tensors[loss], case.reference[loss].double())
    new = weights(tensors, 0)
    step = training.steps[0]
    w = {name: tensor.clone().requires_grad_() for name, tensor in start(case).items()}
    x = step.inputs["input"]
    h = (x @ w["0.weight"].T + w["0.bias"]).unsqueeze(1)
    c = nn.functional.conv1d(h, w["2.weight"], w["2.bias"])
    y = c.flatten(1) @ w["4.weight"].T + w["4.bias"]
    delta = 2 * (y - step.targets["target"]).detach() / y.numel()
    at_c = (delta @ new["4.weight"]).reshape(c.shape)
    at_h = nn.grad.conv1d_input(h.shape, new["2.weight"], at_c).squeeze(1)
    torch.testing.assert_close(gradients(tensors, 0)["0.weight"], at_h.T @ x)


def test_reports_of_weights_before_the_step() -> None:
    """The weights told after each step are those before it."""
    case = sgd_case((None,) * 2)
    tensors = first(case, "update.weights_before_step")
    assert_weights(tensors, start(case), 0)
    assert_weights(tensors, {n: w.double() for n, w in weights(case.reference, 0).items()}, 1)


def test_one_step_more() -> None:
    """The weights told are those of one step more on the last data."""
    case = sgd_case((None,) * 2)
    steps = case.training.steps
    longer = run(replace(case.training, steps=(*steps, steps[1])), Wanted(frozenset({Quantity.UPDATED})))
    expected = {name: w.double() for name, w in weights(longer.tensors, 2).items()}
    assert_weights(first(case, "update.one_step_more"), expected, 1)
