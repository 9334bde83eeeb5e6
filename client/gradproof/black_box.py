"""Black boxes: a caller's function over arrays, called at points that a server asks for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from gradproof.errors import ServerError, invalid
from gradproof.tensors import (
    DTYPE_NAMES,
    FLOATING,
    Array,
    TensorError,
    as_array,
    as_tensor,
    is_array_like,
    numpy_to_tensor,
    tensor_to_numpy,
)
from gradproof.v1 import tensor_pb2, witness_pb2

ONLY = "x"
"""The name of an array that is the only argument."""
SECONDS_PER_BATCH = 10.0
"""How long a batch of points may take to evaluate: well below what servers wait for an answer."""
WORTH_TIMING_AGAIN_SECONDS = 0.005
"""A first call may be slower than others, because it compiles; where it was slow, a second one is timed."""
FAST_POINTS = 4096
"""Functions that are evaluated so often within SECONDS_PER_BATCH need no bound of their own."""

Function: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = Any
"""One array, a tuple or list of them, or a mapping of names to them."""


def is_positional(x: Arguments) -> bool:
    """Whether `x` is several positional arguments: a tuple, or a list with an array in it. Other lists are an array."""
    if isinstance(x, tuple):
        return True
    return isinstance(x, list) and any(is_array_like(item) and not isinstance(item, (list, tuple)) for item in x)


def by_name(x: Arguments) -> dict[str, Any]:
    """The arrays of arguments by name: those of a mapping, "0", "1", ... of several, "x" for the only one."""
    if isinstance(x, Mapping):
        return {str(name): value for name, value in x.items()}
    return {str(i): value for i, value in enumerate(x)} if is_positional(x) else {ONLY: x}


def floating_tensor(value: Any, field: str) -> tensor_pb2.Tensor:
    """A tensor message of a floating dtype; lists and numbers that are whole become float64.

    Raises:
        InvalidProblemError: it is no array of floating-point numbers.
    """
    try:
        tensor = as_tensor(value)
    except TensorError as error:
        raise invalid(f"{field}{error.path}", error.reason, error.description) from error
    if DTYPE_NAMES[tensor.dtype] in FLOATING:
        return tensor
    if is_array_like(value) and not isinstance(value, (list, tuple)):
        text = f"{DTYPE_NAMES[tensor.dtype]} has no derivative; valid are {', '.join(sorted(FLOATING))}"
        raise invalid(field, "WRONG_DTYPE", text)
    return as_tensor(tensor, "float64")


class BlackBox:
    """A function, its arguments, and what it gives.

    Args:
        function: called with arrays of the kind that `x` has (NumPy, torch, JAX, ...); lists become NumPy arrays.
        x: the point. One array: function(x); a tuple or a list of arrays: function(*x); a mapping: function(mapping).
        batched: whether the function takes, and gives, a leading axis of points.

    The function is called once or twice to know what it gives.

    Raises:
        InvalidProblemError: the point, or what the function gives, is no array of floating-point numbers.
        Whatever the function raises, with a note that tells the point.
    """

    def __init__(self, function: Function, x: Arguments, batched: bool = False) -> None:
        self.function, self.x, self.batched = function, x, batched
        self.point = {name: floating_tensor(value, f'x["{name}"]') for name, value in by_name(x).items()}
        self._templates = by_name(x)
        self.output, self.seconds = self._timed()
        if self.seconds > WORTH_TIMING_AGAIN_SECONDS:
            self.output, self.seconds = self._timed()

    @property
    def max_batch(self) -> int | None:
        """How many points may be asked for at a time; None: the server may choose, the function is fast."""
        points = int(SECONDS_PER_BATCH / max(self.seconds, 1e-9))
        return None if points >= FAST_POINTS else max(1, points)

    def call(self, function: Function) -> Any:
        """What another function, as a gradient, gives for the caller's own arrays; for lists and numbers as NumPy's."""
        arguments = dict(self._templates)
        for name, template in self._templates.items():
            if isinstance(template, (list, tuple, int, float)):
                arguments[name] = like(template, tensor_to_numpy(self.point[name]))
        return _call(function, self.x, arguments)

    def values(self, points: witness_pb2.PointBatch) -> tensor_pb2.Tensor:
        """The function's values at a batch of points, shape [points, *shape of the output].

        Raises as the class, and ServerError where the points are not such as the arguments.
        """
        shape = (points.points, *self.output.shape)
        values = self._evaluate(self._arrays(points), points.points)
        if values.shape != shape:
            text = f"the function gave shape {values.shape} for {points.points} points; {shape} is needed"
            raise invalid("f(x)", "SHAPE_MISMATCH", text)
        return numpy_to_tensor(values, DTYPE_NAMES[self.output.dtype])

    def _arrays(self, points: witness_pb2.PointBatch) -> dict[str, Array]:
        """Arrays [points, *shape] of a batch, in the order of the arguments: a map of protobuf has none."""
        arrays = {}
        for name, like in self.point.items():
            tensor = points.tensors[name]
            if not points.points or tensor.dtype != like.dtype or tensor.shape[:] != [points.points, *like.shape]:
                raise ServerError(f"the server asked for {points.points} points, of which {name!r} has another form")
            try:
                arrays[name] = tensor_to_numpy(tensor)
            except TensorError as error:
                raise ServerError(f"the server asked for points with a broken tensor: {error}") from error
        return arrays

    def _timed(self) -> tuple[tensor_pb2.Tensor, float]:
        """The function's value at the point, and the seconds that it took."""
        arrays = {name: tensor_to_numpy(tensor) for name, tensor in self.point.items()}
        if self.batched:
            arrays = {name: array[np.newaxis] for name, array in arrays.items()}
        started = time.perf_counter()
        result = self._result(arrays)
        seconds = time.perf_counter() - started
        output = floating_tensor(result, "f(x)")
        if self.batched:
            if list(output.shape[:1]) != [1]:
                text = f"the function gave shape {tuple(output.shape)} for one point; its first axis must be 1"
                raise invalid("f(x)", "SHAPE_MISMATCH", text)
            del output.shape[0]
        return output, seconds

    def _evaluate(self, arrays: Mapping[str, Array], points: int) -> Array:
        """Values at `points` points; arrays have shape [points, *shape]."""
        if self.batched:
            return _values(self._result(arrays))
        values = [_values(self._result({name: array[i, ...] for name, array in arrays.items()})) for i in range(points)]
        shapes = [value.shape for value in values if value.shape != values[0].shape]
        if shapes:
            text = f"the function gave shape {shapes[0]} at one point and {values[0].shape} at another"
            raise invalid("f(x)", "SHAPE_MISMATCH", text)
        return np.stack(values)

    def _result(self, arrays: Mapping[str, Array]) -> Any:
        """What one call of the function gives."""
        arguments = {name: like(self._templates[name], array) for name, array in arrays.items()}
        try:
            return _call(self.function, self.x, arguments)
        except Exception as error:
            error.add_note(f"raised by the function at {_point_text(arrays)}")
            raise


