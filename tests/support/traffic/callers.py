"""Mixed traffic by the SDK with its defaults, and an account of what became of every call."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradproof as gp
from gradproof.aio import AsyncClient
from gradproof.errors import CallError

from tests.support.traffic.fingerprint import fingerprint
from tests.support.traffic.kinds import Kind

_CANCEL_SECONDS = 0.1


@dataclass
class Tally:
    """What became of calls. A wrong answer is one that differs in any bit from the right one, or an answer where there
    must be none; a lost call is one that failed although its caller did nothing that would make it fail.

    seconds: of the calls that got their right answer, by kind.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Tally) -> Tally:
        for kind, seconds in other.seconds.items():
            self.seconds.setdefault(kind, []).extend(seconds)
        self.wrong += other.wrong
        self.lost += other.lost
        return self

    @property
    def right(self) -> int:
        """Calls that ended as they must."""
        return sum(map(len, self.seconds.values()))

    @property
    def all_seconds(self) -> list[float]:
        """Of all kinds together, sorted."""
        return sorted(second for seconds in self.seconds.values() for second in seconds)


class Traffic:
    """Calls at random from a mixture, each judged.

    Args:
        kinds: the mixture.
        answers: fingerprints of the right answers.
        seed: of the order of calls.
    """

    def __init__(self, kinds: Sequence[Kind], answers: Mapping[str, str], seed: int = 0) -> None:
        self._kinds, self._answers = kinds, answers
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._tally = Tally()

    def take(self) -> Tally:
        """What became of the calls since this was last asked."""
        with self._lock:
            tally, self._tally = self._tally, Tally()
        return tally

    def one(self, client: gp.Client) -> None:
        """One call that blocks."""
        kind = self._drawn([kind for kind in self._kinds if not kind.cancelled])
        with self._judged(kind) as judge:
            judge(getattr(client, kind.method)(*kind.arguments, **kind.options))

    async def one_async(self, client: AsyncClient) -> None:
        """One call of asyncio."""
        kind = self._drawn(self._kinds)
        with self._judged(kind) as judge:
            call = getattr(client, kind.method)(*kind.arguments, **kind.options)
            judge(await (_cancelled(call) if kind.cancelled else call))

    def _drawn(self, kinds: Sequence[Kind]) -> Kind:
        with self._lock:
            return self._random.choices(kinds, [kind.weight for kind in kinds])[0]

    @contextlib.contextmanager
    def _judged(self, kind: Kind) -> Iterator[Callable[[Any], None]]:
        started = time.perf_counter()
        answers: list[Any] = []
        error: Exception | None = None
        try:
            yield answers.append
        except Exception as raised:  # whatever the caller sees instead of an answer
            error = raised
        self._count(kind, answers, error, time.perf_counter() - started)

    def _count(self, kind: Kind, answers: list[Any], error: Exception | None, seconds: float) -> None:
        if error is not None:
            right = kind.expects(error)
        else:
            right = kind.cancelled or self._answers.get(kind.name) == fingerprint(answers[0])
        with self._lock:
            if right:
                self._tally.seconds.setdefault(kind.name, []).append(seconds)
            elif error is None:
                self._tally.wrong[kind.name] += 1
            else:
                self._tally.lost[f"{kind.name}: {_words(error)}"] += 1


def _words(error: Exception) -> str:
    if isinstance(error, CallError) and error.code is not None:
        return f"{error.code.name} {error.reason or str(error)[:100]}"
    return f"{type(error).__name__} {str(error)[:100]}"


async def _cancelled(call: Any) -> None:
    """Gives a call up after a moment; raises what it raised before."""
    task = asyncio.ensure_future(call)
    done, _ = await asyncio.wait({task}, timeout=_CANCEL_SECONDS)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    del done


class Callers:
    """Callers in threads with one client, and coroutines with another, until the end of the block.

    Args:
        traffic: what they call.
        make: a client of a class, Client or AsyncClient.
        threads, coroutines: how many.
    """

    def __init__(self, traffic: Traffic, make: Callable[[Any], Any], threads: int, coroutines: int) -> None:
        self._traffic, self._make, self._coroutines = traffic, make, coroutines
        self._end = threading.Event()
        self._client: gp.Client = make(gp.Client)
        bodies = [self._block] * threads + [self._run_loop]
        self._threads = [threading.Thread(target=body, daemon=True) for body in bodies]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def _block(self) -> None:
        while not self._end.is_set():
            self._traffic.one(self._client)

    def _run_loop(self) -> None:
        asyncio.run(self._call_in_loop())

    async def _call_in_loop(self) -> None:
        async def caller(client: AsyncClient) -> None:
            while not self._end.is_set():
                await self._traffic.one_async(client)

        async with self._make(AsyncClient) as client:
            await asyncio.gather(*(caller(client) for _ in range(self._coroutines)))


def percentile(sorted_values: Sequence[float], percent: float) -> float:
    """The value below which so many percent lie; NaN of nothing."""
    if not sorted_values:
        return float("nan")
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * percent / 100))]
