"""Peak memory of the server for a network of 50 million parameters whose gradients are returned."""

from __future__ import annotations

import time

import gradproof as gp
import numpy as np

from tests.support.servers import server_process

SIZE = 7072
"""One square linear layer: 7072² = 50.0 million parameters."""


def main() -> None:
    """Prints the peak above the idle server, and how many times the network's own size it is."""
    generator = np.random.default_rng(0)
    weight = generator.standard_normal((SIZE, SIZE), dtype=np.float32)
    x, t = generator.standard_normal((4, SIZE), dtype=np.float32), np.zeros((4, SIZE), dtype=np.float32)
    problem = gp.Problem(
        [gp.Linear(SIZE, SIZE, bias=False, weight=weight)], input=x, target=t, loss=gp.MSELoss(), dtype="float32"
    )
    with server_process() as server, gp.Client(server.target, timeout=300.0) as client:
        client.catalog()
        idle = server.memory_bytes("VmRSS")
        started = time.perf_counter()
        reference = client.compute(problem, include=["gradient"])
        seconds = time.perf_counter() - started
        peak = server.memory_bytes("VmHWM")
    assert reference.gradients["0.weight"].shape == (SIZE, SIZE)
    print(f"\n{SIZE * SIZE / 1e6:.0f} million parameters, float32, gradients returned in one message")
    print(f"network {weight.nbytes / 2**20:.0f} MiB, idle server {idle / 2**20:.0f} MiB, peak {peak / 2**20:.0f} MiB")
    print(f"peak above idle: {(peak - idle) / weight.nbytes:.1f} times the network; {seconds:.1f} s from end to end")


if __name__ == "__main__":
    main()
