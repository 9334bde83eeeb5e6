"""`gradproof verify`, on problem files with known verdicts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gradproof import _witness_calls
from gradproof._witness_calls import verify_call
from gradproof.cli import status, verify
from gradproof.cli.app import run
from gradproof.codec import decode
from gradproof.v1 import comparison_pb2, witness_pb2
from gradproof.witness import Progress, TensorWitness, Verification

Capture = pytest.CaptureFixture[str]
Files = dict[str, str]


def verification(cut_off: str = "", **fields: Any) -> Verification:
    """A verification without tensors."""
    return decode(Verification, witness_pb2.WitnessReport(**fields), cut_off=cut_off)


@pytest.mark.parametrize(
    ("name", "expected", "word"), [("right", 0, "AGREES"), ("wrong", 1, "DISAGREES"), ("claimless", 0, "AGREES")]
)
def test_the_exit_status_is_the_verdict(name: str, expected: int, word: str, files: Files, capsys: Capture) -> None:
    """0 for right gradients, and where only PyTorch's are looked at; 1 for one wrong by just over its tolerance."""
    assert run(["verify", files[name]]) == expected
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{word}: ")
    assert printed.err == ""


def test_a_wrong_claim_is_told_with_its_number(files: Files, capsys: Capture) -> None:
    """Which side, which element, the stated and the numerical derivative, and the cause."""
    assert run(["verify", files["wrong"]]) == 1
    printed = capsys.readouterr().out
    assert "(reference AGREES, claim DISAGREES)" in printed
    (row,) = [line for line in printed.splitlines() if line.startswith("XX")]
    assert row.split()[:8] == ["XX", "0.weight", "claim", "1/1", "1", "[0,0]", "0.4052", "0.4"]
    assert "wrong derivative: " in printed


def test_other_claims_are_left_to_check(files: Files, capsys: Capture) -> None:
    """Losses and new weights are no derivatives; the reader is told who looks at them."""
    assert run(["verify", files["right"]]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "2 claimed tensors are no gradients of step 0; `gradproof check` looks at them"


def test_json_is_the_report(files: Files, capsys: Capture) -> None:
    """In protobuf's JSON form, and nothing else on standard output."""
    assert run(["verify", "--output", "json", "--only", "0.weight", files["wrong"]]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["verdict"], report["claim_verdict"]) == ("VERDICT_DISAGREES", "VERDICT_DISAGREES")
    assert [tensor["id"]["name"] for tensor in report["tensors"]] == ["0.weight"]


def test_an_estimate_is_all_that_is_done(files: Files, capsys: Capture) -> None:
    """A table of tensors with their cost, or the message; the status is 0 whatever is claimed."""
    assert run(["verify", "--estimate", files["wrong"]]) == 0
    printed = capsys.readouterr().out
    assert "floating-point operations, about" in printed
    assert "0.weight  " in printed
    assert run(["verify", "--estimate", "--output", "json", files["wrong"]]) == 0
    assert int(json.loads(capsys.readouterr().out)["evaluations"]) > 0


def test_what_a_server_refuses_is_a_check_that_could_not_be_made(files: Files, capsys: Capture) -> None:
    """A tensor that is not there ends with 2, and is named."""
    assert run(["verify", "--only", "7.weight", files["right"]]) == 2
    assert "7.weight" in capsys.readouterr().err
    assert run(["verify", "nowhere.yaml"]) == 2


def test_options_arrive(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option under its name; what is not given is left to the server."""
    seen: list[Any] = []

    def recording(problem: Any, claim: Any, options: Any, estimate_only: bool) -> Any:
        seen.append(dict(options))
        return verify_call(problem, claim, options, estimate_only)

    monkeypatch.setattr("gradproof._witness_calls.verify_call", recording)
    given = "--mode directions --only 0.weight --only input --directions 2 --samples 0 --seed 3 --max-seconds 9"
    run(["verify", *given.split(), "--second-order", files["claimless"]])
    run(["verify", files["claimless"]])
    assert seen == [
        {
            "mode": "directions",
            "only": ("0.weight", "input"),
            "directions": 2,
            "samples": 0,
            "seed": 3,
            "max_seconds": 9.0,
            "second_order": True,
        },
        {},
    ]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plots_are_written(suffix: str, files: Files, tmp_path: Path) -> None:
    """Whatever the verdict is."""
    pytest.importorskip("matplotlib")
    plot = tmp_path / f"plot.{suffix}"
    assert run(["verify", "--plot", str(plot), files["wrong"]]) == 1
    assert plot.stat().st_size > 10_000


def test_plots_that_cannot_be_written(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Another suffix is refused before anything is done; without matplotlib the extra is named."""
    assert run(["verify", "--plot", "plot.txt", files["right"]]) == 2
    assert "must end in .png, .svg, .pdf" in capsys.readouterr().err
    assert run(["verify", "--plot", str(tmp_path / "nowhere" / "plot.svg"), files["right"]]) == 2
    assert "No such file or directory" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run(["verify", "--plot", str(tmp_path / "plot.svg"), files["right"]]) == 2
    printed = capsys.readouterr()
    assert 'pip install "gradproof[plot]"' in printed.err
    assert printed.out.startswith("AGREES")


def test_an_interruption_prints_what_there_is(files: Files, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Ctrl-C ends with 130, after the partial table."""

    def interrupt(kind: Any, message: Any, **more: Any) -> Any:
        if kind is TensorWitness:
            raise KeyboardInterrupt
        return decode(kind, message, **more)

    monkeypatch.setattr(_witness_calls, "decode", interrupt)
    assert run(["verify", files["right"]]) == 130
    printed = capsys.readouterr()
    assert "because it was interrupted. Not reached: 0.weight" in " ".join(printed.out.split())


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (verification(verdict=comparison_pb2.VERDICT_AGREES, complete=True), 0),
        (verification(verdict=comparison_pb2.VERDICT_AGREES), 3),
        (verification(verdict=comparison_pb2.VERDICT_INCONCLUSIVE, complete=True), 3),
        (verification(verdict=comparison_pb2.VERDICT_DISAGREES), 1),
        (verification("interrupted", verdict=comparison_pb2.VERDICT_DISAGREES), 130),
        (verification("deadline", verdict=comparison_pb2.VERDICT_AGREES), 3),
    ],
)
def test_what_was_not_looked_at_is_an_open_question(found: Verification, expected: int) -> None:
    """A run that was cut off never ends with 0."""
    assert status.of_verification(found) == expected


def test_a_terminal_gets_a_progress_bar(monkeypatch: pytest.MonkeyPatch, files: Files) -> None:
    """On standard error, with the tensor at hand and the evaluations; none where that is no terminal."""
    written: list[str] = []
    terminal = SimpleNamespace(isatty=lambda: True, write=written.append, flush=lambda: None, encoding="utf-8")
    monkeypatch.setattr("gradproof.cli.verify.sys", SimpleNamespace(stderr=terminal))
    with verify._progress_bar() as show:
        assert show is not None
        show(Progress(30, 60, 0.1))
        show(Progress(90, 60, 0.2))
    shown = "".join(written)
    assert "verifying" in shown
    assert "90/90" in shown
    terminal.isatty = lambda: False
    with verify._progress_bar() as show:
        assert show is None
