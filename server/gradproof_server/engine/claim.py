"""The claim: from messages to tensors that are known to exist in the training run."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from gradproof.v1 import claim_pb2, tensor_pb2

from .near import near_miss
from .optimizers import OptimizerSpec
from .run import node_keys
from .state import named_state, state_after_zeros
from .tensors import FLOATING, TORCH_DTYPES, shape_text, tensor_to_torch, tensor_violations
from .training import Training
from .types import (
    Claim,
    ClaimedTensor,
    ComputedIn,
    InvalidProblemError,
    LimitExceededError,
    Limits,
    Precision,
    PrintedDecimals,
    Quantity,
    Rounding,
    TensorId,
    Tolerances,
    Violation,
)

MOST_DIGITS = 20
Shapes = Mapping[str, torch.Size | None]
"""Names that a quantity has, with their shapes; None where the shape is known only after running."""


def read_claim(claim: claim_pb2.Claim, training: Training, limits: Limits, path: str = "claim") -> Claim:
    """The claimed tensors.

    Raises:
        InvalidProblemError: with all that is wrong: unknown names, wrong shapes, precisions out of range.
        LimitExceededError: a tensor, or all together, have too many elements.
    """
    reader = _Reader(training, limits)
    default = reader.precision(claim.precision, f"{path}.precision") if claim.HasField("precision") else None
    if not claim.tensors:
        reader.fail(f"{path}.tensors", "REQUIRED", "a claim has at least one tensor")
    tensors = [reader.tensor(message, default, f"{path}.tensors[{i}]") for i, message in enumerate(claim.tensors)]
    if reader.violations:
        raise InvalidProblemError(reader.violations)
    return tuple(tensor for tensor in tensors if tensor is not None)


class _Reader:
    """Reads the tensors of one claim and collects what is wrong with them."""

    def __init__(self, training: Training, limits: Limits) -> None:
        self.training, self.limits = training, limits
        self.violations: list[Violation] = []
        self.seen: set[TensorId] = set()
        self.elements = 0
        self._known: dict[Quantity, Shapes] = {}

    def fail(self, path: str, reason: str, text: str) -> None:
        """Notes a violation."""
        self.violations.append(Violation(path, reason, text))

    def tensor(self, message: claim_pb2.ClaimedTensor, default: Precision | None, path: str) -> ClaimedTensor | None:
        """One claimed tensor, or None where it is wrong."""
        before = len(self.violations)
        id = self._id(message.id, f"{path}.id")
        found = tensor_violations(message.value, f"{path}.value", self.limits)
        self.violations.extend(found)
        if len(self.violations) > before or id is None:
            return None
        value = tensor_to_torch(message.value)
        self._count(value.numel(), path)
        self._check_shape(id, value, f"{path}.value.shape")
        own = self.precision(message.precision, f"{path}.precision") if message.HasField("precision") else default
        return ClaimedTensor(id, value, own or self._of_dtype(message.value))

    def _count(self, elements: int, path: str) -> None:
        self.elements += elements
        if self.elements > self.limits.max_elements:
            raise LimitExceededError(path, "max_elements", self.elements, self.limits.max_elements)

    def _of_dtype(self, message: tensor_pb2.Tensor) -> Precision:
        return ComputedIn(TORCH_DTYPES[message.dtype] if message.dtype in FLOATING else torch.float64)

    def _id(self, message: tensor_pb2.TensorId, path: str) -> TensorId | None:
        if message.quantity == 0 or message.quantity not in tensor_pb2.Quantity.values():
            quantities = list(tensor_pb2.Quantity.keys())
            valid = ", ".join(name for name in quantities if not name.endswith("UNSPECIFIED"))
            self.fail(f"{path}.quantity", "UNKNOWN_VALUE", f"{message.quantity} is no quantity; valid are {valid}")
            return None
        quantity = Quantity(message.quantity)
        if message.step > self.training.last_step:
            steps = len(self.training.steps)
            self.fail(f"{path}.step", "OUT_OF_RANGE", f"{message.step}; the problem has {steps} step(s), from 0")
            return None
        name = self.training.program.tied.get(message.name, message.name)
        known = self._tensors_of(quantity)
        if name not in known:
            text = self._unknown(quantity, name, known)
            self.fail(f"{path}.name", "UNKNOWN_TENSOR", text)
            return None
        id = TensorId(message.step, quantity, name)
        if id in self.seen:
            self.fail(path, "GIVEN_TWICE", f"{quantity.name} {name!r} of step {message.step} is claimed twice")
        self.seen.add(id)
        return id

    def _tensors_of(self, quantity: Quantity) -> Shapes:
        if quantity not in self._known:
            self._known[quantity] = known_tensors(self.training, quantity)
        return self._known[quantity]

    def _unknown(self, quantity: Quantity, name: str, known: Shapes) -> str:
        if not known and quantity in (Quantity.UPDATED, Quantity.STATE):
            return f"the problem has no optimizer, so there is no {quantity.name} {name!r}"
        if name in self.training.frozen and quantity is Quantity.UPDATED:
            return f"{name!r} is frozen"
        what = quantity.name.lower().replace("_", " ")
        return f"there is no {what} {name!r}{near_miss(name, known)}"

    def _check_shape(self, id: TensorId, value: torch.Tensor, path: str) -> None:
        shape = self._tensors_of(id.quantity)[id.name]
        if shape is None or shape == value.shape:
            return
        text = f"shape {shape_text(value.shape)}, but {id.quantity.name} {id.name!r} has shape {shape_text(shape)}"
        if len(shape) > 1 and tuple(reversed(shape)) == tuple(value.shape):
            text += "; that is the transpose: PyTorch keeps weights as (out_features, in_features)"
        self.fail(path, "SHAPE_MISMATCH", text)

    def precision(self, message: claim_pb2.Precision, path: str) -> Precision | None:
        """The precision, or None where it is wrong."""
        kind = message.WhichOneof("kind")
        if kind == "decimals":
            return self._decimals(message.decimals, f"{path}.decimals")
        if kind == "dtype":
            if message.dtype in FLOATING:
                return ComputedIn(TORCH_DTYPES[message.dtype])
            text = f"{message.dtype} is no floating-point type; valid are FLOAT64, FLOAT32, FLOAT16 and BFLOAT16"
            self.fail(f"{path}.dtype", "WRONG_DTYPE", text)
        elif kind == "tolerances":
            return self._tolerances(message.tolerances, f"{path}.tolerances")
        else:
            self.fail(path, "REQUIRED", "one of decimals, dtype and tolerances must be set")
        return None

    def _decimals(self, message: claim_pb2.PrintedDecimals, path: str) -> Precision:
        if message.digits > MOST_DIGITS:
            self.fail(f"{path}.digits", "OUT_OF_RANGE", f"{message.digits}; valid are 0 to {MOST_DIGITS}")
        if message.rounding not in claim_pb2.Rounding.values():
            self.fail(f"{path}.rounding", "UNKNOWN_VALUE", f"{message.rounding}; valid are NEAREST and TRUNCATED")
            return PrintedDecimals(message.digits)
        return PrintedDecimals(message.digits, Rounding(message.rounding))

    def _tolerances(self, message: claim_pb2.Tolerances, path: str) -> Precision:
        for name in ("absolute", "relative"):
            value = getattr(message, name)
            if not (value >= 0 and math.isfinite(value)):
                self.fail(f"{path}.{name}", "OUT_OF_RANGE", f"{value}; a tolerance is finite and not negative")
        return Tolerances(message.absolute, message.relative)


def known_tensors(training: Training, quantity: Quantity) -> Shapes:
    """Names of the tensors of that quantity that a run of the training has, with their shapes."""
    program = training.program
    if quantity is Quantity.LOSS:
        return {"": torch.Size(())}
    if quantity is Quantity.OUTPUT:
        return {key: _value_shape(training, key) for key in program.outputs}
    if quantity in (Quantity.NODE_VALUE, Quantity.NODE_GRADIENT):
        return {key: _value_shape(training, key) for key in _node_keys(training)}
    if quantity is Quantity.INPUT_GRADIENT:
        inputs = training.steps[0].inputs
        return {name: tensor.shape for name, tensor in inputs.items() if tensor.is_floating_point()}
    if quantity is Quantity.GRADIENT:
        return {name: tensor.shape for name, tensor in program.parameters.items()}
    if quantity is Quantity.BUFFER:
        return {name: tensor.shape for name, tensor in program.buffers.items()}
    return _after_the_step(training, quantity)


def _after_the_step(training: Training, quantity: Quantity) -> Shapes:
    if training.optimizer is None:
        return {}
    if quantity is Quantity.UPDATED:
        return {name: tensor.shape for name, tensor in training.program.parameters.items()}
    return _state_shapes(training.optimizer, training)


def _state_shapes(spec: OptimizerSpec, training: Training) -> Shapes:
    """Names and shapes of the optimizer's state after a step, found by a step on zeros."""
    parameters = training.program.parameters
    trained = {
        name: torch.zeros(like.shape, dtype=training.dtype)
        for name, like in parameters.items()
        if name not in training.frozen
    }
    try:
        states = state_after_zeros(spec, trained)
    except (RuntimeError, ValueError, TypeError):
        return _AnyState(trained)
    return {name: tensor.shape for name, tensor in named_state(states).items()} or _AnyState(trained)


class _AnyState(dict[str, torch.Size | None]):
    """Any "parameter.key": optimizers of which the state is known only after a real step."""

    def __init__(self, parameters: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self._parameters = parameters

    def __contains__(self, name: object) -> bool:
        return str(name).rpartition(".")[0] in self._parameters

    def __getitem__(self, name: str) -> torch.Size | None:
        return None


def _node_keys(training: Training) -> list[str]:
    return node_keys(training.program, training.shapes.values)


def _value_shape(training: Training, key: str) -> torch.Size | None:
    return training.shapes.values.get(key)
