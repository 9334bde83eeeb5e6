"""What `gradproof top` reads off pages of metrics."""

from __future__ import annotations

import math
from itertools import accumulate

import pytest
from gradproof.cli.monitor import quantities
from gradproof.cli.monitor.histogram import quantile
from gradproof.cli.monitor.page import Page, added, parse, rates
from gradproof.cli.monitor.summary import Summary, summarize
from gradproof.cli.monitor.target import Reading, host_and_port
from gradproof.cli.monitor.text import Span, fit, flow, paint, table
from gradproof.cli.monitor.view import lines
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.metrics import metrics

FINITE = st.floats(min_value=1e-6, max_value=1e6)


def server(calls: int, *, failed: int = 0, start: float = 100.0) -> Page:
    """The page of a server that answered so many calls."""
    return parse(metrics(calls, failed=failed, start=start))


def between(later: Page, earlier: Page, seconds: float = 2.0) -> Summary:
    """What two pages of one server say."""
    return summarize([Reading("a:1", later, rates(later, earlier, seconds))])


@pytest.mark.parametrize(
    ("line", "labels", "value"),
    [
        ("a 1", {}, 1.0),
        ("a{} 1e3 1700000000", {}, 1000.0),
        ('a{b="c",d="}"} 2', {"b": "c", "d": "}"}, 2.0),
        ('a{b="c",} 2', {"b": "c"}, 2.0),
        (r'a{b="say \"x\", \\ and\n"} 2', {"b": 'say "x", \\ and\n'}, 2.0),
        ('a{b="c"} 2 # {trace_id="0f"} 0.5 1.7e9', {"b": "c"}, 2.0),
    ],
)
def test_a_sample_is_read(line: str, labels: dict[str, str], value: float) -> None:
    """Escapes, timestamps and exemplars are understood."""
    assert parse(line).samples == {"a": {tuple(sorted(labels.items())): value}}


def test_what_is_no_number_is_not_known() -> None:
    """NaN and infinity are as good as missing."""
    assert parse("a NaN\nb +Inf\nc 1").samples == {"c": {(): 1.0}}


@pytest.mark.parametrize(
    "text", ["<html>", "", "# nothing", "a one", 'a{b="c" 1', "a{b=c} 1", "a{" + 'x="1"  ' * 4000, "a NaN"]
)
def test_what_is_no_page_is_refused(text: str) -> None:
    """A page of something else is an error, at once."""
    with pytest.raises(ValueError, match=r"metrics|could not convert"):
        parse(text)


@given(st.lists(FINITE, min_size=1, max_size=8, unique=True), st.data(), st.floats(min_value=0.0, max_value=1.0))
def test_a_quantile_is_in_the_bucket_that_holds_it(bounds: list[float], data: st.DataObject, share: float) -> None:
    """It lies within the bounds of the first bucket that has so many; beyond the last bound it is that bound."""
    bounds = sorted(bounds)
    counts = data.draw(st.lists(st.integers(0, 50), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    cumulative = list(accumulate(counts))
    buckets = {str(bound): float(count) for bound, count in zip([*bounds, math.inf], cumulative, strict=True)}
    found = quantile(buckets, share)
    if not cumulative[-1]:
        assert found is None
        return
    rank = share * cumulative[-1]
    first = next(k for k, count in enumerate(cumulative) if count >= rank and count > 0)
    low, high = [0.0, *bounds][first], [*bounds, bounds[-1]][first]
    assert found is not None
    assert low <= found <= high * (1 + 1e-9)


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any))
def test_quantiles_go_up(counts: list[int]) -> None:
    """A greater share is at or below a greater value."""
    buckets = dict(zip(("0.1", "1", "10", "+Inf"), map(float, accumulate(counts)), strict=True))
    found = [quantile(buckets, k / 20) for k in range(21)]
    assert found == sorted(found)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ({}, None),
        ({"1": 0, "+Inf": 0}, None),
        ({"1": 0, "2": 10, "+Inf": 10}, 1.5),
        ({"1": 10, "2": 10, "+Inf": 10}, 0.5),
        ({"1": 0, "+Inf": 5}, 1.0),
        ({"+Inf": 5}, 0.0),
        ({"1": 8, "1.5": 4, "2": 10, "+Inf": 10}, 0.625),
    ],
)
def test_a_median(buckets: dict[str, float], expected: float | None) -> None:
    """Even within a bucket; the last row is the sum of two servers with different bounds."""
    assert quantile(buckets, 0.5) == expected


