"""Both clients against a server on a free port: requests, answers, errors, retries, deadlines, metadata."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import Any

import gradproof as gp
import grpc
import numpy as np
import pytest
from gradproof._calls import compute_call
from gradproof.v1 import error_pb2, gradient_service_pb2
from gradproof.v1.gradient_service_pb2 import CheckGradientsResponse, ComputeGradientsResponse, ListCatalogResponse

from tests.client.clients import FAST, Run, fail

PROBLEM = gp.Problem([gp.Linear(2, 1, bias=False, weight=[[0.14, 0.15]])], input=[2, 3], target=[1], loss=gp.L1Loss())
CLAIM = gp.Claim(loss=0.809)
WIDE = gp.Problem(
    [gp.Linear(9, 9, bias=False, weight=np.ones((9, 9)))], input=[1] * 9, target=[1] * 9, loss=gp.L1Loss()
)


def test_compute_sends_the_problem_and_gives_arrays(
    run: Run, fake: Any, reference: gradient_service_pb2.Reference
) -> None:
    """Problem, quantities and steps arrive; the reference comes back as float64 arrays."""
    fake.answers["ComputeGradients"] = lambda request, context: ComputeGradientsResponse(reference=reference)
    result = run(fake.target, "compute", PROBLEM, include=["loss", "gradient", "updated"], steps=[0])
    (request,) = fake.requests
    assert request.problem == PROBLEM.to_proto()
    assert (list(request.include), list(request.steps)) == ([1, 3, 7], [0])
    assert result.loss == 0.809
    assert result.gradients["0.weight"].tolist() == [[-0.28, -0.42], [-0.3, -0.45]]


def test_check_sends_the_claim_and_gives_a_report(run: Run, fake: Any, checked: CheckGradientsResponse) -> None:
    """A disagreement is an answer and raises nothing."""
    fake.answers["CheckGradients"] = lambda request, context: checked
    report = run(fake.target, "check", PROBLEM, CLAIM, diagnosis={"max_seconds": 1, "max_findings": 2})
    (request,) = fake.requests
    assert request.claim == CLAIM.to_proto(request.problem)
    assert (request.diagnosis.max_seconds, request.diagnosis.max_findings) == (1.0, 2)
    assert report.verdict == "DISAGREES"
    assert report.comparisons[0].worst.index == (0, 0)
    assert report.diagnosis.findings[0].codes == ("loss.half_squared_error",)
    assert report.message == checked


def test_diagnosis_can_be_switched_off(run: Run, fake: Any, checked: CheckGradientsResponse) -> None:
    """False disables it; nothing leaves it to the server."""
    fake.answers["CheckGradients"] = lambda request, context: checked
    run(fake.target, "check", PROBLEM, CLAIM, diagnosis=False)
    run(fake.target, "check", PROBLEM, CLAIM)
    assert [request.diagnosis.disabled for request in fake.requests] == [True, False]
    assert not fake.requests[1].HasField("diagnosis")


def test_catalog_is_listed_by_name(run: Run, fake: Any) -> None:
    """Entries, omissions and limits; what is omitted is found with its reason."""
    response = ListCatalogResponse(devices=["cpu"], omissions=[{"name": "torch.nn.Sequential", "reason": "a list"}])
    response.layers.add(name="Linear", doc="y", inputs=["input"], outputs=["output"]).arguments.add(
        name="in_features", type="int", required=True
    )
    response.limits.max_nodes = 7
    fake.answers["ListCatalog"] = lambda request, context: response
    catalog = run(fake.target, "catalog")
    assert catalog.find("Linear").arguments[0].required
    assert (catalog.limits["max_nodes"], catalog.devices) == (7, ("cpu",))
    with pytest.raises(KeyError, match="a list"):
        catalog.find("Sequential")


def test_health_is_true_only_where_the_server_serves(run: Run, fake: Any) -> None:
    """SERVING, NOT_SERVING, no such service, and nobody there."""
    from_bytes = {True: b"\x08\x01", False: b"\x08\x02"}
    for expected, answer in from_bytes.items():
        fake.answers["Check"] = lambda request, context, answer=answer: answer
        assert run(fake.target, "health") is expected
    fake.answers["Check"] = fail(grpc.StatusCode.UNIMPLEMENTED, "no")
    assert run(fake.target, "health") is False
    assert run("127.0.0.1:1", "health", client={"retry": gp.Retry(attempts=1)}) is False


def test_invalid_problems_carry_all_violations(run: Run, fake: Any) -> None:
    """The details of INVALID_ARGUMENT arrive as violations, even when they are larger than gRPC's soft limit."""
    violations = [
        error_pb2.Violation(field=f"problem.network.nodes[{i}].layer", description="x" * 80, reason="UNKNOWN")
        for i in range(100)
    ]
    bad_request = error_pb2.BadRequestDetail(field_violations=violations).SerializeToString()
    detail = error_pb2.ErrorDetail(type_url="type.googleapis.com/google.rpc.BadRequest", value=bad_request)
    status = error_pb2.ErrorStatus(code=3, details=[detail]).SerializeToString()
    fake.answers["ComputeGradients"] = fail(grpc.StatusCode.INVALID_ARGUMENT, "100 violations", status)
    with pytest.raises(gp.InvalidProblemError) as caught:
        run(fake.target, "compute", PROBLEM)
    assert len(caught.value.violations) == 100
    assert caught.value.violations[99].field == "problem.network.nodes[99].layer"
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.request_id == fake.metadata[0]["x-request-id"]


