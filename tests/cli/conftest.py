"""Problem files with known verdicts, and a server in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import gradproof_server

# d loss / d weight = 2 (0.5 * 2 - 0.9) * 2 = 0.4, d loss / d bias = 0.2, loss = 0.01
STEP = """\
network: [{Linear: [1, 1, {weight: [[0.5]], bias: [0.0]}]}]
input: [[2.0]]
target: [[0.9]]
loss: MSELoss
optimizer: {SGD: {lr: 0.1}}
"""
SPECIMENS = {
    "right": STEP
    + "claim: {loss: 0.01, gradients: {0.weight: [[0.40]], 0.bias: [0.20]}, updated: {0.weight: [[0.460]]}}\n",
    # 0.4052 is beyond 0.405 by just over half a unit's slack.
    "wrong": STEP + "claim: {loss: 0.01, gradients: {0.weight: {values: [[0.4052]], decimals: 2}}}\n",
    # The gradient is -1e-9 by cancellation; float16 cannot tell it from 0.002.
    "open": (
        "network: [{Linear: [1, 1, {weight: [[0.0]], bias: [0.0]}]}]\n"
        "input: [[1.0], [1.0]]\ntarget: [[1.0], [-0.999999999]]\nloss: MSELoss\n"
        "claim: {gradients: {0.bias: [0.002]}, dtype: float16}\n"
    ),
    "bad": STEP + "claim: {gradients: {0.weigth: [[0.4]]}}\n",
    "claimless": STEP,
}
"""Files by what comes of them. "bad" is well-formed, but names a parameter that is not there."""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Paths of the specimens."""
    for name, text in SPECIMENS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return {name: str(tmp_path / f"{name}.yaml") for name in SPECIMENS}


@pytest.fixture(scope="session")
def server_target() -> Iterator[str]:
    """The target of a server that runs in another process."""
    with gradproof_server() as server:
        yield f"127.0.0.1:{server.port}"
