"""What a witness says: of one tensor, and of all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from ..names import describe
from ..types import TensorId, Verdict, gravest
from .judge import Measure, Place, Stated
from .lines import Measured, taylor_order
from .slopes import Ladder, Slopes
from .tensor_lines import TensorLines
from .types import (
    Array,
    Cause,
    Judgement,
    Kink,
    Mode,
    Subject,
    Sweep,
    TensorWitness,
    WitnessedValue,
    WitnessOptions,
)

MOST_NAMED = 6


def verdict_of(judgements: Iterable[Judgement], left: Sequence[TensorId]) -> Verdict:
    """The gravest of the judgements; nothing is called right of which a part was not reached."""
    open_ = [Verdict.INCONCLUSIVE] if left else []
    return gravest([*(judgement.verdict for judgement in judgements), *open_], Verdict.INCONCLUSIVE)


def place_of(value: WitnessedValue) -> Place:
    """Where a value belongs."""
    return Place(value.index, value.direction, value.output_index)


def sweep_of(worst: WitnessedValue, ladder: Ladder, row: int, stated: float) -> Sweep:
    """The gaps over the ladder's steps of its line `row`, which is that of the worst value."""
    with np.errstate(all="ignore"):
        steps, slopes, rounding = (
            tuple(map(float, array[row])) for array in (ladder.steps, ladder.central, ladder.rounding)
        )
    return Sweep(worst.index, worst.direction, steps, slopes, rounding, stated)


def largest_of(slopes: Slopes, elements: int, elsewhere: float) -> Array:
    """The derivative beside which a bar is narrow [L]: the largest among elements, and among directions; at least
    `elsewhere`, which the rest of the network makes large."""
    known = np.where(np.isfinite(slopes.value), np.abs(slopes.value), 0.0)
    single, along = known[:elements].max(initial=elsewhere), known[elements:].max(initial=elsewhere)
    return np.concatenate([np.full(elements, single), np.full(len(known) - elements, along)])


def tensor_witness(
    lines: TensorLines,
    stated: Sequence[Stated],
    measure: Measure,
    measured: Measured,
    judgements: tuple[Judgement, ...],
    kinks: tuple[Kink, ...],
    sweep: Sweep | None,
    options: WitnessOptions,
) -> TensorWitness:
    """All that was found of one tensor."""
    slopes, elements = measure.slopes, len(lines.plan.elements)
    detectable = detectable_error(slopes, stated[0], elements)
    largest = lines.largest_gradient
    relative = detectable / largest if largest else float("inf")
    values = options.include_values
    return TensorWitness(
        id=lines.plan.id,
        mode=lines.plan.mode,
        elements=lines.x.numel(),
        elements_checked=elements,
        directions_checked=lines.plan.directions,
        judgements=judgements,
        kinks=kinks,
        detectable=detectable,
        detectable_relative=relative,
        note=note(lines, measure, detectable),
        sweep=sweep,
        positions=tuple(map(int, lines.plan.elements)) if values else (),
        numeric=torch.from_numpy(slopes.value[:elements].copy()) if values else None,
        bars=torch.from_numpy(slopes.bar[:elements].copy()) if values else None,
        stated=torch.from_numpy(stated[-1].values[:elements].copy()) if values else None,
        taylor_order=taylor_order(measured.screen, stated[0].values),
        shape=tuple(lines.x.shape),
    )


def detectable_error(slopes: Slopes, stated: Stated, elements: int) -> float:
    """The smallest error of a single element that could not have stayed hidden: two bars and the tolerance.

    Among elements the widest counts, since any may be wrong; among directions the narrowest, since each of them shows
    every element. Where both were looked at, the wider of the two kinds holds only for elements that no line singles
    out, so that the directions count.
    """
    limits = np.where(np.isfinite(slopes.bar), 2 * slopes.bar, np.inf) + stated.tolerance
    if len(limits) > elements:
        return float(limits[elements:].min())
    return float(limits.max(initial=0.0))


