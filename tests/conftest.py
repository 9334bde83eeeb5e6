"""Markers that tests get by where they are and by what they use; `make check` runs those that have none.

A fixture that starts processes requests the fixture `processes`: whatever uses it is marked `e2e`. A test that starts
one by itself bears the marker. Without it a test that starts a process fails.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.support.no_processes import no_processes
from tests.support.tools import ROOT

FOLDERS = {"tests/e2e/": "e2e", "tests/faults/": "e2e", "tests/benchmarks/": "slow"}
"""Folders all of whose tests have a marker."""


@pytest.fixture(scope="session")
def processes() -> None:
    """Requested by whatever starts servers, workers or scripts in processes of their own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests."""
    for item in items:
        if "processes" in getattr(item, "fixturenames", ()):
            item.add_marker("e2e")
        for folder, marker in FOLDERS.items():
            if item.path.is_relative_to(ROOT / folder):
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Lets only tests that are marked for it start processes."""
    marked = any(item.get_closest_marker(name) for name in ("e2e", "slow"))
    with contextlib.nullcontext() if marked else no_processes():
        return (yield)
