"""Builders: for each class of the catalogue a function with the arguments, types and documentation of the contract.

A builder is made from its message's descriptor and comments when it is first asked for. Its source is text, so that
signature, docstring and errors of a wrong call are Python's own; protos/generate.py writes the same text, without
bodies, to _generated/*.pyi for editors and type checkers.
"""

from __future__ import annotations

import json
import linecache
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import FunctionType
from typing import Any, Literal  # noqa: F401  in the types of arguments

from google.protobuf.descriptor import FieldDescriptor

from gradproof._arguments import descriptor_of, find_kind, positional_fields
from gradproof.catalog import FAMILIES, construct, names
from gradproof.contract import SET_BY_OTHERS, FieldText, argument_name, enum_texts, message_of, message_texts
from gradproof.network import Node, make_function, make_layer  # noqa: F401
from gradproof.tensors import ArrayLike  # noqa: F401
from gradproof.v1.losses_pb2 import Loss  # noqa: F401
from gradproof.v1.optimizers_pb2 import Optimizer  # noqa: F401
from gradproof.v1.schedules_pb2 import Schedule  # noqa: F401

WIDTH = 120

SCALARS = {
    FieldDescriptor.TYPE_INT64: "int",
    FieldDescriptor.TYPE_DOUBLE: "float",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_STRING: "str",
}
SPECIAL_TYPES = {
    "output_size": "int | Sequence[int | None]",
    "Adafactor.eps": "float | Sequence[float | None]",
    "slice": "slice",
    "list": "Sequence[int]",
    "bias": "bool | ArrayLike",
}
"""Types of arguments that are more than their field says, by field, or by message and field."""


@dataclass(frozen=True, eq=False)
class Family:
    """The builders of one kind of object.

    Attributes:
        wrapper: the message around each class, as Layer.
        module: the name of the module that holds the builders, in gradproof.
        result: the type that they return.
        make: makes it of the name of the class, positional and keyword arguments, and the keywords below.
        keywords: parameters besides those of the class, with their types; None is the default of each.
        rest: the parameter that takes further keywords; empty for none.
        docs: lines about keywords and rest.
    """

    wrapper: str
    module: str
    result: str
    make: Callable[..., Any]
    keywords: Mapping[str, str]
    rest: str
    docs: tuple[str, ...]


def _message(family: str, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], **others: Any) -> Any:
    return construct(family, name, args, {**kwargs, **others})


_INPUTS = "str | Sequence[str]"

LAYERS = Family(
    "Layer",
    "layers",
    "Node",
    make_layer,
    {"name": "str", "inputs": _INPUTS, "named_inputs": "Mapping[str, str]", "output": "str | int"},
    "tensors",
    (
        "name, inputs, named_inputs, output: place in the network; see Node.",
        "tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.",
    ),
)
FUNCTIONS = Family(
    "Function",
    "functions",
    "Node",
    make_function,
    {"name": "str", "inputs": _INPUTS, "output": "str | int"},
    "",
    ("name, inputs, output: place in the network; see Node.",),
)
LOSSES = Family(
    "Loss",
    "losses",
    "Loss",
    partial(_message, "Loss"),
    {"inputs": _INPUTS},
    "",
    ("inputs: names of the tensors that the loss takes, if not outputs and targets in their order.",),
)
OPTIMIZERS = Family(
    "Optimizer",
    "optimizers",
    "Optimizer",
    partial(_message, "Optimizer"),
    {"groups": "Sequence[Mapping[str, Any]]"},
    "without_effect",
    (
        "groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.",
        "without_effect: foreach, fused, capturable and differentiable are accepted and dropped.",
    ),
)
SCHEDULES = Family("Schedule", "schedules", "Schedule", partial(_message, "Schedule"), {}, "", ())

MODULES = (LAYERS, FUNCTIONS, LOSSES, OPTIMIZERS, SCHEDULES)


def exported(family: Family) -> list[str]:
    """The names of a family's builders, as `__all__` lists them: constants first, as isort sorts."""
    return sorted(names(family.wrapper), key=lambda name: (not name.isupper(), name))


