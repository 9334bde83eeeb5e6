"""What a witness will look at, how, and what that costs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from ..forward import call_node
from ..training import Training
from ..types import Claim, InvalidProblemError, Quantity, TensorId, Violation
from . import features
from .base import Base
from .lines import NOISE_POINTS, SCREEN_RUNGS
from .objective import Downstream
from .types import Array, Mode, Selection, TensorEstimate, WitnessEstimate, WitnessOptions

DIFFERENTIATED = (Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.NODE_GRADIENT)
AUTO_FLOPS = 2e10
"""Work up to which AUTO looks at every element of a tensor: seconds on one core."""
AUTO_LINES = 200_000
DIRECTIONS = "signs +1 and -1: torch.randint seeded by the first 7 bytes of SHA-256 of seed/quantity/name/step"
SLOWEST_FLOPS_PER_SECOND = 1e9
SECONDS_PER_EVALUATION = 1e-6
"""What an evaluation costs apart from the network: its point, its place on a ladder, its share of a verdict."""
MOVING = 4e-9
"""Seconds for each number of a tensor that is moved along a line: it is read, changed and written in main memory."""
CALLS_PER_TENSOR = 8
"""Calls of the network that a tensor takes at least: their fixed cost is most of a small run."""
Tensor = torch.Tensor


@dataclass(frozen=True)
class TensorPlan:
    """One tensor: the elements that are looked at singly (row-major positions), and how many random directions.

    whole: operations of all that lies downstream. flops: of one evaluation, which follows single elements if it can.
    """

    id: TensorId
    mode: Mode
    elements: Array
    directions: int
    downstream: Downstream
    whole: float
    flops: float

    @property
    def lines(self) -> int:
        """Elements and directions."""
        return len(self.elements) + self.directions

    @property
    def moved(self) -> float:
        """Numbers of the tensor itself that each evaluation makes anew: none where single elements are followed."""
        return max(self.flops - self.whole, 0.0)

    @property
    def evaluations(self) -> int:
        """Evaluations without refining: noise, and all lines to both sides."""
        return NOISE_POINTS + 2 * SCREEN_RUNGS * self.lines

    def estimate(self) -> TensorEstimate:
        """What it will cost."""
        size = self.downstream.base.variable(self.id).numel()
        return TensorEstimate(self.id, self.mode, size, self.lines, self.evaluations, self.flops)


@dataclass(frozen=True)
class Signs:
    """Random directions of one tensor: every component +1 or -1, drawn from the seed and the tensor's name. A single
    wrong element then shows in every direction by its whole error."""

    id: TensorId
    shape: torch.Size
    count: int
    seed: int

    @cached_property
    def rows(self) -> Tensor:
        """int8 [count, *shape]."""
        name = f"{self.seed}/{self.id.quantity.name}/{self.id.name}/{self.id.step}".encode()
        number = int.from_bytes(hashlib.sha256(name).digest()[:7], "little")
        generator = torch.Generator().manual_seed(number)
        return 2 * torch.randint(0, 2, (self.count, *self.shape), generator=generator, dtype=torch.int8) - 1


def check_options(training: Training, claim: Claim, options: WitnessOptions) -> None:
    """Raises InvalidProblemError for a step, a selection or a claim that the training does not have."""
    violations = []
    if options.step > training.last_step:
        text = f"{options.step}; the problem has the steps 0 to {training.last_step}"
        violations.append(Violation("options.step", "OUT_OF_RANGE", text))
    for i, tensor in enumerate(claim):
        if tensor.id.quantity not in DIFFERENTIATED or tensor.id.step != options.step:
            text = (
                f"{tensor.id.quantity.name} of step {tensor.id.step}; gradients of step {options.step} can be verified"
            )
            violations.append(Violation(f"claim.tensors[{i}].id", "NOT_DIFFERENTIATED", text))
    if violations:
        raise InvalidProblemError(violations)


def plans_of(base: Base, claim: Claim, options: WitnessOptions) -> tuple[TensorPlan, ...]:
    """The tensors to look at, in the network's order. Raises InvalidProblemError for a selection that is not there."""
    chosen = {selection.id: selection for selection in options.only} or _everything(base, claim)
    _check_chosen(base, options)
    work = node_flops(base)
    suspects = {tensor.id: tensor.value for tensor in claim}
    return tuple(_plan(base, id, selection, suspects.get(id), work, options) for id, selection in chosen.items())


def _everything(base: Base, claim: Claim) -> dict[TensorId, Selection]:
    kinds = (Quantity.GRADIENT, Quantity.INPUT_GRADIENT)
    ids = [id for kind in kinds for id in base.gradients if id.quantity is kind]
    claimed = [tensor.id for tensor in claim]
    return {id: Selection(id) for id in [*ids, *claimed] if _differentiable(base, id)}


