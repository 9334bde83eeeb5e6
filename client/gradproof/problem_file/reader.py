"""A problem file as a whole: from its text to the messages of a problem and a claim."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gradproof.errors import CallError, InvalidProblemError, Violation
from gradproof.network import weight_tensor
from gradproof.problem_file.arrays import read_tensor
from gradproof.problem_file.claims import read_claim, read_include
from gradproof.problem_file.context import Context, shown
from gradproof.problem_file.data import (
    MAIN_INPUT,
    Section,
    connect_initial_states,
    integers_of_loss,
    integers_of_network,
    read_section,
    target_name,
    to_tensors,
)
from gradproof.problem_file.document import Document, not_readable, parse_document
from gradproof.problem_file.nodes import NetworkDraft, read_nodes
from gradproof.problem_file.operations import flat_tensors
from gradproof.problem_file.paths import child
from gradproof.problem_file.training import (
    LossDraft,
    read_clipping,
    read_loss,
    read_optimizer,
    read_schedule,
    read_steps,
)
from gradproof.tensors import FLOATING, dtype_number
from gradproof.v1 import claim_pb2, problem_pb2

FREE_KEYS = ("case", "notes", "title", "source")
"""Keys whose content is the author's own; it is not looked at."""

KEYS = (
    "network", "outputs", "tied_parameters", "parameters", "buffers", "input", "inputs", "target", "targets", "loss",
    "optimizer", "state", "schedule", "clip_grad_norm", "clip_grad_value", "n_steps", "steps", "mode", "frozen", "seed",
    "dtype", "device", "claim", "include", *FREE_KEYS,
)  # fmt: skip
"""All keys of a problem file."""

MODES = {"train": problem_pb2.MODE_TRAIN, "eval": problem_pb2.MODE_EVAL}
DEVICES = {"auto": problem_pb2.DEVICE_AUTO, "cpu": problem_pb2.DEVICE_CPU, "cuda": problem_pb2.DEVICE_CUDA}
LARGEST_SEED = 2**64 - 1


@dataclass(frozen=True)
class ProblemFile:
    """What a problem file says.

    Attributes:
        problem: the message of the problem.
        claim: the message of the claim; None where the file claims nothing.
        include: further quantities of the reference to return, by their names in `QUANTITIES`.
        notes: the author's own words: the keys `case`, `notes`, `title` and `source`.
        name: of the file, for messages.
    """

    problem: problem_pb2.Problem
    claim: claim_pb2.Claim | None
    include: tuple[str, ...]
    notes: Mapping[str, Any]
    name: str
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)
    document: Document = field(default_factory=lambda: Document(None), repr=False)

    def explain(self, error: CallError) -> list[Violation]:
        """The violations of an error that a server sent, with the file's paths and lines instead of the request's."""
        return [_with_line(self.document, replace(v, field=self._path_of(v.field))) for v in error.violations]

    def _path_of(self, request_path: str) -> str:
        for end in sorted(_ends(request_path), reverse=True):
            if request_path[:end] in self.origins:
                return self.origins[request_path[:end]] + request_path[end:]
        return re.sub(r"^problem\.", "", request_path)


