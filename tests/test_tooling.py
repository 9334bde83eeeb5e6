"""What runs before a commit and on a hosted machine is what runs everywhere."""

from __future__ import annotations

import os
import re
import tomllib

import yaml

from tests.support.tools import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_hosted_workflow_runs_what_ci_run_does() -> None:
    """It calls the script, which can be run, and no other command."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert commands == ["sudo --preserve-env=PATH .ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_hooks_are_what_make_lint_runs() -> None:
    """Each is a program of the virtual environment, or a target of make; none is fetched."""
    (needed,) = re.findall(r"^lint: (.*?) ##", MAKEFILE, re.MULTILINE)
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    for hook in repositories[0]["hooks"]:
        command = " ".join(word for word in hook["entry"].split() if not word.startswith("-"))
        if command.startswith("make "):
            assert command.removeprefix("make ") in needed.split()
        else:
            assert f"\t{command.replace('.venv/bin/', '$(BIN)/')}" in MAKEFILE, command


def test_the_license_that_the_package_states_is_there() -> None:
    """Its full text, which every archive of the package holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
