"""The embedded server: private, quiet, and gone when it is stopped."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from gradproof.v1 import gradient_service_pb2, gradient_service_pb2_grpc, tensor_pb2
from gradproof_server.app import start_embedded
from gradproof_server.serving.server import StartError
from gradproof_server.settings import Settings
from grpc import aio
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc


def check(target: str, request: Any) -> Any:
    """One check at a target."""
    with grpc.insecure_channel(target) as channel:
        return gradient_service_pb2_grpc.GradientServiceStub(channel).CheckGradients(request, timeout=60)


def test_it_answers_and_leaves_nothing_behind(check_request: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """After stop() there is no thread, no folder, and no output; a second stop() does nothing."""
    before = set(threading.enumerate())
    server = start_embedded()
    folder = Path(server.target.removeprefix("unix:")).parent
    assert check(server.target, check_request).verdict == 2
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    server.stop()
    server.stop()
    assert set(threading.enumerate()) - before == set()
    assert not folder.exists()
    assert capfd.readouterr() == ("", "")


def test_two_servers_do_not_disturb_each_other(check_request: Any) -> None:
    """Each has a socket of its own; stopping one leaves the other."""
    with start_embedded() as first:
        with start_embedded() as second:
            assert first.target != second.target
        assert check(first.target, check_request).verdict == 2


def test_it_keeps_the_threads_of_the_process(check_request: Any) -> None:
    """PyTorch computes with as many threads as the caller uses himself."""
    threads = torch.get_num_threads()
    with start_embedded() as server:
        assert check(server.target, check_request).reference.environment.threads == threads
    assert torch.get_num_threads() == threads


def test_settings_are_obeyed(check_request: Any) -> None:
    """Limits reach the engine."""
    with start_embedded(Settings(max_parameters=5)) as server, pytest.raises(grpc.RpcError) as caught:
        check(server.target, check_request)
    assert "max_parameters is 5" in str(caught.value)


def test_it_offers_no_reflection() -> None:
    """Nobody needs to ask a private server for its contract."""
    with start_embedded() as server, grpc.insecure_channel(server.target) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")])))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_it_can_be_used_from_a_running_event_loop(check_request: Any) -> None:
    """As in a notebook: it has a loop of its own."""
    with start_embedded() as server:
        async with aio.insecure_channel(server.target) as channel:
            stub = gradient_service_pb2_grpc.GradientServiceStub(channel)
            responses = await asyncio.gather(*(stub.CheckGradients(check_request) for _ in range(20)))
    assert {response.verdict for response in responses} == {2}


async def test_open_streams_are_told_that_it_stops() -> None:
    """A check of a function that waits for its caller ends with SHUTTING_DOWN, and no thread is left."""
    one = tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT64, data=bytes(8))
    start = gradient_service_pb2.FunctionStart(claim={"point": {"x": one}, "output": one})
    start.claim.gradient.tensors["x"].CopyFrom(one)
    server = start_embedded()
    async with aio.insecure_channel(server.target) as channel:
        call = gradient_service_pb2_grpc.GradientServiceStub(channel).CheckFunction()
        await call.write(gradient_service_pb2.CheckFunctionRequest(start=start))
        assert (await call.read()).HasField("estimate")
        assert (await call.read()).HasField("points")
        await asyncio.to_thread(server.stop)
        with pytest.raises(aio.AioRpcError) as caught:
            await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert b"SHUTTING_DOWN" in dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("gradproof")] == []


def test_where_unix_sockets_cannot_be_used_it_is_on_the_loopback(
    check_request: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A temporary folder with too long a name gives a free port on 127.0.0.1."""
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with start_embedded() as server:
        assert server.target.startswith("127.0.0.1:")
        assert check(server.target, check_request).verdict == 2
    assert list(deep.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_failed_start_raises_and_leaves_nothing_behind() -> None:
    """The error says why; no thread is left."""
    before = set(threading.enumerate())
    with pytest.raises(StartError, match="no CUDA device"):
        start_embedded(Settings(device="cuda"))
    assert set(threading.enumerate()) - before == set()


@pytest.mark.e2e
def test_a_forgotten_server_does_not_hold_the_process(tmp_path: Path) -> None:
    """A script that never calls stop() ends by itself, silently, and its folder is removed."""
    script = "from gradproof_server.app import start_embedded; print(start_embedded().target)"
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"unix:{tmp_path}")
    assert list(tmp_path.glob("gradproof-*")) == []
