"""The line to a worker: what is sent arrives, whatever its size, and leaves nothing behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe
from pathlib import Path

import pytest
from gradproof_server.serving.workers.link import INLINE_BYTES, Link

SOON = 30.0


@pytest.fixture
def links() -> Iterator[tuple[Link, Link]]:
    """Both ends of a line."""
    first, second = map(Link, Pipe())
    yield first, second
    first.close()
    second.close()


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES, INLINE_BYTES + 1, 10 * INLINE_BYTES + 7])
def test_payloads_arrive_as_they_were_sent(links: tuple[Link, Link], size: int) -> None:
    """Inline and through shared memory, byte by byte."""
    payload = os.urandom(size)
    with ThreadPoolExecutor(1) as thread:
        received = thread.submit(links[1].receive)
        links[0].send("message", payload)
        assert received.result(SOON) == ("message", payload)


def test_messages_of_many_threads_do_not_mix(links: tuple[Link, Link]) -> None:
    """Each message keeps its own payload, also where descriptors travel beside others."""

    def send(number: int) -> None:
        for size in (10, INLINE_BYTES + number, 100):
            links[0].send(number, bytes([number]) * size)

    with ThreadPoolExecutor(9) as threads:
        received = threads.submit(lambda: [links[1].receive() for _ in range(24)])
        list(threads.map(send, range(8)))
        for number, payload in received.result(SOON):
            assert payload == bytes([number]) * len(payload)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_no_descriptor_is_left(links: tuple[Link, Link]) -> None:
    """Shared memory is closed on both sides."""
    before = len(os.listdir("/proc/self/fd"))
    with ThreadPoolExecutor(1) as thread:
        for _ in range(20):
            received = thread.submit(links[1].receive)
            links[0].send("message", bytes(INLINE_BYTES + 1))
            received.result(SOON)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_end_of_the_other_side_is_told(links: tuple[Link, Link]) -> None:
    """Receiving raises EOFError, sending OSError."""
    links[1].close()
    with pytest.raises((EOFError, OSError)):
        links[0].receive()
    with pytest.raises(OSError):  # noqa: PT011 (a broken pipe or a reset connection)
        links[0].send("message")


def test_a_receiver_that_waits_is_ended_by_the_other_side(links: tuple[Link, Link]) -> None:
    """No thread waits for ever for a process that is gone."""
    ended = threading.Event()

    def receive() -> None:
        with pytest.raises((EOFError, OSError)):
            links[1].receive()
        ended.set()

    thread = threading.Thread(target=receive)
    thread.start()
    links[0].close()
    assert ended.wait(SOON)
    thread.join()
