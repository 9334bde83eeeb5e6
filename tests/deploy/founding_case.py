"""The case that every installation must answer well."""

from __future__ import annotations

import gradproof as gp


def assert_answered(client: gp.Client) -> None:
    """The server computes PyTorch's weights and finds the author's mistake: half a squared error."""
    problem = gp.Problem(
        [
            gp.Linear(2, 2, bias=False, weight=[[0.11, 0.21], [0.12, 0.08]]),
            gp.Linear(2, 1, bias=False, weight=[[0.14, 0.15]]),
        ],
        input=[2.0, 3.0],
        target=[1.0],
        loss=gp.L1Loss(),
        optimizer=gp.SGD(lr=0.05),
    )
    report = client.check(problem, gp.Claim(updated={"1.weight": [[0.174, 0.169]]}))
    assert report.verdict is gp.Verdict.DISAGREES
    assert report.reference.updated["1.weight"].round(4).tolist() == [[0.1825, 0.174]]
    assert report.diagnosis is not None
    assert "half a squared error" in report.diagnosis.findings[0].title