def _values(result: Any) -> Array:
    try:
        return as_array(result)
    except TensorError as error:
        raise invalid("f(x)", error.reason, f"the function gave no array: {error}") from error


def _call(function: Function, x: Arguments, arguments: Mapping[str, Any]) -> Any:
    """Calls a function with arguments in the structure of `x`. Its StopIteration, which neither generators nor asyncio
    hand on, becomes a RuntimeError, as in generators."""
    try:
        return function(dict(arguments)) if isinstance(x, Mapping) else function(*arguments.values())
    except StopIteration as error:
        raise RuntimeError("the function raised StopIteration") from error


def _point_text(arrays: Mapping[str, Array]) -> str:
    """The point with all digits, so that a call can be repeated; long arrays are shortened."""
    texts = {name: np.array2string(a, floatmode="unique", threshold=40, separator=", ") for name, a in arrays.items()}
    return ", ".join(f"{name} = {text}" for name, text in texts.items())


def like(template: Any, values: Array) -> Any:
    """A new array of the kind that `template` is: of its library and dtype, on its device; NumPy's where it is a list.

    `values` holds the numbers in the template's dtype; bfloat16 as float32.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(template, torch.Tensor):
        return torch.from_numpy(values.copy()).to(dtype=template.dtype, device=template.device)
    if isinstance(template, (np.ndarray, np.generic)):
        # A copy, because functions may write into what they are given.
        array = np.array(values, dtype=template.dtype)
        return array if isinstance(template, np.ndarray) else array[()]
    if hasattr(template, "__array_namespace__"):
        return template.__array_namespace__().asarray(values, dtype=template.dtype)
    return np.array(values) if values.ndim else values[()]


def stated_tensors(value: Any, x: Arguments, field: str) -> Iterator[tuple[str, tensor_pb2.Tensor]]:
    """Names and tensors of a derivative that has the structure of `x`; None stands for one that is not there.

    Raises:
        InvalidProblemError: it has another structure.
    """
    names = list(by_name(x))
    if isinstance(x, Mapping):
        if not isinstance(value, Mapping):
            raise invalid(field, "WRONG_TYPE", f"arrays by name are needed, as x has them: {', '.join(names)}")
        parts = {str(name): part for name, part in value.items()}
    elif is_positional(x):
        if not isinstance(value, (list, tuple)) or len(value) != len(names):
            raise invalid(field, "WRONG_TYPE", f"{len(names)} arrays are needed, one for each of x, or None")
        parts = dict(zip(names, value, strict=True))
    else:
        parts = {ONLY: value}
    for name, part in parts.items():
        if part is not None:
            yield name, floating_tensor(part, f'{field}["{name}"]')
