"""Mistakes that were made on purpose, with numbers of their own, are explained by the code their file accepts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gradproof import Client
from gradproof.problem_file import load

FILES = sorted((Path(__file__).parent / "constructed").glob("*.yaml"))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One private server for all files."""
    with Client.embedded() as client:
        yield client


def first_explanation(client: Client, path: Path) -> str:
    """The codes of the first finding; "match" where the claim agrees and nothing is found."""
    file = load(path)
    assert file.claim is not None
    report = client.check(file.problem, file.claim)
    findings = report.diagnosis.findings if report.diagnosis is not None else ()
    if findings:
        return " + ".join(sorted(findings[0].codes))
    return "match" if report.agrees else "no finding"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_constructed_mistake_is_named_first(client: Client, path: Path) -> None:
    """The first finding is one that the file accepts; a right claim agrees and has none."""
    accepted = load(path).notes["case"]["expected_codes"]
    assert first_explanation(client, path) in {" + ".join(sorted(codes.split(" + "))) for codes in accepted}
