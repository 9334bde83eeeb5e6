"""The encoding of tensors, there and back."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from gradproof import tensors
from gradproof.tensors import TensorError, as_tensor, decimals_of, numpy_to_tensor, tensor_to_numpy
from gradproof.v1 import tensor_pb2
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

EXACT = {"float64": "f8", "float32": "f4", "float16": "f2", "int64": "i8", "int32": "i4", "bool": "?"}
WIDENED = {"i1": "int64", "i2": "int64", "u1": "int64", "u2": "int64", "u4": "int64"}
shapes = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
arrays = st.sampled_from(sorted(EXACT.values())).flatmap(lambda kind: npst.arrays(np.dtype(kind), shapes))


def bits(array: Any) -> bytes:
    """The bytes of an array."""
    return bytes(np.ascontiguousarray(array).tobytes())


@given(arrays)
def test_every_array_comes_back_bit_for_bit(array: Any) -> None:
    """NaN payloads, signed zeros, infinities and empty shapes included."""
    back = tensor_to_numpy(numpy_to_tensor(array))
    assert (back.dtype, back.shape, bits(back)) == (array.dtype, array.shape, bits(array))


@given(arrays)
def test_what_the_array_library_gives_survives_as_nested_lists(array: Any) -> None:
    """A list of the array's numbers holds the same numbers, in the widest type of their kind."""
    back = tensor_to_numpy(as_tensor(array.tolist()))
    np.testing.assert_array_equal(back, array.reshape(back.shape))


@given(npst.arrays(np.float32, shapes))
def test_bfloat16_is_rounded_as_torch_rounds(array: Any) -> None:
    """The nearest bfloat16, ties to even, for every float32; NaN stays NaN."""
    torch = pytest.importorskip("torch")
    expected = torch.from_numpy(array.copy()).to(torch.bfloat16).to(torch.float32).numpy()
    np.testing.assert_array_equal(tensor_to_numpy(numpy_to_tensor(array, "bfloat16")), expected)


def test_table_of_dtypes_is_the_contracts() -> None:
    """Every dtype of the contract has a name and a storage, and no other has."""
    assert set(tensors.DTYPES.values()) == set(tensor_pb2.Dtype.values()) - {0}
    assert set(tensors._STORAGE) == set(tensors.DTYPES)


@pytest.mark.parametrize(("kind", "name"), WIDENED.items())
def test_other_integers_are_widened(kind: str, name: str) -> None:
    """The extreme values of each width arrive unchanged."""
    info = np.iinfo(np.dtype(kind))
    tensor = numpy_to_tensor(np.array([info.min, info.max], dtype=kind))
    assert tensor.dtype == tensors.DTYPES[name]
    assert tensor_to_numpy(tensor).tolist() == [info.min, info.max]


