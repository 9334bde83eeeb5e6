"""`gradproof explain`: what there is to read about a mistake."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from gradproof.cli import status
from gradproof.cli.output import print_json
from gradproof.errors import GradproofError
from gradproof.mistakes import Mistake, matching, mistake
from gradproof.render.mistakes import (
    mistake_to_html,
    mistake_to_text,
    mistakes_to_html,
    mistakes_to_text,
    write_pages,
)


@click.command()
@click.argument("codes", metavar="CODE...|--list [FILTER]", nargs=-1)
@click.option("--list", "listed", is_flag=True, help="List codes and titles: all, of a family, or with a text.")
@click.option("--pages", type=click.Path(path_type=Path), metavar="FOLDER", help="Write all pages there, as HTML.")
@click.option("--output", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
def explain(codes: tuple[str, ...], listed: bool, pages: Path | None, output: str) -> int:
    """Print the pages of mistakes, by the codes that findings name: what was done, what to change, how to tell it from
    others that give the same numbers, and where it is seen. No server is asked."""
    if (pages is not None) + listed + (bool(codes) and not listed) != 1:
        raise click.UsageError("give CODEs, or --list with or without a filter, or --pages")
    try:
        if pages is not None:
            click.echo(f"{write_pages(pages)} pages in {pages}")
        elif listed:
            _print_list(matching(" ".join(codes)), output)
        else:
            _print_pages([mistake(code) for code in codes], output)
    except KeyError as error:
        click.echo(error.args[0], err=True)
        return status.FAILED
    except (GradproofError, OSError) as error:
        click.echo(str(error), err=True)
        return status.FAILED
    return status.AGREES


def _print_list(found: list[Mistake], output: str) -> None:
    if output == "json":
        print_json([{"code": m.code, "title": m.title, "convention": m.convention} for m in found])
    else:
        click.echo(mistakes_to_html(found) if output == "html" else mistakes_to_text(found))


def _print_pages(found: list[Mistake], output: str) -> None:
    if output == "json":
        data = [dataclasses.asdict(m) for m in found]
        print_json(data[0] if len(data) == 1 else data)
    else:
        click.echo("\n\n".join(mistake_to_html(m) if output == "html" else mistake_to_text(m) for m in found))
