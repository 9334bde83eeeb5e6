"""Calls over gRPC: request ids, log lines, metrics, errors, health, reflection."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import urllib.request
import weakref
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from gradproof.v1 import comparison_pb2, gradient_service_pb2
from gradproof_server.serving.errors import BusyError
from gradproof_server.serving.failures import error_to_failure
from gradproof_server.serving.methods import Task, TaskContext, TaskResult
from gradproof_server.serving.metrics import CODE_NAMES
from gradproof_server.serving.service import METHOD_TYPES
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

CHECK = {"grpc_type": "unary", "grpc_service": "gradproof.v1.GradientService", "grpc_method": "CheckGradients"}


async def scrape(running: Any) -> dict[str, float]:
    """The metrics, fetched over HTTP: value by name with labels."""
    address = f"http://127.0.0.1:{running.app.metrics_port}/metrics"
    text = await asyncio.to_thread(lambda: urllib.request.urlopen(address).read().decode())
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


async def failure_of(call: aio.UnaryUnaryCall[Any, Any]) -> aio.AioRpcError:
    """The error of a call that must fail."""
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    return caught.value


def request_id_of(metadata: Any) -> str:
    """The request id in trailing metadata."""
    return dict(metadata)["x-request-id"]


async def wait_until(true: Any) -> None:
    """Lets the event loop run until it is true."""
    while not true():
        await asyncio.sleep(0)


def value(seen: dict[str, float], name: str, **labels: str) -> float:
    """The value of the one series with that name and these labels."""
    found = [
        number
        for series, number in seen.items()
        if series.split("{")[0] == name and all(f'{key}="{text}"' in series for key, text in labels.items())
    ]
    assert len(found) == 1, (name, labels, found)
    return found[0]


async def health(running: Any, service: str = "") -> health_pb2.HealthCheckResponse:
    """What health says of a service."""
    return await health_pb2_grpc.HealthStub(running.channel).Check(health_pb2.HealthCheckRequest(service=service))


async def test_a_check_is_answered(serve: Any, check_request: Any) -> None:
    """The founding case over gRPC: the author's claim disagrees."""
    response = await (await serve()).stub.CheckGradients(check_request)
    assert response.verdict == comparison_pb2.VERDICT_DISAGREES


async def test_the_caller_s_request_id_comes_back_and_is_logged(serve: Any, compute_request: Any) -> None:
    """x-request-id of the request is in the trailing metadata and in the log line."""
    running = await serve()
    call = running.stub.ComputeGradients(compute_request, metadata=[("x-request-id", "my-id.7")])
    assert request_id_of(await call.trailing_metadata()) == "my-id.7"
    assert [line["request_id"] for line in running.calls()] == ["my-id.7"]


@pytest.mark.parametrize("given", ["", "with space", "x" * 129, 'quote"'])
async def test_an_unfit_request_id_is_replaced(serve: Any, held: Any, given: str) -> None:
    """What is not fit for logs is not logged."""
    held.release.set()
    running = await serve(held)
    call = running.raw()(b"", metadata=[("x-request-id", given)])
    assert re.fullmatch("[0-9a-f]{32}", request_id_of(await call.trailing_metadata()))


async def test_request_ids_differ(serve: Any, held: Any) -> None:
    """Two calls without an id get two ids."""
    held.release.set()
    method = (await serve(held)).raw()
    assert len({request_id_of(await method(b"").trailing_metadata()) for _ in range(2)}) == 2


async def test_one_json_line_per_call(serve: Any, check_request: Any) -> None:
    """The line has what an operator looks for, and no payload."""
    running = await serve()
    response = await running.stub.CheckGradients(check_request)
    (line,) = running.calls()
    assert line["method"] == "/gradproof.v1.GradientService/CheckGradients"
    assert (line["code"], line["level"], line["verdict"]) == ("OK", "info", "DISAGREES")
    assert (line["request_bytes"], line["response_bytes"]) == (check_request.ByteSize(), response.ByteSize())
    assert 0 <= line["queue_seconds"] <= line["seconds"]
    assert line["peer"].startswith("ipv4:127.0.0.1:")
    assert {"timestamp", "request_id"} <= line.keys()


async def test_the_settings_are_logged_at_start(serve: Any, held: Any) -> None:
    """The first line has address and settings."""
    running = await serve(held, max_nodes=17)
    first = running.lines[0]
    assert (first["event"], first["settings"]["max_nodes"], first["port"]) == ("serving", 17, running.app.port)


