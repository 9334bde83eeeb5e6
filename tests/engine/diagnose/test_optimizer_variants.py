"""Variants of optimizers against their formulas, written once more by hand in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from gradproof_server.engine.diagnose.variant import Variant
from gradproof_server.engine.diagnose.variants import (
    adam,
    adam_family,
    adaptive,
    optimizer_arguments,
    sgd,
    sibling_optimizers,
)

from tests.engine.training_problems import case_of, optimizer_message, proposals, told, training_of, weights

MODULES = (adam, adam_family, adaptive, optimizer_arguments, sgd, sibling_optimizers)
ROWS = {variant.code.removeprefix("optimizer."): variant for module in MODULES for variant in module.VARIANTS}
RATES = (0.1, 0.1, 0.03)
LAYERS = (("Linear", (3, 2), {}),)
Array = np.ndarray
Rule = Callable[[Array, Array, float, dict[str, Any], int], Array]
"""From weights, gradient, learning rate, own memory and t = 1, 2, ... to new weights."""


def by_hand(training: Any, rule: Rule) -> list[dict[str, Array]]:
    """Weights after each step: a linear layer under MSELoss, differentiated and updated by hand."""
    w = {name: tensor.numpy() for name, tensor in training.parameters_before.items()}
    memory: dict[str, dict[str, Any]] = {name: {} for name in w}
    after = []
    for t, step in enumerate(training.steps, start=1):
        x, target = step.inputs["input"].numpy(), step.targets["target"].numpy()
        delta = 2 * (x @ w["0.weight"].T + w["0.bias"] - target) / target.size
        gradient = {"0.weight": delta.T @ x, "0.bias": delta.sum(0)}
        w = {name: rule(w[name], gradient[name], step.lr, memory[name], t) for name in w}
        after.append(w)
    return after


def check(variant: Variant, optimizer: str, arguments: dict[str, Any], rule: Rule, rates: Any = RATES) -> None:
    """One of the variant's proposals gives the weights of the rule after every step."""
    training = training_of(optimizer_message(optimizer, lr=0.1, **arguments), rates, LAYERS)
    expected = by_hand(training, rule)
    case = case_of(training)
    assert any(not np.allclose(expected[-1][n], r, 1e-9) for n, r in weights(case.reference, len(rates) - 1).items())

    def fits(tensors: Any) -> bool:
        pairs = ((weights(tensors, k)[n], e) for k, after in enumerate(expected) for n, e in after.items())
        return all(torch.allclose(told_, torch.tensor(e), rtol=1e-9, atol=1e-11) for told_, e in pairs)

    assert [p for p in proposals(variant, case) if fits(told(case, p))], variant.code


def label(value: Any) -> str:
    """Codes and names as ids of tests."""
    return value if isinstance(value, str) else ""


MU, TAU = 0.9, 0.3


def lr_inside(w: Array, g: Array, lr: float, m: dict[str, Any], t: int) -> Array:
    """v = μ·v + η·g."""
    m["v"] = MU * m.get("v", 0) + lr * g
    return w - m["v"]


def averaged(w: Array, g: Array, lr: float, m: dict[str, Any], t: int) -> Array:
    """b = μ·b + (1−μ)·g."""
    m["b"] = MU * m.get("b", 0) + (1 - MU) * g
    return w - lr * m["b"]


def averaged_from_first(w: Array, g: Array, lr: float, m: dict[str, Any], t: int) -> Array:
    """b = g, then the average."""
    m["b"] = g if t == 1 else MU * m["b"] + (1 - MU) * g
    return w - lr * m["b"]


def damped_at_once(w: Array, g: Array, lr: float, m: dict[str, Any], t: int) -> Array:
    """b = μ·b + (1−τ)·g from zero."""
    m["b"] = MU * m.get("b", 0) + (1 - TAU) * g
    return w - lr * m["b"]


def undamped(w: Array, g: Array, lr: float, m: dict[str, Any], t: int) -> Array:
    """b = μ·b + g."""
    m["b"] = MU * m.get("b", 0) + g
    return w - lr * m["b"]


def nesterov(w: Array, g: Array, lr: float, m: dict[str, Any], t: int) -> Array:
    """g + μ·b."""
    m["b"] = MU * m.get("b", 0) + g
    return w - lr * (g + MU * m["b"])


def subtracted(w: Array, g: Array, lr: float, m: dict[str, Any], t: int) -> Array:
    """b = g − μ·b."""
    m["b"] = g - MU * m.get("b", 0)
    return w - lr * m["b"]