def test_unsigned_integers_above_int64_are_refused_with_their_place() -> None:
    """2**63 has no int64, 2**63 - 1 has."""
    assert tensor_to_numpy(as_tensor(np.array([2**63 - 1], dtype=np.uint64))).tolist() == [2**63 - 1]
    with pytest.raises(TensorError, match="too large") as caught:
        as_tensor(np.array([0, 2**63], dtype=np.uint64))
    assert caught.value.path == "[1]"


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (1, "int64", ()),
        (1.0, "float64", ()),
        (True, "bool", ()),
        ([], "float64", (0,)),
        ([[1, 2], (3, 4)], "int64", (2, 2)),
        ([1, 2.5], "float64", (2,)),
        ([np.float32(1.5)], "float32", (1,)),
        ([np.ones(2, np.float32), np.zeros(2, np.float32)], "float32", (2, 2)),
        (np.float16(2), "float16", ()),
    ],
)
def test_python_values_have_the_expected_dtype(value: Any, dtype: str, shape: tuple[int, ...]) -> None:
    """Ints give int64, floats float64, bools bool; arrays keep theirs, inside lists as well."""
    tensor = as_tensor(value)
    assert (tensors.DTYPE_NAMES[tensor.dtype], tuple(tensor.shape)) == (dtype, shape)


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ([[1, 2], [3]], "[1]", "RAGGED"),
        ([[[1], [2]], [[3], [4, 5]]], "[1][1]", "RAGGED"),
        ([[1.0, "x"]], "[0][1]", "NOT_A_TENSOR"),
        ([1.0, None], "[1]", "NOT_A_TENSOR"),
        ([[0, 2**63]], "[0][1]", "OUT_OF_RANGE"),
        ("12", "", "NOT_A_TENSOR"),
        ({"a": 1}, "", "NOT_A_TENSOR"),
        (1j, "", "NOT_A_TENSOR"),
        (np.array([1j]), "", "UNKNOWN_DTYPE"),
        (np.array(["a"]), "", "UNKNOWN_DTYPE"),
    ],
)
def test_what_is_no_tensor_is_refused_where_it_is_wrong(value: Any, path: str, reason: str) -> None:
    """The error names the position in the nested lists and a stable reason."""
    with pytest.raises(TensorError) as caught:
        as_tensor(value)
    assert (caught.value.path, caught.value.reason) == (path, reason)


@pytest.mark.parametrize(
    ("value", "dtype"), [([1.5], "int64"), ([float("nan")], "int32"), ([2**31], "int32"), ([2], "bool")]
)
def test_conversions_that_lose_something_are_refused(value: Any, dtype: str) -> None:
    """Only floating types may be rounded to."""
    with pytest.raises(TensorError, match="not a value of"):
        as_tensor(value, dtype)


@pytest.mark.parametrize(
    ("value", "dtype"), [([2.0], "int64"), ([2**31 - 1], "int32"), ([1, 0], "bool"), ([3], "float16")]
)
def test_exact_conversions_are_made(value: Any, dtype: str) -> None:
    """The same numbers in the other type."""
    tensor = as_tensor(value, dtype)
    assert tensors.DTYPE_NAMES[tensor.dtype] == dtype
    assert tensor_to_numpy(tensor).tolist() == value


@pytest.mark.parametrize("spelling", ["float32", "torch.float32", "float32 ", "floaty", np.float32, np.dtype("f4")])
def test_dtypes_are_known_by_name_only(spelling: Any) -> None:
    """Names of torch and NumPy work; near misses name what is valid."""
    if str(spelling) in ("float32 ", "floaty"):
        with pytest.raises(TensorError, match="valid are float64"):
            tensors.dtype_number(spelling)
    else:
        assert tensors.dtype_number(spelling) == tensor_pb2.DTYPE_FLOAT32


@pytest.mark.parametrize(
    "tensor",
    [
        tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT64, shape=[2], data=b"\0" * 15),
        tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT64, shape=[-1], data=b""),
        tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_UNSPECIFIED, shape=[], data=b""),
    ],
)
def test_broken_messages_are_refused(tensor: tensor_pb2.Tensor) -> None:
    """A byte too few, a negative size, or no dtype."""
    with pytest.raises(TensorError):
        tensor_to_numpy(tensor)


class Foreign:
    """An object that is no array but gives one."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.array, dtype)


class ForeignByDlpack:
    """An object that gives an array by DLPack only."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **keywords: Any) -> Any:
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


class OnADevice:
    """An object whose memory the CPU cannot read."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("can't convert device memory")


@pytest.mark.parametrize("wrap", [Foreign, ForeignByDlpack])
def test_foreign_arrays_are_accepted(wrap: Any) -> None:
    """`__array__` or `__dlpack__` is enough, alone and in a list."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert as_tensor(wrap(array)) == numpy_to_tensor(array)
    assert tuple(as_tensor([wrap(array), wrap(array)]).shape) == (2, 2, 3)


