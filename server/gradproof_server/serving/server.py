"""The gRPC server: address, options, TLS, health, reflection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
from grpc import aio
from grpc_health.v1 import _async as health_async
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gradproof_server.serving.gate import Gate
from gradproof_server.serving.service import SERVICE
from gradproof_server.serving.tls import TlsFiles, server_credentials
from gradproof_server.serving.watched_files import Watch
from gradproof_server.settings import Settings

_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
HEALTH_METHODS = {f"/{_HEALTH}/Check": "unary", f"/{_HEALTH}/List": "unary"}

# Answers that have left are read, and calls that they led to have come, within this time: it bounds the way to a client
# and back.
_QUIET_SECONDS = 0.1
_MOST_QUIETS = 10


class StartError(Exception):
    """The server cannot start, as its message says."""


class GrpcServer:
    """A server with health ("" is liveness, the service's name is readiness). It must live in one event loop.

    Args:
        settings: limits, keepalive, TLS, reflection.
        interceptors: what happens around every call.
        handlers: the services.
        address: "host:port" or "unix:/path".
        gate: what all calls pass when they begin and when they end.
        watch: how certificates are watched.
    """

    def __init__(
        self,
        settings: Settings,
        interceptors: Sequence[aio.ServerInterceptor],
        handlers: Sequence[grpc.GenericRpcHandler],
        address: str,
        gate: Gate,
        watch: Watch,
    ) -> None:
        self._gate = gate
        self._server = aio.server(interceptors=interceptors, options=channel_options(settings))
        self._server.add_generic_rpc_handlers(handlers)
        self._health = _Health()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if settings.reflection:
            reflection.enable_server_reflection((SERVICE.full_name, _HEALTH, reflection.SERVICE_NAME), self._server)
        self.port = self._bind(settings, address, watch)

    def _bind(self, settings: Settings, address: str, watch: Watch) -> int:
        try:
            if (credentials := _credentials(settings, watch)) is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, credentials)
        except (RuntimeError, OSError, ValueError) as error:
            raise StartError(f"cannot listen on {address}: {error}") from error

    async def start(self) -> None:
        """Takes calls, and says that it is ready."""
        await self._server.start()
        await self._health.set(SERVICE.full_name, health_pb2.HealthCheckResponse.SERVING)

    async def say_not_serving(self) -> None:
        """Answers health checks with NOT_SERVING from now on, and still takes calls."""
        await self._health.enter_graceful_shutdown()

    async def drain(self, grace_seconds: float) -> None:
        """Refuses new calls, lets those that have come end, and cancels what still runs after so many seconds."""
        self._gate.close()
        try:
            await self._until_quiet()
            stopping = asyncio.create_task(self._server.stop(grace_seconds))
            await asyncio.sleep(0)  # the task begins, and tells the clients to go elsewhere
        finally:
            self._gate.open()
        await stopping

    async def _until_quiet(self) -> None:
        """Returns when no call has come to the gate for a while, or callers that do not wait go on and on."""
        for _ in range(_MOST_QUIETS):
            held = self._gate.held
            await asyncio.sleep(_QUIET_SECONDS)
            if self._gate.held == held:
                return

    async def stop(self, grace_seconds: float | None) -> None:
        """Refuses new calls, and cancels those that still run after so many seconds (None: at once)."""
        await self._server.stop(grace_seconds)


class _Health(health_async.HealthServicer):  # type: ignore[misc]  # it has no types
    """Check and Watch as they come, and List of what is known to them."""

    async def List(  # noqa: N802  # the method's name in the contract
        self, _request: health_pb2.HealthListRequest, _context: object
    ) -> health_pb2.HealthListResponse:
        """All services with their status."""
        statuses = {name: health_pb2.HealthCheckResponse(status=s) for name, s in self._server_status.items()}
        return health_pb2.HealthListResponse(statuses=statuses)


def channel_options(settings: Settings) -> list[tuple[str, int]]:
    """gRPC's options for these settings; https://grpc.github.io/grpc/core/group__grpc__arg__keys.html."""
    seconds = {
        "grpc.keepalive_time_ms": settings.keepalive_seconds,
        "grpc.keepalive_timeout_ms": settings.keepalive_timeout_seconds,
        "grpc.http2.min_recv_ping_interval_without_data_ms": settings.min_client_ping_seconds,
        "grpc.max_connection_idle_ms": settings.max_connection_idle_seconds,
        "grpc.max_connection_age_ms": settings.max_connection_age_seconds,
        "grpc.max_connection_age_grace_ms": settings.max_connection_age_grace_seconds,
    }
    return [
        ("grpc.max_receive_message_length", settings.max_request_bytes),
        ("grpc.max_send_message_length", settings.max_response_bytes),
        ("grpc.max_concurrent_streams", settings.max_streams_per_connection),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.enable_channelz", int(settings.debug)),
        ("grpc.so_reuseport", 0),  # a second server on the port must fail, and not take half of the connections
        *((name, round(value * 1000)) for name, value in seconds.items()),
    ]


def _credentials(settings: Settings, watch: Watch) -> grpc.ServerCredentials | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    files = TlsFiles(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
    return server_credentials(files, watch)
