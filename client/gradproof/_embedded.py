"""The embedded server: started in this process where the server is installed."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from gradproof.errors import ServerExtraMissingError


class EmbeddedServer(Protocol):
    """A running server that only this process knows."""

    @property
    def target(self) -> str:
        """Where it listens: a unix socket in a private folder, or a loopback address."""

    def stop(self) -> None:
        """Ends it; a second time does nothing."""


def start_embedded() -> EmbeddedServer:
    """Starts a server in a thread of this process; it takes as long as importing PyTorch.

    Raises:
        ServerExtraMissingError: the server, or something it needs, is not installed.
    """
    try:
        app = importlib.import_module("gradproof_server.app")
    except ImportError as error:
        text = f'the embedded server is not installed ({error}); install it with: pip install "gradproof[server]"'
        raise ServerExtraMissingError(text) from error
    return cast(EmbeddedServer, app.start_embedded())
