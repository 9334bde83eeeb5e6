"""The memory and work that all running problems may take together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from gradproof_server.engine.types import Cost


class Lease:
    """What one problem asked for. `granted` becomes true once, before its callback is called."""

    def __init__(self, cost: Cost, on_grant: Callable[[], None]) -> None:
        self.cost, self.on_grant = cost, on_grant
        self.granted = False


class Budget:
    """Grants leases in the order in which they are asked for; a problem larger than the budget runs alone.

    Args:
        total: most memory and floating-point operations of all that runs, as estimated.
    """

    def __init__(self, total: Cost) -> None:
        self._total = total
        self._lock = threading.Lock()
        self._asking: deque[Lease] = deque()
        self._granted: set[Lease] = set()

    def resize(self, total: Cost) -> None:
        """Has another total from now on; what runs goes on."""
        with self._lock:
            self._total = total
        self._grant()

    def ask(self, cost: Cost, on_grant: Callable[[], None]) -> Lease:
        """A lease that is granted now or later; `on_grant` is called then, on any thread, and must not wait."""
        lease = Lease(cost, on_grant)
        with self._lock:
            self._asking.append(lease)
        self._grant()
        return lease

    def release(self, lease: Lease) -> None:
        """Gives a lease back, or stops asking for it. A second time it does nothing."""
        with self._lock:
            self._granted.discard(lease)
            if lease in self._asking:
                self._asking.remove(lease)
        self._grant()

    def _grant(self) -> None:
        fresh = []
        with self._lock:
            while self._asking and self._fits(self._asking[0].cost):
                lease = self._asking.popleft()
                lease.granted = True
                self._granted.add(lease)
                fresh.append(lease)
        for lease in fresh:
            lease.on_grant()

    def _fits(self, cost: Cost) -> bool:
        memory = sum(lease.cost.memory_bytes for lease in self._granted) + cost.memory_bytes
        flops = sum(lease.cost.flops for lease in self._granted) + cost.flops
        return not self._granted or (memory <= self._total.memory_bytes and flops <= self._total.flops)