def note(lines: TensorLines, measure: Measure, detectable: float) -> str:
    """What should be known of a check: dead, at an optimum, what it could not have seen."""
    plan, still = lines.plan, stillness(measure.slopes)
    texts = [
        still,
        coverage(plan.mode, plan.directions, len(plan.elements), lines.x.numel(), detectable),
    ]
    if not still and lines.largest_gradient and detectable >= lines.largest_gradient:
        texts.append("This check could not have failed: what it can see is larger than every derivative of the tensor.")
    return " ".join(text for text in texts if text)


def stillness(slopes: Slopes) -> str:
    """Whether a tensor has no derivative to speak of, in words; empty where it has, and where a judgement tells it."""
    if (
        len(slopes.value)
        and not slopes.constant.all()
        and bool((np.abs(slopes.value) <= slopes.bar).all())
        and not slopes.kinked.any()
    ):
        widest = float(slopes.bar.max())
        return f"Its derivatives are 0 within {widest:.2g}: at an optimum, or without effect. Displace the point."
    return ""


def coverage(mode: Mode, directions: int, elements: int, size: int, detectable: float) -> str:
    """What random directions could have seen, in words; empty where every element was looked at."""
    if mode is not Mode.DIRECTIONS:
        return ""
    return (
        f"{directions} directions and {elements} single elements of {size}: one wrong element shows from an error of "
        f"{detectable:.2g} on; several wrong ones cancel in all directions with a chance of at most "
        f"{2.0**-directions:.2g}."
    )


def summary(done: Sequence[TensorWitness], left: Sequence[TensorId]) -> str:
    """Which side is wrong, and what is open, in a few sentences."""
    texts = []
    reference = _tensors_with(done, Verdict.DISAGREES, claim=False)
    claim = _tensors_with(done, Verdict.DISAGREES, claim=True)
    if reference:
        texts.append(f"PyTorch's own derivative is not that of the stated loss: {_names(reference)}.")
    if claim:
        side = "" if reference else " PyTorch's derivative is confirmed there: the claim is wrong."
        texts.append(f"The claim is not the derivative of the stated loss: {_names(claim)}.{side}")
    unsure = _tensors_with(done, Verdict.INCONCLUSIVE, claim=None)
    if unsure:
        texts.append(f"Not to be decided: {_names(unsure)}.")
    if left:
        texts.append(f"Not reached: {_names(left)}.")
    if not texts:
        confirmed = f"All {len(done)} tensors are confirmed by numerical differentiation."
        texts.append(confirmed if done else "There is nothing to differentiate.")
    conventions = [t.id for t in done if any(j.cause is Cause.KINK_CONVENTION for j in t.judgements)]
    if conventions:
        texts.append(f"At kinks a convention was met, and accepted: {_names(conventions)}.")
    return " ".join(texts)


def function_summary(done: Sequence[TensorWitness], left: Sequence[TensorId]) -> str:
    """What a check of a caller's own function found, in a few sentences."""
    texts = []
    for verdict, text in (
        (Verdict.DISAGREES, "The claimed derivative is not that of the function: {}."),
        (Verdict.INCONCLUSIVE, "Not to be decided: {}."),
    ):
        names = [tensor.id.name or "the tangent" for tensor in done if tensor.judgements[0].verdict is verdict]
        texts += [text.format(", ".join(names))] if names else []
    if left:
        texts.append(f"Not reached: {', '.join(id.name or 'the tangent' for id in left)}.")
    return " ".join(texts) or "The claimed derivative is that of the function, as far as its values tell."


def _tensors_with(done: Sequence[TensorWitness], verdict: Verdict, claim: bool | None) -> list[TensorId]:
    def counts(judgement: Judgement) -> bool:
        mine = claim is None or (judgement.subject is Subject.CLAIM) == claim
        return mine and judgement.verdict is verdict

    return [tensor.id for tensor in done if any(map(counts, tensor.judgements))]


def _names(ids: Sequence[TensorId]) -> str:
    more = f", and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return ", ".join(describe(id) for id in ids[:MOST_NAMED]) + more
