"""Optimizers and schedules: from messages to torch.optim objects over given parameters."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from google.protobuf.message import Message
from gradproof.v1 import optimizers_pb2, schedules_pb2
from torch import optim
from torch.optim import lr_scheduler
from torch.optim.swa_utils import SWALR

from .arguments import read_arguments
from .errors import TORCH_ERRORS
from .near import near_miss
from .types import Violation

GROUP_FIELDS = frozenset({"groups", "inputs"})


@dataclass(frozen=True)
class OptimizerSpec:
    """An optimizer as data: the class of torch.optim, its arguments, and parameter groups with their own ones."""

    type_name: str
    arguments: Mapping[str, Any]
    groups: tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...] = ()

    def build(self, parameters: Mapping[str, torch.Tensor]) -> torch.optim.Optimizer:
        """The optimizer over these leaf tensors, named as in state_dict; those in no group come first."""
        grouped = {name for names, _ in self.groups for name in names}
        rest = [tensor for name, tensor in parameters.items() if name not in grouped]
        groups: list[dict[str, Any]] = [{"params": rest}] if rest else []
        for names, arguments in self.groups:
            members = [parameters[name] for name in names if name in parameters]
            if members:
                groups.append({"params": members, **arguments})
        cls = getattr(optim, self.type_name)
        optimizer: torch.optim.Optimizer = cls(groups, **self.arguments)
        return optimizer

    def arguments_of(self, name: str) -> dict[str, Any]:
        """All arguments that hold for a parameter, PyTorch's defaults included."""
        given = dict(self.arguments)
        for names, arguments in self.groups:
            if name in names:
                given.update(arguments)
        probe = [torch.zeros(1, 1, requires_grad=True)]
        return {**getattr(optim, self.type_name)(probe, **given).defaults}


def read_optimizer(
    message: optimizers_pb2.Optimizer, parameters: Mapping[str, torch.Tensor], path: str, violations: list[Violation]
) -> OptimizerSpec | None:
    """The optimizer that the message describes; what is wrong is appended to `violations`."""
    field = message.WhichOneof("kind")
    if field is None:
        violations.append(Violation(path, "REQUIRED", "one kind of optimizer must be set, or no optimizer at all"))
        return None
    inner = getattr(message, field)
    before = len(violations)
    arguments = _read(inner, f"{path}.{field}", violations)
    groups = _read_groups(message, field, parameters, path, violations)
    if len(violations) > before:
        return None
    spec = OptimizerSpec(inner.DESCRIPTOR.name, arguments, groups)
    _try_to_build(spec, parameters, f"{path}.{field}", violations)
    return spec


def _read(inner: Message, path: str, violations: list[Violation]) -> dict[str, Any]:
    cls = getattr(optim, inner.DESCRIPTOR.name)
    arguments = read_arguments(inner, cls, path, violations, _no_messages).constructor
    if cls is optim.Adafactor and "eps" in arguments:
        eps = arguments["eps"]
        arguments["eps"] = eps if isinstance(eps, tuple) else (None, eps)
    return arguments


def _no_messages(name: str, message: Message, path: str) -> Any:
    raise AssertionError(f"{path}: optimizers have no field {name} of type {message.DESCRIPTOR.name}")


def _read_groups(
    message: optimizers_pb2.Optimizer,
    field: str,
    parameters: Mapping[str, torch.Tensor],
    path: str,
    violations: list[Violation],
) -> tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...]:
    seen: set[str] = set()
    groups = []
    for i, group in enumerate(message.groups):
        where = f"{path}.groups[{i}]"
        _check_members(list(group.parameters), parameters, seen, where, violations)
        kind = group.overrides.WhichOneof("kind")
        if kind not in (None, field) or group.overrides.groups:
            text = f"a group overrides fields of the same kind, {field}, without groups of its own"
            violations.append(Violation(f"{where}.overrides", "WRONG_KIND", text))
        elif kind is not None:
            inner = getattr(group.overrides, field)
            groups.append((tuple(group.parameters), _read(inner, f"{where}.overrides.{field}", violations)))
    return tuple(groups)


def _check_members(
    names: list[str], parameters: Mapping[str, torch.Tensor], seen: set[str], path: str, violations: list[Violation]
) -> None:
    for j, name in enumerate(names):
        where = f"{path}.parameters[{j}]"
        if name not in parameters:
            text = f"{name!r} is no parameter{near_miss(name, parameters)}"
            violations.append(Violation(where, "UNKNOWN_PARAMETER", text))
        elif name in seen:
            violations.append(Violation(where, "GIVEN_TWICE", f"{name!r} is in two groups"))
        seen.add(name)


def _try_to_build(
    spec: OptimizerSpec, parameters: Mapping[str, torch.Tensor], path: str, violations: list[Violation]
) -> None:
    # Arguments are validated even where every parameter is frozen.
    tensors = parameters or {"": torch.empty(1, 1, device="meta")}
    probes = {name: torch.empty_like(tensor).requires_grad_() for name, tensor in tensors.items()}
    try:
        spec.build(probes)
    except TORCH_ERRORS as error:
        text = f"torch.optim.{spec.type_name} refuses its arguments: {error}"
        violations.append(Violation(path, "CANNOT_BUILD", text))


def read_schedule(message: schedules_pb2.Schedule, path: str, violations: list[Violation]) -> ScheduleSpec | None:
    """The schedule that the message describes; what is wrong is appended to `violations`."""
    before = len(violations)
    spec = _read_schedule(message, path, violations, depth=0)
    if spec is None or len(violations) > before:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            spec.build(optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9))
    except TORCH_ERRORS as error:
        text = f"torch.optim.lr_scheduler.{spec.type_name} refuses its arguments: {error}"
        violations.append(Violation(path, "CANNOT_BUILD", text))
    return spec


@dataclass(frozen=True)
class ScheduleSpec:
    """A learning-rate schedule as data; the argument `schedulers` holds specs."""

    type_name: str
    arguments: Mapping[str, Any]

    def build(self, optimizer: torch.optim.Optimizer) -> Any:
        """The scheduler over that optimizer."""
        cls: Any = SWALR if self.type_name == "SWALR" else getattr(lr_scheduler, self.type_name)
        arguments = dict(self.arguments)
        if "schedulers" in arguments:
            arguments["schedulers"] = [spec.build(optimizer) for spec in arguments["schedulers"]]
        if self.type_name == "ChainedScheduler":
            return cls(arguments["schedulers"], optimizer=optimizer)
        return cls(optimizer, **arguments)


def _read_schedule(
    message: schedules_pb2.Schedule, path: str, violations: list[Violation], depth: int
) -> ScheduleSpec | None:
    field = message.WhichOneof("kind")
    if field is None or depth > 4:
        text = "one kind of schedule must be set" if field is None else "schedules are nested more than 4 deep"
        violations.append(Violation(path, "REQUIRED" if field is None else "TOO_DEEP", text))
        return None
    inner = getattr(message, field)
    name = inner.DESCRIPTOR.name
    cls = SWALR if name == "SWALR" else getattr(lr_scheduler, name)

    def nested(_: str, value: Any, where: str) -> ScheduleSpec | None:
        return _read_schedule(value, where, violations, depth + 1)

    arguments = read_arguments(inner, cls, f"{path}.{field}", violations, nested).constructor
    return ScheduleSpec(name, arguments)