def _differentiable(base: Base, id: TensorId) -> bool:
    return id.quantity is not Quantity.GRADIENT or id.name not in base.training.frozen


def _check_chosen(base: Base, options: WitnessOptions) -> None:
    violations = []
    for i, selection in enumerate(options.only):
        id = replace(selection.id, step=options.step)
        if id not in base.gradients or not _differentiable(base, id):
            known = ", ".join(k.name for k in base.gradients if k.quantity is id.quantity and _differentiable(base, k))
            text = f"{id.quantity.name} {id.name!r}; there are {known or 'none of that quantity'}"
            violations.append(Violation(f"options.only[{i}].id", "UNKNOWN_TENSOR", text))
        elif any(element >= base.variable(id).numel() for element in selection.elements):
            text = f"{max(selection.elements)}; {id.name!r} has {base.variable(id).numel()} elements"
            violations.append(Violation(f"options.only[{i}].elements", "OUT_OF_RANGE", text))
    if violations:
        raise InvalidProblemError(violations)


def _plan(
    base: Base,
    id: TensorId,
    selection: Selection,
    claimed: Tensor | None,
    work: Mapping[str, float],
    options: WitnessOptions,
) -> TensorPlan:
    id = replace(id, step=options.step)
    downstream = Downstream(base, id)
    flops = sum(work[node.name] for node in downstream.nodes)
    size = base.variable(id).numel()
    single = features.operations(base, downstream.nodes, id, work)
    single += 0 if features.enters(base, downstream.nodes, id) else size
    if selection.elements:
        elements = np.unique(np.array(selection.elements, dtype=np.int64))
        return TensorPlan(id, Mode.ELEMENTS, elements, 0, downstream, flops, single)
    few = size <= options.directions + options.samples
    cheap = 2 * SCREEN_RUNGS * size * single <= AUTO_FLOPS and size <= AUTO_LINES
    if options.mode is Mode.ELEMENTS or (options.mode is Mode.AUTO and (cheap or few)):
        return TensorPlan(id, Mode.ELEMENTS, np.arange(size), 0, downstream, flops, single)
    elements = sampled(base.gradients[id], claimed, options)
    return TensorPlan(id, Mode.DIRECTIONS, elements, options.directions, downstream, flops, flops + size)


def sampled(reference: Tensor, claimed: Tensor | None, options: WitnessOptions) -> Array:
    """Positions to look at singly: half where the claim is farthest from the reference, the others by chance."""
    size, count = reference.numel(), min(options.samples, reference.numel())
    random = np.random.default_rng([options.seed, size]).choice(size, count, replace=False)
    if claimed is None or claimed.numel() != size:
        return np.sort(random)
    distance = (claimed.double() - reference.double()).abs().flatten().nan_to_num(float("inf"))
    far = distance.topk(min(max(8, count // 2), size)).indices.numpy()
    return np.unique(np.concatenate([far, random]))


def node_flops(base: Base) -> dict[str, float]:
    """Floating-point operations of each node: those of matrix products and convolutions, and one per element made."""
    tensors = {**base.parameters, **{name: t.clone() for name, t in base.buffers.items()}}
    work = {}
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        for node in base.program.nodes:
            before = counter.get_total_flops()
            given = tuple(base.values[key] for key in node.inputs)
            named = {argument: base.values[key] for argument, key in node.named_inputs}
            outputs = call_node(node, base.program, tensors, given, named, torch.float64)
            work[node.name] = float(counter.get_total_flops() - before + sum(output.numel() for output in outputs))
    return work


def estimate_of(plans: tuple[TensorPlan, ...]) -> WitnessEstimate:
    """The cost of all tensors together; seconds from the measured time of a call."""
    tensors = tuple(plan.estimate() for plan in plans)
    flops = sum(t.evaluations * t.flops_per_evaluation for t in tensors)
    return WitnessEstimate(tensors, sum(t.evaluations for t in tensors), flops, _seconds(plans))


def _seconds(plans: tuple[TensorPlan, ...]) -> float:
    """Of the operations, and of the calls: both from one call of the most expensive tensor's part of the network.
    What follows single elements is no matrix product and runs at the slowest rate."""
    if not plans:
        return 0.0
    plan = max(plans, key=lambda plan: plan.evaluations * plan.whole)
    started = time.perf_counter()
    plan.downstream.loss_at_base()
    call = time.perf_counter() - started
    rate = max(plan.whole / call, SLOWEST_FLOPS_PER_SECOND)
    work = sum(
        p.evaluations * (min(p.flops, p.whole) / (rate if p.moved else SLOWEST_FLOPS_PER_SECOND) + MOVING * p.moved)
        for p in plans
    )
    evaluations = sum(p.evaluations for p in plans)
    return work + SECONDS_PER_EVALUATION * evaluations + CALLS_PER_TENSOR * len(plans) * call
