"""How small an error of one element is seen: by the witness, by PyTorch's gradcheck and by JAX's check_grads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradproof as gp
import numpy as np
import torch
from gradproof_server.engine import read_problem
from gradproof_server.engine.numeric.types import Mode, WitnessOptions
from gradproof_server.engine.types import Claim, ClaimedTensor, ComputedIn, Limits, Quantity, TensorId, Verdict

from .alarms import report_of

ID = TensorId(0, Quantity.INPUT_GRADIENT, "input")
LARGEST, SMALLEST = 1e5, 1e-14
Tensor = torch.Tensor


@dataclass(frozen=True)
class Detection:
    """Smallest relative error of one element among `size` that each way sees; infinite where none is seen."""

    size: int
    seen: dict[str, float]


def smallest_seen(sees: Callable[[float], bool]) -> float:
    """Bisects, on a logarithmic scale, the relative error from which on it is seen; within 10 %."""
    if not sees(LARGEST):
        return float("inf")
    low, high = np.log(SMALLEST), np.log(LARGEST)
    while high - low > 0.1:
        middle = (low + high) / 2
        low, high = (low, middle) if sees(float(np.exp(middle))) else (middle, high)
    return float(np.exp(high))


def point_of(size: int) -> Tensor:
    """Standard normal numbers, none near 0, so that all gradients of the sum of squares have like sizes."""
    generator = torch.Generator().manual_seed(size)
    x = torch.randn(size, generator=generator, dtype=torch.float64)
    return x + 0.5 * x.sign()


def by_witness(x: Tensor, place: int, mode: Mode) -> Callable[[float], bool]:
    """The witness, on the mean of squares; the claim has one wrong element."""
    made = gp.Problem(
        [gp.Identity()], input=x[None], target=torch.zeros_like(x[None]), loss=gp.MSELoss(reduction="sum")
    )
    training = read_problem(made.to_proto(), Limits())

    def sees(error: float) -> bool:
        gradient = 2 * x[None].clone()
        gradient[0, place] *= 1 + error
        claim: Claim = (ClaimedTensor(ID, gradient, ComputedIn(torch.float64)),)
        options = WitnessOptions(mode=mode, samples=0, max_seconds=600.0)
        return report_of(training, claim, options).claim_verdict is Verdict.DISAGREES

    return sees


def by_gradcheck(x: Tensor, place: int, fast: bool) -> Callable[[float], bool]:
    """`torch.autograd.gradcheck` with its defaults, of a Function whose backward has one wrong element."""

    def sees(error: float) -> bool:
        class Squares(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Tensor) -> Tensor:
                ctx.save_for_backward(x)
                return x.square().sum()

            @staticmethod
            def backward(ctx: Any, *gradients: Any) -> Tensor:
                made: Tensor = 2 * ctx.saved_tensors[0] * gradients[0]
                made[place] *= 1 + error
                return made

        leaf = x.clone().requires_grad_()
        return not torch.autograd.gradcheck(Squares.apply, (leaf,), fast_mode=fast, raise_exception=False)

    return sees


def by_jax(x: Tensor, place: int) -> Callable[[float], bool] | None:
    """`jax.test_util.check_grads` in reverse mode with its defaults; None where JAX is not installed."""
    try:
        import jax
        from jax.test_util import check_grads
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    point = jax.numpy.asarray(x.numpy())

    def sees(error: float) -> bool:
        @jax.custom_vjp
        def squares(x: Any) -> Any:
            return (x**2).sum()

        def backward(x: Any, gradient: Any) -> tuple[Any]:
            made = 2 * x * gradient
            return (made.at[place].multiply(1 + error),)

        squares.defvjp(lambda x: (squares(x), x), backward)
        try:
            check_grads(squares, (point,), order=1, modes=("rev",))
        except AssertionError:
            return True
        return False

    return sees


def detection_of(size: int, slow: bool) -> Detection:
    """All ways on one size. slow: gradcheck of every element too, which takes minutes for 10,000."""
    x = point_of(size)
    place = size // 3
    ways: dict[str, Callable[[float], bool] | None] = {
        "witness, elements": by_witness(x, place, Mode.ELEMENTS),
        "witness, directions": by_witness(x, place, Mode.DIRECTIONS),
        "gradcheck, slow": by_gradcheck(x, place, fast=False) if slow else None,
        "gradcheck, fast": by_gradcheck(x, place, fast=True),
        "JAX check_grads": by_jax(x, place),
    }
    return Detection(size, {name: smallest_seen(sees) for name, sees in ways.items() if sees})


def sign_flip_seen(size: float) -> dict[str, bool]:
    """Whether the flipped sign of one gradient of about that size, all others alike, is seen."""
    x = torch.full((10,), size / 2, dtype=torch.float64) * torch.linspace(1, 2, 10, dtype=torch.float64)
    return {
        "witness, elements": by_witness(x, 3, Mode.ELEMENTS)(-2.0),
        "witness, directions": by_witness(x, 3, Mode.DIRECTIONS)(-2.0),
        "gradcheck, slow": by_gradcheck(x, 3, fast=False)(-2.0),
        "gradcheck, fast": by_gradcheck(x, 3, fast=True)(-2.0),
    }


def detections(sizes: tuple[int, ...], slowest: int) -> list[Detection]:
    """One row for each size; slow gradcheck up to the size `slowest`."""
    return [detection_of(size, slow=size <= slowest) for size in sizes]
