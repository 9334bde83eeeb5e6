"""What `make check` leaves out starts processes or takes long; nothing that it runs does."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys

import pytest

from tests.support.no_processes import no_processes


def test_a_test_without_a_marker_cannot_start_python() -> None:
    """Neither by subprocess nor by multiprocessing; the failure is no Exception that the tested code could catch."""
    for start in (
        lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
    ):
        with pytest.raises(pytest.fail.Exception, match="processes"):
            start()


def test_other_programs_may_be_started() -> None:
    """Those that check a file and end."""
    assert subprocess.run(["true"], check=True).returncode == 0


@pytest.mark.usefixtures("processes")
def test_a_test_that_says_so_may_start_processes(request: pytest.FixtureRequest) -> None:
    """It is marked by its fixture, and the refusal ends with its block."""
    assert request.node.get_closest_marker("e2e")
    command = [sys.executable, "-c", ""]
    assert subprocess.run(command, check=True).returncode == 0
    with no_processes(), pytest.raises(pytest.fail.Exception):
        subprocess.run(command, check=True)
    assert subprocess.run(command, check=True).returncode == 0
