"""Settings: flags, environment, defaults, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from gradproof_server.engine.types import Limits
from gradproof_server.settings import Settings, SettingsError, flag_of, meaning_of, variable_of

FIELDS = [*Settings.model_fields]


def problems_of(overrides: dict[str, object] | None = None, environ: dict[str, str] | None = None) -> list[str]:
    """Everything that is wrong with these settings."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(overrides or {}, environ or {})
    return caught.value.problems


def test_flags_win_over_environment_and_environment_over_defaults() -> None:
    """Of the three sources the flag is taken first, then the variable, then the default."""
    environ = {"GRADPROOF_PORT": "1", "GRADPROOF_MAX_NODES": "7"}
    settings = Settings.from_environment({"port": "2", "max_nodes": None}, environ)
    assert (settings.port, settings.max_nodes, settings.max_steps) == (2, 7, Settings().max_steps)


def in_file(folder: Path, text: str) -> dict[str, object]:
    """Flags that name a settings file with this text."""
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return {"settings_file": str(file)}


def test_the_file_wins_over_defaults_and_over_nothing_else(tmp_path: Path) -> None:
    """Flag, variable, file, default: the first that is given is taken, whatever type TOML has for it."""
    text = 'max_nodes = 5\nmax_steps = 6\nport = 7\ndrain_seconds = 1\nmetrics_port = "off"\ndebug = true'
    settings = Settings.from_environment(
        in_file(tmp_path, text) | {"port": "1"}, {"GRADPROOF_MAX_NODES": "2", "GRADPROOF_LOG_LEVEL": "debug"}
    )
    assert (settings.port, settings.max_nodes, settings.max_steps, settings.drain_seconds) == (1, 2, 6, 1.0)
    assert (settings.metrics_port, settings.debug, settings.log_level) == (None, True, "debug")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("max_nods = 1", "settings.toml: max_nods: no such setting; did you mean max_nodes?"),
        ('settings_file = "x"', "settings.toml: settings_file: no such setting"),
        ("max_nodes = true", "settings.toml: max_nodes: must be a whole number, not 'True'"),
        ("max_nodes = [1]", "settings.toml: max_nodes: must be a whole number, not '[1]'"),
        ("max_nodes = 0", "settings.toml: max_nodes: must be at least 1 nodes, not '0'"),
        ("max_nodes", "settings.toml: Expected '='"),
    ],
)
def test_what_is_wrong_in_the_file_is_reported(tmp_path: Path, text: str, part: str) -> None:
    """Each of these is exactly one problem, with file, key and value."""
    (problem,) = problems_of(in_file(tmp_path, text))
    assert part in problem


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    """The server does not start with the limits of nobody."""
    assert problems_of({"settings_file": str(tmp_path / "x")}) == [f"--settings-file: there is no file {tmp_path}/x"]


def test_only_live_settings_change_while_the_server_runs() -> None:
    """A new limit is taken, a new port is named and not taken."""
    settings, left = Settings().reloaded(Settings(max_nodes=1, log_level="error", port=1))
    assert settings == Settings(max_nodes=1, log_level="error")
    assert left == ["port"]


def test_new_settings_that_contradict_what_stays_are_refused() -> None:
    """A limit that fits the new file, and not what the server was started with, is not taken."""
    new = Settings(max_request_bytes=2048, max_waiting_bytes=2048, max_bytes_per_caller=2048)
    with pytest.raises(SettingsError, match="max-waiting-bytes"):
        Settings().reloaded(new)


@pytest.mark.parametrize("name", FIELDS)
def test_every_default_survives_a_trip_through_its_text(name: str) -> None:
    """The text of every default is parsed to the default again."""
    default = Settings.model_fields[name].default
    text = " OFF " if default is None else f" {default} "
    found = getattr(Settings.from_environment({}, {variable_of(name): text}), name)
    assert (found, type(found)) == (default, type(default))


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_explained(name: str) -> None:
    """Every field says what it means, in a sentence."""
    assert meaning_of(name).doc.endswith(".")


def test_limits_are_the_engine_s_limits() -> None:
    """Every limit of the engine can be set, and has the engine's default."""
    assert Settings().limits == Limits()
    changed = {field.name: field.default - 1 for field in dataclasses.fields(Limits)}
    assert Settings(**changed).limits == Limits(**changed)


