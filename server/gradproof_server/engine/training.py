"""A training run as data: the program with its numbers, validated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from gradproof.v1 import problem_pb2, tensor_pb2

from .layers import initial_buffer
from .near import near_miss
from .optimizers import OptimizerSpec, ScheduleSpec, read_optimizer, read_schedule
from .program import Program, ProgramCache
from .shapes import ShapeCache, Shapes, check_cost, check_scalar_output, estimate_cost
from .tensors import FLOATING, TORCH_DTYPES, shape_text, tensor_to_torch, tensor_violations
from .types import Cost, DeviceUnavailableError, InvalidProblemError, LimitExceededError, Limits, Violation

PROGRAMS = ProgramCache()
SHAPES = ShapeCache()
WORTH_A_GPU = 10**10
"""Floating-point operations from which AUTO takes CUDA; below, starting kernels costs more than it gains."""


@dataclass(frozen=True)
class StepData:
    """What one training step is given: inputs and targets by name, and a learning rate of its own."""

    inputs: Mapping[str, torch.Tensor]
    targets: Mapping[str, torch.Tensor]
    lr: float | None = None


@dataclass(frozen=True)
class Clipping:
    """Gradient clipping before the optimizer's step, by norm, then by value."""

    max_norm: float | None = None
    norm_type: float = 2.0
    clip_value: float | None = None


@dataclass(frozen=True)
class Training:
    """A training run of one or several steps.

    Tensors are on CPU as the caller sent them; `run` brings floating ones to `dtype`. `parameters` holds every
    parameter that is not tied to another, `buffers` every buffer.
    """

    program: Program
    shapes: Shapes
    parameters_before: Mapping[str, torch.Tensor]
    buffers_before: Mapping[str, torch.Tensor]
    steps: tuple[StepData, ...]
    optimizer: OptimizerSpec | None
    state: Mapping[str, torch.Tensor]
    schedule: ScheduleSpec | None
    clipping: Clipping
    train: bool
    frozen: frozenset[str]
    seed: int
    dtype: torch.dtype
    device: torch.device

    @cached_property
    def parameters(self) -> int:
        """Number of elements of all parameters."""
        return sum(tensor.numel() for tensor in self.parameters_before.values())

    @property
    def flops(self) -> int:
        """Estimated floating-point operations of one forward pass."""
        return self.shapes.flops

    @property
    def cost(self) -> Cost:
        """What a run takes, as estimated."""
        return estimate_cost(self.program, self.shapes, len(self.steps), self.dtype.itemsize)

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.program.nodes)

    @property
    def last_step(self) -> int:
        """Index of the last step."""
        return len(self.steps) - 1


def read_problem(problem: problem_pb2.Problem, limits: Limits, path: str = "problem") -> Training:
    """The training run that the message describes.

    Raises:
        InvalidProblemError: with all that is wrong with it, as far as it can be known before running.
        LimitExceededError: it is above one of the limits.
        DeviceUnavailableError: it names a device that is not there.
    """
    if not problem.HasField("network"):
        raise InvalidProblemError([Violation(f"{path}.network", "REQUIRED", "a problem has a network")])
    if len(problem.steps) > limits.max_steps:
        raise LimitExceededError(f"{path}.steps", "max_steps", len(problem.steps), limits.max_steps)
    loss = problem.loss if problem.HasField("loss") else None
    program = PROGRAMS.get(problem.network, loss, _input_names(problem), path, limits)
    reader = _Reader(problem, program, path, limits)
    training = reader.read()
    check_scalar_output(program, training.shapes)
    check_cost(training.cost, f"{program.path}.network", limits)
    return training


def _input_names(problem: problem_pb2.Problem) -> tuple[str, ...]:
    names = set(problem.inputs)
    for step in problem.steps:
        names.update(step.inputs)
    return tuple(sorted(names))


