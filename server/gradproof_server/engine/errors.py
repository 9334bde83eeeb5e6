"""What torch raises when a stated problem cannot be built or run."""

from __future__ import annotations

import torch

from .types import InvalidProblemError, Violation

TORCH_ERRORS = (
    RuntimeError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AssertionError,
    ArithmeticError,
    NotImplementedError,
    AttributeError,
    MemoryError,
)


def as_problem_error(error: Exception, path: str, what: str) -> InvalidProblemError | MemoryError:
    """The error for the caller: MemoryError where memory ran out, everything else a violation at `path`."""
    text = " ".join(str(error).split())[:600]
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return MemoryError(f"{path}: {text}")
    return InvalidProblemError([Violation(path, "CANNOT_RUN", f"{what}: {text}")])
