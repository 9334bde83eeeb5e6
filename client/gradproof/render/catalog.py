"""The catalogue: a line for each entry, or one entry with its arguments."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from gradproof.render.table import WIDTH
from gradproof.results import FAMILIES, Catalog, CatalogArgument, CatalogEntry


def catalog_to_text(found: Catalog) -> str:
    """A compact table: a line for each entry with what it computes, family by family, then what is left out."""
    lines: list[str] = []
    for family in FAMILIES:
        entries: Mapping[str, CatalogEntry] = getattr(found, family)
        lines += [f"{family} ({len(entries)})", *(_line(entry) for entry in entries.values()), ""]
    lines += [f"left out ({len(found.omissions)})"]
    for name, reason in found.omissions.items():
        lines += textwrap.wrap(f"{name}: {reason}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    where = found.environment
    return "\n".join(
        [*lines, "", f"PyTorch {where.torch_version}, gradproof {where.gradproof_version}, {where.device}"]
    )


def _line(entry: CatalogEntry) -> str:
    return f"  {entry.name:<30} {textwrap.shorten(entry.doc, WIDTH - 33, placeholder=' ...')}"


def entry_to_text(entry: CatalogEntry) -> str:
    """One entry: what it computes, its arguments with defaults, and what it takes and gives."""
    required = [argument.name for argument in entry.arguments if argument.required]
    optional = [f"{a.name}={a.default or '...'}" for a in entry.arguments if not a.required]
    call = f"{entry.name}({', '.join(required + optional)})"
    lines = [*textwrap.wrap(call, WIDTH, subsequent_indent="    "), ""]
    lines += textwrap.wrap(entry.doc, WIDTH)
    for label, names in (("takes", entry.inputs), ("gives", entry.outputs)):
        lines += [f"{label}: {', '.join(names)}"] if names else []
    lines += ["random in train mode; `seed` makes it repeatable"] if entry.random else []
    return "\n".join([*lines, *([""] if entry.arguments else []), *map(_argument_line, entry.arguments)])


def _argument_line(argument: CatalogArgument) -> str:
    default = "required" if argument.required else f"default {argument.default}" if argument.default else "optional"
    text = f"{argument.name}: {argument.type}, {default}. {argument.doc}"
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="      "))
