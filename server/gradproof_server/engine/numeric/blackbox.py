"""CheckFunction: the derivative of a function that only its caller can evaluate, against numerical differentiation.

A generator asks for the function's values at batches of points and says in the end what they tell. Steps, bars and
verdicts are those of `verify`; the caller's dtypes bring their own rounding, which is measured.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch

from ..run import never
from ..types import ShouldStop, TensorId, Verdict
from . import words
from .budget import Budget, OutOfBudgetError
from .function_parts import NOISE_LINES, STATED_UNITS, Part, parts_of, place_of
from .judge import OF_THE_LARGEST, Measure, Stated, causes_of, judge
from .lines import NOISE_SAFETY, Answer, Ask, Measured, Setting, listen, measure, refine, relay, taylor_order
from .plan import DIRECTIONS
from .resemblance import resemblance
from .slopes import EPS, Slopes
from .space import Space
from .types import (
    Array,
    DerivativeKind,
    FunctionClaim,
    FunctionEvent,
    Judgement,
    Mode,
    PointBatch,
    Subject,
    Sweep,
    TensorEstimate,
    TensorWitness,
    WitnessEstimate,
    WitnessOptions,
    WitnessReport,
)

REPEATS = 8
"""Times that the point itself is asked for, to see whether the function repeats itself."""
BATCH_BYTES = 4 * 2**20
BATCH_POINTS = 4096
T = TypeVar("T")
Tensor = torch.Tensor
Steps = Generator[FunctionEvent, Tensor | None, T]


def resolution_of(eps: float) -> float:
    """Widest bar, beside the largest derivative, with which anything is called right."""
    return float(np.clip(16 * np.sqrt(eps), 1e-3, 0.25))


@dataclass
class _Conversation:
    """What is asked of the caller, within the budget."""

    claim: FunctionClaim
    space: Space
    budget: Budget
    batches: int = 0

    @property
    def batch_points(self) -> int:
        """Points of one batch."""
        fit = max(1, BATCH_BYTES // max(self.space.bytes_per_point, self.claim.output.numel() * 8, 1))
        return min(fit, self.claim.max_batch or BATCH_POINTS)

    def values(self, points: Array, id: TensorId) -> Steps[Array]:
        """The function's outputs at points [P, N]: [P, M], float64, and progress by the way."""
        rows = []
        for at in range(0, len(points), self.batch_points):
            part = points[at : at + self.batch_points]
            self.budget.spend(len(part))
            self.batches += 1
            answer = yield PointBatch(self.batches, len(part), self.space.tensors(part))
            assert answer is not None
            rows.append(self.outputs(answer, len(part)))
            yield from self.budget.progress(id)
        return np.concatenate(rows)

    def outputs(self, values: Tensor, points: int) -> Array:
        """[P, M] of the function's values at P points: all outputs, or their one combination by a cotangent."""
        found: Array = values.double().reshape(points, -1).numpy()
        if self.claim.kind is DerivativeKind.VJP:
            found = found @ self.claim.along[""].double().reshape(-1, 1).numpy()
        return found


def check_function(claim: FunctionClaim, options: WitnessOptions, should_stop: ShouldStop = never) -> Steps[None]:
    """First the estimate, then batches of points and progress, last the report.

    After a `PointBatch` the function's values are sent in, [points, *output.shape]; after other events None. The
    claim's names, shapes and dtypes fit each other. Raises StoppedError where `should_stop` returned True.
    """
    space = Space(claim.point)
    parts = parts_of(space, claim, options)
    expected = REPEATS + sum(part.evaluations for part in parts)
    estimates = (TensorEstimate(p.id, p.mode, p.elements, len(p.stated), p.evaluations, 0.0) for p in parts)
    yield WitnessEstimate(tuple(estimates), expected, 0.0, 0.0)
    if options.estimate_only:
        return
    talk = _Conversation(claim, space, Budget(options, should_stop, expected))
    done: list[TensorWitness] = []
    center = repeat = noise = np.full(1, np.nan)
    try:
        repeated = yield from talk.values(np.repeat(space.flat[None], REPEATS, axis=0), parts[0].id)
        center, repeat = repeated.mean(0), repeated.std(0, ddof=1)
        noise = np.zeros(len(center))
        for part in parts:
            heard, tensor = yield from _tensor(part, center, repeat, talk)
            noise = np.maximum(noise, heard)
            done.append(tensor)
    except OutOfBudgetError:
        pass
    yield _report(talk, parts, done, center, repeat, noise)


