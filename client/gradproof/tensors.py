"""Tensors: the one encoding of the contract, from and to NumPy, Python lists and anything array-like.

This module needs NumPy and the generated messages only; the server uses it as well.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gradproof.v1 import tensor_pb2

Array: TypeAlias = npt.NDArray[Any]
ArrayLike: TypeAlias = Any
"""Nested lists of numbers, a scalar, a NumPy array, a torch tensor, or anything with `__array__` or `__dlpack__`."""

DTYPES: Mapping[str, tensor_pb2.Dtype] = MappingProxyType(
    {
        "float64": tensor_pb2.DTYPE_FLOAT64,
        "float32": tensor_pb2.DTYPE_FLOAT32,
        "float16": tensor_pb2.DTYPE_FLOAT16,
        "bfloat16": tensor_pb2.DTYPE_BFLOAT16,
        "int64": tensor_pb2.DTYPE_INT64,
        "int32": tensor_pb2.DTYPE_INT32,
        "bool": tensor_pb2.DTYPE_BOOL,
    }
)
"""Names of the dtypes, as PyTorch spells them, and their numbers in the contract."""

DTYPE_NAMES: Mapping[int, str] = MappingProxyType({number: name for name, number in DTYPES.items()})

FLOATING = frozenset({"float64", "float32", "float16", "bfloat16"})

# How the elements lie in memory; bfloat16 is carried as its 16 bits.
_STORAGE: Mapping[str, np.dtype[Any]] = {
    "float64": np.dtype("<f8"),
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype("<u2"),
    "int64": np.dtype("<i8"),
    "int32": np.dtype("<i4"),
    "bool": np.dtype("u1"),
}
_WIDENED = {
    "int8": "int64",
    "int16": "int64",
    "uint8": "int64",
    "uint16": "int64",
    "uint32": "int64",
    "uint64": "int64",
    "longdouble": "float64",
    "float128": "float64",
    "float96": "float64",
}
_ALIASES = {"double": "float64", "float": "float32", "half": "float16", "long": "int64", "int": "int32"}
_LARGEST_INT64 = 2**63 - 1


class TensorError(ValueError):
    """A value that is not a tensor of the contract.

    `path` says where in the value, as "[1][0]", empty for the whole of it; `reason` is a stable name in upper case;
    `description` says what is wrong and what would be valid.
    """

    def __init__(self, description: str, path: str = "", reason: str = "NOT_A_TENSOR") -> None:
        super().__init__(f"value{path}: {description}" if path else description)
        self.description, self.path, self.reason = description, path, reason


def dtype_number(dtype: object) -> tensor_pb2.Dtype:
    """The contract's number of a dtype: "float32", "torch.float32", "double", or a dtype of torch or NumPy itself.

    Raises:
        TensorError: there is no such dtype.
    """
    text = str(getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or dtype).removeprefix("torch.")
    name = _ALIASES.get(text, text)
    if name not in DTYPES:
        raise TensorError(f"{text!r} is not a dtype; valid are {', '.join(DTYPES)}", reason="UNKNOWN_DTYPE")
    return DTYPES[name]


def tensor_to_numpy(tensor: tensor_pb2.Tensor) -> Array:
    """The tensor as an array of its shape, perhaps read-only; bfloat16 is widened to float32.

    Raises:
        TensorError: the dtype is unknown, or the data do not fit the shape.
    """
    name = DTYPE_NAMES.get(tensor.dtype)
    if name is None:
        raise TensorError(f"{tensor.dtype} is not a dtype; valid are {', '.join(DTYPES)}", reason="UNKNOWN_DTYPE")
    shape, data = tuple(tensor.shape), tensor.data
    needed = math.prod(shape) * _STORAGE[name].itemsize
    if any(size < 0 for size in shape) or len(data) != needed:
        raise TensorError(f"{len(data)} bytes of data; {name} of shape {shape} needs {needed}", reason="BYTE_LENGTH")
    values = _stored_to_values(np.frombuffer(data, dtype=_STORAGE[name]), name)
    try:
        return values.reshape(shape)
    except ValueError as error:  # sizes beyond NumPy's beside a 0, or too many of them
        raise TensorError(f"NumPy has no array of shape {shape}: {error}", reason="SHAPE_IMPOSSIBLE") from None


def _stored_to_values(stored: Array, name: str) -> Array:
    if name == "bfloat16":
        return np.left_shift(stored.astype(np.uint32), 16).view(np.float32)
    if name == "bool":
        return np.not_equal(stored, 0)
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def numpy_to_tensor(array: Array, dtype: str | None = None) -> tensor_pb2.Tensor:
    """The array as a tensor message, in `dtype` or else its own.

    Integers narrower than 32 bits and unsigned ones become int64. Floating values are rounded to `dtype`; other
    conversions must be exact.

    Raises:
        TensorError: the array is complex or of objects, or does not fit `dtype`.
    """
    bits = _bfloat16_bits(array)
    values = array if bits is None else _stored_to_values(bits, "bfloat16").reshape(array.shape)
    own = "bfloat16" if bits is not None else _own_dtype(array)
    target = own if dtype is None else DTYPE_NAMES[dtype_number(dtype)]
    stored = bits if bits is not None and target == "bfloat16" else _values_to_stored(values, target)
    return tensor_pb2.Tensor(
        dtype=DTYPES[target],
        shape=array.shape,
        data=np.ascontiguousarray(stored).tobytes(),
    )


def _bfloat16_bits(array: Array) -> Array | None:
    """The 16 bits of each element of an array of ml_dtypes.bfloat16, as JAX and others make them; else None."""
    return np.ascontiguousarray(array).view(np.uint16).reshape(array.shape) if array.dtype.name == "bfloat16" else None


def _own_dtype(array: Array) -> str:
    name = _WIDENED.get(array.dtype.name, array.dtype.name)
    if name not in DTYPES:
        raise TensorError(f"dtype {array.dtype} cannot be sent; valid are {', '.join(DTYPES)}", reason="UNKNOWN_DTYPE")
    return name


def _values_to_stored(values: Array, target: str) -> Array:
    if target == "bfloat16":
        return _round_to_bfloat16(values)
    if target in FLOATING:
        _own_dtype(values)
        with np.errstate(over="ignore", invalid="ignore"):
            return values.astype(_STORAGE[target], copy=False)
    return _convert_exactly(values, target)


def _convert_exactly(values: Array, target: str) -> Array:
    _own_dtype(values)
    if values.dtype.kind == "u" and values.size and int(values.max()) > _LARGEST_INT64:
        where = _path_of(values == values.max())
        raise TensorError(f"{int(values.max())} is too large for {target}", where, "OUT_OF_RANGE")
    with np.errstate(invalid="ignore"):
        stored = (values != 0).astype(np.uint8) if target == "bool" else values.astype(_STORAGE[target], copy=False)
    wrong = stored != values
    if wrong.any():
        value = values[wrong].flat[0]
        raise TensorError(f"{value} is not a value of {target}", _path_of(wrong), "OUT_OF_RANGE")
    return stored


def _path_of(mask: Array) -> str:
    """The position of the first true element, as "[1][0]"."""
    return "".join(f"[{int(i)}]" for i in np.argwhere(mask)[0])


def _round_to_bfloat16(values: Array) -> Array:
    """The 16 bits of each element, rounded by way of float32 to the nearest, ties to even, as PyTorch does."""
    _own_dtype(values)
    with np.errstate(over="ignore", invalid="ignore"):
        single = np.ascontiguousarray(values, dtype=np.float32)
    bits = single.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    quiet = (bits >> 16) | 0x40
    return np.where(np.isnan(single), quiet, rounded).astype("<u2").reshape(values.shape)


def as_tensor(value: Any, dtype: str | None = None) -> tensor_pb2.Tensor:
    """A tensor message of whatever is array-like.

    Nested lists and tuples of numbers (ints give int64, floats float64, bools bool), scalars, NumPy arrays, torch
    tensors (of any device, with or without gradient), and whatever has `__array__` or `__dlpack__`, as JAX arrays do.
    A tensor message passes through. `dtype` names another type, as "float32".

    Raises:
        TensorError: the value is no array of numbers; ragged lists are told where they are ragged.
    """
    if isinstance(value, tensor_pb2.Tensor):
        number = value.dtype if dtype is None else dtype_number(dtype)
        return value if number == value.dtype else numpy_to_tensor(tensor_to_numpy(value), dtype)
    own = DTYPES.get(str(value.dtype).removeprefix("torch.")) if _is_torch(value) else None
    if own is not None and (dtype is None or dtype_number(dtype) == own):
        return tensor_pb2.Tensor(dtype=own, shape=value.shape, data=_torch_bytes(value))
    return numpy_to_tensor(as_array(value), dtype)


def as_array(value: Any) -> Array:
    """The array of whatever is array-like; see `as_tensor`. bfloat16 of torch is widened to float32.

    Raises:
        TensorError: the value is no array of numbers.
    """
    if isinstance(value, tensor_pb2.Tensor):
        return tensor_to_numpy(value)
    array = _foreign_to_numpy(value)
    if array is not None:
        return array
    if isinstance(value, (list, tuple)):
        return _list_to_numpy(value)
    return _scalar_to_numpy(value, "")


def is_array_like(value: Any) -> bool:
    """Whether `as_tensor` would try this value as an array: a list or tuple, an array, a tensor; not a plain number."""
    if isinstance(value, (list, tuple, np.ndarray, tensor_pb2.Tensor)):
        return True
    return not isinstance(value, np.generic) and (hasattr(value, "__array__") or hasattr(value, "__dlpack__"))


def _is_torch(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _torch_on_cpu(value: Any) -> Any:
    dense = value.detach().to_dense() if str(value.layout) != "torch.strided" else value.detach()
    return dense.cpu().resolve_conj().resolve_neg()


def _torch_bytes(value: Any) -> bytes:
    """The elements as they lie in memory, row-major; NumPy has no bfloat16."""
    dense = _torch_on_cpu(value).contiguous()
    flat = dense.as_strided((dense.numel(),), (1,))  # one element may have any stride
    data: bytes = flat.view(sys.modules["torch"].uint8).numpy().tobytes()
    return data


def _torch_bfloat16_bits(value: Any) -> Array | None:
    if not _is_torch(value) or str(value.dtype) != "torch.bfloat16":
        return None
    torch = sys.modules["torch"]
    bits: Array = _torch_on_cpu(value).contiguous().view(torch.int16).numpy().view(np.uint16)
    return bits


def _foreign_to_numpy(value: Any) -> Array | None:
    """The array of an object that is, or can give, an array; None where it is not of that kind."""
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    if _is_torch(value):
        bits = _torch_bfloat16_bits(value)
        return _stored_to_values(bits, "bfloat16") if bits is not None else np.asarray(_torch_on_cpu(value).numpy())
    for name, convert in (("__array__", np.asarray), ("__dlpack__", np.from_dlpack)):
        if hasattr(value, name):
            return _convert_foreign(value, name, convert)
    return None


def _convert_foreign(value: Any, name: str, convert: Any) -> Array:
    try:
        array: Array = convert(value)
    except Exception as error:
        text = (
            f"{name} of {type(value).__module__}.{type(value).__qualname__} failed: {error}; copy it to the CPU first"
        )
        raise TensorError(text) from error
    return array


def _list_to_numpy(value: list[Any] | tuple[Any, ...]) -> Array:
    try:
        array = np.array(value)
    except (ValueError, TypeError, OverflowError, RuntimeError):
        return _stack(value, "")
    # Strings and objects are sorted out element by element, and so are integers above int64, which NumPy rounds.
    plain = array.dtype.kind in "bif" and array.dtype.name in DTYPES
    huge = array.dtype.kind == "f" and bool(np.any(np.abs(array) >= 2.0**63))
    return array if plain and not huge else _stack(value, "")


def _stack(value: Any, path: str) -> Array:
    """Nested lists whose leaves may be arrays, joined; knows where in the value it is, to say what is wrong there."""
    array = _foreign_to_numpy(value)
    if array is not None:
        return array
    if not isinstance(value, (list, tuple)):
        return _scalar_to_numpy(value, path)
    parts = [_stack(item, f"{path}[{i}]") for i, item in enumerate(value)]
    for i, part in enumerate(parts):
        if part.shape != parts[0].shape:
            text = f"ragged: {path}[{i}] has shape {part.shape}, but {path}[0] has shape {parts[0].shape}"
            raise TensorError(text, f"{path}[{i}]", "RAGGED")
    return np.stack(parts) if parts else np.zeros((0,))


def _scalar_to_numpy(value: Any, path: str) -> Array:
    if isinstance(value, int) and not -(2**63) <= value <= _LARGEST_INT64:
        raise TensorError(f"{value} is too large for int64", path, "OUT_OF_RANGE")
    if isinstance(value, (bool, int, float)):
        return np.array(value, dtype=np.int64 if type(value) is int else None)
    raise TensorError(f"{_short(value)} is not a number, a list of numbers or an array", path)


def _short(value: Any) -> str:
    text = repr(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return text if isinstance(value, (str, complex, type(None))) else f"{text} (a {type(value).__name__})"


def decimals_of(value: Any) -> int | None:
    """How many decimals the floats of a nested list were written with: the most digits after the point of any of them.

    0.17 has two, 1e-05 five, 2.0 one. None where nothing tells: for arrays, for integers alone, for NaN and infinity.
    """
    counts = [_decimals_of_float(leaf) for leaf in _leaves(value) if type(leaf) is float and math.isfinite(leaf)]
    only_plain = all(type(leaf) in (int, float, bool) for leaf in _leaves(value))
    return max(counts) if counts and only_plain else None


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _decimals_of_float(value: float) -> int:
    mantissa, _, exponent = repr(value).partition("e")
    digits = len(mantissa.partition(".")[2])
    return max(0, digits - int(exponent or 0))
