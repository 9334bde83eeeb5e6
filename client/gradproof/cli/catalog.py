"""`gradproof catalog`: what a server can build."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import click

from gradproof._violations import near_miss
from gradproof.cli import status
from gradproof.cli.connection import Connection, connection_options
from gradproof.cli.output import message_to_data, output_option, print_error, print_json
from gradproof.errors import GradproofError
from gradproof.results import Catalog, CatalogArgument, CatalogEntry
from gradproof.v1 import catalog_pb2

WIDTH = 110
FAMILIES = ("layers", "functions", "losses", "optimizers", "schedules")


@click.command()
@click.argument("name", required=False)
@output_option
@connection_options
def catalog(name: str | None, output: str, connection: Connection) -> int:
    """List all layers, functions, losses, optimizers and schedules, or show NAME with its arguments and defaults."""
    try:
        with connection.client() as client:
            found = client.catalog()
    except GradproofError as error:
        print_error("catalog", error)
        return status.FAILED
    if name is None:
        print_json(message_to_data(found.message)) if output == "json" else click.echo(catalog_to_text(found))
        return status.AGREES
    return _show(found, name, output)


def _show(found: Catalog, name: str, output: str) -> int:
    try:
        entry = found.find(_spelled(found, name))
    except KeyError as error:
        click.echo(f"{error.args[0]}{_suggestion(found, name)}", err=True)
        return status.FAILED
    if output == "json":
        print_json(message_to_data(_message(found, entry.name)))
    else:
        click.echo(entry_to_text(entry))
    return status.AGREES


def _all_names(found: Catalog) -> list[str]:
    return [name for family in FAMILIES for name in getattr(found, family)]


def _spelled(found: Catalog, name: str) -> str:
    """The name in the catalogue's own spelling."""
    return next((known for known in _all_names(found) if known.lower() == name.lower()), name)


def _suggestion(found: Catalog, name: str) -> str:
    return near_miss(name, _all_names(found))


def _message(found: Catalog, name: str) -> catalog_pb2.CatalogEntry:
    message = found.message
    families = (message.layers, message.losses, message.optimizers, message.schedules, message.functions)
    return next(entry for entries in families for entry in entries if entry.name == name)


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
