"""The pages that --debug shows on the port of the metrics: what the server is and does at this moment."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import grpc
from gradproof._version import __version__

from gradproof_server.serving.calls import Call
from gradproof_server.serving.workers.pool import WorkerState

_FAILURES = 50


class Failures:
    """The last calls that failed, newest last. May be told and asked on any thread."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_FAILURES)
        self._lock = threading.Lock()

    def add(self, call: Call, code: grpc.StatusCode) -> None:
        """Remembers that a call ended with this code, and its reason; nothing of its request but the id."""
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        reason = call.notes.get("reason", code.name)
        with self._lock:
            self._lines.append(f"{when}  {call.request_id}  {call.method.rpartition('/')[2]}  {reason}")

    def lines(self) -> list[str]:
        """One line for each."""
        with self._lock:
            return list(self._lines)


def debug_page(
    settings: Callable[[], Mapping[str, object]],
    workers: Callable[[], Sequence[WorkerState]],
    waiting: Callable[[], Mapping[str, int]],
    failures: Failures,
) -> str:
    """The page, as text: the build, the settings, the workers, who waits with how many calls, the last failures."""
    sections = {
        "build": [f"gradproof {__version__}, gRPC {grpc.__version__}"],
        "workers": [_worker(state) for state in workers()],
        "waiting calls by caller": [f"{count:6}  {caller}" for caller, count in sorted(waiting().items())],
        "last failures": failures.lines(),
        "settings": json.dumps(settings(), indent=2).splitlines(),
    }
    return "\n".join("\n".join([f"== {title}", *(lines or ["none"]), ""]) for title, lines in sections.items())


def channelz_page() -> str:
    """What gRPC itself knows of its servers and channels, as JSON: numbers of calls, by the channelz service."""
    from google.protobuf import json_format
    from grpc_channelz.v1 import channelz_pb2
    from grpc_channelz.v1.channelz import ChannelzServicer

    servers = ChannelzServicer.GetServers(channelz_pb2.GetServersRequest(start_server_id=0), None)
    channels = ChannelzServicer.GetTopChannels(channelz_pb2.GetTopChannelsRequest(start_channel_id=0), None)
    return "\n".join(json_format.MessageToJson(message) for message in (servers, channels)) + "\n"


def _worker(state: WorkerState) -> str:
    task = f"  {state.method} for {state.seconds:.1f} s" if state.method else ""
    return f"{state.number:3}  pid {state.pid or '-'}  {state.state}  restarts {state.restarts}{task}"
