"""Tensors in a problem file: nested lists of numbers, the same with a stated dtype, or a reference to a NumPy file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gradproof.problem_file.context import Context, shown
from gradproof.problem_file.document import WrittenFloat, WrittenInt, number_from_word
from gradproof.problem_file.paths import child
from gradproof.tensors import DTYPE_NAMES, TensorError, dtype_number, numpy_to_tensor
from gradproof.v1 import tensor_pb2

STATED = ("values", "dtype", "shape", "file", "key")
MOST_DIMENSIONS = 16
TENSOR = "a number, a nested list of numbers, {dtype: ..., values: ...} or {file: weights.npz, key: name}"


@dataclass(frozen=True)
class WrittenArray:
    """A tensor as the file gives it.

    Attributes:
        values: the numbers; int64 where all are written as integers, else float64, or as the NumPy file has them.
        dtype: the name of the dtype that the file states for it, or that a NumPy file has; None where nothing is said.
        decimals: most digits after the point of any number; None where no number has a point or an exponent.
    """

    values: npt.NDArray[Any]
    dtype: str | None = None
    decimals: int | None = None

    @property
    def whole(self) -> bool:
        """Whether all of it is written as integers and nothing says that it is anything else."""
        return self.dtype is None and self.values.dtype == np.int64

    def tensor(self, dtype: str | None = None) -> tensor_pb2.Tensor:
        """The tensor message: in `dtype`, or the stated dtype, or else integers as float64.

        Raises:
            TensorError: a number does not fit the dtype.
        """
        own = "float64" if self.whole else None
        return numpy_to_tensor(self.values, dtype or self.dtype or own)


def is_stated(value: Any) -> bool:
    """Whether a mapping is one tensor with its dtype or file, and not several tensors by name."""
    return isinstance(value, dict) and ("values" in value or "file" in value)


def read_array(ctx: Context, value: Any, path: str, further_keys: tuple[str, ...] = ()) -> WrittenArray | None:
    """The tensor at `path`; None, with a violation, where it is none.

    `further_keys` are keys that a stated tensor may have besides its own.
    """
    if is_stated(value):
        ctx.unknown_keys(value, STATED + further_keys, path)
        return _read_stated(ctx, value, path)
    return ctx.attempt(path, lambda: _read_nested(value))


def read_tensor(ctx: Context, value: Any, path: str, *, integers: bool = False) -> tensor_pb2.Tensor | None:
    """The tensor message at `path`; float64 unless it states a dtype. With `integers`, whole numbers stay int64."""
    array = read_array(ctx, value, path)
    if array is None:
        return None
    return ctx.attempt(path, lambda: array.tensor("int64" if integers and array.whole else None))


def _read_stated(ctx: Context, value: dict[str, Any], path: str) -> WrittenArray | None:
    array = _read_file(ctx, value, path) if "file" in value else read_array(ctx, value["values"], child(path, "values"))
    if array is None or ("dtype" not in value and "shape" not in value):
        return array
    dtype = _read_dtype(ctx, value["dtype"], child(path, "dtype")) if "dtype" in value else array.dtype
    values = _reshape(ctx, array.values, value["shape"], child(path, "shape")) if "shape" in value else array.values
    return WrittenArray(values, dtype, array.decimals if "dtype" not in value else None)


def _read_dtype(ctx: Context, value: Any, path: str) -> str | None:
    number = ctx.attempt(path, lambda: dtype_number(str(value)))
    return DTYPE_NAMES[number] if number is not None else None


def _reshape(ctx: Context, values: npt.NDArray[Any], shape: Any, path: str) -> npt.NDArray[Any]:
    sizes = shape if isinstance(shape, list) else [shape]
    try:
        return values.reshape([int(size) for size in sizes])
    except (TypeError, ValueError):
        ctx.complain(path, "SHAPE_MISMATCH", f"{values.size} numbers do not have the shape {shown(shape)}")
        return values


def _read_file(ctx: Context, value: dict[str, Any], path: str) -> WrittenArray | None:
    where = child(path, "file")
    if not isinstance(value["file"], str):
        ctx.complain_about_type(where, value["file"], "the name of a .npy or .npz file")
        return None
    file = ctx.folder / value["file"]
    try:
        with np.load(file, allow_pickle=False) as archive:
            return _pick(ctx, archive, value, path)
    except TypeError:
        return _array_of_file(ctx, np.load(file, allow_pickle=False), where)
    except (OSError, ValueError, EOFError) as error:
        ctx.complain(where, "FILE_NOT_READABLE", f"{_file_error(file, error)}; it must be a .npy or .npz file")
        return None


def _file_error(file: Path, error: Exception) -> str:
    return f"{file} does not exist" if isinstance(error, FileNotFoundError) else f"{file} cannot be read: {error}"


def _pick(ctx: Context, archive: Any, value: dict[str, Any], path: str) -> WrittenArray | None:
    """The named array of a .npz file, or its only one."""
    names = list(archive.files)
    key = value.get("key", names[0] if len(names) == 1 else None)
    if key not in names:
        ctx.complain(
            child(path, "key"), "UNKNOWN_KEY", f"{shown(key)} is not in {value['file']}; it has {', '.join(names)}"
        )
        return None
    return _array_of_file(ctx, archive[key], child(path, "key"))


def _array_of_file(ctx: Context, array: npt.NDArray[Any], path: str) -> WrittenArray | None:
    tensor = ctx.attempt(path, lambda: numpy_to_tensor(array[:0] if array.ndim else array))
    return WrittenArray(array, DTYPE_NAMES[tensor.dtype]) if tensor is not None else None


def _read_nested(value: Any) -> WrittenArray:
    """The array of a number or of nested lists. Raises TensorError with the position of what is wrong."""
    leaves: list[Any] = []
    shape = _collect(value, "", leaves, 0)
    if leaves and all(isinstance(leaf, bool) for leaf in leaves):
        return WrittenArray(np.array(leaves, dtype=np.bool_).reshape(shape), "bool")
    if leaves and all(isinstance(leaf, int) for leaf in leaves):
        return WrittenArray(_integers(leaves).reshape(shape))
    counts = [decimals for leaf in leaves if (decimals := decimals_of_number(leaf)) is not None]
    values = np.array([float(leaf) for leaf in leaves], dtype=np.float64).reshape(shape)
    return WrittenArray(values, None, max(counts, default=None))


def _integers(leaves: list[int]) -> npt.NDArray[Any]:
    try:
        return np.array(leaves, dtype=np.int64)
    except OverflowError:
        return np.array([float(leaf) for leaf in leaves])


def _collect(value: Any, path: str, leaves: list[Any], depth: int) -> tuple[int, ...]:
    """Appends the numbers of nested lists to `leaves`, row-major, and returns the shape."""
    if not isinstance(value, list):
        leaves.append(_leaf(value, path))
        return ()
    if depth >= MOST_DIMENSIONS:
        raise TensorError(f"more than {MOST_DIMENSIONS} dimensions", path, "TOO_MANY_DIMENSIONS")
    first: tuple[int, ...] | None = None
    for i, item in enumerate(value):
        shape = _collect(item, f"{path}[{i}]", leaves, depth + 1)
        first = shape if first is None else first
        if shape != first:
            raise TensorError(_ragged(path, i, shape, first), f"{path}[{i}]", "RAGGED")
    return (len(value), *(first or ()))


def _ragged(path: str, i: int, shape: tuple[int, ...], first: tuple[int, ...]) -> str:
    def counted(sizes: tuple[int, ...]) -> str:
        return (
            "is one number" if not sizes else f"has {sizes[0]} number(s)" if len(sizes) == 1 else f"has shape {sizes}"
        )

    return f"{path}[{i}] {counted(shape)}, but {path}[0] {counted(first)}; all must have the same shape"


def _leaf(value: Any, path: str) -> Any:
    if isinstance(value, bool | WrittenInt | WrittenFloat):
        return value
    number = number_from_word(value) if isinstance(value, str) else None
    if number is None:
        raise TensorError(f"{shown(value)} is not {TENSOR if not path else 'a number'}", path)
    return number


def decimals_of_number(number: Any) -> int | None:
    """Digits after the decimal point as written: 0.170 has 3, 1.25e-4 has 6, 2e3 has 0.

    None for integers, booleans, infinity and NaN, which say nothing.
    """
    if not isinstance(number, WrittenFloat) or not np.isfinite(number):
        return None
    mantissa, _, exponent = number.text.lower().replace("_", "").partition("e")
    return max(0, len(mantissa.partition(".")[2]) - int(exponent or 0))