def _report(
    talk: _Conversation, parts: tuple[Part, ...], done: list[TensorWitness], center: Array, repeat: Array, noise: Array
) -> WitnessReport:
    left = tuple(part.id for part in parts[len(done) :])
    verdict = words.verdict_of((j for tensor in done for j in tensor.judgements), left)
    return WitnessReport(
        verdict=verdict,
        reference_verdict=verdict,
        claim_verdict=verdict,
        tensors=tuple(done),
        not_reached=left,
        complete=not left,
        evaluations=talk.budget.evaluations,
        seconds=talk.budget.seconds,
        value=float(center[0]),
        rounding_noise=float(noise.max(initial=0.0)),
        repeat_noise=float(repeat.max(initial=0.0)),
        summary=_summary(talk, done, left, center, repeat),
        seed=talk.budget.options.seed,
        device="",
        directions=DIRECTIONS,
    )


def _summary(
    talk: _Conversation, done: list[TensorWitness], left: tuple[TensorId, ...], center: Array, repeat: Array
) -> str:
    texts = [words.function_summary(done, left)]
    if repeat.max(initial=0.0) > 0:
        texts.append(f"Asked again at the same point, the function's value spreads by {repeat.max():.2g}.")
    stated = talk.outputs(talk.claim.output, 1)[0]
    off = np.abs(stated - center)
    eps = torch.finfo(talk.claim.output.dtype).eps
    room = STATED_UNITS * eps * np.abs(center).max(initial=0.0) + 6 * repeat.max(initial=0.0)
    if np.isfinite(center).all() and (off > room).any():
        texts.append(f"The stated output is not what the function gives at the point: it is off by {off.max():.2g}.")
    return " ".join(texts)


def _tensor(part: Part, center: Array, repeat: Array, talk: _Conversation) -> Steps[tuple[Array, TensorWitness]]:
    """All that is to be said of one tensor; and the noise that was heard along it [M]."""
    outputs = len(center)
    eps = max(float(talk.space.eps.max(initial=0.0)), torch.finfo(talk.claim.output.dtype).eps)
    guessed = np.full(len(part.scale), part.guessed)
    blur = np.zeros((len(part.scale), outputs))
    silent = Setting(center, np.zeros(outputs), eps, part.scale, guessed, blur)
    along = np.unique(np.linspace(0, len(part.scale) - 1, NOISE_LINES).astype(np.int64))
    heard = yield from _drive(listen(along, part.scale, eps), part, talk)
    noise = np.maximum(heard, NOISE_SAFETY * repeat)
    kept = len(part.stated)
    setting = replace(silent, noise=noise).first(kept)
    size = np.abs(np.where(np.isfinite(part.stated), part.stated, 0.0)).max(initial=0.0) * setting.scale
    stated = Stated(Subject.CLAIM, part.stated.reshape(-1), part.tolerance.reshape(-1), talk.claim.output.dtype)

    def measure_of(slopes: Slopes) -> Measure:
        known = np.where(np.isfinite(slopes.value), np.abs(slopes.value), 0.0).reshape(-1, outputs)
        largest = np.broadcast_to(known.max(0, initial=0.0), known.shape).reshape(-1)
        share = OF_THE_LARGEST if eps <= EPS else 1.0
        return Measure(slopes, largest, resolution_of(eps), share, noisy=bool(repeat.max(initial=0.0) > 0))

    def unclear(slopes: Slopes) -> Array:
        found: Array = causes_of(stated, measure_of(slopes))[0] != int(Verdict.AGREES)
        return found

    measured = yield from _drive(measure(setting, size, unclear), part, talk)
    found = measure_of(measured.slopes)
    judgement = judge(stated, found, lambda line: place_of(part, line, talk.claim))
    sweep = yield from _sweep(part, setting, stated, judgement, talk)
    return noise, _witness(part, stated, found, measured, judgement, sweep, talk)


