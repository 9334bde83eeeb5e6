"""Settings that change while the server runs: when they are seen, what is applied, and what is not."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import io
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gradproof_server.serving.logs import Level, make_logger
from gradproof_server.serving.reload import LiveSettings
from gradproof_server.settings import Settings

SOON = 60.0
SHORT, LONG = 0.05, 1000.0


@dataclasses.dataclass
class Followed:
    """A settings file that is followed, what was applied and counted, and the log."""

    file: Path
    live: LiveSettings
    log: io.StringIO
    counted: list[bool]
    applied: asyncio.Queue[Settings]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log lines."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    async def next(self) -> Settings:
        """The next settings that are applied."""
        async with asyncio.timeout(SOON):
            return await self.applied.get()

    async def look(self, times: int = 1) -> None:
        """Looks at the file, and returns when that has been done."""
        for _ in range(times):
            self.live.look()
            while self.live._look_now.is_set():
                await asyncio.sleep(0)


def follow(file: Path, seconds: float) -> Followed:
    """Follows a file, which must be there."""
    flags = {"settings_file": str(file), "reload_seconds": seconds, "max_steps": 77}
    read = functools.partial(Settings.from_environment, flags, {})
    log, counted, applied = io.StringIO(), list[bool](), asyncio.Queue[Settings]()
    live = LiveSettings(read(), read, make_logger(Level("info"), "json", log))
    live.on_change(applied.put_nowait)
    live.count_by(lambda _, applied: counted.append(applied))
    live.start()
    return Followed(file, live, log, counted, applied)


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    """A file that is looked at when it is asked for."""
    file = tmp_path / "settings.toml"
    file.write_text("max_nodes = 10\nmax_steps = 5")
    followed = follow(file, LONG)
    yield followed
    await followed.live.stop()


async def test_a_change_is_applied_at_a_look(followed: Followed) -> None:
    """New limits and a new level, but not over what a flag says."""
    followed.file.write_text('max_nodes = 20\nmax_steps = 6\nlog_level = "debug"')
    await followed.look()
    settings = await followed.next()
    assert (settings.max_nodes, settings.max_steps, settings.log_level) == (20, 77, "debug")
    (line,) = [line for line in followed.events if line["event"] == "settings changed"]
    assert line["settings"] == {"max_nodes": 20, "log_level": "debug"}


async def test_a_key_that_is_gone_has_its_default_again(followed: Followed) -> None:
    """The file is all that there is, not what is added to what was."""
    followed.file.write_text("")
    await followed.look()
    assert (await followed.next()).max_nodes == Settings().max_nodes


async def test_changes_are_seen_without_being_asked(tmp_path: Path) -> None:
    """The file is looked at from time to time."""
    file = tmp_path / "settings.toml"
    file.write_text("max_nodes = 10")
    followed = follow(file, SHORT)
    file.write_text("max_nodes = 20")
    assert (await followed.next()).max_nodes == 20
    file.write_text("max_nodes = 30")
    assert (await followed.next()).max_nodes == 30
    await followed.live.stop()


async def test_the_exchange_of_a_link_is_a_change(tmp_path: Path) -> None:
    """Kubernetes changes a mounted ConfigMap by setting a link to another folder; times and sizes may be the same."""
    for name, text in {"old": "max_nodes = 10", "new": "max_nodes = 20"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.toml").write_text(text)
        os.utime(tmp_path / name / "settings.toml", (0, 0))
    (tmp_path / "..data").symlink_to("old")
    (tmp_path / "settings.toml").symlink_to("..data/settings.toml")
    followed = follow(tmp_path / "settings.toml", LONG)
    await followed.look()
    (tmp_path / "..data_tmp").symlink_to("new")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    await followed.look()
    assert (await followed.next()).max_nodes == 20
    await followed.live.stop()


async def test_a_file_that_cannot_be_used_changes_nothing(followed: Followed) -> None:
    """All that is wrong is logged, once; the old limits stay; what is right again is taken."""
    followed.file.write_text("max_nodes = 0\nmax_nods = 1")
    await followed.look(3)
    assert followed.applied.empty()
    (line,) = [line for line in followed.events if line["level"] == "error"]
    assert "settings.toml: max_nodes: must be at least 1" in line["error"]
    assert "did you mean max_nodes?" in line["error"]
    followed.file.write_text("max_nodes = 3")
    await followed.look()
    assert (await followed.next()).max_nodes == 3
    assert followed.counted[-1] is True
    assert followed.counted.count(False) == 3


async def test_what_needs_a_restart_is_said_and_not_applied(followed: Followed) -> None:
    """A new port is named once, whatever else changes; the limits beside it are taken."""
    followed.file.write_text("port = 1\nmax_nodes = 4")
    await followed.look()
    settings = await followed.next()
    assert (settings.port, settings.max_nodes) == (Settings().port, 4)
    followed.file.write_text("port = 1\nmax_nodes = 5")
    await followed.look()
    assert (await followed.next()).max_nodes == 5
    (line,) = [line for line in followed.events if line["level"] == "warning"]
    assert line["settings"] == ["--port"]


async def test_a_file_that_stays_is_not_applied_again(followed: Followed) -> None:
    """Looks alone change nothing."""
    await followed.look(3)
    assert followed.applied.empty()
