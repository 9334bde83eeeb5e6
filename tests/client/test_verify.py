"""`verify` of both clients against a server that says what a test tells it to: options, events, and runs cut off."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import gradproof as gp
import grpc
import pytest
from gradproof._calls import UNSET
from gradproof._witness_calls import verify_call
from gradproof.v1 import comparison_pb2, tensor_pb2, witness_pb2
from gradproof.v1.gradient_service_pb2 import VerifyGradientsResponse as Response

from tests.client.clients import Run

PROBLEM = gp.Problem(
    [gp.Linear(2, 2, bias=False, weight=[[1.0, 2.0], [3.0, 4.0]]), gp.Tanh()],
    input=[2, 3],
    target=[1, 1],
    loss=gp.L1Loss(),
    steps=2,
)
NAMES = ("0.weight", "1.weight")
Answers = Callable[[Iterator[Any], grpc.ServicerContext], Iterator[Response]]


def gradient(name: str) -> tensor_pb2.TensorId:
    """The gradient of a parameter."""
    return tensor_pb2.TensorId(quantity=tensor_pb2.QUANTITY_GRADIENT, name=name)


def estimated() -> Response:
    """Two tensors of four elements each."""
    message = witness_pb2.WitnessEstimate(evaluations=80, flops=1e3, seconds=0.5)
    for name in NAMES:
        mode = witness_pb2.WITNESS_MODE_ELEMENTS
        message.tensors.add(id=gradient(name), mode=mode, elements=4, lines=4, evaluations=40)
    return Response(estimate=message)


def advanced(evaluations: int, name: str = "") -> Response:
    """Progress at a tensor, or between tensors."""
    progress = witness_pb2.WitnessProgress(evaluations=evaluations, expected=80, seconds=0.25)
    if name:
        progress.tensor.CopyFrom(gradient(name))
    return Response(progress=progress)


def looked_at(name: str, verdict: comparison_pb2.Verdict = comparison_pb2.VERDICT_AGREES) -> Response:
    """A tensor whose claim has a verdict; its reference agrees."""
    tensor = witness_pb2.TensorWitness(
        id=gradient(name), mode=witness_pb2.WITNESS_MODE_ELEMENTS, elements=4, elements_checked=4
    )
    agrees, value = comparison_pb2.VERDICT_AGREES, witness_pb2.WitnessedValue(index=[0, 1], stated=0.5, numeric=0.25)
    tensor.judgements.add(subject=witness_pb2.SUBJECT_REFERENCE, verdict=agrees, worst=value)
    tensor.judgements.add(subject=witness_pb2.SUBJECT_CLAIM, verdict=verdict, worst=value)
    return Response(tensor=tensor)


def reported() -> Response:
    """The report of both tensors."""
    agrees = comparison_pb2.VERDICT_AGREES
    report = witness_pb2.WitnessReport(verdict=agrees, reference_verdict=agrees, complete=True, evaluations=84, value=2)
    report.tensors.extend([looked_at(name).tensor for name in NAMES])
    report.reproducer.seed = 7
    return Response(report=report)


def whole_run(_requests: Iterator[Any], _context: grpc.ServicerContext) -> Iterator[Response]:
    """A run from its estimate to its report."""
    list(_requests)
    yield from (estimated(), advanced(0), advanced(40, "1.weight"), looked_at("0.weight"), looked_at("1.weight"))
    yield reported()


def ending(code: grpc.StatusCode, verdict: comparison_pb2.Verdict = comparison_pb2.VERDICT_AGREES) -> Answers:
    """A run that ends with a status after its first tensor."""

    def answers(_requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Response]:
        yield from (estimated(), looked_at("0.weight", verdict), advanced(44, "1.weight"))
        context.abort(code, "the end")

    return answers


def test_a_run_gives_its_report_and_tells_its_progress(run: Run, fake: Any) -> None:
    """Progress is told as it comes; the report is the answer."""
    fake.answers["VerifyGradients"] = whole_run
    seen: list[gp.Progress] = []
    verification = run(fake.target, "verify", PROBLEM, on_progress=seen.append)
    assert [(p.fraction, p.tensor and p.tensor.name) for p in seen] == [(0.0, None), (0.5, "1.weight")]
    assert (verification.verdict, verification.agrees, verification.partial) == ("AGREES", True, False)
    assert [tensor.tensor.name for tensor in verification.tensors] == list(NAMES)
    assert (verification.reproducer.seed, verification.claim_verdict, verification.value) == (7, None, 2.0)
    assert verification.message == reported().report


def test_the_events_of_a_run_come_in_their_order(run: Run, fake: Any) -> None:
    """An estimate, progress and tensors, last the verification."""
    fake.answers["VerifyGradients"] = whole_run
    kinds = [type(event).__name__ for event in run(fake.target, "verify_events", PROBLEM)]
    assert kinds == ["Estimate", *["Progress"] * 2, *["TensorWitness"] * 2, "Verification"]


def test_an_estimate_asks_for_nothing_more(run: Run, fake: Any) -> None:
    """The request says so, and the estimate is the answer, with a table."""
    fake.answers["VerifyGradients"] = lambda requests, context: iter([next(requests) and estimated()])
    estimate = run(fake.target, "estimate", PROBLEM, only="0.weight")
    assert fake.requests[0].options.estimate_only
    assert (estimate.evaluations, estimate.tensors[1].lines, estimate.tensors[1].mode) == (80, 4, "elements")
    lines = str(estimate).splitlines()
    assert lines[0] == "80 evaluations, 1e+03 floating-point operations, about 0.5 s"
    assert lines[3].split() == ["0.weight", "elements", "4", "4", "40", "0"]


def test_options_arrive(run: Run, fake: Any) -> None:
    """Each option in its field; names find the quantity that they are of; the claim belongs to the step."""
    fake.answers["VerifyGradients"] = whole_run
    options: dict[str, Any] = {
        "mode": "directions",
        "directions": 3,
        "samples": 5,
        "seed": 9,
        "max_seconds": 2.5,
        "max_evaluations": 100,
        "include_values": True,
        "second_order": True,
        "step": 1,
        "only": {"0.weight": [1, 2], "input": None, "1": None, gp.TensorName(0, gp.Quantity.GRADIENT, "1"): None},
    }
    run(fake.target, "verify", PROBLEM, gp.Claim(gradients={"0.weight": [[0.1, 0.2], [0.3, 0.4]]}), **options)
    (request,) = fake.requests
    sent = request.options
    assert (sent.mode, sent.directions, sent.samples, sent.seed) == (witness_pb2.WITNESS_MODE_DIRECTIONS, 3, 5, 9)
    assert (sent.max_seconds, sent.max_evaluations, sent.include_values, sent.second_order) == (2.5, 100, True, True)
    names = [(tensor_pb2.Quantity.Name(s.id.quantity), s.id.name, s.id.step, list(s.elements)) for s in sent.only]
    assert names == [
        ("QUANTITY_GRADIENT", "0.weight", 1, [1, 2]),
        ("QUANTITY_INPUT_GRADIENT", "input", 1, []),
        ("QUANTITY_NODE_GRADIENT", "1", 1, []),
        ("QUANTITY_GRADIENT", "1", 1, []),
    ]
    assert request.claim.tensors[0].id.step == 1
    assert request.problem == PROBLEM.to_proto()


def test_unset_options_are_left_to_the_server(run: Run, fake: Any) -> None:
    """Nothing is sent that was not said."""
    fake.answers["VerifyGradients"] = whole_run
    run(fake.target, "verify", PROBLEM)
    assert fake.requests[0].options == witness_pb2.WitnessOptions()
    assert not fake.requests[0].HasField("claim")


def test_wrong_options_are_refused_before_anything_is_sent(run: Run, fake: Any) -> None:
    """An unknown name as Python does it, with the near miss; a wrong type with its path."""
    with pytest.raises(TypeError, match="no option 'sead'; did you mean 'seed'"):
        run(fake.target, "verify", PROBLEM, sead=1)
    with pytest.raises(gp.InvalidProblemError, match=r"options\.mode: 'element' is not a value"):
        run(fake.target, "verify", PROBLEM, mode="element")
    for element in (-1, 0.5, True):
        with pytest.raises(gp.InvalidProblemError, match=f'only."0.weight".: {element!r} is not the row-major'):
            run(fake.target, "verify", PROBLEM, only={"0.weight": [0, element]})
    assert fake.requests == []


@pytest.mark.parametrize(
    ("code", "word"),
    [(grpc.StatusCode.DEADLINE_EXCEEDED, "deadline"), (grpc.StatusCode.CANCELLED, "interrupted")],
)
def test_a_run_cut_off_gives_what_came(code: grpc.StatusCode, word: str, run: Run, fake: Any) -> None:
    """The tensors that came, those that did not, and never a verification that agrees."""
    fake.answers["VerifyGradients"] = ending(code)
    verification = run(fake.target, "verify", PROBLEM)
    assert (verification.partial, verification.agrees, verification.cut_off) == (True, False, word)
    assert (verification.verdict, verification.claim_verdict) == ("AGREES", "AGREES")
    assert [tensor.tensor.name for tensor in verification.tensors] == ["0.weight"]
    assert [name.name for name in verification.not_reached] == ["1.weight"]
    assert (verification.evaluations, verification.reproducer) == (44, None)
    with pytest.raises(gp.DisagreementError):
        verification.raise_for_disagreement()
    verification.raise_for_disagreement(accept_inconclusive=True)


def test_a_disagreement_stays_one_where_a_run_is_cut_off(run: Run, fake: Any) -> None:
    """What was seen to be wrong is wrong, whatever else would have come."""
    fake.answers["VerifyGradients"] = ending(grpc.StatusCode.DEADLINE_EXCEEDED, comparison_pb2.VERDICT_DISAGREES)
    verification = run(fake.target, "verify", PROBLEM)
    verdicts = (verification.verdict, verification.reference_verdict, verification.claim_verdict)
    assert verdicts == ("DISAGREES", "AGREES", "DISAGREES")
    with pytest.raises(gp.DisagreementError, match="DISAGREES so far: 1 of 1 tensor"):
        verification.raise_for_disagreement(accept_inconclusive=True)


def test_nothing_that_came_is_inconclusive(run: Run, fake: Any) -> None:
    """With an estimate alone nothing agrees."""

    def answers(_requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Response]:
        yield estimated()
        context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the end")

    fake.answers["VerifyGradients"] = answers
    verification = run(fake.target, "verify", PROBLEM)
    assert (verification.verdict, len(verification.not_reached)) == ("INCONCLUSIVE", 2)
    assert "Not reached: 0.weight, 1.weight" in " ".join(str(verification).split())


def test_other_errors_and_early_ends_are_raised(run: Run, fake: Any) -> None:
    """A deadline before anything came, a fault of the server, and an end without report."""

    def nothing(_requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Response]:
        context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "too late")
        yield estimated()

    fake.answers["VerifyGradients"] = nothing
    with pytest.raises(gp.DeadlineError, match="too late"):
        run(fake.target, "verify", PROBLEM)
    fake.answers["VerifyGradients"] = ending(grpc.StatusCode.INTERNAL)
    with pytest.raises(gp.ServerError, match="the end"):
        run(fake.target, "verify", PROBLEM)
    fake.answers["VerifyGradients"] = lambda requests, context: iter([estimated()])
    with pytest.raises(gp.ServerError, match="ended without a report"):
        run(fake.target, "verify", PROBLEM)
    fake.answers["VerifyGradients"] = lambda requests, context: iter([Response()])
    with pytest.raises(gp.ServerError, match="unknown kind"):
        run(fake.target, "verify", PROBLEM)


def held(stopped: threading.Event) -> Answers:
    """A run that hangs after its first tensor, and sets an event when its caller is gone."""

    def answers(_requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Response]:
        context.add_callback(stopped.set)
        yield from (estimated(), looked_at("0.weight"), advanced(44))
        stopped.wait(30)

    return answers


def test_the_timeout_is_that_of_the_call(run: Run, fake: Any) -> None:
    """A deadline of the client cuts the run off as well."""
    stopped = threading.Event()
    fake.answers["VerifyGradients"] = held(stopped)
    assert run(fake.target, "verify", PROBLEM, timeout=2.0).cut_off == "deadline"
    assert stopped.wait(10)


@pytest.mark.parametrize(
    ("client", "options", "timeout", "expected"),
    [(5.0, {}, UNSET, 65.0), (5.0, {"max_seconds": 2.0}, UNSET, 7.0), (None, {}, UNSET, None), (5.0, {}, 3.0, 3.0)],
)
def test_the_deadline_leaves_the_server_its_time(
    client: float | None, options: Any, timeout: Any, expected: float | None
) -> None:
    """Without a timeout of its own a call waits the client's beyond what the server may take."""
    assert verify_call(PROBLEM, None, options, estimate_only=False).limit(timeout, client) == expected


