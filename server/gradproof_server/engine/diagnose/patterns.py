"""Patterns between a claimed tensor and its reference: ratios, signs, transpositions, permutations, bounds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import torch

from ..types import ClaimedTensor, Quantity
from .case import Case
from .constants import name_factor
from .fit import tolerance

ENOUGH = 2
"""Numbers that a pattern must hold for to be worth saying."""


def observe(case: Case, tensor: ClaimedTensor) -> Iterator[str]:
    """Sentences on how the claimed numbers relate to the reference; the first is the plainest."""
    claimed, reference = tensor.value.double(), case.reference[tensor.id].double()
    if claimed.shape != reference.shape or claimed.numel() == 0:
        return
    name = _what(tensor)
    if not claimed.any():
        yield f"{name}: every claimed number is zero"
        return
    if not claimed.isfinite().all():
        yield f"{name}: {int((~claimed.isfinite()).sum())} claimed numbers are not finite"
        return
    moved, right = case.moved(tensor.id, claimed), case.moved(tensor.id, reference)
    allowed = tolerance(case, tensor, reference)
    found = list(_relations(case, name, moved, right, allowed))
    yield from found or _single_elements(name, moved, right, allowed)


def _what(tensor: ClaimedTensor) -> str:
    if tensor.id.quantity is Quantity.UPDATED:
        return f"change of {tensor.id.name}"
    if tensor.id.quantity is Quantity.LOSS:
        return "loss"
    return f"{tensor.id.quantity.name.lower().replace('_', ' ')} {tensor.id.name}"


def _relations(
    case: Case, name: str, claimed: torch.Tensor, reference: torch.Tensor, allowed: torch.Tensor
) -> Iterator[str]:
    ratio = constant_ratio(claimed, reference, allowed)
    if ratio is not None:
        meaning = name_factor(case, ratio, max(2e-4, _ratio_error(reference, allowed)))
        yield f"{name}: {ratio:.6g} times the reference" + (f" ({meaning})" if meaning else "")
        return
    if _close(claimed.abs(), reference.abs(), allowed):
        yield f"{name}: right up to the sign of some elements"
    yield from _arrangements(name, claimed, reference, allowed)
    yield from _by_row(name, claimed, reference, allowed)
    bound = claimed.abs().max()
    if claimed.numel() > ENOUGH and int((claimed.abs() == bound).sum()) > claimed.numel() // 2:
        yield f"{name}: most claimed numbers are ±{float(bound):.6g}, as if clipped there"


def constant_ratio(claimed: torch.Tensor, reference: torch.Tensor, allowed: torch.Tensor) -> float | None:
    """c with claimed = c · reference within the tolerance, for at least two numbers that are not zero; else None."""
    norm = float((reference * reference).sum())
    if norm == 0 or int((reference.abs() > allowed).sum()) < min(ENOUGH, reference.numel()):
        return None
    ratio = float((claimed * reference).sum()) / norm
    return ratio if ratio and _close(claimed, ratio * reference, allowed * max(1.0, abs(ratio))) else None


def _ratio_error(reference: torch.Tensor, allowed: torch.Tensor) -> float:
    """How precisely a ratio is known, from the largest number."""
    largest = float(reference.abs().max())
    return float(allowed.max()) / largest if largest else 1.0


def _close(a: torch.Tensor, b: torch.Tensor, allowed: torch.Tensor) -> bool:
    return bool(((a - b).abs() <= allowed).all())


def _arrangements(name: str, claimed: torch.Tensor, reference: torch.Tensor, allowed: torch.Tensor) -> Iterator[str]:
    if claimed.dim() == 2 and claimed.shape[0] == claimed.shape[1] > 1 and _close(claimed, reference.T, allowed):
        yield f"{name}: the transpose of the reference"
    elif claimed.numel() > ENOUGH:
        order, wanted = claimed.flatten().sort().values, reference.flatten().sort().values
        if _close(order, wanted, allowed.flatten()):
            yield f"{name}: the right numbers in another order"


def _by_row(name: str, claimed: torch.Tensor, reference: torch.Tensor, allowed: torch.Tensor) -> Iterator[str]:
    if claimed.dim() < 2 or claimed.shape[0] < 2 or claimed.shape[1] < 2:
        return
    for axis, word in ((0, "row"), (1, "column")):
        c, r, a = (t.movedim(axis, 0).flatten(1) for t in (claimed, reference, allowed))
        ratios = list(takewhile(lambda ratio: ratio is not None, map(constant_ratio, c, r, a)))
        if len(ratios) == len(c):
            shown = ", ".join(f"{ratio:.4g}" for ratio in ratios[:6])
            yield f"{name}: each {word} is a constant times the reference ({shown})"
            return
        wrong = (~((c - r).abs() <= a)).any(1).nonzero().flatten().tolist()
        if len(wrong) == 1 and c.shape[0] > ENOUGH:
            yield f"{name}: only {word} {wrong[0]} is wrong"
            return


def _single_elements(name: str, claimed: torch.Tensor, reference: torch.Tensor, allowed: torch.Tensor) -> Iterator[str]:
    bad = (claimed - reference).abs() > allowed
    count = int(bad.sum())
    if 0 < count <= max(1, claimed.numel() // 4):
        index = tuple(int(i) for i in bad.nonzero()[0])
        yield f"{name}: {count} of {claimed.numel()} numbers are wrong, the first at {list(index)}"
    else:
        difference = (claimed - reference).flatten()
        spread = float((difference - difference.mean()).abs().max())
        if claimed.numel() > ENOUGH and spread <= float(allowed.max()):
            yield f"{name}: off by the same amount everywhere, {float(difference.mean()):.6g}"