def test_rates_are_of_the_interval() -> None:
    """Calls, errors and times are those between two pages; calls in flight those of the later."""
    method = between(server(130, failed=10), server(100)).methods[0]
    assert (method.calls_per_second, method.in_flight, method.errors) == (20.0, 2.0, {"Internal": 0.25})
    assert method.seconds.p50 == pytest.approx(0.15)
    assert method.error_share == 0.25


def test_verdicts_are_per_minute() -> None:
    """30 in 2 s are 900 per minute, and all of them are told too."""
    tally = between(server(130), server(100)).verdicts["agrees"]
    assert (tally.per_minute, tally.total) == (900.0, 130.0)


@pytest.mark.parametrize(("calls", "start"), [(10, 100.0), (10, 200.0), (300, 200.0)])
def test_a_server_that_began_again_counts_from_zero(calls: int, start: float) -> None:
    """Whether a counter went back or only the start of the process tells."""
    assert between(server(calls, start=start), server(100)).methods[0].calls_per_second == calls / 2


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=2), st.integers(0, 10))
def test_no_rate_is_negative(calls: list[int], failed: int) -> None:
    """Whatever two pages hold."""
    grown = rates(server(calls[0]), server(calls[1], failed=failed), 1.0)
    assert min(value for found in grown.samples.values() for value in found.values()) >= 0


def test_a_server_that_began_again_hides_no_other() -> None:
    """Rates are of each server, then summed: one that began again takes nothing from the others."""
    first, second = server(10, start=200.0), server(200)
    seen = summarize(
        [Reading("a:1", first, rates(first, server(100), 1.0)), Reading("b:1", second, rates(second, server(150), 1.0))]
    )
    assert seen.methods[0].calls_per_second == 60.0


def test_pages_are_summed_by_sample() -> None:
    """Equal samples are added, others kept."""
    both = added([parse('a{b="1"} 1\nc 2'), parse('a{b="1"} 3\na{b="2"} 5')])
    assert (both.by("b", "a"), both.total("a"), both.total("c"), both.total("d")) == ({"1": 4, "2": 5}, 9, 2, None)


def test_what_a_server_does_not_tell_is_a_dash() -> None:
    """An older server has fewer metrics."""
    page = parse("process_start_time_seconds 0")
    text = "\n".join(paint(line, None, False) for line in lines(between(page, page), 100))
    assert "queue     - waiting  - running  - functions  waited p50 -, p90 -, p99 -" in text
    assert "verdicts  -" in text
    assert "no calls yet" in text


def test_servers_are_summed_below() -> None:
    """All numbers of those that can be read; what is marked in one is not marked in the sum."""
    memory = "process_resident_memory_bytes 1048576\ngradproof_worker_memory_bytes 2097152"
    page = parse(f"gradproof_waiting_calls 2\ngradproof_workers 0\n{memory}")
    readings = [Reading("a:1", page, rates(page, page, 1.0)), Reading("b:1", page), Reading("c:1", problem="gone")]
    rows = lines(summarize(readings), 100)[1:5]
    assert paint(rows[3], None, False).split() == ["2", "of", "3", "up", "-", "4", "-", "0", "6", "MiB", "-"]
    marked = [[style for _, style in row if style in ("warn", "bad")] for row in rows]
    assert marked == [["warn", "bad"], ["warn", "bad"], ["bad"], []]


