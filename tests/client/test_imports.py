"""What importing the SDK loads, and what it exports."""

from __future__ import annotations

import subprocess
import sys
import types
from importlib import resources

import gradproof as gp
import pytest
from gradproof import functions, layers, losses, optimizers, schedules

HEAVY = ("torch", "yaml", "click", "google.rpc", "gradproof_server", "structlog", "prometheus_client")


def loaded(program: str, names: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of the named modules a fresh interpreter has loaded after a program."""
    probe = f"{program}\nimport sys\nprint(*[name for name in {names!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=120, check=True)
    return set(result.stdout.split())


@pytest.mark.e2e
def test_importing_the_sdk_loads_nothing_heavy() -> None:
    """No torch, YAML, click or google.rpc, in a fresh interpreter, problems and claims included."""
    program = (
        "import gradproof as gp\n"
        "problem = gp.Problem([gp.Linear(1, 1, weight=[[1.0]])], input=[1.0]).to_proto()\n"
        "gp.Claim(loss=1.0).to_proto(problem)\n"
        "gp.Client('localhost:1').close()"
    )
    assert loaded(program) == set()


@pytest.mark.e2e
def test_the_probe_bites() -> None:
    """It sees a module where one is loaded, by way of another one too."""
    assert loaded("import wave", ("wave", "xml")) == {"wave"}
    assert loaded("import gradproof", ("numpy", "xml.dom.minidom")) == {"numpy"}


@pytest.mark.parametrize("module", ["gradproof.tensors", "gradproof.v1.problem_pb2"])
@pytest.mark.e2e
def test_what_the_server_takes_from_the_sdk_is_light(module: str) -> None:
    """The encoding and the messages load nothing heavy either."""
    assert loaded(f"import {module}") == set()


def test_all_is_what_can_be_seen() -> None:
    """Whatever is public is listed, and whatever is listed is there, once."""
    public = {name: getattr(gp, name) for name in dir(gp) if not name.startswith("_")}
    visible = {name for name, value in public.items() if not isinstance(value, types.ModuleType)}
    assert len(gp.__all__) == len(set(gp.__all__))
    assert set(gp.__all__) == visible | {"__version__", "functions"}


@pytest.mark.parametrize("module", [functions, layers, losses, optimizers, schedules])
def test_generated_stubs_say_so_in_their_first_line(module: types.ModuleType) -> None:
    """Nobody edits them by mistake."""
    stem = module.__name__.removeprefix("gradproof.")
    stub = resources.files(gp).joinpath("_generated", f"{stem}.pyi").read_text(encoding="utf-8")
    assert stub.startswith(f"# Generated from {stem}.proto ")


def test_names_listed_by_hand_are_sorted() -> None:
    """As ruff sorts them: constants, classes, the rest."""
    generated = {name for module in (layers, losses, optimizers, schedules) for name in module.__all__}
    by_hand = [name for name in gp.__all__ if name not in generated]
    assert by_hand == sorted(by_hand, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
