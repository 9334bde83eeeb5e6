"""A soak: traffic against two servers with TLS while faults are injected in rotation."""

from __future__ import annotations

import functools
import itertools
import os
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import gradproof as gp
import torch

from tests.support.certificates import Authority
from tests.support.servers import ServerProcess, memory_bytes
from tests.support.traffic.callers import Callers, Tally, Traffic, percentile
from tests.support.traffic.faults import FAULTS, Scene
from tests.support.traffic.kinds import kinds, right_answers

ROW_SECONDS = 60.0
FAULT_SECONDS = 5.0
"""Between the end of a fault and the next."""
THREADS, COROUTINES = 3, 5
GROWTH, SLACK_BYTES = 1.1, 32 * 2**20
"""More than this, from the middle third of a soak to its last, is growth."""
_MIB = 2**20
_FLAGS = ("--propagation-seconds", "1", "--reload-seconds", "0.5", "--workers", "2")


@dataclass
class Memory:
    """Resident memory of each kind of process over time, in bytes."""

    samples: dict[str, list[int]] = field(default_factory=dict)
    workers: set[int] = field(default_factory=set)

    def look(self, servers: list[ServerProcess]) -> None:
        """Takes a sample: the largest process of each kind."""
        workers = [pid for server in servers for pid in server.workers()]
        self.workers.update(workers)
        now = {"client": [os.getpid()], "front": [server.pid for server in servers], "worker": workers}
        for kind, pids in now.items():
            self.samples.setdefault(kind, []).append(max(map(memory_bytes, pids), default=0))

    def latest(self) -> dict[str, int]:
        """The last sample."""
        return {kind: sizes[-1] for kind, sizes in self.samples.items()}

    def grown(self) -> dict[str, tuple[float, float]]:
        """Kinds of processes that grew, with their usual size in the middle third and in the last third."""
        found = {}
        for kind, sizes in self.samples.items():
            third = len(sizes) // 3
            if third >= 3:
                before, after = median(sizes[third : 2 * third]), median(sizes[2 * third :])
                if after > GROWTH * before + SLACK_BYTES:
                    found[kind] = (before, after)
        return found


@dataclass
class Result:
    """What came of a soak. faults: how often each was injected."""

    tally: Tally
    memory: Memory
    faults: dict[str, int]

    @property
    def good(self) -> bool:
        """Whether nothing was wrong, lost, or grew."""
        return not self.tally.wrong and not self.tally.lost and not self.memory.grown()


def soak(seconds: float, *, row_seconds: float = ROW_SECONDS, fault_seconds: float = FAULT_SECONDS) -> Result:
    """Runs the traffic for so long, and a row of the table as often; every fault comes at least once."""
    torch.set_num_threads(1)
    mixture = kinds()
    with gp.Client.embedded() as client:
        answers = right_answers(mixture, client)
    with _servers() as scene:
        traffic = Traffic(mixture, answers)
        total, memory, injected = Tally(), Memory(), dict.fromkeys(FAULTS, 0)
        with Callers(traffic, scene.make, THREADS, COROUTINES):
            start = row = time.monotonic()
            for name in itertools.cycle(FAULTS):
                if time.monotonic() - start > seconds and all(injected.values()):
                    break
                FAULTS[name](scene)
                injected[name] += 1
                time.sleep(fault_seconds)
                memory.look(list(scene.servers))
                if time.monotonic() - row > row_seconds:
                    total += _told(traffic.take(), memory, time.monotonic() - start, time.monotonic() - row)
                    row = time.monotonic()
        total += _told(traffic.take(), memory, time.monotonic() - start, time.monotonic() - row)
    return Result(total, memory, injected)


@contextmanager
def _servers() -> Iterator[Scene]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = Authority()
        root = folder / "root.pem"
        root.write_bytes(authority.certificate)
        certificate, key = authority.server().write(folder, "server")
        flags = (*_FLAGS, "--tls-certificate", str(certificate), "--tls-key", str(key))
        servers = [ServerProcess(*flags) for _ in range(2)]

        def start(server: ServerProcess) -> None:
            server.start()
            stack.callback(server.end)

        with ThreadPoolExecutor() as pool:
            list(pool.map(start, servers))
        target = "ipv4:" + ",".join(server.target for server in servers)
        make = functools.partial(_client, target, gp.TLS(root=root, server_name="localhost"))
        rotate = functools.partial(_rotate, authority, folder)
        yield Scene(servers, rotate, make, random.Random(0))


def _rotate(authority: Authority, folder: Path) -> None:
    """A new certificate with a new key, in the place of the old ones."""
    certificate, key = authority.server().write(folder, "new")
    os.replace(key, folder / "server.key")
    os.replace(certificate, folder / "server.pem")


def _client(target: str, tls: gp.TLS, kind: Any) -> Any:
    """A client with the SDK's defaults."""
    return kind(target, tls=tls)


def _told(tally: Tally, memory: Memory, at: float, seconds: float) -> Tally:
    """Prints a row, and what was wrong or lost in it."""
    times, now = tally.all_seconds, memory.latest()
    sizes = "  ".join(f"{kind} {size / _MIB:.0f} MiB" for kind, size in now.items())
    print(
        f"{at:6.0f} s  {tally.right:6d} calls  {tally.right / seconds:6.1f}/s  p50 {percentile(times, 50):6.3f} s  "
        f"p99 {percentile(times, 99):6.3f} s  wrong {tally.wrong.total()}  lost {tally.lost.total()}  {sizes}  "
        f"workers so far {len(memory.workers)}",
        flush=True,
    )
    for what, counter in (("wrong", tally.wrong), ("lost", tally.lost)):
        for name, count in counter.items():
            print(f"          {what} {count} x {name}", flush=True)
    return tally
