"""Reports: what a reader sees, as text and as HTML."""

from __future__ import annotations

import pickle

import gradproof as gp
import pytest
from gradproof.codec import decode
from gradproof.render.table import shorten
from gradproof.v1 import comparison_pb2, gradient_service_pb2

Response = gradient_service_pb2.CheckGradientsResponse

GOLDEN = """\
DISAGREES: 1 of 2 claimed tensors, 2 of 3 numbers outside tolerance

    tensor               wrong  worst at  claimed  reference     abs    rel      ulp  tolerance  from
XX  updated 1.weight       2/2  [0,0]       0.174     0.1825  0.0085  0.047  3.1e+14     0.0005  printed
     tolerance: 0.0005, half a unit of the third decimal
     printed with three decimals
XX    change, new - old    1/2  [0,0]       0.174     0.1825  0.0085  0.047  3.1e+14     0.0005  printed
     tolerance of the change: 0.0005
ok  loss                   0/1  scalar      0.809      0.809       0      0        0     0.0005  printed

1. Your numbers are those of a half squared error.
   You declared L1Loss, whose derivative is the sign, -1, and not the residual, -0.809.
   Advice: Declare MSELoss and halve it, or use the sign.
   Evidence: reproduces 2 of 3 claimed numbers, the largest remaining distance is 0.0002
   Acts at: loss
   To be sure: a second sample with residual 0.5
   Code: loss.half_squared_error
   Read: gradproof explain loss.half_squared_error

Few numbers are claimed.
The search ended after 12 variants and 0.5 s, before all were tried."""


def test_a_disagreement_reads_as_a_table_and_its_reason(checked: Response) -> None:
    """Count on top, bad rows marked, the finding below, and no localization where there is a finding."""
    assert str(decode(gp.Report, checked)) == GOLDEN


def test_without_a_finding_the_place_of_the_error_is_told(checked: Response) -> None:
    """Summary, where it enters, and what the numbers show."""
    del checked.diagnosis.findings[:]
    text = str(decode(gp.Report, checked))
    assert "The loss agrees, the updated weight does not.\n- the error enters at the derivative of the loss" in text
    assert "- a constant ratio of 0.809" in text


def test_an_agreement_is_one_line_and_its_table(checked: Response) -> None:
    """No diagnosis, no remarks."""
    del checked.comparisons[0]
    checked.verdict = comparison_pb2.VERDICT_AGREES
    checked.ClearField("diagnosis")
    lines = str(decode(gp.Report, checked)).splitlines()
    assert lines[0] == "AGREES: 1 claimed tensor, 1 number, all within tolerance"
    assert len(lines) == 4


def test_inconclusive_rows_have_a_mark_of_their_own(checked: Response) -> None:
    """Neither ok nor XX."""
    del checked.comparisons[0]
    checked.verdict = checked.comparisons[0].verdict = comparison_pb2.VERDICT_INCONCLUSIVE
    text = str(decode(gp.Report, checked))
    assert text.startswith("INCONCLUSIVE: 1 of 1 claimed tensor\n")
    assert "\n??  loss" in text


def test_no_line_is_wider_than_a_terminal(checked: Response) -> None:
    """Long names, large indices, many digits and long texts included."""
    comparison = checked.comparisons[0]
    comparison.id.name = "encoder.layers.11." + "self_attention." * 6 + "weight"
    comparison.id.step = 123
    comparison.worst.index[:] = [1023, 1023, 7]
    comparison.worst.claimed, comparison.worst.reference = -1.234567891e-05, -1.234567892e-05
    comparison.tolerance = comparison.note = checked.diagnosis.caution = "many words " * 40
    checked.diagnosis.findings[0].title = checked.diagnosis.findings[0].explanation = "many words " * 40
    text = str(decode(gp.Report, checked))
    assert max(map(len, text.splitlines())) <= 110
    assert "-1.23456789e-05" in text


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("claimed", "truth", "shown"),
    [(0.5, 0.25, "0.5       0.25"), (1.0000001, 1.0, "1.0000001"), (NAN, 1.0, "nan"), (1.0, INF, "inf")],
)
def test_numbers_have_the_digits_that_tell_them_apart(
    checked: Response, claimed: float, truth: float, shown: str
) -> None:
    """Six digits, or nine where six look the same; NaN and infinity are words."""
    checked.comparisons[0].worst.claimed, checked.comparisons[0].worst.reference = claimed, truth
    assert shown in str(decode(gp.Report, checked))


@pytest.mark.parametrize(("width", "expected"), [(7, "ab..fgh"), (8, "abcdefgh"), (20, "abcdefgh")])
def test_names_keep_both_ends(width: int, expected: str) -> None:
    """What is too long loses its middle."""
    assert shorten("abcdefgh", width) == expected


EVIL = "<script>alert('x')</script>&\""


