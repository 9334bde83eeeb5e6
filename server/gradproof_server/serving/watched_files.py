"""Files that are read again when they change: what they say, as a value; a bad change leaves the value as it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from gradproof_server.serving.logs import Logger
from gradproof_server.settings import SettingsError

T = TypeVar("T")
Clock: TypeAlias = Callable[[], float]
Count: TypeAlias = Callable[[str, bool], None]
_Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]


def uncounted(_what: str, _applied: bool) -> None:
    """For servers without metrics."""


@dataclass(frozen=True)
class Watch:
    """How files are watched.

    Attributes:
        seconds: least time between two looks at them.
        logger: gets a line when what they say changes, and when it cannot.
        count: is told which files were read anew, and whether what they say is in force now (true) or cannot be used;
            on any thread.
    """

    seconds: float
    logger: Logger
    count: Count = uncounted


class WatchedFiles(Generic[T]):
    """The value that files hold, looked at when it is asked for. All methods may be called on any thread.

    Args:
        what: the files in a word, for log lines and metrics.
        load: reads them; its errors are those of the constructor. Later it must raise OSError or ValueError for files
            that cannot be used, as those of an update that is half done: the value stays, and the error is logged once.
        files: which files a value was read from.
        watch: how they are watched.
    """

    def __init__(
        self,
        what: str,
        load: Callable[[], T],
        files: Callable[[T], Iterable[Path]],
        watch: Watch,
        clock: Clock = time.monotonic,
    ) -> None:
        self._what, self._load, self._files = what, load, files
        self._watch, self._clock = watch, clock
        self._lock = threading.Lock()
        self._value = load()
        self._stamp: _Stamp | None = None  # unknown: they may have changed while they were read, so that a look reads
        self._problem = ""
        self._looked = clock()

    @property
    def value(self) -> T:
        """What the files hold, or held when they could last be used."""
        if self._clock() - self._looked >= self._watch.seconds:
            self.refresh()
        return self._value

    def refresh(self) -> None:
        """Looks at the files now."""
        with self._lock:
            self._looked = self._clock()
            stamp = _stamp(self._files(self._value))
            # What could not be used is tried at every look: the end of a write can leave the same stamp as its middle.
            if stamp != self._stamp or self._problem:
                self._read(stamp)

    def _read(self, stamp: _Stamp) -> None:
        try:
            value = self._load()
        except (OSError, ValueError, SettingsError) as error:
            self._watch.count(self._what, False)
            if str(error) != self._problem:
                self._problem = str(error)
                self._watch.logger.error(
                    "files cannot be used; what they held stays", files=self._what, error=str(error)
                )
            return
        same_files = tuple(self._files(value)) == tuple(self._files(self._value))
        self._stamp, self._problem = stamp if same_files else None, ""
        if value != self._value:
            self._value = value
            self._watch.count(self._what, True)
            self._watch.logger.info("files were read again", files=self._what)


def _stamp(files: Iterable[Path]) -> _Stamp:
    """What changes with a file: its time, its place (an update by renaming, or by a link) and its size."""
    return tuple(_stamp_of(file) for file in files)


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
