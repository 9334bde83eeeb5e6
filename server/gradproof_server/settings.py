"""The server's settings: one frozen object, from flags, environment, a file and defaults."""

from __future__ import annotations

import difflib
import itertools
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import ErrorDetails

from gradproof_server.engine.types import Limits

ENVIRONMENT_PREFIX = "GRADPROOF_"
OFF = "off"

_LARGEST_MESSAGE = 2**31 - 1  # protobuf's own limit for one message
_SMALLEST_RESPONSE = 2**20  # the catalogue must fit
_LIMITS = Limits()
_MINUTE = 60.0

# Variables with our prefix that are not the server's: the client's target, and what Kubernetes injects for a Service
# that is called "gradproof" (GRADPROOF_SERVICE_HOST, GRADPROOF_PORT=tcp://10.0.0.1:50051, GRADPROOF_PORT_50051_TCP...).
_FOREIGN_NAMES = re.compile(r"GRADPROOF_(TARGET|TOKEN|SERVICE_.*|PORT_\d+_.*)")
_KUBERNETES_LINK = re.compile(r"(tcp|udp|sctp)://")

_FILE_SETTING = "settings_file"
_FILES = ("tls_certificate", "tls_key", "tls_client_ca", "callers_file", _FILE_SETTING)
_HOLDS_ONE = (
    ("max_waiting_bytes", "max_request_bytes", "the largest request could never be taken"),
    ("max_bytes_per_caller", "max_request_bytes", "the largest request could never be taken"),
    ("max_running_memory_bytes", "max_memory_bytes", "the largest problem could never run"),
    ("max_running_flops", "max_flops", "the largest problem could never run"),
)
"""Limits of all together, which must hold one of the largest."""
_SCALARS = (bool, int, float, str)
_OUT_OF_RANGE = frozenset({"greater_than_equal", "less_than_equal"})
_Given: typing.TypeAlias = dict[str, tuple[str, object]]
"""Source (a flag, a variable, a key of a file) and value, by field."""

_FORMS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}


