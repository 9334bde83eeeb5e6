"""Variants of gradients, steps and data give the numbers of the training, written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.variants import data, gradients, steps
from gradproof_server.engine.types import Quantity, TensorId

from tests.engine.loss_problems import Setting, Tensors, Told, close, differs, find, one_batch, rand, tell, texts_of
from tests.engine.loss_problems import gradients as gradients_of

VARIANTS = (*gradients.VARIANTS, *steps.VARIANTS, *data.VARIANTS)
N, K, RATE = 3, 2, 0.1
EVERYTHING = (Quantity.GRADIENT, Quantity.UPDATED, Quantity.LOSS)
BATCHES = [(rand(N, 3, seed=5 + i), {"target": rand(N, K, seed=20 + i)}) for i in range(3)]
ONE = Setting("MSELoss", BATCHES[:1], lr=RATE)
SAME = Setting("MSELoss", BATCHES[:1] * 3, lr=RATE)
THREE = Setting("MSELoss", BATCHES, lr=RATE)


def loss_by_hand(x: torch.Tensor, t: torch.Tensor, w: Tensors) -> torch.Tensor:
    """Mean squared error of the network."""
    y = torch.tanh(x @ w["0.weight"].T + w["0.bias"]) @ w["2.weight"].T + w["2.bias"]
    return ((y - t) ** 2).mean()


def gradient_by_hand(x: torch.Tensor, t: torch.Tensor, w: Tensors) -> Tensors:
    """Of the mean squared error."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in w.items()}
    loss = loss_by_hand(x, t, leaves)
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


def train(setting: Setting, used: Callable[[list[Tensors]], Tensors] = lambda seen: seen[-1]) -> Tensors:
    """Weights after gradient descent with what `used` makes of the gradients so far."""
    w, seen = setting.parameters, []
    for x, targets in setting.batches:
        seen.append(gradient_by_hand(x, targets["target"], w))
        step = used(seen)
        w = {name: w[name] - RATE * step[name] for name in w}
    return w


def added(seen: list[Tensors]) -> Tensors:
    """The sum of all gradients so far."""
    return {name: sum((g[name] for g in seen), torch.zeros(())) for name in seen[0]}


def averaged(seen: list[Tensors]) -> Tensors:
    """Their mean."""
    return {name: tensor / len(seen) for name, tensor in added(seen).items()}


def updated(told: Told, step: int) -> Tensors:
    """The told weights after a step."""
    return {id.name: tensor for id, tensor in told.items() if id.quantity is Quantity.UPDATED and id.step == step}


def first(case: Case, code: str, position: int = 0) -> Told:
    """What the proposal at a position tells."""
    return tell(case, list(find(VARIANTS, code).propose(case))[position])


@pytest.mark.parametrize(
    ("code", "used"),
    [
        ("gradient.not_zeroed", added),
        ("gradient.averaged_over_steps", averaged),
        ("gradient.computed_once", lambda seen: seen[0]),
        ("gradient.of_previous_step", lambda seen: seen[max(len(seen) - 2, 0)]),
        ("gradient.sign_flipped", lambda seen: {name: -g for name, g in seen[-1].items()}),
        ("gradient.backward_twice", lambda seen: {name: 2 * g for name, g in seen[-1].items()}),
        ("gradient.all_zeros", lambda seen: {name: 0 * g for name, g in seen[-1].items()}),
    ],
)
def test_training_with_other_gradients(code: str, used: Callable[[list[Tensors]], Tensors]) -> None:
    """The weights after three steps are those of gradient descent with the altered gradients."""
    case = THREE.case(*EVERYTHING)
    told = first(case, code)
    assert close(updated(told, 2), train(THREE, used))
    loss = TensorId(0, Quantity.LOSS)
    torch.testing.assert_close(told[loss], case.reference[loss])


