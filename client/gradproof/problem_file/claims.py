"""The claim of a problem file: numbers with the precision that they are written in, and the step they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gradproof.problem_file.arrays import WrittenArray, is_stated, read_array
from gradproof.problem_file.context import Context, shown
from gradproof.problem_file.operations import flat_tensors
from gradproof.problem_file.paths import child
from gradproof.problem_file.training import number_or_none
from gradproof.tensors import FLOATING, dtype_number
from gradproof.v1 import claim_pb2, problem_pb2, tensor_pb2

QUANTITIES: Mapping[str, tensor_pb2.Quantity] = {
    "loss": tensor_pb2.QUANTITY_LOSS,
    "outputs": tensor_pb2.QUANTITY_OUTPUT,
    "gradients": tensor_pb2.QUANTITY_GRADIENT,
    "input_gradients": tensor_pb2.QUANTITY_INPUT_GRADIENT,
    "node_values": tensor_pb2.QUANTITY_NODE_VALUE,
    "node_gradients": tensor_pb2.QUANTITY_NODE_GRADIENT,
    "updated": tensor_pb2.QUANTITY_UPDATED,
    "state": tensor_pb2.QUANTITY_STATE,
    "buffers": tensor_pb2.QUANTITY_BUFFER,
}
"""Keys of a claim, and of `include`, with what they mean."""

AFTER_THE_STEP = ("updated", "state", "buffers")
"""What belongs to the last step where no step is named; everything else belongs to the first."""

PRECISION = ("decimals", "rounding", "dtype", "atol", "rtol")
ROUNDINGS = {"nearest": claim_pb2.ROUNDING_NEAREST, "truncated": claim_pb2.ROUNDING_TRUNCATED}
MOST_DECIMALS = 20
DIGITS_OF_FLOAT64 = 15
"""A number with this many significant digits was computed in float64 rather than typed."""


@dataclass(frozen=True)
class Place:
    """Where claimed tensors stand, which step they belong to, and the precision stated for them."""

    path: str
    step: int | None
    precision: claim_pb2.Precision | None


def read_claim(ctx: Context, value: Any, problem: problem_pb2.Problem) -> claim_pb2.Claim | None:
    """The claim; None where the file has none."""
    if value is None:
        return None
    claim = claim_pb2.Claim()
    entry = ctx.mapping(value, "claim", "{updated: {0.weight: [[0.5]]}}")
    _read_part(ctx, claim, entry, problem, Place("claim", None, None), ("steps",))
    _read_steps(ctx, claim, entry, problem)
    if not claim.tensors and isinstance(value, dict) and not any(key in value for key in (*QUANTITIES, "steps")):
        ctx.complain("claim", "REQUIRED", f"nothing is claimed; give at least one of {', '.join(QUANTITIES)}")
    return claim


def read_include(ctx: Context, value: Any) -> tuple[str, ...]:
    """The quantities that `include` lists, by their names in `QUANTITIES`."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    found = [ctx.one_of(item, QUANTITIES, child("include", i), "quantity") for i, item in enumerate(items)]
    return tuple(name for name, quantity in QUANTITIES.items() if quantity in found)


def _read_steps(ctx: Context, claim: claim_pb2.Claim, entry: Mapping[str, Any], problem: problem_pb2.Problem) -> None:
    """`steps`: a list of claims, the first for the first step and so on, unless one names its own step."""
    parts = entry.get("steps")
    if parts is None:
        return
    if not isinstance(parts, list):
        ctx.complain_about_type("claim.steps", parts, "a list of claims, one for each step")
        return
    inherited = {key: entry[key] for key in PRECISION if key in entry}
    for i, part in enumerate(parts):
        path = child("claim.steps", i)
        own = ctx.mapping(part, path, "{loss: 0.36}")
        stated = own if any(key in own for key in PRECISION) else own | inherited
        _read_part(ctx, claim, stated, problem, Place(path, i, None))


