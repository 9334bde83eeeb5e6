"""Whether one tensor is another with its rows in another order."""

from __future__ import annotations

import torch

MOST_ROWS = 1_024
"""Tensors of more rows are not compared: every row is held against every other."""


def permutation_between(a: torch.Tensor, b: torch.Tensor, tolerance: torch.Tensor | float) -> tuple[int, ...] | None:
    """A permutation p with |a[p[i]] - b[i]| <= tolerance for every row i; None where there is none.

    a, b: of one shape, at least one dimension; rows are along the first. tolerance: a number, or element by element for
    b. A row stays where it is if it may; NaN equals nothing. Exact: a maximum matching of rows that are equal within
    the tolerance, by augmenting paths.
    """
    if a.shape != b.shape or a.dim() == 0 or not 0 < a.shape[0] <= MOST_ROWS:
        return None
    fitting = _fitting(a.double(), b.double(), tolerance)
    candidates = [_candidates(row, i) for i, row in enumerate(fitting.tolist())]
    if not all(candidates):
        return None
    return _matching(candidates)


def _fitting(a: torch.Tensor, b: torch.Tensor, tolerance: torch.Tensor | float) -> torch.Tensor:
    """[i, j]: whether row j of a may stand for row i of b."""
    n = a.shape[0]
    rows = a.reshape(n, -1)
    allowed = torch.as_tensor(tolerance, dtype=torch.float64, device=b.device).expand_as(b).reshape(n, -1)
    wanted = b.reshape(n, -1)
    return torch.stack([((rows - wanted[i]).abs() <= allowed[i]).all(1) for i in range(n)])


def _candidates(fits: list[bool], own: int) -> list[int]:
    others = [j for j, fit in enumerate(fits) if fit and j != own]
    return [own, *others] if fits[own] else others


def _matching(candidates: list[list[int]]) -> tuple[int, ...] | None:
    taken: dict[int, int] = {}
    for i in range(len(candidates)):
        if not _place(i, candidates, taken):
            return None
    places = {i: j for j, i in taken.items()}
    return tuple(places[i] for i in range(len(candidates)))


def _place(start: int, candidates: list[list[int]], taken: dict[int, int]) -> bool:
    """Gives row `start` a partner, moving others along an augmenting path, breadth first."""
    came_from: dict[int, int] = {}
    waiting = [start]
    for i in waiting:
        for j in candidates[i]:
            if j in came_from:
                continue
            came_from[j] = i
            if j not in taken:
                _turn(j, start, candidates, taken, came_from)
                return True
            waiting.append(taken[j])
    return False


def _turn(end: int, start: int, candidates: list[list[int]], taken: dict[int, int], came_from: dict[int, int]) -> None:
    held = {i: j for j, i in taken.items()}
    j = end
    while True:
        i = came_from[j]
        before = held.get(i)
        taken[j] = i
        if i == start:
            return
        assert before is not None
        j = before
