"""How a call of grpc.aio ended, as the server said it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar, cast

import grpc.aio

from gradproof._status import FailedCall

T = TypeVar("T")


class FirstStatus:
    """The status with which a call ended: `status`, None until then.

    grpc.aio replaces it by INTERNAL where a request is on its way at that moment, as that of a stream which a full
    server refuses at once.

    Args:
        call: of grpc.aio, before it ends.
    """

    def __init__(self, call: Any) -> None:
        self.status: FailedCall | None = None
        call.add_done_callback(self._take)

    def _take(self, call: Any) -> None:
        if self.status is None:
            code, details, trailing = map(_at_once, (call.code(), call.details(), call.trailing_metadata()))
            self.status = cast(FailedCall, grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details))


def _at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as returned:
        return cast(T, returned.value)
    raise RuntimeError("it waits")
