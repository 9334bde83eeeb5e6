"""PyTorch's other ways to a derivative, held against its reverse mode: forward mode, and second derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch

from ..errors import TORCH_ERRORS
from ..forward import forward, loss_of
from ..types import ProblemError, Quantity, TensorId, Verdict
from .base import Base, root_mean_square, set_random_state
from .judge import NEGLIGIBLE, Measure, Place, Stated, causes_of, judge
from .lines import Answer, Ask, Setting, drive, listen, measure
from .plan import Signs, TensorPlan
from .slopes import EPS, Slopes
from .tensor_lines import TensorLines
from .types import Array, Cause, Judgement, Subject

MOST_OUTPUTS = 4096
"""Elements of a tensor whose second derivatives are looked at."""
NEAR = 1e-6
"""Step, beside the parameters' size, at which a kink of the gradient at the point itself is looked for."""
BENT = 1e-2
"""Share by which the gradient's slopes on the two sides differ at a kink; without one they differ by NEAR's order."""
ROUNDING_OF_NEGLIGIBLE = 1e-9
"""Share of a negligible change that rounding may make up, where a derivative is 0 by cancellation."""
Tensor = torch.Tensor


def forward_mode(lines: TensorLines, negligible: float) -> Judgement | None:
    """The derivative along the first random direction by forward mode, against reverse mode; None where an operation
    has no forward mode. negligible: a change of the loss over one scale that is small beside the network's others."""
    downstream, id = lines.plan.downstream, lines.plan.id
    direction = lines.signs[0].double()
    try:
        found = downstream.derivative_along(direction)
    except (*TORCH_ERRORS, ProblemError):
        return None
    if found is None:
        return None
    gradient = downstream.base.gradients[id].double()
    stated = float((gradient * direction.cpu()).sum())
    allowed = 64 * EPS * float(gradient.abs().sum()) + ROUNDING_OF_NEGLIGIBLE * negligible / lines.typical
    flat = Slopes(
        *(
            np.array([v])
            for v in (stated, allowed, allowed, stated, stated, allowed, np.nan, np.nan, False, False, False)
        )
    )
    judgement = judge(
        Stated(Subject.FORWARD_MODE, np.array([found]), np.array([0.0])),
        Measure(flat, np.array([np.inf])),
        lambda _: Place(direction=1),
    )
    if judgement.verdict is Verdict.AGREES:
        return replace(judgement, cause=Cause.UNSPECIFIED, explanation="")
    text = f"Along direction 1 forward mode gives {found:.10g} and reverse mode {stated:.10g}."
    return replace(judgement, explanation=text)


def second_order(
    base: Base, plans: tuple[TensorPlan, ...], seed: int, spend: Callable[[int], None]
) -> dict[TensorId, Judgement]:
    """Products of the Hessian with one random direction of all parameters, by reverse mode over reverse mode, against
    differences of gradients. By parameter; at most MOST_OUTPUTS elements of each. Empty where PyTorch has no second
    derivative of an operation. spend: counts evaluations (a gradient counts as three)."""
    parameters = [plan.id for plan in plans if plan.id.quantity is Quantity.GRADIENT]
    if not parameters:
        return {}
    direction = {id.name: _direction(base, id, seed) for id in parameters}
    try:
        products = _products(base, direction)
    except (*TORCH_ERRORS, ProblemError):
        return {}

    def evaluate(ask: Ask) -> Answer:
        spend(3 * len(ask.offsets))
        rows = [_flat(_gradients(base, _moved(base, direction, float(t)))) for t in ask.offsets]
        return Answer(np.stack(rows), ask.offsets)

    center, stated = _flat(_gradients(base, _moved(base, direction, 0.0))), _flat(products)
    outputs = len(center)
    setting = Setting(center, np.zeros(outputs), EPS, np.ones(1), np.zeros(1, dtype=bool), np.zeros((1, outputs)))
    noise = drive(listen(np.zeros(1, dtype=np.int64), setting.scale, EPS), evaluate)
    size = np.array([np.abs(center).max(initial=0.0)])
    negligible = NEGLIGIBLE * max(float(size[0]), float(np.abs(stated).max(initial=0.0)))

    def unclear(slopes: Slopes) -> Array:
        found: Array = causes_of(_stated(stated), _measure(slopes, negligible))[0] != int(Verdict.AGREES)
        return found

    measured = drive(measure(replace(setting, noise=noise), size, unclear), evaluate)
    near = evaluate(Ask(np.zeros(2, dtype=np.int64), np.array([NEAR, -NEAR]))).values
    slopes = _with_kinks(measured.slopes, (center - near[1]) / NEAR, (near[0] - center) / NEAR, noise / NEAR)
    return _by_parameter(base, parameters, slopes, stated, negligible)


