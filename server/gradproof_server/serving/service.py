"""GradientService: takes requests as bytes to the engine and brings responses, or failures, back."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import grpc
from gradproof.v1 import gradient_service_pb2
from grpc import aio

from gradproof_server.serving import calls
from gradproof_server.serving.compute import Executor, Job
from gradproof_server.serving.errors import DeadlineExceededError
from gradproof_server.serving.failures import CallFailedError
from gradproof_server.serving.function_service import FunctionService
from gradproof_server.serving.mailbox import Mailbox
from gradproof_server.serving.methods import STREAMING, UNARY, StreamMessage, Task, TaskResult
from gradproof_server.serving.metrics import Metrics
from gradproof_server.serving.submission import call_in, submitted

T = TypeVar("T")
SERVICE = gradient_service_pb2.DESCRIPTOR.services_by_name["GradientService"]
_FUNCTIONS = "CheckFunction"
METHOD_TYPES = {
    f"/{SERVICE.full_name}/{name}": kind
    for kind, names in {"unary": UNARY, "server_stream": STREAMING, "bidi_stream": (_FUNCTIONS,)}.items()
    for name in names
}
"""Every method by its path, with its type as metrics call it."""
_LAST_WORD_SECONDS = 0.5
"""After the deadline, for what the engine says of it to reach a caller who reads."""
_Context: TypeAlias = "aio.ServicerContext[bytes, bytes]"


class GradientService:
    """The methods of the contract. Messages are read and written on the engine's side, never on the event loop.

    Args:
        compute: answers all but functions.
        functions: answers functions.
        metrics: counts.
        max_call_seconds: after which a call is ended that has no deadline, or a later one.
    """

    def __init__(
        self, compute: Executor, functions: FunctionService, metrics: Metrics, max_call_seconds: float
    ) -> None:
        self._compute, self._functions, self._metrics = compute, functions, metrics
        self._max_call_seconds = max_call_seconds

    def handler(self) -> grpc.GenericRpcHandler:
        """The methods, for a server; requests and responses stay bytes."""
        methods: dict[str, Any] = {
            **{name: grpc.unary_unary_rpc_method_handler(self._unary(name)) for name in UNARY},
            **{name: grpc.unary_stream_rpc_method_handler(self._stream(name)) for name in STREAMING},
            _FUNCTIONS: grpc.stream_stream_rpc_method_handler(self._check_function),
        }
        return grpc.method_handlers_generic_handler(SERVICE.full_name, methods)

    def _unary(self, name: str) -> Callable[[bytes, _Context], Awaitable[bytes]]:
        async def serve(request: bytes, context: _Context) -> bytes:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[TaskResult] = loop.create_future()
            task, done = self._task(name, request, context), functools.partial(_bring, loop, future)
            with submitted(self._compute, task, done) as ticket:
                answer = await future
            return self._answered(answer, ticket).response

        return serve

    def _stream(self, name: str) -> Callable[[bytes, _Context], Awaitable[None]]:
        async def serve(request: bytes, context: _Context) -> None:
            loop = asyncio.get_running_loop()
            mailbox = Mailbox(calls.keeper())
            done, part = functools.partial(call_in, loop, mailbox.close), functools.partial(call_in, loop, mailbox.put)
            task = self._task(name, request, context)
            with submitted(self._compute, task, done, part) as ticket:
                news = await _passed_on(mailbox, context, task)
            self._answered(news, ticket)

        return serve

    def _task(self, name: str, request: bytes, context: _Context) -> Task:
        remaining = context.time_remaining()
        seconds = self._max_call_seconds if remaining is None else min(remaining, self._max_call_seconds)
        return Task(name, request, time.monotonic() + seconds, calls.caller())

    async def _check_function(self, _requests: object, context: _Context) -> None:
        self._counted(await self._functions.serve(context))

    def _answered(self, answer: TaskResult, ticket: Job) -> TaskResult:
        """Counts an answer and how long it waited; raises its failure."""
        self._metrics.waited(ticket.queue_seconds)
        return self._counted(answer)

    def _counted(self, answer: TaskResult) -> TaskResult:
        """Counts an answer; raises its failure."""
        facts = answer.facts
        self._metrics.answered(facts)
        for name, stage in facts.stages.items():
            calls.timed(name, stage.begin, stage.end, stage.seconds)
        if facts.verdict is not None:
            calls.note(verdict=facts.verdict.name)
        if answer.failure is not None:
            raise CallFailedError(answer.failure)
        return answer


async def _passed_on(mailbox: Mailbox, context: _Context, task: Task) -> TaskResult:
    """Writes the parts of a stream; what comes last. A caller who reads slowly has until the deadline to read."""
    assert task.deadline is not None
    try:
        async with asyncio.timeout(task.deadline - time.monotonic() + _LAST_WORD_SECONDS):
            while isinstance(news := await mailbox.next(), StreamMessage):
                calls.sent(len(news.response))
                await context.write(news.response)
            return news
    except TimeoutError:
        raise DeadlineExceededError("the deadline passed before all was read") from None


def _bring(loop: asyncio.AbstractEventLoop, future: asyncio.Future[TaskResult], answer: TaskResult) -> None:
    """Brings an answer from the engine's thread into the loop. (asyncio.wrap_future would leave a cycle behind.)"""
    call_in(loop, functools.partial(_set, future), answer)


def _set(future: asyncio.Future[TaskResult], answer: TaskResult) -> None:
    if not future.done():
        future.set_result(answer)
