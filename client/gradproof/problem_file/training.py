"""Loss, optimizer, schedule, clipping and steps of a problem file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gradproof import catalog
from gradproof._violations import near_miss
from gradproof.problem_file.arrays import is_stated
from gradproof.problem_file.context import Context, shown
from gradproof.problem_file.data import Section, read_section, to_tensors
from gradproof.problem_file.operations import Kind, Operation, find_class, read_operation
from gradproof.problem_file.paths import child
from gradproof.v1 import losses_pb2, optimizers_pb2, problem_pb2, schedules_pb2, tensor_pb2

STEP_KEYS = ("input", "inputs", "target", "targets", "lr")
MOST_STEPS = 100_000
EXAMPLES = {"loss": "{MSELoss: {reduction: sum}}", "optimizer": "{SGD: {lr: 0.1}}", "schedule": "{StepLR: [10]}"}


class Named(NamedTuple):
    """A class with arguments, and what stands beside it in the same mapping."""

    name: str
    arguments: Any
    path: str
    beside: Mapping[str, Any]


@dataclass
class LossDraft:
    """The loss, and the parameters that it has itself, by their names in it."""

    message: losses_pb2.Loss | None = None
    parameters: dict[str, tensor_pb2.Tensor] = field(default_factory=dict)


def _read_named(ctx: Context, key: str, value: Any, beside: tuple[str, ...]) -> Named | None:
    """`SGD`, or `{SGD: {lr: 0.1}}` with perhaps the keys `beside` next to SGD."""
    if value is None:
        return None
    if isinstance(value, str):
        return Named(value, None, key, {})
    names = [name for name in value if name not in beside] if isinstance(value, dict) else []
    if len(names) > 1:
        names = _drop_unknown(ctx, key, names, beside)
    if len(names) != 1:
        text = f"{shown(value)} is not one {key}; write its name, or a mapping, as {EXAMPLES[key]}"
        ctx.complain(key, "WRONG_TYPE", text)
        return None
    return Named(names[0], value[names[0]], child(key, names[0]), {k: v for k, v in value.items() if k in beside})


def _drop_unknown(ctx: Context, key: str, names: list[str], beside: tuple[str, ...]) -> list[str]:
    good = [name for name in names if name in catalog.names(key.capitalize())]
    for name in names if len(good) == 1 else []:
        if name not in good:
            place = child(key, good[0])
            text = (
                f"there is no key {name!r} beside {good[0]}{near_miss(name, beside)}; its arguments stand under {place}"
            )
            ctx.complain(child(key, name), "UNKNOWN_KEY", text)
    return good or names


def _read_class(ctx: Context, key: str, named: Named) -> Operation | None:
    kind = find_class(ctx, key.capitalize(), named.name, named.path)
    if kind is None:
        return None
    operation = read_operation(ctx, kind, named.arguments, named.path)
    if operation is not None:
        ctx.origin(f"problem.{key}.{operation.message.WhichOneof('kind')}", named.path)
    ctx.origin(f"problem.{key}", key)
    return operation


def read_loss(ctx: Context, value: Any) -> LossDraft:
    """The loss; an empty draft where there is none, or a wrong one."""
    named = _read_named(ctx, "loss", value, ("inputs",))
    if named is None:
        return LossDraft()
    operation = _read_class(ctx, "loss", named)
    if operation is None:
        return LossDraft()
    if named.beside.get("inputs") is not None:
        names = ctx.names(named.beside["inputs"], "loss.inputs", "the name of a node, an input or a target")
        operation.message.inputs.extend(names)
    for key, place in operation.places.items():
        ctx.origin(f'problem.parameters["loss.{key}"]', place)
    return LossDraft(operation.message, {f"loss.{key}": tensor for key, tensor in operation.parameters.items()})


def read_optimizer(ctx: Context, value: Any) -> optimizers_pb2.Optimizer | None:
    """The optimizer with its groups; None where there is none, or a wrong one."""
    named = _read_named(ctx, "optimizer", value, ("groups",))
    if named is None:
        return None
    operation = _read_class(ctx, "optimizer", named)
    if operation is None:
        return None
    if named.beside.get("groups") is not None:
        operation.message.groups.extend(_read_groups(ctx, named.name, named.beside["groups"]))
    message: optimizers_pb2.Optimizer = operation.message
    return message


def _read_groups(ctx: Context, name: str, value: Any) -> list[optimizers_pb2.ParameterGroup]:
    if not isinstance(value, list):
        ctx.complain_about_type("optimizer.groups", value, "a list, as [{parameters: [0.weight], lr: 0.1}]")
        return []
    groups = []
    for i, item in enumerate(value):
        path = child("optimizer.groups", i)
        group = ctx.mapping(item, path, "{parameters: [0.weight], lr: 0.1}")
        if group.get("parameters") is None:
            ctx.complain(child(path, "parameters"), "REQUIRED", "a group needs `parameters`, as [0.weight]")
            continue
        names = ctx.names(group["parameters"], child(path, "parameters"), "the name of a parameter")
        own = {key: argument for key, argument in group.items() if key != "parameters"}
        overrides = read_operation(ctx, Kind("Optimizer", catalog.canonical_name("Optimizer", name)), own, path)
        ctx.origin(f"problem.optimizer.groups[{i}]", path)
        if overrides is not None:
            groups.append(optimizers_pb2.ParameterGroup(parameters=names, overrides=overrides.message))
    return groups


def read_schedule(ctx: Context, value: Any) -> schedules_pb2.Schedule | None:
    """The learning-rate schedule; None where there is none, or a wrong one."""
    named = _read_named(ctx, "schedule", value, ())
    operation = _read_class(ctx, "schedule", named) if named else None
    return operation.message if operation else None


def read_clipping(ctx: Context, values: Mapping[str, Any], problem: problem_pb2.Problem) -> None:
    """Sets `clip_grad_norm` and `clip_grad_value`, each a number or a mapping of its arguments."""
    for key, main, further in (("clip_grad_norm", "max_norm", ("norm_type",)), ("clip_grad_value", "clip_value", ())):
        value = values.get(key)
        if value is None:
            continue
        given = value if isinstance(value, dict) else {main: value}
        ctx.unknown_keys(given, (main, *further), key)
        ctx.origin(f"problem.{key}", key)
        message = getattr(problem, key)
        message.SetInParent()
        if given.get(main) is None:
            ctx.complain(child(key, main), "REQUIRED", f"`{main}` is missing; it is a number, 0 or more")
        for name in (main, *further):
            _set_number(ctx, message, name, given.get(name), child(key, name) if isinstance(value, dict) else key)


def _set_number(ctx: Context, message: Any, name: str, value: Any, path: str) -> None:
    if value is None:
        return
    number = number_or_none(value)
    if number is None:
        ctx.complain_about_type(path, value, "a number")
    else:
        setattr(message, name, number)


def number_or_none(value: Any) -> float | None:
    """A number of the file, `inf` included; None for anything else."""
    if isinstance(value, str) and value.lower().lstrip("+-") in ("inf", "infinity"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def read_steps(
    ctx: Context, values: Mapping[str, Any], problem: problem_pb2.Problem, sections: tuple[Section, Section]
) -> None:
    """Sets the steps: those of `steps`, or `n_steps` times the same batch."""
    steps, n_steps = values.get("steps"), values.get("n_steps")
    if n_steps is not None:
        count = ctx.whole_number(n_steps, "n_steps", "a number of steps, 1 or more", least=1) or 0
        if count > MOST_STEPS:
            ctx.complain("n_steps", "OUT_OF_RANGE", f"{count} steps; at most {MOST_STEPS} can be written")
        elif isinstance(steps, list) and len(steps) != count:
            ctx.complain("n_steps", "ALTERNATIVES", f"{count}, but `steps` lists {len(steps)}; write one of the two")
        elif steps is None:
            problem.steps.extend(problem_pb2.Step() for _ in range(count))
    if steps is None:
        return
    if not isinstance(steps, list) or not steps:
        text = f"{shown(steps)} is not a list of steps, as [{{lr: 0.1}}, {{lr: 0.01}}]; for equal ones write `n_steps`"
        ctx.complain("steps", "WRONG_TYPE", text)
        return
    for i, item in enumerate(steps):
        _read_step(ctx, item, i, problem.steps.add(), sections)


def _read_step(ctx: Context, item: Any, index: int, step: problem_pb2.Step, sections: tuple[Section, Section]) -> None:
    path = child("steps", index)
    ctx.origin(f"problem.steps[{index}]", path)
    entry = ctx.mapping(item, path, "{input: [[1.0]], target: [[0.5]], lr: 0.1}")
    if is_stated(entry):
        ctx.complain_about_type(path, item, "a step")
        return
    ctx.unknown_keys(entry, STEP_KEYS, path)
    for section, target in zip(sections, (step.inputs, step.targets), strict=True):
        arrays = read_section(ctx, section, entry, path, f"problem.steps[{index}]")
        for name, tensor in to_tensors(ctx, section, arrays, path).items():
            target[name].CopyFrom(tensor)
    _set_number(ctx, step, "lr", entry.get("lr"), child(path, "lr"))
