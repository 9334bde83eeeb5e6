"""Options that say which server is asked, and the client that follows from them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from gradproof._channel import TLS
from gradproof.client import Client

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Connection:
    """Which server is asked, and how."""

    target: str | None
    timeout: float
    tls: bool
    ca: Path | None
    certificate: Path | None
    key: Path | None
    token: str | None

    def client(self) -> Client:
        """A client of the target, or of a private server in this process where there is none."""
        if (self.certificate is None) != (self.key is None):
            raise click.UsageError("--certificate and --key: give both or none")
        if not self.target:
            return Client.embedded(timeout=self.timeout)
        files = self.ca, self.certificate, self.key
        tls = TLS(*files) if any(files) else self.tls
        return Client(self.target, timeout=self.timeout, tls=tls, token=self.token or None)


def connection_options(command: Command) -> Command:
    """Adds the options to a command, which gets them as the argument `connection`."""

    @functools.wraps(command)
    def with_connection(**arguments: Any) -> Any:
        own = {f.name: arguments.pop(f.name) for f in fields(Connection)}
        return command(connection=Connection(**own), **arguments)

    decorated: Any = with_connection
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--target",
        envvar="GRADPROOF_TARGET",
        metavar="HOST:PORT",
        help="Server to ask; GRADPROOF_TARGET says the same. [default: a private one in this process]",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=DEFAULT_TIMEOUT_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="Seconds that a call may take.",
    ),
    click.option("--tls", is_flag=True, help="Encrypt the connection."),
    click.option(
        "--ca",
        type=_FILE,
        metavar="FILE",
        help="Certificates (PEM) that are trusted; implies --tls.",
    ),
    click.option(
        "--certificate",
        type=_FILE,
        metavar="FILE",
        help="Certificate (PEM) that says who calls, where the server asks for one; implies --tls.",
    ),
    click.option("--key", type=_FILE, metavar="FILE", help="Private key (PEM) of that certificate."),
    click.option(
        "--token",
        envvar="GRADPROOF_TOKEN",
        metavar="TOKEN",
        help="Bearer token; better in GRADPROOF_TOKEN, where other users of the machine cannot see it.",
    ),
)