def test_gradient_times_the_loss() -> None:
    """L·g, the gradient of ½L²."""
    case = ONE.case(Quantity.GRADIENT)
    value = loss_by_hand(BATCHES[0][0], BATCHES[0][1]["target"], ONE.parameters)
    expected = ONE.gradients_by_hand(lambda y: ((y - BATCHES[0][1]["target"]) ** 2).mean() ** 2 / 2)
    assert close(gradients_of(first(case, "gradient.multiplied_by_loss")), expected)
    assert f"{float(value):.6g}" in texts_of(*_row(case, "gradient.multiplied_by_loss"))[0]


def _row(case: Case, code: str) -> tuple[data.Variant, data.Proposal]:
    variant = find(VARIANTS, code)
    return variant, next(iter(variant.propose(case)))


def test_cut_graph_leaves_what_follows() -> None:
    """Behind a cut all is zero, what comes after the cut is as it was."""
    case = ONE.case(Quantity.GRADIENT)
    told = gradients_of(first(case, "gradient.graph_cut"))
    assert not told["0.weight"].any()
    assert not told["0.bias"].any()
    assert torch.equal(told["2.weight"], case.gradient("2.weight"))
    frozen = gradients_of(first(case, "gradient.parameter_frozen"))
    assert [bool(tensor.any()) for tensor in frozen.values()].count(False) == 1


def test_learning_rate_in_the_gradient() -> None:
    """η·g or -η·g is told as the gradient, and the step stays PyTorch's."""
    case = ONE.case(*EVERYTHING)
    for position, sign in enumerate((1, -1)):
        told = first(case, "gradient.learning_rate_included", position)
        expected = {name: sign * RATE * tensor for name, tensor in gradients_of(dict(case.reference)).items()}
        assert close(gradients_of(told), expected)
        assert close(updated(told, 0), updated(dict(case.reference), 0))
    step = gradients_of(first(case, "gradient.is_the_step"))
    assert close(step, {name: RATE * tensor for name, tensor in gradients_of(dict(case.reference)).items()})


def test_constants_are_named() -> None:
    """Each factor is proposed once, multiplies the gradient, and is named with its number."""
    case = ONE.case(Quantity.GRADIENT)
    proposals = list(find(VARIANTS, "gradient.scaled_by_constant").propose(case))
    names = [proposal.texts["factor"] for proposal in proposals]
    assert {"2", "½", "6, the number of outputs, N·K", "1/3, one over the batch size N"} <= set(names)
    weight = TensorId(0, Quantity.GRADIENT, "2.weight")
    factors = [float((tell(case, p)[weight] / case.reference[weight]).mean()) for p in proposals]
    assert factors[:3] == pytest.approx([2, 0.5, 6])
    assert len({round(factor, 12) for factor in factors}) == len(factors)


def test_steps_before_and_after() -> None:
    """Gradients and loss after the update, gradients of the last step, and the step told as the weights."""
    case = SAME.case(Quantity.GRADIENT, Quantity.UPDATED, Quantity.LOSS)
    two = replace(SAME, batches=SAME.batches[:2])
    x, t = BATCHES[0][0], BATCHES[0][1]["target"]
    one = train(ONE)
    assert close(gradients_of(first(case, "gradient.after_the_update")), gradient_by_hand(x, t, one))
    told = first(case, "loss.after_the_update")
    torch.testing.assert_close(told[TensorId(0, Quantity.LOSS)], loss_by_hand(x, t, one))
    third = gradients_of(first(case, "gradient.of_another_step"))
    assert close(third, gradient_by_hand(x, t, train(two)))
    change = updated(first(ONE.case(Quantity.UPDATED), "update.change_instead_of_weights"), 0)
    assert close(change, {name: before - one[name] for name, before in ONE.parameters.items()})


def _claiming(case: Case, step: int, quantity: Quantity) -> Case:
    """The same case that claims one quantity of one step."""
    claim = tuple(tensor for tensor in case.claim if tensor.id.step == step and tensor.id.quantity is quantity)
    return replace(case, claim=claim)


