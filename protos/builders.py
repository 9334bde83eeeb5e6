"""What is made from the contract's comments: the SDK's typed builders and the texts of the catalogue."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto

PACKAGE = "gradproof/v1"
WIDTH = 120


@dataclass(frozen=True)
class Family:
    """One .proto file of the catalogue and the module of builders that is made from it."""

    wrapper: str
    stem: str
    title: str
    result: str
    make: str

    @property
    def source(self) -> str:
        """Path of the .proto file."""
        return f"{PACKAGE}/{self.stem}.proto"


FAMILIES = (
    Family("Layer", "layers", "the layers of torch.nn, as nodes of a network.", "Node", "make_layer"),
    Family("Function", "functions", "functions without parameters, as nodes.", "Node", "make_function"),
    Family("Loss", "losses", "the losses of torch.nn.", "Loss", "make_loss"),
    Family("Optimizer", "optimizers", "the optimizers of torch.optim.", "Optimizer", "make_optimizer"),
    Family("Schedule", "schedules", "the learning-rate schedules of torch.optim.", "Schedule", "make_schedule"),
)

# Set through another argument: padding="same", momentum=None.
HIDDEN = frozenset({"padding_keyword", "momentum_none"})
# Arguments of forward in torch, not of the constructor, by the class without its dimension: keyword-only here.
KEYWORD_ONLY = frozenset({("MaxUnpool", "output_size"), ("ConvTranspose", "output_size")})
TORCH_NAMES = {"t_max": "T_max", "t_0": "T_0", "t_mult": "T_mult"}
SPECIAL_TYPES = {
    ("", "output_size"): "int | Sequence[int | None]",
    ("Adafactor", "eps"): "float | Sequence[float | None]",
    ("", "slice"): "slice",
    ("", "list"): "Sequence[int]",
}
SCALAR_TYPES = {
    FieldDescriptorProto.TYPE_INT64: "int",
    FieldDescriptorProto.TYPE_DOUBLE: "float",
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_STRING: "str",
}


@dataclass(frozen=True)
class Argument:
    """A field of a catalogue message, as an argument of its builder."""

    name: str
    type: str
    doc: str
    default: str
    required: bool
    keyword_only: bool

    @property
    def signature(self) -> str:
        """As in the signature: `bias: bool | None = None`."""
        if self.required:
            return f"{self.name}: {self.type}"
        # None has a meaning of its own in torch here (an average over all batches), so the default is said.
        if self.type == "float | None":
            return f"{self.name}: {self.type} = {self.default}"
        return f"{self.name}: {self.type} | None = None"


@dataclass(frozen=True)
class Entry:
    """A message of the catalogue."""

    name: str
    doc: str
    arguments: tuple[Argument, ...]


class ProtoFile:
    """A file of the contract with its comments."""

    def __init__(self, proto: descriptor_pb2.FileDescriptorProto) -> None:
        self.proto = proto
        self._comments = {tuple(place.path): place.leading_comments for place in proto.source_code_info.location}
        self.enums = {enum.name: enum for enum in proto.enum_type}

    def comment(self, *path: int) -> str:
        """The comment at a path of the descriptor, on one line."""
        return " ".join(self._comments.get(path, "").split())

    def messages(self) -> Iterator[tuple[int, DescriptorProto]]:
        """All messages with their positions."""
        return iter(enumerate(self.proto.message_type))


def split_comment(comment: str) -> tuple[str, str, bool]:
    """A field's comment as text, default and whether it is required: "Bound, > 0. Unset: 1." -> "Bound, > 0.", "1"."""
    if comment.endswith("Required."):
        return comment.removesuffix("Required.").strip(), "", True
    text, marker, default = comment.rpartition("Unset: ")
    return (text.strip(), default.removesuffix("."), False) if marker else (comment, "", False)


def catalog_docs(contract: Mapping[str, ProtoFile]) -> str:
    """The comments of the catalogue as JSON: of each message, and of each field with its default."""
    texts = {}
    for family in FAMILIES:
        file = contract[family.source]
        for index, message in file.messages():
            fields = {field.name: _field_docs(file, index, i) for i, field in enumerate(message.field)}
            texts[message.name] = {"doc": file.comment(4, index), "fields": fields}
    return json.dumps(texts, indent=1, ensure_ascii=False) + "\n"


def _field_docs(file: ProtoFile, message: int, field: int) -> dict[str, object]:
    doc, default, required = split_comment(file.comment(4, message, 2, field))
    return {"doc": doc, "default": default, "required": required}


