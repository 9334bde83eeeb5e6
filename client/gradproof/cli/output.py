"""What is printed: messages in protobuf's JSON form, and errors as readable lists."""

from __future__ import annotations

import json
from typing import Any

import click

from gradproof.errors import CallError, GradproofError, InvalidProblemError, Violation
from gradproof.problem_file import ProblemFile

output_option = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A table for people, or the server's response in protobuf's JSON form.",
)


def print_json(data: Any) -> None:
    """Prints JSON, indented."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def violations_of(error: GradproofError, file: ProblemFile | None) -> list[Violation]:
    """What is wrong, item by item, in the words of the file where that was read already."""
    if not isinstance(error, CallError):
        return []
    return file.explain(error) if file is not None else list(error.violations)


def print_error(name: str, error: GradproofError, file: ProblemFile | None = None) -> None:
    """Prints an error of one file to stderr: what could not be done, and a line for each thing that is wrong."""
    violations = violations_of(error, file)
    if not violations:
        click.echo(f"{name}: {_described(error)}", err=True)
        return
    count = "one thing is" if len(violations) == 1 else f"{len(violations)} things are"
    click.echo(f"{name}: the check could not be made; {count} wrong", err=True)
    for violation in violations:
        click.echo(f"  {violation}", err=True)


def error_to_data(error: GradproofError, file: ProblemFile | None = None) -> dict[str, Any]:
    """An error as data, for the JSON output of several files."""
    violations = [
        {"field": v.field, "reason": v.reason, "description": v.description} for v in violations_of(error, file)
    ]
    return {"error": {"message": str(error), "kind": type(error).__name__, "violations": violations}}


def _described(error: GradproofError) -> str:
    if isinstance(error, InvalidProblemError) or not isinstance(error, CallError):
        return str(error)
    request = f" (request {error.request_id})" if error.request_id else ""
    return f"{type(error).__name__}: {error}{request}"
