"""Dockerfile and locks fit the project."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from gradproof_server.settings import ENVIRONMENT_PREFIX, Settings, variable_of
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.tools import DEPLOY, ROOT, tool

IMAGE = DEPLOY / "image"
DOCKERFILE = (IMAGE / "Dockerfile").read_text(encoding="utf-8")
LOCKS = sorted(path.stem for path in (IMAGE / "lock").glob("*.txt"))


def locked(name: str) -> dict[str, Version]:
    """The versions in a lock by package."""
    text = (IMAGE / "lock" / f"{name}.txt").read_text(encoding="utf-8")
    return {package: Version(version) for package, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


def needed() -> list[Requirement]:
    """What the server needs, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"], *extras["torch"], *extras["server"], *extras["jwt"]]
    return [Requirement(text) for text in texts if not text.startswith("gradproof[")]


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_hashes(name: str) -> None:
    """No line of a lock would be installed without being checked."""
    text = (IMAGE / "lock" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) == len(locked(name)) > 0
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_a_lock_has_what_the_server_needs(name: str) -> None:
    """Every dependency is in the lock, in a version that pyproject.toml allows."""
    versions = locked(name)
    assert [
        r for r in needed() if not r.specifier.contains(versions[canonicalize_name(r.name)], prereleases=True)
    ] == []


def test_the_lock_of_the_build_has_what_a_build_needs() -> None:
    """The build's backend, and the tools for the files that are made at build time, in their versions."""
    system = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    tools = (ROOT / "constraints-protos.txt").read_text(encoding="utf-8").split()
    versions = locked("build")
    requirements = [Requirement(text) for text in [*system["requires"], *tools]]
    assert [r for r in requirements if not r.specifier.contains(versions[canonicalize_name(r.name)])] == []


def test_pytorch_is_the_one_that_is_tested() -> None:
    """Both locks have the version of constraints.txt, for CPUs the build for CPUs."""
    version = re.findall(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert [str(locked("cuda")["torch"])] == version
    assert [str(locked("cpu")["torch"])] == [f"{v}+cpu" for v in version]


def test_the_dockerfile_sets_what_the_server_knows() -> None:
    """Its variables are settings, and its ports are those that the server listens on by default."""
    variables = set(re.findall(rf"\b({ENVIRONMENT_PREFIX}\w+)=", DOCKERFILE))
    assert variables <= {variable_of(name) for name in Settings.model_fields}
    (ports,) = re.findall(r"^EXPOSE (.+)$", DOCKERFILE, re.MULTILINE)
    defaults = Settings()
    assert ports.split() == [str(port) for port in (defaults.port, defaults.health_port, defaults.metrics_port)]


def test_what_the_dockerfile_copies_is_not_ignored() -> None:
    """Every source of a COPY exists, and is let through by Dockerfile.dockerignore."""
    allowed = re.findall(r"^!(.+)$", (IMAGE / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == path or source.startswith(f"{path}/") for path in allowed), source


def test_the_dockerfile_keeps_the_rules_of_hadolint() -> None:
    """The linter has nothing to say."""
    done = subprocess.run([tool("hadolint"), str(IMAGE / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
