"""Claims: the caller's numbers, with the precision that they are stated in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from gradproof._arguments import descriptor_of, set_argument
from gradproof._violations import Violations
from gradproof.errors import invalid
from gradproof.tensors import as_tensor, decimals_of, dtype_number, is_array_like
from gradproof.v1 import claim_pb2, problem_pb2, tensor_pb2

MOST_INFERRED_DECIMALS = 10
"""Lists with more digits than this were computed, not typed: their precision is that of float64."""

ClaimLike: TypeAlias = "Claim | Sequence[Claim] | claim_pb2.Claim"
"""What describes a claim: one, several for different steps, or a message."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Claim:
    """The caller's numbers for any tensors of a training run.

    Without a stated precision, that of a Python list is the digits it was written with (0.174 has three; lists with
    more than ten digits are taken as float64, lists of integers as exact), that of an array its dtype.

    Attributes:
        loss: a scalar.
        outputs: of the network: an array-like for the only one, or by name.
        gradients: of the loss with respect to parameters, before clipping, by state_dict names ("0.weight").
        input_gradients: with respect to inputs: an array-like for the only one, or by name.
        node_values: values of nodes, by name.
        node_gradients: gradients with respect to the values of nodes, by name.
        updated: parameters after the optimizer's step, by state_dict names.
        state: tensors of the optimizer's state after the step, by "parameter.key" ("0.weight.exp_avg").
        buffers: after the step, by state_dict names.
        step: that the numbers belong to, counted from 0; None: the last one for `updated`, `state` and `buffers`, and
            the first one for everything else.
        decimals: how many decimals the numbers were printed with.
        rounding: how they were shortened, "nearest" or "truncated"; None: either is accepted. Only with decimals.
        dtype: in which the numbers were computed, as "float32".
        atol: absolute tolerance.
        rtol: relative tolerance.
    """

    loss: Any = None
    outputs: Any = None
    gradients: Mapping[str, Any] | None = None
    input_gradients: Any = None
    node_values: Mapping[str, Any] | None = None
    node_gradients: Mapping[str, Any] | None = None
    updated: Mapping[str, Any] | None = None
    state: Mapping[str, Any] | None = None
    buffers: Mapping[str, Any] | None = None
    step: int | None = None
    decimals: int | None = None
    rounding: Literal["nearest", "truncated"] | None = None
    dtype: str | None = None
    atol: float | None = None
    rtol: float | None = None

    @classmethod
    def at(cls, step: int, **tensors: Any) -> Claim:
        """The numbers of one step, counted from 0: `Claim.at(2, loss=0.31)`; arguments as for the class."""
        return cls(step=step, **tensors)

    def to_proto(self, problem: problem_pb2.Problem) -> claim_pb2.Claim:
        """The claim as a message; the problem says the number of steps and the names of outputs and inputs.

        Raises:
            InvalidProblemError: something is of the wrong type, or nothing is claimed.
        """
        return claim_to_proto(self, problem)


@dataclass(frozen=True)
class _Kind:
    """What a field of a claim means: its quantity, and whether it belongs to the last step or to the first."""

    field: str
    quantity: tensor_pb2.Quantity
    last_step: bool = False


_KINDS = (
    _Kind("loss", tensor_pb2.QUANTITY_LOSS),
    _Kind("outputs", tensor_pb2.QUANTITY_OUTPUT),
    _Kind("gradients", tensor_pb2.QUANTITY_GRADIENT),
    _Kind("input_gradients", tensor_pb2.QUANTITY_INPUT_GRADIENT),
    _Kind("node_values", tensor_pb2.QUANTITY_NODE_VALUE),
    _Kind("node_gradients", tensor_pb2.QUANTITY_NODE_GRADIENT),
    _Kind("updated", tensor_pb2.QUANTITY_UPDATED, last_step=True),
    _Kind("state", tensor_pb2.QUANTITY_STATE, last_step=True),
    _Kind("buffers", tensor_pb2.QUANTITY_BUFFER, last_step=True),
)


def claim_to_proto(claim: ClaimLike, problem: problem_pb2.Problem) -> claim_pb2.Claim:
    """The message of a claim, or of several claims together; a message passes through.

    Raises:
        InvalidProblemError: something is of the wrong type, claimed twice, or nothing is claimed.
    """
    if isinstance(claim, claim_pb2.Claim):
        return claim
    message, found = claim_pb2.Claim(), Violations()
    for part in [claim] if isinstance(claim, Claim) else claim:
        if not isinstance(part, Claim):
            raise invalid("claim", "WRONG_TYPE", f"{part!r} is not a Claim")
        precision = _stated_precision(part, found)
        for identity, value, path in _claimed(part, problem, found):
            with found.at(path):
                message.tensors.append(_claimed_tensor(identity, value, part, precision))
    _refuse_empty_or_twice(message, found)
    found.raise_if_any()
    return message


