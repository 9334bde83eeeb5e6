"""Authentication over gRPC: who is asked for a token, before what, and what errors, logs and the SDK say of it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradproof as gp
import grpc
import pytest
from google.rpc import error_details_pb2
from gradproof.cli.app import run
from gradproof_server.serving.server import StartError
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

SERVICE = "gradproof.v1.GradientService"
TOKEN = "correct-horse-battery-staple"
BODY_BYTES = 50 * 2**20


def bearer(token: str = TOKEN) -> tuple[tuple[str, str], ...]:
    """The metadata of a call with a token."""
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture
def callers_file(tmp_path: Path) -> Path:
    """A file of one caller, "kernels", whose token is TOKEN."""
    path = tmp_path / "callers.toml"
    write(path)
    return path


def write(path: Path, more: str = "", token: str = TOKEN) -> None:
    """Writes the file of that caller, with `more` in its entry."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    path.write_text(f'[[caller]]\nname = "kernels"\ntoken_sha256 = ["{digest}"]\n{more}\n')


async def failure_of(call: Any) -> aio.AioRpcError:
    """The error of a call that must fail."""
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize("method", ["ComputeGradients", "CheckGradients", "ListCatalog"])
async def test_a_call_needs_a_token(
    serve: Any, held: Any, callers_file: Path, details_of: Callable[[Any], Any], method: str
) -> None:
    """Without one, with a wrong one and with the right one; the engine sees only the last."""
    held.release.set()
    running = await serve(held, callers_file=callers_file)
    call = running.raw(method)
    for metadata, reason in ((None, "TOKEN_MISSING"), (bearer("wrong"), "TOKEN_INVALID")):
        error = await failure_of(call(b"x", metadata=metadata))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        info = error_details_pb2.ErrorInfo()
        assert details_of(error).details[0].Unpack(info)
        assert (info.reason, info.domain) == (reason, "gradproof")
    assert await call(b"x", metadata=bearer()) == b"x"
    assert held.requests == [b"x"]
    assert [(line["caller"], line.get("reason")) for line in running.calls()] == [
        ("", "TOKEN_MISSING"),
        ("", "TOKEN_INVALID"),
        ("kernels", None),
    ]


@pytest.mark.parametrize(("method", "kind"), [("VerifyGradients", "unary_stream"), ("CheckFunction", "stream_stream")])
async def test_streams_need_a_token_too(serve: Any, held: Any, callers_file: Path, method: str, kind: str) -> None:
    """They end before anything of them is read or opened."""
    running = await serve(held, callers_file=callers_file)
    call = getattr(running.channel, kind)(f"/{SERVICE}/{method}")
    stream = call(b"x") if kind == "unary_stream" else call()
    assert await stream.code() is grpc.StatusCode.UNAUTHENTICATED
    assert held.requests == []
    assert running.metric("gradproof_open_functions") == 0


class Counted:
    """A way to a server that counts the bytes that take it."""

    def __init__(self, port: int) -> None:
        self._port, self.to_server = port, 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        """Takes connections on the port that it returns."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Ends all connections."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        for source, sink, counts in ((reader, forth, True), (back, writer, False)):
            self._tasks.add(asyncio.create_task(self._pass(source, sink, counts)))

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, counts: bool) -> None:
        try:
            while data := await source.read(65_536):
                self.to_server += len(data) if counts else 0
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()


@pytest.mark.parametrize("metadata", [None, bearer("wrong"), bearer()])
async def test_the_body_of_a_caller_who_is_not_admitted_is_not_read(
    serve: Any, held: Any, callers_file: Path, metadata: Any
) -> None:
    """Of 50 MiB that a stranger sends, gRPC takes no more than its window before the call is over."""
    held.release.set()
    running = await serve(lambda task, *_: held(task, lambda: False, None), callers_file=callers_file)
    way = Counted(running.app.port)
    try:
        async with aio.insecure_channel(f"127.0.0.1:{await way.open()}") as channel:
            code = await channel.unary_unary(f"/{SERVICE}/ComputeGradients")(
                bytes(BODY_BYTES), metadata=metadata
            ).code()
    finally:
        await way.close()
    (line,) = running.calls()
    if metadata == bearer():
        assert line["request_bytes"] == BODY_BYTES < way.to_server
    else:
        assert code is grpc.StatusCode.UNAUTHENTICATED
        assert (line["requests"], line["request_bytes"], held.requests) == (0, 0, [])
        assert way.to_server < BODY_BYTES / 4


async def test_health_is_open_and_reflection_is_not(serve: Any, held: Any, callers_file: Path) -> None:
    """Probes have no token; the contract is for those who may call."""
    running = await serve(held, callers_file=callers_file)
    health = health_pb2_grpc.HealthStub(running.channel)
    assert (await health.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
    watch = health.Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()

    reflection = reflection_pb2_grpc.ServerReflectionStub(running.channel).ServerReflectionInfo
    request = reflection_pb2.ServerReflectionRequest(list_services="*")
    refused = reflection(iter([request]))
    assert await refused.code() is grpc.StatusCode.UNAUTHENTICATED
    assert dict(await refused.trailing_metadata())["grpc-status-details-bin"]
    assert running.metric("gradproof_refused_calls_total", reason="TOKEN_MISSING") == 1
    answers = [answer async for answer in reflection(iter([request]), metadata=bearer())]
    assert SERVICE in [service.name for service in answers[0].list_services_response.service]


async def test_without_a_file_reflection_and_calls_are_open(serve: Any, held: Any) -> None:
    """The caller is then the address; a token that comes is not looked at."""
    held.release.set()
    running = await serve(held)
    assert await running.raw()(b"x", metadata=bearer("anything")) == b"x"
    request = reflection_pb2.ServerReflectionRequest(list_services="*")
    stream = reflection_pb2_grpc.ServerReflectionStub(running.channel).ServerReflectionInfo(iter([request]))
    assert [answer async for answer in stream]
    assert [line["caller"] for line in running.calls()] == ["127.0.0.1"]


async def test_methods_that_are_not_allowed_are_refused(serve: Any, held: Any, callers_file: Path) -> None:
    """PERMISSION_DENIED, with the caller's name and the methods that are allowed."""
    held.release.set()
    write(callers_file, 'methods = ["ListCatalog"]')
    running = await serve(held, callers_file=callers_file)
    assert await running.raw("ListCatalog")(b"x", metadata=bearer()) == b"x"
    error = await failure_of(running.raw("ComputeGradients")(b"x", metadata=bearer()))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error.details() == "kernels may not call ComputeGradients; it may call ListCatalog"
    assert running.calls()[-1]["reason"] == "METHOD_NOT_ALLOWED"


