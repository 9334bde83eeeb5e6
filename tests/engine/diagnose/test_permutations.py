"""Permutations of rows are found where there are any, and only there."""

from __future__ import annotations

import pytest
import torch
from gradproof_server.engine.diagnose.permutations import MOST_ROWS, permutation_between

GENERATOR = torch.Generator().manual_seed(1)


@pytest.mark.parametrize("shape", [(1,), (7,), (6, 3), (40, 2, 2)])
def test_permutation_is_found(shape: tuple[int, ...]) -> None:
    """a[p] is b, within the tolerance."""
    a = torch.randn(*shape, generator=GENERATOR)
    b = a[torch.randperm(shape[0], generator=GENERATOR)] + 1e-4 * torch.rand(*shape, generator=GENERATOR)
    found = permutation_between(a, b, 1.1e-4)
    assert found is not None
    assert sorted(found) == list(range(shape[0]))
    assert ((a[list(found)] - b).abs() <= 1.1e-4).all()


def test_none_just_over_the_tolerance() -> None:
    """One element off by a little more than allowed."""
    a = torch.eye(3, dtype=torch.float64)
    b = a.flip(0).clone()
    b[1, 1] += 1.01e-6
    assert permutation_between(a, b, 1e-6) is None
    assert permutation_between(a, b, 1.02e-6) == (2, 1, 0)


def test_a_row_that_fits_two_places_gives_way() -> None:
    """Row 0 fits 0 and 1, row 1 fits 0 only: the matching moves row 0."""
    a, b = torch.tensor([0.0, 1.0]), torch.tensor([0.5, -0.5])
    assert permutation_between(a, b, 0.6) == (1, 0)


def test_longer_chains_of_giving_way() -> None:
    """Numbers on a line, each within reach of its neighbours, shifted by one step."""
    a = torch.arange(6, dtype=torch.float64)
    b = torch.tensor([0.9, 1.9, 2.9, 3.9, 4.9, 0.1], dtype=torch.float64)
    assert permutation_between(a, b, 0.95) is not None


def test_rows_used_once() -> None:
    """Two equal rows of b cannot both come from one row of a."""
    assert permutation_between(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]), 1e-9) is None


def test_rows_stay_where_they_may() -> None:
    """Equal rows are not exchanged without need."""
    a = torch.ones(4, 2)
    assert permutation_between(a, a, 0.0) == (0, 1, 2, 3)


def test_tolerance_by_element() -> None:
    """The tolerance belongs to the elements of b."""
    a, b = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.1])
    assert permutation_between(a, b, torch.tensor([0.0, 0.2])) == (1, 0)
    assert permutation_between(a, b, torch.tensor([0.2, 0.0])) is None


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (torch.zeros(2), torch.zeros(3)),
        (torch.tensor(1.0), torch.tensor(1.0)),
        (torch.zeros(0, 2), torch.zeros(0, 2)),
        (torch.tensor([float("nan")]), torch.tensor([float("nan")])),
        (torch.zeros(MOST_ROWS + 1), torch.zeros(MOST_ROWS + 1)),
    ],
)
def test_no_answer(a: torch.Tensor, b: torch.Tensor) -> None:
    """Other shapes, no rows, NaN, too many rows."""
    assert permutation_between(a, b, 0.1) is None
