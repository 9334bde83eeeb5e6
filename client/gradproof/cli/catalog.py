"""`gradproof catalog`: what a server can build."""

from __future__ import annotations

import click

from gradproof._violations import near_miss
from gradproof.cli import status
from gradproof.cli.connection import Connection, connection_options
from gradproof.cli.output import output_option, print_error, print_json
from gradproof.errors import GradproofError
from gradproof.render.catalog import catalog_to_text, entry_to_text
from gradproof.render.json_form import message_to_data
from gradproof.results import FAMILIES, Catalog
from gradproof.v1 import catalog_pb2


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