def _with_kinks(slopes: Slopes, left: Array, right: Array, rounding: Array) -> Slopes:
    """The slopes of the gradient, with its kinks as the slopes close to the point on either side show them."""
    size = np.maximum(np.abs(left), np.abs(right))
    bent = (np.abs(right - left) > BENT * size + 4 * rounding) & ~slopes.kinked
    return replace(
        slopes,
        kinked=slopes.kinked | bent,
        left=np.where(bent, left, slopes.left),
        right=np.where(bent, right, slopes.right),
    )


def _by_parameter(
    base: Base, parameters: list[TensorId], slopes: Slopes, stated: Array, negligible: float
) -> dict[TensorId, Judgement]:
    found, at = {}, 0
    for id in parameters:
        shape = tuple(base.parameters[id.name].shape)
        count = min(base.parameters[id.name].numel(), MOST_OUTPUTS)
        part = slice(at, at + count)

        def place(line: int, shape: tuple[int, ...] = shape) -> Place:
            return Place(tuple(int(i) for i in np.unravel_index(line, shape)))

        found[id] = judge(_stated(stated[part]), _measure(slopes.of(part), negligible), place)
        at += count
    return found


def _stated(values: Array) -> Stated:
    return Stated(Subject.SECOND_ORDER, values, 1e-10 * np.abs(values) + 1e-12 * np.abs(values).max(initial=0.0))


def _measure(slopes: Slopes, negligible: float) -> Measure:
    """Where the gradient itself has a kink there is no second derivative, and none is called wrong."""
    largest = max(float(np.nan_to_num(np.abs(slopes.value), posinf=0.0).max(initial=0.0)), negligible)
    anything = np.where(slopes.kinked, [[-np.inf], [np.inf]], np.nan)
    return Measure(slopes, np.full(len(slopes.value), largest), allowed=anything)


def _direction(base: Base, id: TensorId, seed: int) -> Tensor:
    x = base.parameters[id.name]
    signs = Signs(id, x.shape, 1, seed).rows[0].to(x.device).double()
    return signs * (root_mean_square(x) or 1.0)


def _moved(base: Base, direction: Mapping[str, Tensor], offset: float) -> dict[str, Tensor]:
    return {name: base.parameters[name] + offset * d for name, d in direction.items()}


def _loss(base: Base, parameters: Mapping[str, Tensor]) -> Tensor:
    program = base.program
    tensors = {**base.parameters, **{name: t.clone() for name, t in base.buffers.items()}, **parameters}
    if base.random_states:
        set_random_state(next(iter(base.random_states.values())), base.training.device)
    inputs = {name: base.values[name] for name in program.inputs}
    values = forward(program, tensors, inputs, torch.float64)
    return loss_of(program, tensors, values, base.targets).reshape(())


def _gradients(base: Base, parameters: Mapping[str, Tensor]) -> list[Tensor]:
    with torch.enable_grad():
        leaves = {name: t.detach().requires_grad_() for name, t in parameters.items()}
        made = torch.autograd.grad(
            _loss(base, leaves), list(leaves.values()), allow_unused=True, materialize_grads=True
        )
    return list(made)


def _products(base: Base, direction: Mapping[str, Tensor]) -> list[Tensor]:
    with torch.enable_grad():
        leaves = {name: base.parameters[name].detach().clone().requires_grad_() for name in direction}
        some = list(leaves.values())
        first = torch.autograd.grad(
            _loss(base, leaves), some, create_graph=True, allow_unused=True, materialize_grads=True
        )
        along = torch.stack([(g * d).sum() for g, d in zip(first, direction.values(), strict=True)]).sum()
        if not along.requires_grad:
            return [torch.zeros_like(t) for t in some]
        made = torch.autograd.grad(along, some, allow_unused=True, materialize_grads=True)
    return list(made)


def _flat(tensors: list[Tensor]) -> Array:
    parts = [t.detach().reshape(-1)[:MOST_OUTPUTS].cpu() for t in tensors]
    return torch.cat(parts).numpy()