def read_entries(file: ProtoFile, family: Family) -> list[Entry]:
    """The classes of a family, in the order of the contract."""
    messages = {message.name: (index, message) for index, message in file.messages()}
    wrapper = messages[family.wrapper][1]
    kinds = [field for field in wrapper.field if field.HasField("oneof_index")]
    return [_read_entry(file, *messages[kind.type_name.rsplit(".", 1)[-1]]) for kind in kinds]


def _read_entry(file: ProtoFile, index: int, message: DescriptorProto) -> Entry:
    names = {field.name for field in message.field}
    arguments = [
        _read_argument(file, message.name, field, names, file.comment(4, index, 2, i))
        for i, field in enumerate(message.field)
        if field.name not in HIDDEN
    ]
    return Entry(message.name, file.comment(4, index), tuple(arguments))


def _read_argument(
    file: ProtoFile, message: str, field: FieldDescriptorProto, names: set[str], comment: str
) -> Argument:
    doc, default, required = split_comment(comment)
    kind = _argument_type(file, message, field)
    if field.name == "padding" and "padding_keyword" in names:
        kind += ' | Literal["valid", "same"]'
    if field.name == "momentum" and file.proto.name == FAMILIES[0].source:
        kind += " | None"
    if field.name == "bias":
        kind = "bool | ArrayLike"
    keyword_only = (message.rstrip("123d"), field.name) in KEYWORD_ONLY
    return Argument(TORCH_NAMES.get(field.name, field.name), kind, doc, default, required, keyword_only)


def _argument_type(file: ProtoFile, message: str, field: FieldDescriptorProto) -> str:
    special = SPECIAL_TYPES.get((message, field.name)) or SPECIAL_TYPES.get(("", field.name))
    if special:
        return special
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    if field.type == FieldDescriptorProto.TYPE_MESSAGE:
        return _message_type(field.type_name.rsplit(".", 1)[-1], repeated)
    if field.type == FieldDescriptorProto.TYPE_ENUM:
        return _enum_type(file.enums[field.type_name.rsplit(".", 1)[-1]])
    scalar = SCALAR_TYPES[field.type]
    return f"{scalar} | Sequence[{scalar}]" if repeated else scalar


def _message_type(name: str, repeated: bool) -> str:
    if name == "Tensor":
        return "ArrayLike"
    return f"Sequence[{name}]" if repeated else "Node | Mapping[str, Any]"


def _enum_type(enum: EnumDescriptorProto) -> str:
    prefix = enum.value[0].name.removesuffix("UNSPECIFIED")
    texts = [value.name.removeprefix(prefix).lower() for value in enum.value[1:]]
    return f"Literal[{', '.join(json.dumps(text.replace('nearest_exact', 'nearest-exact')) for text in texts)}]"


LAYER_KEYWORDS = (
    "name: str | None = None",
    "inputs: str | Sequence[str] | None = None",
    "named_inputs: Mapping[str, str] | None = None",
    "output: str | int | None = None",
)
FUNCTION_KEYWORDS = (LAYER_KEYWORDS[0], LAYER_KEYWORDS[1], LAYER_KEYWORDS[3])

# What each family's builders take besides the constructor's arguments: signature, documentation, expressions passed on.
EXTRAS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "Layer": (
        (*LAYER_KEYWORDS, "**tensors: Any"),
        (
            "name, inputs, named_inputs, output: place in the network; see Node.",
            "tensors: parameters and buffers by their names, as weight=[[...]]; initial states h0, c0.",
        ),
        ("**tensors",),
        ("name=name", "inputs=inputs", "named_inputs=named_inputs", "output=output"),
    ),
    "Function": (
        FUNCTION_KEYWORDS,
        ("name, inputs, output: place in the network; see Node.",),
        (),
        ("name=name", "inputs=inputs", "output=output"),
    ),
    "Loss": (
        ("inputs: str | Sequence[str] | None = None",),
        ("inputs: names of the tensors that the loss takes, if not outputs and targets in their order.",),
        ('"inputs": inputs',),
        (),
    ),
    "Optimizer": (
        ("groups: Sequence[Mapping[str, Any]] | None = None", "**without_effect: Any"),
        (
            "groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.",
            "without_effect: foreach, fused, capturable and differentiable are accepted and dropped.",
        ),
        ('"groups": groups', "**without_effect"),
        (),
    ),
    "Schedule": ((), (), (), ()),
}


