"""What happens to workers, in the metrics and in the log."""

from __future__ import annotations

from gradproof_server.serving.logs import Logger
from gradproof_server.serving.metrics import Metrics


class WorkerWatch:
    """A `Watcher` that counts and writes."""

    def __init__(self, metrics: Metrics, logger: Logger) -> None:
        self._metrics, self._logger = metrics, logger

    def worker_ended(self, reason: str) -> None:
        """A worker ended and is replaced."""
        self._metrics.worker_ended(reason)
        self._logger.warning("worker ended", reason=reason)

    def worker_wrote(self, pid: int, text: str) -> None:
        """A worker wrote this to standard error, as the trace of a crash."""
        self._logger.warning("worker wrote", pid=pid, text=text)

    def computation_stopped(self, seconds: float) -> None:
        """A computation that was told to stop ran on for so long."""
        self._metrics.computation_stopped(seconds)

    def worker_not_started(self, error: str) -> None:
        """A worker could not be started; it is tried again."""
        self._logger.error("worker not started", error=error)