async def test_a_caller_who_calls_too_often_is_told_when_to_come_back(
    serve: Any, held: Any, callers_file: Path, details_of: Callable[[Any], Any]
) -> None:
    """RESOURCE_EXHAUSTED with QuotaFailure, RetryInfo and gRPC's own pushback."""
    held.release.set()
    write(callers_file, "calls_per_minute = 2")
    running = await serve(held, callers_file=callers_file)
    for _ in range(2):
        await running.raw()(b"x", metadata=bearer())
    error = await failure_of(running.raw()(b"x", metadata=bearer()))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 25_000 < int(dict(error.trailing_metadata())["grpc-retry-pushback-ms"]) <= 30_000
    _, quota, retry = details_of(error).details
    failure, info = error_details_pb2.QuotaFailure(), error_details_pb2.RetryInfo()
    assert quota.Unpack(failure)
    assert retry.Unpack(info)
    assert failure.violations[0].subject == "caller"
    assert 25 < info.retry_delay.ToTimedelta().total_seconds() <= 30


async def test_callers_change_without_a_restart(serve: Any, held: Any, callers_file: Path) -> None:
    """The new token is taken and the old one refused; a broken file changes nothing."""
    held.release.set()
    running = await serve(held, callers_file=callers_file, reload_seconds=0.05)

    async def code(token: str) -> grpc.StatusCode:
        return await running.raw()(b"x", metadata=bearer(token)).code()

    async with asyncio.timeout(20):
        callers_file.write_text("[[caller")
        while not any(line["event"].startswith("files cannot be used") for line in running.lines):
            assert await code(TOKEN) is grpc.StatusCode.OK
        write(callers_file, token="another")
        while await code("another") is not grpc.StatusCode.OK:
            pass
    assert await code(TOKEN) is grpc.StatusCode.UNAUTHENTICATED


async def test_a_file_that_cannot_be_used_is_a_start_error(serve: Any, held: Any, callers_file: Path) -> None:
    """The server does not start open, nor closed, by mistake."""
    callers_file.write_text('[[caller]]\nname = "a"\n')
    with pytest.raises(StartError, match="caller 'a': has neither token_sha256 nor subjects"):
        await serve(held, callers_file=callers_file)


async def test_the_sdk_and_the_command_say_what_is_wrong(
    serve: Any, callers_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing token, a wrong one, a method that is not allowed: errors of their own; the right one works."""
    write(callers_file, 'methods = ["ListCatalog"]')
    running = await serve(callers_file=callers_file)
    target = f"127.0.0.1:{running.app.port}"
    problem = gp.Problem([gp.Linear(1, 1, weight=[[1.0]], bias=[0.0])], input=[1.0], target=[1.0], loss=gp.L1Loss())
    async with gp.AsyncClient(target) as client:
        with pytest.raises(gp.UnauthenticatedError, match="this server wants a token") as missing:
            await client.catalog()
    assert missing.value.reason == "TOKEN_MISSING"
    async with gp.AsyncClient(target, token="wrong") as client:
        with pytest.raises(gp.UnauthenticatedError, match="the token is not known to this server"):
            await client.catalog()
    async with gp.AsyncClient(target, token=TOKEN) as client:
        assert (await client.catalog()).layers
        with pytest.raises(gp.PermissionDeniedError, match="kernels may not call ComputeGradients") as denied:
            await client.compute(problem)
    assert denied.value.reason == "METHOD_NOT_ALLOWED"

    def command(*options: str) -> tuple[int, str]:
        status = run(["catalog", "Linear", "--target", target, *options])
        return status, "".join(capsys.readouterr())

    status, output = await asyncio.to_thread(command)
    assert (status, "this server wants a token" in output) == (2, True)
    status, output = await asyncio.to_thread(command, "--token", "guessed")
    assert (status, "the token is not known to this server" in output, "guessed" in output) == (2, True, False)
    monkeypatch.setenv("GRADPROOF_TOKEN", TOKEN)
    status, output = await asyncio.to_thread(command)
    assert (status, "in_features" in output) == (0, True)


@pytest.mark.e2e
async def test_the_documented_command_makes_a_token_that_works(
    serve: Any, held: Any, callers_file: Path, request: pytest.FixtureRequest
) -> None:
    """docs/server.md has a line of Python that prints a new token and its digest."""
    held.release.set()
    page = (request.config.rootpath / "docs/server.md").read_text()
    (line,) = re.findall(r"^python -c '(import hashlib.*)'$", page, re.MULTILINE)
    output = await asyncio.to_thread(subprocess.check_output, [sys.executable, "-c", line], text=True)
    token, digest = output.split()
    callers_file.write_text(f'[[caller]]\nname = "a"\ntoken_sha256 = ["{digest}"]\n')
    running = await serve(held, callers_file=callers_file)
    assert await running.raw()(b"x", metadata=bearer(token)) == b"x"
