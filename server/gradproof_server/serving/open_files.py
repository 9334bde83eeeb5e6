"""How many files, and so connections, the process may have open. The usual 1024 would refuse the thousandth client."""

from __future__ import annotations

import contextlib

try:
    import resource
except ImportError:  # Windows, which has no such limit
    _HAS_LIMIT = False
else:
    _HAS_LIMIT = True


def limit() -> int | None:
    """How many this process may have open; None where there is no limit."""
    if not _HAS_LIMIT:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Allows as many as this process may allow itself without rights."""
    if not _HAS_LIMIT:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS takes less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