async def test_a_failed_call_is_logged_with_its_reason(serve: Any) -> None:
    """Code, reason and what kind of thing is wrong are in the line, at info: the server did its work."""
    running = await serve()
    await failure_of(running.stub.CheckGradients(gradient_service_pb2.CheckGradientsRequest()))
    (line,) = running.calls()
    assert (line["code"], line["reason"], line["level"]) == ("InvalidArgument", "INVALID_PROBLEM", "info")
    assert (line["violations"], "error" in line) == (["REQUIRED"], False)


async def test_violations_and_reason_reach_the_caller(serve: Any, check_request: Any, details_of: Any) -> None:
    """INVALID_ARGUMENT has a message, the request id and the field's path in its details."""
    running = await serve()
    check_request.problem.parameters["0.weight"].shape[0] = 3
    error = await failure_of(running.stub.CheckGradients(check_request, metadata=[("x-request-id", "abc")]))
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    first, second = details_of(error).details
    assert first.Unpack(info)
    assert second.Unpack(bad)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (info.reason, info.metadata["request_id"]) == ("INVALID_PROBLEM", "abc")
    assert bad.field_violations[0].field.startswith('problem.parameters["0.weight"]')
    assert error.details() == details_of(error).message
    assert request_id_of(error.trailing_metadata()) == "abc"


async def test_malformed_bytes_are_the_caller_s_fault(serve: Any) -> None:
    """Bytes that are no message end with INVALID_ARGUMENT and not with INTERNAL."""
    error = await failure_of((await serve()).raw()(b"\x0a\x7f"))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_internal_errors_show_a_request_id_and_nothing_else(serve: Any, details_of: Any) -> None:
    """The traceback is in the log under the id that the caller gets; the caller gets nothing of it."""

    def broken(task: Task, front: TaskContext) -> TaskResult:
        raise ZeroDivisionError("secret")

    running = await serve(broken)
    error = await failure_of(running.raw()(b"", metadata=[("x-request-id", "abc")]))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in repr(error)
    assert b"secret" not in details_of(error).SerializeToString()
    (line,) = running.calls()
    assert (line["level"], line["code"], line["request_id"]) == ("error", "Internal", "abc")
    assert "ZeroDivisionError: secret" in line["traceback"]


@pytest.mark.parametrize("path", ["ComputeGradients", "VerifyGradients"])
async def test_grpc_repeats_by_itself_what_a_server_could_not_do(serve: Any, path: str) -> None:
    """By the retry policy of any client: errors come without a message, not even an empty one."""
    tries: list[str] = []

    def refuse_once(task: Task, front: TaskContext) -> TaskResult:
        tries.append(task.method)
        return TaskResult(failure=error_to_failure(BusyError("full"))) if len(tries) == 1 else TaskResult()

    running = await serve(refuse_once)
    policy = {"maxAttempts": 3, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1}
    policy["retryableStatusCodes"] = ["RESOURCE_EXHAUSTED"]
    config = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
    async with aio.insecure_channel(f"127.0.0.1:{running.app.port}", [("grpc.service_config", config)]) as channel:
        answers = channel.unary_stream(f"/gradproof.v1.GradientService/{path}")(b"x", timeout=20)
        assert [answer async for answer in answers] in ([], [b""])
    assert tries == [path, path]


async def test_a_full_server_says_when_to_try_again(serve: Any, held: Any, details_of: Any) -> None:
    """RESOURCE_EXHAUSTED with RetryInfo and pushback; health still answers."""
    running = await serve(held)
    held_calls = [running.raw()(b"") for _ in range(100)]
    await wait_until(lambda: running.app._computing.calls.pending == 100)
    error = await failure_of(running.raw()(b""))
    retry = error_details_pb2.RetryInfo()
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert [detail.Unpack(retry) for detail in details_of(error).details].count(True) == 1
    assert dict(error.trailing_metadata())["grpc-retry-pushback-ms"] == str(retry.retry_delay.ToMilliseconds())
    assert (await health(running)).status == health_pb2.HealthCheckResponse.SERVING
    held.release.set()
    await asyncio.gather(*held_calls)


async def test_a_request_above_the_limit_is_refused_by_grpc(serve: Any) -> None:
    """The transport stops it before it is read into memory."""
    error = await failure_of((await serve(max_request_bytes=2000)).raw()(b"x" * 2001))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_response_above_the_limit_tells_the_remedy(serve: Any, long_request: Any) -> None:
    """RESOURCE_EXHAUSTED names `include` and `steps`."""
    request = long_request(1)
    del request.include[:]
    error = await failure_of((await serve(max_response_bytes=2**20)).stub.ComputeGradients(request))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "`include`" in error.details()