def lazy_module(module: str, *families: Family) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """`__all__`, `__getattr__` and `__dir__` (PEP 562) of a module that holds the builders of these families."""
    home = {name: family for family in families for name in exported(family)}

    def get(name: str) -> FunctionType:
        if name not in home:
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module])
        return builder(home[name], name)

    return list(home), get, lambda: sorted({*vars(sys.modules[module]), *home})


@cache
def builder(family: Family, name: str) -> FunctionType:
    """The function that builds objects of a class."""

    def build(given: dict[str, Any]) -> Any:
        keywords = {key: given.pop(key) for key in family.keywords}
        return family.make(name, (), given | given.pop(family.rest, {}), **keywords)

    module = f"gradproof.{family.module}"
    text = f"{source(family, name)}\n    return _build(locals())\n"
    path = f"<{module}.{name}>"
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    namespace = {**globals(), "__name__": module, "_build": build}
    exec(compile(text, path, "exec"), namespace)
    made: FunctionType = namespace[name]
    return made


def source(family: Family, name: str) -> str:
    """The definition of a builder without its body: signature and docstring."""
    descriptor = find_kind(descriptor_of(FAMILIES[family.wrapper]), name, "").descriptor
    texts = message_texts()[name]
    fields = [field for field in descriptor.fields if field.name not in SET_BY_OTHERS]
    positional = positional_fields(descriptor)
    keywords = [_parameter(field, texts.fields[field.name]) for field in fields if field not in positional]
    keywords += [f"{key}: {kind} | None = None" for key, kind in family.keywords.items()]
    parameters = [
        *(_parameter(field, texts.fields[field.name]) for field in positional),
        *(["*", *keywords] if keywords else []),
        *([f"**{family.rest}: Any"] if family.rest else []),
    ]
    docs = [*(_argument_doc(field, texts.fields[field.name]) for field in fields), *family.docs]
    return "\n".join([*_head(name, parameters, family.result), *_docstring(texts.doc, docs)])


def _parameter(field: FieldDescriptor, text: FieldText) -> str:
    kind, name = _type(field), argument_name(field)
    if text.required:
        return f"{name}: {kind}"
    # Of a layer, momentum None has a meaning of its own in torch (an average over all batches): the default is written.
    if field.name == "momentum" and message_of(field).file.name.endswith("layers.proto"):
        return f"{name}: {kind} | None = {text.default}"
    return f"{name}: {kind} | None = None"


def _type(field: FieldDescriptor) -> str:
    special = SPECIAL_TYPES.get(f"{message_of(field).name}.{field.name}") or SPECIAL_TYPES.get(field.name)
    if special:
        return special
    if field.message_type is not None:
        return _message_type(field.message_type.name, field.is_repeated)
    if field.enum_type is not None:
        return f"Literal[{', '.join(json.dumps(text) for text in enum_texts(field.enum_type))}]"
    scalar = SCALARS[field.type]
    kind = f"{scalar} | Sequence[{scalar}]" if field.is_repeated else scalar
    keyword = field.name == "padding" and "padding_keyword" in message_of(field).fields_by_name
    return f'{kind} | Literal["valid", "same"]' if keyword else kind


def _message_type(name: str, repeated: bool) -> str:
    if name == "Tensor":
        return "ArrayLike"
    return f"Sequence[{name}]" if repeated else "Node | Mapping[str, Any]"


def _argument_doc(field: FieldDescriptor, text: FieldText) -> str:
    default = f" Default: {text.default}." if text.default else ""
    return f"{argument_name(field)}: {text.doc}{default}"


def _head(name: str, parameters: Sequence[str], result: str) -> Iterator[str]:
    yield f"def {name}("
    # No-break spaces hold each parameter together.
    text = " ".join(f"{parameter},".replace(" ", "\xa0") for parameter in parameters)
    for line in textwrap.wrap(text, WIDTH - 4, break_long_words=False, break_on_hyphens=False):
        yield f"    {line}".replace("\xa0", " ")
    yield f") -> {result}:"


def _docstring(doc: str, arguments: Sequence[str]) -> list[str]:
    lines = textwrap.wrap(f'"""{doc}', WIDTH - 7, initial_indent="    ", subsequent_indent="    ")
    if not arguments:
        return [*lines[:-1], f'{lines[-1]}"""']
    wrap = textwrap.TextWrapper(WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12).wrap
    return [*lines, "", "    Args:", *(line for argument in arguments for line in wrap(argument)), '    """']
