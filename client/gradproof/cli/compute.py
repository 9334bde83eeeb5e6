"""`gradproof compute`: the reference for a problem file."""

from __future__ import annotations

import click

from gradproof.cli import status
from gradproof.cli.connection import Connection, connection_options
from gradproof.cli.files import STDIN, STDIN_NAME, read_file
from gradproof.cli.output import output_option, print_error, print_json
from gradproof.errors import GradproofError
from gradproof.problem_file import QUANTITIES
from gradproof.render.json_form import message_to_data
from gradproof.v1 import gradient_service_pb2


@click.command()
@click.argument("file", metavar="FILE")
@output_option
@connection_options
@click.option(
    "--include",
    "included",
    multiple=True,
    type=click.Choice([*QUANTITIES, "all"]),
    help="What to print, once for each. [default: the file's `include`, or loss, outputs, gradients, updated]",
)
@click.option(
    "--step", "steps", multiple=True, type=click.IntRange(min=0), help="A step to print, from 0. [default: all]"
)
def compute(file: str, output: str, connection: Connection, included: tuple[str, ...], steps: tuple[int, ...]) -> int:
    """Print what PyTorch computes for a problem file (YAML or JSON; - is standard input); its claim is not looked at.

    Exit status: 0, or 2 where it could not be computed.
    """
    read = None
    try:
        read = read_file(file)
        with connection.client() as client:
            reference = client.compute(read.problem, include=included or read.include or None, steps=steps or None)
    except GradproofError as error:
        print_error(STDIN_NAME if file == STDIN else file, error, read)
        return status.FAILED
    if output == "json":
        response = gradient_service_pb2.ComputeGradientsResponse(reference=reference.message)
        print_json(message_to_data(response))
    else:
        click.echo(str(reference))
    return status.AGREES
