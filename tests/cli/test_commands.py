"""The commands, on problem files with known verdicts."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import json_format
from gradproof._calls import check_call
from gradproof.cli import status
from gradproof.cli.app import run
from gradproof.v1 import gradient_service_pb2

Capture = pytest.CaptureFixture[str]
Files = dict[str, str]


@pytest.mark.parametrize(
    ("name", "expected", "word"), [("right", 0, "AGREES"), ("wrong", 1, "DISAGREES"), ("open", 3, "INCONCLUSIVE")]
)
def test_the_exit_status_is_the_verdict(name: str, expected: int, word: str, files: Files, capsys: Capture) -> None:
    """0 for right numbers, 1 for a number wrong by just over its tolerance, 3 where the dtype cannot decide."""
    assert run(["check", files[name]]) == expected
    printed = capsys.readouterr()
    assert printed.out.startswith(word)
    assert printed.err == ""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["right", "right"], 0),
        (["right", "open"], 3),
        (["open", "wrong", "right"], 1),
        (["wrong", "bad", "open"], 2),
        (["claimless", "right"], 2),
    ],
)
def test_of_several_files_the_worst_counts(names: list[str], expected: int, files: Files, capsys: Capture) -> None:
    """All files are checked, each under its name, and the worst status is the exit status."""
    assert run(["check", "--no-explain", *(files[name] for name in names)]) == expected
    printed = capsys.readouterr()
    assert [name for name in names if files[name] not in printed.out + printed.err] == []


def test_statuses_are_ordered() -> None:
    """What could not be checked is worse than disagreement, and that is worse than an open question."""
    assert [status.worst(some) for some in ([], [0], [0, 3], [3, 1, 0], [1, 2, 3, 0])] == [0, 0, 3, 1, 2]


def test_a_servers_refusal_is_told_in_the_words_of_the_file(files: Files, capsys: Capture) -> None:
    """A parameter that is not there is named by its path in the file, with its line and what would be valid."""
    assert run(["check", files["bad"]]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert 'claim.gradients["0.weigth"]' in printed.err
    assert "0.weight" in printed.err
    assert "(line 6)" in printed.err


def test_a_file_without_claim_is_pointed_to_compute(files: Files, capsys: Capture) -> None:
    """Nothing to check is an error that says what to do."""
    assert run(["check", files["claimless"]]) == 2
    assert "the file claims nothing" in capsys.readouterr().err


def read_json(capsys: Capture) -> Any:
    """What was printed, as JSON."""
    return json.loads(capsys.readouterr().out)


def test_json_is_the_response(files: Files, capsys: Capture) -> None:
    """The JSON of one file parses as the response message, with keys as in the .proto."""
    assert run(["check", "--output", "json", files["wrong"]]) == 1
    data = read_json(capsys)
    assert data["verdict"] == "VERDICT_DISAGREES"
    assert [item["disagreeing"] for item in data["comparisons"]] == ["0", "1"]
    assert data["comparisons"][1]["tolerance_source"] == "TOLERANCE_SOURCE_PRINTED"
    message = json_format.ParseDict(data, gradient_service_pb2.CheckGradientsResponse())
    assert message.comparisons[1].worst.claimed == 0.4052


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], True),
        (["--no-explain"], False),
        (["--no-explain", "--seconds", "1"], False),
        (["--seconds", "0.5"], {"max_seconds": 0.5}),
        (["--max-combination", "1", "--seconds", "2"], {"max_seconds": 2.0, "max_combination": 1}),
    ],
)
def test_the_search_for_an_explanation_is_bounded_by_options(
    arguments: list[str], options: Any, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--no-explain turns the search off; --seconds and --max-combination bound it; nothing leaves it to the server."""
    seen = []

    def recording(problem: Any, claim: Any, include: Any, diagnosis: Any) -> Any:
        seen.append(diagnosis)
        return check_call(problem, claim, include, diagnosis)

    monkeypatch.setattr("gradproof._calls.check_call", recording)
    assert run(["check", *arguments, files["wrong"]]) == 1
    assert seen == [options]


def test_an_explanation_that_is_not_wanted_is_not_given(files: Files, capsys: Capture) -> None:
    """With --no-explain the response has no diagnosis."""
    assert run(["check", "--output", "json", "--no-explain", files["wrong"]]) == 1
    assert "diagnosis" not in read_json(capsys)


def test_json_of_several_files_is_by_name(files: Files, capsys: Capture) -> None:
    """Each file has its response or its error under its name."""
    assert run(["check", "--output", "json", "--no-explain", files["right"], files["bad"]]) == 2
    data: Mapping[str, Any] = read_json(capsys)
    assert list(data) == [files["right"], files["bad"]]
    assert data[files["right"]]["verdict"] == "VERDICT_AGREES"
    (violation,) = data[files["bad"]]["error"]["violations"]
    assert violation["field"].startswith('claim.gradients["0.weigth"]')


