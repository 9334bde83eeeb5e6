"""Random rounding, held against what a smaller type can hold."""

from __future__ import annotations

import pytest
import torch
from gradproof_server.engine.rounding import FUSED, RandomRounding
from torch._decomp import decomposition_table
from torch.nn import functional as F

TYPES = (torch.float32, torch.bfloat16, torch.float16)


def numbers(*shape: int) -> torch.Tensor:
    """Normal numbers of float64."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("dtype", TYPES)
def test_results_are_numbers_of_the_type_within_a_unit(dtype: torch.dtype) -> None:
    """What an operation gives is held by the type, and off by at most one of its units, up and down."""
    x = numbers(1000)
    with RandomRounding(dtype, 0):
        y = x + 1
    gaps = (y - (x + 1)) / (torch.finfo(dtype).eps * (x + 1).abs())
    assert torch.equal(y.to(dtype).double(), y)
    assert float(gaps.abs().max()) <= 1
    assert bool((gaps > 0.4).any() and (gaps < -0.4).any())


@pytest.mark.parametrize("dtype", [*TYPES, torch.float64])
def test_exact_results_stay(dtype: torch.dtype) -> None:
    """Small integers through products, sums, kinks and their gradients are as without rounding."""
    x = torch.tensor([[1.0, -2.0], [2.0, 1.0]], dtype=torch.float64, requires_grad=True)
    with RandomRounding(dtype, 3, 4.0):
        y = torch.relu(x @ torch.tensor([[2.0], [1.0]], dtype=torch.float64)).sum()
        y.backward()
    assert float(y.detach()) == 5.0
    assert x.grad is not None
    assert x.grad.tolist() == [[0.0, 0.0], [2.0, 1.0]]


@pytest.mark.parametrize("dtype", [*TYPES, torch.float64])
def test_two_seeds_move_in_opposite_directions(dtype: torch.dtype) -> None:
    """Where seed 2 n rounds up, seed 2 n + 1 rounds down."""
    x = numbers(100).exp()
    with RandomRounding(dtype, 4, 4.0):
        up = x * 1.1
    with RandomRounding(dtype, 5, 4.0):
        down = x * 1.1
    assert bool(((up > x * 1.1) == (down < x * 1.1)).all())


def test_the_same_seed_gives_the_same_numbers_and_leaves_the_generator_alone() -> None:
    """Runs repeat, and PyTorch's own generator is not drawn from."""
    before = torch.random.get_rng_state()
    results = []
    for _ in range(2):
        with RandomRounding(torch.float32, 7):
            results.append(numbers(50).tanh())
    assert torch.equal(*results)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_is_written_into_an_argument_is_rounded() -> None:
    """Operations in place, as optimizers take them, are rounded too; views of their result see that."""
    x, y = numbers(20), numbers(20)
    with RandomRounding(torch.bfloat16, 0):
        z = x.clone()
        view = z[:5]
        z.mul_(0.9).addcdiv_(y, y.exp(), value=0.1)
    assert torch.equal(z.bfloat16().double(), z)
    assert torch.equal(view, z[:5])


def test_cancellation_inside_of_fused_operations_is_met() -> None:
    """1 + erf(x / sqrt 2) cancels in GELU at -6: half of the unit at 1 is left, far more than that of the result."""
    x = torch.full((64,), -6.0, dtype=torch.float64) - numbers(64).abs() / 8
    with RandomRounding(torch.float32, 0):
        y = F.gelu(x)
    assert float(((y - F.gelu(x)) / F.gelu(x)).abs().max()) > 0.5


def test_everything_that_is_called_fused_can_be_taken_apart() -> None:
    """Each name is an operation of PyTorch with a decomposition."""
    known = {
        function.overloadpacket.__name__ for function in decomposition_table if hasattr(function, "overloadpacket")
    }
    assert known >= FUSED
