"""Submitting a task from the event loop, and bringing what comes of it back into the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from gradproof_server.engine.types import StoppedError
from gradproof_server.serving import calls
from gradproof_server.serving.compute import Executor, Job
from gradproof_server.serving.methods import SendMessage, Task, TaskResult, no_messages

T = TypeVar("T")


@contextlib.contextmanager
def submitted(
    compute: Executor, task: Task, done: Callable[[TaskResult], None], part: SendMessage = no_messages
) -> Iterator[Job]:
    """A task that is stopped where its caller is gone or its deadline is over."""
    ticket = compute.submit(task, done, part)
    try:
        yield ticket
    except BaseException:
        ticket.stop(StoppedError("the caller does not wait any more"))
        raise
    finally:
        waited = ticket.queue_seconds
        calls.timed("queue", ticket.submitted, ticket.submitted + waited, waited)
        calls.note(queue_seconds=round(waited, 6))


def call_in(loop: asyncio.AbstractEventLoop, function: Callable[[T], None], argument: T) -> None:
    """Calls a function in the loop, from any thread."""
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(function, argument)