def plain(w: Array, g: Array, lr: float, m: dict[str, Any], t: int) -> Array:
    """Gradient descent."""
    return w - lr * g


MOMENTUM = {"momentum": MU}
SGD_ROWS: list[tuple[str, dict[str, Any], Rule]] = [
    ("sgd.lr_inside_velocity", MOMENTUM, lr_inside),
    ("sgd.averaged_momentum", MOMENTUM, averaged),
    ("sgd.averaged_momentum_from_first", MOMENTUM, averaged_from_first),
    ("sgd.dampening_at_first_step", {"momentum": MU, "dampening": TAU}, damped_at_once),
    ("sgd.dampening_ignored", {"momentum": MU, "dampening": TAU}, undamped),
    ("sgd.nesterov_ignored", {"momentum": MU, "nesterov": True}, undamped),
    ("sgd.nesterov_undeclared", MOMENTUM, nesterov),
    ("sgd.velocity_sign", MOMENTUM, subtracted),
    ("sgd.momentum_ignored", MOMENTUM, plain),
    ("sgd.momentum_undeclared", {}, undamped),
]


@pytest.mark.parametrize(("code", "arguments", "rule"), SGD_ROWS, ids=label)
def test_sgd(code: str, arguments: dict[str, Any], rule: Rule) -> None:
    """The variant's weights are those of its formula, over steps with different learning rates."""
    check(ROWS[code], "SGD", arguments, rule)


def test_look_ahead_nesterov() -> None:
    """The gradient is taken at w + μ·v and the weights are told without the look-ahead (Sutskever et al. 2013)."""
    training = training_of(optimizer_message("SGD", lr=0.1, momentum=MU, nesterov=True), RATES, LAYERS)
    w = {name: tensor.numpy() for name, tensor in training.parameters_before.items()}
    v = {name: np.zeros_like(value) for name, value in w.items()}
    expected = []
    for step in training.steps:
        x, target = step.inputs["input"].numpy(), step.targets["target"].numpy()
        ahead = {name: w[name] + MU * v[name] for name in w}
        delta = 2 * (x @ ahead["0.weight"].T + ahead["0.bias"] - target) / target.size
        gradient = {"0.weight": delta.T @ x, "0.bias": delta.sum(0)}
        v = {name: MU * v[name] - step.lr * gradient[name] for name in w}
        w = {name: w[name] + v[name] for name in w}
        expected.append(w)
    case = case_of(training)
    tensors = told(case, proposals(ROWS["sgd.look_ahead_nesterov"], case)[0])
    for k, after in enumerate(expected):
        for name, value in after.items():
            torch.testing.assert_close(weights(tensors, k)[name], torch.tensor(value), rtol=1e-10, atol=1e-12)


B1, B2, EPS, DECAY = 0.8, 0.95, 0.01, 0.3
BETAS = {"betas": (B1, B2), "eps": EPS}


def moments(g: Array, m: dict[str, Any]) -> tuple[Array, Array]:
    """m and v of Adam."""
    m["m"] = B1 * m.get("m", 0) + (1 - B1) * g
    m["v"] = B2 * m.get("v", 0) + (1 - B2) * g**2
    return m["m"], m["v"]


