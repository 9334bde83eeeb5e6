"""PyTorch's global switches and generators while numbers are computed that must repeat bit by bit."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import torch

from .training import Training

DETERMINISTIC: Any = torch.utils.deterministic
# cuBLAS repeats its bits only with a workspace of its own, which it reads at first use; without it PyTorch refuses
# every matrix product on CUDA while deterministic algorithms are asked for.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@contextlib.contextmanager
def deterministic(training: Training) -> Iterator[None]:
    """Seeds the generators and switches to deterministic, full-precision algorithms; restores everything after."""
    devices = [training.device] if training.device.type == "cuda" else []
    was = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = DETERMINISTIC.fill_uninitialized_memory
    with torch.random.fork_rng(devices), _full_precision(training.device), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # On CPU every operation repeats its bits once this is on, also those that PyTorch lists as unsupported.
        torch.use_deterministic_algorithms(True, warn_only=training.device.type == "cpu")
        DETERMINISTIC.fill_uninitialized_memory = False
        # torch.manual_seed would seed every kind of device and note where it was called, a third of a small run.
        torch.default_generator.manual_seed(training.seed)
        if devices:
            torch.cuda.manual_seed(training.seed)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was[0], warn_only=was[1])
            DETERMINISTIC.fill_uninitialized_memory = filled


@contextlib.contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    if device.type != "cuda":
        yield
        return
    was = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = was
