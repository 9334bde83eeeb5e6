"""The debug page, the bounded labels of metrics, and a log that cannot be written."""

from __future__ import annotations

import io
import itertools
import random
import urllib.error
from pathlib import Path
from typing import Any

import grpc
import pytest
from gradproof.cli.monitor.summary import summarize
from gradproof.cli.monitor.target import Target
from gradproof_server.backend import Backend
from gradproof_server.engine.diagnose.variants import TABLE
from gradproof_server.engine.types import Cost
from gradproof_server.serving.admission import Bounds, FairQueue, Quotas
from gradproof_server.serving.compute import Job
from gradproof_server.serving.debug import Failures, debug_page
from gradproof_server.serving.logs import GuardedStream, Level, make_logger
from gradproof_server.serving.methods import UNEXPLAINED, Task, TaskResult
from gradproof_server.serving.workers.budget import Budget
from gradproof_server.serving.workers.child import Preparation
from gradproof_server.serving.workers.pool import Plan, WorkerPool
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.test_tracing import parent_of
from tests.serving.workers.test_pool import Seen
from tests.support.certificates import Authority


async def test_top_reads_a_real_server(serve: Any, check_request: Any) -> None:
    """What `gradproof top` reads of a server is what it did."""
    running = await serve(metrics_port=0)
    target = Target(f"127.0.0.1:{running.app.metrics_port}")
    await target.read()
    await running.stub.CheckGradients(check_request)
    seen = summarize([await target.read()])
    (method,) = seen.methods
    assert (method.name, method.calls, method.in_flight, method.errors) == ("CheckGradients", 1, 0, {})
    assert method.seconds.p50 is not None
    assert {verdict: tally.total for verdict, tally in seen.verdicts.items() if tally.total} == {"disagrees": 1}
    assert seen.findings["none"].total == 0


async def test_no_label_comes_from_a_request(serve: Any, check_request: Any) -> None:
    """Whatever is called, named and claimed, the series stay those of the start and those of the table of mistakes."""
    running, draw = await serve(metrics_port=0), random.Random(5)
    before = _labels(await running.page("/metrics"))
    for n in range(12):
        word = "".join(draw.choices("abcxyz0123", k=12))
        check_request.problem.network.nodes[0].name = word
        check_request.problem.parameters[f"{word}.weight"].CopyFrom(check_request.problem.parameters["0.weight"])
        call = running.raw(word if n % 3 == 0 else "CheckGradients")
        metadata = (("x-request-id", word), ("user-agent", word), (word, word), *parent_of(sampled=True))
        request = check_request.SerializeToString() if n % 2 else word.encode()
        with pytest.raises(grpc.RpcError):
            await call(request, metadata=metadata)
    new = _labels(await running.page("/metrics")) - before
    allowed = {v.code for v in TABLE} | {UNEXPLAINED}
    assert all(name.startswith("gradproof_findings") and dict(labels)["code"] in allowed for name, labels in new)


def _labels(text: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    families = text_string_to_metric_families(text)
    return {(sample.name, tuple(sorted(sample.labels.items()))) for family in families for sample in family.samples}


async def test_findings_and_bytes_are_counted(serve: Any, check_request: Any) -> None:
    """The founding case counts its mistake, by a code of the table."""
    running = await serve(metrics_port=0)
    response = await running.stub.CheckGradients(check_request)
    for code in response.diagnosis.findings[0].codes:
        assert running.metric("gradproof_findings_total", code=code) == 1
    method = {"grpc_type": "unary", "grpc_service": "gradproof.v1.GradientService", "grpc_method": "CheckGradients"}
    assert running.metric("gradproof_request_bytes_sum", **method) == check_request.ByteSize()
    assert running.metric("gradproof_response_bytes_sum", **method) == response.ByteSize()


async def test_readings_of_all_files_are_counted(serve: Any, held: Any, tmp_path: Path) -> None:
    """Each kind of file has its series from the start; a bad change of any of them is counted as refused."""
    certificate, key = Authority().server().write(tmp_path, "server")
    callers = tmp_path / "callers.toml"
    callers.write_text('[[caller]]\nname = "a"\nsubjects = ["a"]\n')
    running = await serve(held, tls_certificate=certificate, tls_key=key, callers_file=callers)

    def counted() -> list[float | None]:
        results = itertools.product(("settings", "callers", "certificates"), ("applied", "refused"))
        return [running.metric("gradproof_reloads_total", file=file, result=result) for file, result in results]

    assert counted() == [0] * 6
    callers.write_text("[[caller")
    running.app.reload()
    assert counted() == [0, 0, 0, 1, 0, 0]
    callers.write_text('[[caller]]\nname = "b"\nsubjects = ["b"]\n')
    running.app.reload()
    assert counted() == [0, 0, 1, 1, 0, 0]


async def test_the_debug_page_is_there_only_with_debug(serve: Any, problem: Any) -> None:
    """It shows the last failures by their request ids; without --debug it is not found."""
    hidden = await serve(metrics_port=0)
    with pytest.raises(urllib.error.HTTPError) as error:
        await hidden.page("/debug")
    error.value.close()
    assert error.value.code == 404
    running = await serve(metrics_port=0, debug=True)
    with pytest.raises(grpc.RpcError):
        await running.raw()(b"\xff", metadata=(("x-request-id", "the-bad-one"),))
    text = await running.page("/debug")
    assert "the-bad-one  ComputeGradients  MALFORMED_REQUEST" in text
    assert '"max_nodes"' in text


def test_functions_are_on_the_debug_page_where_there_are_any() -> None:
    """Their places have no line while they have no process; who waits for one is counted with those who wait for the
    engine."""

    def pool(places: int, on_demand: bool) -> WorkerPool:
        plan = Plan(places, (), Preparation(1, None, lambda: None), 0.1, on_demand)
        bounds = Bounds(10, 1000)
        queue: FairQueue[Job] = FairQueue(Quotas(bounds, bounds))
        return WorkerPool(lambda *_: TaskResult(), plan, queue, Budget(Cost(1, 1)), Seen())

    computing = Backend(calls=pool(2, False), functions=pool(64, True))
    for compute, caller in ((computing.calls, "ann"), (computing.functions, "ann"), (computing.functions, "bob")):
        compute.submit(Task("CheckFunction", b"", caller=caller), lambda answer: None)
    text = debug_page(dict, computing.workers, computing.waiting_by_caller, Failures())
    assert len([line for line in text.splitlines() if "restarts" in line]) == 2
    assert "     2  ann\n     1  bob\n" in text


async def test_channelz_shows_the_server(serve: Any, compute_request: Any) -> None:
    """gRPC's own count of calls that succeeded is on the page."""
    running = await serve(metrics_port=0, debug=True)
    await running.stub.ComputeGradients(compute_request)
    assert '"callsSucceeded"' in await running.page("/debug/channelz")


def test_a_log_that_cannot_be_written_fails_nothing() -> None:
    """Lines for a full disk are counted and lost; so are those for a stream that is closed."""
    with open("/dev/full", "wb", buffering=0) as full:
        stream = GuardedStream(io.TextIOWrapper(full, write_through=True))
        make_logger(Level("info"), "json", stream).info("call", number=1)
        assert stream.dropped == 1
    make_logger(Level("info"), "json", stream).info("call", number=2)
    assert stream.dropped == 2
