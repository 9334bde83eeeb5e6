"""Calls of both clients, and answers that are errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import gradproof as gp
import grpc

Run: TypeAlias = Callable[..., Any]
"""Makes one call with a client of its own: of a target, the method by its name, its arguments, and the client's as
`client`. Of a method that gives events, the list of them."""

PROBLEM = gp.Problem([gp.Linear(1, 1, bias=False, weight=[[1.0]])], input=[1.0], target=[0.0], loss=gp.L1Loss())
FAST = gp.Retry(attempts=3, initial_seconds=0.001, max_seconds=0.001)


def run_blocking(target: str, method: str, *args: Any, client: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    """With Client."""
    with gp.Client(target, **(client or {})) as made:
        result = getattr(made, method)(*args, **kwargs)
        return list(result) if isinstance(result, Iterator) else result


def run_awaited(target: str, method: str, *args: Any, client: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    """With AsyncClient, in an event loop of its own."""

    async def main() -> Any:
        async with gp.AsyncClient(target, **(client or {})) as made:
            result = getattr(made, method)(*args, **kwargs)
            return [event async for event in result] if hasattr(result, "__aiter__") else await result

    return asyncio.run(main())


def fail(code: grpc.StatusCode, text: str, details: bytes = b"") -> Callable[[Any, grpc.ServicerContext], Any]:
    """An answer that is an error."""

    def answer(_request: Any, context: grpc.ServicerContext) -> Any:
        if details:
            context.set_trailing_metadata((("grpc-status-details-bin", details),))
        context.abort(code, text)

    return answer
