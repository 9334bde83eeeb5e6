"""What the witness says, as its readers see it: text, HTML and plots."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradproof as gp
import numpy as np
import pytest
from gradproof import plots
from gradproof.codec import decode
from gradproof.tensors import as_tensor
from gradproof.v1 import comparison_pb2, tensor_pb2, witness_pb2

AGREES, DISAGREES, INCONCLUSIVE = (
    comparison_pb2.VERDICT_AGREES,
    comparison_pb2.VERDICT_DISAGREES,
    comparison_pb2.VERDICT_INCONCLUSIVE,
)

GOLDEN = """\
DISAGREES: 1 of 2 tensors, 1 of 24 derivatives (reference AGREES, claim DISAGREES)
The claim is wrong.

    tensor         of      checked  wrong  worst at  stated   numeric ± bar    gap      ulp   step
XX  0.weight       claim       4/4      1  [1,1]      -0.46   -0.45 ± 3e-13   0.01  1.8e+14  7e-04
     wrong derivative: The slope holds at -0.45.
     Node '1' (ReLU) sits on a kink.
     one element is dead
ok  input (input)  ref    16/99+4d      0  [0,1]     0.3334  0.3334 ± 2e-14  3e-15       47  1e-02
     Found by hand.

157 evaluations in 0.5 s; the function is 0.809 at the point, rounding noise 2e-16, repeat noise 0
seed 7; PyTorch 2.13.0, cpu"""


def judged(subject: str, verdict: comparison_pb2.Verdict, **value: Any) -> witness_pb2.Judgement:
    """A judgement with its worst value."""
    number = witness_pb2.Subject.Value(f"SUBJECT_{subject}")
    worst = witness_pb2.WitnessedValue(**value)
    return witness_pb2.Judgement(subject=number, verdict=verdict, worst=worst)  # type: ignore[arg-type]


@pytest.fixture
def report() -> witness_pb2.WitnessReport:
    """A claim with one wrong element, and an input that agrees by directions."""
    message = witness_pb2.WitnessReport(
        verdict=DISAGREES,
        reference_verdict=AGREES,
        claim_verdict=DISAGREES,
        complete=True,
        evaluations=157,
        seconds=0.5,
        value=0.809,
        rounding_noise=2e-16,
        summary="The claim is wrong.",
    )
    message.reproducer.seed = 7
    message.reproducer.environment.torch_version, message.reproducer.environment.device = "2.13.0", "cpu"
    right = message.tensors.add(elements=99, elements_checked=16, directions_checked=4, mode="WITNESS_MODE_DIRECTIONS")
    right.id.quantity, right.id.name, right.note = tensor_pb2.QUANTITY_INPUT_GRADIENT, "input", "Found by hand."
    near = {"stated": 0.3334, "numeric": 0.3334, "bar": 2e-14, "gap": 3e-15, "ulps": 47, "smallest_step": 0.0117}
    right.judgements.append(judged("REFERENCE", AGREES, index=[0, 1], **near))
    right.judgements.append(judged("FORWARD_MODE", AGREES, direction=1, smallest_step=math.nan))
    wrong = message.tensors.add(elements=4, elements_checked=4, mode="WITNESS_MODE_ELEMENTS")
    wrong.id.quantity, wrong.id.name = tensor_pb2.QUANTITY_GRADIENT, "0.weight"
    far = {"stated": -0.46, "numeric": -0.45, "bar": 2.9e-13, "gap": 0.01, "ulps": 1.8e14, "smallest_step": 6.8e-4}
    wrong.judgements.append(judged("REFERENCE", AGREES, index=[1, 1]))
    wrong.judgements.append(judged("CLAIM", DISAGREES, index=[1, 1], **far))
    wrong.judgements[1].disagreeing, wrong.judgements[1].cause = 1, witness_pb2.CAUSE_WRONG_DERIVATIVE
    wrong.note = "one element is dead"
    wrong.judgements[1].explanation = "The slope holds at -0.45."
    wrong.kinks.add(node="1", type="ReLU", text="Node '1' (ReLU) sits on a kink.")
    sweep = wrong.sweep
    sweep.index.extend([1, 1])
    sweep.steps.extend([1e-2, 1e-4, 1e-6])
    sweep.slopes.extend([-0.45, -0.45, -0.46])
    sweep.rounding.extend([1e-14, 1e-12, 0.0])
    sweep.stated = -0.46
    wrong.shape.extend([2, 2])
    wrong.positions.extend([0, 3])
    wrong.numeric.CopyFrom(as_tensor([0.5, -0.45]))
    wrong.bars.CopyFrom(as_tensor([0.0, 1e-12]))
    wrong.stated.CopyFrom(as_tensor([0.5, -0.46]))
    return message


def verification(message: witness_pb2.WitnessReport, cut_off: str = "") -> gp.Verification:
    """The message as its reader gets it."""
    return decode(gp.Verification, message, cut_off=cut_off)


def test_a_disagreement_reads_as_a_table_with_the_bad_rows_first(report: witness_pb2.WitnessReport) -> None:
    """The count on top, which side is wrong, each bad judgement with its cause, how it was done."""
    assert str(verification(report)) == GOLDEN


def test_an_agreement_counts_what_was_looked_at(report: witness_pb2.WitnessReport) -> None:
    """One line of verdict, no cause."""
    del report.tensors[1]
    report.verdict, report.claim_verdict = AGREES, comparison_pb2.VERDICT_UNSPECIFIED
    lines = str(verification(report)).splitlines()
    assert lines[0] == "AGREES: 1 tensor, 20 derivatives, all within their bars"
    assert lines[4].startswith("ok  input (input)  16/99+4d")


def test_inconclusive_rows_have_a_mark_of_their_own(report: witness_pb2.WitnessReport) -> None:
    """Neither ok nor XX, with the number of those of which nothing can be said."""
    del report.tensors[1]
    report.verdict = report.tensors[0].judgements[0].verdict = INCONCLUSIVE
    report.tensors[0].judgements[0].inconclusive = 3
    report.tensors[0].judgements[0].cause = witness_pb2.CAUSE_NOISE
    text = str(verification(report))
    assert text.startswith("INCONCLUSIVE: 1 of 1 tensor, 3 of 20 derivatives")
    assert "\n??  input (input)  16/99+4d      3" in text
    assert "\n     noise\n" in text


def test_many_tensors_that_agree_are_counted(report: witness_pb2.WitnessReport) -> None:
    """Twenty are shown, of the others their number."""
    for _ in range(29):
        report.tensors.append(report.tensors[0])
    lines = str(verification(report)).splitlines()
    assert sum(line.startswith("ok  input") for line in lines) == 20
    assert "ok  10 more" in lines


@pytest.mark.parametrize(
    ("cut_off", "why"),
    [("interrupted", "it was interrupted"), ("deadline", "the deadline of the call passed"), ("", "its bounds ended")],
)
def test_what_was_not_looked_at_is_told(cut_off: str, why: str, report: witness_pb2.WitnessReport) -> None:
    """Why the run ended, and the tensors that were not reached."""
    report.complete = False
    report.not_reached.add(quantity=tensor_pb2.QUANTITY_NODE_GRADIENT, name="1", step=2)
    text = " ".join(str(verification(report, cut_off)).split())
    assert text.startswith("DISAGREES so far: 1 of 2 tensors")
    assert why in text
    assert text.endswith("Not reached: 1 (node), step 2")


def test_values_have_their_places(report: witness_pb2.WitnessReport) -> None:
    """Directions by number, elements of a Jacobian by output and element, scalars by word."""
    worst = report.tensors[1].judgements[1].worst
    for places, shown in (
        ({"direction": 2}, "direction 2"),
        ({"index": [0, 1], "output_index": [3]}, "[3]<-[0,1]"),
        ({}, "scalar"),
    ):
        worst.ClearField("index")
        worst.MergeFrom(witness_pb2.WitnessedValue(**places))
        assert shown in str(verification(report))
        worst.ClearField("direction")
        worst.ClearField("output_index")


def test_no_line_is_wider_than_a_terminal(report: witness_pb2.WitnessReport) -> None:
    """Long names, large indices and long texts included."""
    wrong = report.tensors[1]
    wrong.id.name = "encoder.layers.11." + "self_attention." * 6 + "weight"
    wrong.judgements[1].worst.index[:] = [1023, 1023, 7]
    wrong.judgements[1].worst.stated = -1.234567891e-105
    wrong.note = report.summary = wrong.judgements[1].explanation = "many words " * 40
    assert max(map(len, str(verification(report)).splitlines())) <= 110


def test_tensors_are_found_by_name(report: witness_pb2.WitnessReport) -> None:
    """By the name alone, or in full; their judgements by subject."""
    found = verification(report)
    assert found.tensor("0.weight").verdict == found.tensor("gradient 0.weight").verdict == "DISAGREES"
    assert found.tensor("0.weight").judgement("claim").cause == "wrong derivative"
    assert found.tensor("0.weight").gravest.subject is gp.Subject.CLAIM
    assert found.tensor("input").taylor_order is None
    with pytest.raises(KeyError, match=r"'1\.weight' was not looked at; there are input gradient input, gradient 0"):
        found.tensor("1.weight")
    with pytest.raises(KeyError, match="there are reference, forward mode"):
        found.tensor("input").judgement("claim")


def test_arrays_are_numpy(report: witness_pb2.WitnessReport) -> None:
    """Positions, derivatives and bars, empty where they were not asked for."""
    right, wrong = verification(report).tensors
    assert (wrong.positions.tolist(), wrong.numeric.tolist(), wrong.bars[1]) == ([0, 3], [0.5, -0.45], 1e-12)
    assert (right.positions.size, right.numeric.size, right.sweep) == (0, 0, None)
    assert wrong.sweep is not None
    assert wrong.sweep.steps.tolist() == [1e-2, 1e-4, 1e-6]


def test_a_verification_is_neither_true_nor_false(report: witness_pb2.WitnessReport) -> None:
    """`assert client.verify(...)` would pass on a wrong gradient."""
    with pytest.raises(TypeError, match="neither true nor false"):
        assert verification(report)


def test_html_escapes_whatever_came_from_outside(report: witness_pb2.WitnessReport) -> None:
    """No text of a server becomes markup."""
    evil = "<script>alert('x')</script>"
    report.summary = report.tensors[0].note = report.tensors[1].judgements[1].explanation = evil
    report.tensors[1].id.name = evil
    text = verification(report)._repr_html_()
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") == 4


def test_a_map_has_the_shape_of_its_tensor(report: witness_pb2.WitnessReport) -> None:
    """Rows are the first axis; what was not looked at is NaN; a vector is one row."""
    _, wrong = verification(report).tensors
    image = plots.difference_map(wrong)
    assert np.isnan(image).tolist() == [[False, True], [True, False]]
    assert image[1, 1] == pytest.approx(math.log10(0.01 / 0.45))
    assert plots.difference_map(replace(wrong, shape=(4,))).shape == (1, 4)


@pytest.mark.parametrize("suffix", plots.FORMATS)
def test_plots_are_written(suffix: str, report: witness_pb2.WitnessReport, tmp_path: Path) -> None:
    """In each format, with the panels of each tensor."""
    pytest.importorskip("matplotlib")
    file = tmp_path / f"plot.{suffix}"
    plots.save_plot(verification(report), file)
    heads = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert file.read_bytes().startswith(heads[suffix])


def test_panels_show_the_gravest_tensors(report: witness_pb2.WitnessReport) -> None:
    """The wrong one first, with gap, rounding and bar over the step; where there is nothing, that is said."""
    pytest.importorskip("matplotlib")
    figure = plots.verification_to_figure(verification(report))
    sweep, differences, empty, _ = figure.axes[:4]
    assert sweep.get_title() == "0.weight [1,1]: DISAGREES"
    lines = {line.get_label(): line.get_ydata() for line in sweep.get_lines()}
    assert list(lines) == ["|slope - stated|", "rounding", "bar"]
    assert np.asarray(lines["|slope - stated|"])[:2] == pytest.approx([0.01, 0.01])
    assert differences.get_title().startswith("0.weight: |stated - numeric|")
    assert [text.get_text() for text in empty.texts] == ["input (input): AGREES, no sweep"]
    del report.tensors[:]
    figure = plots.verification_to_figure(verification(report))
    assert [text.get_text() for text in figure.axes[0].texts] == ["nothing was looked at"]


def test_other_formats_are_refused(report: witness_pb2.WitnessReport, tmp_path: Path) -> None:
    """By name, with those that are valid."""
    with pytest.raises(ValueError, match=r"valid are \.png, \.svg, \.pdf"):
        plots.save_plot(verification(report), tmp_path / "plot.txt")


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if it were not installed."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    return None


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_the_extra_is_named(report: witness_pb2.WitnessReport, tmp_path: Path) -> None:
    """What to install, as an error of the SDK."""
    with pytest.raises(gp.PlotExtraMissingError, match=r'pip install "gradproof\[plot\]"'):
        plots.save_plot(verification(report), tmp_path / "plot.svg")
