"""Secrets: neither what requests say nor the tokens of callers are in log lines, at the most talkative level."""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path
from typing import Any

import grpc
import pytest
from gradproof.v1 import gradient_service_pb2, problem_pb2, tensor_pb2
from grpc import aio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOKEN = "hunter2-correct-horse"
NAME = "SecretLayerName"
numbers = st.floats(1e-3, 1e6).filter(lambda x: len(repr(x)) > 10)


def traces(number: float) -> set[str]:
    """How a number would show in a text: its digits, as a double or a float, and its bytes as Python writes them."""
    single = struct.unpack("<f", struct.pack("<f", number))[0]
    digits = {repr(number), repr(single), f"{number:.6g}", f"{single:.6f}"}
    return {text for text in digits if len(text) >= 7} | {repr(struct.pack("<d", number))[2:-1]}


def problem_of(number: float) -> problem_pb2.Problem:
    """A linear layer whose every number is this one, and its name a secret."""
    problem = problem_pb2.Problem()
    node = problem.network.nodes.add(name=NAME)
    node.layer.linear.in_features, node.layer.linear.out_features, node.layer.linear.bias = 1, 1, False
    one = tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT64, shape=[1, 1], data=struct.pack("<d", number))
    problem.parameters[f"{NAME}.weight"].CopyFrom(one)
    problem.inputs["input"].CopyFrom(one)
    problem.targets["target"].CopyFrom(one)
    problem.loss.mse_loss.SetInParent()
    problem.optimizer.sgd.lr = number
    return problem


def right(number: float) -> gradient_service_pb2.CheckGradientsRequest:
    """A check that is answered, with a claim that disagrees."""
    request = gradient_service_pb2.CheckGradientsRequest(problem=problem_of(number))
    claimed = request.claim.tensors.add(value=request.problem.inputs["input"])
    claimed.id.quantity, claimed.id.name = tensor_pb2.QUANTITY_GRADIENT, f"{NAME}.weight"
    request.diagnosis.max_seconds = 0.02
    return request


def wrong(number: float) -> gradient_service_pb2.CheckGradientsRequest:
    """A check that is refused, for a number and for a shape."""
    request = right(number)
    request.problem.optimizer.sgd.momentum = -number
    request.problem.parameters[f"{NAME}.weight"].shape[0] = 3
    return request


def large(number: float) -> gradient_service_pb2.CheckGradientsRequest:
    """A check above a limit, with a secret in the path of the field."""
    request = right(number)
    request.problem.parameters[f"{NAME}.weight"].shape[0] = 2**40
    return request


@pytest.fixture
def callers_file(tmp_path: Path) -> Path:
    """A file of one caller, who may not do everything."""
    path = tmp_path / "callers.toml"
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    path.write_text(
        f'[[caller]]\nname = "me"\ntoken_sha256 = ["{digest}"]\nmethods = ["CheckGradients", "VerifyGradients"]\n'
    )
    return path


async def test_log_lines_have_nothing_of_requests_and_tokens(serve: Any, callers_file: Path) -> None:
    """Whether a call is answered, refused or not admitted, and whatever the numbers are."""
    running = await serve(callers_file=callers_file, log_level="debug")
    log: io.StringIO = running.log
    outcomes: set[grpc.StatusCode] = set()

    async def send(number: float) -> None:
        for make in (right, wrong, large):
            for token in (TOKEN, TOKEN[:-1]):
                metadata = (("authorization", f"Bearer {token}"),)
                call = running.raw("CheckGradients")(make(number).SerializeToString(), metadata=metadata)
                outcomes.add(await call.code())
        metadata = (("authorization", f"Bearer {TOKEN}"),)
        outcomes.add(await running.raw("ComputeGradients")(b"x", metadata=metadata).code())
        outcomes.add(
            await running.raw("CheckGradients")(right(number).SerializeToString()[:-3], metadata=metadata).code()
        )

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(numbers)
    def collect(number: float) -> None:
        chosen.append(number)

    chosen: list[float] = []
    collect()
    for number in chosen:
        before = len(log.getvalue())
        await send(number)
        lines = log.getvalue()[before:]
        assert lines.count('"event": "call"') == 8
        assert [trace for trace in traces(number) if trace in lines] == []
        assert [text for text in (TOKEN[:-1], NAME, "weight", "Bearer") if text in lines] == []
    assert outcomes == {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }


async def test_errors_have_nothing_of_tokens(serve: Any, callers_file: Path) -> None:
    """Neither message nor trailing metadata repeats what was shown, or tells what would be right."""
    running = await serve(callers_file=callers_file)
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    for shown in (f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, f"Bearer {digest}", "Bearer"):
        with pytest.raises(aio.AioRpcError) as caught:
            await running.raw("CheckGradients")(b"", metadata=(("authorization", shown),))
        told = f"{caught.value.details()} {[*caught.value.trailing_metadata()]}"
        assert [text for text in (TOKEN, digest, digest[:8]) if text in told] == []