def load(file: Path | str) -> ProblemFile:
    """Reads a problem file, YAML, or JSON where its name ends in .json.

    Raises:
        InvalidProblemError: it cannot be read, or something in it is wrong; all of it is listed, with paths and lines.
    """
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise not_readable(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise not_readable(f"{path} is not a text in UTF-8") from None
    return loads(text, str(path), path.parent)


def loads(text: str, name: str = "", folder: Path | None = None) -> ProblemFile:
    """Reads the text of a problem file called `name`; `folder` is what its references to other files are relative to.

    Raises:
        InvalidProblemError: as `load`.
    """
    document = parse_document(text, name)
    if not isinstance(document.value, dict):
        example = "`network`, `input`, `target`, `loss` and so on"
        raise not_readable(f"a problem file is a mapping with the keys {example}, not {shown(document.value)}")
    ctx = Context(document, folder or Path())
    try:
        result = _read(ctx, document.value, name)
        ctx.violations.raise_if_any()
    except InvalidProblemError as error:
        raise InvalidProblemError(violations=[_with_line(document, v) for v in error.violations]) from None
    return result


def _ends(path: str) -> list[int]:
    """Where a path can be cut: before each of its steps, and at its end."""
    return [match.start() for match in re.finditer(r"[.\[]", path)] + [len(path)]


def _with_line(document: Document, violation: Violation) -> Violation:
    line = document.line_of(violation.field)
    return violation if line is None else replace(violation, description=f"{violation.description} (line {line})")


def _read(ctx: Context, values: Mapping[str, Any], name: str) -> ProblemFile:
    ctx.unknown_keys(values, KEYS, "")
    problem = problem_pb2.Problem()
    network, loss = read_nodes(ctx, values.get("network")), read_loss(ctx, values.get("loss"))
    problem.network.nodes.extend(node.message for node in network.nodes)
    if loss.message is not None:
        problem.loss.CopyFrom(loss.message)
    sections = _read_data(ctx, values, problem, network, loss)
    _read_weights(ctx, values, problem, network, loss)
    _read_optimization(ctx, values, problem)
    read_steps(ctx, values, problem, sections)
    _read_plain(ctx, values, problem)
    claim = read_claim(ctx, values.get("claim"), problem)
    notes = {key: values[key] for key in FREE_KEYS if key in values}
    include = read_include(ctx, values.get("include"))
    return ProblemFile(problem, claim, include, notes, name, ctx.origins, ctx.document)


def _read_data(
    ctx: Context, values: Mapping[str, Any], problem: problem_pb2.Problem, network: NetworkDraft, loss: LossDraft
) -> tuple[Section, Section]:
    of_loss = integers_of_loss(loss.message)
    inputs = Section("input", "inputs", "inputs", MAIN_INPUT, integers_of_network(network) | of_loss)
    targets = Section("target", "targets", "targets", target_name(loss.message), of_loss)
    for section, target in ((inputs, problem.inputs), (targets, problem.targets)):
        arrays = read_section(ctx, section, values)
        tensors = to_tensors(ctx, section, arrays)
        if section is inputs:
            tensors |= connect_initial_states(ctx, network, arrays)
        for name, tensor in tensors.items():
            target[name].CopyFrom(tensor)
    del problem.network.nodes[:]
    problem.network.nodes.extend(node.message for node in network.nodes)
    return inputs, targets


def _read_weights(
    ctx: Context, values: Mapping[str, Any], problem: problem_pb2.Problem, network: NetworkDraft, loss: LossDraft
) -> None:
    inline = {"parameters": network.parameters | loss.parameters, "buffers": network.buffers, "state": {}}
    for key, beside in inline.items():
        target = getattr(problem, key)
        for name, tensor in beside.items():
            target[name].CopyFrom(tensor)
        named = ctx.mapping(values.get(key), key, "{0.weight: [[0.5]]}")
        for name, value, path in flat_tensors(ctx, "", named, key) if named else ():
            if name in beside:
                ctx.complain(path, "GIVEN_TWICE", f"{name!r} stands at its layer as well")
                continue
            tensor_or_none = read_tensor(ctx, value, path, integers=name.endswith("num_batches_tracked"))
            if tensor_or_none is not None:
                target[name].CopyFrom(weight_tensor(name, tensor_or_none))
                ctx.origin(f'problem.{key}["{name}"]', path)


def _read_optimization(ctx: Context, values: Mapping[str, Any], problem: problem_pb2.Problem) -> None:
    optimizer, schedule = read_optimizer(ctx, values.get("optimizer")), read_schedule(ctx, values.get("schedule"))
    if optimizer is not None:
        problem.optimizer.CopyFrom(optimizer)
    if schedule is not None:
        problem.schedule.CopyFrom(schedule)
    read_clipping(ctx, values, problem)


def _read_plain(ctx: Context, values: Mapping[str, Any], problem: problem_pb2.Problem) -> None:
    for key in ("outputs", "frozen"):
        if values.get(key) is not None:
            target = problem.network.outputs if key == "outputs" else problem.frozen
            target.extend(ctx.names(values[key], key, "a name"))
    tied = ctx.mapping(values.get("tied_parameters"), "tied_parameters", "{2.weight: 0.weight}")
    for name, other in tied.items():
        place = child("tied_parameters", name)
        problem.network.tied_parameters[name] = ctx.name(other, place, "the name of a parameter")
    if values.get("mode") is not None:
        problem.mode = ctx.one_of(values["mode"], MODES, "mode", "mode")  # type: ignore[assignment]
    if values.get("device") is not None:
        problem.device = ctx.one_of(values["device"], DEVICES, "device", "device")  # type: ignore[assignment]
    if values.get("dtype") is not None:
        dtypes = {name: dtype_number(name) for name in sorted(FLOATING)}
        problem.dtype = ctx.one_of(values["dtype"], dtypes, "dtype", "dtype of a reference")  # type: ignore[assignment]
    if values.get("seed") is not None:
        seed = ctx.whole_number(values["seed"], "seed", "a seed; it is a whole number, 0 or more") or 0
        if seed > LARGEST_SEED:
            ctx.complain("seed", "OUT_OF_RANGE", f"{seed}; the largest is {LARGEST_SEED}")
        problem.seed = min(seed, LARGEST_SEED)
