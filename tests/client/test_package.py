"""The wheel holds what is made at build time, and what a user is told of by it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a wheel of the sources installs; the descriptors are those of this checkout."""
    folder = tmp_path_factory.mktemp("package")
    source = folder / "source"
    for name in ("client", "server", "protos"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "hatch_build.py", "constraints-protos.txt"):
        shutil.copy(ROOT / name, source / name)
    (source / "client/gradproof/_generated/contract.binpb").touch()
    subprocess.run([sys.executable, *BUILD, folder, source], check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site: Path, *arguments: str) -> str:
    """The output of Python with the installed package, in a folder with nothing else."""
    command = [sys.executable, "-P", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(command, env=environment, cwd=site, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.e2e
@pytest.mark.slow
def test_an_installed_package_explains_itself(installed: Path) -> None:
    """help() of a builder and the catalogue of an installed wheel say what the contract's comments say."""
    assert run(installed, "-c", "import gradproof; print(gradproof.__file__)").startswith(str(installed))
    assert "Distance between windows" in run(installed, "-c", "import gradproof; help(gradproof.Conv2d)")
    assert "Distance between windows" in run(installed, "-m", "gradproof", "catalog", "Conv2d")
    assert (installed / "gradproof/_generated/layers.pyi").exists()
    assert (installed / "gradproof/py.typed").exists()
