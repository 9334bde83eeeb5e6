"""The command that serves: `python -m gradproof_server`, and `gradproof serve`."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

if __name__ == "__main__":
    # gRPC reads it when it is imported. It would write lines of its own in the middle of the log: at INFO one for every
    # handshake that fails, at ERROR one for a port in use, which the log says too.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from gradproof_server.app import build
from gradproof_server.serving import logs, open_files
from gradproof_server.serving.allocator import keep_large_blocks
from gradproof_server.serving.lifecycle import serve_until_signal
from gradproof_server.serving.logs import Logger
from gradproof_server.serving.reload import LiveSettings
from gradproof_server.serving.server import StartError
from gradproof_server.settings import OFF, Settings, SettingsError, flag_of, meaning_of, type_of

_Command = TypeVar("_Command")


def settings_options(command: _Command) -> _Command:
    """Adds a flag for every field of `Settings`. Values arrive as texts, None where the flag is not given."""
    for name in reversed(Settings.model_fields):
        command = _option(name)(command)
    return command


def _option(name: str) -> Any:
    kind, optional = type_of(name)
    flag, meaning = flag_of(name), meaning_of(name)
    help_text = f"{meaning.doc} [default: {default_text(name)}]"
    if kind is bool:
        return click.option(f"{flag}/{flag.replace('--', '--no-', 1)}", name, default=None, help=help_text)
    return click.option(flag, name, default=None, metavar=_metavar(kind, optional, meaning.unit), help=help_text)


def default_text(name: str) -> str:
    """The default of a setting as the help states it."""
    default = Settings.model_fields[name].default
    if default is None:
        return OFF
    return str(default).lower() if isinstance(default, bool) else f"{default} {meaning_of(name).unit}".rstrip()


def _metavar(kind: object, optional: bool, unit: str) -> str:
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    name = unit or getattr(kind, "__name__", str(kind)).replace("int", "number")
    return name.upper() + ("|off" if optional else "")


@click.command(name="serve", context_settings={"max_content_width": 120})
@settings_options
def serve_command(**flags: object) -> None:
    """Serve gradproof.v1.GradientService until SIGTERM or SIGINT.

    Every flag is also an environment variable: --max-nodes is GRADPROOF_MAX_NODES; and a key of the --settings-file:
    max_nodes = 100. Flags win over variables, variables over the file. Calls that run when the signal comes are given
    --drain-seconds to end. At SIGHUP files are read again.
    """
    read = functools.partial(Settings.from_environment, flags)
    try:
        settings = read()
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    raise SystemExit(_serve(settings, read))


def _serve(settings: Settings, read: Callable[[], Settings]) -> int:
    keep_large_blocks()
    open_files.raise_limit()
    level = logs.Level(settings.log_level)
    stream = logs.GuardedStream(sys.stderr)
    logger = logs.make_logger(level, settings.log_format, stream)
    live = LiveSettings(settings, read, logger)
    live.on_change(lambda settings: level.set(settings.log_level))
    with logs.standard_logging_to(logger):
        try:
            clean = asyncio.run(_run(settings, logger, live, stream))
        except StartError as error:
            logger.error("cannot start", error=str(error))
            return 1
    if not clean:
        # A computation that does not stop must not hold the process: there is nothing left that it could be good for.
        os._exit(0)
    return 0


async def _run(settings: Settings, logger: Logger, live: LiveSettings, stream: logs.GuardedStream) -> bool:
    application = build(settings, logger, live=live, dropped_log_lines=lambda: stream.dropped)
    return await serve_until_signal(application, settings.propagation_seconds, settings.drain_seconds, logger)


def main() -> None:
    """Runs the command."""
    serve_command()


if __name__ == "__main__":
    main()