def test_standard_input_is_a_file(files: Files, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """- reads standard input, YAML or JSON."""
    with open(files["right"], "rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read())))
    assert run(["check", "-"]) == 0
    text = '{"network": ["ReLU"], "input": [1.0], "target": [0.0], "loss": "L1Loss", "claim": {"loss": 1.0}}'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run(["check", "-"]) == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    assert run(["check", "-"]) == 2
    assert "standard input is not a text in UTF-8" in capsys.readouterr().err


def test_compute_prints_the_reference(files: Files, capsys: Capture) -> None:
    """The reference of a file, with a claim or without one, holds PyTorch's numbers."""
    assert run(["compute", files["claimless"]]) == 0
    printed = capsys.readouterr().out
    assert [name for name in ("gradient 0.weight", "updated 0.bias", "0.46", "loss 0.01") if name not in printed] == []
    assert run(["compute", "--output", "json", "--include", "loss", files["wrong"]]) == 0
    tensors = read_json(capsys)["reference"]["tensors"]
    assert [tensor["id"]["quantity"] for tensor in tensors] == ["QUANTITY_LOSS"]
    assert run(["compute", "nowhere.yaml"]) == 2


def test_the_catalogue_as_json(capsys: Capture) -> None:
    """The catalogue is complete, and each entry has its arguments with defaults and its doc."""
    assert run(["catalog", "--output", "json"]) == 0
    data = read_json(capsys)
    assert {"layers", "functions", "losses", "optimizers", "schedules", "omissions", "limits"} <= set(data)
    least = {"layers": 110, "losses": 21, "optimizers": 14, "schedules": 11}
    assert {family: len(data[family]) >= number for family, number in least.items()} == dict.fromkeys(least, True)
    for family in least:
        for entry in data[family]:
            assert entry["doc"]
            assert all(argument["doc"] and argument["type"] for argument in entry["arguments"])
            given = [a for a in entry["arguments"] if not a["required"] and a["name"] != "momentum_none"]
            assert all(argument["default"] for argument in given)


def test_the_catalogue_as_a_table(capsys: Capture) -> None:
    """The table counts each family; one name shows its arguments; a wrong one its near miss."""
    assert run(["catalog"]) == 0
    table = capsys.readouterr().out
    assert [word for word in ("layers (", "losses (", "  Linear ", "  AdamW ", "left out (") if word not in table] == []
    assert run(["catalog", "linear"]) == 0
    entry = capsys.readouterr().out
    assert "Linear(in_features, out_features, bias=" in entry
    assert "in_features: int, required." in entry
    assert run(["catalog", "Liner"]) == 2
    assert "did you mean 'Linear'?" in capsys.readouterr().err


def test_one_entry_as_json(capsys: Capture) -> None:
    """One entry alone is its message."""
    assert run(["catalog", "SGD", "--output", "json"]) == 0
    assert read_json(capsys)["name"] == "SGD"


def test_the_demonstration_shows_the_founding_case(capsys: Capture) -> None:
    """All numbers to the printed digits, the author's claim, and the verdict."""
    assert run(["demo"]) == 0
    printed = capsys.readouterr().out
    for text in (
        "[[-0.28, -0.42], [-0.30, -0.45]]",
        "[[-0.85, -0.48]]",
        "[[0.1240, 0.2310], [0.1350, 0.1025]]",
        "[[0.1825, 0.1740]]",
        "[[0.174, 0.169]]",
        "DISAGREES",
    ):
        assert text in printed


@pytest.mark.e2e
def test_a_target_of_the_environment_is_asked(
    server_target: str, files: Files, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """GRADPROOF_TARGET names the server that is asked; none is started in the process."""

    def refuse() -> None:
        raise AssertionError("an embedded server was started")

    monkeypatch.setattr("gradproof.client.start_embedded", refuse)
    monkeypatch.setenv("GRADPROOF_TARGET", server_target)
    assert [run(["check", files[name]]) for name in ("right", "wrong", "open", "bad")] == [0, 1, 3, 2]
    assert 'claim.gradients["0.weigth"]' in capsys.readouterr().err
    monkeypatch.delenv("GRADPROOF_TARGET")
    assert run(["catalog", "Linear", "--target", server_target]) == 0


@pytest.mark.e2e
def test_asking_a_server_imports_no_torch(server_target: str, files: Files) -> None:
    """With a target, a check needs neither torch nor the server in its own process."""
    code = (
        f"import sys; from gradproof.cli.app import run; s = run(['check', '--target', {server_target!r},"
        f" {files['wrong']!r}]); sys.exit(9 if {{'torch', 'gradproof_server'}} & set(sys.modules) else s)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 1


def test_no_server_at_the_target(files: Files, capsys: Capture) -> None:
    """A target where nobody listens is a check that could not be made."""
    assert run(["check", "--target", "127.0.0.1:1", "--timeout", "5", files["right"]]) == 2
    printed = capsys.readouterr()
    assert files["right"] in printed.err
    assert printed.out == ""


def test_a_token_does_not_travel_unencrypted(files: Files, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """A token for a server elsewhere is refused without TLS, in words."""
    monkeypatch.setenv("GRADPROOF_TOKEN", "secret")
    assert run(["check", "--target", "example.invalid:443", files["right"]]) == 2
    printed = capsys.readouterr().err
    assert "unencrypted" in printed
    assert "secret" not in printed
