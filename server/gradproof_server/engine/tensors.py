"""Tensors: from the contract's encoding to torch and back."""

from __future__ import annotations

import math
import warnings

import torch
from gradproof.v1 import tensor_pb2

from .types import LimitExceededError, Limits, Violation

TORCH_DTYPES: dict[int, torch.dtype] = {
    tensor_pb2.DTYPE_FLOAT64: torch.float64,
    tensor_pb2.DTYPE_FLOAT32: torch.float32,
    tensor_pb2.DTYPE_FLOAT16: torch.float16,
    tensor_pb2.DTYPE_BFLOAT16: torch.bfloat16,
    tensor_pb2.DTYPE_INT64: torch.int64,
    tensor_pb2.DTYPE_INT32: torch.int32,
    tensor_pb2.DTYPE_BOOL: torch.bool,
}
DTYPE_NAMES = {number: tensor_pb2.Dtype.Name(number).removeprefix("DTYPE_").lower() for number in TORCH_DTYPES}
FLOATING = frozenset(number for number, dtype in TORCH_DTYPES.items() if dtype.is_floating_point)
MOST_DIMENSIONS = 16


def shape_text(shape: object) -> str:
    """A shape as people write it: (2, 3), (4,), ()."""
    sizes = [str(size) for size in shape]  # type: ignore[attr-defined]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def dtype_name(dtype: torch.dtype) -> str:
    """The name without the module: float64."""
    return str(dtype).removeprefix("torch.")


def tensor_violations(message: tensor_pb2.Tensor, path: str, limits: Limits) -> list[Violation]:
    """What is wrong with an encoded tensor; empty where nothing is.

    Raises:
        LimitExceededError: it has more elements than the limits allow, whatever its data.
    """
    if message.dtype not in TORCH_DTYPES:
        valid = ", ".join(DTYPE_NAMES.values())
        return [Violation(f"{path}.dtype", "UNKNOWN_DTYPE", f"{message.dtype} is not a dtype; valid are {valid}")]
    if len(message.shape) > MOST_DIMENSIONS:
        text = f"{len(message.shape)} dimensions; at most {MOST_DIMENSIONS} are possible"
        return [Violation(f"{path}.shape", "TOO_MANY_DIMENSIONS", text)]
    negative = [i for i, size in enumerate(message.shape) if size < 0]
    if negative:
        size = message.shape[negative[0]]
        return [Violation(f"{path}.shape[{negative[0]}]", "NEGATIVE_SIZE", f"{size}; sizes are 0 or more")]
    extent = math.prod(size for size in message.shape if size)  # PyTorch's strides overflow even where there is a 0
    if extent > limits.max_elements:
        raise LimitExceededError(f"{path}.shape", "max_elements", extent, limits.max_elements)
    needed = math.prod(message.shape) * TORCH_DTYPES[message.dtype].itemsize
    if len(message.data) != needed:
        text = (
            f"{len(message.data)} bytes, but shape {shape_text(message.shape)} of "
            f"{DTYPE_NAMES[message.dtype]} needs {needed}"
        )
        return [Violation(f"{path}.data", "BYTE_LENGTH", text)]
    return []


def tensor_to_torch(message: tensor_pb2.Tensor) -> torch.Tensor:
    """The tensor, of the encoded shape and dtype, on CPU. The message must have no violations.

    Its memory may be the message's own and must not be written to.
    """
    shape = tuple(message.shape)
    dtype = TORCH_DTYPES[message.dtype]
    if math.prod(shape) == 0:
        return torch.empty(shape, dtype=dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given buffer is not writable")
        flat = torch.frombuffer(message.data, dtype=torch.uint8 if dtype is torch.bool else dtype)
    return (flat != 0 if dtype is torch.bool else flat).reshape(shape)
