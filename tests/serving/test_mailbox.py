"""The mailbox between the engine's thread and a caller who may read slowly."""

from __future__ import annotations

import asyncio

from gradproof_server.serving.mailbox import Mailbox
from gradproof_server.serving.methods import StreamMessage, TaskResult

END = TaskResult()


async def drained(mailbox: Mailbox) -> list[bytes]:
    """All parts that wait; the answer must be there."""
    found = []
    while isinstance(news := await mailbox.next(), StreamMessage):
        found.append(news.response)
    assert news is END
    return found


async def test_parts_come_in_their_order_and_the_answer_last() -> None:
    """Nothing is lost of what does not pass."""
    mailbox = Mailbox(lambda _: None)
    for name in (b"a", b"b", b"c"):
        mailbox.put(StreamMessage(name))
    mailbox.close(END)
    assert await drained(mailbox) == [b"a", b"b", b"c"]


async def test_of_progress_only_the_last_waits() -> None:
    """A reader who was away for a thousand messages of progress reads one, and every tensor."""
    mailbox = Mailbox(lambda _: None)
    for i in range(1000):
        mailbox.put(StreamMessage(b"%d" % i, passing=True))
        if i == 500:
            mailbox.put(StreamMessage(b"tensor"))
    mailbox.close(END)
    assert await drained(mailbox) == [b"tensor", b"999"]


async def test_what_comes_after_the_answer_is_dropped() -> None:
    """A computation that was stopped may still send; nobody is told."""
    mailbox = Mailbox(lambda _: None)
    mailbox.close(END)
    mailbox.put(StreamMessage(b"late"))
    mailbox.close(TaskResult(b"second"))
    assert await drained(mailbox) == []


async def test_a_reader_waits_for_what_is_not_there_yet() -> None:
    """next() is pending until a part comes."""
    mailbox = Mailbox(lambda _: None)
    reading = asyncio.ensure_future(mailbox.next())
    await asyncio.sleep(0)
    assert not reading.done()
    mailbox.put(StreamMessage(b"a"))
    assert await reading == StreamMessage(b"a")