def _refuse_empty_or_twice(message: claim_pb2.Claim, found: Violations) -> None:
    seen: set[bytes] = set()
    for tensor in message.tensors:
        key = tensor.id.SerializeToString(deterministic=True)
        if key in seen:
            name = f"{tensor_pb2.Quantity.Name(tensor.id.quantity)} {tensor.id.name!r} of step {tensor.id.step}"
            found.add("claim", "GIVEN_TWICE", f"{name} is claimed twice")
        seen.add(key)
    if not message.tensors and not found:
        found.add("claim", "REQUIRED", f"nothing is claimed; give {', '.join(kind.field for kind in _KINDS)}")


def _claimed(
    claim: Claim, problem: problem_pb2.Problem, found: Violations
) -> Iterator[tuple[tensor_pb2.TensorId, Any, str]]:
    for kind in _KINDS:
        value = getattr(claim, kind.field)
        if value is None:
            continue
        step = claim.step if claim.step is not None else max(0, len(problem.steps) - 1) * kind.last_step
        if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step < 2**32:
            found.add("claim.step", "OUT_OF_RANGE", f"{step!r} is not the index of a step; the first is 0")
            return
        named: Mapping[str, Any] = {}
        with found.at(f"claim.{kind.field}"):
            named = _by_name(kind.field, value, problem)
        for name, tensor in named.items():
            path = f'claim.{kind.field}["{name}"]' if name else f"claim.{kind.field}"
            yield tensor_pb2.TensorId(quantity=kind.quantity, name=name, step=step), tensor, path


def _by_name(field: str, value: Any, problem: problem_pb2.Problem) -> Mapping[str, Any]:
    if field == "loss":
        return {"": value}
    if isinstance(value, Mapping):
        return {str(name): tensor for name, tensor in value.items()}
    known = {"outputs": _output_names(problem), "input_gradients": list(problem.inputs)}.get(field)
    if known is None:
        raise invalid(f"claim.{field}", "WRONG_TYPE", "arrays by name are needed, as {'0.weight': [[...]]}")
    if len(known) != 1:
        text = f"there are {len(known)} ({', '.join(known)}); arrays by name are needed, as {{name: [...]}}"
        raise invalid(f"claim.{field}", "AMBIGUOUS", text)
    return {known[0]: value}


def _output_names(problem: problem_pb2.Problem) -> list[str]:
    nodes = problem.network.nodes
    last = [nodes[-1].name or str(len(nodes) - 1)] if nodes else []
    return list(problem.network.outputs) or last


def _stated_precision(claim: Claim, found: Violations) -> claim_pb2.Precision | None:
    """The precision that the claim states for all its tensors; None where it states none."""
    stated = {
        "decimals": claim.decimals is not None,
        "dtype": claim.dtype is not None,
        "atol/rtol": claim.atol is not None or claim.rtol is not None,
    }
    given = [name for name, is_given in stated.items() if is_given]
    if len(given) > 1:
        found.add("claim", "ALTERNATIVES", f"only one of decimals, dtype and atol/rtol can be given, not {given}")
    if claim.rounding is not None and claim.decimals is None:
        found.add("claim.rounding", "REQUIRED", "rounding needs decimals")
    precision = claim_pb2.Precision()
    if claim.decimals is not None:
        _set_decimals(precision, claim, found)
    elif claim.dtype is not None:
        with found.at("claim.dtype"):
            precision.dtype = dtype_number(claim.dtype)
    elif given:
        _set(precision.tolerances, "absolute", claim.atol, "claim.atol", found)
        _set(precision.tolerances, "relative", claim.rtol, "claim.rtol", found)
    return precision if given else None


def _set_decimals(precision: claim_pb2.Precision, claim: Claim, found: Violations) -> None:
    digits = claim.decimals
    if isinstance(digits, bool) or not isinstance(digits, int) or not 0 <= digits <= 20:
        found.add("claim.decimals", "OUT_OF_RANGE", f"{digits!r} decimals; valid are 0 to 20")
        return
    precision.decimals.digits = digits
    _set(precision.decimals, "rounding", claim.rounding, "claim.rounding", found)


def _set(message: Any, field: str, value: Any, path: str, found: Violations) -> None:
    set_argument(message, descriptor_of(message).fields_by_name[field], value, path, found)


def _claimed_tensor(
    identity: tensor_pb2.TensorId, value: Any, claim: Claim, stated: claim_pb2.Precision | None
) -> claim_pb2.ClaimedTensor:
    written = isinstance(value, (list, tuple)) or not is_array_like(value)
    tensor = as_tensor(value, claim.dtype if written else None)
    if tensor.dtype in (tensor_pb2.DTYPE_INT64, tensor_pb2.DTYPE_INT32, tensor_pb2.DTYPE_BOOL):
        tensor = as_tensor(tensor, "float64")
    return claim_pb2.ClaimedTensor(id=identity, value=tensor, precision=stated or _own_precision(value, tensor))


def _own_precision(value: Any, tensor: tensor_pb2.Tensor) -> claim_pb2.Precision:
    decimals = decimals_of(value)
    if decimals is not None and decimals <= MOST_INFERRED_DECIMALS:
        return claim_pb2.Precision(decimals=claim_pb2.PrintedDecimals(digits=decimals))
    return claim_pb2.Precision(dtype=tensor.dtype)
