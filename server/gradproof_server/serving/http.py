"""The metrics over HTTP, on a port of their own, so that they need neither the service's TLS nor its tokens."""

from __future__ import annotations

import prometheus_client
from prometheus_client import CollectorRegistry


class MetricsServer:
    """Serves a registry at /metrics from a thread of its own, from its creation until `close`.

    Raises OSError where the address cannot be had.
    """

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        self._server, self._thread = prometheus_client.start_http_server(port, host, registry)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Ends the server and its thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
