"""Files that are read again: changes are seen, whatever way they are made, and bad ones change nothing."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from gradproof_server.serving.logs import Level, make_logger
from gradproof_server.serving.watched_files import Watch, WatchedFiles


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Watched:
    """A file that holds a number, watched by a clock of its own."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock, self.log, self.readings = path, Clock(), io.StringIO(), 0
        self.counted: list[tuple[str, bool]] = []
        watch = Watch(5.0, make_logger(Level("debug"), "json", self.log), lambda *told: self.counted.append(told))
        self.files = WatchedFiles("numbers", self.load, lambda _: (path,), watch, self.clock)

    def load(self) -> int:
        """Reads it."""
        self.readings += 1
        return int(self.path.read_text())

    def later(self, seconds: float = 5.0) -> int:
        """The value after so many seconds."""
        self.clock.now += seconds
        return self.files.value

    @property
    def events(self) -> list[str]:
        """What was logged."""
        return [json.loads(line)["event"].split()[1] for line in self.log.getvalue().splitlines()]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A file that holds 1, looked at once."""
    path = tmp_path / "number"
    path.write_text("1")
    made = Watched(path)
    assert made.later() == 1
    return made


def test_a_file_that_does_not_change_is_not_read_again(watched: Watched) -> None:
    """Neither within the time between two looks nor after it."""
    readings = watched.readings
    assert [watched.later(seconds) for seconds in (0, 1, 10, 10)] == [1, 1, 1, 1]
    assert watched.readings == readings
    assert watched.events == []
    assert watched.counted == []


def test_a_change_is_seen_at_the_next_look(watched: Watched) -> None:
    """Not before it."""
    watched.path.write_text("22")
    assert watched.later(1) == 1
    assert watched.later(4) == 22
    assert watched.events == ["were"]


def test_a_change_between_the_first_reading_and_the_first_look_is_seen(tmp_path: Path) -> None:
    """Even where time, place and size are those of the file that was read."""
    path = tmp_path / "number"
    path.write_text("1")
    made = Watched(path)
    before = path.stat()
    path.write_text("2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert made.later() == 2


def test_a_link_that_is_turned_to_another_folder_is_seen(tmp_path: Path) -> None:
    """As Kubernetes changes ConfigMaps and Secrets: the file's own path is a link that stays."""
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "number").write_text(name)
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "number").symlink_to("..data/number")
    made = Watched(tmp_path / "number")
    assert made.later() == 1
    (tmp_path / "..new").symlink_to("2")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert made.later() == 2


@pytest.mark.parametrize("bad", ["x", None])
def test_a_bad_file_leaves_the_value_and_is_logged_once(watched: Watched, bad: str | None) -> None:
    """A file that is no number, or is not there; once it is good again it is taken."""
    if bad is None:
        watched.path.unlink()
    else:
        watched.path.write_text(bad)
    assert [watched.later() for _ in range(3)] == [1, 1, 1]
    assert watched.events == ["cannot"]
    watched.path.write_text("3")
    assert watched.later() == 3
    assert watched.events == ["cannot", "were"]
    assert watched.counted == [("numbers", False)] * 3 + [("numbers", True)]


def test_a_bad_file_is_tried_again_though_it_looks_the_same(watched: Watched) -> None:
    """A write that ends within the clock tick of its middle leaves no trace in the file's time."""
    watched.path.write_text("x")
    assert watched.later() == 1
    before = watched.path.stat()
    watched.path.write_text("4")
    os.utime(watched.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watched.later() == 4


def test_a_file_that_is_bad_at_the_start_is_an_error(tmp_path: Path) -> None:
    """There is nothing that could stay."""
    path = tmp_path / "number"
    path.write_text("x")
    with pytest.raises(ValueError, match="invalid literal"):
        Watched(path)
