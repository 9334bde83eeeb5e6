"""Every problem file here gives the reference that it states, and the verdict that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradproof import Client
from gradproof.problem_file import ProblemFile, load
from gradproof.results import Quantity, Reference, Verdict

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
LAST_STEP = (Quantity.UPDATED, Quantity.STATE, Quantity.BUFFER)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One embedded server for all cases."""
    with Client.embedded() as embedded:
        yield embedded


def case_of(file: ProblemFile) -> Mapping[str, Any]:
    """The notes of a case: what is expected of it."""
    case: Mapping[str, Any] = file.notes["case"]
    return case


def stated_reference(file: ProblemFile) -> Iterator[tuple[Quantity, str, Any]]:
    """Quantity, name and numbers of each tensor of the stated reference."""
    for key, value in case_of(file).get("reference", {}).items():
        for name, numbers in value.items() if isinstance(value, dict) else [("", value)]:
            yield Quantity(key), name, numbers


def found_in(reference: Reference, quantity: Quantity, name: str) -> Any:
    """The tensor of the first step, or of the last for what belongs to the end of it."""
    steps = sorted(key.step for key in reference.tensors if (key.quantity, key.name) == (quantity, name))
    wanted = steps[-1] if quantity in LAST_STEP else steps[0]
    return next(
        v for key, v in reference.tensors.items() if (key.step, key.quantity, key.name) == (wanted, quantity, name)
    )


def decimals_of(file: ProblemFile) -> int:
    """Decimals of the stated reference: its own, or else those of the claim."""
    stated = case_of(file).get("reference_precision")
    assert file.claim is not None
    return int(stated) if stated is not None else file.claim.tensors[0].precision.decimals.digits


def test_there_are_cases() -> None:
    """All 32 cases are here, each under its own name."""
    assert len(FILES) >= 32
    assert [case_of(load(path))["id"] for path in FILES] == [path.stem for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_reference_is_as_stated(path: Path, client: Client) -> None:
    """Each stated number is within half a unit of its last decimal of what the server computes."""
    file = load(path)
    stated = list(stated_reference(file))
    reference = client.compute(file.problem, include=[*{quantity.value for quantity, _, _ in stated}, "loss"])
    for quantity, name, numbers in stated:
        expected = np.array(numbers, dtype=np.float64)
        found = found_in(reference, quantity, name)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 0.5 * 10.0 ** -decimals_of(file) * (1 + 1e-6), (name, found, expected)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_verdict_is_right(path: Path, client: Client) -> None:
    """A claim disagrees, except where the case says that it is right."""
    file = load(path)
    assert file.claim is not None
    report = client.check(file.problem, file.claim, diagnosis=False)
    right = case_of(file)["expected_diagnosis"] == "match"
    assert report.verdict is (Verdict.AGREES if right else Verdict.DISAGREES), str(report)
