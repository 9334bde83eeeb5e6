"""The list of commands; each is imported when it is called, so that help and version come at once."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence

import click

from gradproof._version import __version__
from gradproof.cli import status

COMMANDS = {
    "check": ("gradproof.cli.check:check", "Hold the numbers of problem files against PyTorch's."),
    "verify": ("gradproof.cli.verify:verify", "Hold gradients against numerical differentiation."),
    "compute": ("gradproof.cli.compute:compute", "Print the reference for a problem file."),
    "catalog": ("gradproof.cli.catalog:catalog", "List the layers, losses, optimizers and schedules."),
    "explain": ("gradproof.cli.explain:explain", "Print what there is to read about a mistake, by its code."),
    "serve": ("gradproof_server.__main__:serve_command", "Serve gradproof over gRPC."),
    "top": ("gradproof.cli.top:top", "Watch what servers do, by their metrics."),
    "demo": ("gradproof.demo:demo", "Answer one famous wrong weight through a real server."),
    "version": ("gradproof.cli.version:version", "Print the versions of gradproof and what it uses."),
}
"""Name, where the command is, and what it does."""

EPILOG = (
    "Exit status: 0 agrees, 1 disagrees, 3 inconclusive, 2 the check could not be made. "
    "Without --target (or GRADPROOF_TARGET) the computation is done in this process, by a private server."
)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names of the commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name. Raises UsageError where the packages that it needs are missing."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ImportError as error:
            extra = "server" if module.startswith("gradproof_server") else "cli"
            raise click.UsageError(
                f'`gradproof {cmd_name}` needs more than is installed ({error}); pip install "gradproof[{extra}]"', ctx
            ) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Writes the table of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.version_option(__version__, prog_name="gradproof")
@click.group(
    name="gradproof",
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
def app() -> None:
    """Is my gradient, or my updated weight, right, and if not, what exactly did I do wrong?

    A problem file describes a training step and the numbers that somebody claims for it.
    """


def run(arguments: Sequence[str]) -> int:
    """Runs the command line and returns its exit status.

    Never 1 for anything but a disagreement: an error of the program itself is a check that could not be made.
    """
    try:
        # Not app.main(), which ends with 1 for a closed pipe.
        with app.make_context("gradproof", list(arguments)) as context:
            result = app.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return int(stop.exit_code)
    except click.ClickException as error:
        error.show()
        return status.FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return status.INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return status.PIPE_CLOSED
    except Exception:
        traceback.print_exc()
        return status.FAILED
    return result if isinstance(result, int) else status.AGREES
