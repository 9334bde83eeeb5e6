"""VerifyGradients: PyTorch's gradients, and a claim, held against numerical differentiation of the stated loss."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from ..determinism import deterministic
from ..run import device_name
from ..training import Training
from ..types import GRAVITY, Claim, Quantity, ShouldStop, TensorId, Verdict, gravest
from . import derivatives, words
from .base import Base, base_of, root_mean_square
from .budget import Budget, OutOfBudgetError
from .departures import explained
from .judge import NEGLIGIBLE, Measure, Stated, causes_of, judge
from .kinks import MOST_KINKS, bends
from .lines import Answer, Ask, Measured, Setting, listen, measure, refine, relay
from .plan import DIRECTIONS, TensorPlan, check_options, estimate_of, plans_of
from .slopes import EPS, Slopes
from .subjects import Stating, subjects_of
from .tensor_lines import TensorLines
from .types import (
    Array,
    Cause,
    Judgement,
    Kink,
    Subject,
    Sweep,
    TensorWitness,
    WitnessEvent,
    WitnessOptions,
    WitnessReport,
)

MOST_FOLLOWED = 32
"""Lines of a tensor along which kinks are looked for."""
T = TypeVar("T")
Steps = Generator[WitnessEvent, None, T]


def verify(
    training: Training, claim: Claim, options: WitnessOptions, should_stop: ShouldStop
) -> Iterator[WitnessEvent]:
    """First the estimate, then progress and tensors as they are done, last the report.

    Raises:
        InvalidProblemError: PyTorch cannot run the problem, or the options or the claim name what is not there.
        MemoryError: the memory of the device is not enough.
        StoppedError: `should_stop` returned True.
    """
    check_options(training, claim, options)
    base = base_of(training, options.step, should_stop)
    with deterministic(base.training), torch.no_grad():
        plans = plans_of(base, claim, options)
        estimate = estimate_of(plans)
        yield estimate
        if options.estimate_only:
            return
        budget = Budget(options, should_stop, estimate.evaluations)
        with torch.enable_grad():
            subjects = subjects_of(base, training, claim, should_stop)
        done: list[TensorWitness] = []
        try:
            curvature: Mapping[TensorId, Judgement] = {}
            if options.second_order:
                curvature = derivatives.second_order(base, plans, options.seed, budget.spend)
            elsewhere = NEGLIGIBLE * largest_change(base)
            for plan in plans:
                tensor = yield from _tensor(plan, subjects, curvature.get(plan.id), elsewhere, budget)
                done.append(tensor)
                yield tensor
        except OutOfBudgetError:
            pass
        left = tuple(plan.id for plan in plans[len(done) :])
        yield _report(done, left, bool(claim), base.loss, device_name(base.training.device), budget)


def largest_change(base: Base) -> float:
    """The largest product of a gradient's element with the root mean square of what it is taken of."""
    found = [
        float(gradient.abs().max()) * root_mean_square(base.variable(id))
        for id, gradient in base.gradients.items()
        if gradient.numel() and id.quantity is not Quantity.NODE_GRADIENT
    ]
    return max((change for change in found if np.isfinite(change)), default=0.0)


def _report(
    done: list[TensorWitness], left: tuple[TensorId, ...], claimed: bool, value: float, device: str, budget: Budget
) -> WitnessReport:
    judgements = [j for tensor in done for j in tensor.judgements]
    reference = words.verdict_of((j for j in judgements if j.subject is not Subject.CLAIM), left)
    of_claim = words.verdict_of((j for j in judgements if j.subject is Subject.CLAIM), left)
    return WitnessReport(
        verdict=gravest([reference, of_claim], Verdict.INCONCLUSIVE) if claimed else reference,
        reference_verdict=reference,
        claim_verdict=of_claim if claimed else None,
        tensors=tuple(done),
        not_reached=left,
        complete=not left,
        evaluations=budget.evaluations,
        seconds=budget.seconds,
        value=value,
        rounding_noise=budget.noise,
        repeat_noise=0.0,
        summary=words.summary(done, left),
        seed=budget.options.seed,
        device=device,
        directions=DIRECTIONS,
    )