async def test_a_cancelled_call_stops_the_engine(serve: Any, held: Any) -> None:
    """The computation ends, is counted and logged as Canceled, and the next call runs."""
    running = await serve(held)
    call = running.raw()(b"first")
    assert await asyncio.to_thread(held.entered.acquire, timeout=20)
    call.cancel()
    assert await asyncio.to_thread(held.stopped.acquire, timeout=20)
    await wait_until(running.calls)
    assert running.calls()[0]["code"] == "Canceled"
    held.release.set()
    assert await running.raw()(b"second") == b"second"


async def test_a_deadline_stops_the_engine(serve: Any, held: Any) -> None:
    """The caller gets DEADLINE_EXCEEDED, the log says so, the computation ends."""
    running = await serve(held)
    error = await failure_of(running.raw()(b"first", timeout=0.2))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await asyncio.to_thread(held.stopped.acquire, timeout=20)
    await wait_until(running.calls)
    assert running.calls()[0]["code"] == "DeadlineExceeded"


async def test_a_call_without_a_deadline_is_ended_by_the_server_s_own(serve: Any, held: Any) -> None:
    """max_call_seconds holds for calls that name no deadline, and for those that name a later one."""
    running = await serve(held, max_call_seconds=0.1)
    for timeout in (None, 600):
        error = await failure_of(running.raw()(b"first", timeout=timeout))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_disconnected_caller_stops_the_engine(serve: Any, held: Any) -> None:
    """When the connection is gone the computation ends."""
    running = await serve(held)
    async with aio.insecure_channel(f"127.0.0.1:{running.app.port}") as channel:
        call = channel.unary_unary("/gradproof.v1.GradientService/ComputeGradients")(b"first")
        assert await asyncio.to_thread(held.entered.acquire, timeout=20)
        await channel.close()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert await asyncio.to_thread(held.stopped.acquire, timeout=20)


async def test_a_call_that_was_cancelled_while_it_waited_never_runs(serve: Any, held: Any) -> None:
    """The engine sees the first and the third call only."""
    running = await serve(held)
    first = running.raw()(b"first")
    assert await asyncio.to_thread(held.entered.acquire, timeout=20)
    second = running.raw()(b"second")
    await wait_until(lambda: running.app._computing.calls.pending == 2)
    second.cancel()
    await wait_until(lambda: running.app._computing.calls.pending == 1)
    held.release.set()
    assert await running.raw()(b"third") == b"third"
    await first
    assert held.requests == [b"first", b"third"]


async def test_a_deadline_stops_the_real_engine(serve: Any, long_request: Any, compute_request: Any) -> None:
    """A training run of a minute that may take a fifth of a second does not hold up the next call."""
    running = await serve()
    error = await failure_of(running.stub.ComputeGradients(long_request(1000), timeout=0.2))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await running.stub.ComputeGradients(compute_request, timeout=10)


@pytest.mark.parametrize("fails", [False, True])
async def test_an_answer_is_freed_without_the_collector(serve: Any, fails: bool) -> None:
    """A cycle of references would keep each large response until the next full collection, which is rare."""
    answers: list[weakref.ref[TaskResult]] = []

    def remember(task: Task, front: TaskContext) -> TaskResult:
        answer = TaskResult(task.request, error_to_failure(BusyError("full")) if fails else None)
        answers.append(weakref.ref(answer))
        return answer

    running = await serve(remember)
    gc.collect()
    gc.disable()
    try:
        await asyncio.gather(running.raw()(b"x"), return_exceptions=True)
        await wait_until(running.calls)
        await wait_until(lambda: [answer() for answer in answers] == [None])
    finally:
        gc.enable()