def test_foreign_arrays_that_cannot_be_read_say_what_to_do() -> None:
    """The error names the class and the way out."""
    with pytest.raises(TensorError, match=r"OnADevice failed: can't convert.*copy it to the CPU"):
        as_tensor(OnADevice())


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "int64", "int32", "bool", "uint8"])
def test_torch_tensors_keep_their_dtype_and_bits(dtype: str) -> None:
    """bfloat16, gradients, transposed and conjugated views included."""
    torch = pytest.importorskip("torch")
    value = (torch.arange(6).reshape(2, 3) % 2).to(getattr(torch, dtype)).T
    value = value.requires_grad_() if value.is_floating_point() else value
    tensor = as_tensor(value)
    assert tensors.DTYPE_NAMES[tensor.dtype] == ("int64" if dtype == "uint8" else dtype)
    np.testing.assert_array_equal(tensor_to_numpy(tensor), value.detach().to(torch.float64).numpy())


def test_torch_tensors_in_lists_and_sparse_ones_are_accepted() -> None:
    """What np.array refuses, a list of tensors with gradients, is stacked."""
    torch = pytest.importorskip("torch")
    listed = as_tensor([torch.ones(2, requires_grad=True), torch.zeros(2, dtype=torch.bfloat16)])
    assert tensor_to_numpy(listed).tolist() == [[1, 1], [0, 0]]
    assert tensor_to_numpy(as_tensor(torch.eye(2).to_sparse())).tolist() == [[1, 0], [0, 1]]


@pytest.mark.cuda
def test_cuda_tensors_are_copied() -> None:
    """The numbers of a tensor on a device, bfloat16 too."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    for dtype in (torch.float32, torch.bfloat16):
        value = torch.tensor([1.5, 2.5], dtype=dtype, device="cuda", requires_grad=True)
        assert tensor_to_numpy(as_tensor(value)).tolist() == [1.5, 2.5]


def test_arrays_of_ml_dtypes_bfloat16_pass_bit_for_bit() -> None:
    """JAX gives these for bfloat16."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    tensor = as_tensor(np.array([1.5, -2.0], dtype=ml_dtypes.bfloat16))
    assert tensors.DTYPE_NAMES[tensor.dtype] == "bfloat16"
    assert tensor_to_numpy(tensor).tolist() == [1.5, -2.0]


def test_torch_is_recognised_without_importing_it() -> None:
    """Where torch is not loaded no object can be a torch tensor, and nothing loads it."""
    saved = {name: sys.modules.pop(name) for name in list(sys.modules) if name == "torch"}
    try:
        assert tensor_to_numpy(as_tensor(np.ones(1))).tolist() == [1]
        assert "torch" not in sys.modules
    finally:
        sys.modules.update(saved)


@pytest.mark.parametrize(
    ("value", "decimals"),
    [
        ([[0.174, 0.169]], 3),
        (0.17, 2),
        ([0.1, [0.25]], 2),
        ([2.0], 1),
        (1e-05, 5),
        (1.5e-07, 8),
        (1e16, 0),
        (1.25e22, 0),
        ([0.5, 3], 1),
        ([1, 2], None),
        ([], None),
        ([float("nan"), float("inf")], None),
        ([float("nan"), 0.25], 2),
        (np.array([0.174]), None),
        ([np.float64(0.174)], None),
        ([0.1, "x"], None),
    ],
)
def test_decimals_are_those_of_the_printed_number(value: Any, decimals: int | None) -> None:
    """The most digits after the point of any float; nothing where no float was written."""
    assert decimals_of(value) == decimals


@given(st.integers(0, 10), st.integers(-(10**6), 10**6))
def test_decimals_never_exceed_the_digits_that_were_written(digits: int, numerator: int) -> None:
    """A number typed with d decimals is said to have at most d, or the one of a whole number."""
    written = decimals_of(float(f"{numerator}e-{digits}"))
    assert written is not None
    assert written <= max(digits, 1)
