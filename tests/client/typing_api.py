"""The public API as its users type it. Never run: mypy checks it, and unused ignores are errors too."""

from __future__ import annotations

from typing import Any, assert_type

import gradproof as gp
import numpy as np
import numpy.typing as npt


def build() -> None:
    """Builders and their results."""
    layer = assert_type(gp.Linear(2, 1, bias=False, weight=[[0.1, 0.2]]), gp.Node)
    gp.Linear("2", 1)  # type: ignore[arg-type]
    gp.Linear(2)  # type: ignore[call-arg]
    gp.MSELoss(reduction="total")  # type: ignore[arg-type]
    gp.Conv2d(1, 2, (3, 3), padding="same", padding_mode="reflect")
    gp.BatchNorm1d(3, momentum=None)
    gp.AdaptiveAvgPool2d((None, 7))
    gp.CosineAnnealingLR(T_max=3)
    network = gp.Sequential(layer, gp.ReLU(), gp.functions.Add(inputs=["0", "1"]))
    problem = gp.Problem(
        network,
        input=np.ones(2),
        target=[1.0],
        loss=gp.L1Loss(),
        optimizer=gp.SGD(lr=0.05, foreach=True),
        schedule=gp.StepLR(2),
        steps=[gp.Step(lr=0.1)],
    )
    gp.Problem([layer, [gp.ReLU(), layer]], steps=3)
    gp.Problem(3)  # type: ignore[arg-type]
    gp.Claim(rounding="up")  # type: ignore[arg-type]
    with gp.Client("localhost:1", token=lambda: "t", tls=gp.TLS(root="ca.pem"), retry=gp.Retry(attempts=2)) as client:
        report = assert_type(client.check(problem, [gp.Claim(loss=1.0), gp.Claim.at(1, loss=0.5)]), gp.Report)
        assert_type(report.agrees, bool)
        assert_type(report.verdict, gp.Verdict)
        reference = assert_type(client.compute(problem, include="all", timeout=None), gp.Reference)
        assert_type(reference.loss, float)
        gradient: npt.NDArray[Any] = reference.gradients["0.weight"]
        gradient.sum()
        assert_type(client.health(), bool)
        verification = assert_type(client.verify(problem, only="0.weight", mode="elements"), gp.Verification)
        client.verify(problem, mode="all")  # type: ignore[arg-type]
        client.verify(problem, sead=1)  # type: ignore[call-arg]
        bars: npt.NDArray[Any] = verification.tensor("0.weight").bars
        bars.sum()
        assert_type(client.estimate(problem, directions=3).seconds, float)
        for event in client.verify_events(problem, max_seconds=2.0):
            if isinstance(event, gp.TensorWitness):
                assert_type(event.verdict, gp.Verdict)
        client.check_function(np.sum, np.ones(2), gradient=np.ones(2), on_progress=lambda progress: progress.fraction)
        client.check_function(np.sum, np.ones(2), gradient=np.ones(2), step=1)  # type: ignore[call-arg]
    assert_type(gp.check_function(np.sin, 0.5, gradient=np.cos), gp.Verification)


async def build_async() -> None:
    """The same, awaited."""
    async with await gp.AsyncClient.embedded() as client:
        assert_type(await client.check(gp.Problem(gp.ReLU()), gp.Claim(loss=1.0)), gp.Report)
        assert_type(await client.catalog(), gp.Catalog)
        assert_type(await client.verify(gp.Problem(gp.ReLU())), gp.Verification)
        async for event in client.verify_events(gp.Problem(gp.ReLU())):
            isinstance(event, gp.Progress)
