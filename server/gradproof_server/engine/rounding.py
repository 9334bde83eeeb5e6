"""Random rounding: what every operation of a float64 run gives is rounded to a smaller type, up or down by chance.

Parker, Monte Carlo Arithmetic, 1997; Vignes, A stochastic arithmetic for reliable scientific computation, 1993.
Repeated runs show how far the rounding of a type, in whatever order and by whatever formulas, can move each number. A
number that the type holds exactly is left as it is, so that what is exact in that type stays exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch._decomp import decomposition_table
from torch.utils._python_dispatch import TorchDispatchMode

FUSED = frozenset(
    {
        *("_softmax", "_softmax_backward_data", "_log_softmax", "_log_softmax_backward_data", "sigmoid_backward"),
        *("native_layer_norm", "native_layer_norm_backward", "native_batch_norm", "native_batch_norm_backward"),
        *("native_group_norm", "native_group_norm_backward", "_fused_rms_norm", "_fused_rms_norm_backward"),
        *("gelu", "gelu_backward", "silu", "silu_backward", "mish", "mish_backward", "elu", "elu_backward"),
        *("softplus", "softplus_backward", "log_sigmoid_forward", "log_sigmoid_backward", "tanh_backward"),
        *(
            "hardswish",
            "hardswish_backward",
            "hardsigmoid",
            "hardsigmoid_backward",
            "celu",
            "glu",
            "glu_backward",
            "logaddexp",
            "softshrink",
        ),
        *("binary_cross_entropy", "binary_cross_entropy_backward", "binary_cross_entropy_with_logits"),
        *("mse_loss", "mse_loss_backward", "huber_loss", "huber_loss_backward", "smooth_l1_loss"),
        *("smooth_l1_loss_backward", "soft_margin_loss", "soft_margin_loss_backward"),
        *("addmm", "baddbmm", "addcmul", "addcmul_", "addcdiv", "addcdiv_", "lerp", "lerp_", "std", "var"),
        "_scaled_dot_product_flash_attention_for_cpu",
    }
)
"""Operations that are several in one: they are taken apart, so that each of their roundings is met."""


@contextmanager
def rounding(dtype: torch.dtype, seed: int, coarseness: float) -> Iterator[None]:
    """Random rounding to `dtype`; scalars that PyTorch keeps in its default type, as NAdam does, are in float64."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with RandomRounding(dtype, seed, coarseness):
            yield
    finally:
        torch.set_default_dtype(default)


class RandomRounding(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Rounds floating results in float64 to `dtype` while it is entered; its draws follow from the seed alone.

    Each number that `dtype` does not hold is moved by a relative `coarseness` · eps / 2, up or down, and rounded. Seeds
    2 n and 2 n + 1 move in opposite directions, so that a number near a jump is on its other side in one of them.
    """

    def __init__(self, dtype: torch.dtype, seed: int, coarseness: float = 1.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._dtype, self._seed = dtype, seed
        self._size = coarseness * torch.finfo(dtype).eps / 2 * (-1) ** seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """The operation, its new tensors and those that it writes into rounded."""
        named, apart = kwargs or {}, _taken_apart(func)
        if apart is not None:
            with self:
                return apart(*args, **named)
        result = func(*args, **named)
        written, makes_new = _effects(func)
        for position, name in written:
            for tensor in _tensors(args[position] if position < len(args) else named.get(name)):
                tensor.copy_(self.round(tensor))
        return self._rounded(result) if makes_new else result

    def _rounded(self, result: Any) -> Any:
        if isinstance(result, torch.Tensor):
            return self.round(result)
        if isinstance(result, tuple | list):
            return type(result)(self._rounded(item) for item in result)
        return result

    def round(self, x: torch.Tensor) -> torch.Tensor:
        """x, of float64, with every number rounded up or down; other tensors as they are."""
        if x.dtype is not torch.float64 or x.numel() == 0:
            return x
        signs = torch.randint(0, 2, x.shape, generator=self._generator(x.device), device=x.device, dtype=x.dtype)
        moved = x * signs.mul_(2 * self._size).add_(1 - self._size)
        if self._dtype is torch.float64:
            return torch.where(x.float() == x, x, moved)
        return torch.where(x.to(self._dtype) == x, x, moved.to(self._dtype).double())

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed // 2)
        return self._generators[device]


@cache
def _taken_apart(func: Any) -> Callable[..., Any] | None:
    """The operation as a composition of elementary ones; None where it is elementary itself."""
    if func.overloadpacket.__name__ not in FUSED:
        return None
    apart: Callable[..., Any] | None = decomposition_table.get(func)
    return apart


@cache
def _effects(func: Any) -> tuple[tuple[tuple[int, str], ...], bool]:
    """Positions and names of the arguments that an operation writes into, and whether what it returns is new.

    A view of an argument is not new: it has been rounded with that.
    """
    arguments, returns = func._schema.arguments, func._schema.returns
    written = tuple(
        (i, argument.name)
        for i, argument in enumerate(arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )
    return written, any(value.alias_info is None for value in returns)


def _tensors(argument: Any) -> Iterator[torch.Tensor]:
    if isinstance(argument, torch.Tensor):
        yield argument
    elif isinstance(argument, tuple | list):
        yield from (item for item in argument if isinstance(item, torch.Tensor))
