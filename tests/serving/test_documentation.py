"""What docs/server.md says of flags, metrics and log keys is so."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from typing import Any

import pytest
from gradproof_server.__main__ import default_text
from gradproof_server.serving.methods import PHASES
from gradproof_server.settings import Settings, flag_of, meaning_of


@pytest.fixture
def page(request: pytest.FixtureRequest) -> str:
    """The page."""
    return (request.config.rootpath / "docs" / "server.md").read_text(encoding="utf-8")


def test_every_flag_of_the_page_exists(page: str) -> None:
    """A flag that was renamed is renamed here too."""
    flags = {flag_of(name) for name in Settings.model_fields} | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page)) <= flags


def test_the_page_of_settings_has_them_all(request: pytest.FixtureRequest) -> None:
    """Every setting is a row with its default and its meaning, in the order of the flags, and no other row is there."""
    text = (request.config.rootpath / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("| `")] == [
        f"| `{flag_of(n)}` | {default_text(n)} | {'yes' if meaning_of(n).live else ''} | {meaning_of(n).doc} |"
        for n in Settings.model_fields
    ]


async def test_page_and_server_have_the_same_metrics(serve: Any, held: Any, page: str) -> None:
    """Every metric of the page can be scraped, and every metric of ours is on the page."""
    running = await serve(held, metrics_port=0)
    address = f"http://127.0.0.1:{running.app.metrics_port}/metrics"
    text = await asyncio.to_thread(lambda: urllib.request.urlopen(address).read().decode())
    served = set(
        re.findall(r"^# TYPE ((?:gradproof|grpc_server)_\w+) (?:counter|gauge|histogram)$", text, re.MULTILINE)
    )
    named = set(re.findall(r"`((?:gradproof|grpc_server)_\w+)`", page)) - {"gradproof_server"}
    assert named == {name for name in served if not name.endswith("_created")}


async def test_every_key_of_a_log_line_is_on_the_page(serve: Any, check_request: Any, page: str) -> None:
    """Nothing is logged that is not explained."""
    running = await serve()
    await running.stub.CheckGradients(check_request)
    (line,) = running.calls()
    assert {key for key in line if f"`{key}`" not in page} <= {"timestamp", "level"}


def test_the_stages_are_on_the_page(page: str) -> None:
    """The stages of the engine are those that the page lists."""
    assert f"`stage`: {', '.join(PHASES)}" in page
