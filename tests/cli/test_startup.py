"""The command line comes at once, and says what is missing where it is not complete."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gradproof.cli.app import COMMANDS, run

BLOCKED = "import sys; sys.modules[{!r}] = None; from gradproof.cli.app import run"


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names every command and the exit statuses."""
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert [name for name in COMMANDS if f"  {name} " not in printed] == []
    assert "Exit status: 0 agrees, 1 disagrees, 3 inconclusive, 2" in printed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command of the table can be imported and explains itself."""
    assert run([command, "--help"]) == 0
    assert f"Usage: gradproof {command}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["check", "--help"], ["--version"]])
@pytest.mark.e2e
def test_startup_imports_no_torch(arguments: list[str]) -> None:
    """Neither help nor version import torch, the server or YAML."""
    code = f"import sys; from gradproof.cli.app import run; run({arguments}); print(sorted(sys.modules))"
    done = python(code)
    assert done.returncode == 0, done.stderr
    modules = done.stdout.splitlines()[-1]
    assert [name for name in ("'torch'", "'gradproof_server'", "'yaml'") if name in modules] == []


def test_versions_are_those_installed(capsys: pytest.CaptureFixture[str]) -> None:
    """`version` names gradproof, Python, torch, grpcio and protobuf with what is installed."""
    import google.protobuf
    import grpc
    from gradproof._version import __version__

    assert run(["version"]) == 0
    printed = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert printed["gradproof"] == __version__
    assert printed["grpcio"] == grpc.__version__
    assert printed["protobuf"] == google.protobuf.__version__
    assert {"python", "torch", "numpy"} <= set(printed)


@pytest.mark.e2e
def test_missing_extra_is_said_in_one_sentence() -> None:
    """Without click the program says what to install, and ends with 2."""
    done = python("import sys; sys.modules['click'] = None; from gradproof.__main__ import main; main()")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "gradproof[cli]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.e2e
def test_missing_yaml_is_said(tmp_path: Path) -> None:
    """Without PyYAML a YAML file is refused with what to install."""
    file = tmp_path / "problem.yaml"
    file.write_text("network: [ReLU]\n")
    done = python(f"{BLOCKED.format('yaml')}; sys.exit(run(['check', {str(file)!r}]))")
    assert done.returncode == 2
    assert 'pip install "gradproof[cli]"' in done.stderr


@pytest.mark.e2e
def test_missing_server_is_said() -> None:
    """Without the server extra, `serve` says what to install."""
    done = python(f"{BLOCKED.format('gradproof_server')}; sys.exit(run(['serve']))")
    assert done.returncode == 2
    assert 'pip install "gradproof[server]"' in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["chek"], "No such command 'chek'"),
        (["check"], "Missing argument 'FILE...'"),
        (["check", "--output", "xml", "a.yaml"], "'xml' is not one of 'table', 'json'"),
        (["check", "--max-combination", "4", "a.yaml"], "4 is not in the range"),
        (["check", "--timeout", "0", "a.yaml"], "0"),
        (["compute", "--include", "grads", "a.yaml"], "'grads' is not one of"),
    ],
)
def test_wrong_usage_ends_with_two(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An option or command that does not exist is told on stderr, with status 2."""
    assert run(arguments) == 2
    assert says in capsys.readouterr().err


def test_a_fault_of_the_program_is_no_disagreement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception nobody expected ends with 2 and its traceback, never with 1."""

    def fail() -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("gradproof.cli.version.platform.python_version", fail)
    assert run(["version"]) == 2
    assert "RuntimeError: a fault" in capsys.readouterr().err


def test_interruption_is_no_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gradproof.cli.version.platform.python_version", interrupt)
    assert run(["version"]) == 130


@pytest.mark.e2e
def test_a_closed_pipe_is_no_failure() -> None:
    """A reader that goes away, as `head` does, makes no traceback and no status 1 or 2."""
    code = (
        "import os, sys\nfrom gradproof.cli.app import run\nreader, writer = os.pipe()\nos.dup2(writer, 1)\n"
        "os.close(writer)\nos.close(reader)\nsys.exit(run(['version']))"
    )
    done = python(code)
    assert (done.returncode, done.stderr) == (141, "")