def test_an_interruption_gives_what_came(fake: Any) -> None:
    """Ctrl-C makes a partial verification, and ends the run on the server."""
    stopped = threading.Event()
    fake.answers["VerifyGradients"] = held(stopped)

    def interrupt(_progress: gp.Progress) -> None:
        raise KeyboardInterrupt

    with gp.Client(fake.target) as client:
        verification = client.verify(PROBLEM, on_progress=interrupt)
        assert stopped.wait(10)
    assert (verification.cut_off, len(verification.tensors)) == ("interrupted", 1)


def test_leaving_the_events_ends_the_run(fake: Any) -> None:
    """A loop that is left, and a task that is cancelled, end the run on the server."""
    for leave in (_leave_blocking, _leave_awaited):
        stopped = threading.Event()
        fake.answers["VerifyGradients"] = held(stopped)
        leave(fake.target)
        assert stopped.wait(10)


def _leave_blocking(target: str) -> None:
    with gp.Client(target) as client, contextlib.closing(client.verify_events(PROBLEM)) as events:  # type: ignore[type-var]
        assert isinstance(next(events), gp.Estimate)


def _leave_awaited(target: str) -> None:
    async def main() -> None:
        async with gp.AsyncClient(target) as client:
            came = asyncio.Event()
            task = asyncio.ensure_future(client.verify(PROBLEM, on_progress=lambda _progress: came.set()))
            await came.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_what_the_callback_raises_is_raised(run: Run, fake: Any) -> None:
    """An error in `on_progress` is the caller's."""
    fake.answers["VerifyGradients"] = whole_run
    with pytest.raises(ZeroDivisionError):
        run(fake.target, "verify", PROBLEM, on_progress=lambda progress: 1 / 0)
