"""Traffic against two servers with TLS while faults are injected in rotation: `python -m benchmarks.serving.soak 600`.

Ends with status 1 where an answer was wrong, a call was lost, or memory grew.
"""

from __future__ import annotations

import sys

from tests.support.traffic.callers import percentile
from tests.support.traffic.soak import soak

_MIB = 2**20


def main(seconds: float = 600.0) -> int:
    """Prints the table; returns the exit status."""
    result = soak(seconds)
    tally, times = result.tally, result.tally.all_seconds
    print(f"\n{tally.right} calls, {tally.wrong.total()} wrong, {tally.lost.total()} lost; ", end="")
    print(f"p50 {percentile(times, 50):.3f} s, p99 {percentile(times, 99):.3f} s")
    print("faults: " + ", ".join(f"{name} {count}" for name, count in result.faults.items()))
    for kind, (before, after) in result.memory.grown().items():
        print(f"the {kind} grew from {before / _MIB:.0f} to {after / _MIB:.0f} MiB")
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
