"""What torch raises when a stated problem cannot be built or run."""

from __future__ import annotations

import torch

from .types import InvalidProblemError, LimitExceededError, ProblemError, Violation

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


def as_problem_error(error: Exception, path: str, what: str) -> ProblemError:
    """The error for the caller: out of memory is a limit, everything else a violation at `path`."""
    text = " ".join(str(error).split())[:600]
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return LimitExceededError(path, "memory of the device in bytes", 0, 0)
    return InvalidProblemError([Violation(path, "CANNOT_RUN", f"{what}: {text}")])