def _read_part(
    ctx: Context,
    claim: claim_pb2.Claim,
    entry: Mapping[str, Any],
    problem: problem_pb2.Problem,
    place: Place,
    further: Iterable[str] = (),
) -> None:
    ctx.unknown_keys(entry, [*QUANTITIES, "step", *further, *PRECISION], place.path)
    precision = read_precision(ctx, entry, place.path)
    step = _read_step(ctx, entry, problem, place)
    for key, quantity in QUANTITIES.items():
        if entry.get(key) is None:
            continue
        first_or_last = max(0, len(problem.steps) - 1) if key in AFTER_THE_STEP else 0
        for name, value, path in _by_name(ctx, key, entry[key], problem, child(place.path, key)):
            identity = tensor_pb2.TensorId(quantity=quantity, name=name, step=first_or_last if step is None else step)
            _add(ctx, claim, identity, value, Place(path, step, precision))


def _read_step(ctx: Context, entry: Mapping[str, Any], problem: problem_pb2.Problem, place: Place) -> int | None:
    if entry.get("step") is None and place.step is None:
        return None
    path = child(place.path, "step") if entry.get("step") is not None else place.path
    last = max(0, len(problem.steps) - 1)
    value = place.step if entry.get("step") is None else entry["step"]
    step = ctx.whole_number(value, path, f"a step; the first is 0, the last here is {last}")
    if step is not None and step > last:
        ctx.complain(path, "OUT_OF_RANGE", f"there is no step {step}; the first is 0, the last here is {last}")
    return step


def _by_name(ctx: Context, key: str, value: Any, problem: problem_pb2.Problem, path: str) -> list[tuple[str, Any, str]]:
    """Name, value and path of each claimed tensor under one key."""
    if key == "loss":
        return [("", value, path)]
    if isinstance(value, dict) and not is_stated(value):
        return flat_tensors(ctx, "", value, path)
    known = {"outputs": _output_names(problem), "input_gradients": list(problem.inputs)}.get(key)
    if known is None:
        ctx.complain(path, "WRONG_TYPE", f"{shown(value)} has no name; write {{name: [...]}}, as {{0.weight: [[0.5]]}}")
    elif len(known) != 1:
        ctx.complain(path, "AMBIGUOUS", f"there are {len(known)} ({', '.join(known)}); write {{name: [...]}}")
    return [(known[0], value, path)] if known and len(known) == 1 else []


def _output_names(problem: problem_pb2.Problem) -> list[str]:
    nodes = problem.network.nodes
    last = [nodes[-1].name or str(len(nodes) - 1)] if nodes else []
    return list(problem.network.outputs) or last


def _add(ctx: Context, claim: claim_pb2.Claim, identity: tensor_pb2.TensorId, value: Any, place: Place) -> None:
    if any(known.id == identity for known in claim.tensors):
        ctx.complain(place.path, "GIVEN_TWICE", f"this is claimed twice for step {identity.step}")
        return
    array = read_array(ctx, value, place.path, ("decimals", "rounding", "atol", "rtol"))
    if array is None:
        return
    own = read_precision(ctx, value, place.path, "decimals", "rounding", "atol", "rtol") if is_stated(value) else None
    with ctx.violations.at(place.path):
        tensor = _claimed_tensor(array, place.precision)
        ctx.origin(f"claim.tensors[{len(claim.tensors)}]", place.path)
        precision = own or place.precision or _written_precision(array, value, tensor)
        claim.tensors.append(claim_pb2.ClaimedTensor(id=identity, value=tensor, precision=precision))


def _claimed_tensor(array: WrittenArray, stated: claim_pb2.Precision | None) -> tensor_pb2.Tensor:
    """The numbers in the dtype that they are said to be computed in, else in float64."""
    if array.dtype in FLOATING:
        return array.tensor()
    if stated is not None and stated.WhichOneof("kind") == "dtype":
        return array.tensor(tensor_pb2.Dtype.Name(stated.dtype).removeprefix("DTYPE_").lower())
    return array.tensor("float64")