def builder(entry: Entry, family: Family) -> str:
    """The source of one builder."""
    extra_signature, extra_docs, extra_items, extra_keywords = EXTRAS[family.wrapper]
    keyword_only = [a.signature for a in entry.arguments if a.keyword_only]
    keywords = [*keyword_only, *extra_signature]
    star = ["*"] if keywords and not keywords[0].startswith("**") else []
    parameters = [*(a.signature for a in entry.arguments if not a.keyword_only), *star, *keywords]
    docs = [*(f"{a.name}: {_argument_doc(a)}" for a in entry.arguments), *extra_docs]
    items = [*(f'"{a.name}": {a.name}' for a in entry.arguments), *extra_items]
    return "\n".join(
        [
            *_call(f"def {entry.name}", parameters, f" -> {family.result}:", 0),
            *_docstring(entry.doc, docs),
            *_return(family.make, entry.name, items, extra_keywords),
        ]
    )


def _argument_doc(argument: Argument) -> str:
    default = "" if argument.required or not argument.default else f" Default: {argument.default}."
    return f"{argument.doc}{default}"


def _call(head: str, parts: Sequence[str], tail: str, indent: int) -> list[str]:
    pad = " " * indent
    if not parts:
        return [f"{pad}{head}(){tail}"]
    lines = [line for part in parts for line in _explode(f"{pad}    {part},")]
    return [f"{pad}{head}(", *lines, f"{pad}){tail}"]


def _explode(line: str) -> list[str]:
    """A parameter, its choices one a line where it is too long."""
    if len(line) <= WIDTH:
        return [line]
    before, _, rest = line.partition("Literal[")
    choices, _, after = rest.rpartition("]")
    return [f"{before}Literal[", *(f"        {choice}," for choice in choices.split(", ")), f"    ]{after}"]


def _docstring(doc: str, arguments: Sequence[str]) -> list[str]:
    # The first sentence stands alone; what does not fit on its line follows after an empty one.
    lines = textwrap.wrap(f'"""{doc}', WIDTH - 7, initial_indent="    ", subsequent_indent="    ")
    if not arguments:
        return [*lines[:-1], f'{lines[-1]}"""']
    body = [line for argument in arguments for line in _wrap_argument(argument)]
    return [*lines, "", "    Args:", *body, '    """']


def _wrap_argument(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12)


def _return(make: str, name: str, items: Sequence[str], keywords: Sequence[str]) -> list[str]:
    mapping = ["        {", *(f"            {item}," for item in items), "        },"] if items else ["        {},"]
    middle = ["        (),"] if make in ("make_layer", "make_function") else []
    passed = [f"        {keyword}," for keyword in keywords]
    return [f"    return {make}(", f'        "{name}",', *middle, *mapping, *passed, "    )"]


def module(family: Family, entries: Sequence[Entry]) -> str:
    """The source of a module of builders."""
    functions = [builder(entry, family) for entry in entries]
    exported = sorted((entry.name for entry in entries), key=lambda name: (not name.isupper(), name))
    names = "".join(f'    "{name}",\n' for name in exported)
    unusual = "N802, N803" if any(a.name in TORCH_NAMES.values() for e in entries for a in e.arguments) else "N802"
    head = [
        f'"""Generated from {family.stem}.proto by protos/generate.py, do not edit: {family.title}"""',
        f"# ruff: noqa: {unusual}",
        "",
        "from __future__ import annotations",
        "",
        *_imports("\n".join(functions), family),
        "",
        f"__all__ = [\n{names}]",
    ]
    return "\n".join([*head, "", "", "\n\n\n".join(functions), ""])


def _imports(source: str, family: Family) -> list[str]:
    """Import statements for what the source uses, standard library first."""
    words = set(re.findall(r"\w+", re.sub(r'""".*?"""', "", source, flags=re.DOTALL)))
    blocks: list[list[str]] = [[], []]
    for block, origin, names in (
        (0, "collections.abc", ("Mapping", "Sequence")),
        (0, "typing", ("Any", "Literal")),
        (1, "gradproof.catalog", ("make_loss", "make_optimizer", "make_schedule")),
        (1, "gradproof.network", ("Node", "make_function", "make_layer")),
        (1, "gradproof.tensors", ("ArrayLike",)),
        (1, f"gradproof.v1.{family.stem}_pb2", ("Loss", "Optimizer", "Schedule")),
    ):
        used = [name for name in names if name in words]
        blocks[block] += [f"from {origin} import {', '.join(used)}"] if used else []
    return [*blocks[0], "", *blocks[1]]