def test_wrong_arguments_are_refused_before_anything_is_sent(run: Run, fake: Any) -> None:
    """The same error class as for the server's refusal, without a code."""
    with pytest.raises(gp.InvalidProblemError) as caught:
        run(fake.target, "compute", gp.Problem([3]))  # type: ignore[list-item]
    assert caught.value.code is None
    for arguments in ({"include": "gradiant"}, {"steps": [-1]}):
        with pytest.raises(gp.InvalidProblemError):
            run(fake.target, "compute", PROBLEM, **arguments)
    for options in ({"max_secs": 1}, {"max_findings": -1}):
        with pytest.raises(gp.InvalidProblemError):
            run(fake.target, "check", PROBLEM, CLAIM, diagnosis=options)
    assert not fake.requests


@pytest.mark.parametrize("size", [1, 300_000], ids=["small", "above 256 KiB"])
def test_unavailable_is_tried_again(run: Run, fake: Any, reference: gradient_service_pb2.Reference, size: int) -> None:
    """Two failures, then the answer; requests above gRPC's own buffer limit of 256 KiB too."""

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        if len(fake.requests) < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        return ComputeGradientsResponse(reference=reference)

    fake.answers["ComputeGradients"] = answer
    problem = gp.Problem([gp.ReLU()], input=[0.5] * size)
    assert run(fake.target, "compute", problem, client={"retry": FAST}).loss == 0.809
    assert len(fake.requests) == 3


@pytest.mark.parametrize(("attempts", "code"), [(1, grpc.StatusCode.UNAVAILABLE), (3, grpc.StatusCode.INTERNAL)])
def test_nothing_else_is_tried_again(run: Run, fake: Any, attempts: int, code: grpc.StatusCode) -> None:
    """Not with one attempt, and not another code than UNAVAILABLE."""
    fake.answers["ComputeGradients"] = fail(code, "no")
    with pytest.raises(gp.CallError):
        run(fake.target, "compute", PROBLEM, client={"retry": gp.Retry(attempts=attempts, initial_seconds=0.01)})
    assert len(fake.requests) == 1


@pytest.mark.parametrize("where", ["client", "call"])
def test_deadlines_end_a_call(run: Run, fake: Any, where: str) -> None:
    """The client's or the call's own; the server sees it."""
    remaining: list[float] = []
    finished = threading.Event()

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        remaining.append(context.time_remaining())
        context.add_callback(finished.set)
        finished.wait(10)
        return ComputeGradientsResponse()

    fake.answers["ComputeGradients"] = answer
    client: dict[str, float] = {"timeout": 0.3 if where == "client" else 60}
    call: dict[str, float] = {} if where == "client" else {"timeout": 0.3}
    with pytest.raises(gp.DeadlineError):
        run(fake.target, "compute", PROBLEM, client=client, **call)
    assert remaining[0] < 1
    assert finished.is_set() or finished.wait(10)


def test_no_deadline_is_no_deadline(run: Run, fake: Any, reference: gradient_service_pb2.Reference) -> None:
    """`timeout=None` is not the client's default."""
    remaining: list[float | None] = []

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        remaining.append(context.time_remaining())
        return ComputeGradientsResponse(reference=reference)

    fake.answers["ComputeGradients"] = answer
    run(fake.target, "compute", PROBLEM, timeout=None)
    run(fake.target, "compute", PROBLEM)
    # gRPC says "no deadline" by a time of years, and rounds the others up a little.
    assert remaining[0] is None or remaining[0] > 1e6
    assert remaining[1] is not None
    assert remaining[1] < 31


def test_metadata_token_and_user_agent_go_with_each_call(run: Run, fake: Any) -> None:
    """A token function is asked for each call; a request id that is given is kept."""
    fake.answers["Check"] = lambda request, context: b"\x08\x01"
    tokens = iter(["one", "two"])
    client = {"token": lambda: next(tokens), "metadata": [("team", "red")]}
    run(fake.target, "health", client=client)
    run(fake.target, "health", client={"token": "fixed", "metadata": [("x-request-id", "mine")]})
    first, second = fake.metadata
    assert (first["authorization"], second["authorization"]) == ("Bearer one", "Bearer fixed")
    assert first["team"] == "red"
    assert (len(first["x-request-id"]), second["x-request-id"]) == (32, "mine")
    assert first["user-agent"].startswith(f"gradproof-python/{gp.__version__} ")