async def test_metrics_count_calls_checks_and_engine_time(serve: Any, check_request: Any) -> None:
    """A scrape over HTTP shows what was done: one check that disagrees, one call that was refused."""
    running = await serve(metrics_port=0)
    await running.stub.CheckGradients(check_request)
    await failure_of(running.stub.CheckGradients(gradient_service_pb2.CheckGradientsRequest()))
    seen = await scrape(running)
    assert value(seen, "grpc_server_started_total", **CHECK) == 2
    assert value(seen, "grpc_server_handled_total", grpc_method="CheckGradients", grpc_code="OK") == 1
    assert value(seen, "grpc_server_handled_total", grpc_method="CheckGradients", grpc_code="InvalidArgument") == 1
    assert value(seen, "grpc_server_handling_seconds_count", grpc_method="CheckGradients") == 2
    assert value(seen, "grpc_server_msg_received_total", grpc_method="CheckGradients") == 2
    assert value(seen, "grpc_server_msg_sent_total", grpc_method="CheckGradients") == 1
    assert value(seen, "gradproof_checks_total", verdict="disagrees") == 1
    assert value(seen, "gradproof_checks_total", verdict="agrees") == 0
    assert value(seen, "gradproof_problem_nodes_sum") == 2
    assert value(seen, "gradproof_problem_parameters_sum") == 6
    assert [value(seen, "gradproof_engine_seconds_count", stage=s) for s in ("read", "run", "compare")] == [2, 1, 1]
    assert value(seen, "gradproof_engine_seconds_sum", stage="run") > 0
    assert value(seen, "gradproof_queue_seconds_count") == 2
    assert value(seen, "gradproof_pending_calls") == 0
    assert value(seen, "gradproof_build_info") == 1


async def test_series_exist_before_the_first_call(serve: Any, held: Any) -> None:
    """Every method has its zeros, for every code, so that rates begin at zero."""
    running = await serve(held, metrics_port=0)
    seen = await scrape(running)
    for path in METHOD_TYPES:
        method = path.rsplit("/", 1)[1]
        assert value(seen, "grpc_server_started_total", grpc_method=method) == 0
        assert value(seen, "grpc_server_handling_seconds_count", grpc_method=method) == 0
        for code in CODE_NAMES.values():
            assert value(seen, "grpc_server_handled_total", grpc_method=method, grpc_code=code) == 0


def test_codes_are_spelt_as_in_go() -> None:
    """Dashboards made for go-grpc-middleware find their codes."""
    assert set(CODE_NAMES.values()) == {
        *("OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists"),
        *("PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented"),
        *("Internal", "Unavailable", "DataLoss", "Unauthenticated"),
    }


@pytest.mark.parametrize("service", ["", "gradproof.v1.GradientService"])
async def test_health_follows_the_server(serve: Any, held: Any, service: str) -> None:
    """Liveness and readiness are SERVING, and NOT_SERVING once the server is about to end, which still takes calls."""
    held.release.set()
    running = await serve(held)
    assert (await health(running, service)).status == health_pb2.HealthCheckResponse.SERVING
    await running.app.say_not_serving()
    assert (await health(running, service)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert await running.raw()(b"still") == b"still"


async def test_probes_are_logged_at_debug_level_only(serve: Any, held: Any) -> None:
    """A probe every second must not fill the log."""
    running = await serve(held)
    await health(running)
    assert [line["level"] for line in running.calls("/Check")] == ["debug"]


async def test_unknown_services_are_not_found(serve: Any, held: Any) -> None:
    """Health of a service that is not here is NOT_FOUND, and is counted as such."""
    running = await serve(held, metrics_port=0)
    error = await failure_of(health(running, "other"))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert value(await scrape(running), "grpc_server_handled_total", grpc_method="Check", grpc_code="NotFound") == 1


async def services_of(running: Any) -> set[str]:
    """The services that reflection lists."""
    requests = [reflection_pb2.ServerReflectionRequest(list_services="")]
    stub = reflection_pb2_grpc.ServerReflectionStub(running.channel)
    (response,) = [response async for response in stub.ServerReflectionInfo(iter(requests))]
    return {service.name for service in response.list_services_response.service}


async def test_reflection_lists_the_service(serve: Any, held: Any) -> None:
    """A client that knows nothing finds the service and health."""
    assert {"gradproof.v1.GradientService", "grpc.health.v1.Health"} <= await services_of(await serve(held))


async def test_reflection_can_be_switched_off(serve: Any, held: Any) -> None:
    """Without reflection the contract cannot be asked for."""
    running = await serve(held, reflection=False)
    with pytest.raises(aio.AioRpcError) as caught:
        await services_of(running)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_methods_that_do_not_exist_are_unimplemented(serve: Any, held: Any) -> None:
    """A misspelt method is UNIMPLEMENTED and makes no series."""
    running = await serve(held, metrics_port=0)
    error = await failure_of(running.raw("NoSuchMethod")(b""))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not [series for series in await scrape(running) if "NoSuchMethod" in series]