class SettingsError(Exception):
    """The settings cannot be used. `problems` lists everything that is wrong with them, a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Meaning(typing.NamedTuple):
    """What is known of a field besides its type: see `setting`."""

    doc: str
    unit: str
    least: float | None
    most: float | None
    live: bool


def setting(
    default: Any, doc: str, *, unit: str = "", least: float | None = None, most: float | None = None, live: bool = False
) -> Any:
    """A field of `Settings` with a sentence that explains it, the unit of its value and the range that is allowed.

    live: it can change while the server runs.
    """
    meaning = Meaning(doc, unit, least, most, live)
    return Field(default, description=doc, ge=least, le=most, json_schema_extra=meaning._asdict())


def _port(default: int, doc: str) -> Any:
    return setting(default, doc, least=0, most=65535)


def _count(default: int | None, doc: str, unit: str = "", *, live: bool = False) -> Any:
    return setting(default, doc, unit=unit, least=1, live=live)


def _limit(default: int, doc: str, unit: str) -> Any:
    return _count(default, doc, unit, live=True)


def _seconds(default: float, doc: str, least: float = 0, *, live: bool = False) -> Any:
    return setting(default, doc, unit="seconds", least=least, live=live)


class Settings(BaseModel):
    """Everything that can be set. Each field is a flag (`--max-nodes`) and a variable (`GRADPROOF_MAX_NODES`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = setting("127.0.0.1", "Address that the service listens on; 0.0.0.0 is every IPv4 address.")
    port: int = _port(50051, "Port of the service; 0 takes a free one.")
    metrics_host: str = setting("127.0.0.1", "Address of the Prometheus metrics.")
    metrics_port: int | None = _port(9464, "Port of the Prometheus metrics; 0 takes a free one, off serves none.")
    tls_certificate: Path | None = setting(None, "PEM file with the server's certificate chain; off: no TLS.")
    tls_key: Path | None = setting(None, "PEM file with the private key of the certificate.")
    tls_client_ca: Path | None = setting(
        None, "PEM file with the authorities whose client certificates are taken (mTLS); off: clients need none."
    )
    callers_file: Path | None = setting(
        None, "TOML file that says who may call which methods, with tokens and quotas; off: everybody may."
    )
    reflection: bool = setting(True, "Whether clients can ask the server for its contract (buf curl, grpcurl).")
    health_host: str = setting("127.0.0.1", "Address of the health checks for probes, which never have TLS.")
    health_port: int | None = _port(50052, "Port of the health checks for probes; 0 takes a free one, off serves none.")
    stuck_seconds: float = _seconds(
        30.0, "Time without a turn of the event loop after which the process says that it is not alive.", 1
    )
    debug: bool = setting(False, "Whether the port of the metrics also shows the server's channels, workers and calls.")

    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "Least severe log line that is written.", live=True
    )
    log_format: Literal["json", "text"] = setting("json", "One JSON object a line, or text for people.")

    settings_file: Path | None = setting(
        None, "TOML file with settings that are read again when it changes: limits, quotas, log level; off: none."
    )
    reload_seconds: float = _seconds(
        5.0, "Time between looks at the files of settings, callers and certificates.", 0.05
    )
    trace_endpoint: str | None = setting(None, "OTLP endpoint (gRPC) that gets traces, as http://host:4317; off: none.")
    documentation_url: str | None = setting(
        None,
        "Address of the pages that `make docs` builds, linked in findings, as https://host/mistakes; off: none.",
    )

    device: Literal["auto", "cpu", "cuda"] = setting("auto", "Where problems that name no device are computed.")
    workers: int = setting(
        0, "Processes that compute; 0: one for each CUDA device, else one for each CPU, at most 4.", least=0, most=256
    )
    threads: int = setting(0, "Threads of each process; 0: its share of the CPUs.", least=0, most=1024)
    stop_seconds: float = _seconds(0.1, "Time that a stopped computation has to end before its process is killed.")
    worker_memory_bytes: int | None = _count(None, "Most memory that one process may map; off: no limit.", "bytes")
    max_concurrent_calls: int = _limit(256, "Most checks that wait or run at once; further ones are refused.", "calls")
    max_waiting_bytes: int = _limit(
        2 * 1024**3, "Most bytes of requests that wait or run, and of answers not read.", "bytes"
    )
    max_calls_per_caller: int = _limit(128, "Most checks of one caller that wait or run at once.", "calls")
    max_bytes_per_caller: int = _limit(1024**3, "The same of one caller.", "bytes")
    max_running_memory_bytes: int = _limit(
        2 * _LIMITS.max_memory_bytes, "Most memory that all problems that run at once may take, as estimated.", "bytes"
    )
    cuda_memory_share: float = setting(
        0.9, "Share of a CUDA device's memory that all of its workers may take together.", least=0.01, most=1
    )
    max_running_flops: int = _limit(
        4 * _LIMITS.max_flops, "Most floating-point operations of all problems that run at once.", "operations"
    )

    max_call_seconds: float = _seconds(
        900.0, "Time after which a call is ended that has no deadline, or a later one.", 0.001
    )
    request_seconds: float = _seconds(300.0, "Time that a caller has to send a request.", 0.001, live=True)
    max_witness_seconds: float = _seconds(
        600.0, "Most seconds that a numerical verification may be given.", 1, live=True
    )
    max_functions: int = _count(16, "Most functions of callers that are checked at once.", "functions")
    max_function_elements: int = _limit(
        8_000_000, "Most elements of a function's point, output and derivative, and of its directions.", "elements"
    )
    answer_seconds: float = setting(
        60.0, "Time that a caller has to answer a batch of points.", unit="seconds", least=0.001, most=86_400, live=True
    )

    max_request_bytes: int = setting(
        _LIMITS.max_request_bytes, "Largest request.", unit="bytes", least=1024, most=_LARGEST_MESSAGE
    )
    max_response_bytes: int = setting(
        1024**3, "Largest response.", unit="bytes", least=_SMALLEST_RESPONSE, most=_LARGEST_MESSAGE
    )
    max_nodes: int = _limit(_LIMITS.max_nodes, "Most nodes in a network.", "nodes")
    max_parameters: int = _limit(
        _LIMITS.max_parameters, "Most elements of all parameters and buffers together.", "elements"
    )
    max_elements: int = _limit(_LIMITS.max_elements, "Most elements of one tensor.", "elements")
    max_steps: int = _limit(_LIMITS.max_steps, "Most training steps in a problem.", "steps")
    max_memory_bytes: int = _limit(_LIMITS.max_memory_bytes, "Most memory that a problem may take.", "bytes")
    max_flops: int = _limit(_LIMITS.max_flops, "Most floating-point operations of a problem.", "operations")

    propagation_seconds: float = _seconds(5.0, "Time between saying NOT_SERVING and refusing calls at shutdown.")
    drain_seconds: float = _seconds(25.0, "Time that running calls have to end at shutdown.")
    max_streams_per_connection: int = _count(
        1000, "Most calls of one connection at once; a client keeps further ones back.", "calls"
    )
    keepalive_seconds: float = _seconds(60.0, "Silence after which the server pings a client.", 1)
    keepalive_timeout_seconds: float = _seconds(20.0, "Time that a client has to answer a ping.", 1)
    min_client_ping_seconds: float = _seconds(15.0, "Shortest interval at which clients may ping.", 1)
    max_connection_idle_seconds: float = _seconds(5 * _MINUTE, "Time after which an idle connection is closed.", 1)
    max_connection_age_seconds: float = _seconds(
        10 * _MINUTE, "Age at which a client is told to connect anew, so that load spreads over new servers.", 1
    )
    max_connection_age_grace_seconds: float = _seconds(5 * _MINUTE, "Time that its calls then have to end.", 1)

    @field_validator("*", mode="before")
    @classmethod
    def _without_none_and_case(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        kind, optional = type_of(info.field_name or "")
        text = value.strip()
        if optional and text.lower() in ("", OFF):
            return None
        return text.lower() if typing.get_origin(kind) is Literal else text

    @model_validator(mode="wrap")
    @classmethod
    def _all_problems_at_once(
        cls, values: dict[str, Any], handler: ModelWrapValidatorHandler[Settings], info: ValidationInfo
    ) -> Settings:
        """Raises SettingsError with what is wrong in any field, and with what contradicts itself in all others.

        The context is what fields are called where they stand, and problems that are known already.
        """
        context: tuple[Mapping[str, str], list[str]] = info.context or ({}, [])
        sources, problems = context
        try:
            settings = handler(values)
        except ValidationError as error:
            wrong = {str(e["loc"][0]): e for e in error.errors()}
            problems = problems + [_problem(name, sources.get(name, flag_of(name)), e) for name, e in wrong.items()]
            settings = handler({name: value for name, value in values.items() if name not in wrong})
        if problems := problems + _contradictions(settings):
            raise SettingsError(problems)
        return settings

    @property
    def limits(self) -> Limits:
        """What a request may ask for."""
        return Limits(**{name: getattr(self, name) for name in asdict(_LIMITS)})

    @classmethod
    def from_environment(
        cls, overrides: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
    ) -> Settings:
        """Settings from flags (`overrides`; None means not given), environment, file, defaults: the first wins.

        Texts are parsed by the type of their field. Raises SettingsError with everything that is wrong.
        """
        environ = os.environ if environ is None else environ
        given = _from_variables(environ)
        given |= {name: (flag_of(name), value) for name, value in (overrides or {}).items() if value is not None}
        in_file, problems = _from_file(given.get(_FILE_SETTING, ("", OFF))[1])
        given = in_file | given
        problems += _misspelt_variables(environ)
        return cls.model_validate(
            {name: value for name, (_, value) in given.items()},
            context=({name: source for name, (source, _) in given.items()}, problems),
        )

    def replaced(self, **changes: Any) -> Settings:
        """These settings with some changed. Raises SettingsError where that does not fit together."""
        return Settings(**self.model_dump() | changes)

    def reloaded(self, new: Settings) -> tuple[Settings, list[str]]:
        """These settings with all that can change while the server runs as in `new`; what else differs, by name.

        Raises SettingsError where the two do not fit together.
        """
        changed = [name for name in Settings.model_fields if getattr(self, name) != getattr(new, name)]
        live = {name: getattr(new, name) for name in changed if meaning_of(name).live}
        return self.replaced(**live), [name for name in changed if name not in live]

    def to_json(self) -> dict[str, object]:
        """All settings as JSON values, for the log line at start. None of them is secret."""
        return self.model_dump(mode="json")


def variable_of(name: str) -> str:
    """The environment variable of a field: max_nodes -> GRADPROOF_MAX_NODES."""
    return ENVIRONMENT_PREFIX + name.upper()


def flag_of(name: str) -> str:
    """The flag of a field: max_nodes -> --max-nodes."""
    return "--" + name.replace("_", "-")


def meaning_of(name: str) -> Meaning:
    """What a field means."""
    return Meaning(**typing.cast(dict[str, Any], Settings.model_fields[name].json_schema_extra))


def type_of(name: str) -> tuple[Any, bool]:
    """A field's type without None, and whether None (written "off") is allowed."""
    hint = Settings.model_fields[name].annotation
    if typing.get_origin(hint) is types.UnionType:
        return next(t for t in typing.get_args(hint) if t is not types.NoneType), True
    return hint, False


def _problem(name: str, source: str, error: ErrorDetails) -> str:
    if name not in Settings.model_fields:
        return source + _no_such_setting(name, Settings.model_fields)
    valid = _range(meaning_of(name)) if error["type"] in _OUT_OF_RANGE else _form(type_of(name)[0])
    return f"{source}: must be {valid}, not {error['input']!r}"


def _range(meaning: Meaning) -> str:
    bounds = f"at least {meaning.least}" if meaning.most is None else f"from {meaning.least} to {meaning.most}"
    return f"{bounds} {meaning.unit}".rstrip()


def _form(kind: Any) -> str:
    return _FORMS.get(kind) or f"one of {', '.join(typing.get_args(kind))}"


def _from_variables(environ: Mapping[str, str]) -> _Given:
    found = {name: (variable_of(name), environ.get(variable_of(name))) for name in Settings.model_fields}
    return {n: (v, text) for n, (v, text) in found.items() if text is not None and not _KUBERNETES_LINK.match(text)}


def _from_file(path: object) -> tuple[_Given, list[str]]:
    """What a TOML file whose keys are fields gives, and what is wrong with it as a whole."""
    path = Path(str(path).strip())
    if not path.is_file():  # which is reported with all other files
        return {}, []
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return {}, [f"{path}: {error}"]
    inner = [f"{path}: {_FILE_SETTING}: no such setting in a file"] if entries.pop(_FILE_SETTING, None) else []
    # As texts, so that true is no number.
    return {n: (f"{path}: {n}", str(v) if isinstance(v, _SCALARS) else repr(v)) for n, v in entries.items()}, inner


def _no_such_setting(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return ": no such setting" + (f"; did you mean {near[0]}?" if near else "")


def _misspelt_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like one of ours and are none: a limit that is misspelt must not be silently absent."""
    known = {variable_of(name) for name in Settings.model_fields}
    strangers = [
        n for n in environ if n.startswith(ENVIRONMENT_PREFIX) and n not in known and not _FOREIGN_NAMES.fullmatch(n)
    ]
    near = {name: difflib.get_close_matches(name, known, n=1, cutoff=0.85) for name in sorted(strangers)}
    return [f"{name}: no such setting; did you mean {match[0]}?" for name, match in near.items() if match]


def _contradictions(s: Settings) -> list[str]:
    checks = {
        "--tls-certificate and --tls-key: give both or none": (s.tls_certificate is None) != (s.tls_key is None),
        **_shared_ports(s),
        **{
            f"{flag_of(all_of)}: must be at least {flag_of(one)}, or {why}": getattr(s, all_of) < getattr(s, one)
            for all_of, one, why in _HOLDS_ONE
        },
        "--tls-client-ca: needs --tls-certificate and --tls-key": s.tls_client_ca and not s.tls_certificate,
        "--documentation-url: must begin with http:// or https://": (
            s.documentation_url is not None and not s.documentation_url.startswith(("http://", "https://"))
        ),
        "--keepalive-timeout-seconds: must be less than --keepalive-seconds": (
            s.keepalive_timeout_seconds >= s.keepalive_seconds
        ),
    }
    paths = {name: getattr(s, name) for name in _FILES}
    missing = {f"{flag_of(name)}: there is no file {p}": p and not p.is_file() for name, p in paths.items()}
    return [text for text, wrong in (checks | missing).items() if wrong]


def _shared_ports(s: Settings) -> dict[str, bool]:
    """Every two of the ports, which must differ where they are on one address."""
    names = ("port", "metrics_port", "health_port")
    hosts = {"port": s.host, "metrics_port": s.metrics_host, "health_port": s.health_host}
    return {
        f"{flag_of(a)} and {flag_of(b)}: both are {getattr(s, a)} on {hosts[a]}": (
            getattr(s, a) == getattr(s, b) and getattr(s, a) not in (None, 0) and hosts[a] == hosts[b]
        )
        for a, b in itertools.combinations(names, 2)
    }
