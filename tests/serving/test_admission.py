"""Admission: bounds for all and for each caller, and turns that are fair."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from gradproof_server.serving.admission import Bounds, FairQueue, Quotas
from gradproof_server.serving.errors import BusyError, QuotaExceededError, ShuttingDownError
from hypothesis import given
from hypothesis import strategies as st

SOON = 20.0
PLENTY = Bounds(10_000, 1 << 40)


def queue_of(tasks: Sequence[str], **bounds: Bounds) -> FairQueue[str]:
    """A queue with tasks whose first letter is their caller, each of one byte."""
    queue: FairQueue[str] = FairQueue(Quotas(bounds.get("all", PLENTY), bounds.get("each", PLENTY)))
    for task in tasks:
        queue.put(task, task[0], 1)
    return queue


def test_callers_take_turns() -> None:
    """Who sent many tasks first does not keep others waiting for all of them."""
    queue = queue_of(["a1", "a2", "a3", "b1", "c1", "c2"])
    assert [queue.get() for _ in range(6)] == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_who_comes_back_is_last_in_turn() -> None:
    """A caller whose only task was taken does not jump ahead with the next one."""
    queue = queue_of(["a1", "b1", "b2"])
    assert queue.get() == "a1"
    queue.put("a2", "a", 1)
    assert [queue.get() for _ in range(3)] == ["b1", "a2", "b2"]


def test_the_bounds_of_all_and_of_each_are_different_errors() -> None:
    """One caller at its quota is told so, while others are still taken; a full queue refuses everybody."""
    queue = queue_of(["a1", "a2"], all=Bounds(3, 100), each=Bounds(2, 100))
    with pytest.raises(QuotaExceededError, match="2 calls of this caller"):
        queue.put("a3", "a", 1)
    queue.put("b1", "b", 1)
    with pytest.raises(BusyError, match="3 calls wait or run"):
        queue.put("c1", "c", 1)


def test_bytes_are_bounded_for_all_and_for_each() -> None:
    """A request alone is always taken; with others, only what fits."""
    queue = queue_of([], all=Bounds(10, 100), each=Bounds(10, 50))
    queue.put("a1", "a", 60)
    with pytest.raises(QuotaExceededError, match="60 bytes wait or run, of 50"):
        queue.put("a2", "a", 1)
    queue.put("b1", "b", 40)
    with pytest.raises(BusyError, match="100 bytes wait or run, of 100"):
        queue.put("c1", "c", 1)


def test_a_running_task_counts_until_it_is_released() -> None:
    """Taking a task from the queue makes no room; its end does."""
    queue = queue_of(["a1"], each=Bounds(1, 10))
    assert queue.get() == "a1"
    assert (queue.size, queue.waiting) == (1, 0)
    with pytest.raises(QuotaExceededError):
        queue.put("a2", "a", 1)
    queue.release("a1")
    queue.put("a2", "a", 1)


def test_a_released_task_never_comes() -> None:
    """A task that is given up while it waits leaves the queue."""
    queue = queue_of(["a1", "b1"])
    queue.release("a1")
    assert queue.waiting_by_caller() == {"b": 1}
    assert queue.get() == "b1"


def test_a_closed_queue_ends_who_waits() -> None:
    """What is left still comes, then None; nothing is taken any more."""
    queue = queue_of(["a1"])
    with ThreadPoolExecutor(3) as threads:
        found = [threads.submit(queue.get) for _ in range(3)]
        queue.close()
        assert sorted(map(str, (future.result(SOON) for future in found))) == ["None", "None", "a1"]
    with pytest.raises(ShuttingDownError):
        queue.put("b1", "b", 1)


@given(st.lists(st.sampled_from("abcd"), max_size=40))
def test_no_caller_waits_longer_than_one_round(order: list[str]) -> None:
    """Between two tasks of a caller that waits, every other caller has at most one."""
    queue = queue_of([f"{caller}{i}" for i, caller in enumerate(order)])
    turns = [str(queue.get())[0] for _ in order]
    for caller in set(order):
        places = [i for i, turn in enumerate(turns) if turn == caller]
        for first, second in itertools.pairwise(places):
            between = turns[first + 1 : second]
            assert len(between) == len(set(between))
    assert sorted(turns) == sorted(order)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.booleans()), max_size=60))
def test_nothing_is_kept_of_what_is_gone(events: list[tuple[str, int, bool]]) -> None:
    """After all tasks are released the queue is as new, whatever was taken, refused and given up."""
    queue = queue_of([], all=Bounds(6, 30), each=Bounds(3, 20))
    live = []
    for number, (caller, size, taken) in enumerate(events):
        task = f"{caller}{number}"
        try:
            queue.put(task, caller, size)
            live.append(task)
        except (BusyError, QuotaExceededError):
            assert task not in queue.live()
        if taken and queue.waiting:
            done = queue.get()
            assert done is not None
            queue.release(done)
            live.remove(done)
    assert queue.live() == live
    for task in live:
        queue.release(task)
    assert (queue.size, queue.waiting, queue._tasks, queue._bytes) == (0, 0, {}, {})


def test_many_threads_take_every_task_once() -> None:
    """Nothing is lost or done twice where eight threads put and eight take."""
    queue = queue_of([])
    taken: list[str] = []
    lock = threading.Lock()

    def take() -> None:
        while (task := queue.get()) is not None:
            queue.release(task)
            with lock:
                taken.append(task)

    with ThreadPoolExecutor(16) as threads:
        takers = [threads.submit(take) for _ in range(8)]
        puts = [threads.submit(queue_many, queue, caller) for caller in "abcdefgh"]
        for put in puts:
            put.result(SOON)
        queue.close()
        for taker in takers:
            taker.result(SOON)
    assert sorted(taken) == sorted(f"{caller}{i}" for caller in "abcdefgh" for i in range(100))


def queue_many(queue: FairQueue[str], caller: str) -> None:
    """Puts a hundred tasks of one caller."""
    for i in range(100):
        queue.put(f"{caller}{i}", caller, 1)
