"""GradientService: takes requests as bytes to the engine and brings responses, or failures, back."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from gradproof.v1 import gradient_service_pb2
from grpc import aio

from gradproof_server.engine.types import StoppedError
from gradproof_server.serving import calls
from gradproof_server.serving.answers import METHODS, Answer, Task
from gradproof_server.serving.compute import Compute
from gradproof_server.serving.interceptor import CallFailedError
from gradproof_server.serving.metrics import Metrics

SERVICE = gradient_service_pb2.DESCRIPTOR.services_by_name["GradientService"]
METHOD_PATHS = tuple(f"/{SERVICE.full_name}/{name}" for name in METHODS)


class GradientService:
    """The methods of the contract. Messages are read and written on the engine's side, never on the event loop."""

    def __init__(self, compute: Compute, metrics: Metrics) -> None:
        self._compute, self._metrics = compute, metrics

    def handler(self) -> grpc.GenericRpcHandler:
        """The methods, for a server; requests and responses stay bytes."""
        methods: dict[str, Any] = {name: grpc.unary_unary_rpc_method_handler(self._behavior(name)) for name in METHODS}
        return grpc.method_handlers_generic_handler(SERVICE.full_name, methods)

    def _behavior(self, name: str) -> Callable[[bytes, aio.ServicerContext[bytes, bytes]], Awaitable[bytes]]:
        async def serve(request: bytes, context: aio.ServicerContext[bytes, bytes]) -> bytes:
            remaining = context.time_remaining()
            deadline = None if remaining is None else time.monotonic() + remaining
            answer = await self._answer(Task(name, request, deadline))
            if answer.failure is not None:
                raise CallFailedError(answer.failure)
            return answer.response

        return serve

    async def _answer(self, task: Task) -> Answer:
        """Waits for the answer; stops the engine where the caller is gone or its deadline is over."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        ticket = self._compute.submit(task, functools.partial(_bring, loop, future))
        try:
            answer = await future
        except asyncio.CancelledError:
            ticket.stop(StoppedError("the caller does not wait any more"))
            raise
        finally:
            calls.note(queue_seconds=round(ticket.queue_seconds, 6))
        self._metrics.answered(answer.facts, ticket.queue_seconds)
        if answer.facts.verdict is not None:
            calls.note(verdict=answer.facts.verdict.name)
        return answer


def _bring(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Answer], answer: Answer) -> None:
    """Brings an answer from the engine's thread into the loop. (asyncio.wrap_future would leave a cycle behind.)"""
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_set, future, answer)


def _set(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
