"""The catalogue: what can be built, with arguments, defaults and texts, and which classes are left out and why."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from gradproof.contract import FieldText, enum_texts, message_texts
from gradproof.v1 import functions_pb2, layers_pb2, losses_pb2, optimizers_pb2, schedules_pb2
from torch import nn

from .functions import MANY, ROWS
from .layers import CELLS, RANDOM, RECURRENT, forward_inputs
from .types import Catalog, CatalogArgument, CatalogEntry

CONTAINER = "holds other modules; a network is a list of nodes instead"
LAZY = "infers its sizes at the first call; state the sizes instead"
CODE = "takes code as an argument; a request holds only data"
PARALLEL = "spreads a module over devices"
ABSTRACT = "a base class without a computation of its own"

OMISSIONS: dict[str, str] = {
    "torch.nn.Module": ABSTRACT,
    "torch.nn.RNNBase": ABSTRACT,
    "torch.nn.RNNCellBase": ABSTRACT,
    "torch.nn.Container": CONTAINER,
    "torch.nn.Sequential": CONTAINER,
    "torch.nn.ModuleList": CONTAINER,
    "torch.nn.ModuleDict": CONTAINER,
    "torch.nn.ParameterList": CONTAINER,
    "torch.nn.ParameterDict": CONTAINER,
    "torch.nn.DataParallel": PARALLEL,
    **{
        f"torch.nn.Lazy{name}": LAZY
        for name in (
            "Linear",
            *(f"{kind}{d}d" for kind in ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm") for d in (1, 2, 3)),
        )
    },
    "torch.nn.NLLLoss2d": "deprecated; NLLLoss takes images too",
    "torch.optim.Optimizer": ABSTRACT,
    "torch.optim.lr_scheduler.LRScheduler": ABSTRACT,
    "torch.optim.lr_scheduler.LambdaLR": CODE,
    "torch.optim.lr_scheduler.MultiplicativeLR": CODE,
}
"""Public classes of torch.nn, torch.optim and torch.optim.lr_scheduler that have no message, with the reason."""

NO_NUMBERS = "selects an implementation or a device; the numbers do not depend on it"
DEPRECATED = "deprecated in PyTorch in favour of `reduction`"
GIVEN_OTHERWISE = "given in the problem: parameters, optimizer, seed"

OMITTED_ARGUMENTS: dict[str, str] = {
    **dict.fromkeys(("device", "dtype", "foreach", "fused", "capturable", "differentiable", "options"), NO_NUMBERS),
    **dict.fromkeys(("size_average", "reduce"), DEPRECATED),
    **dict.fromkeys(("params", "optimizer", "_weight", "_freeze", "_random_samples"), GIVEN_OTHERWISE),
    **dict.fromkeys(("scale_fn", "distance_function", "custom_encoder", "custom_decoder"), CODE),
    "process_group": "there is one process",
}
"""Arguments of constructors that have no field, with the reason."""

TYPES = {
    FieldDescriptor.TYPE_INT64: "int",
    FieldDescriptor.TYPE_DOUBLE: "float",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_STRING: "string",
}


@cache
def catalog() -> Catalog:
    """Everything that can be built, by family, in the order of the contract."""
    return Catalog(
        layers=_family(layers_pb2.Layer.DESCRIPTOR),
        functions=_family(functions_pb2.Function.DESCRIPTOR),
        losses=_family(losses_pb2.Loss.DESCRIPTOR),
        optimizers=_family(optimizers_pb2.Optimizer.DESCRIPTOR),
        schedules=_family(schedules_pb2.Schedule.DESCRIPTOR),
        omissions=OMISSIONS,
    )


def _family(wrapper: Any) -> tuple[CatalogEntry, ...]:
    return tuple(_entry(wrapper, field) for field in wrapper.oneofs_by_name["kind"].fields)


def _entry(wrapper: Descriptor, field: FieldDescriptor) -> CatalogEntry:
    message = field.message_type
    assert message is not None
    texts = message_texts()[message.name]
    inputs, outputs = _inputs_and_outputs(wrapper.name, field.name, message.name)
    return CatalogEntry(
        name=message.name,
        field=field.name,
        doc=texts.doc,
        arguments=tuple(_argument(argument, texts.fields[argument.name]) for argument in message.fields),
        inputs=inputs,
        outputs=outputs,
        random=message.name in RANDOM or any(f.name == "dropout" for f in message.fields),
    )


def _argument(field: FieldDescriptor, text: FieldText) -> CatalogArgument:
    return CatalogArgument(field.name, _type(field), text.required, text.default, text.doc)


def _type(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        name = field.message_type.name
        kind = "tensor" if name == "Tensor" else name
        return f"list of {kind}" if field.is_repeated else kind
    if field.enum_type is not None:
        return f"one of {'|'.join(enum_texts(field.enum_type))}"
    return TYPES[field.type] + ("s" if field.is_repeated else "")


def _inputs_and_outputs(family: str, field: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if family == "Function":
        row = ROWS[field]
        inputs = ("input...",) if row.most == MANY else tuple(f"input{i}" for i in range(row.most))
        return inputs, ("0", "1", "...") if field in ("split", "unbind") else ("output",)
    if family not in ("Layer", "Loss"):
        return (), ()
    names, least = forward_inputs(getattr(nn, name))
    inputs = tuple(n if i < least else f"{n}?" for i, n in enumerate(names))
    return inputs, ("loss",) if family == "Loss" else _outputs(name)


def _outputs(name: str) -> tuple[str, ...]:
    if name in RECURRENT:
        return ("output", "h_n", *(("c_n",) if name == "LSTM" else ()), "last", "hidden")
    if name in CELLS:
        return ("h", "c") if name == "LSTMCell" else ("output",)
    if name == "MultiheadAttention":
        return ("output", "weights")
    takes_indices = "return_indices" in inspect.signature(getattr(nn, name).__init__).parameters
    return ("output", "indices?") if takes_indices else ("output",)