def from_moments(step: Callable[[Array, Array, int], Array], decay: float = 0.0) -> Rule:
    """w − η·step(m, v, t), λ·w being in the gradient."""

    def rule(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
        return w - lr * step(*moments(g + decay * w, memory), t)

    return rule


def hat(m: Array, t: int) -> Array:
    """m/(1−β₁ᵗ)."""
    return m / (1 - B1**t)


def root(v: Array, t: int) -> Array:
    """√(v/(1−β₂ᵗ))."""
    return np.sqrt(v / (1 - B2**t))


def amsgrad_corrected(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
    """The largest v̂ so far."""
    m, v = moments(g, memory)
    memory["max"] = np.maximum(memory.get("max", 0), v / (1 - B2**t))
    return w - lr * hat(m, t) / (np.sqrt(memory["max"]) + EPS)


def decoupled(order: str) -> Rule:
    """Weight decay beside Adam's step."""

    def rule(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
        m, v = moments(g, memory)
        step = lr * hat(m, t) / (root(v, t) + EPS)
        if order == "after":
            return (w - step) * (1 - lr * DECAY)
        return w * (1 - (DECAY if order == "without lr" else lr * DECAY)) - step

    return rule


ADAM = from_moments(lambda m, v, t: hat(m, t) / (root(v, t) + EPS))
ADAM_ROWS: list[tuple[str, str, dict[str, Any], Rule]] = [
    ("adam.no_bias_correction", "Adam", BETAS, from_moments(lambda m, v, t: m / (np.sqrt(v) + EPS))),
    ("adam.second_moment_uncorrected", "Adam", BETAS, from_moments(lambda m, v, t: hat(m, t) / (np.sqrt(v) + EPS))),
    ("adam.first_moment_uncorrected", "Adam", BETAS, from_moments(lambda m, v, t: m / (root(v, t) + EPS))),
    (
        "adam.beta_without_power",
        "Adam",
        BETAS,
        from_moments(lambda m, v, t: hat(m, 1) / (root(v, 1) + EPS)),
    ),
    ("adam.step_count_one_ahead", "Adam", BETAS, from_moments(lambda m, v, t: hat(m, t + 1) / (root(v, t + 1) + EPS))),
    ("adam.eps_inside_root", "Adam", BETAS, from_moments(lambda m, v, t: hat(m, t) / np.sqrt(root(v, t) ** 2 + EPS))),
    (
        "adam.eps_hat",
        "Adam",
        BETAS,
        from_moments(lambda m, v, t: np.sqrt(1 - B2**t) / (1 - B1**t) * m / (np.sqrt(v) + EPS)),
    ),
    ("adam.root_forgotten", "Adam", BETAS, from_moments(lambda m, v, t: hat(m, t) / (root(v, t) ** 2 + EPS))),
    ("adam.second_moment_unused", "Adam", BETAS, from_moments(lambda m, v, t: hat(m, t))),
    (
        "adam.second_correction_outside_root",
        "Adam",
        BETAS,
        from_moments(lambda m, v, t: hat(m, t) / (np.sqrt(v) / (1 - B2**t) + EPS)),
    ),
    (
        "adam.amsgrad_ignored",
        "Adam",
        BETAS | {"amsgrad": True},
        from_moments(lambda m, v, t: hat(m, t) / (root(v, t) + EPS)),
    ),
    ("adam.amsgrad_after_correction", "Adam", BETAS | {"amsgrad": True}, amsgrad_corrected),
    ("adamw_instead_of_adam", "Adam", BETAS | {"weight_decay": DECAY}, decoupled("before")),
    ("adam.decay_without_lr", "AdamW", BETAS | {"weight_decay": DECAY}, decoupled("without lr")),
    ("adam.decay_after_step", "AdamW", BETAS | {"weight_decay": DECAY}, decoupled("after")),
    (
        "adam_instead_of_adamw",
        "AdamW",
        BETAS | {"weight_decay": DECAY},
        from_moments(lambda m, v, t: hat(m, t) / (root(v, t) + EPS), DECAY),
    ),
    ("sgd_instead_of_adam", "Adam", BETAS, plain),
    (
        "adam.betas_swapped",
        "Adam",
        {"betas": (B2, B1), "eps": EPS},
        from_moments(lambda m, v, t: hat(m, t) / (root(v, t) + EPS)),
    ),
    (
        "adam.beta1_sibling",
        "Adam",
        {"betas": (0.7, B2), "eps": EPS},
        from_moments(lambda m, v, t: hat(m, t) / (root(v, t) + EPS)),
    ),
]


@pytest.mark.parametrize(("code", "optimizer", "arguments", "rule"), ADAM_ROWS, ids=label)
def test_adam(code: str, optimizer: str, arguments: dict[str, Any], rule: Rule) -> None:
    """The variant's weights are those of its formula, over steps with different learning rates."""
    check(ROWS[code], optimizer, arguments, rule)


def adamax_rule(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
    """ε after the maximum."""
    memory["m"] = B1 * memory.get("m", 0) + (1 - B1) * g
    memory["u"] = np.maximum(B2 * memory.get("u", 0), np.abs(g))
    return w - lr / (1 - B1**t) * memory["m"] / (memory["u"] + EPS)


def nadam_rule(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
    """A constant β₁, as Optax has it."""
    m, v = moments(g, memory)
    numerator = B1 * m / (1 - B1 ** (t + 1)) + (1 - B1) * g / (1 - B1**t)
    return w - lr * numerator / (root(v, t) + EPS)


ALPHA = 0.9


def square(memory: dict[str, Any], g: Array, start: float = 0.0) -> Array:
    """The mean square of RMSprop."""
    memory["s"] = ALPHA * memory.get("s", start) + (1 - ALPHA) * g**2
    return memory["s"]


def plain_rmsprop(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
    """RMSprop without anything added."""
    return w - lr * g / (np.sqrt(square(memory, g)) + EPS)


def rmsprop_buffer(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
    """The learning rate inside the momentum buffer."""
    memory["b"] = MU * memory.get("b", 0) + lr * g / (np.sqrt(square(memory, g)) + EPS)
    return w - memory["b"]


def adagrad_rule(start: float, inside: bool, decay: Callable[[int], float] = lambda t: 1.0) -> Rule:
    """Adagrad with another start, place of ε, or decrease."""

    def rule(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
        s = memory["s"] = memory.get("s", start) + g**2
        return w - lr * decay(t) * g / (np.sqrt(s + EPS) if inside else np.sqrt(s) + EPS)

    return rule


def adadelta_rule(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
    """ε outside the roots."""
    s = square(memory, g)
    delta = (np.sqrt(memory.get("a", 0)) + EPS) / (np.sqrt(s) + EPS) * g
    memory["a"] = ALPHA * memory.get("a", 0) + (1 - ALPHA) * delta**2
    return w - lr * delta


RMS = {"alpha": ALPHA, "eps": EPS}
OTHER_ROWS: list[tuple[str, str, dict[str, Any], Rule]] = [
    ("adamax.eps_outside_maximum", "Adamax", BETAS, adamax_rule),
    ("nadam.constant_momentum", "NAdam", BETAS, nadam_rule),
    ("rmsprop.eps_inside_root", "RMSprop", RMS, lambda w, g, lr, m, t: w - lr * g / np.sqrt(square(m, g) + EPS)),
    ("rmsprop.starts_at_one", "RMSprop", RMS, lambda w, g, lr, m, t: w - lr * g / (np.sqrt(square(m, g, 1.0)) + EPS)),
    ("rmsprop.lr_inside_buffer", "RMSprop", RMS | {"momentum": MU}, rmsprop_buffer),
    (
        "rmsprop.centered_ignored",
        "RMSprop",
        RMS | {"centered": True},
        lambda w, g, lr, m, t: w - lr * g / (np.sqrt(square(m, g)) + EPS),
    ),
    (
        "rmsprop.alpha_sibling",
        "RMSprop",
        {"alpha": 0.99, "eps": EPS},
        lambda w, g, lr, m, t: w - lr * g / (np.sqrt(square(m, g)) + EPS),
    ),
    ("adagrad.eps_inside_root", "Adagrad", {"eps": EPS}, adagrad_rule(0.0, inside=True)),
    ("adagrad.initial_accumulator_sibling", "Adagrad", {"eps": EPS}, adagrad_rule(0.1, inside=False)),
    ("adagrad.lr_decay_ignored", "Adagrad", {"eps": EPS, "lr_decay": 0.5}, adagrad_rule(0.0, inside=False)),
    (
        "adagrad.lr_decay_one_early",
        "Adagrad",
        {"eps": EPS, "lr_decay": 0.5},
        adagrad_rule(0.0, inside=False, decay=lambda t: 1 / (1 + 0.5 * t)),
    ),
    ("adadelta.eps_outside_root", "Adadelta", {"rho": ALPHA, "eps": EPS}, adadelta_rule),
    ("sgd_instead_of_rmsprop", "RMSprop", RMS, plain),
]


@pytest.mark.parametrize(("code", "optimizer", "arguments", "rule"), OTHER_ROWS, ids=label)
def test_other(code: str, optimizer: str, arguments: dict[str, Any], rule: Rule) -> None:
    """The variant's weights are those of its formula, over steps with different learning rates."""
    check(ROWS[code], optimizer, arguments, rule)


def test_step_count_per_tensor() -> None:
    """The t of the i-th of P tensors in step k, from 0, is k·P + i + 1."""
    training = training_of(optimizer_message("Adam", lr=0.1, **BETAS), RATES, LAYERS)
    order = list(training.parameters_before)

    def rule(w: Array, g: Array, lr: float, memory: dict[str, Any], t: int) -> Array:
        count = (t - 1) * 2 + (order.index("0.weight") if w.ndim == 2 else order.index("0.bias")) + 1
        m, v = moments(g, memory)
        return w - lr * hat(m, count) / (root(v, count) + EPS)

    check(ROWS["adam.step_count_per_tensor"], "Adam", BETAS, rule)
