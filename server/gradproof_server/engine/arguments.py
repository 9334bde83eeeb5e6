"""Constructor arguments: from a message of the catalogue to keyword arguments of a torch class."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from gradproof.contract import argument_name, enum_texts, is_of_forward

from .types import Violation

ALWAYS_A_SEQUENCE = frozenset(
    {"milestones", "cutoffs", "unflattened_size", "normalized_shape", "betas", "etas", "step_sizes", "ns_coefficients"}
)
"""Repeated fields that stay a tuple even with one value; the others become a number then."""

WITHOUT_EFFECT = frozenset({"inplace", "init", "enable_nested_tensor", "mask_check", "last_epoch"})
"""Arguments that are accepted and dropped: they do not change the numbers of a stated problem."""

MAY_BE_INFINITE = frozenset({"norm_type", "p", "min_val", "max_val", "value", "max_norm", "max", "min", "threshold"})
"""Floating-point fields in which infinity has a meaning."""

MOST_REPEATS = 1_000
STACKS = frozenset({"num_layers", "num_encoder_layers", "num_decoder_layers"})
REPEATS = STACKS | {"ns_steps", "max_iter", "max_eval", "history_size"}
"""Integers that count passes of a loop in PyTorch, and the most that is accepted of them."""

RECURRENT_ARGUMENTS = ("input_size", "hidden_size")


@dataclass(frozen=True)
class Arguments:
    """Keyword arguments of the constructor and of forward, in PyTorch's names."""

    constructor: dict[str, Any]
    forward: dict[str, Any]


def read_arguments(
    message: Message,
    cls: type,
    path: str,
    violations: list[Violation],
    build_nested: Callable[[str, Message, str], Any],
    dropped: frozenset[str] = frozenset(),
) -> Arguments:
    """Keyword arguments that `message` gives to `cls`; what is wrong with them is appended to `violations`.

    `build_nested(name, message, path)` makes the object for a field that holds a message (a tensor, a nested layer).
    """
    constructor: dict[str, Any] = {}
    forward: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.name in WITHOUT_EFFECT or field.name in dropped:
            continue
        name, argument = _argument(field, value, f"{path}.{field.name}", violations, build_nested)
        (forward if is_of_forward(field) else constructor)[name] = argument
    for missing in sorted(required_arguments(cls) - constructor.keys() - dropped - WITHOUT_EFFECT):
        violations.append(Violation(f"{path}.{missing}", "REQUIRED", f"{cls.__name__} needs {missing}"))
    return Arguments(constructor, forward)


@cache
def required_arguments(cls: type) -> frozenset[str]:
    """Names of the constructor's arguments that have no default."""
    if cls.__name__ in ("RNN", "LSTM", "GRU"):
        return frozenset(RECURRENT_ARGUMENTS)
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    named = (p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in ("params", "optimizer"))
    return frozenset(p.name for p in named if p.default is p.empty)


def _argument(
    field: FieldDescriptor,
    value: Any,
    path: str,
    violations: list[Violation],
    build_nested: Callable[[str, Message, str], Any],
) -> tuple[str, Any]:
    name = argument_name(field)
    if field.name == "momentum_none":
        return "momentum", None
    if field.name == "padding_keyword":
        return "padding", _enum(field, value, path, violations)
    if field.is_repeated:
        return name, _sequence(field, value, path, violations, build_nested)
    return name, _scalar(field, value, path, violations, build_nested)


def _sequence(
    field: FieldDescriptor,
    value: Any,
    path: str,
    violations: list[Violation],
    build_nested: Callable[[str, Message, str], Any],
) -> Any:
    items = tuple(_scalar(field, v, f"{path}[{i}]", violations, build_nested) for i, v in enumerate(value))
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return list(items)
    if field.name == "output_size":
        items = tuple(None if item == -1 else item for item in items)
    if len(items) == 1 and field.name not in ALWAYS_A_SEQUENCE:
        return items[0]
    return items


def _scalar(
    field: FieldDescriptor,
    value: Any,
    path: str,
    violations: list[Violation],
    build_nested: Callable[[str, Message, str], Any],
) -> Any:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return build_nested(field.name, value, path)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return _enum(field, value, path, violations)
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        _check_number(field.name, value, path, violations)
    elif field.name in REPEATS and not 0 <= value <= MOST_REPEATS:
        text = f"{value} is out of range; valid are 0 to {MOST_REPEATS}"
        violations.append(Violation(path, "OUT_OF_RANGE", text))
        return 1
    return value


def _enum(field: FieldDescriptor, value: int, path: str, violations: list[Violation]) -> str | None:
    enum = cast(EnumDescriptor, field.enum_type)
    texts = {number: text for text, number in enum_texts(enum).items()}
    if value not in texts:
        names = ", ".join(known.name for known in enum.values if known.number)
        violations.append(Violation(path, "UNKNOWN_VALUE", f"{value} is not one of {names}"))
        return None
    return texts[value]


def _check_number(name: str, value: float, path: str, violations: list[Violation]) -> None:
    if math.isnan(value):
        violations.append(Violation(path, "NOT_A_NUMBER", "NaN; a number is needed"))
    elif math.isinf(value) and name not in MAY_BE_INFINITE:
        violations.append(Violation(path, "NOT_FINITE", f"{value}; a finite number is needed"))