def _written_precision(array: WrittenArray, value: Any, tensor: tensor_pb2.Tensor) -> claim_pb2.Precision:
    """Without any statement: the digits as written; the dtype where it is stated or the digits are those of float64."""
    if array.dtype in FLOATING or array.decimals is None or _most_significant(value) >= DIGITS_OF_FLOAT64:
        return claim_pb2.Precision(dtype=tensor.dtype)
    return claim_pb2.Precision(decimals=claim_pb2.PrintedDecimals(digits=min(array.decimals, MOST_DECIMALS)))


def _most_significant(value: Any) -> int:
    """The most significant digits that any number is written with."""
    if isinstance(value, dict):
        return _most_significant(value.get("values"))
    if isinstance(value, list):
        return max((_most_significant(item) for item in value), default=0)
    mantissa = re.split("[eE]", getattr(value, "text", ""))[0]
    return len(re.sub(r"[^0-9]", "", mantissa).lstrip("0"))


def read_precision(ctx: Context, entry: Mapping[str, Any], path: str, *keys: str) -> claim_pb2.Precision | None:
    """The precision that a claim, or one stated tensor, states; None where it states none."""
    given = {key: entry[key] for key in keys or PRECISION if entry.get(key) is not None}
    ways = [way for way in (("decimals",), ("dtype",), ("atol", "rtol")) if any(key in given for key in way)]
    if len(ways) > 1:
        text = f"{', '.join(given)} are given; write decimals, or dtype, or atol and rtol"
        ctx.complain(path, "ALTERNATIVES", text)
    if "rounding" in given and "decimals" not in given:
        ctx.complain(child(path, "rounding"), "REQUIRED", "`rounding` needs `decimals` beside it")
    if len(ways) != 1:
        return None
    precision = claim_pb2.Precision()
    _PRECISION_READERS[ways[0][0]](ctx, given, path, precision)
    return precision


def _read_decimals(ctx: Context, given: Mapping[str, Any], path: str, precision: claim_pb2.Precision) -> None:
    place = child(path, "decimals")
    digits = ctx.whole_number(given["decimals"], place, f"a number of digits after the point, 0 to {MOST_DECIMALS}")
    if digits is not None and digits > MOST_DECIMALS:
        ctx.complain(place, "OUT_OF_RANGE", f"{digits} decimals; valid are 0 to {MOST_DECIMALS}")
    precision.decimals.digits = min(digits or 0, MOST_DECIMALS)
    if "rounding" in given:
        rounding = ctx.one_of(given["rounding"], ROUNDINGS, child(path, "rounding"), "rounding")
        precision.decimals.rounding = rounding  # type: ignore[assignment]


def _read_computed_in(ctx: Context, given: Mapping[str, Any], path: str, precision: claim_pb2.Precision) -> None:
    place = child(path, "dtype")
    with ctx.violations.at(place):
        precision.dtype = dtype_number(str(given["dtype"]))
    name = tensor_pb2.Dtype.Name(precision.dtype).removeprefix("DTYPE_").lower()
    if name not in FLOATING and precision.dtype:
        text = f"{name}: numbers of a claim are computed in one of {', '.join(sorted(FLOATING))}"
        ctx.complain(place, "UNSUPPORTED_VALUE", text)


def _read_tolerances(ctx: Context, given: Mapping[str, Any], path: str, precision: claim_pb2.Precision) -> None:
    precision.tolerances.SetInParent()
    for key, field in (("atol", "absolute"), ("rtol", "relative")):
        if key not in given:
            continue
        number = number_or_none(given[key])
        if number is None or not number >= 0:
            ctx.complain_about_type(child(path, key), given[key], "a tolerance; it is a number, 0 or more")
        else:
            setattr(precision.tolerances, field, number)


_PRECISION_READERS = {"decimals": _read_decimals, "dtype": _read_computed_in, "atol": _read_tolerances}
