"""The composition root: builds the parts of a server from its settings, and starts and stops them in order."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable

import torch
from gradproof._version import __version__
from prometheus_client import CollectorRegistry

from gradproof_server.backend import Backend, in_processes, in_threads, quotas_of
from gradproof_server.serving import open_files
from gradproof_server.serving.admission import Quotas
from gradproof_server.serving.callers.access import Access, access_of
from gradproof_server.serving.debug import Failures, channelz_page, debug_page
from gradproof_server.serving.embedded import EmbeddedServer
from gradproof_server.serving.function_service import FunctionService
from gradproof_server.serving.gate import Gate
from gradproof_server.serving.health import HealthServer
from gradproof_server.serving.http import MetricsServer, Pages
from gradproof_server.serving.interceptor import CallInterceptor
from gradproof_server.serving.logs import CurrentStderr, Level, Logger, make_logger
from gradproof_server.serving.metrics import Gauges, Metrics
from gradproof_server.serving.reading import RequestReader
from gradproof_server.serving.reload import LiveSettings
from gradproof_server.serving.server import HEALTH_METHODS, GrpcServer, StartError
from gradproof_server.serving.service import METHOD_TYPES, SERVICE, GradientService
from gradproof_server.serving.tracing import NO_TRACING, open_tracing
from gradproof_server.serving.unread import UnreadAnswers
from gradproof_server.serving.watched_files import Watch
from gradproof_server.serving.worker_watch import WorkerWatch
from gradproof_server.serving.workers.memory import process_bytes
from gradproof_server.settings import Settings, SettingsError

# What calls that were interrupted have to tell their callers so, and what the engine has to end after that.
_LEFTOVER_SECONDS = 1.0
_ENGINE_SECONDS = 5.0


def build(
    settings: Settings,
    logger: Logger,
    *,
    computing: Backend | None = None,
    address: str | None = None,
    live: LiveSettings | None = None,
    dropped_log_lines: Callable[[], int] = lambda: 0,
) -> Application:
    """A server that is not started yet.

    Args:
        settings: everything that can be set.
        logger: where its log lines go.
        computing: what computes; the engine in processes of its own if not given.
        address: where it listens, as gRPC writes it ("unix:/path"); host and port of the settings if not given.
        live: the settings as they change; they stay as they are if not given.
        dropped_log_lines: how many lines the log could not take so far.
    """
    gauges = Gauges(
        waiting=lambda: made.calls.waiting,
        running=lambda: made.calls.pending - made.calls.waiting,
        workers=lambda: len(made.processes()),
        worker_bytes=lambda: sum(map(process_bytes, made.processes())),
        functions=lambda: functions.open,
        dropped_log_lines=dropped_log_lines,
    )
    metrics = Metrics(CollectorRegistry(), METHOD_TYPES | HEALTH_METHODS, gauges)
    access = _access(settings, _watch(settings, logger, metrics))
    live = live or LiveSettings(settings, lambda: settings, logger)
    live.count_by(metrics.reloaded)
    quotas = quotas_of(settings, access, live)
    made = computing or in_processes(settings, WorkerWatch(metrics, logger), quotas, live)
    functions = FunctionService(made.functions, settings)
    live.on_change(functions.configure)
    address = address or _address(settings.host, settings.port)
    return Application(settings, logger, made, functions, metrics, access, quotas, address, live)


def _watch(settings: Settings, logger: Logger, metrics: Metrics) -> Watch:
    return Watch(settings.reload_seconds, logger, metrics.reloaded)


def _access(settings: Settings, watch: Watch) -> Access:
    try:
        return access_of(settings.callers_file, SERVICE.methods_by_name, watch)
    except (OSError, SettingsError) as error:
        raise StartError(f"the callers' file cannot be used: {error}") from error


def start_embedded(settings: Settings | None = None) -> EmbeddedServer:
    """A private server in a thread of this process: errors only in its log, no metrics port, no reflection.

    It uses as many threads as PyTorch does in this process already, unless the settings say otherwise. Raises
    StartError where it cannot start.
    """
    settings = settings or Settings()
    threads = settings.threads or torch.get_num_threads()
    settings = settings.replaced(metrics_port=None, health_port=None, reflection=False, threads=threads)
    logger = make_logger(Level("error"), "text", CurrentStderr())
    return EmbeddedServer(lambda address: build(settings, logger, computing=in_threads(settings), address=address))


class Application:
    """A server with its engine, metrics and health. All its coroutines must be run by one event loop."""

    def __init__(
        self,
        settings: Settings,
        logger: Logger,
        computing: Backend,
        functions: FunctionService,
        metrics: Metrics,
        access: Access,
        quotas: Quotas,
        address: str,
        live: LiveSettings,
    ) -> None:
        self._settings, self._logger, self._access, self._address = settings, logger, access, address
        self._quotas, self._live = quotas, live
        self._computing, self._functions, self._metrics = computing, functions, metrics
        self._failures = Failures()
        self._tracing = NO_TRACING
        self._server: GrpcServer | None = None
        self._health: HealthServer | None = None
        self._http: MetricsServer | None = None
        self._stopping: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port of the service; only after `start`."""
        assert self._server is not None, "not started"
        return self._server.port

    @property
    def metrics_port(self) -> int | None:
        """The port of the metrics; None where they are off."""
        return None if self._http is None else self._http.port

    @property
    def health_port(self) -> int | None:
        """The port of health for probes; None where it is off."""
        return None if self._health is None else self._health.port

    async def start(self) -> None:
        """Takes calls when it returns. Raises StartError where it cannot, and leaves nothing behind."""
        try:
            self._health = self._open_health()
            self._tracing = open_tracing(self._settings.trace_endpoint)
            await self._computing.start()
            gate = Gate()
            reader = RequestReader(self._quotas, self._settings)
            self._live.on_change(reader.configure)
            interceptor = CallInterceptor(
                self._metrics,
                self._tracing,
                self._failures,
                self._logger,
                SERVICE.full_name,
                gate,
                self._access,
                reader,
                UnreadAnswers(self._quotas),
            )
            handler = GradientService(
                self._computing.calls, self._functions, self._metrics, self._settings.max_call_seconds
            ).handler()
            watch = _watch(self._settings, self._logger, self._metrics)
            self._server = GrpcServer(self._settings, [interceptor], [handler], self._address, gate, watch)
            self._http = self._open_http()
            await self._server.start()
            self._live.start()
            if self._health is not None:
                self._health.say_serving()
        except BaseException:
            await self.stop()
            raise
        self._logger.info(
            "serving",
            version=__version__,
            address=self._address,
            port=self.port,
            metrics_port=self.metrics_port,
            health_port=self.health_port,
            open_files=open_files.limit(),
            settings=self._settings.to_json(),
        )

    def reload(self) -> None:
        """Looks at once at the files of settings and callers."""
        self._live.look()
        self._access.refresh()

    async def say_not_serving(self) -> None:
        """Answers health checks with NOT_SERVING from now on, and still takes calls."""
        if self._health is not None:
            self._health.say_not_serving()
        if self._server is not None:
            await self._server.say_not_serving()

    async def drain(self, seconds: float) -> None:
        """Refuses new calls; returns when none runs any more. After so many seconds the rest is told SHUTTING_DOWN."""
        if self._server is None:
            return
        self._stopping = asyncio.create_task(self._server.drain(seconds + _LEFTOVER_SECONDS))
        done, _ = await asyncio.wait({self._stopping}, timeout=seconds)
        if not done:
            self._interrupt()
            await self._stopping

    async def stop(self) -> bool:
        """Interrupts what runs and frees everything; False where a computation does not end. Can be called again."""
        if self._health is not None:
            self._health.say_not_serving()
        await self._live.stop()
        self._interrupt()
        if self._server is not None:
            await self._server.stop(_LEFTOVER_SECONDS)
            self._server = None
        if self._stopping is not None:
            await self._stopping
            self._stopping = None
        # Blocking is right from here on: nobody is served any more, and an interpreter that ends gives no more threads.
        if self._http is not None:
            self._http.close()
            self._http = None
        self._tracing.close()
        self._tracing = NO_TRACING
        ended = self._computing.close(_ENGINE_SECONDS)
        if self._health is not None:
            self._health.close()
            self._health = None
        return ended

    def _interrupt(self) -> None:
        self._functions.interrupt()
        self._computing.interrupt()

    def _open_health(self) -> HealthServer | None:
        host, port = self._settings.health_host, self._settings.health_port
        if port is None:
            return None
        try:
            health = HealthServer(SERVICE.full_name, _address(host, port), self._settings.stuck_seconds)
        except OSError as error:
            raise StartError(f"cannot serve health on {host}:{port}: {error}") from error
        health.watch(asyncio.get_running_loop())
        return health

    def _open_http(self) -> MetricsServer | None:
        host, port = self._settings.metrics_host, self._settings.metrics_port
        if port is None:
            return None
        try:
            return MetricsServer(self._metrics.registry, host, port, self._pages())
        except OSError as error:
            raise StartError(f"cannot serve metrics on {host}:{port}: {error}") from error

    def _pages(self) -> Pages:
        if not self._settings.debug:
            return {}
        made = self._computing
        page = functools.partial(
            debug_page, self._settings.to_json, made.workers, made.waiting_by_caller, self._failures
        )
        return {"/debug": page, "/debug/channelz": channelz_page}


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