def test_html_escapes_whatever_came_from_outside(checked: Response) -> None:
    """No text of a server or a caller becomes markup."""
    comparison, finding = checked.comparisons[0], checked.diagnosis.findings[0]
    comparison.id.name = comparison.note = comparison.tolerance = comparison.update.tolerance = EVIL
    for name in ("title", "explanation", "advice", "probe"):
        setattr(finding, name, EVIL)
    finding.codes[:] = finding.sites[:] = finding.documentation_urls[:] = [EVIL]
    checked.diagnosis.caution = EVIL
    checked.reference.tensors[0].id.name = checked.reference.environment.device = EVIL
    report = decode(gp.Report, checked)
    for text in (report._repr_html_(), report.reference._repr_html_()):
        assert "<script" not in text
        assert "&lt;script&gt;" in text
    del checked.diagnosis.findings[:]
    checked.diagnosis.localization.summary = EVIL
    assert "<script" not in decode(gp.Report, checked)._repr_html_()


def test_reports_and_their_errors_can_be_sent_to_another_process(checked: Response) -> None:
    """Pickling keeps every number and every text."""
    report = decode(gp.Report, checked)
    error = pickle.loads(pickle.dumps(gp.DisagreementError(report)))
    assert str(error) == str(report)
    assert error.report.message == report.message
    assert error.report.reference.loss == 0.809


def test_html_marks_bad_rows(checked: Response) -> None:
    """The row of the disagreeing tensor and that of its change are coloured, the other is not."""
    text = decode(gp.Report, checked)._repr_html_()
    assert text.count("background: #fdd") == 2
    assert "<strong>DISAGREES: 1 of 2 claimed tensors" in text


def test_a_report_is_neither_true_nor_false(checked: Response) -> None:
    """`assert client.check(...)` must not pass on a wrong gradient."""
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(decode(gp.Report, checked))


@pytest.mark.parametrize(
    ("verdict", "accept", "raises"),
    [
        (comparison_pb2.VERDICT_AGREES, False, False),
        (comparison_pb2.VERDICT_DISAGREES, False, True),
        (comparison_pb2.VERDICT_DISAGREES, True, True),
        (comparison_pb2.VERDICT_INCONCLUSIVE, False, True),
        (comparison_pb2.VERDICT_INCONCLUSIVE, True, False),
    ],
)
def test_only_agreement_passes_unless_asked(
    checked: Response, verdict: comparison_pb2.Verdict, accept: bool, raises: bool
) -> None:
    """INCONCLUSIVE passes only where the caller says so; the error holds the table."""
    checked.verdict = verdict
    report = decode(gp.Report, checked)
    assert report.agrees == (verdict == comparison_pb2.VERDICT_AGREES)
    if raises:
        with pytest.raises(gp.DisagreementError, match=r"updated 1\.weight") as caught:
            report.raise_for_disagreement(accept_inconclusive=accept)
        assert caught.value.report is report
    else:
        report.raise_for_disagreement(accept_inconclusive=accept)


@pytest.mark.parametrize("verdict", [0, 99])
def test_a_verdict_that_is_unknown_is_never_an_agreement(checked: Response, verdict: int) -> None:
    """A newer server's verdict, or none, is an error."""
    checked.verdict = verdict  # type: ignore[assignment]
    with pytest.raises(gp.ServerError, match="unknown verdict"):
        decode(gp.Report, checked)


def test_a_reference_gives_each_step_and_the_usual_ones(reference: gradient_service_pb2.Reference) -> None:
    """Loss and gradients of the first step, weights after the last."""
    decoded = decode(gp.Reference, reference)
    assert decoded.loss == 0.809
    assert decoded.losses == (0.809, 0.4)
    assert decoded.gradients["1.weight"].tolist() == [[-0.85, -0.48]]
    assert decoded.updated["1.weight"].tolist() == [[0.25, 0.5]]
    assert decoded.step(0).updated["1.weight"].tolist() == [[0.1825, 0.174]]
    assert decoded.step(-1).index == 1
    assert decoded.step(1).learning_rate == 0.05
    assert not decoded.buffers
    with pytest.raises(IndexError, match="no step 2"):
        decoded.step(2)
    with pytest.raises(IndexError, match="no step -3"):
        decoded.step(-3)


def test_what_was_not_asked_for_says_so(reference: gradient_service_pb2.Reference) -> None:
    """The loss is a number; without it there is an error with the remedy and not a 0."""
    del reference.tensors[0]
    with pytest.raises(LookupError, match="'loss'"):
        _ = decode(gp.Reference, reference).loss


def test_a_reference_prints_its_numbers(reference: gradient_service_pb2.Reference) -> None:
    """Name, shape and numbers of each tensor."""
    text = str(decode(gp.Reference, reference))
    assert text.startswith("6 parameters, PyTorch 2.13.0, float64, cpu, learning rate 0.05, 0.05\nloss 0.809\n")
    assert "gradient 0.weight (2, 2)\n[[-0.28, -0.42],\n [-0.3 , -0.45]]" in text
    assert "updated 1.weight, step 1 (1, 2) [[0.25, 0.5 ]]" in text


def test_a_broken_tensor_is_the_servers_fault(reference: gradient_service_pb2.Reference) -> None:
    """Bytes that do not fit the shape."""
    reference.tensors[0].value.data += b"\0"
    with pytest.raises(gp.ServerError, match="broken tensor"):
        decode(gp.Reference, reference)
