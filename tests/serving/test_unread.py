"""Answers that are not read: how many bytes there may be, and that nothing is kept of who is gone."""

from __future__ import annotations

import pytest
from gradproof_server.serving import calls
from gradproof_server.serving.admission import Bounds, Quotas
from gradproof_server.serving.calls import Call
from gradproof_server.serving.errors import BusyError, QuotaExceededError
from gradproof_server.serving.mailbox import Mailbox
from gradproof_server.serving.methods import StreamMessage
from gradproof_server.serving.unread import UnreadAnswers

EACH = Bounds(1, 2000)


def quotas() -> Quotas:
    """Of the caller "small" 10 bytes may be unread, of others 2,000, and of all 3,000."""
    return Quotas(Bounds(1, 3000), EACH, lambda caller, each: Bounds(1, 10) if caller == "small" else each)


def answers() -> UnreadAnswers:
    """With these quotas."""
    return UnreadAnswers(quotas())


def test_a_caller_who_does_not_read_is_refused_and_no_other() -> None:
    """From its bound on, until it has read."""
    some = answers()
    first = some.begin("a")
    first.add(1999)
    some.begin("a").add(1)
    with pytest.raises(QuotaExceededError, match="2000 bytes of answers to this caller are not read"):
        some.begin("a")
    some.begin("b")
    first.end()
    some.begin("a")


def test_a_caller_has_bounds_of_its_own() -> None:
    """Those of its entry."""
    some = answers()
    some.begin("small").add(10)
    with pytest.raises(QuotaExceededError):
        some.begin("small")


def test_all_callers_together_are_bounded_and_the_bound_can_change() -> None:
    """Nobody is served where as much is unread as may be."""
    bounds = quotas()
    some = UnreadAnswers(bounds)
    some.begin("a").add(1500)
    some.begin("b").add(1500)
    with pytest.raises(BusyError, match="3000 bytes of answers are not read"):
        some.begin("c")
    bounds.set(Bounds(1, 3001), EACH)
    some.begin("c")


def test_what_comes_after_the_end_does_not_count() -> None:
    """A call can be over before its answer is there; and it ends once."""
    some = answers()
    call, other = some.begin("a"), some.begin("a")
    other.add(1999)
    call.add(1000)
    call.end()
    call.end()
    call.add(1000)
    some.begin("a")


def test_parts_of_a_stream_count_but_for_passing_ones() -> None:
    """Of those only one waits."""
    sizes: list[int] = []
    mailbox = Mailbox(sizes.append)
    mailbox.put(StreamMessage(b"four"))
    mailbox.put(StreamMessage(b"passing", passing=True))
    assert sizes == [4]


def test_outside_of_a_call_nothing_is_counted() -> None:
    """Of a call, it is what was said when it was admitted."""
    calls.kept(1)
    sizes: list[int] = []
    calls.begin(Call("method", "id", "peer"))
    calls.kept(2)
    calls.admitted("a", sizes.append)
    calls.kept(3)
    assert sizes == [3]
