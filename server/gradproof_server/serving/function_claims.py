"""The messages of CheckFunction's caller: claims and values, from the contract to tensors that fit each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from gradproof.v1 import tensor_pb2, witness_pb2

from gradproof_server.engine.near import near_miss
from gradproof_server.engine.numeric.types import DerivativeKind, FunctionClaim, Mode, PointBatch, WitnessOptions
from gradproof_server.engine.tensors import (
    FLOATING,
    dtype_name,
    shape_text,
    tensor_to_torch,
    tensor_violations,
)
from gradproof_server.engine.types import InvalidProblemError, LimitExceededError, Limits, Violation

MOST_BATCH = 100_000
_FLOATING_NAMES = "float64, float32, float16, bfloat16"
Shapes = Mapping[str, torch.Size]
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class FunctionLimits:
    """What a claim may ask for. max_elements: of point, output and derivative together, and of all random
    directions. max_points_bytes,
    max_values_bytes: of one batch of points, and of the values there."""

    limits: Limits
    max_elements: int
    max_points_bytes: int
    max_values_bytes: int


def read_function_claim(message: witness_pb2.FunctionClaim, limits: FunctionLimits, path: str) -> FunctionClaim:
    """The claim.

    Raises:
        InvalidProblemError: with all that is wrong: encodings, dtypes, shapes, names, values that are not finite.
        LimitExceededError: it has too many elements, or one of its points is too large for a message.
    """
    return _Reader(message, limits, path).read()


def check_directions(claim: FunctionClaim, options: WitnessOptions, limits: FunctionLimits, path: str) -> None:
    """Raises LimitExceededError where the random directions, each as large as the point, have too many elements."""
    elements = options.directions * sum(tensor.numel() for tensor in claim.point.values())
    if options.mode is not Mode.ELEMENTS and elements > limits.max_elements:
        raise LimitExceededError(f"{path}.directions", "max_function_elements", elements, limits.max_elements)


def read_values(message: witness_pb2.BatchValues, asked: PointBatch, output: torch.Tensor, path: str) -> torch.Tensor:
    """The values [points, *output.shape] at the points that were asked for, in the dtype of the output.

    Raises InvalidProblemError for another batch, dtype or shape. Values that are not finite are data.
    """
    violations = []
    if message.batch != asked.batch:
        violations.append(Violation(f"{path}.batch", "OUT_OF_RANGE", f"{message.batch}; asked for was {asked.batch}"))
    size = (asked.points, *output.shape)
    found = tensor_violations(message.values, f"{path}.values", Limits(max_elements=2**62))
    if not found:
        values = tensor_to_torch(message.values)
        found = _dtype_violations(values, output.dtype, path) + _shape_violations(values, size, f"{path}.values.shape")
    if violations or found:
        raise InvalidProblemError(violations + found)
    return values


def _dtype_violations(values: torch.Tensor, dtype: torch.dtype, path: str) -> list[Violation]:
    if values.dtype == dtype:
        return []
    text = f"{dtype_name(values.dtype)}; the output of the claim is {dtype_name(dtype)}"
    return [Violation(f"{path}.values.dtype", "WRONG_DTYPE", text)]


def _shape_violations(tensor: torch.Tensor, shape: tuple[int, ...], path: str) -> list[Violation]:
    if tuple(tensor.shape) == tuple(shape):
        return []
    return [Violation(path, "WRONG_SHAPE", f"{shape_text(tensor.shape)}; must be {shape_text(shape)}")]


class _Reader:
    """Reads one claim and collects what is wrong with it."""

    def __init__(self, message: witness_pb2.FunctionClaim, limits: FunctionLimits, path: str) -> None:
        self.message, self.limits, self.path = message, limits, path
        self.violations: list[Violation] = []
        self.elements = 0

    def read(self) -> FunctionClaim:
        """The claim; raises InvalidProblemError with everything that is wrong."""
        point = self._point()
        output = self._required("output")
        kind = self._kind()
        self._precision()
        self._raise()  # what follows compares shapes with those of the point and of the output
        assert output is not None
        assert kind is not None
        stated, along = _DERIVATIVES[kind](self, {name: t.shape for name, t in point.items()}, output.shape)
        self._batch(point, output)
        self._raise()
        tolerance = self.message.relative_tolerance if self.message.HasField("relative_tolerance") else None
        batch = self.message.max_batch if self.message.HasField("max_batch") else None
        return FunctionClaim(point, output, kind, stated, along, tolerance, batch)

    def fail(self, path: str, reason: str, text: str) -> None:
        """Notes a violation of the field at `path` below the claim."""
        self.violations.append(Violation(f"{self.path}.{path}" if path else self.path, reason, text))

    def _raise(self) -> None:
        if self.violations:
            raise InvalidProblemError(self.violations)

    def tensor(self, message: tensor_pb2.Tensor, path: str, *, finite: bool = False) -> torch.Tensor | None:
        """A floating tensor, or None where it is wrong. finite: whether NaN and infinities are wrong."""
        found = tensor_violations(message, f"{self.path}.{path}", self.limits.limits)
        self.violations.extend(found)
        if found:
            return None
        self.elements += math.prod(message.shape)
        if self.elements > self.limits.max_elements:
            limit = "max_function_elements"
            raise LimitExceededError(f"{self.path}.{path}", limit, self.elements, self.limits.max_elements)
        if message.dtype not in FLOATING:
            name = tensor_pb2.Dtype.Name(message.dtype).removeprefix("DTYPE_").lower()
            self.fail(f"{path}.dtype", "NOT_FLOATING", f"{name}; valid are {_FLOATING_NAMES}")
            return None
        tensor = tensor_to_torch(message)
        if finite and not bool(tensor.isfinite().all()):
            place = int((~tensor.isfinite()).flatten().nonzero()[0])
            self.fail(f"{path}.data", "NOT_FINITE", f"element {place} is {float(tensor.flatten()[place])}")
        return tensor

    def _point(self) -> Tensors:
        if not self.message.point:
            self.fail("point", "REQUIRED", "a point has at least one tensor")
        found = {
            name: self._filled(self.message.point[name], f'point["{name}"]', finite=True)
            for name in sorted(self.message.point)
        }
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    def _required(self, field: str) -> torch.Tensor | None:
        message = getattr(self.message, field)
        if not self.message.HasField(field):
            self.fail(field, "REQUIRED", f"the function's {field} at the point")
            return None
        return self._filled(message, field)

    def _filled(self, message: tensor_pb2.Tensor, path: str, *, finite: bool = False) -> torch.Tensor | None:
        """A floating tensor that has elements, or None where it is wrong."""
        tensor = self.tensor(message, path, finite=finite)
        if tensor is not None and tensor.numel() == 0:
            self.fail(f"{path}.shape", "EMPTY", f"{shape_text(tensor.shape)} has no elements")
        return tensor

    def _kind(self) -> DerivativeKind | None:
        if (name := self.message.WhichOneof("derivative")) is None:
            valid = ", ".join(kind.value for kind in DerivativeKind)
            self.fail("", "REQUIRED", f"a claim has a derivative, exactly one of {valid}")
            return None
        return DerivativeKind(name)

    def _precision(self) -> None:
        tolerance = self.message.relative_tolerance
        if not 0 <= tolerance < math.inf:  # NaN is outside, too
            self.fail("relative_tolerance", "OUT_OF_RANGE", f"{tolerance}; must be at least 0 and finite")

    def _batch(self, point: Tensors, output: torch.Tensor) -> None:
        """Whether a batch fits in messages, of one point at least."""
        sizes = {
            "max_response_bytes": (sum(t.nbytes for t in point.values()), self.limits.max_points_bytes),
            "max_request_bytes": (output.nbytes, self.limits.max_values_bytes),
        }
        for name, (size, allowed) in sizes.items():
            if size > allowed:
                raise LimitExceededError(self.path, name, size, allowed)
        if not self.message.HasField("max_batch"):
            return
        most = min(MOST_BATCH, *(allowed // max(1, size) for size, allowed in sizes.values()))
        if not 1 <= self.message.max_batch <= most:
            text = f"{self.message.max_batch}; of these points a batch may have 1 to {most}"
            self.fail("max_batch", "OUT_OF_RANGE", text)

    def named(
        self, message: witness_pb2.DerivativeTensors, shapes: Shapes, path: str, *, finite: bool = False
    ) -> Tensors:
        """Tensors by the names of the point, of these shapes; at least one."""
        if not message.tensors:
            self.fail(f"{path}.tensors", "REQUIRED", "at least one tensor by a name of the point")
        tensors = {}
        for name in sorted(message.tensors):
            at = f'{path}.tensors["{name}"]'
            if name not in shapes:
                self.fail(at, "UNKNOWN_TENSOR", f"the point has no tensor {name!r}{near_miss(name, shapes)}")
            elif (tensor := self.shaped(message.tensors[name], shapes[name], at, finite=finite)) is not None:
                tensors[name] = tensor
        return tensors

    def shaped(
        self, message: tensor_pb2.Tensor, shape: torch.Size, path: str, *, finite: bool = False
    ) -> torch.Tensor | None:
        """A floating tensor of this shape, or None where it is wrong."""
        tensor = self.tensor(message, path, finite=finite)
        if tensor is not None:
            self.violations.extend(_shape_violations(tensor, shape, f"{self.path}.{path}.shape"))
        return tensor

    def single(self, message: tensor_pb2.Tensor, shape: torch.Size, path: str, *, finite: bool = False) -> Tensors:
        """The one tensor of a side that has no names, under the name ""."""
        tensor = self.shaped(message, shape, path, finite=finite)
        return {} if tensor is None else {"": tensor}

    def gradient(self, point: Shapes, output: torch.Size) -> tuple[Tensors, Tensors]:
        """The stated gradient of a function with one value."""
        if output.numel() != 1:
            text = f"{shape_text(output)}; only a function with one value has a gradient: claim a jacobian, vjp or jvp"
            self.fail("output.shape", "NOT_SCALAR", text)
        return self.named(self.message.gradient, point, "gradient"), {}

    def jacobian(self, point: Shapes, output: torch.Size) -> tuple[Tensors, Tensors]:
        """The stated Jacobian."""
        shapes = {name: torch.Size((*output, *shape)) for name, shape in point.items()}
        return self.named(self.message.jacobian, shapes, "jacobian"), {}

    def vjp(self, point: Shapes, output: torch.Size) -> tuple[Tensors, Tensors]:
        """The stated product, and the cotangent."""
        along = self.single(self.message.vjp.cotangent, output, "vjp.cotangent", finite=True)
        return self.named(self.message.vjp.result, point, "vjp.result"), along

    def jvp(self, point: Shapes, output: torch.Size) -> tuple[Tensors, Tensors]:
        """The stated product, and the tangents."""
        along = self.named(self.message.jvp.tangent, point, "jvp.tangent", finite=True)
        return self.single(self.message.jvp.result, output, "jvp.result"), along


_DERIVATIVES = {
    DerivativeKind.GRADIENT: _Reader.gradient,
    DerivativeKind.JACOBIAN: _Reader.jacobian,
    DerivativeKind.VJP: _Reader.vjp,
    DerivativeKind.JVP: _Reader.jvp,
}
