"""A reader of events that lags behind: the server waits for it, other calls do not, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Any

import gradproof as gp
import grpc
import pytest
from gradproof.v1.gradient_service_pb2 import VerifyGradientsResponse as Response

from tests.client.test_verify import PROBLEM, estimated, looked_at, reported

TENSORS = 256
NOTE = "x" * 65536
"""Of each tensor: together many times what a connection holds."""


def read_blocking(target: str) -> list[gp.WitnessEvent]:
    """All events, of which the second is read after another call of the same client."""
    with gp.Client(target) as client:
        events = client.verify_events(PROBLEM)
        first = next(events)
        assert client.health()
        return [first, *events]


def read_awaited(target: str) -> list[gp.WitnessEvent]:
    """The same with AsyncClient."""

    async def main() -> list[gp.WitnessEvent]:
        async with gp.AsyncClient(target) as client, aclosing(client.verify_events(PROBLEM)) as events:
            first = await anext(events)
            assert await client.health()
            return [first, *[event async for event in events]]

    return asyncio.run(main())


@pytest.mark.parametrize("read", [read_blocking, read_awaited], ids=["Client", "AsyncClient"])
def test_a_reader_that_lags_gets_everything(read: Callable[[str], list[Any]], fake: Any) -> None:
    """In its order; and the server had not sent all of it before it was read."""
    sent: list[int] = []
    before: list[int] = []

    def verify(_requests: Iterator[Any], _context: grpc.ServicerContext) -> Iterator[Response]:
        yield estimated()
        for number in range(TENSORS):
            sent.append(number)
            answer = looked_at("0.weight")
            answer.tensor.elements, answer.tensor.note = number, NOTE
            yield answer
        yield reported()

    def health(_request: bytes, _context: grpc.ServicerContext) -> bytes:
        before.append(len(sent))
        return b"\x08\x01"

    fake.answers.update(VerifyGradients=verify, Check=health)
    estimate, *tensors, verification = read(fake.target)
    assert isinstance(estimate, gp.Estimate)
    assert [tensor.elements for tensor in tensors] == list(range(TENSORS))
    assert isinstance(verification, gp.Verification)
    assert before[0] < TENSORS
