"""`gradproof top`, against a server of metrics that says what the test wants, and on a terminal."""

from __future__ import annotations

import asyncio
import codecs
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from gradproof.cli.app import run
from gradproof.cli.monitor import target as target_module
from gradproof.cli.monitor.target import Target

from tests.cli.metrics import metrics
from tests.support.processes import gradproof_server

SOON = 60


class Pages(HTTPServer):
    """Answers each request with the metrics of ten more calls, one of which failed, or with the answer given to it."""

    calls = 0
    answer: tuple[int, bytes] | None = None
    announced = 0


class _Handler(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        """Answers."""
        self.server.calls += 10
        failed = self.server.calls // 10
        status, body = self.server.answer or (200, metrics(self.server.calls - failed, failed=failed).encode())
        self.send_response(status)
        self.send_header("Content-Length", str(self.server.announced or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Writes nothing."""


@contextmanager
def pages(port: int = 0) -> Iterator[Pages]:
    """Such a server, on any free port."""
    with Pages(("127.0.0.1", port), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Pages]:
    """Such a server."""
    with pages() as found:
        yield found


def address(server: Pages) -> str:
    """Its host:port."""
    return f"127.0.0.1:{server.server_port}"


def test_the_table_has_what_happened_between(server: Pages, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors and percentiles are those of the interval, gauges those of its end; no colours where it is no terminal."""
    assert run(["top", "--target", address(server), "--interval", "0.1"]) == 0
    text = capsys.readouterr().out
    assert "150 ms" in text
    assert "10%  Internal 10%" in text
    assert "3 waiting" in text
    assert "findings  none 2" in text
    assert "\x1b" not in text


def test_json_sums_targets_and_names_those_that_cannot_be_read(
    server: Pages, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of two targets is enough; with none the status is 2."""
    dead = "127.0.0.1:1"
    arguments = ["top", "--target", address(server), "--target", dead, "--interval", "0.1", "--output", "json"]
    assert run(arguments) == 0
    seen = json.loads(capsys.readouterr().out)
    assert seen["methods"][0]["name"] == "CheckGradients"
    assert seen["methods"][0]["errors"] == {"Internal": pytest.approx(0.1)}
    assert [found["problem"] for found in seen["servers"]] == [None, "connection refused"]
    assert run(["top", "--target", dead, "--interval", "0.1"]) == 2
    assert "down for 0s: connection refused" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--target", "localhost"], ["--target", "http://a:1"], ["--interval", "0"]])
def test_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It is said before anything is read."""
    assert run(["top", *wrong]) == 2
    assert "Invalid value" in capsys.readouterr().err


async def test_a_server_goes_away_and_comes_back(server: Pages) -> None:
    """It is down with the reason and since when, and its first rates afterwards are since its last page."""
    with pages() as going:
        target = Target(address(going))
        assert (await target.read()).rates is None
    first, second = await target.read(), await target.read()
    assert (first.page, first.problem) == (None, "connection refused")
    assert second.down_seconds > first.down_seconds == 0
    with pages(going.server_port):
        back = await target.read()
    assert back.problem is None
    # It began again: ten calls, as many as before.
    assert back.rates is not None
    assert back.rates.total("grpc_server_started_total") == 0
    assert (await Target(address(server)).read()).problem is None


@pytest.mark.parametrize(
    ("answer", "announced", "problem"),
    [
        ((503, b"busy"), 0, "HTTP status 503"),
        ((200, b"<html>"), 0, "not a line of metrics: '<html>'"),
        ((200, b""), 0, "a page without metrics"),
        ((200, b"a 1\n"), 100, "its answer ended early"),
        ((200, b"a 1\xff"), 0, "'utf-8' codec can't decode byte 0xff in position 3: invalid start byte"),
    ],
)
async def test_what_is_no_page_is_a_problem(
    server: Pages, answer: tuple[int, bytes], announced: int, problem: str
) -> None:
    """Whatever a server says."""
    server.answer, server.announced = answer, announced
    assert (await Target(address(server)).read()).problem == problem


async def test_a_server_that_is_silent_or_not_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for only so long; what is another protocol is told."""
    hold = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await hold.wait()
        writer.write(b"SSH-2.0\r\n")
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listening:
        target = Target(f"127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        monkeypatch.setattr(target_module, "READ_SECONDS", 0.01)
        assert (await target.read()).problem == "no answer within 0 s"
        monkeypatch.undo()
        hold.set()
        assert (await target.read()).problem == "its answer is not HTTP"


class Terminal:
    """`gradproof top` on a terminal of its own."""

    def __init__(self, arguments: list[str], columns: int = 100, **environment: str) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(columns)
        self.modes = termios.tcgetattr(self.slave)
        self.text, self.seen = "", 0
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gradproof", "top", *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env={**kept, "TERM": "xterm", **environment},
            start_new_session=True,
        )

    def resize(self, columns: int) -> None:
        """Changes the size, as the terminal's user does."""
        ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))

    def type(self, keys: str) -> None:
        """Types."""
        os.write(self.master, keys.encode())

    def until(self, text: str, times: int = 1) -> None:
        """Reads until the text was shown so many times since what the last call waited for."""
        for _ in range(times):
            while (found := self.text.find(text, self.seen)) < 0:
                assert select.select([self.master], [], [], SOON)[0], f"{text!r} is not in {self.text[self.seen :]!r}"
                self.text += self.decoder.decode(os.read(self.master, 2**16))
            self.seen = found + len(text)

    def ends(self) -> int:
        """The exit status; all is given back by then."""
        self.until("\x1b[?1049l")
        status = self.process.wait(SOON)
        assert termios.tcgetattr(self.slave) == self.modes
        return status


@contextmanager
def terminal(*arguments: str, columns: int = 100, **environment: str) -> Iterator[Terminal]:
    """A terminal whose program is ended with the test."""
    found = Terminal(list(arguments), columns, **environment)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()
        os.close(found.master)
        os.close(found.slave)


@pytest.mark.parametrize("key", ["q", "signal"])
@pytest.mark.e2e
def test_a_terminal_is_drawn_again_until_its_end(server: Pages, key: str) -> None:
    """It has the screen for itself, redraws each interval, and gives it back at q and at signals."""
    with terminal("--target", address(server), "--interval", "0.1") as seen:
        seen.until("CheckGradients", times=3)
        assert seen.text.startswith("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H")
        assert termios.tcgetattr(seen.slave)[3] & (termios.ICANON | termios.ECHO) == 0
        if key == "q":
            seen.type("q")
        else:
            seen.process.send_signal(signal.SIGINT)
        assert seen.ends() == 0
        assert "150 ms" in seen.text
        assert "10%\x1b[0m" in seen.text


@pytest.mark.e2e
def test_a_terminal_that_changes_its_size_is_drawn_again(server: Pages) -> None:
    """At once, cut to its width; NO_COLOR is obeyed."""
    with terminal("--target", address(server), "--interval", "600", NO_COLOR="1") as seen:
        seen.until("FDS")
        seen.resize(8)
        seen.process.send_signal(signal.SIGWINCH)
        seen.until("gradproo\x1b[K")
        seen.until("CheckGra\x1b[K")
        seen.type("q")
        seen.ends()
        assert "\x1b[31m" not in seen.text
        assert "\x1b[1m" not in seen.text


@pytest.mark.e2e
def test_a_terminal_is_given_back_while_the_program_is_stopped(server: Pages) -> None:
    """As Ctrl-Z stops it; when it goes on it takes the screen again."""
    with terminal("--target", address(server), "--interval", "600") as seen:
        seen.until("FDS")
        seen.process.send_signal(signal.SIGTSTP)
        seen.until("\x1b[?1049l")
        os.waitid(os.P_PID, seen.process.pid, os.WSTOPPED | os.WNOWAIT)
        assert termios.tcgetattr(seen.slave) == seen.modes
        seen.process.send_signal(signal.SIGCONT)
        seen.until("FDS")
        seen.type("q")
        assert seen.ends() == 0


@pytest.mark.e2e
def test_once_leaves_its_table_on_the_terminal(server: Pages) -> None:
    """Neither another screen nor other modes, and lines are cut."""
    with terminal("--target", address(server), "--interval", "0.1", "--once", columns=40) as seen:
        seen.until("findings")
        assert seen.process.wait(SOON) == 0
        assert "1049" not in seen.text


@pytest.mark.e2e
def test_a_dumb_terminal_gets_the_table(server: Pages) -> None:
    """One that knows no escape sequences gets none."""
    with terminal("--target", address(server), "--interval", "0.1", TERM="dumb") as seen:
        seen.until("findings")
        assert seen.process.wait(SOON) == 0
        assert "\x1b" not in seen.text


@pytest.mark.e2e
def test_a_real_server_in_a_process_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """All that is shown is there: version, memory, workers, queue."""
    with gradproof_server("--workers", "1") as server:
        target = f"127.0.0.1:{server.metrics_port}"
        assert run(["top", "--target", target, "--interval", "0.1", "--output", "json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert [name for name, value in seen["servers"][0].items() if value is None] == ["problem", "down_seconds"]
    gauges = ("waiting", "running", "functions", "workers", "restarts", "refused", "verdicts", "findings")
    assert [name for name in gauges if seen[name] is None or seen[name] == {}] == []