def _tensor(
    plan: TensorPlan, subjects: tuple[Stating, ...], curvature: Judgement | None, elsewhere: float, budget: Budget
) -> Steps[TensorWitness]:
    """All that is to be said of one tensor. elsewhere: a negligible change of the loss, over one scale of a tensor."""
    lines = TensorLines(plan, budget.options.seed)
    noise = yield from _drive(listen(lines.noisy, lines.scale, EPS), lines, budget)
    heard = max(float(noise[0]), plan.downstream.base.rounding)
    budget.noise = max(budget.noise, heard)
    setting = lines.setting(heard).first(plan.lines)
    stated = [lines.stated(subject) for subject in subjects if plan.id in subject.values]
    size = np.max([np.abs(s.values).max(initial=0.0) for s in stated]) * setting.scale

    def measure_of(slopes: Slopes) -> Measure:
        return Measure(slopes, words.largest_of(slopes, len(plan.elements), elsewhere / lines.typical))

    def unclear(slopes: Slopes) -> Array:
        found: Array = np.logical_or.reduce(
            [causes_of(s, measure_of(slopes))[0] != int(Verdict.AGREES) for s in stated]
        )
        return found

    measured: Measured = yield from _drive(measure(setting, size, unclear), lines, budget)
    kinks, allowed = _kinks(lines, stated, measure_of(measured.slopes), budget)
    found = replace(measure_of(measured.slopes), allowed=allowed)
    judgements = [judge(s, found, lines.place) for s in stated]
    sweep = yield from _sweep(lines, setting, stated, judgements, budget)
    others = (derivatives.forward_mode(lines, elsewhere), curvature)
    told = tuple(explained(j, plan.downstream) for j in (*judgements, *others) if j)
    return words.tensor_witness(lines, stated, found, measured, told, kinks, sweep, budget.options)


def _drive(measuring: Generator[Ask, Answer, T], lines: TensorLines, budget: Budget) -> Steps[T]:
    """Answers what a measurement asks, chunk by chunk, and tells how far it is; what the measurement returns."""

    def answer(ask: Ask) -> Steps[Answer]:
        values = np.empty(len(ask.offsets))
        for where, part in lines.evaluated(ask):
            values[where] = part
            budget.spend(len(part))
            yield from budget.progress(lines.plan.id)
        return Answer(values[:, None], ask.offsets)

    return (yield from relay(measuring, answer))


def _kinks(
    lines: TensorLines, stated: list[Stated], measure: Measure, budget: Budget
) -> tuple[tuple[Kink, ...], Array]:
    """Kinks along the lines that need a word, and the derivatives that conventions at them allow, [2, L]."""
    allowed = np.full((2, len(measure.slopes.value)), np.nan)
    causes = [causes_of(s, measure) for s in stated]
    open_ = [(v != int(Verdict.AGREES)) | (c == int(Cause.KINK_CONVENTION)) for v, c in causes]
    kinks: dict[tuple[str, tuple[int, ...]], Kink] = {}
    for line in map(int, np.flatnonzero(np.logical_or.reduce(open_))[:MOST_FOLLOWED]):
        budget.spend(2)
        found = bends(lines.plan.downstream, lines.short(line, measure.slopes), float(stated[0].values[line]))
        if found.kinks:
            allowed[:, line] = found.least, found.largest
        for kink in found.kinks:
            kinks.setdefault((kink.node, kink.index), kink)
    return tuple(kinks.values())[:MOST_KINKS], allowed


def _sweep(
    lines: TensorLines, setting: Setting, stated: list[Stated], judgements: list[Judgement], budget: Budget
) -> Steps[Sweep | None]:
    """The long ladder of the worst line of the subject that fares worst; None where all agree."""
    judgement, subject = min(zip(judgements, stated, strict=True), key=lambda pair: GRAVITY.index(pair[0].verdict))
    worst = judgement.worst
    if worst is None or (judgement.verdict is Verdict.AGREES and not budget.options.include_values):
        return None
    line = lines.number(words.place_of(worst))
    first = setting.first_steps(np.abs(subject.values) * setting.scale)
    ladder = yield from _drive(refine(setting, np.array([line]), first[[line]]), lines, budget)
    return words.sweep_of(worst, ladder, 0, float(subject.values[line]))