def test_one_step_has_no_step_before() -> None:
    """With a single step nothing adds up, and there is no other step."""
    case = ONE.case(*EVERYTHING)
    for code in ("gradient.not_zeroed", "gradient.averaged_over_steps", "gradient.computed_once",
                 "gradient.of_previous_step", "gradient.of_another_step",
                  "data.batches_in_reversed_order", "data.one_batch_in_all_steps"):  # fmt: skip
        assert not list(find(VARIANTS, code).propose(case)), code


def test_batches_in_other_orders() -> None:
    """Reversed, and the first one only."""
    case = _claiming(THREE.case(Quantity.UPDATED), 2, Quantity.UPDATED)
    assert close(
        updated(first(case, "data.batches_in_reversed_order"), 2), train(replace(THREE, batches=BATCHES[::-1]))
    )
    assert close(updated(first(case, "data.one_batch_in_all_steps"), 2), train(SAME))


@pytest.mark.parametrize(
    ("position", "change"),
    [(0, lambda t: t[[2, 1, 0]]), (1, lambda t: t[[1, 2, 0]]), (2, lambda t: t[[2, 0, 1]])],
)
def test_targets_of_other_samples(position: int, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Reversed, of the next sample, of the one before."""
    case = ONE.case(Quantity.GRADIENT)
    t = change(BATCHES[0][1]["target"])
    expected = ONE.gradients_by_hand(lambda y: ((y - t) ** 2).mean())
    assert close(gradients_of(first(case, "data.targets_of_other_samples", position)), expected)


def test_inputs_standardised() -> None:
    """(x - mean) / std in each column, the population's std first."""
    case = ONE.case(Quantity.GRADIENT)
    x, t = BATCHES[0][0], BATCHES[0][1]["target"]
    scaled = (x - x.mean(0)) / ((x - x.mean(0)) ** 2).mean(0).sqrt()
    assert close(gradients_of(first(case, "data.input_scaled")), gradient_by_hand(scaled, t, ONE.parameters))


CLASSES = one_batch("CrossEntropyLoss", torch.tensor([2, 0, 1, 2]), 3, lr=RATE)
BINARY = one_batch("BCEWithLogitsLoss", torch.tensor([[1.0], [0.0], [1.0]], dtype=torch.float64), 1)
SIGNS = one_batch("SoftMarginLoss", torch.tensor([[1.0], [-1.0], [1.0]], dtype=torch.float64), 1)
SQUARE = one_batch("MSELoss", rand(3, 3, seed=30), 3)
POOL = [ONE, SAME, THREE, CLASSES, BINARY, SIGNS, SQUARE]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.code)
def test_every_row_acts(variant: data.Variant) -> None:
    """Each row is proposed somewhere, runs, changes the numbers there, and reads well."""
    acted = 0
    for setting in POOL:
        whole = setting.case(*((*EVERYTHING, Quantity.STATE) if setting.lr else (Quantity.GRADIENT,)))
        last = len(setting.batches) - 1
        for case in (whole, _claiming(whole, last, Quantity.UPDATED)):
            for proposal in variant.propose(case) if case.claim else ():
                acted += differs(case, tell(case, proposal))
                assert not any(brace in text for text in texts_of(variant, proposal) for brace in "{}")
    assert acted


def test_alterations_add_up() -> None:
    """Reversed batches with gradients that add up: each acts on what the other left."""
    case = _claiming(THREE.case(Quantity.UPDATED), 2, Quantity.UPDATED)
    order = _row(case, "data.batches_in_reversed_order")[1]
    grow = _row(case, "gradient.not_zeroed")[1]
    told = grow.alter(order.alter(Plan(case.training))).tell(case.ids)
    assert close(updated(told, 2), train(replace(THREE, batches=BATCHES[::-1]), added))
