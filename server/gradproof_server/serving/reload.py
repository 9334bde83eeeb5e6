"""Settings that change while the server runs: read again when their file changes, and applied where they are used."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

from gradproof_server.serving.logs import Logger
from gradproof_server.serving.watched_files import Count, Watch, WatchedFiles, uncounted
from gradproof_server.settings import Settings, flag_of

Apply: TypeAlias = Callable[[Settings], None]


@dataclasses.dataclass(frozen=True)
class _Read:
    """Settings that may be in force, and the names of those that wait for the next start."""

    settings: Settings
    waiting: tuple[str, ...] = ()


class LiveSettings:
    """Follows the file of the settings that a server was started with. It belongs to one event loop.

    Args:
        started: the settings at the start.
        read: all settings as they would be at a start at this moment; raises SettingsError.
        logger: gets a line for every change, and one for a file that cannot be used.
    """

    def __init__(self, started: Settings, read: Callable[[], Settings], logger: Logger) -> None:
        self._started, self._read, self._logger = started, read, logger
        self._applied = _Read(started)
        self._apply: list[Apply] = []
        self._count: Count = uncounted
        self._look_now = asyncio.Event()
        watch = Watch(started.reload_seconds, logger, lambda what, applied: self._count(what, applied))
        self._watched = WatchedFiles("settings", self._load, _files, watch)
        self._task: asyncio.Task[None] | None = None

    def on_change(self, apply: Apply) -> None:
        """`apply` gets the settings whenever they have changed."""
        self._apply.append(apply)

    def count_by(self, count: Count) -> None:
        """`count` is told of every change of the file, as a `Watch` tells it."""
        self._count = count

    def start(self) -> None:
        """Looks from now on, every `reload_seconds`."""
        self._task = asyncio.create_task(self._follow())

    def look(self) -> None:
        """Looks at once."""
        self._look_now.set()

    async def stop(self) -> None:
        """Looks no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._started.reload_seconds):
                    await self._look_now.wait()
            except TimeoutError:
                pass
            self._look_now.clear()
            self._watched.refresh()
            self._take(self._watched.value)

    def _load(self) -> _Read:
        settings, waiting = self._started.reloaded(self._read())
        return _Read(settings, tuple(waiting))

    def _take(self, read: _Read) -> None:
        before, self._applied = self._applied, read
        if read.settings != before.settings:
            for apply in self._apply:
                apply(read.settings)
            self._logger.info("settings changed", settings=_changes(before.settings, read.settings))
        if read.waiting and read.waiting != before.waiting:
            self._logger.warning("settings need a restart", settings=[flag_of(name) for name in read.waiting])


def _files(read: _Read) -> Iterable[Path]:
    file = read.settings.settings_file
    return () if file is None else (file,)


def _changes(before: Settings, after: Settings) -> dict[str, object]:
    was, new = before.to_json(), after.to_json()
    return {name: value for name, value in new.items() if value != was[name]}
