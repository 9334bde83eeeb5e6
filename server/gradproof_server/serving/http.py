"""The metrics, and pages for whoever looks after a server, over HTTP on a port of their own, so that they need neither
the service's TLS nor its tokens."""

from __future__ import annotations

import functools
import socket
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from typing import Any, TypeAlias
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import prometheus_client
from prometheus_client import CollectorRegistry

Pages: TypeAlias = Mapping[str, Callable[[], str]]
"""What makes the text of a page, by its path."""
_PAGES_ROOT = "/debug"


class MetricsServer:
    """Serves a registry at /metrics, and pages, from threads of its own, from its creation until `close`.

    Args:
        registry: the metrics.
        host: the address.
        port: 0: any free one.
        pages: pages below /debug.

    Raises OSError where the address cannot be had.
    """

    def __init__(self, registry: CollectorRegistry, host: str, port: int, pages: Pages) -> None:
        metrics = prometheus_client.make_wsgi_app(registry)
        app = functools.partial(_answer, metrics, pages)
        self._server = make_server(host, port, app, _server_class(host), _Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, name="gradproof-metrics", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Ends the server and its thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _answer(metrics: Any, pages: Pages, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    path = environ["PATH_INFO"].rstrip("/")
    if path != _PAGES_ROOT and not path.startswith(_PAGES_ROOT + "/"):
        answer: Iterable[bytes] = metrics(environ, start_response)
        return answer
    status, text = _page(pages, path)
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")])
    return [text.encode()]


def _page(pages: Pages, path: str) -> tuple[str, str]:
    if path not in pages:
        return "404 Not Found", "There is no such page; /debug needs --debug.\n"
    try:
        return "200 OK", pages[path]()
    except Exception:
        return "500 Internal Server Error", traceback.format_exc()


def _server_class(host: str) -> type[WSGIServer]:
    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True
        address_family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]

    return Server


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Writes nothing for each request."""
