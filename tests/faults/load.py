"""Load on servers that go away: no call of it may be lost, no answer wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradproof as gp

from tests.faults.harness import Server, serving
from tests.support.processes import wait_until
from tests.support.traffic.callers import Callers, Tally, Traffic
from tests.support.traffic.kinds import kinds, right_answers

KINDS = tuple(kind for kind in kinds() if kind.error is None and not kind.cancelled)
_CALLS = 20
"""By each way, between one fault and the next."""
Make = Callable[[Any], Any]


class Load:
    """Calls of all kinds in one way, and what became of them."""

    def __init__(self, make: Make, answers: dict[str, str]) -> None:
        self._traffic, self._tally = Traffic(KINDS, answers), Tally()
        self.callers = Callers(self._traffic, make, threads=2, coroutines=2)

    def take(self) -> Tally:
        """What became of the calls so far."""
        self._tally += self._traffic.take()
        return self._tally

    def wait_for_more(self) -> None:
        """Returns when so many more calls have been answered, or one was not."""
        enough = self.take().right + _CALLS

        def ready() -> bool:
            tally = self.take()
            return tally.right >= enough or bool(tally.lost or tally.wrong)

        wait_until(ready)


@contextlib.contextmanager
def load(servers: Sequence[Server], ways: Sequence[Make]) -> Iterator[list[Load]]:
    """Load in all ways at once, until the end of the block; then nothing was wrong, and nothing lost."""
    with ways[0](gp.Client) as client:
        answers = right_answers(KINDS, client)
    loads = [Load(make, answers) for make in ways]
    with contextlib.ExitStack() as stack:
        for one in loads:
            stack.enter_context(one.callers)
        yield loads
    for one in loads:
        tally = one.take()
        assert tally.lost == {}
        assert tally.wrong == {}


@contextlib.contextmanager
def two_servers(*flags: str) -> Iterator[tuple[Server, Server]]:
    """Two servers with one worker each."""
    with serving("--workers", "1", *flags) as first, serving("--workers", "1", *flags) as second:
        yield first, second


def client_of(servers: Sequence[Server] | str, tls: gp.TLS | None = None) -> Make:
    """Makes clients of two servers, which they call round robin, or of an address, with the SDK's defaults."""
    target = servers if isinstance(servers, str) else "ipv4:" + ",".join(server.target for server in servers)
    return lambda kind: kind(target, tls=tls)