@pytest.mark.parametrize(("opened", "marked"), [(80, False), (81, True)])
def test_files_that_run_out_are_marked(opened: int, marked: bool) -> None:
    """From 80 % of those that the process may open."""
    page = parse(f"process_open_fds {opened}\nprocess_max_fds 100")
    row = paint(lines(between(page, page), 100)[1], None, True)
    assert row.endswith(f"\x1b[31m{opened}\x1b[0m") == marked


def test_what_never_happened_is_none() -> None:
    """It is known that there was none."""
    page = parse('gradproof_checks_total{verdict="agrees"} 0')
    text = [paint(line, None, False) for line in lines(between(page, page), 100)]
    assert "verdicts  none" in text


@pytest.mark.parametrize(
    ("address", "expected"),
    [("a.b:1", ("a.b", 1)), ("[::1]:9464", ("::1", 9464)), ("10.0.0.1:65535", ("10.0.0.1", 65535))],
)
def test_addresses(address: str, expected: tuple[str, int]) -> None:
    """Names and addresses, IPv6 in brackets."""
    assert host_and_port(address) == expected


@pytest.mark.parametrize("address", ["", "a", "a:", ":1", "a:b", "a:0", "a:65536", "::1", "http://a:1", "a:１"])
def test_wrong_addresses(address: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        host_and_port(address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (quantities.seconds(0.00052), "0.5 ms"),
        (quantities.seconds(0.0123), "12 ms"),
        (quantities.seconds(0.9996), "1.00 s"),
        (quantities.seconds(60), "60.0 s"),
        (quantities.duration(59.9), "59s"),
        (quantities.duration(185), "3m05s"),
        (quantities.duration(90000), "1d01h"),
        (quantities.rate(0.44), "0.4"),
        (quantities.rate(123.4), "123"),
        (quantities.count(9999), "9999"),
        (quantities.count(45_100), "45.1k"),
        (quantities.count(2.3e6), "2.3M"),
        (quantities.size(1.5 * 2**30), "1.5 GiB"),
        (quantities.share(0.004), "0.4%"),
        (quantities.share(1.0), "100%"),
    ],
)
def test_quantities(text: str, expected: str) -> None:
    """Short, with a unit."""
    assert text == expected


def test_a_line_is_cut_and_never_holds_what_a_terminal_would_obey() -> None:
    """Colours take no width; what a server names its things cannot move the cursor."""
    line = [Span("abc", "bad"), Span("\x1b[2Jdef\n")]
    assert paint(line, 5, colours=True) == "\x1b[31mabc\x1b[0m?["
    assert paint(line, None, colours=False) == "abc?[2Jdef?"


@given(st.lists(st.text("ab", min_size=1, max_size=12), max_size=9), st.integers(12, 60))
def test_items_are_never_split(items: list[str], width: int) -> None:
    """Lists are broken between items, and lines are no longer than the width but for an item that is."""
    found = [paint(line, None, False) for line in flow("label", [[Span(item)] for item in items], 7, width)]
    assert " ".join(found).split() == ["label", *items]
    assert all(len(line) <= width or len(line.split()) <= 2 for line in found)


def test_columns_are_aligned_where_a_row_is_short() -> None:
    """A row that ends early may have a long last cell, which widens no column."""
    rows = [[Span("a"), Span("1"), Span("x")], [Span("longer"), Span("down: for a long reason")]]
    assert [paint(line, None, False) for line in table(("N", "V", "L"), rows)] == [
        "N       V  L",
        "a       1  x",
        "longer  down: for a long reason",
    ]


def test_what_has_no_room_is_counted() -> None:
    """Lines that do not fit are left out, and their number is shown."""
    found = fit([[Span(str(k))] for k in range(10)], 4)
    assert [paint(line, None, False) for line in found] == ["0", "1", "2", "(7 lines more)"]