def test_all_problems_are_reported_at_once_with_their_source() -> None:
    """Bad flags, bad variables and contradictions come in one error, each with its name and its value."""
    found = "\n".join(
        problems_of(
            {"port": "80x", "tls_key": "/nowhere/key.pem"},
            {"GRADPROOF_DRAIN_SECONDS": "-1", "GRADPROOF_LOG_LEVEL": "loud", "GRADPROOF_REFLECTION": "maybe"},
        )
    )
    assert "--port: must be a whole number, not '80x'" in found
    assert "GRADPROOF_LOG_LEVEL: must be one of debug, info, warning, error, not 'loud'" in found
    assert "GRADPROOF_REFLECTION: must be true or false, not 'maybe'" in found
    assert "GRADPROOF_DRAIN_SECONDS: must be at least 0 seconds, not '-1'" in found
    assert "--tls-certificate and --tls-key: give both or none" in found
    assert "--tls-key: there is no file /nowhere/key.pem" in found


def test_settings_made_in_python_are_checked_the_same() -> None:
    """What embeds a server gets the same error, and cannot misspell a field either."""
    with pytest.raises(SettingsError) as caught:
        Settings(port=70000, max_nods=1)  # type: ignore[call-arg]
    assert caught.value.problems == [
        "--port: must be from 0 to 65535, not 70000",
        "--max-nods: no such setting; did you mean max_nodes?",
    ]


@pytest.mark.parametrize(
    ("overrides", "part"),
    [
        ({"port": 70000}, "from 0 to 65535"),
        ({"max_nodes": 0}, "at least 1 nodes"),
        ({"drain_seconds": "nan"}, "--drain-seconds: must be at least 0 seconds, not 'nan'"),
        ({"max_response_bytes": 2**31}, "from 1048576 to 2147483647 bytes"),
        ({"port": 5000, "metrics_port": 5000}, "--port and --metrics-port: both are 5000 on 127.0.0.1"),
        ({"metrics_port": 5000, "health_port": 5000}, "--metrics-port and --health-port: both are 5000 on 127.0.0.1"),
        ({"documentation_url": "docs/mistakes"}, "--documentation-url: must begin with http:// or https://"),
        ({"max_waiting_bytes": 1}, "must be at least --max-request-bytes"),
        ({"keepalive_seconds": 5, "keepalive_timeout_seconds": 5}, "must be less than --keepalive-seconds"),
    ],
)
def test_values_out_of_range_and_contradictions_are_refused(overrides: dict[str, object], part: str) -> None:
    """Each of these is exactly one problem."""
    (problem,) = problems_of(overrides)
    assert part in problem


def test_two_free_ports_are_no_contradiction() -> None:
    """Port 0 means a free port for each of the two."""
    assert Settings(port=0, metrics_port=0).metrics_port == 0


def test_a_misspelt_variable_is_refused_with_the_near_miss() -> None:
    """A limit that is misspelt is not silently absent."""
    assert problems_of(environ={"GRADPROOF_MAX_NODE": "3"}) == [
        "GRADPROOF_MAX_NODE: no such setting; did you mean GRADPROOF_MAX_NODES?"
    ]


def test_variables_of_kubernetes_and_of_the_client_are_ignored() -> None:
    """Kubernetes sets GRADPROOF_PORT and more for a Service called gradproof; none of it is an error or a setting."""
    environ = {
        "GRADPROOF_PORT": "tcp://10.0.0.7:50051",
        "GRADPROOF_PORT_50051_TCP_PORT": "50051",
        "GRADPROOF_SERVICE_PORT": "50051",
        "GRADPROOF_TARGET": "localhost:1",
        "GRADPROOF_TOKEN": "secret",
    }
    assert Settings.from_environment({}, environ) == Settings()


def test_off_means_none_only_where_it_can() -> None:
    """The metrics can be switched off, the service cannot."""
    assert Settings.from_environment({}, {"GRADPROOF_METRICS_PORT": "off"}).metrics_port is None
    assert problems_of({"port": "off"}) == ["--port: must be a whole number, not 'off'"]


def test_settings_are_json(tmp_path: Path) -> None:
    """The object that is logged at start can be written as JSON and has every field."""
    certificate = tmp_path / "server.pem"
    certificate.touch()
    settings = Settings(tls_certificate=certificate, tls_key=certificate)
    assert [*json.loads(json.dumps(settings.to_json()))] == FIELDS


def test_names_of_flags_and_variables() -> None:
    """A field's flag and variable are its name in their spelling."""
    assert (flag_of("max_nodes"), variable_of("max_nodes")) == ("--max-nodes", "GRADPROOF_MAX_NODES")


def test_defaults_listen_on_this_machine_only() -> None:
    """Neither service nor metrics nor health is offered to a network, and debugging is off, unless somebody says so."""
    settings = Settings()
    assert {settings.host, settings.metrics_host, settings.health_host} == {"127.0.0.1"}
    assert not settings.debug
