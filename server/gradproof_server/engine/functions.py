"""Functions without parameters: from a Function message to a callable over tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from google.protobuf.message import Message
from gradproof.v1 import functions_pb2 as pb

from .tensors import tensor_to_torch

Outputs = tuple[torch.Tensor, ...]
Call = Callable[..., torch.Tensor | Outputs]
MANY = 1_000
"""Most inputs of a function that joins any number of them, and most outputs of one that cuts."""


@dataclass(frozen=True)
class FunctionRow:
    """How one Function message is computed: `make(message)` gives a callable over the inputs."""

    make: Callable[[Any], Call]
    least: int = 1
    most: int = 1
    required: tuple[str, ...] = ()


def _dim(message: Any, default: int, name: str = "dim") -> int:
    return int(getattr(message, name)) if message.HasField(name) else default


def _number(message: Any, name: str, default: Any) -> Any:
    return float(getattr(message, name)) if message.HasField(name) else default


def _add(message: pb.Add) -> Call:
    alpha = _number(message, "alpha", None)
    return torch.add if alpha is None else lambda a, b: torch.add(a, b, alpha=alpha)


def _subtract(message: pb.Subtract) -> Call:
    alpha = _number(message, "alpha", None)
    return torch.sub if alpha is None else lambda a, b: torch.sub(a, b, alpha=alpha)


def _split(message: pb.Split) -> Call:
    sizes = list(message.sizes)
    argument: Any = sizes[0] if len(sizes) == 1 else sizes
    dim = _dim(message, 0)

    def split(x: torch.Tensor) -> Outputs:
        _check_parts(x.size(dim) // max(argument, 1) if len(sizes) == 1 else len(sizes))
        return tuple(torch.split(x, argument, dim=dim))

    return split


def _unbind(message: pb.Unbind) -> Call:
    dim = _dim(message, 0)

    def unbind(x: torch.Tensor) -> Outputs:
        _check_parts(x.size(dim))
        return tuple(torch.unbind(x, dim=dim))

    return unbind


def _check_parts(parts: int) -> None:
    if parts > MANY:
        raise ValueError(f"{parts} parts; at most {MANY} are possible")


def _reduce(message: pb.Reduce) -> Call:
    name = pb.Reducer.Name(message.reducer).removeprefix("REDUCER_")
    dims = tuple(message.dims)
    reducers: dict[str, Callable[[torch.Tensor, tuple[int, ...], bool], torch.Tensor]] = {
        "SUM": lambda x, d, k: torch.sum(x, dim=d, keepdim=k),
        "MEAN": lambda x, d, k: torch.mean(x, dim=d, keepdim=k),
        "AMAX": lambda x, d, k: torch.amax(x, dim=d, keepdim=k),
        "AMIN": lambda x, d, k: torch.amin(x, dim=d, keepdim=k),
        "MAX": lambda x, d, k: torch.max(x, dim=_only(d), keepdim=k).values,
        "MIN": lambda x, d, k: torch.min(x, dim=_only(d), keepdim=k).values,
        "PROD": lambda x, d, k: torch.prod(x, dim=_only(d), keepdim=k),
        "VAR": lambda x, d, k: torch.var(x, dim=d, correction=_dim(message, 1, "correction"), keepdim=k),
        "STD": lambda x, d, k: torch.std(x, dim=d, correction=_dim(message, 1, "correction"), keepdim=k),
        "NORM": lambda x, d, k: torch.linalg.vector_norm(x, ord=_number(message, "p", 2.0), dim=d, keepdim=k),
        "LOGSUMEXP": lambda x, d, k: torch.logsumexp(x, dim=d, keepdim=k),
        "MEDIAN": lambda x, d, k: torch.median(x, dim=_only(d), keepdim=k).values,
    }
    keepdim = message.keepdim
    over_all: dict[str, Call] = {"PROD": torch.prod, "MEDIAN": torch.median}
    if not dims and not keepdim and name in over_all:
        return over_all[name]
    reducer = reducers[name]
    return lambda x: reducer(x, dims or tuple(range(x.dim())), keepdim)


def _only(dims: tuple[int, ...]) -> int:
    if len(dims) != 1:
        raise ValueError(f"this reducer takes one dimension, not {len(dims)}")
    return dims[0]


def _index(message: pb.Index) -> Call:
    dim = _dim(message, 0)
    kind = message.WhichOneof("positions")
    if kind == "select":
        return lambda x: torch.select(x, dim, message.select)
    if kind == "slice":
        return lambda x: _slice(x, dim, message.slice)
    return lambda x: torch.index_select(x, dim, torch.tensor(list(message.list.values), device=x.device))


def _slice(x: torch.Tensor, dim: int, message: pb.Slice) -> torch.Tensor:
    start = message.start if message.HasField("start") else None
    stop = message.stop if message.HasField("stop") else None
    step = message.step if message.HasField("step") else 1
    at = [slice(None)] * x.dim()
    at[dim] = slice(start, stop, step)
    return x[tuple(at)]


def _elementwise(message: pb.Elementwise) -> Call:
    name = pb.ElementwiseFunction.Name(message.function).removeprefix("ELEMENTWISE_FUNCTION_").lower()
    function: Call = getattr(torch, name)
    return function


def _clamp(message: pb.Clamp) -> Call:
    low, high = _number(message, "min", None), _number(message, "max", None)
    return lambda x: torch.clamp(x, low, high)


def _affine(message: pb.Affine) -> Call:
    scale, shift = _number(message, "scale", 1.0), _number(message, "shift", 0.0)
    return lambda x: x * scale + shift


def _normalize(message: pb.Normalize) -> Call:
    p, dim, eps = _number(message, "p", 2.0), _dim(message, 1), _number(message, "eps", 1e-12)
    return lambda x: F.normalize(x, p=p, dim=dim, eps=eps)


def _power(message: pb.Power) -> Call:
    exponent = message.exponent
    return lambda x: torch.pow(x, exponent)


ROWS: dict[str, FunctionRow] = {
    "add": FunctionRow(_add, 2, 2),
    "subtract": FunctionRow(_subtract, 2, 2),
    "multiply": FunctionRow(lambda _: torch.mul, 2, 2),
    "divide": FunctionRow(lambda _: torch.div, 2, 2),
    "matmul": FunctionRow(lambda _: torch.matmul, 2, 2),
    "concatenate": FunctionRow(lambda m: lambda *xs: torch.cat(xs, dim=_dim(m, 0)), 1, MANY),
    "stack": FunctionRow(lambda m: lambda *xs: torch.stack(xs, dim=_dim(m, 0)), 1, MANY),
    "split": FunctionRow(_split, required=("sizes",)),
    "unbind": FunctionRow(_unbind),
    "reshape": FunctionRow(lambda m: lambda x: x.reshape(tuple(m.shape))),
    "permute": FunctionRow(lambda m: lambda x: x.permute(tuple(m.dims)), required=("dims",)),
    "transpose": FunctionRow(lambda m: lambda x: x.transpose(_dim(m, -2, "dim0"), _dim(m, -1, "dim1"))),
    "squeeze": FunctionRow(lambda m: lambda x: x.squeeze(m.dim), required=("dim",)),
    "unsqueeze": FunctionRow(lambda m: lambda x: x.unsqueeze(m.dim), required=("dim",)),
    "expand": FunctionRow(lambda m: lambda x: x.expand(tuple(m.shape)), required=("shape",)),
    "reduce": FunctionRow(_reduce, required=("reducer",)),
    "index": FunctionRow(_index, required=("positions",)),
    "gather": FunctionRow(lambda m: lambda x, i: torch.gather(x, _dim(m, 0), i.long()), 2, 2),
    "elementwise": FunctionRow(_elementwise, required=("function",)),
    "power": FunctionRow(_power, required=("exponent",)),
    "clamp": FunctionRow(_clamp),
    "maximum": FunctionRow(lambda _: torch.maximum, 2, 2),
    "minimum": FunctionRow(lambda _: torch.minimum, 2, 2),
    "affine": FunctionRow(_affine),
    "constant": FunctionRow(lambda m: lambda: tensor_to_torch(m.value), 0, 0, required=("value",)),
    "detach": FunctionRow(lambda _: lambda x: x.detach()),
    "where": FunctionRow(lambda _: lambda c, a, b: torch.where(c.bool(), a, b), 3, 3),
    "cumulative_sum": FunctionRow(lambda m: lambda x: torch.cumsum(x, dim=_dim(m, 0))),
    "einsum": FunctionRow(lambda m: lambda *xs: torch.einsum(m.equation, *xs), 1, MANY, required=("equation",)),
    "normalize": FunctionRow(_normalize),
}
"""By the field of Function."""


def is_given(message: Message, field: str) -> bool:
    """Whether a required field, or one member of a required oneof, has a value."""
    descriptor = message.DESCRIPTOR
    if field in descriptor.oneofs_by_name:
        return message.WhichOneof(field) is not None
    described = descriptor.fields_by_name[field]
    if described.is_repeated or not described.has_presence:
        return bool(getattr(message, field))
    return message.HasField(field)
