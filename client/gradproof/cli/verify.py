"""`gradproof verify`: the gradients of a problem file held against numerical differentiation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import click

from gradproof._witness_calls import VerifyOptions
from gradproof.cli import status
from gradproof.cli.connection import Connection, connection_options
from gradproof.cli.files import STDIN, STDIN_NAME, read_file
from gradproof.cli.output import output_option, print_error, print_json
from gradproof.client import Client
from gradproof.errors import GradproofError
from gradproof.plots import FORMATS, save_plot
from gradproof.problem_file import ProblemFile
from gradproof.render.json_form import message_to_data
from gradproof.render.verification import short_name
from gradproof.v1 import claim_pb2, tensor_pb2
from gradproof.witness import Progress, Verification

DERIVATIVES = (tensor_pb2.QUANTITY_GRADIENT, tensor_pb2.QUANTITY_INPUT_GRADIENT, tensor_pb2.QUANTITY_NODE_GRADIENT)


def _plot_file(_context: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    if file is not None and file.suffix.lower().removeprefix(".") not in FORMATS:
        raise click.BadParameter(f"{file} must end in {', '.join('.' + name for name in FORMATS)}")
    return file


@click.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--mode",
    type=click.Choice(["auto", "elements", "directions"]),
    help="How a tensor is looked at. [default: auto, elements where that is cheap enough]",
)
@click.option("--only", multiple=True, metavar="NAME", help="A parameter, input or node; once for each. [default: all]")
@click.option("--directions", type=click.IntRange(1, 1000), metavar="N", help="Random directions per tensor.")
@click.option("--samples", type=click.IntRange(0, 1_000_000), metavar="N", help="Elements beside the directions.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="N", help="Of directions and samples.")
@click.option("--step", type=click.IntRange(0, 2**32 - 1), metavar="N", help="The training step, from 0. [default: 0]")
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Seconds after which the report is made of what there is; --timeout counts from there. [default: 60]",
)
@click.option("--second-order", is_flag=True, help="Look at second derivatives too.")
@click.option("--estimate", is_flag=True, help="Say what it would cost, and do nothing.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=_plot_file,
    metavar="FILE",
    help="Write plots to FILE.png, .svg or .pdf.",
)
@output_option
@connection_options
def verify(file: str, output: str, connection: Connection, estimate: bool, plot: Path | None, **options: Any) -> int:
    """Hold PyTorch's gradients for a problem file, and the gradients that it claims, against numerical differentiation.

    Ctrl-C prints what there is. Exit status: 0 all agrees, 1 a derivative is wrong, 3 the numbers cannot decide, or not
    all was looked at, 2 it could not be done, 130 Ctrl-C.
    """
    read = None
    try:
        read = read_file(file)
        with connection.client() as client:
            given = _given(options)
            if plot is not None:
                given["include_values"] = True
            if estimate:
                return _estimate(client, read, output, given)
            verification = _verify(client, read, given)
    except GradproofError as error:
        print_error(STDIN_NAME if file == STDIN else file, error, read)
        return status.FAILED
    _print(verification, read, output, options["step"] or 0)
    if plot is not None and not _save_plot(verification, plot):
        return status.FAILED
    return status.of_verification(verification)


def _given(options: dict[str, Any]) -> VerifyOptions:
    """The options without those that nobody gave."""
    given = {name: value for name, value in options.items() if value is not None and value is not False and value != ()}
    return cast(VerifyOptions, given)


def _estimate(client: Client, read: ProblemFile, output: str, options: VerifyOptions) -> int:
    estimate = client.estimate(read.problem, _claim(read, options.get("step", 0)), **options)
    print_json(message_to_data(estimate.message)) if output == "json" else click.echo(str(estimate))
    return status.AGREES


def _verify(client: Client, read: ProblemFile, options: VerifyOptions) -> Verification:
    with _progress_bar() as show:
        return client.verify(read.problem, _claim(read, options.get("step", 0)), on_progress=show, **options)


@contextmanager
def _progress_bar() -> Iterator[Callable[[Progress], None] | None]:
    """Gives a function that moves a bar on standard error; None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, file=sys.stderr, show_pos=True, show_eta=False, label="verifying") as bar:

        def show(progress: Progress) -> None:
            bar.length = max(progress.expected, progress.evaluations, 1)
            bar.label = short_name(progress.tensor) if progress.tensor else "verifying"
            bar.update(progress.evaluations - bar.pos)

        yield show


def _claim(read: ProblemFile, step: int) -> claim_pb2.Claim | None:
    """What the file claims of derivatives in a step; None where that is nothing."""
    claimed = [tensor for tensor in _claimed(read) if _is_derivative(tensor, step)]
    return claim_pb2.Claim(tensors=claimed) if claimed else None


def _claimed(read: ProblemFile) -> list[claim_pb2.ClaimedTensor]:
    return [] if read.claim is None else list(read.claim.tensors)


def _is_derivative(tensor: claim_pb2.ClaimedTensor, step: int) -> bool:
    return tensor.id.quantity in DERIVATIVES and tensor.id.step == step


def _print(verification: Verification, read: ProblemFile, output: str, step: int) -> None:
    if output == "json":
        print_json(message_to_data(verification.message))
        return
    click.echo(str(verification))
    others = sum(not _is_derivative(tensor, step) for tensor in _claimed(read))
    if others:
        noun = "tensor is no gradient" if others == 1 else "tensors are no gradients"
        click.echo(f"{others} claimed {noun} of step {step}; `gradproof check` looks at them")


def _save_plot(verification: Verification, plot: Path) -> bool:
    """Writes the plots; whether that was possible."""
    try:
        save_plot(verification, plot)
    except (GradproofError, OSError) as error:
        click.echo(f"{plot}: {error}", err=True)
        return False
    return True