def _drive(measuring: Generator[Ask, Answer, T], part: Part, talk: _Conversation) -> Steps[T]:
    """Brings what a measurement asks to the caller; what the measurement returns."""

    def answer(ask: Ask) -> Steps[Answer]:
        rows, offsets = [], []
        for at in range(0, len(ask.lines), talk.batch_points):
            cut = slice(at, at + talk.batch_points)
            points, real = part.lines.points(ask.lines[cut], ask.offsets[cut])
            rows.append((yield from talk.values(points, part.id)))
            offsets.append(real)
        return Answer(np.concatenate(rows), np.concatenate(offsets))

    return (yield from relay(measuring, answer))


def _sweep(
    part: Part, setting: Setting, stated: Stated, judgement: Judgement, talk: _Conversation
) -> Steps[Sweep | None]:
    """The long ladder of the worst line, where it did not agree."""
    if judgement.worst is None or judgement.verdict is Verdict.AGREES:
        return None
    outputs = part.stated.shape[1]
    places = [place_of(part, line, talk.claim) for line in range(len(stated.values))]
    flat = places.index(words.place_of(judgement.worst))
    line, output = divmod(flat, outputs)
    first = setting.first_steps(np.abs(part.stated).max(1) * setting.scale)
    ladder = yield from _drive(refine(setting, np.array([line]), first[[line]]), part, talk)
    return words.sweep_of(judgement.worst, ladder, output, float(stated.values[flat]))


def _witness(
    part: Part,
    stated: Stated,
    found: Measure,
    measured: Measured,
    judgement: Judgement,
    sweep: Sweep | None,
    talk: _Conversation,
) -> TensorWitness:
    slopes, singles, outputs = found.slopes, len(part.lines.elements), part.stated.shape[1]
    count = singles * outputs
    detectable = words.detectable_error(slopes, stated, count)
    largest = float(np.abs(np.where(np.isfinite(part.stated), part.stated, 0.0)[: singles or None]).max(initial=0.0))
    values = talk.budget.options.include_values
    return TensorWitness(
        id=part.id,
        mode=part.mode,
        elements=part.elements,
        elements_checked=singles,
        directions_checked=len(part.stated) - singles,
        judgements=(judgement,),
        detectable=detectable,
        detectable_relative=detectable / largest if largest else float("inf"),
        note=_note(part, found, stated, judgement, detectable),
        sweep=sweep,
        positions=tuple(int(e) - part.lines.space.slices[part.name].start for e in part.lines.elements)
        if values
        else (),
        numeric=torch.from_numpy(slopes.value[:count].copy()) if values else None,
        bars=torch.from_numpy(slopes.bar[:count].copy()) if values else None,
        stated=torch.from_numpy(stated.values[:count].copy()) if values else None,
        taylor_order=taylor_order(measured.screen, stated.values),
        shape=part.shape,
    )


def _note(part: Part, found: Measure, stated: Stated, judgement: Judgement, detectable: float) -> str:
    singles, along = len(part.lines.elements), len(part.stated) - len(part.lines.elements)
    texts = [words.coverage(part.mode, along, singles, part.elements, detectable)] if part.name else []
    texts += [] if found.noisy else [words.stillness(found.slopes)]
    if judgement.verdict is Verdict.DISAGREES and part.mode is Mode.ELEMENTS:
        outputs = part.stated.shape[1]
        shape = (outputs, part.elements) if outputs > 1 else part.shape
        slack = 2 * found.slopes.bar + stated.tolerance
        claimed, numeric, room = (
            a.reshape(-1, outputs).T.reshape(-1) for a in (stated.values, found.slopes.value, slack)
        )
        texts.append(resemblance(claimed, numeric, room, shape))
    return " ".join(text for text in texts if text)
