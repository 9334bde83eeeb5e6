"""A worker whose memory runs out: its call is told so, and its place goes on."""

from __future__ import annotations

import gradproof as gp
import numpy as np
import pytest
from gradproof.errors import ResourceExhaustedError

from tests.faults.harness import serving
from tests.support.traffic.kinds import dense

_LIMIT = 2 * 2**30


def of_some_gibibytes() -> gp.Problem:
    """A problem with a tensor that does not fit, although the server's limits of problems let it pass."""
    network = [gp.Upsample(size=[14_000, 14_000]), gp.functions.Reduce("mean")]
    return gp.Problem(network, input=np.ones((1, 1, 2, 2)), target=1.0, loss=gp.MSELoss())


def test_a_problem_that_needs_too_much_memory_fails_alone() -> None:
    """OUT_OF_MEMORY is told and not repeated, again and again; the next calls are answered, and the front lives on."""
    with serving("--workers", "1", "--worker-memory-bytes", str(_LIMIT)) as server, gp.Client(server.target) as client:
        front = server.pid
        for _ in range(3):
            with pytest.raises(ResourceExhaustedError) as caught:
                client.compute(of_some_gibibytes(), include=["loss"])
            assert caught.value.reason == "OUT_OF_MEMORY"
            assert client.compute(dense(64, 64, 8, 2)).loss >= 0
        assert server.pid == front
        assert 2**24 < server.metric("gradproof_worker_memory_bytes") < _LIMIT
        assert server.metric("grpc_server_started_total", grpc_method="ComputeGradients") == 6
