"""The command line of the server."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from gradproof_server import __main__ as command
from gradproof_server.settings import Settings, flag_of


def test_every_setting_is_a_flag_with_its_meaning() -> None:
    """--help has a flag for each field of Settings."""
    output = CliRunner().invoke(command.serve_command, ["--help"]).output
    assert [name for name in Settings.model_fields if f"{flag_of(name)} " not in output] == []


def test_flags_reach_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is served is what the flags say, booleans and choices included."""
    seen: list[Settings] = []
    monkeypatch.setattr(command, "_serve", lambda settings, _read: seen.append(settings) or 0)
    arguments = ["--port", "0", "--no-reflection", "--device", "cpu", "--drain-seconds", "1.5", "--metrics-port", "off"]
    assert CliRunner().invoke(command.serve_command, arguments).exit_code == 0
    (settings,) = seen
    assert (settings.port, settings.reflection, settings.device, settings.drain_seconds) == (0, False, "cpu", 1.5)
    assert settings.metrics_port is None


def test_bad_values_end_with_status_2_and_all_of_them_named() -> None:
    """Two bad flags are two lines of one usage error."""
    result = CliRunner().invoke(command.serve_command, ["--port", "x", "--max-nodes", "0"])
    assert result.exit_code == 2
    assert "--port: must be a whole number" in result.output
    assert "--max-nodes: must be at least 1" in result.output
