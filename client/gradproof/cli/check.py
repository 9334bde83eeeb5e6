"""`gradproof check`: the claims of problem files against the reference."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import click

from gradproof.cli import status
from gradproof.cli.connection import Connection, connection_options
from gradproof.cli.files import STDIN, STDIN_NAME, read_file
from gradproof.cli.output import error_to_data, output_option, print_error, print_json
from gradproof.client import Client
from gradproof.errors import GradproofError, invalid
from gradproof.problem_file import ProblemFile
from gradproof.render.json_form import message_to_data
from gradproof.results import Report

NO_CLAIM = "the file claims nothing; add `claim`, or ask for the reference alone with `gradproof compute`"


@dataclass
class Checker:
    """Checks file after file with one client, which is made when the first file is ready to be sent."""

    connection: Connection
    diagnosis: bool | dict[str, Any]
    stack: ExitStack
    client: Client | None = None
    results: dict[str, Any] = field(default_factory=dict)

    def check(self, file: ProblemFile) -> Report:
        """The report for a file. Raises GradproofError where the check could not be made."""
        if file.claim is None:
            raise invalid("claim", "REQUIRED", NO_CLAIM)
        if self.client is None:
            self.client = self.stack.enter_context(self.connection.client())
        include = file.include or None
        return self.client.check(file.problem, file.claim, include=include, diagnosis=self.diagnosis)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@output_option
@connection_options
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Seconds that the search for an explanation may take.",
)
@click.option("--max-combination", type=click.IntRange(1, 3), metavar="1|2|3", help="Most mistakes in one explanation.")
@click.option("--explain/--no-explain", default=True, help="Whether a disagreement is explained.")
def check(
    files: tuple[str, ...],
    output: str,
    connection: Connection,
    seconds: float | None,
    max_combination: int | None,
    explain: bool,
) -> int:
    """Hold the claims of problem files (YAML or JSON; - is standard input) against PyTorch's numbers.

    Exit status: 0 all agree, 1 a claim disagrees, 3 the numbers cannot decide, 2 a check could not be made; of several
    files the worst, in the order 2, 1, 3, 0.
    """
    options = {"max_seconds": seconds, "max_combination": max_combination}
    given = {key: value for key, value in options.items() if value is not None}
    with ExitStack() as stack:
        checker = Checker(connection, False if not explain else given or True, stack)
        statuses = [_check_file(checker, name, output, len(files) > 1) for name in files]
    if output == "json":
        _print_results(checker.results, len(files) > 1)
    return status.worst(statuses)


def _check_file(checker: Checker, name: str, output: str, several: bool) -> int:
    shown, file = STDIN_NAME if name == STDIN else name, None
    try:
        file = read_file(name)
        report = checker.check(file)
    except GradproofError as error:
        print_error(shown, error, file)
        checker.results[name] = error_to_data(error, file)
        return status.FAILED
    checker.results[name] = message_to_data(report.message)
    if output == "table":
        click.echo(f"{shown}\n{report}\n" if several else str(report))
    return status.OF_VERDICT[report.verdict]


def _print_results(results: dict[str, Any], several: bool) -> None:
    """The response of one file, or an object with that of each file under its name."""
    if several:
        print_json(results)
        return
    (result,) = results.values()
    if "error" not in result:
        print_json(result)