class _Reader:
    """Reads the numbers of a problem and collects what is wrong with them."""

    def __init__(self, problem: problem_pb2.Problem, program: Program, path: str, limits: Limits) -> None:
        self.problem, self.program, self.path, self.limits = problem, program, path, limits
        self.violations: list[Violation] = []

    def read(self) -> Training:
        """The training run; raises InvalidProblemError with everything that is wrong."""
        parameters = self._parameters()
        buffers = self._buffers()
        steps = self._steps()
        dtype = self._dtype()
        frozen = self._frozen()
        clipping = self._clipping()
        trained = {name: tensor for name, tensor in self.program.parameters.items() if name not in frozen}
        optimizer = self._optimizer(trained)
        schedule = self._schedule(optimizer)
        state = self._tensors(self.problem.state, "state")
        train = self._mode()
        self._raise()
        shapes = self._shapes(steps, train, dtype)
        return Training(
            program=self.program,
            shapes=shapes,
            parameters_before=parameters,
            buffers_before=buffers,
            steps=steps,
            optimizer=optimizer,
            state=state,
            schedule=schedule,
            clipping=clipping,
            train=train,
            frozen=frozen,
            seed=self.problem.seed % (1 << 63),
            dtype=dtype,
            device=self._device(shapes),
        )

    def _fail(self, field: str, reason: str, text: str) -> None:
        self.violations.append(Violation(f"{self.path}.{field}", reason, text))

    def _raise(self) -> None:
        if self.violations:
            raise InvalidProblemError(self.violations)

    def _tensors(self, messages: Mapping[str, tensor_pb2.Tensor], field: str) -> dict[str, torch.Tensor]:
        tensors = {}
        for name in sorted(messages):
            message = messages[name]
            found = tensor_violations(message, f'{self.path}.{field}["{name}"]', self.limits)
            self.violations.extend(found)
            if not found:
                tensors[name] = tensor_to_torch(message)
        return tensors

    def _parameters(self) -> dict[str, torch.Tensor]:
        given = self._tensors(self.problem.parameters, "parameters")
        wanted = self.program.parameters
        self._check_known(given, wanted, "parameters", "parameter")
        for name in wanted:
            if name not in self.problem.parameters:
                text = f"the parameter {name!r} of shape {shape_text(wanted[name].shape)} has no value"
                self._fail(f'parameters["{name}"]', "MISSING_PARAMETER", text)
        return {name: given[name] for name in wanted if name in given}

    def _buffers(self) -> dict[str, torch.Tensor]:
        given = self._tensors(self.problem.buffers, "buffers")
        self._check_known(given, self.program.buffers, "buffers", "buffer")
        initial = {name: initial_buffer(name, like, torch.float64) for name, like in self.program.buffers.items()}
        return {**initial, **{name: tensor for name, tensor in given.items() if name in initial}}

    def _check_known(
        self, given: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], field: str, what: str
    ) -> None:
        for name, tensor in given.items():
            where = f'{field}["{name}"]'
            if name in self.program.tied:
                text = f"{name!r} is tied to {self.program.tied[name]!r} and has no value of its own"
                self._fail(where, "TIED", text)
            elif name not in wanted:
                text = f"the network has no {what} {name!r}{near_miss(name, wanted)}"
                self._fail(where, f"UNKNOWN_{what.upper()}", text)
            elif tensor.shape != wanted[name].shape:
                text = f"shape {shape_text(tensor.shape)}, but {name!r} has shape {shape_text(wanted[name].shape)}"
                self._fail(f"{where}.shape", "SHAPE_MISMATCH", text)
            elif tensor.is_floating_point() != wanted[name].is_floating_point():
                kind = "floating-point" if wanted[name].is_floating_point() else "integer"
                self._fail(f"{where}.dtype", "WRONG_DTYPE", f"{tensor.dtype}; a {kind} type is needed")

    def _steps(self) -> tuple[StepData, ...]:
        inputs = self._tensors(self.problem.inputs, "inputs")
        targets = self._tensors(self.problem.targets, "targets")
        self._check_targets(list(self.problem.targets), "targets")
        steps = []
        for i, step in enumerate(self.problem.steps):
            own_inputs = self._tensors(step.inputs, f"steps[{i}].inputs")
            own_targets = self._tensors(step.targets, f"steps[{i}].targets")
            self._check_targets(list(step.targets), f"steps[{i}].targets")
            lr = step.lr if step.HasField("lr") else None
            if lr is not None and not 0 <= lr < float("inf"):
                self._fail(f"steps[{i}].lr", "OUT_OF_RANGE", f"{lr}; a learning rate is finite and not negative")
            steps.append(StepData({**inputs, **own_inputs}, {**targets, **own_targets}, lr))
        return tuple(steps) or (StepData(inputs, targets),)

    def _check_targets(self, names: list[str], field: str) -> None:
        loss = self.program.loss
        known = [argument.key for argument in loss.arguments if argument.is_target] if loss else []
        for name in names:
            if name not in known:
                what = f"{loss.module.type_name} takes no target {name!r}" if loss else "there is no loss to take it"
                self._fail(f'{field}["{name}"]', "UNKNOWN_TARGET", f"{what}{near_miss(name, known)}")

    def _dtype(self) -> torch.dtype:
        number = self.problem.dtype or tensor_pb2.DTYPE_FLOAT64
        if number not in FLOATING:
            valid = "FLOAT64, FLOAT32, FLOAT16 and BFLOAT16"
            self._fail("dtype", "WRONG_DTYPE", f"{number} is no type to compute in; valid are {valid}")
            return torch.float64
        return TORCH_DTYPES[number]

    def _mode(self) -> bool:
        if self.problem.mode not in problem_pb2.Mode.values():
            self._fail("mode", "UNKNOWN_VALUE", f"{self.problem.mode}; valid are MODE_TRAIN and MODE_EVAL")
        return self.problem.mode != problem_pb2.MODE_EVAL

    def _frozen(self) -> frozenset[str]:
        known = self.program.parameters
        for i, name in enumerate(self.problem.frozen):
            if name not in known:
                text = f"the network has no parameter {name!r}{near_miss(name, known)}"
                self._fail(f"frozen[{i}]", "UNKNOWN_PARAMETER", text)
        return frozenset(self.problem.frozen)

    def _clipping(self) -> Clipping:
        values: dict[str, Any] = {}
        norm, value = self.problem.clip_grad_norm, self.problem.clip_grad_value
        if self.problem.HasField("clip_grad_norm"):
            values["max_norm"] = self._bound(norm.max_norm, norm.HasField("max_norm"), "clip_grad_norm.max_norm")
            values["norm_type"] = norm.norm_type if norm.HasField("norm_type") else 2.0
            if not values["norm_type"] > 0:
                text = f"{values['norm_type']}; a norm's p is above 0, infinity is allowed"
                self._fail("clip_grad_norm.norm_type", "OUT_OF_RANGE", text)
        if self.problem.HasField("clip_grad_value"):
            values["clip_value"] = self._bound(
                value.clip_value, value.HasField("clip_value"), "clip_grad_value.clip_value"
            )
        return Clipping(**values)

    def _bound(self, value: float, given: bool, field: str) -> float:
        if not given:
            self._fail(field, "REQUIRED", "a bound is needed")
        elif not value >= 0:
            self._fail(field, "OUT_OF_RANGE", f"{value}; a bound is 0 or more")
        return value

    def _optimizer(self, trained: Mapping[str, torch.Tensor]) -> OptimizerSpec | None:
        if not self.problem.HasField("optimizer"):
            if self.problem.state:
                self._fail("state", "REQUIRED", "a state without an optimizer")
            return None
        return read_optimizer(self.problem.optimizer, trained, f"{self.path}.optimizer", self.violations)

    def _schedule(self, optimizer: OptimizerSpec | None) -> ScheduleSpec | None:
        if not self.problem.HasField("schedule"):
            return None
        if optimizer is None and not self.problem.HasField("optimizer"):
            self._fail("optimizer", "REQUIRED", "a schedule needs an optimizer")
        return read_schedule(self.problem.schedule, f"{self.path}.schedule", self.violations)

    def _shapes(self, steps: tuple[StepData, ...], train: bool, dtype: torch.dtype) -> Shapes:
        """Shapes of the first step, with the work of all steps on average and the memory of the largest."""
        every = [
            SHAPES.get(self.program, dict(step.inputs), dict(step.targets), train, dtype, self.limits) for step in steps
        ]
        flops = math.ceil(sum(shapes.flops for shapes in every) / len(every))
        elements, largest = max(shapes.value_elements for shapes in every), max(shapes.largest for shapes in every)
        return replace(every[0], flops=flops, value_elements=elements, largest=largest)

    def _device(self, shapes: Shapes) -> torch.device:
        wanted = self.problem.device
        if wanted not in problem_pb2.Device.values():
            self._fail("device", "UNKNOWN_VALUE", f"{wanted}; valid are DEVICE_AUTO, DEVICE_CPU and DEVICE_CUDA")
            self._raise()
        there = torch.cuda.is_available()
        if wanted == problem_pb2.DEVICE_CUDA and not there:
            raise DeviceUnavailableError("this server has no CUDA device; valid are DEVICE_AUTO and DEVICE_CPU")
        large = 3 * shapes.flops >= WORTH_A_GPU
        automatic = wanted in (problem_pb2.DEVICE_AUTO, problem_pb2.DEVICE_UNSPECIFIED)
        use_cuda = there and (wanted == problem_pb2.DEVICE_CUDA or (automatic and large))
        return torch.device("cuda:0" if use_cuda else "cpu")
