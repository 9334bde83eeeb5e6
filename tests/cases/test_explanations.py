"""Every case is explained as its source explains it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from gradproof import Client
from gradproof.problem_file import load

FILES = sorted(Path(__file__).parent.glob("*.yaml"))


def accepted_codes() -> dict[str, tuple[str, ...]]:
    """Codes by the label of a case."""
    path = Path(__file__).parent / "explanations.py"
    spec = importlib.util.spec_from_file_location("explanations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    codes: dict[str, tuple[str, ...]] = module.CODES
    return codes


def test_every_case_has_the_accepted_explanation_first(capsys: pytest.CaptureFixture[str]) -> None:
    """The first finding is the accepted one, or one that gives the same printed numbers; a right claim has none."""
    codes = accepted_codes()
    rows, wrong = [], []
    with Client.embedded() as client:
        for path in FILES:
            file = load(path)
            assert file.claim is not None
            case = file.notes["case"]
            expected = case["expected_diagnosis"]
            labels = [expected, *case.get("also_reproduced_by", ())]
            accepted = {code for label in labels for code in codes.get(label, ())}
            diagnosis = client.check(file.problem, file.claim).diagnosis
            assert diagnosis is not None
            found = [" + ".join(finding.codes) for finding in diagnosis.findings]
            right = not found if expected == "match" else bool(found) and found[0] in accepted
            rows.append(f"{'  ' if right else 'XX'} {expected:50} {found[0] if found else '-'}")
            if not right:
                wrong.append((path.stem, expected, found))
    with capsys.disabled():
        print("\nexpected and found first, by case:", *rows, sep="\n")
    assert not wrong