def test_an_answer_that_cannot_be_read_is_the_servers_fault(run: Run, fake: Any) -> None:
    """Bytes that are no message."""
    fake.answers["ComputeGradients"] = lambda request, context: b"\xff\xff\xff"
    with pytest.raises(gp.ServerError, match="cannot be read"):
        run(fake.target, "compute", PROBLEM)


def test_an_answer_that_is_too_large_names_the_knob(
    run: Run, fake: Any, reference: gradient_service_pb2.Reference
) -> None:
    """The client's limit is max_message_bytes."""
    fake.answers["ComputeGradients"] = lambda request, context: ComputeGradientsResponse(reference=reference)
    with pytest.raises(gp.ResourceExhaustedError, match="max_message_bytes"):
        run(fake.target, "compute", PROBLEM, client={"max_message_bytes": 200})


@pytest.mark.parametrize(
    ("method", "arguments", "field"),
    [
        ("compute", (WIDE,), 'problem.parameters["0.weight"]'),
        ("verify", (WIDE,), 'problem.parameters["0.weight"]'),
        ("check", (PROBLEM, gp.Claim(gradients={"0.weight": np.ones((9, 9))})), "claim.tensors[0].value"),
        ("check_function", (np.sum, np.ones(99)), 'start.claim.point["x"]'),
    ],
)
def test_a_request_that_is_too_large_is_not_sent(
    method: str, arguments: tuple[Any, ...], field: str, run: Run, fake: Any
) -> None:
    """The error names the tensor with most bytes, how many, and the limit."""
    options = {"gradient": np.ones(99)} if method == "check_function" else {}
    with pytest.raises(gp.ResourceExhaustedError, match="max_message_bytes of the client is 200") as caught:
        run(fake.target, method, *arguments, **options, client={"max_message_bytes": 200})
    (violation,) = caught.value.violations
    assert violation.field == field
    assert caught.value.code is None
    assert fake.metadata == []


def test_the_largest_request_is_sent(run: Run, fake: Any) -> None:
    """Exactly max_message_bytes; one less refuses it, and an option of the channel wins."""
    fake.answers["ComputeGradients"] = lambda request, context: ComputeGradientsResponse()
    size = len(compute_call(WIDE, None, None).request)
    run(fake.target, "compute", WIDE, client={"max_message_bytes": size})
    option = [("grpc.max_send_message_length", -1)]
    run(fake.target, "compute", WIDE, client={"max_message_bytes": size - 1, "options": option})
    with pytest.raises(gp.ResourceExhaustedError):
        run(fake.target, "compute", WIDE, client={"max_message_bytes": size - 1})
    assert len(fake.metadata) == 2


def test_nobody_there_is_unavailable(run: Run) -> None:
    """The error of a refused connection."""
    with pytest.raises(gp.UnavailableError):
        run("127.0.0.1:1", "catalog", client={"retry": gp.Retry(attempts=1)})


def test_a_closed_client_says_so(run: Run, fake: Any) -> None:
    """After close() no call is made, and a second close() does nothing."""
    client = gp.Client(fake.target)
    client.close()
    client.close()
    with pytest.raises(gp.ClosedClientError):
        client.catalog()


async def test_a_cancelled_coroutine_cancels_its_call(fake: Any) -> None:
    """The server sees the cancellation and the awaiting task asyncio's own error."""
    started, finished = threading.Event(), threading.Event()

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        context.add_callback(finished.set)
        started.set()
        finished.wait(10)
        return b""

    fake.answers["ListCatalog"] = answer
    async with gp.AsyncClient(fake.target) as client:
        task = asyncio.create_task(client.catalog())
        assert await asyncio.to_thread(started.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(finished.wait, 10)


class FakeEmbedded:
    """A server that only counts how often it was stopped."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.stops = 0

    def stop(self) -> None:
        """Counts."""
        self.stops += 1


def embedded(client: type) -> Any:
    """An embedded client of either kind, used and closed; what health said."""
    if client is gp.Client:
        with gp.Client.embedded() as made:
            return made.health()

    async def main() -> bool:
        async with await gp.AsyncClient.embedded() as made:
            return await made.health()

    return asyncio.run(main())


@pytest.mark.parametrize("client", [gp.Client, gp.AsyncClient])
def test_an_embedded_client_stops_its_server(client: type, fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, when the client is closed."""
    server = FakeEmbedded(fake.target)
    fake.answers["Check"] = lambda request, context: b"\x08\x01"
    monkeypatch.setattr(inspect.getmodule(client), "start_embedded", lambda: server)
    assert embedded(client) is True
    assert server.stops == 1


@pytest.mark.parametrize("client", [gp.Client, gp.AsyncClient])
def test_a_missing_server_names_the_remedy(client: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever import fails, the error says what to install and why."""

    def import_module(name: str) -> Any:
        assert name == "gradproof_server.app"
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr("gradproof._embedded.importlib.import_module", import_module)
    with pytest.raises(gp.ServerExtraMissingError, match=r'torch.*pip install "gradproof\[server\]"'):
        embedded(client)
